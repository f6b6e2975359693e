/**
 * @file sipd/guard_class.c  What the first bytes of a message give away
 */
#include <stdbool.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/guard.h"

enum {
	CLASSIFY_BYTES = 2048 /**< To lies in them, or is not looked for */
};


static bool starts(const char *data, size_t len, const char *word)
{
	const size_t l = strlen(word);

	return len >= l && memcmp(data, word, l) == 0;
}


/* Does the To line have a tag? Found without a parser: a line that begins with
 * "To" or "t" and a colon. What is missed is treated as less urgent, no
 * worse. */
static bool to_has_tag(const char *data, size_t len)
{
	const char *end = data + (len < CLASSIFY_BYTES ? len : CLASSIFY_BYTES);

	for (const char *p = data; (p = memchr(p, '\n', (size_t)(end - p)));) {
		const char *eol;

		p++;
		if (end - p < 3)
			return false;
		if (!((p[0] == 'T' || p[0] == 't') &&
		      (p[1] == ':' || ((p[1] == 'o' || p[1] == 'O') &&
				       (p[2] == ':' || p[2] == ' ')))))
			continue;
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;

		return memmem(p, (size_t)(eol - p), ";tag=", 5) != NULL;
	}

	return false;
}


enum guard_class guard_classify(const char *data, size_t len)
{
	static const char *const in_dialog[] = { "ACK ",    "BYE ",
						 "CANCEL ", "PRACK ",
						 "UPDATE ", "INFO " };

	while (len && (*data == '\r' || *data == '\n')) {
		data++;
		len--;
	}
	if (len < 4)
		return GUARD_KEEPALIVE;
	if (starts(data, len, "SIP/"))
		return GUARD_RESPONSE;
	for (size_t i = 0; i < COUNT_OF(in_dialog); i++)
		if (starts(data, len, in_dialog[i]))
			return GUARD_IN_DIALOG;
	if (data[0] < 'A' || data[0] > 'z' || !memchr(data, ' ', len))
		return GUARD_GARBAGE;
	if (to_has_tag(data, len))
		return GUARD_IN_DIALOG;

	return starts(data, len, "INVITE ") ? GUARD_INITIAL_INVITE
					    : GUARD_OTHER;
}
