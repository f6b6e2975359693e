/**
 * @file shared/ipc/frame.h  Frames of the control channel
 *
 * A Unix stream socket between supervisor and daemon; each frame is a
 * tandem.ControlFrame behind 8 bytes of length and descriptor count.
 * Descriptors travel with the frame that speaks of them. Works when the bus
 * does not; nothing here needs it.
 */
#ifndef TANDEM_IPC_FRAME_H
#define TANDEM_IPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "proto/control.pb-c.h"

enum {
	FRAME_HEAD = 8,             /**< Length, descriptor count, zero */
	FRAME_BYTES_MAX = 1 << 20,  /**< One frame, behind its head */
	FRAME_FDS_MAX = 250,        /**< Descriptors with one frame */
	FRAME_QUEUE_MAX = 8 << 20,  /**< Bytes that wait to be sent */
	FRAME_QUEUE_FDS_MAX = 4096, /**< Descriptors that wait with them */
};

#define CTL_BODY(x) TANDEM__CONTROL_FRAME__BODY_##x

struct ev;
struct channel;

/** A whole frame; its descriptors become the handler's to close. The handler
 *  may free the channel. */
typedef void(channel_h)(const Tandem__ControlFrame *frame, const int *fds,
			size_t fdc, void *arg);

/** The channel ended: 0 if the other side closed it, EPROTO if it broke the
 *  protocol, otherwise errorcode. The handler may free the channel. */
typedef void(channel_close_h)(int err, void *arg);

/** Takes over fd, also on error. It is made non-blocking. */
int channel_alloc(struct channel **chp, struct ev *ev, int fd,
		  channel_h *frameh, channel_close_h *closeh, void *arg);
struct channel *channel_free(struct channel *ch);

/** Send a frame; descriptors are duplicated, the caller's stay open. Handlers
 *  are not called from in here: an end of the channel that shows only now is
 *  returned, and reported by the loop.
 *  @return 0, ENOBUFS if the queue is full, EMSGSIZE, ENOTCONN if the channel
 *          has ended, otherwise errorcode */
int channel_send(struct channel *ch, const Tandem__ControlFrame *frame,
		 const int *fds, size_t fdc);

/** Blocking, at start-up, before there is a loop: one frame within the
 *  deadline, and not a byte more. *fdcp in: room in fds, out: how many came.
 *  frame is to be freed with frame_free().
 *  @return 0, ETIMEDOUT, ECONNRESET if the other side is gone, EPROTO */
int frame_read(int fd, Tandem__ControlFrame **framep, int *fds, size_t *fdcp,
	       uint32_t timeout_ms);
int frame_write(int fd, const Tandem__ControlFrame *frame, const int *fds,
		size_t fdc);

/** Is there a whole frame in these bytes? Pure but for the counter. Unpacked
 *  it takes 8 MB at most.
 *  @return 0 and its size, EAGAIN if more is needed, EPROTO if it is too
 *          large or does not decode, ENOMEM */
int frame_parse(Tandem__ControlFrame **framep, size_t *sizep, size_t *fdcp,
		const uint8_t *data, size_t len);

/** Accepts NULL, returns NULL */
Tandem__ControlFrame *frame_free(Tandem__ControlFrame *frame);

/** The first part of it: size and descriptors of the frame that begins here */
int frame_head_parse(size_t *sizep, size_t *fdcp, const uint8_t *data,
		     size_t len);

/** The reverse; datap is the caller's to free()
 *  @return 0, EMSGSIZE if it is too large, otherwise errorcode */
int frame_print(uint8_t **datap, size_t *lenp,
		const Tandem__ControlFrame *frame, size_t fdc);

#endif
