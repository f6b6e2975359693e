/**
 * @file shared/ipc/bus.c  Messages between the daemons: the bus and its links
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"
#include "shared/ipc/encode.h"

enum {
	PING_MS = 1000,
	PINGS_SEEN = 0x7, /* The last three say whether a peer is up */
};

/* What fits into a socket address with its NUL */
enum {
	SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path)
};


struct dealer *bus_dealer(const struct bus *bus, struct peer_id id)
{
	for (size_t i = 0; i < bus->dealerc; i++) {
		if (peer_id_equal(bus->dealers[i]->id, id))
			return bus->dealers[i];
	}

	return NULL;
}


int bus_encode(struct bus *bus, Tandem__Envelope *env, Tandem__Header *hdr,
	       const uint8_t **datap, size_t *lenp)
{
	const uint8_t *data;

	env->hdr = hdr;
	data = encode(&env->base, bus->scratch, sizeof(bus->scratch));
	env->hdr = NULL;
	if (!data)
		return EMSGSIZE;

	*datap = data;
	*lenp = (size_t)(bus->scratch + sizeof(bus->scratch) - data);

	return 0;
}


/* Pings */

void dealer_publish(const struct dealer *dealer)
{
	metric_set_at(M_BUS_PEER_UP, dealer->series, dealer->answered != 0);
}


void dealer_ping(struct dealer *dealer)
{
	struct bus *bus = dealer->port.bus;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__Ping ping = TANDEM__PING__INIT;
	uint8_t seq[sizeof(dealer->ping_seq)];
	const uint8_t *data;
	size_t len;

	memcpy(seq, &dealer->ping_seq, sizeof(seq));
	ping.payload.data = seq;
	ping.payload.len = sizeof(seq);
	env.body_case = BUS_BODY(PING);
	env.ping = &ping;
	hdr.peer = bus->self.peer;
	hdr.worker = bus->self.worker;
	hdr.epoch = bus->epoch;

	dealer->ping_us = clk_mono_us();
	dealer->ping_waits = bus_encode(bus, &env, &hdr, &data, &len) ||
			     port_send(&dealer->port, dealer->id, data, len);
}


static void on_tick(void *arg)
{
	struct bus *bus = arg;

	for (size_t i = 0; i < bus->dealerc; i++) {
		struct dealer *dealer = bus->dealers[i];

		dealer->answered = dealer->answered << 1 & PINGS_SEEN;
		dealer->ping_seq++;
		dealer_publish(dealer);
		dealer_ping(dealer);
	}

	ev_timer_start(&bus->tick, bus->ev, PING_MS, on_tick, bus);
}


/* Faults */

void bus_loss_set(struct bus *bus, uint32_t percent)
{
	bus->loss_percent = percent;
	bus->loss_state = bus->epoch | 1;
}


bool bus_loses(struct bus *bus)
{
	if (bus->loss_percent == 0)
		return false;

	/* xorshift64: any dice will do */
	bus->loss_state ^= bus->loss_state << 13;
	bus->loss_state ^= bus->loss_state >> 7;
	bus->loss_state ^= bus->loss_state << 17;
	if (bus->loss_state % 100 >= bus->loss_percent)
		return false;
	metric_inc(M_BUS_LOST);

	return true;
}


/* The loop */

static void on_again(void *arg)
{
	struct bus *bus = arg;

	if (bus->router.is_dirty)
		port_again(&bus->router);

	for (size_t i = 0; i < bus->dealerc; i++) {
		if (bus->dealers[i]->port.is_dirty)
			port_again(&bus->dealers[i]->port);
	}
}


void bus_look_again(struct bus *bus)
{
	if (!ev_timer_running(&bus->again))
		ev_timer_start(&bus->again, bus->ev, 0, on_again, bus);
}


/* Opening and closing */

static int path_print(char dst[SOCKET_PATH_MAX], const struct bus *bus,
		      struct peer_id id)
{
	char name[PEER_ID_MAX];

	if (text_print(dst, SOCKET_PATH_MAX, "%s/%s/bus", bus->dir,
		       peer_id_print(id, name)))
		return ENAMETOOLONG;

	return 0;
}


/* Those that may connect are in our group. */
static int router_open(struct bus *bus)
{
	char path[SOCKET_PATH_MAX];
	mode_t before;
	char *slash;
	int err;

	err = path_print(path, bus, bus->self);
	if (err)
		return err;

	/* The supervisor has made the directory; a test may have not. */
	slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0770) < 0 && errno != EEXIST)
		return errno;
	*slash = '/';

	before = umask(0117);
	err = port_open(&bus->router, bus, NULL, path);
	umask(before);

	return err;
}


static struct dealer *dealer_free(struct dealer *dealer)
{
	if (!dealer)
		return NULL;

	metric_set_at(M_BUS_PEER_UP, dealer->series, 0);
	port_close(&dealer->port);
	free(dealer);

	return NULL;
}


static int dealer_alloc(struct dealer **dealerp, struct bus *bus,
			struct peer_id id)
{
	char path[SOCKET_PATH_MAX], name[PEER_ID_MAX];
	struct dealer *dealer;
	int err;

	err = path_print(path, bus, id);
	if (err)
		return err;

	dealer = calloc(1, sizeof(*dealer));
	if (!dealer)
		return ENOMEM;

	dealer->id = id;
	dealer->rtt_us = -1;
	dealer->series = metric_series(M_BUS_PEER_UP, peer_id_print(id, name));
	dealer->ping_waits = true;

	err = port_open(&dealer->port, bus, dealer, path);
	if (err)
		dealer_free(dealer);
	else
		*dealerp = dealer;

	return err;
}


static bool links_differ(const struct bus *bus, const struct bus_link *links,
			 size_t linkc)
{
	for (size_t i = 0; i < linkc; i++) {
		if (peer_id_equal(links[i].id, bus->self))
			return false;
		for (size_t j = 0; j < i; j++) {
			if (peer_id_equal(links[i].id, links[j].id))
				return false;
		}
	}

	return true;
}


/* Keeps the links that stay, with all that waits on them: first the new ones
 * are made, so that nothing has changed if one fails. */
int bus_links_set(struct bus *bus, const struct bus_link *links, size_t linkc)
{
	struct dealer **dealers;
	struct dealer **before = bus->dealers;
	const size_t beforec = bus->dealerc;
	size_t made = 0;
	int err = 0;

	assert(!bus->is_busy); /* the socket being drained could go */

	if (!links_differ(bus, links, linkc))
		return EINVAL;

	dealers = calloc(linkc + 1, sizeof(struct dealer *));
	if (!dealers)
		return ENOMEM;

	for (; made < linkc && !err; made += !err) {
		dealers[made] = bus_dealer(bus, links[made].id);
		if (!dealers[made])
			err = dealer_alloc(&dealers[made], bus,
					   links[made].id);
	}

	if (err) {
		while (made-- > 0) {
			if (dealers[made] != bus_dealer(bus, links[made].id))
				dealer_free(dealers[made]);
		}
		free(dealers);
		return err;
	}

	bus->dealers = dealers;
	bus->dealerc = linkc;

	for (size_t i = 0; i < beforec; i++) {
		if (bus_dealer(bus, before[i]->id) == before[i])
			continue;
		bus_give_up(bus, before[i], EHOSTUNREACH);
		dealer_free(before[i]);
	}
	free(before);

	return 0;
}


static int bus_open(struct bus *bus, const struct bus_args *args)
{
	int err;

	bus->dir = strdup(args->dir);
	if (!bus->dir)
		return ENOMEM;

	err = pendings_alloc(&bus->pendings, id_random_u64());
	if (!err)
		err = replay_alloc(&bus->replay);
	if (err)
		return err;

	bus->router.fd = -1;
	err = router_open(bus);
	if (err)
		return err;

	return bus_links_set(bus, args->links, args->linkc);
}


int bus_alloc(struct bus **busp, const struct bus_args *args)
{
	struct bus *bus;
	int err;

	if (!busp || !args || !args->ev || !args->dir ||
	    args->self.peer == PEER_NONE || args->self.peer >= PEERC)
		return EINVAL;

	bus = calloc(1, sizeof(*bus));
	if (!bus)
		return ENOMEM;

	bus->ev = args->ev;
	bus->log = args->log;
	bus->self = args->self;
	bus->routes = args->routes;
	bus->routec = args->routec;
	bus->state = args->state;
	bus->epoch = id_random_u64() | 1;

	err = bus_open(bus, args);
	if (err) {
		bus_free(bus);
		return err;
	}

	on_tick(bus);
	*busp = bus;

	return 0;
}


struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;

	assert(!bus->is_busy); /* not from a handler of its own */

	bus->is_closing = true;
	ev_timer_stop(&bus->tick);
	if (bus->pendings)
		bus_give_up(bus, NULL, ECANCELED);

	for (size_t i = 0; i < bus->dealerc; i++)
		dealer_free(bus->dealers[i]);
	free(bus->dealers);
	port_close(&bus->router);
	ev_timer_stop(&bus->again);

	replay_free(bus->replay);
	pendings_free(bus->pendings);
	free(bus->dir);
	free(bus);

	return NULL;
}


size_t bus_status(const struct bus *bus, struct bus_peer_status *rows,
		  size_t rowc)
{
	size_t n = 0;

	for (; n < bus->dealerc && n < rowc; n++) {
		const struct dealer *dealer = bus->dealers[n];

		rows[n] = (struct bus_peer_status){
			.id = dealer->id,
			.up = dealer->answered != 0,
			.pending = dealer->pendingc,
			.rtt_us = dealer->rtt_us,
		};
	}

	return n;
}
