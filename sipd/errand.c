/**
 * @file sipd/errand.c  What is still to be said of calls that are over
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/svc/svc.h"
#include "sipd/call.h"
#include "sipd/errand.h"
#include "sipd/intake.h"
#include "sipd/metrics.h"

enum {
	MARGIN_MS = 1000, /**< Behind the transaction's own end */
	TIMES = 3,        /**< An INVITE may wait, be cancelled, and be lost */
};

struct errand {
	struct errand_image i;
	struct sipd *sipd;
	uint32_t index;
	uint64_t id;
	txn_id txn;
	txn_response_h *h; /**< Who asked for it; NULL: a predecessor */
	void *arg;
	uint64_t user;
	struct ev_timer timer;
	struct errand *next_free;
};

struct errands {
	struct slots *slots;
	struct errand **by_index;
	uint32_t first, slotc;
	struct errand *free;
};


static const char *fault_of(const void *image)
{
	const struct errand_image *i = image;

	if (i->kind == ERRAND_NONE || i->kind >= ERRAND_KINDC)
		return "kind";
	if (i->to.transport >= TRANSPORTC)
		return "transport";
	if (i->resend.count > TXN_WAITS_MAX || !i->resend.waits_ms[0])
		return "resend list";
	if (i->headl > i->text.len)
		return "text";
	if (!memchr(i->tag, '\0', sizeof(i->tag)))
		return "tag";

	return NULL;
}


/* --- one ------------------------------------------------------------------ */

static struct errand *struct_take(struct errands *all)
{
	struct errand *e = all->free;

	if (!e)
		return calloc(1, sizeof(*e));
	all->free = e->next_free;
	memset(e, 0, sizeof(*e));

	return e;
}


static void struct_give(struct errands *all, struct errand *e)
{
	e->next_free = all->free;
	all->free = e;
}


static struct errand *errand_find(const struct sipd *sipd, uint64_t id)
{
	const struct errands *all = sipd->errands;
	const uint32_t index = (uint32_t)id;
	struct errand *e;

	if (!all || index < all->first || index - all->first >= all->slotc)
		return NULL;
	e = all->by_index[index - all->first];

	return e && e->id == id ? e : NULL;
}


static void done(struct errand *e)
{
	struct errands *all = e->sipd->errands;

	ev_timer_stop(&e->timer);
	slots_give(all->slots, e->index);
	blob_give(e->sipd->blobs, &e->i.text);
	all->by_index[e->index - all->first] = NULL;
	struct_give(all, e);
}


static void on_late(void *arg)
{
	done(arg);
}


static void watch(struct errand *e)
{
	const int64_t left_us = e->i.until_boot_us - ev_boot_us(e->sipd->ev);

	ev_timer_start(&e->timer, e->sipd->ev,
		       left_us > 0 ? (uint32_t)(left_us / 1000) : 0, on_late,
		       e);
}


/* In its slot from now on. NULL: there is no room. */
static struct errand *begin(struct sipd *sipd, const struct errand_image *i,
			    const struct text parts[2])
{
	struct errands *all = sipd->errands;
	struct errand *e = all ? struct_take(all) : NULL;

	if (!e)
		return NULL;
	e->i = *i;
	e->sipd = sipd;
	e->i.headl = (uint32_t)parts[0].l;
	if (e->i.resend.count > TXN_WAITS_MAX)
		e->i.resend.count = TXN_WAITS_MAX;
	e->i.until_boot_us = ev_boot_us(sipd->ev) +
			     (txn_resend_total_ms(&i->resend) * TIMES +
			      MARGIN_MS) *
				     INT64_C(1000);
	if (blob_take(sipd->blobs, &e->i.text, parts, 2)) {
		struct_give(all, e);
		return NULL;
	}
	if (slots_take(all->slots, &e->index)) {
		blob_give(sipd->blobs, &e->i.text);
		struct_give(all, e);
		return NULL;
	}
	e->id = slots_id(all->slots, e->index);
	all->by_index[e->index - all->first] = e;
	slots_publish(all->slots, e->index, &e->i);
	watch(e);

	return e;
}


/* --- requests ------------------------------------------------------------- */

static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct errand *e = errand_find(sipd, user);
	txn_response_h *h = e ? e->h : NULL;
	void *const h_arg = e ? e->arg : NULL;
	const uint64_t h_user = e ? e->user : 0;

	if (e && (err || !m || m->code >= 200))
		done(e);
	if (h)
		h(txn, err, m, from, h_arg, h_user);
}


int errand_send(struct sipd *sipd, const struct txn_send *send, uint64_t call,
		bool is_b, txn_id *txnp)
{
	const struct errand_image i = {
		.call = call,
		.sent_boot_us = ev_boot_us(sipd->ev),
		.to = send->to,
		.resend = *send->resend,
		.kind = ERRAND_REQUEST,
		.is_b = is_b,
	};
	const struct text parts[2] = { { "", 0 }, send->request };
	struct errand *e = begin(sipd, &i, parts);
	struct txn_send with = *send;
	int err;

	if (!e)
		return txn_send(sipd->txns, send, txnp);
	e->h = send->h;
	e->arg = send->arg;
	e->user = send->user;
	with.h = on_response;
	with.arg = sipd;
	with.user = e->id;
	err = txn_send(sipd->txns, &with, txnp);
	if (err)
		done(e);

	return err;
}


/* --- INVITEs that were given up ------------------------------------------- */

static void on_invite(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct errand *e = errand_find(sipd, user);

	(void)txn;
	if (e && m && m->code < 200 && !e->i.cancel_boot_us) {
		/* CANCEL has just left. */
		e->i.cancel_boot_us = clk_boot_us();
		slots_publish(sipd->errands->slots, e->index, &e->i);
	}
	/* Who is given up may answer all the same: it stays until then. */
	if (e && !err && m && m->code >= 200)
		done(e);
	if (m && m->code / 100 == 2)
		intake_stray(m, from, sipd);
}


void errand_cancel(struct call *call, const struct errand_invite *a)
{
	struct sipd *sipd = call->sipd;
	const struct errand_image i = {
		.call = call->id,
		.sent_boot_us = a->sent_boot_us,
		.cancel_boot_us = a->is_heard ? clk_boot_us() : 0,
		.to = a->to,
		.resend = call->i.params.resend,
		.kind = txn_is_lost(sipd->txns, a->txn) ? ERRAND_LOST
							: ERRAND_INVITE,
		.is_b = 1,
	};
	const struct text parts[2] = { a->heads, a->invite };
	struct errand *e = a->invite.l ? begin(sipd, &i, parts) : NULL;

	txn_cancel(sipd->txns, a->txn, a->heads);
	if (!e || txn_hand_over(sipd->txns, a->txn, on_invite, sipd, e->id)) {
		txn_forget(sipd->txns, a->txn);
		if (e)
			done(e);
	}
}


/* --- refusals ------------------------------------------------------------- */

static void on_a(txn_id txn, enum txn_event event, void *arg, uint64_t user)
{
	struct errand *e = errand_find(arg, user);

	(void)txn;
	(void)event;
	if (e)
		done(e);
}


int errand_refuse(struct call *call, const struct txn_reply *reply)
{
	struct sipd *sipd = call->sipd;
	struct txns *txns = sipd->txns;
	struct errand_image i = {
		.call = call->id,
		.sent_boot_us = clk_boot_us(),
		.resend = call->i.params.resend,
		.code = (uint16_t)reply->code,
		.kind = ERRAND_REFUSAL,
	};
	struct text parts[2];
	struct errand *e;
	int err;

	memcpy(i.tag, call->a.tag, sizeof(i.tag));
	err = txn_reply_make(txns, call->a.invite, reply, &parts[1]);
	if (err)
		return err;
	parts[0] = txn_server_head(txns, call->a.invite, &i.to);
	e = begin(sipd, &i, parts);
	err = txn_reply_put(txns, call->a.invite, reply, parts[1]);
	if (!e)
		return err;
	if (err)
		done(e);
	else
		txn_own(txns, call->a.invite, on_a, sipd, e->id);

	return err;
}


/* --- a predecessor's ------------------------------------------------------ */

static int adopt_refusal(struct errand *e, struct text head,
			 struct text message)
{
	struct txns *txns = e->sipd->txns;
	const struct txn_past past = {
		.message = message,
		.code = e->i.code,
		.age_ms = (clk_boot_us() - e->i.sent_boot_us) / 1000,
	};
	int err;

	err = txn_server_adopt(txns, &e->txn, head, &e->i.to, e->i.tag);
	if (err)
		return err;
	txn_own(txns, e->txn, on_a, e->sipd, e->id);
	txn_resend_set(txns, e->txn, &e->i.resend);

	return txn_server_resume(txns, e->txn, &past);
}


static int adopt_request(struct errand *e, struct text heads,
			 struct text request)
{
	struct sipd *sipd = e->sipd;
	const bool is_invite = e->i.kind != ERRAND_REQUEST;
	const int64_t now_us = clk_boot_us();
	struct txn_past past = {
		.is_given_up = is_invite,
		.is_lost = e->i.kind == ERRAND_LOST,
		.is_heard = is_invite && e->i.cancel_boot_us,
		.age_ms = (now_us - e->i.sent_boot_us) / 1000,
		.cancel_age_ms = (now_us - e->i.cancel_boot_us) / 1000,
		.heads = heads,
	};
	char branch[TXN_BRANCH_SIZE];
	struct txn_send send = {
		.branch = branch,
		.to = e->i.to,
		.resend = &e->i.resend,
		.h = is_invite ? on_invite : on_response,
		.arg = sipd,
		.user = e->id,
	};
	struct message m;

	if (request.l > sizeof(sipd->scratch))
		return EMSGSIZE;
	memcpy(sipd->scratch, request.p, request.l);
	send.request = (struct text){ sipd->scratch, request.l };
	if (message_parse(&m, sipd->scratch, request.l, false) != MESSAGE_OK ||
	    !m.is_request || (m.method == METHOD_INVITE) != is_invite ||
	    text_copy(branch, sizeof(branch), m.via.branch))
		return EBADMSG;
	send.method = m.method;

	return txn_client_adopt(sipd->txns, &send, &past, &e->txn);
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	struct sipd *sipd = arg;
	struct errands *all = sipd->errands;
	struct errand *e = struct_take(all);
	struct text head, message;
	int err;

	if (!e)
		return false;
	memcpy(&e->i, image, sizeof(e->i));
	e->sipd = sipd;
	e->index = index;
	e->id = slots_id(all->slots, index);
	if (blob_adopt(sipd->blobs, &e->i.text)) {
		struct_give(all, e);
		return false;
	}
	all->by_index[index - all->first] = e;
	head = message = blob_text(sipd->blobs, &e->i.text);
	head.l = e->i.headl;
	message.p += head.l;
	message.l -= head.l;
	err = e->i.kind == ERRAND_REFUSAL ? adopt_refusal(e, head, message)
					  : adopt_request(e, head, message);
	if (err)
		done(e); /* it was the last that was said of a call */
	else
		watch(e);

	return true;
}


void errands_adopt(struct sipd *sipd)
{
	if (sipd->errands)
		(void)slots_adopt(sipd->errands->slots, on_adopt, sipd);
}


void errands_tell(struct sipd *sipd)
{
	const struct errands *all = sipd->errands;

	for (uint32_t i = 0; all && i < all->slotc; i++) {
		const struct errand *e = all->by_index[i];
		struct call *call = e ? call_find(sipd, e->i.call) : NULL;

		if (call)
			(e->i.is_b ? &call->b : &call->a)->has_errand = true;
	}
}


/* --- life ----------------------------------------------------------------- */

int errands_alloc(struct sipd *sipd)
{
	const struct segment *segment = svc_segment(sipd->svc, "errands");
	const uint32_t workers = svc_node(sipd->svc)->workers;
	struct errands *all = calloc(1, sizeof(*all));
	struct slots_args args = {
		.segment = segment,
		.name = "errands",
		.image_size = sizeof(struct errand_image),
		.worker = svc_self(sipd->svc).worker,
		.predecessor_crashed = svc_predecessor_crashed(sipd->svc),
		.faulth = fault_of,
		.log = sipd->log,
	};
	int err = ENOMEM;

	if (!all)
		return ENOMEM;
	all->slotc = segment->slotc / (workers ? workers : 1);
	all->first = all->slotc * args.worker;
	args.first = all->first;
	args.slotc = all->slotc;
	all->by_index = calloc(all->slotc, sizeof(void *));
	if (all->by_index)
		err = slots_alloc(&all->slots, &args);
	sipd->errands = all;
	if (err)
		errands_free(sipd);

	return err;
}


/* What lies in shared memory is for the successor. */
void errands_free(struct sipd *sipd)
{
	struct errands *all = sipd->errands;

	if (!all)
		return;
	for (uint32_t i = 0; all->by_index && i < all->slotc; i++) {
		if (!all->by_index[i])
			continue;
		ev_timer_stop(&all->by_index[i]->timer);
		free(all->by_index[i]);
	}
	while (all->free) {
		struct errand *e = all->free;

		all->free = e->next_free;
		free(e);
	}
	free(all->by_index);
	slots_free(all->slots);
	free(all);
	sipd->errands = NULL;
}
