/**
 * @file regd/main.c  Registrations
 *
 * What regd owns, the order it is brought up in, and what it does when it is
 * asked to stop: phones' bindings, NAT keep-alive and registrations upstream.
 * In this release it lives, is watched and answers.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "shared/svc/svc.h"


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "regd",
		.peer = PEER_REGD,
	};

	return svc_main(&def, argc, argv);
}
