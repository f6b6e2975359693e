/**
 * @file sipd/trace_parts.h  What the files of trace share
 *
 * Nobody else includes this, tests aside.
 *
 *     trace.c         traces and what they keep
 *     trace_fit.c     what belongs into a trace
 *     trace_mask.c    secrets
 *     trace_pcap.c    a file for Wireshark
 *     trace_cmd.c     what operators ask
 *     trace_row.c     what they are shown
 */
#ifndef TANDEM_SIPD_TRACE_PARTS_H
#define TANDEM_SIPD_TRACE_PARTS_H

#include "sipd/peek.h"
#include "sipd/trace.h"

enum {
	TRACES_MAX = 16,
	TRACE_BYTES_MAX = 64 << 20,
	TRACE_CHUNK = 256 << 10, /**< Memory is taken in these */
	TRACE_CHUNKS_MAX = TRACE_BYTES_MAX / TRACE_CHUNK,
	TRACE_ADDRS_MAX = 64,
	TRACE_WORD_MAX = 128, /**< A name or number of a filter */
	TRACE_CALL_ID_MAX = 256,
	TRACE_SECONDS = 600,
	TRACE_SECONDS_MAX = 86400,
};

/** What is kept; everything that is not said fits */
struct trace_filter {
	bool is_registration;
	struct prefix ip; /**< Of either end; family 0: any */
	char gateway[TRACE_WORD_MAX], phone[TRACE_WORD_MAX];
	struct addr gateway_addrs[TRACE_ADDRS_MAX];
	size_t gateway_addrc;
	struct addr phone_addrs[TRACE_ADDRS_MAX];
	size_t phone_addrc;
	char number[TRACE_WORD_MAX]; /**< * at its end for any rest */
	char call_id[TRACE_CALL_ID_MAX];
	char method[32];
};

enum trace_state {
	TRACE_NONE,
	TRACE_RUNNING,
	TRACE_STOPPED,  /**< By an operator */
	TRACE_OVER,     /**< Its time was */
	TRACE_FULL,     /**< 64 MB */
	TRACE_NO_MEMORY /**< The system had none to give */
};

/** A message that is kept; its bytes follow, and the next record behind
 *  them */
struct trace_record {
	int64_t wall_us;
	struct addr local, remote;
	uint32_t len;
	uint8_t transport, direction;
	uint16_t pad;
};

struct trace_chunk {
	uint64_t first; /**< Number of its first record */
	size_t used;
	_Alignas(8) char data[TRACE_CHUNK];
};

struct trace_one {
	uint32_t id;
	enum trace_state state;
	char operator_name[64];
	struct trace_filter filter;
	int64_t since_us; /**< Wall time */
	int64_t until_us; /**< Monotonic */
	uint64_t records;
	uint64_t bytes; /**< Of messages */
	struct trace_chunk *chunks[TRACE_CHUNKS_MAX];
	size_t chunkc;
};

struct trace {
	uint32_t running;
	uint32_t last_id;
	struct trace_one *ones[TRACES_MAX]; /**< Oldest first */
	size_t onec;
	trace_resolve_h *resolveh;
	void *resolve_arg;
};

/** Where reading has come to */
struct trace_cursor {
	const struct trace_one *one;
	size_t chunk, at;
	uint64_t number; /**< Of the record that comes next */
};

/* trace.c */
/** The oldest that has ended makes room
 *  @param id 0: a new one; else the one it has with other workers: what has
 *            it here is of a time before one of them began anew, and goes
 *  @return 0, ENOSPC: 16 are running, ENOMEM */
int trace_add(struct trace *trace, struct trace_one **onep,
	      const struct trace_filter *filter, uint32_t seconds,
	      uint32_t id);
struct trace_one *trace_find(struct trace *trace, uint32_t id);
/** Those whose time is over are ended */
void trace_expire(struct trace *trace);
void trace_end(struct trace *trace, struct trace_one *one,
	       enum trace_state state);
/** With all it holds */
void trace_remove(struct trace *trace, struct trace_one *one);

/** Before the record of that number */
void trace_seek(struct trace_cursor *cursor, const struct trace_one *one,
		uint64_t number);
/** @return the next record, its bytes in datap; NULL: there are no more */
const struct trace_record *trace_next(struct trace_cursor *cursor,
				      struct text *datap);

/* trace_fit.c */
bool trace_fits(const struct trace_filter *filter, const struct peek *peek,
		const struct addr *local, const struct addr *remote);

/* trace_pcap.c */
enum {
	TRACE_PCAP_HEAD = 24,
	TRACE_PCAP_RECORD = 16 + 40 + 8, /**< Most that is put before a
					  *   message */
};
void trace_pcap_head(uint8_t dst[TRACE_PCAP_HEAD]);
/** @return bytes written, at most TRACE_PCAP_RECORD and those of data */
size_t trace_pcap_record(uint8_t *dst, const struct trace_record *record,
			 struct text data);

/* trace_row.c */
const char *trace_state_name(enum trace_state state);
/** What trace list says of one; NULL: no memory */
json_t *trace_row_of(const struct trace_one *one);
/** What trace show says of a message; NULL: no memory */
json_t *trace_row(const struct trace_record *record, struct text data);
/** For people; malloc()ed, NULL: no memory */
char *trace_text(const struct trace_record *record, struct text data,
		 size_t *lenp);

#endif
