/**
 * @file mediad/ports.c  The inherited RTP sockets
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mediad/portpool.h"
#include "mediad/ports.h"
#include "shared/shm/segment.h"

enum {
	PORTC = 65536,
	PAIRC = PORTC / SESSION_STREAMS,
};

struct ports {
	struct port_pair *pairs; /* by port */
	uint32_t pairc;          /* of ours */
	bool has_retired;
	struct portpool *pool;
	struct segment rests;
};


static bool is_ours(const struct port_pair *pair)
{
	return pair->fds[0] >= 0;
}


static uint16_t port_of(const struct ports *ports,
			const struct port_pair *pair)
{
	return (uint16_t)((pair - ports->pairs) * SESSION_STREAMS);
}


/* Pairs of which both sockets are there */
static void make_pairs(struct ports *ports, const struct ports_args *args)
{
	struct port_pair *pairs = ports->pairs;

	for (uint32_t i = 0; i < PAIRC; i++)
		pairs[i] = (struct port_pair){ .fds = { -1, -1 },
					       .session = PORTS_NOBODY };
	for (size_t i = 0; i < args->socketc; i++) {
		const struct port_socket *socket = &args->sockets[i];

		pairs[socket->port / SESSION_STREAMS]
			.fds[socket->port % SESSION_STREAMS] = socket->fd;
	}
	for (uint32_t i = 0; i < PAIRC; i++) {
		const uint16_t port = port_of(ports, &pairs[i]);

		if (pairs[i].fds[0] < 0 || pairs[i].fds[1] < 0) {
			pairs[i].fds[0] = pairs[i].fds[1] = -1;
			continue;
		}
		pairs[i].is_retired = port < args->first || port > args->last;
		ports->has_retired |= pairs[i].is_retired;
		ports->pairc++;
	}
}


int ports_alloc(struct ports **portsp, const struct ports_args *args)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	int err;

	if (!ports)
		return ENOMEM;

	ports->rests = *args->rests;
	ports->pairs = malloc(PAIRC * sizeof(*ports->pairs));
	if (!ports->pairs) {
		free(ports);
		return ENOMEM;
	}
	make_pairs(ports, args);
	err = portpool_alloc(&ports->pool, ports->pairc);
	if (err)
		ports_free(ports);
	else
		*portsp = ports;

	return err;
}


struct ports *ports_free(struct ports *ports)
{
	if (!ports)
		return NULL;

	portpool_free(ports->pool);
	free(ports->pairs);
	free(ports);

	return NULL;
}


/* --- another range
 * -------------------------------------------------------------------------- */

/* Of a session whose sockets are not ours any more nothing is left to carry. */
static void carry_over(struct port_pair *pair, const struct port_pair *old)
{
	if (!is_ours(pair))
		return;

	pair->session = old->session;
	pair->side = old->side;
	pair->line = old->line;
}


int ports_reload(struct ports *ports, const struct ports_args *args,
		 int64_t now_us)
{
	struct ports *new, old;
	int err;

	err = ports_alloc(&new, args);
	if (err)
		return err;

	for (uint32_t i = 0; i < PAIRC; i++)
		carry_over(&new->pairs[i], &ports->pairs[i]);
	ports_open(new, now_us);
	old = *ports;
	*ports = *new;
	*new = old;
	ports_free(new);

	return 0;
}


uint32_t ports_count(const struct ports *ports)
{
	return ports->pairc;
}


const struct port_pair *ports_pair(const struct ports *ports, uint16_t port)
{
	return &ports->pairs[port / SESSION_STREAMS];
}


void ports_fetch(const struct ports *ports, uint16_t port)
{
	__builtin_prefetch(ports_pair(ports, port));
}


int ports_each(const struct ports *ports, ports_h *h, void *arg)
{
	int err = 0;

	for (uint32_t port = 0; port < PORTC && !err; port++) {
		const struct port_pair *pair = ports_pair(ports,
							  (uint16_t)port);

		if (is_ours(pair))
			err = h(pair->fds[port % SESSION_STREAMS],
				(uint16_t)port, arg);
	}

	return err;
}


size_t ports_unused(const struct ports *ports, struct svc_ports *runs,
		    size_t most)
{
	size_t n = 0;

	for (uint32_t i = 0; ports->has_retired && i < PAIRC; i++) {
		const struct port_pair *pair = &ports->pairs[i];
		const uint16_t port = port_of(ports, pair);

		if (!pair->is_retired || pair->session != PORTS_NOBODY)
			continue;
		if (n > 0 && runs[n - 1].first + runs[n - 1].count == port)
			runs[n - 1].count += SESSION_STREAMS;
		else if (n < most)
			runs[n++] = (struct svc_ports){ port,
							SESSION_STREAMS };
		else
			break;
	}

	return n;
}


static _Atomic int64_t *rest_of(const struct ports *ports, uint16_t port)
{
	const uint32_t n = port / 2;
	struct media_rests *rests;

	if (n / RESTS_PER_SLOT >= ports->rests.slotc)
		return NULL;
	rests = segment_slot(&ports->rests, n / RESTS_PER_SLOT);

	return &rests->given_us[n % RESTS_PER_SLOT];
}


static void own(struct port_pair *pair, struct port_owner owner)
{
	pair->session = owner.session;
	pair->side = owner.side;
	pair->line = owner.line;
}


int ports_claim(struct ports *ports, uint16_t port, struct port_owner owner)
{
	struct port_pair *pair = &ports->pairs[port / SESSION_STREAMS];

	if (!is_ours(pair))
		return ENOENT;
	if (pair->session != PORTS_NOBODY)
		return EEXIST;

	own(pair, owner);

	return 0;
}


/* A time that lies ahead is nobody's word: the machine was started anew. */
static int64_t given_us(const struct ports *ports, uint16_t port,
			int64_t now_us)
{
	const _Atomic int64_t *rest = rest_of(ports, port);
	const int64_t us = rest ? atomic_load_explicit(rest,
						       memory_order_relaxed)
				: 0;

	return us > 0 && us <= now_us ? us : now_us - PORTPOOL_REST_US;
}


void ports_open(struct ports *ports, int64_t now_us)
{
	for (uint32_t i = 0; i < PAIRC; i++) {
		const struct port_pair *pair = &ports->pairs[i];

		if (is_ours(pair) && !pair->is_retired &&
		    pair->session == PORTS_NOBODY)
			portpool_add(ports->pool, i,
				     given_us(ports, port_of(ports, pair),
					      now_us));
	}
	portpool_sort(ports->pool, now_us);
}


int ports_take(struct ports *ports, struct port_owner owner, uint16_t *portp,
	       int64_t now_us)
{
	uint32_t n;
	const int err = portpool_take(ports->pool, &n, now_us);

	if (err)
		return err;

	own(&ports->pairs[n], owner);
	*portp = port_of(ports, &ports->pairs[n]);

	return 0;
}


void ports_rest(struct ports *ports, uint16_t port, int64_t now_us)
{
	_Atomic int64_t *rest = rest_of(ports, port);

	if (rest)
		atomic_store_explicit(rest, now_us, memory_order_relaxed);
}


void ports_give(struct ports *ports, uint16_t port, int64_t now_us)
{
	const uint32_t n = port / SESSION_STREAMS;
	struct port_pair *pair = &ports->pairs[n];

	if (!is_ours(pair))
		return; /* a predecessor's, which we did not get */

	assert(pair->session != PORTS_NOBODY);
	pair->session = PORTS_NOBODY;
	if (!pair->is_retired)
		portpool_give(ports->pool, n, now_us);
}


uint32_t ports_left(const struct ports *ports)
{
	return portpool_left(ports->pool);
}
