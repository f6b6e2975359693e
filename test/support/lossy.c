/**
 * @file test/support/lossy.c  A line between two SIP ends that is not perfect
 *
 * lossy FRONT BACK NEAR FAR LOSS DOUBLE DELAY SEED
 *
 * All four are IPv4 address:port. A datagram that comes to FRONT leaves from
 * BACK to FAR; one that comes to BACK leaves from FRONT to NEAR. LOSS and
 * DOUBLE are percent; each copy waits a random part of DELAY ms (at most 500),
 * so that they overtake each other. The same SEED and the same order of
 * arrival lose the same datagrams. When more than QUEUE wait, what comes is
 * lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	QUEUE = 4096,
	BYTES_MAX = 65536,
	DELAY_MAX_MS = 500,
	SIDES = 2
};

struct waiting {
	int64_t due_us;
	uint64_t order; /**< Of equal ones the first goes first */
	char *data;
	size_t len;
	int side; /**< It leaves from there */
};

struct line {
	int fds[SIDES];                  /**< FRONT, BACK */
	struct sockaddr_in peers[SIDES]; /**< NEAR, FAR */
	unsigned loss, twice, delay_ms;
	uint64_t random;
	uint64_t orders;
	struct waiting queue[QUEUE]; /**< A heap, soonest first */
	size_t queuec;
};


static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* xorshift64*: the same everywhere */
static uint32_t draw(struct line *line, uint32_t below)
{
	uint64_t x = line->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	line->random = x;

	return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % below;
}


static bool is_before(const struct waiting *a, const struct waiting *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us
				      : a->order < b->order;
}


static void swap(struct waiting *a, struct waiting *b)
{
	struct waiting c = *a;

	*a = *b;
	*b = c;
}


static void put(struct line *line, int side, const char *data, size_t len)
{
	char *copy;
	size_t i;

	if (line->queuec == QUEUE)
		return;

	copy = malloc(len ? len : 1);
	if (!copy)
		return;

	memcpy(copy, data, len);
	i = line->queuec++;
	line->queue[i] = (struct waiting){
		.due_us = now_us() +
			  (int64_t)draw(line, line->delay_ms * 1000u + 1),
		.order = line->orders++,
		.data = copy,
		.len = len,
		.side = side,
	};
	while (i && is_before(&line->queue[i], &line->queue[(i - 1) / 2])) {
		swap(&line->queue[i], &line->queue[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}


static void drop_first(struct line *line)
{
	size_t i = 0, child;

	free(line->queue[0].data);
	line->queue[0] = line->queue[--line->queuec];
	for (; (child = 2 * i + 1) < line->queuec; i = child) {
		if (child + 1 < line->queuec &&
		    is_before(&line->queue[child + 1], &line->queue[child]))
			++child;
		if (!is_before(&line->queue[child], &line->queue[i]))
			break;
		swap(&line->queue[child], &line->queue[i]);
	}
}


static void send_due(struct line *line)
{
	while (line->queuec && line->queue[0].due_us <= now_us()) {
		const struct waiting *w = &line->queue[0];

		/* An end that is not there is a loss too. */
		(void)sendto(line->fds[w->side], w->data, w->len, 0,
			     (const struct sockaddr *)&line->peers[w->side],
			     sizeof(line->peers[w->side]));
		drop_first(line);
	}
}


static void take(struct line *line, int side)
{
	static char data[BYTES_MAX];

	for (;;) {
		ssize_t n = recv(line->fds[side], data, sizeof(data),
				 MSG_DONTWAIT);

		if (n < 0)
			return;

		if (draw(line, 100) < line->loss)
			continue;

		put(line, !side, data, (size_t)n);
		if (draw(line, 100) < line->twice)
			put(line, !side, data, (size_t)n);
	}
}


static int parse_address(struct sockaddr_in *sin, const char *text)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return EINVAL;

	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtoul(colon + 1, NULL, 10);
	if (!port || port > UINT16_MAX)
		return EINVAL;

	*sin = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};

	return inet_pton(AF_INET, host, &sin->sin_addr) == 1 ? 0 : EINVAL;
}


static int line_open(struct line *line, char *argv[])
{
	for (int side = 0; side < SIDES; ++side) {
		struct sockaddr_in own;

		if (parse_address(&own, argv[1 + side]) ||
		    parse_address(&line->peers[side], argv[3 + side]))
			return EINVAL;

		line->fds[side] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC,
					 0);
		if (line->fds[side] < 0)
			return errno;
		if (bind(line->fds[side], (const struct sockaddr *)&own,
			 sizeof(own)))
			return errno;
	}

	line->loss = (unsigned)strtoul(argv[5], NULL, 10);
	line->twice = (unsigned)strtoul(argv[6], NULL, 10);
	line->delay_ms = (unsigned)strtoul(argv[7], NULL, 10);
	line->random = strtoull(argv[8], NULL, 10) *
			       UINT64_C(0x9e3779b97f4a7c15) |
		       1;

	return line->loss > 100 || line->twice > 100 ||
			       line->delay_ms > DELAY_MAX_MS
		       ? EINVAL
		       : 0;
}


int main(int argc, char *argv[])
{
	static struct line line;
	int err;

	if (argc != 9) {
		(void)fprintf(stderr, "usage: lossy FRONT BACK NEAR FAR LOSS "
				      "DOUBLE DELAY SEED\n");
		return 2;
	}

	err = line_open(&line, argv);
	if (err) {
		(void)fprintf(stderr, "lossy: %s\n", strerror(err));
		return 1;
	}

	(void)puts("ready");
	(void)fflush(stdout);

	for (;;) {
		struct pollfd polls[SIDES] = {
			{ .fd = line.fds[0], .events = POLLIN },
			{ .fd = line.fds[1], .events = POLLIN },
		};
		int wait_ms = -1;

		if (line.queuec) {
			int64_t left = line.queue[0].due_us - now_us();

			wait_ms = left > 0 ? (int)((left + 999) / 1000) : 0;
		}
		(void)poll(polls, SIDES, wait_ms);
		send_due(&line);
		for (int side = 0; side < SIDES; ++side)
			if (polls[side].revents)
				take(&line, side);
	}
}
