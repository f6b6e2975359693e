/**
 * @file shared/base/log.h  One event per line, with the context it inherits
 *
 *     log_info(call->log, "call_answered leg=b code=%u pdd_ms=%u", code, pdd);
 *
 * First the event, then key=value fields, checked like printf. The writer
 * escapes whatever the values hold, adds time, process, level and the fields
 * of the context, and writes one JSON object (or one key=value line). Where a
 * field begins is read from the format, never from the values: a caller
 * cannot forge one.
 *
 * A line that cannot be written (disk full, reader stalled) is counted and
 * dropped; logging never fails, and never blocks (of a file, whose disk may be
 * busy: from log_thread_start() on). Repeats of one event for one object are
 * thinned to 10 a minute, with a count.
 */
#ifndef TANDEM_BASE_LOG_H
#define TANDEM_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_INHERIT, /**< Of a context: as the one above */
	LOG_LEVEL_ERROR,   /**< Someone must act */
	LOG_LEVEL_WARN,    /**< We coped, but look */
	LOG_LEVEL_NOTICE,  /**< Life of the daemon */
	LOG_LEVEL_INFO,    /**< One line per outcome */
	LOG_LEVEL_DEBUG,   /**< Everything */
	LOG_LEVELC
};

enum log_format {
	LOG_JSON,
	LOG_TEXT
};

/** A context: one field, and what it inherits. It lives as long as its owner;
 *  the text it points to too. */
struct log {
	const struct log *up; /**< NULL: the process itself */
	const char *key;      /**< E.g. "call", "gateway", "ip" */
	const char *value;
	enum log_level level; /**< LOG_LEVEL_INHERIT: as the one above */
};

#define LOG_FMT(i) __attribute__((format(printf, (i), (i) + 1)))

void log_error(const struct log *log, const char *fmt, ...) LOG_FMT(2);
void log_warn(const struct log *log, const char *fmt, ...) LOG_FMT(2);
void log_notice(const struct log *log, const char *fmt, ...) LOG_FMT(2);
void log_info(const struct log *log, const char *fmt, ...) LOG_FMT(2);
void log_debug(const struct log *log, const char *fmt, ...) LOG_FMT(2);

/** For work done only to be logged */
bool log_enabled(const struct log *log, enum log_level level);

/** What the process writes about, from now on; name is copied */
void log_setup(const char *process, enum log_level level,
	       enum log_format format);
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/** Lines lost since the process started, and lines thinned away */
uint64_t log_dropped(void);
uint64_t log_thinned(void);

const char *log_level_name(enum log_level level);
int log_level_parse(enum log_level *levelp, const char *text);

/**
 * Gather lines of level info and below, to be written together
 *
 * What matters more is written at once, behind what was gathered. A process
 * that is killed loses what it had gathered.
 *
 * @param h Called with the first line: log_flush() is due soon. NULL: write
 *          each line at once, as at first
 */
typedef void(log_gathered_h)(void *arg);
void log_gather(log_gathered_h *h, void *arg);
void log_flush(void);

/** Where lines go; the default writes to descriptor 2 without ever blocking.
 *  For tests; NULL: the default. */
typedef void(log_write_h)(const char *line, size_t len, void *arg);
void log_writer_set(log_write_h *writeh, void *arg);

#endif
