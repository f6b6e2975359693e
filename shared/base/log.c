/**
 * @file shared/base/log.c  One event per line, with the context it inherits
 *
 * Level, name and writer of the process are writable state outside of any
 * object (rule zero): a line can be written from everywhere, and there is one
 * descriptor 2. Nothing here allocates, blocks or fails.
 *
 * Diagnostics: tandem_log_dropped_total, tandem_log_thinned_total.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log_line.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"

enum {
	THIN_ROWS = 256,
	THIN_MOST = 10, /**< Lines of one event and object in a window */
	THIN_WINDOW_US = 60 * 1000000,
};

/** Lines of one event for one object, lately */
struct thin {
	uint64_t key; /**< 0: none */
	int64_t since_us;
	uint32_t written;
	uint32_t left_out;
};

static struct {
	char process[32];
	enum log_level level;
	enum log_format format;
	log_write_h *writeh;
	void *arg;
	uint64_t dropped;
	uint64_t thinned;
	struct thin thin[THIN_ROWS];
} state = { .process = "?", .level = LOG_LEVEL_INFO };

static const char *const level_names[LOG_LEVELC] = {
	[LOG_LEVEL_INHERIT] = "inherit", [LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",       [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",       [LOG_LEVEL_DEBUG] = "debug",
};


void log_setup(const char *process, enum log_level level,
	       enum log_format format)
{
	(void)text_print(state.process, sizeof(state.process), "%s", process);
	state.format = format;
	log_level_set(level);
}


void log_level_set(enum log_level level)
{
	if (level > LOG_LEVEL_INHERIT && level < LOG_LEVELC)
		state.level = level;
}


enum log_level log_level_get(void)
{
	return state.level;
}


uint64_t log_dropped(void)
{
	return state.dropped;
}


uint64_t log_thinned(void)
{
	return state.thinned;
}


const char *log_level_name(enum log_level level)
{
	return level > LOG_LEVEL_INHERIT && level < LOG_LEVELC
		       ? level_names[level]
		       : "?";
}


int log_level_parse(enum log_level *levelp, const char *text)
{
	for (int i = LOG_LEVEL_ERROR; i < LOG_LEVELC; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*levelp = (enum log_level)i;
			return 0;
		}
	}

	return EBADMSG;
}


void log_writer_set(log_write_h *writeh, void *arg)
{
	state.writeh = writeh;
	state.arg = arg;
	memset(state.thin, 0, sizeof(state.thin));
}


bool log_enabled(const struct log *log, enum log_level level)
{
	for (; log; log = log->up)
		if (log->level != LOG_LEVEL_INHERIT)
			return level <= log->level;

	return level <= state.level;
}


/* FNV-1a: nobody gains by a collision here, at worst lines are thinned. */
static uint64_t mix(uint64_t hash, const char *p, size_t l)
{
	for (size_t i = 0; i < l; i++)
		hash = (hash ^ (uint8_t)p[i]) * 0x100000001b3u;

	return hash;
}


/* The event and the object it is about: the innermost field. */
static uint64_t thin_key(const struct log *log, const char *fmt)
{
	uint64_t hash = mix(0xcbf29ce484222325u, fmt, strcspn(fmt, " "));

	if (log && log->value)
		hash = mix(hash, log->value, strlen(log->value));

	return hash | 1;
}


/* @return false if this line is one too many; *repeatedp is how many were
 *         left out before it */
static bool thin_pass(uint64_t key, int64_t now_us, uint64_t *repeatedp)
{
	struct thin *row = &state.thin[key / 2 % THIN_ROWS];

	*repeatedp = 0;
	if (row->key != key || now_us - row->since_us >= THIN_WINDOW_US ||
	    now_us < row->since_us) {
		if (row->key == key)
			*repeatedp = row->left_out;
		*row = (struct thin){ .key = key, .since_us = now_us };
	}
	if (row->written < THIN_MOST) {
		row->written++;
		return true;
	}
	row->left_out++;

	return false;
}


/* A pipe that reports room takes LOG_LINE_MAX bytes without blocking. */
static bool write_stderr(const char *line, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;

	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}


static void vlog(const struct log *log, enum log_level level, const char *fmt,
		 va_list ap)
{
	const int saved = errno;
	struct log_line line = {
		.process = state.process,
		.level = level,
		.format = state.format,
		.wall_us = clk_wall_us(),
		.log = log,
	};
	char text[LOG_LINE_MAX];
	size_t len;

	if (level < LOG_LEVEL_DEBUG &&
	    !thin_pass(thin_key(log, fmt), clk_mono_us(), &line.repeated)) {
		state.thinned++;
		metric_inc(M_LOG_THINNED);
		return;
	}

	len = log_line_print(text, &line, fmt, ap);
	if (state.writeh) {
		state.writeh(text, len, state.arg);
	}
	else if (!write_stderr(text, len)) {
		state.dropped++;
		metric_inc(M_LOG_DROPPED);
	}
	errno = saved;
}


/* The five are alike but for their level; a macro would hide the check of
 * the format from the compiler. */
void log_error(const struct log *log, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(log, LOG_LEVEL_ERROR))
		return;
	va_start(ap, fmt);
	vlog(log, LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}


void log_warn(const struct log *log, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(log, LOG_LEVEL_WARN))
		return;
	va_start(ap, fmt);
	vlog(log, LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}


void log_notice(const struct log *log, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(log, LOG_LEVEL_NOTICE))
		return;
	va_start(ap, fmt);
	vlog(log, LOG_LEVEL_NOTICE, fmt, ap);
	va_end(ap);
}


void log_info(const struct log *log, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(log, LOG_LEVEL_INFO))
		return;
	va_start(ap, fmt);
	vlog(log, LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}


void log_debug(const struct log *log, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(log, LOG_LEVEL_DEBUG))
		return;
	va_start(ap, fmt);
	vlog(log, LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
