/**
 * @file billingd/main.c  Database, rating and records
 *
 * What billingd owns, the order it is brought up in, and what it does when it
 * is asked to stop: the only process that speaks to PostgreSQL: accounts,
 * rating, holds, call records. In this release it lives, is watched and
 * answers; its work comes with the catalog.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "shared/svc/svc.h"


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "billingd",
		.peer = PEER_BILLINGD,
	};

	return svc_main(&def, argc, argv);
}
