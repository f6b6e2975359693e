/**
 * @file shared/ipc/zmtp.h  ZeroMQ's protocol on a stream: what bytes mean
 *
 * ZMTP 3.0 with mechanism NULL (rfc.zeromq.org/spec/23), as much of it as the
 * bus needs: a greeting, READY with who we are, then frames. libzmq at the
 * other end sees another libzmq. No I/O here.
 */
#ifndef TANDEM_IPC_ZMTP_H
#define TANDEM_IPC_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"

enum {
	ZMTP_GREETING = 64,
	ZMTP_HEAD_MAX = 9, /**< Before each frame */
	ZMTP_READY_MAX = 128,
	ZMTP_IDENTITY_MAX = 32, /**< Of ours */
};

struct zmtp_frame {
	const uint8_t *data;
	size_t len;
	size_t whole; /**< With its head */
	bool is_command;
	bool has_more; /**< The message goes on in the next frame */
};

void zmtp_greeting(uint8_t dst[ZMTP_GREETING]);

/** @return 0 if that is one we can talk to; EAGAIN: so far; EPROTO */
int zmtp_greeting_check(const uint8_t *data, size_t len);

/** The command that ends the handshake. @return its length, with its head */
size_t zmtp_ready(uint8_t dst[ZMTP_READY_MAX], const char *type,
		  const char *identity);

/** identityp: empty if it says none. @return 0 or EPROTO */
int zmtp_ready_parse(struct text *identityp, const struct zmtp_frame *frame);

/** The head of a message of one frame. @return its length */
size_t zmtp_head(uint8_t dst[ZMTP_HEAD_MAX], size_t len);

/** The next frame. @return 0; EAGAIN: it is not whole; EPROTO: it is none, or
 *  longer than most */
int zmtp_frame(struct zmtp_frame *frame, const uint8_t *data, size_t len,
	       size_t most);

#endif
