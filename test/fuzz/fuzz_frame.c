/**
 * @file test/fuzz/fuzz_frame.c  Any bytes on the control channel
 *
 * A frame that parses is printed and parsed again to the same; nothing behind
 * its size was looked at, and nothing shorter is a frame.
 */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/ipc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* protobuf-c takes an unknown field with the number 0, which there is not, if
 * it is written in more bytes than one, and not in the one it prints. */
static bool may_have_field_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((data[i] & 0xf8) == 0x80)
			return true;
	}

	return false;
}


/* Print, parse and print once more. */
static void check_round_trip(const Tandem__ControlFrame *frame, size_t fdc,
			     bool may_break)
{
	Tandem__ControlFrame *again = NULL;
	uint8_t *first = NULL, *second = NULL;
	size_t len = 0, len2 = 0, size = 0, fdc2 = 0;
	int err;

	/* A short number may have a longer form: then it does not fit. */
	err = frame_print(&first, &len, frame, fdc);
	if (err) {
		assert(err == EMSGSIZE);
		return;
	}

	err = frame_parse(&again, &size, &fdc2, first, len);
	if (err == EPROTO && may_break) {
		free(first);
		return;
	}
	assert(!err && size == len && fdc2 == fdc);
	assert(again->body_case == frame->body_case);

	err = frame_print(&second, &len2, again, fdc);
	assert(!err && len2 == len && memcmp(first, second, len) == 0);

	frame_free(again);
	free(first);
	free(second);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Tandem__ControlFrame *frame = NULL, *cut = NULL;
	size_t used = 0, fdc = 0, ignored = 0;
	uint8_t *exact;
	int err;

	err = frame_parse(&frame, &used, &fdc, data, size);
	assert(err == 0 || err == EAGAIN || err == EPROTO);
	assert(!err == !!frame);
	if (err)
		return 0;

	assert(used >= FRAME_HEAD && used <= size && fdc <= FRAME_FDS_MAX);
	check_round_trip(frame, fdc, may_have_field_zero(data, used));
	frame_free(frame);

	/* In a block of exactly its size a sanitizer sees what reads on. */
	exact = malloc(used);
	assert(exact);
	memcpy(exact, data, used);
	err = frame_parse(&frame, &used, &fdc, exact, used);
	assert(!err);
	frame_free(frame);
	err = frame_parse(&cut, &ignored, &ignored, exact, used - 1);
	assert(err == EAGAIN);
	free(exact);

	return 0;
}
