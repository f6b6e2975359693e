/**
 * @file test/fuzz/fuzz_envelope.c  Any bytes, and any message, at the door
 *
 * The first byte says which: bytes as they are, or a message that decodes and
 * whose every field is hostile. A handler sees nothing the door should have
 * kept out, and sees it no more than once.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/ipc/bus.h"

enum {
	NOW_US = 1000,
	PIECE = 40
};

/* The first byte also says from whom it is, and whether the handler fails. */
static const struct peer_id senders[] = {
	{ PEER_SIPD, 0 },
	{ PEER_SIPD, 65535 },
	{ PEER_BILLINGD, 1 },
	{ 65535, 65535 },
};

struct seen {
	struct peer_id sender;
	unsigned calls;
	int result;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int on_message(void *state, const Tandem__Envelope *env, int tag)
{
	struct seen *seen = state;

	seen->calls++;
	assert(env->hdr);
	assert(env->hdr->peer == seen->sender.peer);
	assert(env->hdr->worker == seen->sender.worker);
	assert(env->hdr->peer == (uint32_t)tag);
	assert(env->hdr->deadline_us == 0 || env->hdr->deadline_us > NOW_US);
	assert(env->body_case != TANDEM__ENVELOPE__BODY__NOT_SET);

	/* What lies in it can be read to its end. */
	if (env->body_case == BUS_BODY(PING)) {
		volatile uint8_t sum = 0;

		for (size_t i = 0; i < env->ping->payload.len; i++)
			sum = (uint8_t)(sum + env->ping->payload.data[i]);
	}

	return seen->result;
}


static const struct bus_route routes[] = {
	[BUS_BODY(PING)] = { PEER_SIPD, on_message, PEER_SIPD },
	[BUS_BODY(REFUSED)] = { PEER_BILLINGD, on_message, PEER_BILLINGD },
};


static void dispatch(struct seen *seen, const uint8_t *data, size_t size)
{
	enum bus_refusal why;

	seen->calls = 0;
	why = bus_dispatch(routes, COUNT_OF(routes), seen, seen->sender,
			   NOW_US, data, size);

	assert(why < BUS_REFUSALC);
	assert(seen->calls == (why == BUS_OK || why == BUS_HANDLER));
	assert((why == BUS_HANDLER) == (seen->calls && seen->result));
}


/* Numbers of the message are taken from the bytes; the rest is its payload,
 * and what a newer release might have put behind it. */
static void dispatch_message(struct seen *seen, const uint8_t *data,
			     size_t size)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__Ping ping = TANDEM__PING__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;
	uint8_t piece[PIECE] = { 0 };
	uint8_t *packed;
	size_t len;

	memcpy(piece, data, size < PIECE ? size : PIECE);
	data += size < PIECE ? size : PIECE;
	size -= size < PIECE ? size : PIECE;

	memcpy(&hdr.call, piece + 1, 8);
	memcpy(&hdr.id, piece + 9, 8);
	memcpy(&hdr.deadline_us, piece + 17, 8);
	memcpy(&hdr.worker, piece + 25, 4);
	memcpy(&refused.why, piece + 29, 4);
	hdr.peer = piece[33];
	if (piece[0] & 1)
		hdr.peer = seen->sender.peer;
	if (piece[0] & 2)
		hdr.worker = seen->sender.worker;
	if (piece[0] & 4)
		hdr.deadline_us = 0;
	env.hdr = piece[0] & 8 ? NULL : &hdr;

	if (piece[0] & 32) {
		env.body_case = TANDEM__ENVELOPE__BODY__NOT_SET;
	}
	else if (piece[0] & 16) {
		env.body_case = BUS_BODY(PING);
		env.ping = &ping;
	}
	else {
		env.body_case = BUS_BODY(REFUSED);
		env.refused = &refused;
	}

	ping.payload.len = piece[34] < size ? piece[34] : size;
	ping.payload.data = malloc(ping.payload.len + 1);
	assert(ping.payload.data);
	memcpy(ping.payload.data, data, ping.payload.len);

	len = tandem__envelope__get_packed_size(&env);
	packed = malloc(len + size + 1);
	assert(packed);
	tandem__envelope__pack(&env, packed);
	memcpy(packed + len, data, size);

	dispatch(seen, packed, len);
	dispatch(seen, packed, len + size);

	free(packed);
	free(ping.payload.data);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { 0 };

	if (size == 0)
		return 0;

	seen.sender = senders[data[0] / 4 % COUNT_OF(senders)];
	seen.result = data[0] & 2 ? 5 : 0;
	if (data[0] & 1)
		dispatch_message(&seen, data + 1, size - 1);
	else
		dispatch(&seen, data + 1, size - 1);

	return 0;
}
