/**
 * @file mediad/main.c  RTP relay
 *
 * What mediad owns, the order it is brought up in, and what it does when it is
 * asked to stop: the relay between the ends of a call. In this release it
 * holds its part of the RTP range, and tells sipd that media goes directly
 * (dispatch.c).
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "mediad/mediad.h"
#include "shared/svc/svc.h"


static int mediad_open(struct svc *svc, void *state)
{
	struct mediad *mediad = state;

	mediad->svc = svc;

	return 0;
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "mediad",
		.peer = PEER_MEDIAD,
		.state_size = sizeof(struct mediad),
		.routes = mediad_routes,
		.routec = mediad_routec,
		.open = mediad_open,
	};

	return svc_main(&def, argc, argv);
}
