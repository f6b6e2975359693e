/**
 * @file sipd/setup_adopt.c  A predecessor's call without an answer, read
 *
 * The bytes have their CRC, and were ours; what does not fit together all the
 * same ends the call, not the process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "sipd/call_act.h"
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/setup_keep.h"


/* --- bytes ---------------------------------------------------------------- */

static size_t size_of(const struct setup_image *i)
{
	return sizeof(*i) + i->copyc * sizeof(struct copy_image) +
	       i->listc * sizeof(struct row_image) + i->tokenc +
	       i->shortc * sizeof(uint32_t);
}


/* A blob lies at a multiple of BLOB_UNIT. */
const struct setup_image *setup_image_of(struct text bytes)
{
	const struct setup_image *i = (const void *)bytes.p;

	if (bytes.l < sizeof(*i) || bytes.l != size_of(i) ||
	    i->copyc > BINDINGS_PER_TERMINAL ||
	    i->listc > ROUTE_CANDIDATES_MAX ||
	    i->tokenc > ROUTE_CANDIDATES_MAX || i->shortc > ROUTE_SHORT_MAX ||
	    i->next_candidate > i->listc || i->redirectl > CAT_NUMBER_MAX ||
	    i->result.end >= ATTEMPT_ENDC || i->last.end >= ATTEMPT_ENDC ||
	    i->a_refresher > REFRESHER_UAS || i->timer_class > 3 ||
	    i->to.transport >= TRANSPORTC ||
	    i->reply_to.transport >= TRANSPORTC ||
	    !memchr(i->target_host, '\0', sizeof(i->target_host)))
		return NULL;

	return i;
}


/* --- struct setup --------------------------------------------------------- */

static void read_number(struct number *number, struct text t, bool is_valid)
{
	*number = (struct number){ .is_valid = is_valid };
	if (t.l > CAT_NUMBER_MAX)
		t.l = CAT_NUMBER_MAX;
	memcpy(number->text, t.p, t.l);
	number->len = (uint8_t)t.l;
}


static void read_numbers(struct call *call, const struct setup_image *i)
{
	struct setup *s = call->setup;

	read_number(&s->caller, call_fact(call, FACT_CALLER),
		    (i->flags & SETUP_CALLER_VALID) != 0);
	read_number(&s->called, call_fact(call, FACT_CALLED),
		    (i->flags & SETUP_CALLED_VALID) != 0);
	read_number(&s->called_original, call_fact(call, FACT_CALLED_ORIGINAL),
		    (i->flags & SETUP_ORIGINAL_VALID) != 0);
	read_number(&s->redirect, (struct text){ i->redirect, i->redirectl },
		    i->redirectl > 0);
}


static void read_result(struct attempt_result *r, const struct result_image *i)
{
	*r = (struct attempt_result){
		.end = (enum attempt_end)i->end,
		.code = i->code,
		.had_sdp = (i->flags & RESULT_HAD_SDP) != 0,
		.had_rtp = (i->flags & RESULT_HAD_RTP) != 0,
	};
}


static void read_flags(struct call *call, uint32_t flags)
{
	struct setup *s = call->setup;

	s->terms.has_timer = (flags & SETUP_HAS_TIMER) != 0;
	s->terms.a_require = (flags & SETUP_A_REQUIRE) != 0;
	s->has_list = (flags & SETUP_HAS_LIST) != 0;
	s->is_last_failed = (flags & SETUP_IS_LAST_FAILED) != 0;
	s->is_forwarding = (flags & SETUP_IS_FORWARDING) != 0;
	s->b_has_sdp = (flags & SETUP_B_HAS_SDP) != 0;
	s->kept.is_reliable = (flags & SETUP_IS_RELIABLE) != 0;
	s->a_reliable_pending = s->kept.is_reliable;
	s->has_waiting = (flags & SETUP_HAS_WAITING) != 0;
	s->waiting_sdp = (flags & SETUP_WAITING_SDP) != 0;
	s->answer_waits = (flags & SETUP_ANSWER_WAITS) != 0;
	s->kept.is_told = (flags & SETUP_IS_TOLD) != 0;
	call->rings = (flags & SETUP_RINGS) != 0;
	call->is_silent = (flags & SETUP_IS_SILENT) != 0;
}


static void read_fields(struct call *call, const struct setup_image *i)
{
	struct setup *s = call->setup;

	s->kept.texts = i->texts;
	s->kept.reply_to = i->reply_to;
	s->kept.reply_boot_us = i->reply_boot_us;
	s->kept.timer_boot_us = i->timer_boot_us;
	s->kept.attempt_boot_us = i->attempt_boot_us;
	s->kept.reply_code = i->reply_code;
	s->to = i->to;
	s->attempt_began_us = i->attempt_boot_us - clk_boot_us() +
			      ev_now_us(call->sipd->ev);
	s->max_forwards = i->max_forwards;
	s->min_se_s = i->min_se_s;
	s->terms.a_expires_s = i->a_expires_s;
	s->terms.b_expires_s = i->b_expires_s;
	s->terms.b_min_se_s = i->b_min_se_s;
	s->terms.a_refresher = (enum timer_refresher)i->a_refresher;
	read_result(&s->result, &i->result);
	read_result(&s->last, &i->last);
	s->waiting_code = i->waiting_code;
	s->b_code = i->b_code;
	s->target_port = i->target_port;
	s->classes = i->classes;
	s->redirects = i->redirects;
	s->raises = i->raises;
	memcpy(s->target_host, i->target_host, sizeof(s->target_host));
	call->renew_s = i->renew_s;
	call->retry_after_s = i->retry_after_s;
	call->timer_class = i->timer_class;
}


static void read_lists(struct call *call, const struct setup_image *i)
{
	struct setup *s = call->setup;
	const char *p = (const char *)(i + 1);
	struct row_image row;

	memcpy(s->kept.copies, p, i->copyc * sizeof(s->kept.copies[0]));
	s->kept.copyc = i->copyc;
	p += i->copyc * sizeof(s->kept.copies[0]);
	for (size_t n = 0; n < i->listc; n++, p += sizeof(row)) {
		memcpy(&row, p, sizeof(row));
		s->list.rows[n] = (struct route_candidate){
			.gateway = row.gateway,
			.length = row.length,
			.protect = row.protect != 0,
		};
	}
	s->list.count = i->listc;
	s->next_candidate = i->next_candidate;
	for (size_t n = 0; n < i->tokenc; n++)
		s->tokens[n] = (enum route_token)(uint8_t)*p++;
	s->tokenc = i->tokenc;
	memcpy(s->shorts, p, i->shortc * sizeof(s->shorts[0]));
	s->shortc = i->shortc;
}


static int read_attempts(struct call *call)
{
	const struct text rows = blob_text(call->sipd->blobs,
					   &call->i.attempts);

	if (call->i.attemptc > ATTEMPTS_MAX ||
	    rows.l != call->i.attemptc * sizeof(struct attempt_image))
		return EBADMSG;
	memcpy(call->setup->attempts, rows.p, rows.l);
	call->setup->attemptc = call->i.attemptc;

	return 0;
}


static int read_auth(struct call *call)
{
	const struct text auth = blob_text(call->sipd->blobs,
					   &call->setup->kept.texts.auth);

	if (!auth.l)
		return 0;
	if (auth.l != sizeof(*call->b.auth))
		return EBADMSG;
	call->b.auth = malloc(sizeof(*call->b.auth));
	if (!call->b.auth)
		return ENOMEM;
	memcpy(call->b.auth, auth.p, auth.l);

	return 0;
}


int setup_read(struct call *call)
{
	const struct text bytes = blob_text(call->sipd->blobs, &call->i.setup);
	const struct setup_image *i = setup_image_of(bytes);
	int err;

	if (!i)
		return EBADMSG;
	call->setup = setup_take(call->sipd);
	if (!call->setup)
		return ENOMEM;
	read_flags(call, i->flags);
	read_fields(call, i);
	read_numbers(call, i);
	read_lists(call, i);
	err = read_attempts(call);
	if (!err)
		err = read_auth(call);

	return err;
}


/* --- A's transaction ------------------------------------------------------ */

int setup_adopt_a(struct call *call)
{
	struct sipd *sipd = call->sipd;
	const struct setup_image *i = setup_image_of(
		blob_text(sipd->blobs, &call->i.setup));
	struct txn_past past = { .code = 0 };
	struct text head;
	int err;

	if (!i || !i->texts.head.unit)
		return ENOENT;
	head = blob_text(sipd->blobs, &i->texts.head);
	err = txn_server_adopt(sipd->txns, &call->a.invite, head, &i->reply_to,
			       call->a.tag);
	if (err)
		return err;
	call_own_a(call);
	past.code = i->reply_code;
	past.is_reliable = (i->flags & SETUP_IS_RELIABLE) != 0;
	past.message = blob_text(sipd->blobs, &i->texts.reply);
	past.age_ms = (clk_boot_us() - i->reply_boot_us) / 1000;

	return txn_server_resume(sipd->txns, call->a.invite, &past);
}
