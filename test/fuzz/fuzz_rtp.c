/**
 * @file test/fuzz/fuzz_rtp.c  Any bytes as a packet of RTP, and as its payload
 */
#include <assert.h>
#include <string.h>

#include "mediad/digit.h"
#include "mediad/pkt.h"
#include "mediad/tone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* What was read is what would be written. */
static void check_head(const struct pkt_head *head, const uint8_t *data)
{
	uint8_t again[PKT_HEAD];

	pkt_print(again, head);
	assert(memcmp(again + 1, data + 1, PKT_HEAD - 1) == 0);
	assert(again[0] == (data[0] & 0xc0));
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tone_ear ear = { .samples = 0 };
	struct digit_event event;
	struct pkt_head head = { .marker = false };
	struct digit heard;
	const uint8_t *payload;
	size_t len;

	if (pkt_parse(&head, data, size) == 0)
		check_head(&head, data);
	if (pkt_payload(data, size, &payload, &len) != 0)
		return 0;

	assert(payload >= data && payload + len <= data + size);
	(void)tone_hear(&ear, head.marker ? MEDIA_PCMU : MEDIA_PCMA, payload,
			len, &heard);
	assert(!heard.digit || digit_code(heard.digit) >= 0);
	if (digit_parse(&event, payload, len) == 0) {
		uint8_t again[DIGIT_EVENT];

		digit_print(again, &event);
		assert(again[0] == payload[0] && again[2] == payload[2] &&
		       again[3] == payload[3]);
	}

	return 0;
}
