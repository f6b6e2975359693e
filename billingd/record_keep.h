/**
 * @file billingd/record_keep.h  Records of calls, kept in a file
 *
 * Lines are appended and made durable in groups: all that came within 20 ms,
 * one write, one fdatasync(); only then those who wait are told. A record that
 * comes twice is kept once: the last RECORD_IDS ids are remembered, and read
 * from the file's end at the start. What cannot be written waits and is tried
 * again.
 */
#ifndef TANDEM_BILLINGD_RECORD_KEEP_H
#define TANDEM_BILLINGD_RECORD_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/envelope.pb-c.h"

struct ev;
struct log;
struct record_keep;

enum {
	RECORD_IDS = 100000,
	RECORD_ID_SIZE = 40,     /**< More than an id of ours has, and a NUL */
	RECORD_WAITING = 16384,  /**< Most that wait to be told */
	RECORD_BYTES = 16 << 20, /**< Most that wait to be written */
};

/** It is durable: answer this one */
typedef void(record_kept_h)(const Tandem__Header *hdr, void *arg);

struct record_keep_args {
	struct ev *ev;
	const char *path;
	const struct log *log;
	record_kept_h *kepth;
	void (*failedh)(void *arg); /**< A group could not be written */
	void *arg;
};

/** Opens the file; a last line that a crash cut off is removed */
int record_keep_alloc(struct record_keep **keepp,
		      const struct record_keep_args *args);
/** If the file was moved away (logrotate), go on in a new one of its name
 *  @return 0 if success; otherwise errorcode, and the old one goes on */
int record_keep_reopen(struct record_keep *keep);
/** Writes what waits; nobody is told any more */
struct record_keep *record_keep_free(struct record_keep *keep);

/** Is it kept, or about to be? */
bool record_keep_has(const struct record_keep *keep, const char *id);

/**
 * Keep a line, and tell the asker when it is durable
 *
 * @param line With its newline; copied. NULL: there is nothing to be kept, or
 *             it is there already; the asker is told with the others.
 *
 * @return 0 if success, EMSGSIZE if the id is too long, EEXIST if that id is
 *         kept already, ENOBUFS if too many wait, ENOMEM
 */
int record_keep_put(struct record_keep *keep, const char *id, const char *line,
		    const Tandem__Header *hdr);

#endif
