/**
 * @file sipd/setup_keep.c  A call without an answer is written down
 */
#include <errno.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/exchange.h"
#include "sipd/fork.h"
#include "sipd/setup_keep.h"

enum {
	PARTC = 5
};


/* --- towards A ------------------------------------------------------------ */

void setup_keep_a(struct call *call)
{
	struct sipd *sipd = call->sipd;
	struct setup_kept *kept = &call->setup->kept;
	const struct text head = txn_server_head(sipd->txns, call->a.invite,
						 &kept->reply_to);

	/* For want of space a successor cannot answer it: it says so. */
	(void)blob_take(sipd->blobs, &kept->texts.head, &head, 1);
}


/* What copies of the INVITE get again: a 1xx behind a reliable one that waits
 * does not count (txn_fsm.c). */
static void keep_reply(struct call *call, const struct txn_reply *reply,
		       struct text message)
{
	struct setup_kept *kept = &call->setup->kept;
	struct blob blob = { 0 };

	if (kept->is_reliable && reply->code < 200 && !reply->is_reliable)
		return;
	/* 100 is its head and nothing else. */
	if (reply->code > 100 &&
	    blob_take(call->sipd->blobs, &blob, &message, 1))
		return;
	call_blob_drop(call, &kept->texts.reply);
	kept->texts.reply = blob;
	kept->reply_code = (uint16_t)reply->code;
	kept->reply_boot_us = ev_boot_us(call->sipd->ev);
	kept->is_reliable = reply->is_reliable && reply->code < 200;
}


int setup_reply(struct call *call, const struct txn_reply *reply)
{
	struct txns *txns = call->sipd->txns;
	struct text message;
	const int err = txn_reply_make(txns, call->a.invite, reply, &message);

	if (!err && call->setup)
		keep_reply(call, reply, message);
	call_publish(call);

	return err ? err : txn_reply_put(txns, call->a.invite, reply, message);
}


/* --- towards B ------------------------------------------------------------ */

/* The texts as they lie, but with invite in the place of the index-th */
static int write_copies(struct call *call, size_t index, struct text invite)
{
	struct blobs *blobs = call->sipd->blobs;
	struct setup_kept *kept = &call->setup->kept;
	const struct text all = blob_text(blobs, &kept->texts.invites);
	struct text parts[BINDINGS_PER_TERMINAL] = { { NULL, 0 } };
	struct blob blob = { 0 };
	size_t at = 0;
	int err;

	for (size_t i = 0; i < kept->copyc; i++) {
		parts[i] = i == index ? invite
				      : (struct text){ all.p + at,
						       kept->copies[i].len };
		at += kept->copies[i].len;
	}
	err = blob_take(blobs, &blob, parts, kept->copyc);
	if (err)
		return err;
	call_blob_drop(call, &kept->texts.invites);
	kept->texts.invites = blob;
	kept->copies[index].len = (uint32_t)invite.l;

	return 0;
}


void setup_keep_copy(struct call *call, size_t index, struct text invite,
		     const struct flow *to, uint32_t t1_ms)
{
	struct setup *setup = call->setup;
	struct setup_kept *kept = &setup->kept;
	const size_t count = setup->forks ? setup->forks->count : 1;
	struct copy_image *copy;

	if (index >= BINDINGS_PER_TERMINAL || count > BINDINGS_PER_TERMINAL)
		return;
	while (kept->copyc < count)
		kept->copies[kept->copyc++] = (struct copy_image){ .len = 0 };
	copy = &kept->copies[index];
	/* Without space it cannot be gone on with: then it is over for a
	 * successor, which ends the call. */
	*copy = (struct copy_image){
		.flow = *to,
		.sent_boot_us = ev_boot_us(call->sipd->ev),
		.len = copy->len,
		.t1_ms = t1_ms,
	};
	copy->mark = write_copies(call, index, invite) ? FORK_OVER
						       : FORK_CALLED;
}


static struct copy_image *copy_of(struct call *call, txn_id txn)
{
	const struct forks *forks = call->setup->forks;
	struct setup_kept *kept = &call->setup->kept;

	for (size_t i = 0; i < kept->copyc; i++)
		if (forks ? i < forks->count && forks->rows[i].invite == txn
			  : call->b.invite == txn)
			return &kept->copies[i];

	return NULL;
}


void setup_copy_of(struct call *call, txn_id txn, struct errand_invite *e)
{
	const struct setup_kept *kept;
	const struct copy_image *copy = call->setup ? copy_of(call, txn)
						    : NULL;
	struct text all;
	size_t at = 0;

	e->txn = txn;
	if (!copy)
		return;
	kept = &call->setup->kept;
	all = blob_text(call->sipd->blobs, &kept->texts.invites);
	for (const struct copy_image *i = kept->copies; i < copy; i++)
		at += i->len;
	if (at > all.l || copy->len > all.l - at)
		return;
	e->invite = (struct text){ all.p + at, copy->len };
	e->to = copy->flow;
	e->sent_boot_us = copy->sent_boot_us;
	e->is_heard = copy->is_heard != 0;
}


void setup_heard(struct call *call, txn_id txn)
{
	struct copy_image *copy = call->setup ? copy_of(call, txn) : NULL;

	if (copy)
		copy->is_heard = 1;
}


void setup_over(struct call *call, txn_id txn)
{
	struct setup_kept *kept;
	struct copy_image *copy;
	bool any = false;

	if (!call->setup)
		return;
	kept = &call->setup->kept;
	copy = txn ? copy_of(call, txn) : NULL;
	if (copy)
		copy->mark = FORK_OVER;
	for (size_t i = 0; txn && i < kept->copyc; i++)
		any |= kept->copies[i].mark == FORK_CALLED;
	if (any)
		return;
	kept->copyc = 0;
	call_blob_drop(call, &kept->texts.invites);
}


void setup_keep_auth(struct call *call)
{
	const struct text auth = { (const char *)call->b.auth,
				   call->b.auth ? sizeof(*call->b.auth) : 0 };
	struct blob blob = { 0 };

	/* Without it B asks once more. */
	(void)blob_take(call->sipd->blobs, &blob, &auth, 1);
	call_blob_drop(call, &call->setup->kept.texts.auth);
	call->setup->kept.texts.auth = blob;
}


/* --- all of it ------------------------------------------------------------ */

static uint32_t flags_of(const struct call *call)
{
	const struct setup *s = call->setup;
	const struct {
		bool is_set;
		uint32_t flag;
	} all[] = {
		{ s->terms.has_timer, SETUP_HAS_TIMER },
		{ s->terms.a_require, SETUP_A_REQUIRE },
		{ s->has_list, SETUP_HAS_LIST },
		{ s->is_last_failed, SETUP_IS_LAST_FAILED },
		{ s->is_forwarding, SETUP_IS_FORWARDING },
		{ s->forks != NULL, SETUP_IS_PHONE },
		{ s->forks && s->forks->was_busy, SETUP_WAS_BUSY },
		{ s->b_has_sdp, SETUP_B_HAS_SDP },
		{ s->kept.is_reliable, SETUP_IS_RELIABLE },
		{ s->has_waiting, SETUP_HAS_WAITING },
		{ s->waiting_sdp, SETUP_WAITING_SDP },
		{ s->answer_waits, SETUP_ANSWER_WAITS },
		{ call->rings, SETUP_RINGS },
		{ s->kept.is_told, SETUP_IS_TOLD },
		{ call->is_silent, SETUP_IS_SILENT },
		{ s->caller.is_valid, SETUP_CALLER_VALID },
		{ s->called.is_valid, SETUP_CALLED_VALID },
		{ s->called_original.is_valid, SETUP_ORIGINAL_VALID },
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < COUNT_OF(all); i++)
		flags |= all[i].is_set ? all[i].flag : 0;

	return flags;
}


static struct result_image result_of(const struct attempt_result *r)
{
	return (struct result_image){
		.code = r->code,
		.end = (uint8_t)r->end,
		.flags = (uint8_t)((r->had_sdp ? RESULT_HAD_SDP : 0) |
				   (r->had_rtp ? RESULT_HAD_RTP : 0)),
	};
}


static void fill(struct setup_image *i, const struct call *call)
{
	const struct setup *s = call->setup;
	const struct setup_kept *kept = &s->kept;

	memset(i, 0, sizeof(*i));
	i->texts = kept->texts;
	i->reply_to = kept->reply_to;
	i->to = s->to;
	i->reply_boot_us = kept->reply_boot_us;
	i->timer_boot_us = kept->timer_boot_us;
	i->attempt_boot_us = kept->attempt_boot_us;
	i->flags = flags_of(call);
	i->max_forwards = s->max_forwards;
	i->min_se_s = s->min_se_s;
	i->renew_s = call->renew_s;
	i->retry_after_s = call->retry_after_s;
	i->a_expires_s = s->terms.a_expires_s;
	i->b_expires_s = s->terms.b_expires_s;
	i->b_min_se_s = s->terms.b_min_se_s;
	i->result = result_of(&s->result);
	i->last = result_of(&s->last);
	i->reply_code = kept->reply_code;
	i->waiting_code = (uint16_t)s->waiting_code;
	i->b_code = (uint16_t)s->b_code;
	i->target_port = s->target_port;
	i->a_refresher = (uint8_t)s->terms.a_refresher;
	i->classes = s->classes;
	i->timer_class = call->timer_class;
	i->redirects = s->redirects;
	i->raises = s->raises;
	i->copyc = kept->copyc;
	i->current = s->forks && s->forks->current < UINT8_MAX
			     ? (uint8_t)s->forks->current
			     : UINT8_MAX;
	i->listc = (uint8_t)s->list.count;
	i->next_candidate = (uint8_t)s->next_candidate;
	i->tokenc = (uint8_t)s->tokenc;
	i->shortc = (uint8_t)s->shortc;
	i->redirectl = s->redirect.len;
	memcpy(i->redirect, s->redirect.text, s->redirect.len);
	memcpy(i->target_host, s->target_host, strlen(s->target_host));
}


static bool is_same(struct text old, const struct text parts[PARTC])
{
	size_t at = 0;

	for (size_t i = 0; i < PARTC; i++) {
		if (parts[i].l > old.l - at ||
		    memcmp(old.p + at, parts[i].p, parts[i].l) != 0)
			return false;
		at += parts[i].l;
	}

	return at == old.l;
}


void setup_write(struct call *call)
{
	struct setup *s = call->setup;
	struct row_image rows[ROUTE_CANDIDATES_MAX];
	uint8_t tokens[ROUTE_CANDIDATES_MAX];
	struct setup_image image;
	struct text parts[PARTC];
	const struct blob before = call->i.setup;

	fill(&image, call);
	for (size_t i = 0; i < s->list.count; i++)
		rows[i] = (struct row_image){
			.gateway = s->list.rows[i].gateway,
			.length = s->list.rows[i].length,
			.protect = s->list.rows[i].protect,
		};
	for (size_t i = 0; i < s->tokenc; i++)
		tokens[i] = (uint8_t)s->tokens[i];
	parts[0] = (struct text){ (const char *)&image, sizeof(image) };
	parts[1] = (struct text){ (const char *)s->kept.copies,
				  s->kept.copyc * sizeof(s->kept.copies[0]) };
	parts[2] = (struct text){ (const char *)rows,
				  s->list.count * sizeof(rows[0]) };
	parts[3] = (struct text){ (const char *)tokens, s->tokenc };
	parts[4] = (struct text){ (const char *)s->shorts,
				  s->shortc * sizeof(s->shorts[0]) };
	if (before.unit &&
	    is_same(blob_text(call->sipd->blobs, &before), parts))
		return;

	/* Without space nothing is better than what was. The slot, as it is
	 * until it is published, names before, and never spare. */
	if (blob_renew(call->sipd->blobs, &s->spare, parts, PARTC))
		blob_give(call->sipd->blobs, &s->spare);
	call->i.setup = s->spare;
	s->spare = before;
}


/* --- its end -------------------------------------------------------------- */

void setup_texts_of(const struct call *call, struct setup_texts *texts)
{
	const struct setup_image *image;

	*texts = (struct setup_texts){ .head = { 0 } };
	if (call->setup) {
		*texts = call->setup->kept.texts;
		return;
	}
	if (exchange_is_open(call))
		return;
	image = setup_image_of(blob_text(call->sipd->blobs, &call->i.setup));
	if (image)
		*texts = image->texts;
}


void setup_end(struct call *call)
{
	struct setup_texts texts;

	setup_texts_of(call, &texts);
	if (call->setup)
		setup_give(call->sipd, call->setup);
	call->setup = NULL;
	/* Itself first: what is in between may be published. */
	exchange_end(call);
	call_blob_drop(call, &call->i.setup);
	call_blob_drop(call, &texts.head);
	call_blob_drop(call, &texts.reply);
	call_blob_drop(call, &texts.invites);
	call_blob_drop(call, &texts.auth);
}
