/**
 * @file shared/base/log_value.h  What stands in a line of log, and its bounds
 *
 * Pure, as log_line.h: its two parts are told apart for the reader's sake.
 */
#ifndef TANDEM_BASE_LOG_VALUE_H
#define TANDEM_BASE_LOG_VALUE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/log.h"
#include "shared/base/text.h"

struct log_out {
	char *p;
	size_t l;
	size_t end;    /**< Nothing is put beyond it but what closes a value */
	bool cut;      /**< Something did not fit */
	bool is_plain; /**< So far this value needs no quotes in a text line */
	enum log_format format;
};

/** A format, and the arguments of what is left of it */
struct log_walk {
	const char *at;
	va_list ap;
};

/** All of it or nothing; false: nothing */
bool log_put(struct log_out *out, const char *p, size_t l);

/** Text of anybody, or what of it fits: what is not printable becomes "_" */
void log_put_escaped(struct log_out *out, struct text t);
void log_put_unsigned(struct log_out *out, uintmax_t v);

/** The conversion that begins here; one that is unknown, and all behind it,
 *  is text. */
void log_put_conversion(struct log_out *out, struct log_walk *w);

/** A conversion begins here, and prints nothing but a decimal number
 *  @return behind it, or NULL */
const char *log_number_end(const char *p);

#endif
