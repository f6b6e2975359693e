/**
 * @file sipd/wire_udp.c  Datagrams in batches
 *
 * In: up to 64 with one system call, each with the time it came. What is no
 * larger than 2 KB, as nearly all are, lies close to the others of its batch,
 * so that they share pages. What is larger goes on in a buffer that can hold
 * whatever a datagram can be, and is put together there, so nothing is cut;
 * 4 MB of address space, of which only those pages exist that large datagrams
 * ever touched. The buffers do not begin at the same place in the processor's
 * caches.
 *
 * Out: a queue for each socket, bounded in number and bytes; sendmmsg() when
 * 64 wait and at the end of the turn. What the kernel has no room for stays,
 * in order, until it has. Those of one size for one peer, the last of which
 * may be shorter, are a run: the kernel takes it as one, on its way to the
 * card or the other program, and cuts it there (UDP_SEGMENT). The messages of
 * a turn are of few kinds, so many of them are of one size. What a run was
 * refused for, each of it is told by itself.
 *
 * Errors: what ICMP says of earlier datagrams comes by the socket's error
 * queue with the destination that failed. Linux also reports it, once, for
 * whatever is sent next, to whomever: that send is repeated.
 *
 * What will never be cut into fragments needs no number to put them together
 * by, and the kernel's way to one costs a tenth of sending: a socket is told
 * that it may cut only when something large is to be sent.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* needs struct timespec */

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/wire_order.h"
#include "sipd/wire_parts.h"

enum {
	NEAR = 2048, /**< Bytes of a datagram that lie close to the others */
	NEAR_STRIDE = NEAR + 64,
	STRIDE = WIRE_DATAGRAM_MAX + 576,
	CONTROL_MAX = 256,  /**< The time, or an error with its origin */
	BATCHES_MAX = 16,   /**< In one turn: then others have their say */
	ERRORS_MAX = 64,    /**< Taken in one go */
	PACKETS_MAX = 4096, /**< Waiting at one socket */
	QUEUED_MAX = 256 * 1024, /**< What waits beyond it is allocated */
	WHOLE_MAX = 1300,  /**< As RFC 3261 18.1.1 has it: goes out whole */
	RUN_BYTES = 60000, /**< Less than a datagram can carry */
	RUNS_BACK = 8,     /**< Where a run for the same peer is looked for */
};
BUILD_ASSERT((int)WIRE_BATCH <= (int)WIRE_ORDER_MAX);
BUILD_ASSERT((int)WIRE_BATCH <= 64); /* datagrams of a run, for any kernel */

static const size_t packet_bytes_max = 16u << 20;

struct packet {
	struct packet *next;
	struct flow to;
	uint32_t len;
	bool is_again; /**< Failed once */
	bool is_own;   /**< Allocated by itself */
	char data[];
};

/** Datagrams that the kernel takes as one, in their order */
struct run {
	struct packet *first, *last;
	unsigned count;
};

/** What waits, one behind the other; from its beginning again as soon as
 *  nothing does, so that few pages are touched in a turn */
struct queued {
	size_t packetc;
	size_t used;
	char *bytes; /**< QUEUED_MAX */
};

struct wire_udp {
	struct queued queued;
	struct mmsghdr heads[WIRE_BATCH];
	struct iovec iovs[WIRE_BATCH][2];
	struct sockaddr_storage names[WIRE_BATCH];
	_Alignas(struct cmsghdr) char controls[WIRE_BATCH][CONTROL_MAX];
	char near[WIRE_BATCH][NEAR_STRIDE];
	char *buffers;
};


int wire_udp_alloc(struct wire_udp **udpp)
{
	struct wire_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return ENOMEM;

	udp->buffers = malloc((size_t)STRIDE * WIRE_BATCH);
	udp->queued.bytes = malloc(QUEUED_MAX);
	if (!udp->buffers || !udp->queued.bytes) {
		(void)wire_udp_free(udp);
		return ENOMEM;
	}
	*udpp = udp;

	return 0;
}


struct wire_udp *wire_udp_free(struct wire_udp *udp)
{
	if (!udp)
		return NULL;

	free(udp->queued.bytes);
	free(udp->buffers);
	free(udp);

	return NULL;
}


/* --- in ---------------------------------------------------------------------
 */

static int64_t age_of(struct msghdr *head, int64_t wall_us)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c;
	     c = CMSG_NXTHDR(head, c)) {
		struct timespec ts;
		int64_t age_us;

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		age_us = wall_us - ts.tv_sec * 1000000 - ts.tv_nsec / 1000;
		/* the clock may have been stepped */
		return age_us > 0 ? age_us : 0;
	}

	return 0;
}


static char *buffer_of(const struct wire_udp *udp, size_t i)
{
	return udp->buffers + i * STRIDE;
}


static int receive(struct listener *l, struct wire_udp *udp)
{
	for (size_t i = 0; i < WIRE_BATCH; i++) {
		udp->iovs[i][0] = (struct iovec){ udp->near[i], NEAR };
		udp->iovs[i][1] = (struct iovec){ buffer_of(udp, i) + NEAR,
						  WIRE_DATAGRAM_MAX - NEAR };
		udp->heads[i].msg_hdr = (struct msghdr){
			.msg_name = &udp->names[i],
			.msg_namelen = sizeof(udp->names[i]),
			.msg_iov = udp->iovs[i],
			.msg_iovlen = 2,
			.msg_control = udp->controls[i],
			.msg_controllen = CONTROL_MAX,
		};
	}

	return recvmmsg(l->fd, udp->heads, WIRE_BATCH, MSG_DONTWAIT, NULL);
}


/* In one piece */
static struct text datagram(struct wire_udp *udp, size_t i)
{
	const size_t len = udp->heads[i].msg_len;

	if (len <= NEAR)
		return (struct text){ udp->near[i], len };
	memcpy(buffer_of(udp, i), udp->near[i], NEAR);

	return (struct text){ buffer_of(udp, i), len };
}


static void hand_over(struct listener *l, size_t i, struct text data,
		      int64_t wall_us)
{
	struct wire_udp *udp = l->wire->udp;
	struct msghdr *head = &udp->heads[i].msg_hdr;
	struct flow from = { .listener = l->index,
			     .transport = TRANSPORT_UDP };

	if (data.l == 0 || addr_from_sockaddr(&from.remote, head->msg_name,
					      head->msg_namelen))
		return;
	wire_received(l->wire, &from, unconst(data.p), data.l,
		      age_of(head, wall_us));
}


/* @return how many there were; WIRE_BATCH: there may be more */
static size_t on_datagrams(struct listener *l)
{
	struct wire_udp *udp = l->wire->udp;
	const int got = receive(l, udp);
	const size_t count = got > 0 ? (size_t)got : 0;
	const int64_t wall_us = clk_stamp_us();
	struct text messages[WIRE_BATCH];
	uint8_t order[WIRE_BATCH];

	for (size_t i = 0; i < count; i++)
		messages[i] = datagram(udp, i);
	ev_pace_done(l->wire->base.ev, count);
	wire_order(order, messages, count);
	for (size_t i = 0; i < count; i++)
		hand_over(l, order[i], messages[order[i]], wall_us);

	return count;
}


/* More than one batch: a loop that keeps a pace would else be as slow as one
 * batch in each of its turns. */
static void on_readable(struct listener *l)
{
	for (int i = 0; i < BATCHES_MAX; i++)
		if (l->fd < 0 || on_datagrams(l) < WIRE_BATCH)
			return;
}


/* --- errors -----------------------------------------------------------------
 */

/* What is to be told of it; 0: nothing. Where the path carries less than we
 * thought the kernel knows it now, and what is sent again will arrive. */
static int errno_of(struct msghdr *head)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c;
	     c = CMSG_NXTHDR(head, c)) {
		struct sock_extended_err e;

		if (!(c->cmsg_level == IPPROTO_IP &&
		      c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 &&
		      c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));

		return e.ee_errno == EMSGSIZE ? 0 : (int)e.ee_errno;
	}

	return 0;
}


static void read_errors(struct listener *l)
{
	for (int i = 0; i < ERRORS_MAX; i++) {
		_Alignas(struct cmsghdr) char control[CONTROL_MAX];
		struct sockaddr_storage name;
		char byte;
		struct iovec iov = { &byte, 1 };
		struct msghdr head = { .msg_name = &name,
				       .msg_namelen = sizeof(name),
				       .msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = control,
				       .msg_controllen = sizeof(control) };
		struct flow to = { .listener = l->index,
				   .transport = TRANSPORT_UDP };
		int err;

		if (recvmsg(l->fd, &head, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;

		err = errno_of(&head);
		if (err && addr_from_sockaddr(&to.remote, head.msg_name,
					      head.msg_namelen) == 0)
			wire_failed(l->wire, &to, err);
	}
}


static void on_ready(int flags, void *arg)
{
	struct listener *l = arg;

	if (flags & EV_HANGUP) {
		int err;
		socklen_t len = sizeof(err);

		read_errors(l);
		(void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	}
	if (flags & EV_WRITE) {
		l->is_full = false;
		wire_udp_flush(l);
		if (!l->is_full)
			(void)ev_watch_change(l->watch, EV_READ);
	}
	if (flags & EV_READ)
		on_readable(l);
}


int wire_udp_open(struct listener *l)
{
	const bool is_6 = l->pub.bind.family == AF_INET6;
	const int on = 1, none = 0;

	l->may_cut = true;
	/* A kernel without them: no ages, and failures found by time-out. */
	(void)setsockopt(l->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(l->fd, is_6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 is_6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
	l->has_runs = setsockopt(l->fd, SOL_UDP, UDP_SEGMENT, &none,
				 sizeof(none)) == 0;

	return ev_watch(&l->watch, l->wire->base.ev, l->fd, EV_READ, on_ready,
			l);
}


/* --- out --------------------------------------------------------------------
 */

static struct packet *packet_take(struct queued *queued, size_t len)
{
	const size_t align = _Alignof(struct packet);
	const size_t size = (sizeof(struct packet) + len + align - 1) / align *
			    align;
	struct packet *packet;

	if (size > QUEUED_MAX - queued->used) {
		packet = malloc(size);
		if (packet)
			packet->is_own = true;
		return packet;
	}
	packet = (struct packet *)(void *)(queued->bytes + queued->used);
	packet->is_own = false;
	queued->used += size;
	queued->packetc++;

	return packet;
}


static void packet_give(struct queued *queued, struct packet *packet)
{
	if (packet->is_own)
		free(packet);
	else if (--queued->packetc == 0)
		queued->used = 0;
}


static void drop_head(struct listener *l)
{
	struct packet *packet = l->head;

	l->head = packet->next;
	if (!l->head)
		l->tail = NULL;
	l->packetc--;
	l->packet_bytes -= packet->len;
	packet_give(&l->wire->udp->queued, packet);
}


void wire_udp_close(struct listener *l)
{
	while (l->head)
		drop_head(l);
	l->is_full = false;
}


int wire_udp_send(struct listener *l, const struct flow *to, const void *data,
		  size_t len)
{
	struct packet *packet;

	if (l->packetc == PACKETS_MAX ||
	    l->packet_bytes + len > packet_bytes_max)
		return ENOBUFS;

	packet = packet_take(&l->wire->udp->queued, len);
	if (!packet)
		return ENOBUFS;

	packet->next = NULL;
	packet->to = *to;
	packet->len = (uint32_t)len;
	packet->is_again = false;
	memcpy(packet->data, data, len);

	if (l->tail)
		l->tail->next = packet;
	else
		l->head = packet;
	l->tail = packet;
	l->packetc++;
	l->packet_bytes += len;

	if (l->packetc % WIRE_BATCH == 0 && !l->is_full)
		wire_udp_flush(l);
	if (l->head && !l->is_full)
		wire_later(l->wire);

	return 0;
}


/* If it cannot be told, it may, as it does by itself. */
static void let_cut(struct listener *l, bool may)
{
	const int how = may ? IP_PMTUDISC_WANT : IP_PMTUDISC_DO;

	if (l->may_cut != may && l->pub.bind.family == AF_INET &&
	    setsockopt(l->fd, IPPROTO_IP, IP_MTU_DISCOVER, &how,
		       sizeof(how)) == 0)
		l->may_cut = may;
}


static bool run_takes(const struct run *run, const struct packet *p)
{
	const uint32_t len = run->first->len;

	return !p->is_again && !run->first->is_again && len <= WHOLE_MAX &&
	       p->len <= len && run->last->len == len &&
	       (run->count + 1) * len <= RUN_BYTES;
}


/* The run that goes on with this one; NULL: it begins another. Those for one
 * peer keep their order. */
static struct run *run_find(struct run *runs, size_t runc,
			    const struct packet *p)
{
	const size_t end = runc > RUNS_BACK ? runc - RUNS_BACK : 0;

	for (size_t i = runc; i-- > end;)
		if (addr_equal(&runs[i].first->to.remote, &p->to.remote))
			return run_takes(&runs[i], p) ? &runs[i] : NULL;

	return NULL;
}


/* What waits, in the order of its runs. @return how many of these there are */
static size_t runs_make(struct run *runs, struct listener *l)
{
	struct packet *rest = l->head, **at = &l->head;
	size_t runc = 0;

	for (int i = 0; i < WIRE_BATCH && rest; i++) {
		struct packet *p = rest;
		struct run *run = l->has_runs ? run_find(runs, runc, p) : NULL;

		rest = p->next;
		if (run)
			run->last->next = p;
		else
			(run = &runs[runc++])->first = p;
		run->count = run->first == p ? 1 : run->count + 1;
		run->last = p;
	}
	for (size_t i = 0; i < runc; i++) {
		*at = runs[i].first;
		at = &runs[i].last->next;
	}
	*at = rest;
	if (!rest)
		l->tail = runs[runc - 1].last;

	return runc;
}


/* control: of this run, if it is more than one */
static void head_fill(struct msghdr *head, const struct run *run,
		      struct iovec *iovs, struct sockaddr_storage *name,
		      char control[CMSG_SPACE(sizeof(uint16_t))])
{
	struct packet *p = run->first;
	const uint16_t len = (uint16_t)p->len;
	struct cmsghdr *c;

	*head = (struct msghdr){
		.msg_name = name,
		.msg_namelen = addr_to_sockaddr(&p->to.remote, name),
		.msg_iov = iovs,
		.msg_iovlen = run->count,
	};
	for (unsigned i = 0; i < run->count; i++, p = p->next)
		iovs[i] = (struct iovec){ p->data, p->len };
	if (run->count == 1)
		return;

	head->msg_control = control;
	head->msg_controllen = CMSG_SPACE(sizeof(len));
	c = CMSG_FIRSTHDR(head);
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(len));
	memcpy(CMSG_DATA(c), &len, sizeof(len));
}


/* @return how many runs were sent, or -1 */
static int runs_send(struct listener *l, const struct run *runs, size_t runc)
{
	_Alignas(struct cmsghdr) char controls[WIRE_BATCH]
					      [CMSG_SPACE(sizeof(uint16_t))];
	struct mmsghdr heads[WIRE_BATCH];
	struct iovec iovs[WIRE_BATCH];
	struct sockaddr_storage names[WIRE_BATCH];
	bool is_large = false;
	size_t n = 0;

	for (size_t i = 0; i < runc; i++) {
		const struct packet *p = runs[i].first;

		head_fill(&heads[i].msg_hdr, &runs[i], iovs + n, &names[i],
			  controls[i]);
		n += runs[i].count;
		is_large = is_large || p->len > WHOLE_MAX || p->is_again;
	}
	let_cut(l, is_large);

	return sendmmsg(l->fd, heads, (unsigned)runc,
			MSG_DONTWAIT | MSG_NOSIGNAL);
}


/* A run was not sent: each of it is, or fails, by itself. EIO: not by this
 * card or through this tunnel; then it is not worth another try. */
static void run_failed(struct listener *l, const struct run *run, int err)
{
	struct packet *p = run->first;

	for (unsigned i = 0; i < run->count; i++, p = p->next)
		p->is_again = true;
	if (run->count > 1 && err == EIO)
		l->has_runs = false;
}


/* The first run was not sent. @return go on? */
static bool head_failed(struct listener *l, const struct run *run, int err)
{
	if (err == EINTR)
		return true;
	if (err == EAGAIN || err == ENOBUFS) {
		l->is_full = true;
		(void)ev_watch_change(l->watch, EV_READ | EV_WRITE);
		return false;
	}

	/* It may have been told for another's fault, whose destination is in
	 * the queue; or it is too large for its path, uncut. */
	read_errors(l);
	l->may_cut = false;
	if (!l->head->is_again) {
		run_failed(l, run, err);
		return true;
	}
	wire_failed(l->wire, &l->head->to, err);
	drop_head(l);

	return true;
}


void wire_udp_flush(struct listener *l)
{
	while (l->head) {
		struct run runs[WIRE_BATCH];
		const size_t runc = runs_make(runs, l);
		const int sent = runs_send(l, runs, runc);

		if (sent <= 0 &&
		    !head_failed(l, runs, sent < 0 ? errno : EAGAIN))
			return;
		for (size_t i = 0; i < runc && (int)i < sent; i++)
			for (unsigned n = runs[i].count; n > 0; n--)
				drop_head(l);
	}
}
