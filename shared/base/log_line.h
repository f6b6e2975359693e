/**
 * @file shared/base/log_line.h  From event and fields to one line of text
 *
 * Pure: no clock, no descriptor, no allocation.
 */
#ifndef TANDEM_BASE_LOG_LINE_H
#define TANDEM_BASE_LOG_LINE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/log.h"

enum {
	LOG_LINE_MAX = 4096, /**< A pipe takes this much whole or not at all */
	LOG_FIELDS_MAX = 32,
};

/** The second printed last, since the next line is nearly always of the same;
 *  all 0: none was yet */
struct log_second {
	int64_t s;
	char text[20];
};

struct log_line {
	const char *process;
	struct log_second *second;
	enum log_level level;
	enum log_format format;
	int64_t wall_us;
	uint64_t repeated; /**< Like it that were left out before; 0 */
	const struct log *log;
};

/** @return length of the line in dst, with its newline and without a NUL */
size_t log_line_print(char dst[LOG_LINE_MAX], const struct log_line *of,
		      const char *fmt, va_list ap);

#endif
