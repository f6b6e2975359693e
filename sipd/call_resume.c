/**
 * @file sipd/call_resume.c  A predecessor's set-up goes on
 *
 * What was waited for comes again by itself where the other side repeats it
 * (responses, CANCEL, PRACK), or is asked for again where that does no harm
 * (billingd, mediad, names). What was to be said and may not have left is said
 * again: by the list of its transaction, or by the action of the state.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/call_act.h"
#include "sipd/call_resume.h"
#include "sipd/exchange.h"
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/media_point.h"
#include "sipd/setup_keep.h"

enum {
	LEAST_MS = 500 /**< For what this process has to begin again */
};


/* --- INVITEs to B --------------------------------------------------------- */

/* Its text, in a scratch: what is parsed may be written to. */
static struct text copy_text(const struct call *call, size_t index)
{
	struct sipd *sipd = call->sipd;
	const struct setup_kept *kept = &call->setup->kept;
	const struct text all = blob_text(sipd->blobs, &kept->texts.invites);
	size_t at = 0;

	for (size_t i = 0; i < index; i++)
		at += kept->copies[i].len;
	if (at > all.l || kept->copies[index].len > all.l - at ||
	    kept->copies[index].len > sizeof(sipd->scratch))
		return (struct text){ "", 0 };
	memcpy(sipd->scratch, all.p + at, kept->copies[index].len);

	return (struct text){ sipd->scratch, kept->copies[index].len };
}


static int copy_parse(struct message *m, struct text t)
{
	if (!t.l || message_parse(m, unconst(t.p), t.l, false) != MESSAGE_OK ||
	    !m->is_request || m->method != METHOD_INVITE)
		return EBADMSG;

	return 0;
}


static int adopt_copy(struct call *call, size_t index, txn_id *txnp)
{
	const struct copy_image *copy = &call->setup->kept.copies[index];
	const struct text request = copy_text(call, index);
	char branch[TXN_BRANCH_SIZE];
	const struct txn_past past = {
		.is_heard = copy->is_heard != 0,
		.age_ms = (clk_boot_us() - copy->sent_boot_us) / 1000,
	};
	struct txn_send send = {
		.method = METHOD_INVITE,
		.branch = branch,
		.request = request,
		.to = copy->flow,
		.resend = &call->i.params.resend,
		.timeout_ms = copy->t1_ms,
		.h = call_heard_b,
		.arg = call->sipd,
		.user = call->id,
	};
	struct message m;

	if (copy->flow.transport >= TRANSPORTC || copy_parse(&m, request) ||
	    text_copy(branch, sizeof(branch), m.via.branch))
		return EBADMSG;

	return txn_client_adopt(call->sipd->txns, &send, &past, txnp);
}


/* The devices of a phone, as the INVITEs to them name them */
static int adopt_forks(struct call *call, const struct setup_image *i)
{
	const struct setup_kept *kept = &call->setup->kept;
	struct device devices[BINDINGS_PER_TERMINAL];
	char uris[BINDINGS_PER_TERMINAL][BINDING_CONTACT_MAX + 1];
	char paths[BINDINGS_PER_TERMINAL][BINDING_PATH_MAX + 1];
	struct message m;
	int err;

	memset(devices, 0, sizeof(devices));
	for (size_t n = 0; n < kept->copyc; n++) {
		uris[n][0] = paths[n][0] = '\0';
		if (kept->copies[n].len &&
		    (copy_parse(&m, copy_text(call, n)) ||
		     text_copy(uris[n], sizeof(uris[n]), m.uri) ||
		     text_copy(paths[n], sizeof(paths[n]),
			       message_head(&m, HEAD_ROUTE))))
			return EBADMSG;
		devices[n].flow = kept->copies[n].flow;
		devices[n].binding.contact = text_of(uris[n]);
		devices[n].binding.path = text_of(paths[n]);
	}
	err = forks_alloc(call, devices, kept->copyc);
	if (err)
		return err;
	call->setup->forks->was_busy = (i->flags & SETUP_WAS_BUSY) != 0;
	if (i->current < kept->copyc)
		call->setup->forks->current = i->current;

	return 0;
}


/* @return 0 also if none of them lives; ENOMEM, EBADMSG */
static int adopt_copies(struct call *call, const struct setup_image *image)
{
	struct setup_kept *kept = &call->setup->kept;
	struct forks *forks;
	txn_id txn;
	int err = 0;

	if (kept->copyc && (image->flags & SETUP_IS_PHONE))
		err = adopt_forks(call, image);
	forks = call->setup->forks;
	for (size_t i = 0; i < kept->copyc && !err; i++) {
		struct copy_image *copy = &kept->copies[i];

		if (copy->mark == FORK_CALLED)
			err = adopt_copy(call, i, &txn);
		if (err == EEXIST) { /* an errand by now */
			copy->mark = FORK_OVER;
			err = 0;
		}
		if (forks)
			forks->rows[i].mark = copy->mark == FORK_CALLED
						      ? FORK_CALLED
						      : FORK_OVER;
		if (err || copy->mark != FORK_CALLED)
			continue;
		if (forks)
			forks->rows[i].invite = txn;
		if (!call->b.invite || i == image->current)
			call->b.invite = txn;
	}

	return err;
}


/* --- at once -------------------------------------------------------------- */

static bool is_early(const struct call *call)
{
	return call->i.state == CALL_CALLING || call->i.state == CALL_RINGING;
}


/* Its INVITE was not written down yet: the same gateway is looked at again. */
static void step_back(struct call *call)
{
	struct setup *setup = call->setup;
	const uint8_t leg = call->b.i->state;

	if (call->i.state != CALL_CALLING || call->b.invite ||
	    leg == LEG_CALLED || leg == LEG_EARLY)
		return;
	call->i.state = CALL_ROUTING;
	if (!call->i.phone_b && setup->next_candidate > 0)
		setup->next_candidate--;
}


static void resume_deadline(struct call *call)
{
	const uint32_t all_ms = call_deadlines_ms[call->i.state];
	const int64_t left_ms = all_ms -
				(clk_boot_us() - call->i.state_boot_us) / 1000;

	if (!all_ms)
		return;
	ev_timer_start(&call->deadline, call->sipd->ev,
		       left_ms > LEAST_MS ? (uint32_t)left_ms : LEAST_MS,
		       call_on_deadline, call);
}


static void forget(struct call *call)
{
	if (call->setup)
		setup_give(call->sipd, call->setup);
	call->setup = NULL;
}


/* What is known of both sides is enough to tell them so. */
static void give_up(struct call *call)
{
	call_end_with(call, END_SYSTEM_RECOVERY);
	call->i.state = CALL_ENDED;
}


int call_resume(struct call *call)
{
	const struct setup_image *image = setup_image_of(
		blob_text(call->sipd->blobs, &call->i.setup));
	int err;

	if (!image || exchange_is_open(call))
		return ENOENT;
	call->a.prack_unsure = call->b.prack_unsure = true;
	if (call->i.state == CALL_ANSWERED &&
	    call->i.a.state == LEG_CONFIRMED) {
		(void)setup_adopt_a(call);
		return 0;
	}
	err = setup_read(call);
	if (err) {
		forget(call);
		return err;
	}
	err = setup_adopt_a(call);
	if (err == EEXIST && call->i.state == CALL_ENDED)
		err = 0; /* it has its final, and that is an errand */
	if (!err)
		err = adopt_copies(call, image);
	if (err)
		give_up(call);
	step_back(call);
	if (is_early(call))
		call_progress_adopt(call);
	media_adopt(call);
	resume_deadline(call);

	return 0;
}


/* --- when the daemon is ready --------------------------------------------- */

/* What a predecessor had begun for a gateway is given back first. */
static int route_again(struct call *call)
{
	char reason[32];

	call_leave_b(call, reason_q850(END_NO_ANSWER, reason));
	if (call->i.phone_b && !call->setup->is_forwarding)
		call->setup->has_list = false;

	return call_next(call);
}


static int answer_again(struct call *call)
{
	forks_cancel(call, forks_elsewhere);
	if (!call->setup->answer_waits || !call->setup->a_reliable_pending)
		call_answer_a(call);

	return 0;
}


static int end_again(struct call *call)
{
	return call->b.i->state == LEG_CONFIRMED ? call_release(call)
						 : call_refuse(call);
}


void call_resume_soon(struct call *call)
{
	int (*action)(struct call * call) = NULL;
	const struct setup *setup = call->setup;

	if (!setup)
		return;
	switch ((enum call_state)call->i.state) {

	case CALL_ADMITTING:
		action = setup->ask_credit ? NULL : call_ask;
		break;
	case CALL_ROUTING:
		action = setup->ask_media ? NULL : route_again;
		break;
	case CALL_CALLING:
		action = call->b.invite ? NULL : call_repeat;
		break;
	case CALL_RINGING:
		if (!call->b.invite)
			action = call_repeat;
		else if (!setup->kept.is_told)
			action = call_progress;
		break;
	case CALL_ANSWERED:
		action = setup->is_pointing ? NULL : answer_again;
		break;
	case CALL_ENDED:
		action = end_again;
		break;
	case CALL_NONE:
	case CALL_STATEC:
	default:
		break;
	}
	if (action)
		call_redo(call, action);
}
