/**
 * @file test/fuzz/fuzz_wire_refuse.c  Any bytes refused without a parser
 *
 * What is answered is a 503 to a request, of clean lines, the same each time,
 * and not much longer; whatever the peer wrote into the lines stays wrong.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sipd/message.h"
#include "sipd/wire_refuse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	char dst[WIRE_REFUSE_MAX], again[WIRE_REFUSE_MAX];
	const size_t len = wire_refuse_print(dst, (const char *)data, size, 5);

	assert(len <= sizeof(dst) && len <= 2 * size + 200);
	if (len == 0)
		return 0;

	assert(wire_refuse_print(again, (const char *)data, size, 5) == len);
	assert(memcmp(dst, again, len) == 0);
	(void)message_parse(&m, dst, len, true);
	assert(m.fault != MESSAGE_EMPTY && m.fault != MESSAGE_NOT_SIP);
	assert(m.fault != MESSAGE_CONTROL && m.fault != MESSAGE_TRUNCATED);
	assert(m.fault != MESSAGE_OK || (m.code == 503 && !m.is_request));
	/* a response is never refused: two of us would not stop */
	assert(wire_refuse_print(again, dst, len, 5) == 0);

	return 0;
}
