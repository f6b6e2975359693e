/**
 * @file test/fault/manycalls_text.c  As much of SIP as manycalls reads and
 * writes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "test/fault/manycalls_text.h"


/* The value of a header field, to the end of its line; len 0: none */
const char *text_head(const char *m, const char *name, size_t *lenp)
{
	const size_t n = strlen(name);

	*lenp = 0;
	for (m = strstr(m, "\r\n"); m && m[2] != '\r';
	     m = strstr(m + 2, "\r\n")) {
		const char *end = strstr(m + 2, "\r\n");

		if (!end)
			return NULL;
		if (strncasecmp(m + 2, name, n) != 0 || m[2 + n] != ':')
			continue;
		m += 3 + n;
		m += strspn(m, " ");
		*lenp = (size_t)(end - m);
		return m;
	}

	return NULL;
}


/* A number behind a mark in the value of a header field; UINT32_MAX: none */
uint32_t text_number(const char *m, const char *name, const char *mark)
{
	size_t len;
	const char *p = text_head(m, name, &len), *at;

	if (!p)
		return UINT32_MAX;
	at = strstr(p, mark);
	if (!at || at >= p + len)
		return UINT32_MAX;

	return (uint32_t)strtoul(at + strlen(mark), NULL, 10);
}


/* sip:...> of Contact */
void text_target(const char *m, char *dst, size_t size)
{
	size_t len;
	const char *p = text_head(m, "Contact", &len), *end;

	dst[0] = '\0';
	p = p ? strstr(p, "sip:") : NULL;
	end = p ? strpbrk(p, ">\r") : NULL;
	if (end && (size_t)(end - p) < size)
		(void)snprintf(dst, size, "%.*s", (int)(end - p), p);
}


/* A response: what it takes over from the request, and more. */
void text_respond(char *dst, const char *m, const char *first, const char *tag,
		  const char *more)
{
	static const char *const names[] = { "Via", "From", "To", "Call-ID",
					     "CSeq" };
	size_t n = (size_t)snprintf(dst, BYTES_MAX, "SIP/2.0 %s\r\n", first);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
		size_t len;
		const char *p = text_head(m, names[i], &len);

		if (!p || n + len > BYTES_MAX - 1024)
			continue;
		n += (size_t)snprintf(dst + n, BYTES_MAX - n, "%s: %.*s%s\r\n",
				      names[i], (int)len, p,
				      i == 2 ? tag : "");
	}
	(void)snprintf(dst + n, BYTES_MAX - n, "%s",
		       more ? more : "Content-Length: 0\r\n\r\n");
}


void text_sdp(char *dst, size_t size, const char *contact, const char *address,
	      unsigned port)
{
	char body[256];
	const int len = snprintf(body, sizeof(body),
				 "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\n"
				 "c=IN IP4 %s\r\nt=0 0\r\n"
				 "m=audio %u RTP/AVP 0\r\n"
				 "a=rtpmap:0 PCMU/8000\r\n",
				 address, address, port);

	(void)snprintf(dst, size,
		       "Contact: <sip:%s>\r\nContent-Type: application/sdp\r\n"
		       "Content-Length: %d\r\n\r\n%s",
		       contact, len, body);
}
