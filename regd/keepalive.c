/**
 * @file regd/keepalive.c  Datagrams that keep paths through NAT open
 *
 * They leave from the sockets of sipd, of which regd holds copies, and so from
 * the address and port that the device registered at. Nobody listens for an
 * answer here; it reaches sipd.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "regd/bindings.h"
#include "regd/keepalive.h"
#include "regd/metrics.h"
#include "shared/base/addr.h"
#include "shared/base/clk.h"
#include "shared/catalog/catalog.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"

enum {
	LISTENERS_MAX = 256,
	IDLE_MS = 1000, /**< Off, or nothing is configured yet */
	UDP = 1,
};

struct listener {
	uint32_t mark; /**< listener_mark() */
	int fd;
};

struct batch {
	int fd; /**< -1: empty */
	unsigned count;
	struct mmsghdr rows[KEEPALIVE_BATCH];
	struct sockaddr_storage names[KEEPALIVE_BATCH];
};

struct keepalive {
	struct svc *svc;
	struct bindings *bindings;
	struct keepalive_pace pace;
	struct ev_timer timer;
	struct listener listeners[LISTENERS_MAX];
	size_t listenerc;
	char message[KEEPALIVE_BYTES_MAX];
	struct iovec iov;
	struct batch batch;
	int64_t cycle_began_us;
};


int keepalive_reload(struct keepalive *k)
{
	struct svc_socket s;

	k->listenerc = 0;
	for (size_t i = 0; k->listenerc < LISTENERS_MAX; i++) {
		struct listener *l = &k->listeners[k->listenerc];
		struct addr bound;

		if (svc_socket(k->svc, TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP,
			       i, &s))
			break;
		if (addr_parse(&bound, text_of(s.bind)))
			continue;
		bound.port = s.port;
		*l = (struct listener){ listener_mark(&bound, UDP), s.fd };
		k->listenerc++;
	}

	return 0;
}


/* Of all workers' sockets the first: which of them sends is all the same. */
static int find_fd(const struct keepalive *k, uint32_t mark)
{
	for (size_t i = 0; i < k->listenerc; i++)
		if (k->listeners[i].mark == mark)
			return k->listeners[i].fd;

	return -1;
}


/* What the kernel does not take is lost, as a datagram may be: the next cycle
 * is not far. Only the one it stumbles over is left out. */
static void flush(struct keepalive *k)
{
	struct batch *batch = &k->batch;
	unsigned at = 0;

	while (at < batch->count) {
		const int n = sendmmsg(batch->fd, batch->rows + at,
				       batch->count - at, MSG_DONTWAIT);

		if (n > 0) {
			metric_add(M_KEEPALIVE_SENT, (uint64_t)n);
			at += (unsigned)n;
		}
		else if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			metric_add(M_KEEPALIVE_LOST, batch->count - at);
			break;
		}
		else {
			metric_inc(M_KEEPALIVE_LOST);
			at++;
		}
	}
	batch->count = 0;
}


static void put(struct keepalive *k, const struct binding_path *path)
{
	struct batch *batch = &k->batch;
	const int fd = find_fd(k, path->listener);
	struct msghdr *m;

	if (fd < 0) {
		metric_inc(M_KEEPALIVE_LOST); /* its listener is gone */
		return;
	}
	if (batch->count == KEEPALIVE_BATCH ||
	    (batch->count > 0 && batch->fd != fd))
		flush(k);
	batch->fd = fd;
	m = &batch->rows[batch->count].msg_hdr;
	memset(m, 0, sizeof(*m));
	m->msg_name = &batch->names[batch->count];
	m->msg_namelen = addr_to_sockaddr(&path->source,
					  &batch->names[batch->count]);
	m->msg_iov = &k->iov;
	m->msg_iovlen = 1;
	batch->count++;
}


static void send_burst(struct keepalive *k, uint32_t count)
{
	struct binding_path path;

	for (uint32_t i = 0; i < count; i++) {
		if (!bindings_nat_next(k->bindings, &path)) {
			keepalive_finished(&k->pace);
			metric_set(M_KEEPALIVE_CYCLE,
				   (clk_boot_us() - k->cycle_began_us) / 1000);
			break;
		}
		put(k, &path);
	}
	flush(k);
}


/* @return false: it is off */
static bool take_params(struct keepalive *k, struct keepalive_params *p)
{
	const struct catalog *c = catalog_pin(svc_catalog(k->svc));
	const char *message;

	if (!c)
		return false;
	message = catalog_text(c, SS_SIP_NAT_KEEP_ALIVE_MESSAGE);
	k->iov.iov_base = k->message;
	k->iov.iov_len = strnlen(message, sizeof(k->message));
	memcpy(k->message, message, k->iov.iov_len);
	*p = (struct keepalive_params){
		.period_ms = (uint32_t)catalog_int(
				     c, SS_SIP_NAT_KEEP_ALIVE_PERIOD) *
			     1000,
		.interval_ms = (uint32_t)
			catalog_int(c, SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL),
		.burst = (uint32_t)
			catalog_int(c, SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME),
	};
	catalog_unpin(svc_catalog(k->svc), c);

	return k->iov.iov_len > 0;
}


static void on_turn(void *arg)
{
	struct keepalive *k = arg;
	struct keepalive_params p;
	struct keepalive_turn turn;
	uint32_t wait_ms = IDLE_MS;

	if (take_params(k, &p)) {
		turn = keepalive_turn(&k->pace, &p, clk_boot_us());
		if (turn.begins) {
			bindings_nat_begin(k->bindings);
			k->cycle_began_us = clk_boot_us();
		}
		if (turn.cut)
			metric_inc(M_KEEPALIVE_CYCLES_CUT);
		if (turn.burst)
			send_burst(k, turn.burst);
		/* A parameter that changes takes effect within a second. */
		if (turn.wait_us < IDLE_MS * INT64_C(1000))
			wait_ms = (uint32_t)((turn.wait_us + 999) / 1000);
	}
	else {
		k->pace = (struct keepalive_pace){ .cycle_us = 0 };
	}
	ev_timer_start(&k->timer, svc_ev(k->svc), wait_ms, on_turn, k);
}


int keepalive_alloc(struct keepalive **kp, struct svc *svc,
		    struct bindings *bindings)
{
	struct keepalive *k = calloc(1, sizeof(*k));

	if (!k)
		return ENOMEM;
	k->svc = svc;
	k->bindings = bindings;
	(void)keepalive_reload(k);
	ev_timer_start(&k->timer, svc_ev(svc), 1, on_turn, k);
	*kp = k;

	return 0;
}


struct keepalive *keepalive_free(struct keepalive *k)
{
	if (k)
		ev_timer_stop(&k->timer);
	free(k);

	return NULL;
}
