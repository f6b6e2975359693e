/**
 * @file test/fuzz/fuzz_wire_stream.c  Any bytes on a connection, cut anywhere
 *
 * The first byte says how the rest is cut. Which messages come out does not
 * depend on that; each is one by message_frame(); and when the connection is
 * gone nothing is kept.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sipd/message.h"
#include "sipd/wire_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MESSAGES_MAX = 4096,
	SIZE_MOST = 8192
};

struct rig {
	struct ev *ev;
	struct wire *wire;
	struct listener listener;
	size_t count;
	size_t lens[MESSAGES_MAX];
	uint64_t hashes[MESSAGES_MAX];
};


static void on_receive(const struct flow *from, char *data, size_t len,
		       int64_t age_us, void *arg)
{
	struct rig *r = arg;
	size_t skipped = 0;

	(void)age_us;
	assert(from->conn != 0 && len > 0);
	/* What cannot be a message comes as far as it was there. */
	if (message_frame(data, len, &skipped) != len)
		return;
	assert(skipped == 0 && r->count < MESSAGES_MAX);
	r->lens[r->count] = len;
	r->hashes[r->count++] = map_hash(data, len);
}


static int on_socket(size_t index, struct wire_socket *socketp, void *arg)
{
	(void)index;
	(void)socketp;
	(void)arg;

	return ENOENT;
}


static void rig_open(struct rig *r)
{
	const struct wire_args args = { .receiveh = on_receive, .arg = r };
	struct wire_base base = { .socketh = on_socket };
	int err;

	if (r->ev)
		return;

	err = ev_alloc(&r->ev);
	assert(!err);
	base.ev = r->ev;
	err = wire_alloc_on(&r->wire, &args, &base);
	assert(!err);
	r->listener.wire = r->wire;
	r->listener.pub.transport = TRANSPORT_TCP;
}


/* step 0: all at once */
static void feed(struct rig *r, const uint8_t *data, size_t size, uint8_t step)
{
	struct addr remote = { .family = AF_INET, .port = 1 };
	struct conn *c = NULL;
	size_t at = 0;
	uint8_t next = step;
	int fds[2], err;

	r->count = 0;
	err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
	assert(!err);
	err = conn_add(&c, &r->listener, &remote, fds[0], CONN_OPEN);
	assert(!err);
	while (at < size) {
		size_t len = step ? next % 64u + 1 : size;

		if (len > size - at)
			len = size - at;
		if (send(fds[1], data + at, len, MSG_NOSIGNAL) < 0)
			break; /* it was closed */
		at += len;
		next = (uint8_t)(next * 29 + 7);
		(void)ev_turn(r->ev);
	}
	(void)close(fds[1]);
	while (map_count(r->wire->streams->by_number) > 0)
		(void)ev_turn(r->ev);
	(void)ev_turn(r->ev);
	assert(r->wire->streams->bytes == 0);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig whole, cut;

	if (size < 2 || size > SIZE_MOST)
		return 0;

	rig_open(&whole);
	rig_open(&cut);
	feed(&whole, data + 1, size - 1, 0);
	feed(&cut, data + 1, size - 1, data[0] ? data[0] : 1);
	assert(whole.count == cut.count);
	assert(memcmp(whole.lens, cut.lens,
		      whole.count * sizeof(whole.lens[0])) == 0);
	assert(memcmp(whole.hashes, cut.hashes,
		      whole.count * sizeof(whole.hashes[0])) == 0);

	return 0;
}
