/**
 * @file sipd/health.c  Which addresses of routing gateways answer
 *
 * The addresses form a ring; a cursor goes round once a period, so checks are
 * spread over it however many there are. One machine per address: UNCHECKED,
 * ONLINE, OFFLINE, and how many checks in a row were bad.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/map.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/compose.h"
#include "sipd/health.h"
#include "sipd/leg.h"
#include "sipd/params.h"
#include "sipd/resolve.h"
#include "sipd/sipd.h"
#include "sipd/txn.h"

enum {
	TICK_MS = 100,
	CHECKS_PER_TICK_MAX = 200,
};

struct place {
	struct map_link link;
	struct {
		uint32_t gateway;
		uint32_t target;
	} key;
	char name[CAT_NAME_MAX + 1];
	struct health_peer peer;
	uint8_t state; /**< enum health_state */
	uint16_t failures;
	bool is_asked;
	int64_t checked_us;
};

struct health {
	struct sipd *sipd;
	struct map *map;
	struct place *places;
	size_t placec;
	size_t cursor;
	int64_t began_us; /**< Of this round, monotonic */
	size_t sent;      /**< In this round */
	struct ev_timer tick;
};


static struct place *place_find(const struct health *health, uint32_t gateway,
				size_t target)
{
	struct map_link *link;
	const struct {
		uint32_t gateway;
		uint32_t target;
	} key = { gateway, (uint32_t)target };

	if (!health->placec)
		return NULL;
	link = map_find(health->map, &key, sizeof(key));

	return link ? CONTAINER_OF(link, struct place, link) : NULL;
}


enum health_state health_of(const struct health *health, uint32_t gateway,
			    size_t target)
{
	const struct place *place = place_find(health, gateway, target);

	return place ? (enum health_state)place->state : HEALTH_UNCHECKED;
}


int64_t health_checked_us(const struct health *health, uint32_t gateway,
			  size_t target)
{
	const struct place *place = place_find(health, gateway, target);

	return place ? place->checked_us : 0;
}


enum health_state health_gateway(const struct health *health, uint32_t gateway)
{
	enum health_state state = HEALTH_UNCHECKED;
	const struct place *place;

	for (size_t t = 0; (place = place_find(health, gateway, t)); t++) {
		if (place->state != HEALTH_OFFLINE)
			return place->state == HEALTH_ONLINE || t == 0
				       ? (enum health_state)place->state
				       : HEALTH_UNCHECKED;
		state = HEALTH_OFFLINE;
	}

	return state;
}


/* --- a check
 * ----------------------------------------------------------------------- */

static void judge(struct health *health, struct place *place, bool good,
		  int64_t failures)
{
	const enum health_state before = (enum health_state)place->state;

	place->is_asked = false;
	place->checked_us = clk_wall_us();
	place->failures = good ? 0 : (uint16_t)(place->failures + 1);
	if (good)
		place->state = HEALTH_ONLINE;
	else if (place->failures >= failures)
		place->state = HEALTH_OFFLINE;
	if (place->state == before)
		return;
	if (place->state == HEALTH_OFFLINE)
		log_warn(health->sipd->log,
			 "gateway_offline gateway=%s host=%s", place->name,
			 place->peer.host);
	else if (before == HEALTH_OFFLINE)
		log_notice(health->sipd->log,
			   "gateway_online gateway=%s host=%s", place->name,
			   place->peer.host);
}


static void on_answer(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user)
{
	struct health *health = arg;
	struct place *place = place_find(health, (uint32_t)(user >> 32),
					 (uint32_t)user);
	const struct catalog *c;

	(void)txn;
	(void)err;
	(void)from;
	if (!place || !place->is_asked || (m && m->code < 200))
		return;
	c = catalog_pin(svc_catalog(health->sipd->svc));
	if (!c)
		return;
	judge(health, place, m && m->code != 408 && m->code != 503,
	      catalog_int(c, SS_SIP_OPTIONS_CHECK_FAILURES));
	catalog_unpin(svc_catalog(health->sipd->svc), c);
}


static void put_options(struct compose *c, struct sipd *sipd,
			const struct health_peer *peer, const struct flow *to,
			const char *branch)
{
	const struct wire_listener *l = wire_listener(sipd->wire,
						      to->listener);
	const bool is_v6 = strchr(peer->host, ':') != NULL;
	char tag[TXN_TAG_SIZE], call_id[25];

	txn_tag(sipd->txns, tag);
	id_token(call_id, 24);
	compose_put(c, "OPTIONS sip:");
	compose_put(c, is_v6 ? "[" : "");
	compose_put(c, peer->host);
	compose_put(c, is_v6 ? "]" : "");
	if (peer->port) {
		compose_put(c, ":");
		compose_number(c, peer->port);
	}
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, sipd, to, branch);
	compose_put(c, "Max-Forwards: 70\r\nFrom: <sip:");
	compose_put(c, l->host);
	compose_put(c, ">;tag=");
	compose_put(c, tag);
	compose_put(c, "\r\nTo: <sip:");
	compose_put(c, is_v6 ? "[" : "");
	compose_put(c, peer->host);
	compose_put(c, is_v6 ? "]" : "");
	compose_put(c, ">\r\nCall-ID: ");
	compose_put(c, call_id);
	compose_put(c, "\r\nCSeq: 1 OPTIONS\r\nContact: ");
	leg_contact(c, sipd, to, (struct text){ "", 0 });
	compose_put(c, "\r\nUser-Agent: Tandem\r\nContent-Length: 0\r\n\r\n");
}


int health_ask(struct sipd *sipd, const struct health_peer *peer,
	       const struct addr *addr, struct txn_send *send)
{
	char branch[TXN_BRANCH_SIZE];
	struct compose out;
	txn_id txn;
	int err;

	send->to = (struct flow){ .remote = *addr,
				  .transport = (uint8_t)peer->transport };
	err = wire_listener_find(sipd->wire, &send->to.listener,
				 peer->transport, peer->local_ip, addr);
	if (err)
		return err;
	txn_branch(sipd->txns, branch);
	compose_init(&out, sipd->scratch, sizeof(sipd->scratch));
	put_options(&out, sipd, peer, &send->to, branch);
	send->branch = branch;
	send->request = compose_result(&out);
	err = txn_send(sipd->txns, send, &txn);
	send->branch = NULL;

	return err;
}


static int send_check(struct health *health, struct place *place,
		      const struct addr *addr, const struct catalog *c)
{
	struct txn_resend resend;
	struct txn_send send = {
		.method = METHOD_OPTIONS,
		.resend = &resend,
		.h = on_answer,
		.arg = health,
		.user = (uint64_t)place->key.gateway << 32 | place->key.target,
	};
	const uint32_t period_ms =
		(uint32_t)catalog_int(c, SS_SIP_OPTIONS_CHECK_PERIOD) * 1000;
	uint32_t request_ms;
	int err;

	params_resend(&resend, c);
	request_ms = txn_resend_total_ms(&resend);
	send.timeout_ms = period_ms < request_ms ? period_ms : request_ms;
	err = health_ask(health->sipd, &place->peer, addr, &send);
	place->is_asked = !err;

	return err;
}


static void on_resolved(const struct resolved *r, void *arg, uint64_t user)
{
	(void)r; /* the next round finds it in the cache */
	(void)arg;
	(void)user;
}


static void check(struct health *health, struct place *place)
{
	const struct catalog *c = catalog_pin(svc_catalog(health->sipd->svc));
	struct resolved r;
	int err;

	if (!c)
		return;
	err = resolve(health->sipd->resolver, text_of(place->peer.host),
		      place->peer.port, place->peer.transport, &r, on_resolved,
		      health, 0);
	if (!err && r.addrc)
		err = send_check(health, place, &r.addrs[0], c);
	if (err && err != EAGAIN)
		judge(health, place, false,
		      catalog_int(c, SS_SIP_OPTIONS_CHECK_FAILURES));
	catalog_unpin(svc_catalog(health->sipd->svc), c);
}


/* --- the ring
 * ------------------------------------------------------------------------ */

static void on_tick(void *arg)
{
	struct health *health = arg;
	const struct catalog *c = catalog_pin(svc_catalog(health->sipd->svc));
	const int64_t period_us =
		c ? catalog_int(c, SS_SIP_OPTIONS_CHECK_PERIOD) * 1000000
		  : 30000000;
	const int64_t now_us = ev_now_us(health->sipd->ev);
	int64_t gone_us = now_us - health->began_us;
	size_t due;

	if (c)
		catalog_unpin(svc_catalog(health->sipd->svc), c);
	if (gone_us >= period_us) {
		health->began_us = now_us;
		health->sent = 0;
		gone_us = 0;
	}
	due = (size_t)((int64_t)health->placec * gone_us / period_us) + 1;
	for (size_t n = 0;
	     health->sent < due && health->sent < health->placec &&
	     n < CHECKS_PER_TICK_MAX;
	     n++) {
		health->cursor = (health->cursor + 1) % health->placec;
		health->sent++;
		check(health, &health->places[health->cursor]);
	}
	if (health->placec)
		ev_timer_start(&health->tick, health->sipd->ev, TICK_MS,
			       on_tick, health);
}


static size_t count_places(const struct catalog *c)
{
	size_t n, count = 0, targets;
	const struct cat_routing *rows = catalog_rows(c, RECORD_ROUTING, &n);

	for (size_t i = 0; i < n; i++) {
		if (!rows[i].options_check)
			continue;
		(void)catalog_span(c, RECORD_ROUTING, rows[i].addresses,
				   sizeof(struct cat_target), &targets);
		count += targets;
	}

	return count;
}


void health_peer_of(struct health_peer *peer, const struct catalog *c,
		    const struct cat_routing *gateway,
		    const struct cat_target *target)
{
	peer->port = target->port;
	peer->transport = params_transport(target);
	(void)text_copy(peer->host, sizeof(peer->host),
			text_of(catalog_str(c, RECORD_ROUTING, target->host)));
	(void)text_copy(peer->local_ip, sizeof(peer->local_ip),
			text_of(catalog_str(c, RECORD_ROUTING,
					    gateway->gw.local_ip)));
}


static void fill_place(struct place *place, const struct catalog *c,
		       const struct cat_routing *gateway,
		       const struct cat_target *target, size_t index)
{
	place->key.gateway = gateway->gw.row.id;
	place->key.target = (uint32_t)index;
	(void)text_copy(place->name, sizeof(place->name),
			text_of(catalog_str(c, RECORD_ROUTING,
					    gateway->gw.row.name)));
	health_peer_of(&place->peer, c, gateway, target);
}


/* What is known of an address stays known, if it is the same address. */
static void carry_over(struct place *place, const struct health *health)
{
	const struct place *old = place_find(health, place->key.gateway,
					     place->key.target);

	if (!old || old->peer.port != place->peer.port ||
	    old->peer.transport != place->peer.transport ||
	    strcmp(old->peer.host, place->peer.host) != 0)
		return;
	place->state = old->state;
	place->failures = old->failures;
	place->checked_us = old->checked_us;
	place->is_asked = old->is_asked;
}


static void fill(struct place *places, const struct catalog *c,
		 const struct health *health)
{
	size_t n, at = 0;
	const struct cat_routing *rows = catalog_rows(c, RECORD_ROUTING, &n);

	for (size_t i = 0; i < n; i++) {
		size_t targetc;
		const struct cat_target *targets;

		if (!rows[i].options_check)
			continue;
		targets = catalog_span(c, RECORD_ROUTING, rows[i].addresses,
				       sizeof(*targets), &targetc);
		for (size_t t = 0; t < targetc; t++) {
			fill_place(&places[at], c, &rows[i], &targets[t], t);
			carry_over(&places[at++], health);
		}
	}
}


void health_reload(struct health *health)
{
	const struct catalog *c = catalog_pin(svc_catalog(health->sipd->svc));
	struct map *map = NULL;
	struct place *places = NULL;
	size_t n = 0;

	if (!c)
		return;
	n = count_places(c);
	places = calloc(n ? n : 1, sizeof(*places));
	if (!places || map_alloc(&map, n ? n : 1)) {
		free(places); /* what was checked goes on being checked */
		catalog_unpin(svc_catalog(health->sipd->svc), c);
		return;
	}
	fill(places, c, health);
	catalog_unpin(svc_catalog(health->sipd->svc), c);
	for (size_t i = 0; i < n; i++)
		(void)map_add(map, &places[i].link, &places[i].key,
			      sizeof(places[i].key));

	map_free(health->map);
	free(health->places);
	health->map = map;
	health->places = places;
	health->placec = n;
	if (n && !ev_timer_running(&health->tick))
		ev_timer_start(&health->tick, health->sipd->ev, TICK_MS,
			       on_tick, health);
}


int health_alloc(struct health **healthp, struct sipd *sipd)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return ENOMEM;

	health->sipd = sipd;
	health->began_us = ev_now_us(sipd->ev);
	*healthp = health;

	return 0;
}


struct health *health_free(struct health *health)
{
	if (!health)
		return NULL;

	ev_timer_stop(&health->tick);
	map_free(health->map);
	free(health->places);
	free(health);

	return NULL;
}
