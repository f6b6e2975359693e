/**
 * @file test/fuzz/fuzz_dtmf.c  Any bytes as the digit of an INFO
 *
 * The first line is the type. What is read is a digit of a length that may be
 * sent, and comes out of what is printed of it again.
 */
#include <assert.h>
#include <string.h>

#include "sipd/media_dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text all = { (const char *)data, size };
	char printed[DTMF_BODY_MAX];
	struct dtmf dtmf, again;
	struct text type, body;

	(void)text_cut(all, '\n', &type, &body);
	if (dtmf_read(&dtmf, type, body))
		return 0;
	assert(dtmf.digit && strchr("0123456789*#ABCD", dtmf.digit));
	assert(dtmf.ms >= 40 && dtmf.ms <= 6000);
	body = (struct text){ printed, dtmf_print(printed, &dtmf) };
	assert(!dtmf_read(&again, text_of("application/dtmf-relay"), body));
	assert(again.digit == dtmf.digit && again.ms == dtmf.ms);

	return 0;
}
