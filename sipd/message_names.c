/**
 * @file sipd/message_names.c  Names of headers and methods
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/message_parts.h"

enum {
	NAME_MAX = 20, /**< Longest header name below */
	LETTERS = 26
};

/** Names of one length that begin with the same letter are a chain. */
static const struct head_def {
	const char *name;
	enum head also; /**< Length and first letter are the same */
} heads[HEADC] = {
	[HEAD_OTHER] = { "", HEAD_OTHER },
	[HEAD_ALLOW] = { "Allow", HEAD_OTHER },
	[HEAD_AUTHORIZATION] = { "Authorization", HEAD_OTHER },
	[HEAD_CALL_ID] = { "Call-ID", HEAD_CONTACT },
	[HEAD_CONTACT] = { "Contact", HEAD_OTHER },
	[HEAD_CONTENT_ENCODING] = { "Content-Encoding", HEAD_OTHER },
	[HEAD_CONTENT_LENGTH] = { "Content-Length", HEAD_OTHER },
	[HEAD_CONTENT_TYPE] = { "Content-Type", HEAD_OTHER },
	[HEAD_CSEQ] = { "CSeq", HEAD_OTHER },
	[HEAD_DIVERSION] = { "Diversion", HEAD_OTHER },
	[HEAD_EXPIRES] = { "Expires", HEAD_OTHER },
	[HEAD_FROM] = { "From", HEAD_OTHER },
	[HEAD_MAX_FORWARDS] = { "Max-Forwards", HEAD_OTHER },
	[HEAD_MIN_EXPIRES] = { "Min-Expires", HEAD_OTHER },
	[HEAD_MIN_SE] = { "Min-SE", HEAD_OTHER },
	[HEAD_PATH] = { "Path", HEAD_OTHER },
	[HEAD_P_ASSERTED_IDENTITY] = { "P-Asserted-Identity",
				       HEAD_PROXY_AUTHORIZATION },
	[HEAD_P_PREFERRED_IDENTITY] = { "P-Preferred-Identity", HEAD_OTHER },
	[HEAD_PRIVACY] = { "Privacy", HEAD_OTHER },
	[HEAD_PROXY_AUTHENTICATE] = { "Proxy-Authenticate", HEAD_OTHER },
	[HEAD_PROXY_AUTHORIZATION] = { "Proxy-Authorization", HEAD_OTHER },
	[HEAD_PROXY_REQUIRE] = { "Proxy-Require", HEAD_OTHER },
	[HEAD_RACK] = { "RAck", HEAD_RSEQ },
	[HEAD_REASON] = { "Reason", HEAD_OTHER },
	[HEAD_RECORD_ROUTE] = { "Record-Route", HEAD_OTHER },
	[HEAD_REMOTE_PARTY_ID] = { "Remote-Party-ID", HEAD_OTHER },
	[HEAD_REQUIRE] = { "Require", HEAD_OTHER },
	[HEAD_RETRY_AFTER] = { "Retry-After", HEAD_OTHER },
	[HEAD_ROUTE] = { "Route", HEAD_OTHER },
	[HEAD_RSEQ] = { "RSeq", HEAD_OTHER },
	[HEAD_SESSION_EXPIRES] = { "Session-Expires", HEAD_OTHER },
	[HEAD_SUPPORTED] = { "Supported", HEAD_OTHER },
	[HEAD_TO] = { "To", HEAD_OTHER },
	[HEAD_UNSUPPORTED] = { "Unsupported", HEAD_OTHER },
	[HEAD_USER_AGENT] = { "User-Agent", HEAD_OTHER },
	[HEAD_VIA] = { "Via", HEAD_OTHER },
	[HEAD_WWW_AUTHENTICATE] = { "WWW-Authenticate", HEAD_OTHER },
};

#define AT(len, letter) [len][(letter) - 'a']

/** First of its chain by length and letter; length 1 are the compact names */
static const uint8_t shapes[NAME_MAX + 1][LETTERS] = {
	AT(1, 'c') = HEAD_CONTENT_TYPE,
	AT(1, 'e') = HEAD_CONTENT_ENCODING,
	AT(1, 'f') = HEAD_FROM,
	AT(1, 'i') = HEAD_CALL_ID,
	AT(1, 'k') = HEAD_SUPPORTED,
	AT(1, 'l') = HEAD_CONTENT_LENGTH,
	AT(1, 'm') = HEAD_CONTACT,
	AT(1, 't') = HEAD_TO,
	AT(1, 'v') = HEAD_VIA,
	AT(1, 'x') = HEAD_SESSION_EXPIRES,
	AT(2, 't') = HEAD_TO,
	AT(3, 'v') = HEAD_VIA,
	AT(4, 'c') = HEAD_CSEQ,
	AT(4, 'f') = HEAD_FROM,
	AT(4, 'p') = HEAD_PATH,
	AT(4, 'r') = HEAD_RACK,
	AT(5, 'a') = HEAD_ALLOW,
	AT(5, 'r') = HEAD_ROUTE,
	AT(6, 'm') = HEAD_MIN_SE,
	AT(6, 'r') = HEAD_REASON,
	AT(7, 'c') = HEAD_CALL_ID,
	AT(7, 'e') = HEAD_EXPIRES,
	AT(7, 'p') = HEAD_PRIVACY,
	AT(7, 'r') = HEAD_REQUIRE,
	AT(9, 'd') = HEAD_DIVERSION,
	AT(9, 's') = HEAD_SUPPORTED,
	AT(10, 'u') = HEAD_USER_AGENT,
	AT(11, 'm') = HEAD_MIN_EXPIRES,
	AT(11, 'r') = HEAD_RETRY_AFTER,
	AT(11, 'u') = HEAD_UNSUPPORTED,
	AT(12, 'c') = HEAD_CONTENT_TYPE,
	AT(12, 'm') = HEAD_MAX_FORWARDS,
	AT(12, 'r') = HEAD_RECORD_ROUTE,
	AT(13, 'a') = HEAD_AUTHORIZATION,
	AT(13, 'p') = HEAD_PROXY_REQUIRE,
	AT(14, 'c') = HEAD_CONTENT_LENGTH,
	AT(15, 'r') = HEAD_REMOTE_PARTY_ID,
	AT(15, 's') = HEAD_SESSION_EXPIRES,
	AT(16, 'c') = HEAD_CONTENT_ENCODING,
	AT(16, 'w') = HEAD_WWW_AUTHENTICATE,
	AT(18, 'p') = HEAD_PROXY_AUTHENTICATE,
	AT(19, 'p') = HEAD_P_ASSERTED_IDENTITY,
	AT(20, 'p') = HEAD_P_PREFERRED_IDENTITY,
};


/* Of letters and '-' only the other case differs by 0x20, but for CR, which is
 * in no token. */
static uint64_t lower8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));

	return x | 0x2020202020202020U;
}


static uint32_t lower4(const char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));

	return x | 0x20202020U;
}


/* Words at once; the last one may overlap the one before. */
static bool is_same(struct text name, const char *known)
{
	const size_t l = name.l;

	if (l < 4) {
		for (size_t i = 0; i < l; i++)
			if ((name.p[i] | 0x20) != (known[i] | 0x20))
				return false;
		return true;
	}
	if (l < 8)
		return lower4(name.p) == lower4(known) &&
		       lower4(name.p + l - 4) == lower4(known + l - 4);
	for (size_t i = 0; i + 8 < l; i += 8)
		if (lower8(name.p + i) != lower8(known + i))
			return false;

	return lower8(name.p + l - 8) == lower8(known + l - 8);
}


enum head message_head_find(struct text name)
{
	const unsigned letter = (unsigned)((uint8_t)name.p[0] | 0x20) - 'a';
	enum head head;

	if (name.l >= COUNT_OF(shapes) || letter >= LETTERS)
		return HEAD_OTHER;

	head = (enum head)shapes[name.l][letter];
	if (name.l == 1)
		return head;
	while (head != HEAD_OTHER && !is_same(name, heads[head].name))
		head = heads[head].also;

	return head;
}


const char *message_head_name(enum head head)
{
	return heads[head].name;
}


/* --- methods -------------------------------------------------------------- */

const char *const method_names[METHODC] = {
	[METHOD_OTHER] = "other",       [METHOD_INVITE] = "INVITE",
	[METHOD_ACK] = "ACK",           [METHOD_CANCEL] = "CANCEL",
	[METHOD_BYE] = "BYE",           [METHOD_OPTIONS] = "OPTIONS",
	[METHOD_REGISTER] = "REGISTER", [METHOD_PRACK] = "PRACK",
	[METHOD_UPDATE] = "UPDATE",     [METHOD_INFO] = "INFO",
	[METHOD_REFER] = "REFER",       [METHOD_SUBSCRIBE] = "SUBSCRIBE",
	[METHOD_NOTIFY] = "NOTIFY",     [METHOD_MESSAGE] = "MESSAGE",
	[METHOD_PUBLISH] = "PUBLISH",
};


/* Their case counts (RFC 3261 7.1). */
enum method method_find(struct text name)
{
	for (unsigned i = METHOD_OTHER + 1; name.l > 0 && i < METHODC; i++)
		if (name.p[0] == method_names[i][0] &&
		    text_is(name, method_names[i]))
			return (enum method)i;

	return METHOD_OTHER;
}


const char *method_name(enum method method)
{
	return method_names[method];
}
