/**
 * @file sipd/wire_refuse.h  503 without a parser
 *
 * For requests that come while there is no time to look at them. Pure and
 * stateless: the same request has the same answer, and the ACK to it is a
 * stray one that nobody answers.
 */
#ifndef TANDEM_SIPD_WIRE_REFUSE_H
#define TANDEM_SIPD_WIRE_REFUSE_H

#include <stddef.h>

enum {
	WIRE_REFUSE_MAX = 4096 /**< A longer answer is not given */
};

/**
 * Print a 503 from the request's own lines
 *
 * @param retry_s Retry-After
 *
 * @return its bytes, or 0: a response, an ACK, no request, or one whose lines
 *         cannot be copied; nothing is answered
 */
size_t wire_refuse_print(char dst[WIRE_REFUSE_MAX], const char *data,
			 size_t len, unsigned retry_s);

#endif
