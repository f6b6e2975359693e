/**
 * @file sipd/compose.c  A message, put together in a buffer
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/compose.h"


void compose_init(struct compose *c, char *buf, size_t size)
{
	*c = (struct compose){ .size = size };
	c->p = buf;
}


void compose_bytes(struct compose *c, const void *p, size_t len)
{
	if (c->is_full || len > c->size - c->len) {
		c->is_full = true;
		return;
	}
	if (len > 0)
		memcpy(c->p + c->len, p, len);
	c->len += len;
}


/* CR and LF end a header, NUL ends what others take for text. */
static bool is_forging(char c)
{
	return c == '\r' || c == '\n' || c == '\0';
}


void compose_text(struct compose *c, struct text t)
{
	size_t start = 0;

	for (size_t i = text_plain(t); i < t.l; i++) {
		if (!is_forging(t.p[i]))
			continue;
		compose_bytes(c, t.p + start, i - start);
		start = i + 1;
	}
	if (start < t.l)
		compose_bytes(c, t.p + start, t.l - start);
}


void compose_quoted(struct compose *c, struct text t)
{
	for (size_t i = 0; i < t.l; i++) {
		if (is_forging(t.p[i]))
			continue;
		if (t.p[i] == '"' || t.p[i] == '\\')
			compose_put(c, "\\");
		compose_bytes(c, t.p + i, 1);
	}
}


/* unreserved and user-unreserved, RFC 3261 25.1 */
static bool is_user_char(char c)
{
	static const char marks[] = "-_.!~*'()&=+$,;?/";

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c != '\0' && strchr(marks, c));
}


void compose_user(struct compose *c, struct text t)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < t.l; i++) {
		const uint8_t byte = (uint8_t)t.p[i];
		const char escaped[3] = { '%', digits[byte >> 4],
					  digits[byte & 15] };

		if (is_user_char(t.p[i]))
			compose_bytes(c, t.p + i, 1);
		else
			compose_bytes(c, escaped, sizeof(escaped));
	}
}


void compose_number(struct compose *c, uint64_t n)
{
	char text[TEXT_DECIMAL_MAX];

	compose_bytes(c, text, text_decimal(text, n));
}


void compose_head(struct compose *c, const char *name, struct text value)
{
	if (value.l == 0)
		return;

	compose_put(c, name);
	compose_put(c, ": ");
	compose_text(c, value);
	compose_put(c, "\r\n");
}


void compose_body(struct compose *c, const char *type, struct text body)
{
	if (body.l > 0)
		compose_head(c, "Content-Type", text_of(type));
	compose_put(c, "Content-Length: ");
	compose_number(c, body.l);
	compose_put(c, "\r\n\r\n");
	compose_bytes(c, body.p, body.l);
}


struct text compose_result(const struct compose *c)
{
	return (struct text){ .p = c->p, .l = c->len };
}


/* --- phrases -------------------------------------------------------------- */

/* The usual ones first: they are sent for every call. */
static const struct phrase {
	uint16_t code;
	const char *text;
} phrases[] = {
	{ 100, "Trying" },
	{ 200, "OK" },
	{ 180, "Ringing" },
	{ 183, "Session Progress" },
	{ 401, "Unauthorized" },
	{ 407, "Proxy Authentication Required" },
	{ 503, "Service Unavailable" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 486, "Busy Here" },
	{ 487, "Request Terminated" },
	{ 181, "Call Is Being Forwarded" },
	{ 182, "Queued" },
	{ 199, "Early Dialog Terminated" },
	{ 202, "Accepted" },
	{ 204, "No Notification" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Moved Temporarily" },
	{ 305, "Use Proxy" },
	{ 380, "Alternative Service" },
	{ 400, "Bad Request" },
	{ 402, "Payment Required" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 410, "Gone" },
	{ 412, "Conditional Request Failed" },
	{ 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" },
	{ 417, "Unknown Resource-Priority" },
	{ 420, "Bad Extension" },
	{ 421, "Extension Required" },
	{ 422, "Session Interval Too Small" },
	{ 423, "Interval Too Brief" },
	{ 424, "Bad Location Information" },
	{ 428, "Use Identity Header" },
	{ 429, "Provide Referrer Identity" },
	{ 430, "Flow Failed" },
	{ 433, "Anonymity Disallowed" },
	{ 436, "Bad Identity Info" },
	{ 437, "Unsupported Credential" },
	{ 438, "Invalid Identity Header" },
	{ 439, "First Hop Lacks Outbound Support" },
	{ 440, "Max-Breadth Exceeded" },
	{ 469, "Bad Info Package" },
	{ 470, "Consent Needed" },
	{ 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" },
	{ 482, "Loop Detected" },
	{ 483, "Too Many Hops" },
	{ 484, "Address Incomplete" },
	{ 485, "Ambiguous" },
	{ 488, "Not Acceptable Here" },
	{ 489, "Bad Event" },
	{ 491, "Request Pending" },
	{ 493, "Undecipherable" },
	{ 494, "Security Agreement Required" },
	{ 500, "Server Internal Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 504, "Server Time-out" },
	{ 505, "Version Not Supported" },
	{ 513, "Message Too Large" },
	{ 580, "Precondition Failure" },
	{ 600, "Busy Everywhere" },
	{ 603, "Decline" },
	{ 604, "Does Not Exist Anywhere" },
	{ 606, "Not Acceptable" },
	{ 607, "Unwanted" },
	{ 608, "Rejected" },
};

static const char *const classes[] = {
	[1] = "Session Progress", [2] = "OK",
	[3] = "Redirection",      [4] = "Request Failure",
	[5] = "Server Failure",   [6] = "Global Failure",
};


const char *reason_phrase(unsigned code)
{
	for (size_t i = 0; i < COUNT_OF(phrases); i++)
		if (phrases[i].code == code)
			return phrases[i].text;

	if (code < 100 || code / 100 >= COUNT_OF(classes))
		return "Unknown";

	return classes[code / 100];
}
