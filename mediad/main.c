/**
 * @file mediad/main.c  RTP relay
 *
 * What mediad owns, the order it is brought up in, and what it does when it is
 * asked to stop: the relay between the ends of a call. In this release it
 * holds its part of the RTP range, lives, is watched and answers.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "shared/svc/svc.h"


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "mediad",
		.peer = PEER_MEDIAD,
	};

	return svc_main(&def, argc, argv);
}
