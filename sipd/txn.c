/**
 * @file sipd/txn.c  Transactions: the layer and what both sides share
 *
 * A slab of places that are used again and again; an id is a place and how
 * often it was used, so that a stale one fits nobody. A state's time and its
 * list of resends share one timer: it is set to what is due next, counted
 * from when the last copy was due, so that a late turn delays nothing else.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/id.h"
#include "shared/base/recent.h"
#include "shared/base/util.h"
#include "sipd/metrics.h"
#include "sipd/txn_int.h"

enum {
	NOBODY = UINT32_MAX,
	T4_MS = 5000, /* RFC 3261 17.1.2.2: Timer K */
	EXPECTED = 1024,
};

/* SS_SIP_RESEND_INTERVAL as it is if nobody says otherwise */
const struct txn_resend txn_resend_default = {
	.waits_ms = { 500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000,
		      4000 },
	.count = TXN_WAITS_MAX,
};


uint32_t txn_resend_total_ms(const struct txn_resend *resend)
{
	const unsigned count = resend->count < TXN_WAITS_MAX ? resend->count
							     : TXN_WAITS_MAX;
	uint32_t total = resend->waits_ms[count ? count - 1 : 0];

	for (unsigned i = 0; i < count; i++)
		total += resend->waits_ms[i];

	return total;
}


/* --- places --------------------------------------------------------------- */

static struct txn *place(const struct txns *x, uint32_t index)
{
	return &x->chunks[index / TXN_CHUNK][index % TXN_CHUNK];
}


static int chunk_add(struct txns *x)
{
	const uint32_t begin = x->chunkc * TXN_CHUNK;
	struct txn *chunk;

	if (x->chunkc == TXN_CHUNKS_MAX)
		return ENOMEM;
	chunk = calloc(TXN_CHUNK, sizeof(*chunk));
	if (!chunk)
		return ENOMEM;

	x->chunks[x->chunkc++] = chunk;
	for (uint32_t i = 0; i < TXN_CHUNK; i++) {
		chunk[i].txns = x;
		chunk[i].index = begin + i;
		chunk[i].next_free = i + 1 < TXN_CHUNK ? begin + i + 1
						       : x->free;
		/* A predecessor's ids are not ours. */
		id_random(&chunk[i].incarnation, sizeof(chunk[i].incarnation));
	}
	x->free = begin;

	return 0;
}


struct txn *txn_alloc(struct txns *x, enum txn_side side, txn_id *idp)
{
	struct txn *t;

	if (x->free == NOBODY && chunk_add(x))
		return NULL;

	t = place(x, x->free);
	x->free = t->next_free;
	*t = (struct txn){
		.txns = x,
		.index = t->index,
		.incarnation = t->incarnation + 1 ? t->incarnation + 1 : 1,
		.next_free = NOBODY,
		.side = side,
	};
	x->count++;
	*idp = txn_id_of(t);

	return t;
}


void txn_free(struct txn *t)
{
	struct txns *x = t->txns;

	ev_timer_stop(&t->timer);
	txn_dest_leave(t);
	if (t->link.key) {
		map_remove(t->side == TXN_SERVER ? x->servers : x->clients,
			   &t->link);
	}
	if (t->part && t->side == TXN_SERVER) {
		struct txn_server *s = txn_server_of(t);

		if (s->merge.key)
			map_remove(x->merges, &s->merge);
		s->head = txn_buf_give(&x->bufs, s->head);
	}
	if (t->part && t->side == TXN_CLIENT) {
		struct txn_client *s = txn_client_of(t);

		(void)txn_buf_give(&x->bufs, unconst(s->heads.p));
		s->outline = txn_buf_give(&x->bufs, s->outline);
	}
	t->part = txn_buf_give(&x->bufs, t->part);
	t->message = txn_buf_give(&x->bufs, t->message);
	t->side = TXN_FREE;
	t->next_free = x->free;
	x->free = t->index;
	x->count--;
}


txn_id txn_id_of(const struct txn *t)
{
	return (uint64_t)t->incarnation << 32 | t->index;
}


struct txn *txn_find(const struct txns *x, txn_id id, enum txn_side side)
{
	const uint32_t index = (uint32_t)id;
	struct txn *t;

	if (index / TXN_CHUNK >= x->chunkc)
		return NULL;
	t = place(x, index);

	return t->side == side && t->incarnation == id >> 32 ? t : NULL;
}


size_t txn_count(const struct txns *txns)
{
	return txns->count;
}


/* --- time ----------------------------------------------------------------- */

bool txn_is_stream(const struct txn *t)
{
	return t->flow.transport == TRANSPORT_TCP ||
	       t->flow.transport == TRANSPORT_TLS;
}


/* Rounded as ev_timer_start() does it: nothing is early. */
int64_t txn_now_ms(const struct txn *t)
{
	return (ev_now_us(t->txns->args.ev) + 999) / 1000;
}


const struct txn_resend *txn_list(const struct txn *t)
{
	return t->side == TXN_SERVER ? &txn_server_of(t)->resend
				     : &txn_client_of(t)->resend;
}


static const struct txn_state_def *state_of(const struct txn *t)
{
	return t->side == TXN_SERVER ? &txn_server_states[t->state]
				     : &txn_client_states[t->state];
}


static bool can_fail(const struct txn *t)
{
	return t->side == TXN_SERVER
		       ? txn_server_rows[t->state][TXN_S_EV_FAIL].next != 0
		       : txn_client_rows[t->state][TXN_C_EV_FAIL].next != 0;
}


void txn_wait(struct txn *t)
{
	const int64_t now_ms = txn_now_ms(t);
	const uint32_t total_ms = txn_resend_total_ms(txn_list(t));
	const bool is_stream = txn_is_stream(t);

	switch ((enum txn_wait)state_of(t)->wait) {

	case TXN_WAIT_KEEP:
		return;
	case TXN_WAIT_NONE:
		t->deadline_ms = 0;
		break;
	case TXN_WAIT_LIST:
		t->deadline_ms = txn_client_of(t)->start_ms + total_ms;
		break;
	case TXN_WAIT_TOTAL:
		t->deadline_ms = now_ms + total_ms;
		break;
	case TXN_WAIT_LINGER:
		t->deadline_ms = now_ms + (is_stream ? 0 : total_ms);
		break;
	case TXN_WAIT_SHORT:
		t->deadline_ms = now_ms + (is_stream ? 0 : T4_MS);
		break;
	}
	t->is_timeout = false;
}


/* Most of a transaction's life is waiting for copies: for that its keys do. */
static void text_drop(struct txn *t)
{
	struct txn_bufs *bufs = &t->txns->bufs;

	if (t->side == TXN_SERVER)
		txn_server_of(t)->head = txn_buf_give(bufs,
						      txn_server_of(t)->head);
	else
		txn_client_of(t)->outline =
			txn_buf_give(bufs, txn_client_of(t)->outline);
}


void txn_enter(struct txn *t, uint8_t state)
{
	t->state = state;
	if (!state_of(t)->resends)
		t->resend_ms = 0;
	if (!state_of(t)->keeps_message)
		txn_drop(t);
	if (!state_of(t)->keeps_text)
		text_drop(t);
	if (can_fail(t)) {
		(void)txn_dest_join(t); /* without memory it times out */
	}
	else {
		txn_dest_leave(t);
		t->fail_err = 0;
	}
	txn_wait(t);
	txn_arm(t);
}


void txn_list_start(struct txn *t)
{
	const struct txn_resend *list = txn_list(t);

	t->resendc = 0;
	t->resend_ms = list->count > 0 && !txn_is_stream(t)
			       ? txn_now_ms(t) + list->waits_ms[0]
			       : 0;
	txn_arm(t);
}


/* Copies that a stalled loop missed are not made up for. */
static void list_next(struct txn *t)
{
	const struct txn_resend *list = txn_list(t);
	const int64_t now_ms = txn_now_ms(t);

	t->resendc++;
	if (t->resendc >= list->count) {
		t->resend_ms = 0;
		return;
	}
	t->resend_ms += list->waits_ms[t->resendc];
	if (t->resend_ms < now_ms)
		t->resend_ms = now_ms;
}


static void handle_time(struct txn *t)
{
	if (t->side == TXN_SERVER) {
		txn_server_handle(t, TXN_S_EV_DEADLINE, NULL, NULL);
		return;
	}
	txn_client_handle(t,
			  t->is_timeout ? TXN_C_EV_TIMEOUT : TXN_C_EV_DEADLINE,
			  NULL, NULL);
}


static void handle_fail(struct txn *t)
{
	if (t->side == TXN_SERVER)
		txn_server_handle(t, TXN_S_EV_FAIL, NULL, NULL);
	else
		txn_client_handle(t, TXN_C_EV_FAIL, NULL, NULL);
}


static void handle_resend(struct txn *t)
{
	list_next(t);
	txn_arm(t);
	metric_inc_at(M_SIP_RESENDS, t->method);
	if (t->side == TXN_SERVER)
		txn_server_handle(t, TXN_S_EV_RESEND, NULL, NULL);
	else
		txn_client_handle(t, TXN_C_EV_RESEND, NULL, NULL);
}


static void on_due(void *arg)
{
	struct txn *t = arg;
	const int64_t now_ms = txn_now_ms(t);

	if (t->fail_err)
		handle_fail(t);
	else if (t->deadline_ms && t->deadline_ms <= now_ms)
		handle_time(t);
	else if (t->resend_ms && t->resend_ms <= now_ms)
		handle_resend(t);
	else
		txn_arm(t);
}


void txn_arm(struct txn *t)
{
	int64_t due_ms = t->deadline_ms;
	int64_t wait_ms;

	if (t->resend_ms && (!due_ms || t->resend_ms < due_ms))
		due_ms = t->resend_ms;
	if (!due_ms && !t->fail_err) {
		ev_timer_stop(&t->timer);
		return;
	}
	wait_ms = t->fail_err ? 0 : due_ms - txn_now_ms(t);
	ev_timer_start(&t->timer, t->txns->args.ev,
		       wait_ms > 0 ? (uint32_t)wait_ms : 0, on_due, t);
}


/* --- messages ------------------------------------------------------------- */

void txn_put(struct txn *t, const void *data, size_t len)
{
	const struct txns_args *args = &t->txns->args;
	const int err = args->sendh(&t->flow, data, len, args->arg);

	/* A full queue is a lost datagram. */
	if (!err || (err == ENOBUFS && !txn_is_stream(t)))
		return;
	if (!can_fail(t))
		return;
	t->fail_err = err;
	txn_arm(t);
}


void txn_put_again(struct txn *t)
{
	if (t->message)
		txn_put(t, t->message, t->message_len);
}


int txn_keep(struct txn *t, const void *data, size_t len)
{
	char *message = txn_buf_take(&t->txns->bufs, len);

	if (!message)
		return ENOMEM;

	memcpy(message, data, len);
	txn_drop(t);
	t->message = message;
	t->message_len = (uint32_t)len;

	return 0;
}


void txn_drop(struct txn *t)
{
	t->message = txn_buf_give(&t->txns->bufs, t->message);
	t->message_len = 0;
}


void txn_receive(struct txns *txns, const struct message *m,
		 const struct flow *from)
{
	if (m->is_request)
		txn_server_receive(txns, m, from);
	else
		txn_client_receive(txns, m, from);
}


/* --- names ---------------------------------------------------------------- */

static void mark_and_token(const struct txns *x, char *dst, size_t size)
{
	const size_t mark = strnlen(x->args.mark, sizeof(x->args.mark) - 1);

	assert(mark + 8 < size);
	memcpy(dst, x->args.mark, mark);
	id_token(dst + mark, size - 1 - mark);
}


void txn_branch(const struct txns *txns, char branch[TXN_BRANCH_SIZE])
{
	static const char cookie[] = "z9hG4bK"; /* RFC 3261 8.1.1.7 */
	const size_t len = sizeof(cookie) - 1;

	memcpy(branch, cookie, len);
	mark_and_token(txns, branch + len, TXN_BRANCH_SIZE - len);
}


void txn_tag(const struct txns *txns, char tag[TXN_TAG_SIZE])
{
	mark_and_token(txns, tag, TXN_TAG_SIZE);
}


/* --- layer ---------------------------------------------------------------- */

int txns_alloc(struct txns **txnsp, const struct txns_args *args)
{
	struct txns *x;
	int err = ENOMEM;

	if (!txnsp || !args || !args->ev || !args->sendh)
		return EINVAL;
	if (!memchr(args->mark, '\0', sizeof(args->mark)))
		return EINVAL;

	x = calloc(1, sizeof(*x));
	if (!x)
		return ENOMEM;
	x->args = *args;
	x->free = NOBODY;
	x->keys = malloc(TXN_SCRATCH_SIZE);
	x->out = malloc(TXN_SCRATCH_SIZE);
	if (!x->keys || !x->out)
		goto out;
	err = map_alloc(&x->servers, EXPECTED);
	if (!err)
		err = map_alloc(&x->merges, EXPECTED);
	if (!err)
		err = map_alloc(&x->clients, EXPECTED);
	if (!err)
		err = map_alloc(&x->dests, EXPECTED);
	if (!err && args->againh)
		err = txn_answered_alloc(x);
	if (!err)
		*txnsp = x;

out:
	if (err)
		txns_free(x);
	return err;
}


struct txns *txns_free(struct txns *x)
{
	if (!x)
		return NULL;

	for (uint32_t i = 0; i < x->chunkc * TXN_CHUNK; i++) {
		if (place(x, i)->side != TXN_FREE)
			txn_free(place(x, i));
	}
	for (uint32_t i = 0; i < x->chunkc; i++)
		free(x->chunks[i]);
	txn_dests_done(x);
	txn_bufs_done(&x->bufs);
	map_free(x->servers);
	map_free(x->merges);
	map_free(x->clients);
	map_free(x->dests);
	recent_free(x->answered);
	free(x->keys);
	free(x->out);
	free(x);

	return NULL;
}
