/**
 * @file sipd/txn_adopt.c  Transactions of a predecessor go on
 *
 * What lies in shared memory is the text and when it was sent first: from
 * these follow which copies are still to be sent, and when it is too late.
 * What was due while nobody lived is not made up for, as no lost datagram is.
 */
#include <errno.h>

#include "sipd/txn_int.h"


static void list_resume(struct txn *t, int64_t age_ms)
{
	const struct txn_resend *list = txn_list(t);
	int64_t due_ms = list->waits_ms[0];

	t->resendc = 0;
	t->resend_ms = 0;
	if (txn_is_stream(t))
		return;
	while (t->resendc < list->count && due_ms <= age_ms) {
		t->resendc++;
		if (t->resendc < list->count)
			due_ms += list->waits_ms[t->resendc];
	}
	if (t->resendc < list->count)
		t->resend_ms = txn_now_ms(t) + due_ms - age_ms;
}


static int64_t age_of(const struct txn_past *past)
{
	return past->age_ms > 0 ? past->age_ms : 0;
}


/* --- server --------------------------------------------------------------- */

static uint8_t state_of(const struct txn_past *past)
{
	enum txn_server_event event = TXN_S_EV_PROVISIONAL;

	if (past->code >= 300)
		event = TXN_S_EV_REFUSE;
	else if (past->code >= 200)
		event = TXN_S_EV_OK;
	else if (past->is_reliable)
		event = TXN_S_EV_RELIABLE;

	return txn_server_rows[TXN_S_PROCEEDING][event].next;
}


int txn_server_resume(struct txns *txns, txn_id txn,
		      const struct txn_past *past)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);
	struct text message = past->message;
	int err;

	if (!t || t->state != TXN_S_PROCEEDING)
		return ENOENT;
	if (past->code == 0)
		return 0;
	if (message.l == 0) {
		const struct txn_reply reply = { .code = past->code };

		err = txn_reply_make(txns, txn, &reply, &message);
		if (err)
			return err;
	}
	err = txn_keep(t, message.p, message.l);
	if (err)
		return err;

	txn_enter(t, state_of(past));
	if (t->deadline_ms)
		t->deadline_ms -= age_of(past);
	if (txn_server_states[t->state].resends)
		list_resume(t, age_of(past));
	txn_arm(t);

	return 0;
}


/* --- client --------------------------------------------------------------- */

static uint8_t client_state_of(enum method method, const struct txn_past *past)
{
	if (method != METHOD_INVITE)
		return past->is_heard ? TXN_C_PROGRESSING : TXN_C_TRYING;

	return past->is_heard ? TXN_C_PROCEEDING : TXN_C_CALLING;
}


/* What was given up has no other end than its final, or its time. */
static void give_up(struct txn *t, const struct txn_past *past)
{
	const struct txn_past cancel = { .age_ms = past->cancel_age_ms };

	txn_client_heads(t, past->heads);
	if (past->is_heard) {
		txn_enter(t, TXN_C_CANCELLING);
		t->deadline_ms -= age_of(&cancel);
		txn_client_cancel(t, &cancel);
	}
	else {
		txn_enter(t, past->is_lost ? TXN_C_LOST : TXN_C_CANCEL_WAITS);
	}
}


int txn_client_adopt(struct txns *txns, const struct txn_send *send,
		     const struct txn_past *past, txn_id *txnp)
{
	struct txn *t;
	int err;

	if (!txnp)
		return EINVAL;
	err = txn_client_make(txns, send, &t);
	if (err)
		return err;

	txn_client_of(t)->start_ms -= age_of(past);
	txn_enter(t, client_state_of(send->method, past));
	if (!past->is_heard)
		txn_client_deadline(t, send->timeout_ms);
	if (past->is_given_up)
		give_up(t, past);
	if (txn_client_states[t->state].resends)
		list_resume(t, age_of(past));
	txn_arm(t);
	*txnp = txn_id_of(t);

	return 0;
}
