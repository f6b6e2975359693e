/**
 * @file shared/ipc/frame.c  Frames of the control channel
 *
 *     0        4        6        8
 *     | length | fds    | zero   | tandem.ControlFrame ...
 *
 * All little-endian; length counts what follows the first 8 bytes. The other
 * side may be a daemon that has been taken over: nothing is believed, and a
 * frame of a megabyte cannot be made to fill the memory.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/base/util.h"
#include "shared/ipc/fdpass.h"
#include "shared/ipc/frame.h"

enum {
	/* What one frame may take when unpacked: an element of two bytes on
	 * the wire is a struct of a hundred in memory. */
	UNPACKED_MAX = 8 << 20,
	CHUNK = 4096,     /* Fits into any socket that poll() calls writable */
	WRITE_MS = 10000, /* A reader that stalls for longer is given up */
};


struct budget {
	size_t left;
	bool is_oom; /**< There was no memory, and the frame may be good */
};


static void *budget_alloc(void *arg, size_t size)
{
	struct budget *budget = arg;
	void *p;

	if (size > budget->left)
		return NULL;

	budget->left -= size;
	p = malloc(size);
	if (!p)
		budget->is_oom = true;

	return p;
}


static void budget_free(void *arg, void *p)
{
	(void)arg;

	free(p);
}


static void head_print(uint8_t head[FRAME_HEAD], size_t len, size_t fdc)
{
	for (unsigned i = 0; i < 4; i++)
		head[i] = (uint8_t)(len >> (8 * i));
	head[4] = (uint8_t)fdc;
	head[5] = (uint8_t)(fdc >> 8);
	head[6] = 0;
	head[7] = 0;
}


int frame_head_parse(size_t *sizep, size_t *fdcp, const uint8_t *data,
		     size_t len)
{
	size_t body, fdc;

	if (len < FRAME_HEAD)
		return EAGAIN;

	body = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 |
	       (size_t)data[3] << 24;
	fdc = data[4] | (size_t)data[5] << 8;

	if (body > FRAME_BYTES_MAX) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_TOO_LARGE);
		return EPROTO;
	}
	if (fdc > FRAME_FDS_MAX) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		return EPROTO;
	}
	if (data[6] != 0 || data[7] != 0) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		return EPROTO;
	}

	*sizep = FRAME_HEAD + body;
	*fdcp = fdc;

	return 0;
}


int frame_parse(Tandem__ControlFrame **framep, size_t *sizep, size_t *fdcp,
		const uint8_t *data, size_t len)
{
	struct budget budget = { .left = UNPACKED_MAX };
	ProtobufCAllocator allocator = { budget_alloc, budget_free, &budget };
	Tandem__ControlFrame *frame;
	size_t size, fdc;
	int err;

	err = frame_head_parse(&size, &fdc, data, len);
	if (err)
		return err;
	if (len < size)
		return EAGAIN;

	frame = tandem__control_frame__unpack(&allocator, size - FRAME_HEAD,
					      data + FRAME_HEAD);
	if (!frame && budget.is_oom)
		return ENOMEM;
	if (!frame) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		return EPROTO;
	}

	*framep = frame;
	*sizep = size;
	*fdcp = fdc;

	return 0;
}


Tandem__ControlFrame *frame_free(Tandem__ControlFrame *frame)
{
	ProtobufCAllocator allocator = { budget_alloc, budget_free, NULL };

	if (frame)
		tandem__control_frame__free_unpacked(frame, &allocator);

	return NULL;
}


int frame_print(uint8_t **datap, size_t *lenp,
		const Tandem__ControlFrame *frame, size_t fdc)
{
	const size_t body = tandem__control_frame__get_packed_size(frame);
	uint8_t *data;

	if (body > FRAME_BYTES_MAX || fdc > FRAME_FDS_MAX)
		return EMSGSIZE;

	data = malloc(FRAME_HEAD + body);
	if (!data)
		return ENOMEM;

	head_print(data, body, fdc);
	tandem__control_frame__pack(frame, data + FRAME_HEAD);

	*datap = data;
	*lenp = FRAME_HEAD + body;

	return 0;
}


static int wait_until(int fd, short events, int64_t end_us)
{
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = events };
		const int64_t left_us = end_us - clk_mono_us();
		int n;

		if (left_us <= 0)
			return ETIMEDOUT;

		n = poll(&pfd, 1, (int)(left_us / 1000) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return errno;
	}
}


/* One frame being read, with the descriptors that have come with it. */
struct reading {
	int fd;
	int64_t end_us;
	int *fds;
	size_t fdc;
	size_t room;
};


/* Exactly len bytes: what follows belongs to the next reader. */
static int read_exactly(struct reading *rd, uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t fdc = rd->room - rd->fdc;
		ssize_t n;
		int err;

		err = wait_until(rd->fd, POLLIN, rd->end_us);
		if (err)
			return err;

		n = fdpass_recv(rd->fd, data, len, rd->fds + rd->fdc, &fdc);
		if (n == 0)
			return ECONNRESET;
		if (n < 0 && errno == EMSGSIZE) {
			metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
			return EPROTO;
		}
		if (n < 0 && errno != EAGAIN)
			return errno;
		if (n < 0)
			continue;

		rd->fdc += fdc;
		data += n;
		len -= (size_t)n;
	}

	return 0;
}


static int read_frame(struct reading *rd, Tandem__ControlFrame **framep)
{
	Tandem__ControlFrame *frame = NULL;
	uint8_t head[FRAME_HEAD];
	uint8_t *data;
	size_t size, fdc;
	int err;

	err = read_exactly(rd, head, sizeof(head));
	if (!err)
		err = frame_head_parse(&size, &fdc, head, sizeof(head));
	if (err)
		return err;

	data = malloc(size);
	if (!data)
		return ENOMEM;

	memcpy(data, head, sizeof(head));
	err = read_exactly(rd, data + sizeof(head), size - sizeof(head));
	if (err)
		goto out;

	if (rd->fdc != fdc) {
		metric_inc_at(M_CONTROL_REFUSED, CONTROL_MALFORMED);
		err = EPROTO;
		goto out;
	}

	err = frame_parse(&frame, &size, &fdc, data, size);
	if (!err)
		*framep = frame;

out:
	free(data);

	return err;
}


int frame_read(int fd, Tandem__ControlFrame **framep, int *fds, size_t *fdcp,
	       uint32_t timeout_ms)
{
	int none[1];
	struct reading rd = {
		.fd = fd,
		.end_us = clk_mono_us() + (int64_t)timeout_ms * 1000,
		.fds = none,
	};
	int err;

	if (fds && fdcp) {
		rd.fds = fds;
		rd.room = *fdcp;
	}

	err = read_frame(&rd, framep);
	if (err)
		fds_close(rd.fds, rd.fdc);

	if (fdcp)
		*fdcp = err ? 0 : rd.fdc;

	return err;
}


int frame_write(int fd, const Tandem__ControlFrame *frame, const int *fds,
		size_t fdc)
{
	const int64_t end_us = clk_mono_us() + WRITE_MS * INT64_C(1000);
	uint8_t *data;
	size_t len, sent = 0;
	int err;

	err = frame_print(&data, &len, frame, fdc);
	if (err)
		return err;

	while (sent < len) {
		const size_t left = len - sent;
		ssize_t n;

		err = wait_until(fd, POLLOUT, end_us);
		if (err)
			break;

		/* Descriptors travel with the first byte. */
		n = fdpass_send(fd, data + sent, left < CHUNK ? left : CHUNK,
				fds, sent == 0 ? fdc : 0);
		if (n >= 0) {
			sent += (size_t)n;
		}
		else if (errno != EAGAIN) {
			err = errno == EPIPE ? ECONNRESET : errno;
			break;
		}
	}

	free(data);

	return err;
}
