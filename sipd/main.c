/**
 * @file sipd/main.c  SIP
 *
 * What sipd owns, the order it is brought up in, and what it does when it is
 * asked to stop: SIP signalling: wire, transactions, calls. In this release it
 * holds its sockets, lives, is watched and answers.
 *
 * Everything else a daemon does (options, log, rights, bus, readiness,
 * metrics, adoption) is the same for all: shared/svc/svc.c.
 */
#include "shared/ev/re_on_uv.h"
#include "shared/svc/svc.h"
#include "sipd/metrics.h"


/* libre (TCP, TLS, DNS) runs on the daemon's one loop. */
static int sipd_open(struct svc *svc, void *state)
{
	(void)state;

	return re_on_uv(svc_ev(svc));
}


static void sipd_close(void *state)
{
	(void)state;
	(void)re_on_uv(NULL);
}


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "sipd",
		.peer = PEER_SIPD,
		.metrics = sipd_metrics,
		.metricc = SIPD_METRICC,
		.open = sipd_open,
		.close = sipd_close,
	};

	return svc_main(&def, argc, argv);
}
