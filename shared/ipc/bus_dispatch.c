/**
 * @file shared/ipc/bus_dispatch.c  The door of the bus
 *
 * A peer may be a daemon that has been taken over. It can send any bytes; it
 * cannot make us crash, allocate, or call a handler that was not meant for it.
 */
#include <stdlib.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"


static void *arena_take(void *arg, size_t size)
{
	struct arena *arena = arg;
	const size_t align = _Alignof(max_align_t);
	void *p;

	if (size > ARENA_BYTES - arena->used)
		return NULL;

	p = arena->bytes + arena->used;
	arena->used += (size + align - 1) / align * align;
	if (arena->used > ARENA_BYTES)
		arena->used = ARENA_BYTES;

	return p;
}


/* All goes at once, with the next message. */
static void arena_give(void *arg, void *p)
{
	(void)arg;
	(void)p;
}


static enum bus_refusal envelope_check(const Tandem__Envelope *env,
				       struct peer_id sender, int64_t now_us)
{
	const Tandem__Header *hdr = env->hdr;

	if (!hdr)
		return BUS_NO_HEADER;

	if (hdr->peer != sender.peer || hdr->worker != sender.worker)
		return BUS_WRONG_SENDER;

	if (hdr->deadline_us != 0 && hdr->deadline_us <= now_us)
		return BUS_TOO_LATE;

	/* A body that only a newer release knows is an unknown field here:
	 * there was a body, and we have no row for it. */
	if (env->body_case == TANDEM__ENVELOPE__BODY__NOT_SET)
		return env->base.n_unknown_fields > 0 ? BUS_NO_ROUTE
						      : BUS_NO_BODY;

	return BUS_OK;
}


enum bus_refusal envelope_open(struct arena *arena, Tandem__Envelope **envp,
			       struct peer_id sender, int64_t now_us,
			       const uint8_t *data, size_t len)
{
	ProtobufCAllocator allocator = { arena_take, arena_give, arena };

	*envp = NULL;

	if (len > BUS_BYTES_MAX)
		return BUS_TOO_LARGE;

	arena->used = 0;
	*envp = tandem__envelope__unpack(&allocator, len, data);
	if (!*envp)
		return BUS_MALFORMED;

	return envelope_check(*envp, sender, now_us);
}


enum bus_refusal envelope_route(const struct bus_route **routep,
				const struct bus_route *routes, size_t routec,
				const Tandem__Envelope *env)
{
	const size_t body = (size_t)env->body_case;

	if (body >= routec || routes[body].from == PEER_NONE)
		return BUS_NO_ROUTE;

	if (routes[body].from != (enum peer)env->hdr->peer)
		return BUS_WRONG_SENDER;

	*routep = &routes[body];

	return BUS_OK;
}


enum bus_refusal bus_dispatch(const struct bus_route *routes, size_t routec,
			      void *state, struct peer_id sender,
			      int64_t now_us, const uint8_t *data, size_t len)
{
	const struct bus_route *route;
	Tandem__Envelope *env;
	enum bus_refusal why;
	struct arena arena;

	why = envelope_open(&arena, &env, sender, now_us, data, len);
	if (!why)
		why = envelope_route(&route, routes, routec, env);
	if (!why && route->handler(state, env, route->tag))
		why = BUS_HANDLER;
	if (why)
		metric_inc_at(M_BUS_REFUSED, why);

	return why;
}


const char *envelope_body_name(const Tandem__Envelope *env)
{
	const ProtobufCFieldDescriptor *field;

	field = protobuf_c_message_descriptor_get_field(
		&tandem__envelope__descriptor, (unsigned)env->body_case);

	return field ? field->name : "none";
}
