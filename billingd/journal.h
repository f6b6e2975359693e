/**
 * @file billingd/journal.h  What must not be lost, on disk before it is said
 *
 * Records are appended to segments, files that were filled with zeros before
 * and are named by their first sequence number. What is put in one turn of the
 * loop, and while the disk works on the group before, is one group: one write,
 * one fdatasync(), in a thread of its own; then those who wait are told, in
 * the loop, in the order in which they put. The loop never waits for the disk.
 *
 * At the start everything that is whole is read again and handed to replayh in
 * the order of its sequence numbers. A tail that a crash tore off had not been
 * promised to anybody; it is left where it is, and a new segment is begun.
 * What was found is made durable before anyone may rely on it. A hole below
 * something that a later record says was durable is damage: damageh.
 *
 * A disk that fails to sync is not asked again: failedh, and the process has
 * to end; its successor reads what there is.
 *
 * A segment is removed when nothing in it is needed any more: the records of
 * ended calls are in PostgreSQL (journal_applied()), and all that still live
 * have been written anew by those whose they are (carryh).
 */
#ifndef TANDEM_BILLINGD_JOURNAL_H
#define TANDEM_BILLINGD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev;
struct journal;
struct log;

enum {
	JOURNAL_PAYLOAD_MAX = 256 << 10,
	JOURNAL_SEGMENT = 16 << 20, /**< Bytes, unless args say else */
	JOURNAL_SPARES = 3, /**< Segments kept ready: for what runs when the
			       disk is full; the last one only to make room */
	JOURNAL_FULL_PERCENT = 95,  /**< No new calls */
	JOURNAL_HIGH_PERCENT = 80,  /**< Alarm */
	JOURNAL_WAITING = 64 << 20, /**< Most bytes that wait for the disk */
};

/** Kept in files: numbers are never used again */
enum journal_type {
	JOURNAL_HOLD = 1,    /**< What a call holds back, in all (account) */
	JOURNAL_OPEN = 2,    /**< A call was answered: its record so far */
	JOURNAL_ALIVE = 3,   /**< These calls lived at that time */
	JOURNAL_ENDED = 4,   /**< A call ended: its record, and its charges */
	JOURNAL_APPLIED = 5, /**< All up to that sequence is in PostgreSQL */
	JOURNAL_LEASE = 6,   /**< What this node may spend (account) */
	JOURNAL_CLOSED = 7,  /**< A call ended and leaves no record */
	JOURNAL_SPENT = 8,   /**< What calls of a day cost so far (account) */
	JOURNAL_TYPEC
};

/** A record while its handler runs */
struct journal_record {
	uint64_t seq; /**< 1 and up */
	enum journal_type type;
	int64_t wall_us; /**< When it was put */
	const void *payload;
	size_t len;
};

/** It is on disk. Called from the loop. */
typedef void(journal_durable_h)(uint64_t seq, void *arg);

struct journal_args {
	struct ev *ev;
	const char *dir; /**< Made if it is not there */
	size_t segment;  /**< Bytes of one; 0: JOURNAL_SEGMENT */
	uint64_t limit;  /**< Bytes of all; 0: what the disk has */
	const struct log *log;

	/** Each record, from journal_alloc(); an error ends it */
	int (*replayh)(const struct journal_record *record, void *arg);
	/** Records from..to are not readable though they had been durable */
	void (*damageh)(uint64_t from, uint64_t to, void *arg);
	/** Whatever you put with a sequence below this and still need: put it
	 *  again. @return 0, or an error: the segment stays for now */
	int (*carryh)(uint64_t below, void *arg);
	/** The disk cannot be trusted: end the process. NULL: abort() */
	void (*failedh)(int err, void *arg);
	/** journal_is_full() or journal_is_high() changed */
	void (*roomh)(void *arg);
	void *arg;
};

/** Reads all there is, and begins a new segment.
 *  @return 0 if success, otherwise errorcode */
int journal_alloc(struct journal **journalp, const struct journal_args *args);

/** What was put is written before it returns; nobody is told any more. Accepts
 *  NULL, returns NULL */
struct journal *journal_free(struct journal *journal);

/**
 * Append a record
 *
 * What begins a new call asks journal_is_full() before; what is put here is
 * written even then, as long as there is room at all. Its sequence number is
 * journal_last() then.
 *
 * @param payload Copied
 * @param h       Called when it is durable, never from in here; NULL: nobody
 *                waits
 *
 * @return 0 if success, EMSGSIZE, ENOMEM, ENOBUFS if too much waits
 */
int journal_put(struct journal *journal, enum journal_type type,
		const void *payload, size_t len, journal_durable_h *h,
		void *arg);

/** Tell h when all that was put before is durable: for a question that is
 *  repeated. @return as journal_put() */
int journal_wait(struct journal *journal, journal_durable_h *h, void *arg);

/** New calls are refused: the disk, or the limit, is used to 95 % */
bool journal_is_full(const struct journal *journal);
/** ... to 80 % */
bool journal_is_high(const struct journal *journal);

/** Sequence of the last record that was put; 0: none */
uint64_t journal_last(const struct journal *journal);

/** Nothing up to and with this sequence is needed for PostgreSQL any more;
 *  segments whose rest is not needed either are removed. Kept in memory only.
 */
void journal_applied(struct journal *journal, uint64_t seq);

/** Reads what is durable, in order, beside what is put. Closed before the
 *  journal. */
struct journal_reader;
/** From the first record behind this one */
int journal_reader_alloc(struct journal_reader **readerp,
			 struct journal *journal, uint64_t behind);
struct journal_reader *journal_reader_free(struct journal_reader *reader);
/** The next one, good until the next call.
 *  @return 0 if success, EAGAIN: no more is durable now; otherwise errorcode */
int journal_read(struct journal_reader *reader, struct journal_record *record);

struct journal_stats {
	uint64_t first, last, durable; /**< Sequences */
	uint64_t bytes;                /**< Of all files */
	uint64_t commits, records;     /**< Since the start */
	size_t segments;
	uint32_t used_percent; /**< Of the disk, or of the limit */
};
struct journal_stats journal_stats(const struct journal *journal);

/** Of this journal, from its first start on: sequences count within it */
const char *journal_id(const struct journal *journal);

#endif
