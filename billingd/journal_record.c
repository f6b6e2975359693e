/**
 * @file billingd/journal_record.c  A record of the journal as it is on disk
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "billingd/journal_record.h"
#include "shared/base/crc32c.h"

enum {
	MAGIC = 0x4a646e54, /* TndJ */
	AT_MAGIC = 0,
	AT_CRC = 4,
	AT_LENGTH = 8,
	AT_TYPE = 12,
	AT_ZERO = 14,
	AT_SEQ = 16,
	AT_DURABLE = 24,
	AT_TIME = 32,
};


static void put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}


static void put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}


static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));

	return le32toh(v);
}


static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));

	return le64toh(v);
}


size_t journal_record_size(size_t payload)
{
	return (JOURNAL_HEAD + payload + JOURNAL_ALIGN - 1) / JOURNAL_ALIGN *
	       JOURNAL_ALIGN;
}


void journal_encode(uint8_t *p, const struct journal_record *record,
		    uint64_t durable)
{
	const size_t size = journal_record_size(record->len);
	const size_t used = JOURNAL_HEAD + record->len;

	put32(p + AT_MAGIC, MAGIC);
	put32(p + AT_LENGTH, (uint32_t)record->len);
	put32(p + AT_TYPE, (uint32_t)record->type);
	put64(p + AT_SEQ, record->seq);
	put64(p + AT_DURABLE, durable);
	put64(p + AT_TIME, (uint64_t)record->wall_us);
	if (record->len > 0)
		memcpy(p + JOURNAL_HEAD, record->payload, record->len);
	memset(p + used, 0, size - used);
	put32(p + AT_CRC, crc32c(0, p + AT_LENGTH, used - AT_LENGTH));
}


static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i])
			return false;
	}

	return true;
}


int journal_decode(struct journal_record *record, uint64_t *durable,
		   size_t *sizep, const uint8_t *p, size_t len)
{
	size_t l;
	uint32_t type;

	if (len < JOURNAL_HEAD)
		return is_zero(p, len) ? ENODATA : EBADMSG;
	if (get32(p + AT_MAGIC) != MAGIC)
		return is_zero(p, JOURNAL_HEAD) ? ENODATA : EBADMSG;

	l = get32(p + AT_LENGTH);
	if (l > JOURNAL_PAYLOAD_MAX || journal_record_size(l) > len)
		return EBADMSG;
	if (get32(p + AT_CRC) !=
	    crc32c(0, p + AT_LENGTH, JOURNAL_HEAD - AT_LENGTH + l))
		return EBADMSG;

	type = get32(p + AT_TYPE);
	record->seq = get64(p + AT_SEQ);
	*durable = get64(p + AT_DURABLE);
	if (type == 0 || type > UINT16_MAX || record->seq == 0 ||
	    *durable >= record->seq)
		return EBADMSG;

	/* A type of a later release is somebody else's matter. */
	record->type = (enum journal_type)type;
	record->wall_us = (int64_t)get64(p + AT_TIME);
	record->payload = p + JOURNAL_HEAD;
	record->len = l;
	*sizep = journal_record_size(l);

	return 0;
}


/* The next whole record that may follow one with this sequence. */
static size_t resync(struct journal_record *record, uint64_t *durable,
		     const struct journal_scan_args *args, size_t at,
		     uint64_t expected)
{
	size_t size;

	for (; at + JOURNAL_HEAD <= args->len; at += JOURNAL_ALIGN) {
		if (journal_decode(record, durable, &size, args->p + at,
				   args->len - at) == 0 &&
		    record->seq >= expected &&
		    (args->below == 0 || record->seq < args->below))
			return at;
	}

	return args->len;
}


/* Something behind the hole says that what is missing was durable; only then
 * is it more than a tail that nobody was promised. *atp: where it goes on */
static bool is_damage(const struct journal_scan_args *args, size_t *atp,
		      uint64_t expected)
{
	struct journal_record record;
	uint64_t durable;
	size_t at = *atp, first = 0;
	bool has_first = false;

	for (;;) {
		at = resync(&record, &durable, args, at, expected);
		if (at == args->len)
			return false;
		if (!has_first) {
			first = at;
			has_first = true;
		}
		if (durable >= expected) {
			*atp = first;
			return true;
		}
		at += journal_record_size(record.len);
	}
}


static void hole(struct journal_scan *scan,
		 const struct journal_scan_args *args, uint64_t from,
		 uint64_t to)
{
	scan->holes++;
	if (args->damageh)
		args->damageh(from, to, args->arg);
}


/* The one that is expected, or behind a hole the next there is. ENODATA: there
 * is none. */
static int next_record(struct journal_record *record, size_t *sizep,
		       struct journal_scan *scan,
		       const struct journal_scan_args *args, size_t *atp,
		       uint64_t expected)
{
	uint64_t durable;

	if (journal_decode(record, &durable, sizep, args->p + *atp,
			   args->len - *atp) == 0 &&
	    record->seq == expected)
		return 0;
	if (!is_damage(args, atp, expected) ||
	    journal_decode(record, &durable, sizep, args->p + *atp,
			   args->len - *atp) != 0)
		return ENODATA;
	if (record->seq > expected)
		hole(scan, args, expected, record->seq - 1);

	return 0;
}


int journal_scan(struct journal_scan *scan,
		 const struct journal_scan_args *args)
{
	uint64_t expected = args->expected;
	struct journal_record record;
	size_t at = 0, size;
	int err = 0;

	*scan = (struct journal_scan){ .last = expected - 1 };
	while (!err && (args->below == 0 || expected < args->below)) {
		err = next_record(&record, &size, scan, args, &at, expected);
		if (err == ENODATA)
			break;
		if (args->recordh)
			err = args->recordh(&record, args->arg);
		expected = record.seq + 1;
		at += size;
		scan->last = record.seq;
		scan->end = at;
	}
	if (err && err != ENODATA)
		return err;
	if (args->below > expected)
		hole(scan, args, expected, args->below - 1);

	return 0;
}
