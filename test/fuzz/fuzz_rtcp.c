/**
 * @file test/fuzz/fuzz_rtcp.c  Any bytes as a compound of RTCP
 */
#include <assert.h>

#include "mediad/pkt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pkt_reports reports;
	const int err = pkt_rtcp_parse(&reports, data, size);

	if (err) {
		assert(!reports.has_sender && !reports.has_echo);
		return 0;
	}
	assert(size >= 8 && data[0] >> 6 == 2);
	assert(!reports.has_echo || reports.echoed);

	return 0;
}
