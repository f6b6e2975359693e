/**
 * @file mediad/range.c  SS_RTP_PORT_RANGE: which ports there are to be, and
 *                        which need not be any more
 */
#include "mediad/mediad.h"
#include "mediad/ports.h"
#include "mediad/range.h"
#include "shared/catalog/catalog.h"
#include "shared/catalog/param.h"
#include "shared/svc/svc.h"

enum {
	LOOK_MS = 1000,
	ASK_LOOKS = 30, /* one that was refused is asked for again so late */
	SAY_LOOKS = 10, /* a reload for each: not for every call that ends */
	DEFAULT_FIRST = 10000,
	DEFAULT_LAST = 20000,
};


/* 0, 0: what tandem.conf says. Pairs begin at even ports. */
static void wanted(const struct catalog *c, uint32_t *firstp, uint32_t *lastp)
{
	const uint32_t first = (uint32_t)catalog_int(c, SS_RTP_PORT_RANGE);
	const uint32_t last = (uint32_t)catalog_second(c, SS_RTP_PORT_RANGE);

	*firstp = 0;
	*lastp = 0;
	if (first == DEFAULT_FIRST && last == DEFAULT_LAST)
		return;

	*firstp = first + first % 2;
	*lastp = last - (last + 1) % 2;
}


static void look(struct mediad *mediad)
{
	const struct catalog *c = catalog_pin(svc_catalog(mediad->svc));
	const Tandem__Node *node = svc_node(mediad->svc);
	uint32_t first, last;

	if (!c)
		return;
	wanted(c, &first, &last);
	catalog_unpin(svc_catalog(mediad->svc), c);
	if (node->rtp_first == first && node->rtp_last == last) {
		mediad->range_looks = 0;
		return;
	}
	if (mediad->range_looks++ % ASK_LOOKS == 0)
		svc_rtp_range(mediad->svc, first, last);
}


/* Ports that are not ours any more, behind the last session on them */
static void give_up(struct mediad *mediad)
{
	struct svc_ports runs[SVC_PORTS_MAX];
	size_t n;

	if (mediad->say_looks++ % SAY_LOOKS != 0)
		return;

	n = ports_unused(mediad->ports, runs, SVC_PORTS_MAX);
	if (n > 0)
		svc_rtp_unused(mediad->svc, runs, n);
	else
		mediad->say_looks = 0;
}


static void on_look(void *arg)
{
	struct mediad *mediad = arg;

	/* Every worker would ask for the same. */
	if (svc_self(mediad->svc).worker == 0)
		look(mediad);
	give_up(mediad);
	ev_timer_start(&mediad->range, mediad->ev, LOOK_MS, on_look, mediad);
}


void range_start(struct mediad *mediad)
{
	ev_timer_start(&mediad->range, mediad->ev, LOOK_MS, on_look, mediad);
}


void range_stop(struct mediad *mediad)
{
	ev_timer_stop(&mediad->range);
}
