/**
 * @file mediad/dispatch.c  What mediad answers the others
 *
 * With media { relay = off }, all that this release can, no port is given to
 * anybody: media goes directly between the ends of a call. So there is nothing
 * to be remembered either, and everything may be asked again.
 */
#include <errno.h>

#include "mediad/mediad.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"


/* An asker that is away repeats its question. */
static int reply(const struct mediad *mediad, const Tandem__Header *hdr,
		 Tandem__Envelope *env)
{
	const int err = bus_reply(svc_bus(mediad->svc), hdr, env);

	return err == EHOSTUNREACH || err == ENOBUFS ? 0 : err;
}


static int on_reserve(void *state, const Tandem__Envelope *env, int tag)
{
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;
	Tandem__MediaReserved reserved;

	(void)tag;
	tandem__media_reserved__init(&reserved);
	reserved.bypass = true;
	answer.body_case = BUS_BODY(MEDIA_RESERVED);
	answer.media_reserved = &reserved;

	return reply(state, env->hdr, &answer);
}


static int on_point(void *state, const Tandem__Envelope *env, int tag)
{
	Tandem__Pointed pointed = TANDEM__POINTED__INIT;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;

	(void)tag;
	answer.body_case = BUS_BODY(POINTED);
	answer.pointed = &pointed;

	return reply(state, env->hdr, &answer);
}


static int on_release(void *state, const Tandem__Envelope *env, int tag)
{
	Tandem__MediaSide a = TANDEM__MEDIA_SIDE__INIT;
	Tandem__MediaSide b = TANDEM__MEDIA_SIDE__INIT;
	Tandem__Released released = TANDEM__RELEASED__INIT;
	Tandem__Envelope answer = TANDEM__ENVELOPE__INIT;

	(void)tag;
	released.a = &a;
	released.b = &b;
	answer.body_case = BUS_BODY(RELEASED);
	answer.released = &released;

	return reply(state, env->hdr, &answer);
}


/* clang-format off */
const struct bus_route mediad_routes[] = {
	[BUS_BODY(RESERVE)] = { PEER_SIPD, on_reserve, 0 },
	[BUS_BODY(POINT)]   = { PEER_SIPD, on_point,   0 },
	[BUS_BODY(RELEASE)] = { PEER_SIPD, on_release, 0 },
};
/* clang-format on */
const size_t mediad_routec = COUNT_OF(mediad_routes);
