/**
 * @file sipd/wire_order.c  In which order datagrams of a batch are handled
 */
#include <assert.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/util.h"
#include "sipd/head_parts.h"
#include "sipd/peek.h"
#include "sipd/wire_order.h"

/** In the order of a call */
enum rank {
	RANK_ALONE,  /**< Before what came later, behind what came before */
	RANK_NOCALL, /**< Of no call at all */
	RANK_INVITE, /**< That begins one */
	RANK_PROVISIONAL,
	RANK_ANSWER, /**< 2xx to INVITE */
	RANK_REFUSAL,
	RANK_ACK,
	RANK_BYE,
	RANK_BYE_DONE,
	RANKC
};

enum {
	NOBODY = UINT8_MAX,
	PLACES = 2 * WIRE_ORDER_MAX, /**< Power of two, never full */
	LINES_MAX = 16, /**< All lines come early, or it is not worth it */
	KEEPALIVE_MAX = 4,
};
BUILD_ASSERT(WIRE_ORDER_MAX <= 64); /* bits of a word */

static const enum rank of_requests[METHODC] = {
	[METHOD_INVITE] = RANK_INVITE,
	[METHOD_ACK] = RANK_ACK,
	[METHOD_BYE] = RANK_BYE,
	[METHOD_REGISTER] = RANK_NOCALL,
};

struct batch {
	uint64_t hashes[WIRE_ORDER_MAX]; /**< Of Call-ID */
	uint8_t before[WIRE_ORDER_MAX];  /**< The last that had the same */
	uint8_t places[PLACES];          /**< By hash: the last of it */
	uint64_t ranks[RANKC];           /**< Bits: who has it and waits */
	uint64_t done;                   /**< Bits */
};

/** What is known of a message */
struct known {
	unsigned code; /**< 0: a request */
	enum method method;
	bool has_tag; /**< In To */
	bool has_id, has_cseq, has_to;
	uint64_t hash;
};


static enum rank rank_of(const struct known *k)
{
	if (!k->has_id || !k->has_cseq)
		return RANK_ALONE;
	if (!k->code)
		return k->method == METHOD_INVITE && k->has_tag
			       ? RANK_ALONE
			       : of_requests[k->method];

	switch ((int)k->method) {

	case METHOD_INVITE:
		if (k->code < 200)
			return RANK_PROVISIONAL;
		return k->code < 300 ? RANK_ANSWER : RANK_REFUSAL;

	case METHOD_BYE:
		return RANK_BYE_DONE;

	case METHOD_OPTIONS:
	case METHOD_REGISTER:
		return RANK_NOCALL;

	default:
		return RANK_ALONE;
	}
}


/* What only looks like one keeps its order, too. */
static bool has_tag(struct text to)
{
	struct text rest = to, before;

	while (text_cut(rest, ';', &before, &rest)) {
		while (rest.l > 0 && head_is_blank(rest.p[0]))
			rest = (struct text){ rest.p + 1, rest.l - 1 };
		if (rest.l >= 3 && (rest.p[0] | ' ') == 't' &&
		    (rest.p[1] | ' ') == 'a' && (rest.p[2] | ' ') == 'g')
			return true;
	}

	return false;
}


/* Lines that begin otherwise are neither Call-ID (i), CSeq nor To (t). */
static bool may_be(struct text line)
{
	const char c = (char)(line.p[0] | ' ');

	return c == 'c' || c == 'i' || c == 't';
}


static void look_line(struct known *k, struct text line)
{
	struct text value;

	switch ((int)peek_head(line, &value)) {

	case HEAD_CALL_ID:
		k->hash = map_hash(value.p, value.l);
		k->has_id = true;
		break;

	case HEAD_TO:
		k->has_tag = has_tag(value);
		k->has_to = true;
		break;

	case HEAD_CSEQ:
		k->method = method_find(peek_cseq_method(value));
		k->has_cseq = true;
		break;

	default:
		break;
	}
}


static enum rank look(struct text message, uint64_t *hashp)
{
	struct text rest = message, line;
	struct known k = { .hash = 0 };
	struct peek peek;

	*hashp = 0;
	if (message.l <= KEEPALIVE_MAX)
		return RANK_NOCALL;

	peek_first(&peek, message);
	k.code = peek.code;
	/* Its method in CSeq is the same, or it is answered alone; and those
	 * of one Call-ID keep their order, having one rank. */
	if (!k.code && method_find(peek.method) == METHOD_REGISTER)
		return RANK_NOCALL;
	(void)peek_line(&rest, &line);
	for (int i = 0; i < LINES_MAX &&
			!(k.has_id && k.has_cseq && (k.code || k.has_to)) &&
			peek_line(&rest, &line);
	     i++)
		if (may_be(line))
			look_line(&k, line);
	*hashp = k.hash;

	return rank_of(&k);
}


/* @return the last message of that Call-ID, NOBODY: it is the first */
static uint8_t enter(struct batch *b, uint8_t i)
{
	const uint64_t hash = b->hashes[i];
	size_t at = hash % PLACES;
	uint8_t before;

	while (b->places[at] != NOBODY && b->hashes[b->places[at]] != hash)
		at = (at + 1) % PLACES;
	before = b->places[at];
	b->places[at] = i;

	return before;
}


static size_t put(struct batch *b, uint8_t order[], size_t n, unsigned i)
{
	order[n] = (uint8_t)i;
	b->done |= UINT64_C(1) << i;

	return n + 1;
}


/* Those of one rank that are behind nobody who waits */
static size_t put_rank(struct batch *b, uint8_t order[], size_t n,
		       uint64_t *rank)
{
	for (uint64_t left = *rank; left; left &= left - 1) {
		const unsigned i = (unsigned)__builtin_ctzll(left);

		if (b->before[i] != NOBODY && !(b->done >> b->before[i] & 1))
			continue;
		n = put(b, order, n, i);
		*rank &= ~(UINT64_C(1) << i);
	}

	return n;
}


/* All that wait, up to the end-th: the first of them is behind nobody, so
 * each round has one. */
static size_t put_all(struct batch *b, uint8_t order[], size_t n, size_t end)
{
	while (n < end)
		for (size_t r = 0; r < RANKC; r++)
			n = put_rank(b, order, n, &b->ranks[r]);

	return n;
}


void wire_order(uint8_t order[], const struct text messages[], size_t count)
{
	struct batch b = { .done = 0 };
	size_t n = 0;

	assert(count <= WIRE_ORDER_MAX);

	memset(b.places, NOBODY, sizeof(b.places));
	for (unsigned i = 0; i < count; i++) {
		const enum rank rank = look(messages[i], &b.hashes[i]);

		b.before[i] = enter(&b, (uint8_t)i);
		if (rank == RANK_ALONE) {
			n = put_all(&b, order, n, i);
			n = put(&b, order, n, i);
		}
		else {
			b.ranks[rank] |= UINT64_C(1) << i;
		}
	}
	(void)put_all(&b, order, n, count);
}
