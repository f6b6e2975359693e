/**
 * @file billingd/journal_record.h  A record of the journal as it is on disk
 *
 *     magic 4  crc 4  length 4  type 2  zero 2  sequence 8  durable 8  time 8
 *     payload  zeros up to the next 8 bytes
 *
 * Little-endian. crc is CRC-32C of all behind it, payload included, zeros
 * not. durable: all up to this sequence was on disk when this one was written.
 * Pure.
 */
#ifndef TANDEM_BILLINGD_JOURNAL_RECORD_H
#define TANDEM_BILLINGD_JOURNAL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "billingd/journal.h"

enum {
	JOURNAL_HEAD = 40,
	JOURNAL_ALIGN = 8,
};

/** Bytes on disk */
size_t journal_record_size(size_t payload);

/** p has journal_record_size() bytes */
void journal_encode(uint8_t *p, const struct journal_record *record,
		    uint64_t durable);

/**
 * Read the record at p
 *
 * @param record  Its payload lies in p
 * @param sizep   Bytes to the next one
 *
 * @return 0 if success, ENODATA if nothing was written here (zeros), EBADMSG
 *         if it is no whole record
 */
int journal_decode(struct journal_record *record, uint64_t *durable,
		   size_t *sizep, const uint8_t *p, size_t len);

/** What a scan of one segment came to */
struct journal_scan {
	uint64_t last;  /**< Last sequence accepted; expected - 1: none */
	size_t end;     /**< Behind the last record accepted */
	uint64_t holes; /**< Damaged places */
};

struct journal_scan_args {
	const uint8_t *p;
	size_t len;
	uint64_t expected; /**< First sequence */
	uint64_t below;    /**< The next segment begins with it; 0: none */
	int (*recordh)(const struct journal_record *record, void *arg);
	void (*damageh)(uint64_t from, uint64_t to, void *arg);
	void *arg; /**< Of both; each may be NULL */
};

/** @return 0 if success, or what recordh returned */
int journal_scan(struct journal_scan *scan,
		 const struct journal_scan_args *args);

#endif
