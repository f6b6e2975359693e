/**
 * @file sipd/txn_answered.c  Requests whose answers are made anew
 *
 * A transaction that has answered waits for copies of its request, for half a
 * minute, with the answer in its hands: most of what a busy switch would have
 * in memory, and all of it cold. Where the answer can be made once more from
 * the copy itself, a row is enough that says: this one was answered.
 *
 * A row is found by what is the same in all ways a request may come (RFC 3261
 * 8.2.2.2), and tells a copy from a merged one by the rest of its key; within
 * a dialog, where nothing is merged, by its key. Who asks from elsewhere is a
 * stranger to it, and what he asks a new request.
 *
 * Of an INVITE whose 2xx has its ACK nothing is made anew: its copies, from
 * wherever they come, are to be swallowed, and a row is enough for that, too.
 */
#include "shared/base/recent.h"
#include "sipd/txn_int.h"

enum {
	ROWS_MAX = 1 << 20,
	SWEEP = 4, /**< Let go for one that comes: faster than they grow */
	CODE_MERGED = 482,
};

struct answered {
	struct recent_row row; /**< value: ms, when its time is over */
	uint64_t key;
	uint64_t source; /**< 0: any, and nothing is said to a copy */
	uint64_t user;
};


int txn_answered_alloc(struct txns *x)
{
	return recent_alloc(&x->answered, sizeof(struct answered), ROWS_MAX);
}


static uint32_t now_of(const struct txns *x)
{
	return (uint32_t)(ev_now_us(x->args.ev) / 1000);
}


static bool is_over(const struct answered *a, uint32_t now_ms)
{
	return (int32_t)(a->row.value - now_ms) <= 0;
}


static uint64_t hash_of(const struct flow *from)
{
	return map_hash(&from->remote, sizeof(from->remote));
}


static uint64_t row_of(const struct txn_keys *keys)
{
	return keys->merge.l ? keys->merge_hash : keys->hash;
}


void txn_answered_ahead(const struct txns *x, const struct txn_keys *keys)
{
	if (x->answered)
		recent_ahead(x->answered, row_of(keys));
}


void txn_reply_ahead(const struct txns *txns, txn_id txn)
{
	const struct txn *t = txn_find(txns, txn, TXN_SERVER);

	if (t && txns->answered && txn_server_of(t)->merge.key)
		recent_ahead(txns->answered, txn_server_of(t)->merge.hash);
}


/* The next one behind before, or the first; its time is not over. */
static const struct answered *find(const struct txns *x,
				   const struct txn_keys *keys,
				   const struct answered *before)
{
	const struct answered *a;

	if (!x->answered)
		return NULL;
	a = recent_find(x->answered, row_of(keys), before);

	return a && !is_over(a, now_of(x)) ? a : NULL;
}


bool txn_answered_knows(const struct txns *x, const struct txn_keys *keys)
{
	const struct answered *a = find(x, keys, NULL);

	while (a && a->key != keys->hash)
		a = find(x, keys, a);

	return a != NULL;
}


bool txn_answered_receive(struct txns *x, const struct message *m,
			  const struct flow *from, const struct txn_keys *keys)
{
	const struct answered *a = find(x, keys, NULL);
	const uint64_t source = a ? hash_of(from) : 0;

	while (a && a->source && a->source != source)
		a = find(x, keys, a);
	if (!a)
		return false;
	if (a->key != keys->hash)
		(void)txn_answer(x, m, from, CODE_MERGED, (struct text){ 0 });
	else if (a->source)
		x->args.againh(m, from, a->user, x->args.arg);

	return true;
}


/* Without a tag of ours it came within a dialog.
 * @return NULL: there is no room, or it is not one of those */
static struct answered *add(const struct txn *t, uint32_t until_ms)
{
	const struct txn_server *s = txn_server_of(t);
	struct txns *x = t->txns;
	const uint32_t now_ms = now_of(x);
	struct answered *a;

	if (!x->answered || txn_is_stream(t) || (!s->merge.key && s->tag[0]))
		return NULL;
	for (int i = 0; i < SWEEP; i++) {
		a = recent_oldest(x->answered);
		if (!a || !is_over(a, now_ms))
			break;
		recent_drop(x->answered);
	}
	a = recent_add(x->answered,
		       s->merge.key ? s->merge.hash : t->link.hash);
	if (a) {
		a->row.value = until_ms;
		a->key = t->link.hash;
	}

	return a;
}


bool txn_answered_add(const struct txn *t)
{
	return add(t, (uint32_t)t->deadline_ms) != NULL;
}


int txn_reply_anew(struct txns *txns, txn_id txn,
		   const struct txn_reply *reply, uint64_t user)
{
	struct txn *t = txn_find(txns, txn, TXN_SERVER);
	struct answered *a;
	struct text message;
	const int err = txn_reply_make(txns, txn, reply, &message);

	if (err)
		return err;
	a = add(t, now_of(txns) + txn_resend_total_ms(txn_list(t)));
	if (!a)
		return txn_reply_put(txns, txn, reply, message);
	a->source = hash_of(&t->flow);
	a->user = user;
	/* as a lost datagram if it cannot be sent: a copy will come */
	(void)txns->args.sendh(&t->flow, message.p, message.l, txns->args.arg);
	txn_free(t);

	return 0;
}
