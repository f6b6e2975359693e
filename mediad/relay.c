/**
 * @file mediad/relay.c  The packets' way through
 *
 * All sockets are read, used or not: what nobody reads would fill the memory
 * of the kernel, and the next call would hear it. Which of them have something
 * to read is known to an epoll set that is inherited, as they are: a successor
 * goes on where its predecessor was, without a word to the kernel.
 *
 * Packets are received in groups, then judged, then sent: what the kernel does
 * for one it does for the next without having been elsewhere. A group lies in
 * shared memory until it is sent (held.h). A socket is asked for one packet,
 * which is what a stream has there every 20 ms; for a few in one call
 * (RECEIVE) only when more sockets are ready than a look at them tells
 * (EVENTS), as after a standstill: those are not held, and what was received
 * and not yet sent is what a kill then takes with it.
 *
 * Of the time this takes nine tenths are the kernel's, per system call, and
 * much of the rest is waiting for memory: a session's is fetched while the
 * kernel is at work for the packet before it (fetch()).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mediad/datagram.h"
#include "mediad/judge.h"
#include "mediad/mediad.h"
#include "mediad/pace.h"
#include "mediad/pkt.h"
#include "mediad/relay.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"

enum {
	EVENTS = 256,
	RECEIVE = 8,
	TURN_US = 4500,  /* then the loop's other work has its turn */
	SLACK_NS = 1000, /* of what the kernel may be late by */
	BUSY_US = 1500,  /* since the last packet */
	SECOND_US = 1000000,
	STRANGERS = 2000, /* then the set is no good */
};

struct relay {
	struct mediad *mediad;
	int epfd;
	bool is_own; /* made by us: it ends with us */
	uint32_t strangers;
	struct ev_watch *watch;
	struct judge judge;
	int64_t served_us; /* sockets were looked at last */
	int64_t now_us;    /* of this look */
	struct pace pace;

	struct mmsghdr in[RECEIVE];
	struct iovec iov[RECEIVE];
	union sockaddr_any from[RECEIVE];
	uint8_t data[RECEIVE][PKT_MAX];

	/* to one address from one socket, not sent yet */
	struct mmsghdr out[RECEIVE];
	struct iovec out_iov[RECEIVE];
	union sockaddr_any to;
	socklen_t to_size;
	struct addr to_addr;
	int out_fd;
	unsigned outc;
};


/* --- out
 * ----------------------------------------------------------------------------
 */

static void flush(struct relay *relay)
{
	if (relay->outc == 1)
		datagram_send(relay->out_fd, relay->out_iov[0].iov_base,
			      relay->out_iov[0].iov_len, &relay->to,
			      relay->to_size);
	else if (relay->outc)
		datagrams_send(relay->out_fd, relay->out, relay->outc);
	relay->outc = 0;
}


static void put(struct relay *relay, const struct judge_way *way,
		const uint8_t *data, size_t len)
{
	const struct addr *to = way->to;
	const int fd = way->fd;
	struct iovec *iov;

	if (relay->outc && (fd != relay->out_fd || relay->outc == RECEIVE ||
			    !addr_equal(to, &relay->to_addr)))
		flush(relay);
	if (relay->outc == 0) {
		relay->to_size = datagram_sockaddr(&relay->to, to);
		relay->to_addr = *to;
		relay->out_fd = fd;
	}
	iov = &relay->out_iov[relay->outc];
	iov->iov_base = unconst(data);
	iov->iov_len = len;
	relay->out[relay->outc++].msg_hdr = (struct msghdr){
		.msg_name = &relay->to,
		.msg_namelen = relay->to_size,
		.msg_iov = iov,
		.msg_iovlen = 1,
	};
}


void relay_say(struct relay *relay, const struct session *s,
	       struct session_at at, const uint8_t *data, size_t len)
{
	struct judge_way way;

	if (!judge_way(&way, relay->mediad->ports, s, at))
		return;
	put(relay, &way, data, len);
	flush(relay);
}


/* --- in
 * -----------------------------------------------------------------------------
 */

static unsigned receive(struct relay *relay, int fd)
{
	int n;

	for (unsigned i = 0; i < RECEIVE; i++)
		relay->in[i].msg_hdr.msg_namelen = sizeof(relay->from[i]);
	n = recvmmsg(fd, relay->in, RECEIVE, MSG_DONTWAIT | MSG_TRUNC, NULL);

	return n < 0 ? 0 : (unsigned)n;
}


static void take(struct relay *relay, struct session *s, struct session_at at,
		 unsigned n)
{
	struct session_packet p = { .now_us = relay->now_us };

	for (unsigned i = 0; i < n; i++) {
		const struct msghdr *head = &relay->in[i].msg_hdr;
		struct judge_way way;

		p.data = relay->data[i];
		p.len = relay->in[i].msg_len;
		if (p.len > PKT_MAX ||
		    addr_from_sockaddr(&p.from, &relay->from[i].sa,
				       head->msg_namelen) != 0)
			judge_drop(&relay->judge, SESSION_NOT_RTP, 1);
		else if (judge_packet(&relay->judge, s, at, &p, &way))
			put(relay, &way, p.data, p.len);
	}
	flush(relay);
}


static struct session_at at_of(const struct port_pair *pair, uint16_t port)
{
	return (struct session_at){ pair->side, pair->line,
				    port % SESSION_STREAMS };
}


static uint16_t port_of(const struct epoll_event *event)
{
	return (uint16_t)event->data.u32;
}


/* Memory is waited for while the kernel is at work for others: the pair of the
 * socket after the next one, the session of the next one. */
static void fetch(const struct relay *relay, const struct epoll_event *events,
		  int eventc, int i)
{
	const struct ports *ports = relay->mediad->ports;

	if (i + 2 < eventc)
		ports_fetch(ports, port_of(&events[i + 2]));
	if (i + 1 >= 0 && i + 1 < eventc) {
		const uint16_t port = port_of(&events[i + 1]);
		const struct port_pair *pair = ports_pair(ports, port);

		if (pair->session != PORTS_NOBODY)
			sessions_fetch(relay->mediad->sessions,
				       (uint32_t)pair->session,
				       at_of(pair, port));
	}
}


static struct session *session_of(const struct relay *relay,
				  const struct port_pair *pair)
{
	return pair->session == PORTS_NOBODY
		       ? NULL
		       : sessions_at(relay->mediad->sessions,
				     (uint32_t)pair->session);
}


/* A port that is in the set and not ours: that passes, unless somebody else
 * keeps open what we have closed. */
static void missed(struct relay *relay, int fd)
{
	if (fd < 0)
		relay->strangers++;
}


/* @return Packets there were */
static unsigned serve(struct relay *relay, uint16_t port)
{
	const struct port_pair *pair = ports_pair(relay->mediad->ports, port);
	const struct session_at at = at_of(pair, port);
	const unsigned n = receive(relay, pair->fds[at.stream]);
	struct session *s = session_of(relay, pair);

	if (n == 0)
		missed(relay, pair->fds[at.stream]);
	else if (s)
		take(relay, s, at, n);
	else
		judge_drop(&relay->judge, SESSION_NONE, n);

	return n;
}


/* --- groups
 * ------------------------------------------------------------------------- */

/* @return was there one? Held, if it can be one */
static bool group_receive(struct relay *relay, unsigned i, uint16_t port)
{
	const int fd = ports_pair(relay->mediad->ports, port)
			       ->fds[port % SESSION_STREAMS];
	struct media_held *slot = relay->mediad->held.slots[i];
	union sockaddr_any from;
	struct addr addr;
	socklen_t size;
	const ssize_t len = datagram_receive(fd, slot->data, &from, &size);

	if (len < 0) {
		missed(relay, fd);
		return false;
	}

	if (len > PKT_MAX || addr_from_sockaddr(&addr, &from.sa, size) != 0)
		judge_drop(&relay->judge, SESSION_NOT_RTP, 1);
	else
		held_in(slot, port, &addr, (size_t)len, relay->now_us);

	return true;
}


/* @return descriptor to send it from; -1: it is not sent */
static int group_judge(struct relay *relay, struct media_held *slot,
		       const struct port_pair *pair, struct session_at at)
{
	struct session *s = session_of(relay, pair);
	const struct session_packet p = {
		.data = slot->data,
		.len = slot->len,
		.from = slot->from,
		.now_us = relay->now_us,
	};
	struct judge_way way;

	if (s && judge_packet(&relay->judge, s, at, &p, &way)) {
		held_out(slot, way.port, way.to);
		return way.fd;
	}
	if (!s)
		judge_drop(&relay->judge, SESSION_NONE, 1);
	held_end(slot);

	return -1;
}


static void group_send(struct media_held *slot, int fd)
{
	union sockaddr_any to;
	const socklen_t size = datagram_sockaddr(&to, &slot->to);

	datagram_send(fd, slot->data, slot->len, &to, size);
	held_end(slot);
}


/* From the first event on. @return Packets there were */
static unsigned group(struct relay *relay, const struct epoll_event *events,
		      int eventc, int first)
{
	const int n = eventc - first < HELD_PER_WORKER ? eventc - first
						       : HELD_PER_WORKER;
	struct media_held *const *slots = relay->mediad->held.slots;
	int fds[HELD_PER_WORKER];
	unsigned packets = 0;

	for (int i = 0; i < n; i++) {
		fetch(relay, events, eventc, first + i);
		packets += group_receive(relay, (unsigned)i,
					 port_of(&events[first + i]));
	}
	for (int i = 0; i < n; i++) {
		const uint16_t port = port_of(&events[first + i]);
		const struct port_pair *pair = ports_pair(relay->mediad->ports,
							  port);

		fds[i] = held_is_in(slots[i])
				 ? group_judge(relay, slots[i], pair,
					       at_of(pair, port))
				 : -1;
	}
	for (int i = 0; i < n; i++)
		if (fds[i] >= 0)
			group_send(slots[i], fds[i]);

	return packets;
}


/* Of a predecessor: judged already, it goes out as it is, if its socket is
 * somebody's still; else it is as if it came now. */
static void resume(struct relay *relay, struct media_held *packet)
{
	const bool is_in = held_is_in(packet);
	const uint16_t port = is_in ? packet->in : packet->out;
	const struct port_pair *pair = ports_pair(relay->mediad->ports, port);
	int fd = session_of(relay, pair) ? pair->fds[port % SESSION_STREAMS]
					 : -1;

	if (is_in)
		fd = group_judge(relay, packet, pair, at_of(pair, port));
	if (fd >= 0)
		group_send(packet, fd);
}


/* Between two looks at busy sockets: a wake-up costs more than a packet, and
 * nobody hears a millisecond. What comes right behind a look waits for as long
 * as there is from one to the next, so that is what is kept. The loop's other
 * work waits for TURN_US and one of them at most (rule zero: nothing else in a
 * loop sleeps). */
static void gather(int64_t us)
{
	const struct timespec next = { .tv_sec = us / SECOND_US,
				       .tv_nsec = us % SECOND_US * 1000 };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
}


/* One look at the sockets
 * @param packetsp Packets there were are added
 * @return Sockets that had some; EVENTS: there may be more */
static int look(struct relay *relay, unsigned *packetsp)
{
	struct epoll_event events[EVENTS];
	const int n = epoll_wait(relay->epfd, events, EVENTS, 0);

	relay->now_us = clk_mono_us();
	fetch(relay, events, n, -2); /* two ahead of the first, too */
	fetch(relay, events, n, -1);
	for (int i = 0; i < n && n < EVENTS; i += HELD_PER_WORKER)
		*packetsp += group(relay, events, n, i);
	for (int i = 0; i < n && n == EVENTS; i++) {
		fetch(relay, events, n, i);
		*packetsp += serve(relay, port_of(&events[i]));
	}

	return n;
}


/* The kernel asks each socket that was ready whether it still is when it is
 * asked the next time: that is at once, while what it has to look at is at
 * hand. */
static int look_twice(struct relay *relay, unsigned *packetsp)
{
	const int n = look(relay, packetsp);

	return n > 0 && n < EVENTS ? n + look(relay, packetsp) : n;
}


/* All of it, since what follows takes longer than a packet may; but not more
 * than the sockets held when we began. */
static void turn(struct relay *relay)
{
	const uint32_t most = ports_count(relay->mediad->ports) *
				      SESSION_STREAMS / EVENTS +
			      1;
	unsigned packets = 0;
	struct media_held held;

	relay->now_us = clk_mono_us();
	for (unsigned i = 0; i < HELD_PER_WORKER; i++)
		if (held_take(relay->mediad->held.slots[i], &held,
			      relay->now_us))
			resume(relay, &held);
	for (uint32_t i = 0; i < most && look(relay, &packets) == EVENTS; i++)
		;
	relay->served_us = clk_mono_us();
	judge_count(&relay->judge);
}


/* --- life
 * --------------------------------------------------------------------------- */

static int own_add(int fd, uint16_t port, void *arg)
{
	const struct relay *relay = arg;
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = port };

	return epoll_ctl(relay->epfd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0
								      : errno;
}


static ev_watch_h on_ready;


static int watch(struct relay *relay)
{
	return ev_watch(&relay->watch, relay->mediad->ev, relay->epfd, EV_READ,
			on_ready, relay);
}


static void leave_set(struct relay *relay)
{
	relay->watch = ev_unwatch(relay->watch);
	if (relay->is_own)
		(void)close(relay->epfd);
	relay->is_own = false;
	relay->strangers = 0;
}


/* set: -1: one of our own */
static int enter_set(struct relay *relay, int set)
{
	leave_set(relay);
	relay->epfd = set >= 0 ? set : epoll_create1(EPOLL_CLOEXEC);
	if (relay->epfd < 0)
		return errno;

	relay->is_own = set < 0;

	return relay->is_own ? ports_each(relay->mediad->ports, own_add, relay)
			     : 0;
}


/* Ports that are another's for good, and would keep us awake */
static void leave_strangers(struct relay *relay)
{
	int err;

	err = enter_set(relay, -1);
	if (!err)
		err = watch(relay);
	log_warn(relay->mediad->log, "rtp_set_left why=%s",
		 err ? strerror(err) : "it has ports of others");
}


static void on_ready(int flags, void *arg)
{
	struct relay *relay = arg;
	const int64_t turn_us = clk_mono_us();
	const bool is_busy = turn_us - relay->served_us < BUSY_US;
	int64_t us = turn_us;

	(void)flags;
	for (int n = 1; n > 0 && us - turn_us < TURN_US; us = clk_mono_us()) {
		unsigned packets = 0;

		n = look_twice(relay, &packets);
		pace_count(&relay->pace, us, packets);
		if (!is_busy)
			break;
		if (n > 0 && n < EVENTS)
			gather(us + relay->pace.us);
	}
	relay->served_us = clk_mono_us();
	judge_count(&relay->judge);
	if (relay->strangers > STRANGERS)
		leave_strangers(relay);
}


int relay_reload(struct relay *relay)
{
	const int err = enter_set(relay, relay->mediad->rtp_set);

	return err ? err : watch(relay);
}


int relay_start(struct relay *relay)
{
	turn(relay);

	/* One set in the other: the kernel walks through all of its sockets.
	 */
	return watch(relay);
}


int relay_alloc(struct relay **relayp, struct mediad *mediad)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	int err;

	if (!relay)
		return ENOMEM;

	relay->mediad = mediad;
	relay->judge.mediad = mediad;
	pace_begin(&relay->pace, clk_mono_us());
	(void)prctl(PR_SET_TIMERSLACK, (unsigned long)SLACK_NS, 0, 0, 0);
	for (unsigned i = 0; i < RECEIVE; i++) {
		relay->iov[i] = (struct iovec){ relay->data[i], PKT_MAX };
		relay->in[i].msg_hdr = (struct msghdr){
			.msg_name = &relay->from[i],
			.msg_iov = &relay->iov[i],
			.msg_iovlen = 1,
		};
	}
	err = enter_set(relay, mediad->rtp_set);
	if (err)
		relay_free(relay);
	else
		*relayp = relay;

	return err;
}


struct relay *relay_free(struct relay *relay)
{
	if (!relay)
		return NULL;

	leave_set(relay);
	free(relay);

	return NULL;
}
