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
#include "shared/base/log_int.h"
#include "shared/base/log_line.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"

enum {
	THIN_SETS = 16,
	THIN_WAYS = 16, /**< Rows of a set, for keys that fall on the same */
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
	log_put_h *puth;           /**< Of the thread that writes; NULL */
	log_gathered_h *gatheredh; /**< NULL: nothing is gathered */
	void *gathered_arg;
	size_t gatheredl;
	uint32_t gatheredc;
	char gathered[LOG_LINE_MAX];
	uint64_t dropped;
	uint64_t thinned;
	struct log_second second;
	struct thin thin[THIN_SETS][THIN_WAYS];
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
	log_flush();
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

	/* Each with its end, so that "ab" of "c" is not "a" of "bc" */
	hash = mix(hash, "", 1);
	if (log && log->key)
		hash = mix(hash, log->key, strlen(log->key) + 1);
	if (log && log->value)
		hash = mix(hash, log->value, strlen(log->value) + 1);

	/* The last letters are where names differ, and have reached the lower
	 * half alone. */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;

	return hash | 1;
}


static bool thin_over(const struct thin *row, int64_t now_us)
{
	return row->key == 0 || now_us < row->since_us ||
	       now_us - row->since_us >= THIN_WINDOW_US;
}


/* The row of this key; else one that nobody needs any more, else the one that
 * needs it least. Two that repeat at once do not push each other out and pass
 * unthinned for it. */
static struct thin *thin_row(uint64_t key, int64_t now_us)
{
	struct thin *set = state.thin[(key >> 32) % THIN_SETS];
	struct thin *row = &set[0];

	for (size_t i = 0; i < THIN_WAYS; i++)
		if (set[i].key == key)
			return &set[i];

	for (size_t i = 1; i < THIN_WAYS && !thin_over(row, now_us); i++)
		if (thin_over(&set[i], now_us) ||
		    set[i].written < row->written)
			row = &set[i];

	return row;
}


/* @return false if this line is one too many; *repeatedp is how many were
 *         left out before it */
static bool thin_pass(uint64_t key, int64_t now_us, uint64_t *repeatedp)
{
	struct thin *row = thin_row(key, now_us);

	*repeatedp = 0;
	if (row->key != key || thin_over(row, now_us)) {
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

	/* Without a reader a pipe would answer with a signal. */
	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT) ||
	    pfd.revents & (POLLERR | POLLHUP | POLLNVAL))
		return false;

	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}


void log_count_dropped(uint32_t lines)
{
	state.dropped += lines;
	metric_add(M_LOG_DROPPED, lines);
}


void log_put_set(log_put_h *puth)
{
	log_flush();
	state.puth = puth;
}


static bool put_out(const char *text, size_t len)
{
	return state.puth ? state.puth(text, len) : write_stderr(text, len);
}


static void put(const char *text, size_t len, uint32_t lines)
{
	if (state.writeh) {
		state.writeh(text, len, state.arg);
	}
	else if (!put_out(text, len)) {
		log_count_dropped(lines);
	}
}


void log_flush(void)
{
	if (state.gatheredl > 0)
		put(state.gathered, state.gatheredl, state.gatheredc);
	state.gatheredl = 0;
	state.gatheredc = 0;
}


void log_gather(log_gathered_h *h, void *arg)
{
	log_flush();
	state.gatheredh = h;
	state.gathered_arg = arg;
}


static void gather(const char *text, size_t len)
{
	if (state.gatheredl + len > sizeof(state.gathered))
		log_flush();
	if (state.gatheredl == 0)
		state.gatheredh(state.gathered_arg);
	memcpy(state.gathered + state.gatheredl, text, len);
	state.gatheredl += len;
	state.gatheredc++;
}


static void vlog(const struct log *log, enum log_level level, const char *fmt,
		 va_list ap)
{
	const int saved = errno;
	struct log_line line = {
		.process = state.process,
		.second = &state.second,
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
	if (state.gatheredh && level >= LOG_LEVEL_INFO) {
		gather(text, len);
	}
	else {
		log_flush();
		put(text, len, 1);
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
