/**
 * @file test/fuzz/fuzz_zmtp.c  Any bytes on a connection of the bus
 *
 * What is a greeting, READY or a frame lies within what came, and is none with
 * one byte less.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/ipc/zmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MOST = 4096
};


/* A block of exactly these bytes, so that a sanitizer sees its end */
static int frame_cut(const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct zmtp_frame frame;
	int err;

	assert(exact);
	if (len > 0)
		memcpy(exact, data, len);
	err = zmtp_frame(&frame, exact, len, MOST);
	free(exact);

	return err;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zmtp_frame frame;
	struct text identity;
	size_t at = 0;

	if (zmtp_greeting_check(data, size) == 0) {
		assert(size >= ZMTP_GREETING);
		at = ZMTP_GREETING;
	}
	while (zmtp_frame(&frame, data + at, size - at, MOST) == 0) {
		assert(frame.len <= MOST && frame.whole <= size - at);
		assert(frame.data + frame.len == data + at + frame.whole);
		assert(frame_cut(data + at, frame.whole - 1) == EAGAIN);
		assert(frame_cut(data + at, frame.whole) == 0);
		if (zmtp_ready_parse(&identity, &frame) == 0)
			assert(identity.l <= frame.len);
		at += frame.whole;
	}

	return 0;
}
