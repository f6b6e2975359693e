/**
 * @file test/fault/manycalls_text.h  As much of SIP as manycalls reads and
 * writes
 *
 * Messages are whole, NUL-ended and of our own switch.
 */
#ifndef TANDEM_TEST_FAULT_MANYCALLS_TEXT_H
#define TANDEM_TEST_FAULT_MANYCALLS_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	BYTES_MAX = 8192
};

/** The value of a header field, to the end of its line; len 0: none */
const char *text_head(const char *m, const char *name, size_t *lenp);
/** A number behind a mark in such a value; UINT32_MAX: none */
uint32_t text_number(const char *m, const char *name, const char *mark);
/** sip:...> of Contact */
void text_target(const char *m, char *dst, size_t size);
/** A response, BYTES_MAX: what it takes over from the request, and more */
void text_respond(char *dst, const char *m, const char *first, const char *tag,
		  const char *more);
/** The end of a message with SDP */
void text_sdp(char *dst, size_t size, const char *contact, const char *address,
	      unsigned port);

#endif
