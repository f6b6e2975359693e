/**
 * @file test/fuzz/fuzz_journal.c  Any bytes as a segment of the journal
 *
 * Records come in order, each once, and lie within the segment; what is
 * encoded again is what was there.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/journal_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const uint8_t *p;
	size_t len;
	uint64_t next;
	size_t count;
};


static int on_record(const struct journal_record *record, void *arg)
{
	const uint8_t *payload = record->payload;
	struct seen *seen = arg;

	assert(record->seq >= seen->next);
	assert(payload >= seen->p + JOURNAL_HEAD);
	assert(payload + record->len <= seen->p + seen->len);
	seen->next = record->seq + 1;
	seen->count++;

	return 0;
}


static void on_damage(uint64_t from, uint64_t to, void *arg)
{
	struct seen *seen = arg;

	assert(from <= to && from >= seen->next);
	seen->next = to + 1;
}


static void check_one(const uint8_t *data, size_t size)
{
	struct journal_record record, again;
	uint64_t durable, durable2;
	size_t used, used2;
	uint8_t *p;

	if (journal_decode(&record, &durable, &used, data, size) != 0)
		return;
	p = malloc(used);
	assert(p);
	journal_encode(p, &record, durable);
	assert(journal_decode(&again, &durable2, &used2, p, used) == 0);
	assert(again.seq == record.seq && durable2 == durable &&
	       used2 == used && again.wall_us == record.wall_us &&
	       again.type == record.type && again.len == record.len &&
	       memcmp(again.payload, record.payload, record.len) == 0);
	free(p);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p = malloc(size + 1);
	struct seen seen = { .p = p, .len = size, .next = 1 };
	const struct journal_scan_args args = {
		.p = p,
		.len = size,
		.expected = 1,
		.below = size > 0 && data[size - 1] == 0xff ? 9 : 0,
		.recordh = on_record,
		.damageh = on_damage,
		.arg = &seen,
	};
	struct journal_scan scan;

	assert(p);
	if (size > 0)
		memcpy(p, data, size);
	check_one(p, size);
	assert(journal_scan(&scan, &args) == 0);
	assert(scan.end <= size);
	assert(seen.count > 0 || (scan.last == 0 && scan.end == 0));
	free(p);

	return 0;
}
