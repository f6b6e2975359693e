/**
 * @file test/fuzz/fuzz_trace_mask.c  Any message, masked
 *
 * No line and no blank is moved, a second mask finds nothing, and of what our
 * own parser takes for response, nonce or cnonce, nothing can be read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/digest_parse.h"
#include "sipd/message.h"
#include "sipd/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* t lies in base; what stands at the same place in masked? Of a string a
 * quoted quote may be left as it is: it tells nothing. */
static void check_hidden(struct text t, const char *base, const char *masked)
{
	const char *p = masked + (t.l ? t.p - base : 0);

	for (size_t i = 0; i < t.l; i++)
		assert(p[i] == '*' || strchr(" \t\r\n\"", p[i]));
}


static void check_digest(struct text value, const char *base,
			 const char *masked)
{
	struct digest_fields d;

	if (digest_parse(&d, value))
		return;
	check_hidden(d.response, base, masked);
	check_hidden(d.nonce, base, masked);
	check_hidden(d.cnonce, base, masked);
}


static void check_parsed(char *copy, size_t size, const char *masked)
{
	static const enum head heads[] = { HEAD_AUTHORIZATION,
					   HEAD_PROXY_AUTHORIZATION,
					   HEAD_WWW_AUTHENTICATE,
					   HEAD_PROXY_AUTHENTICATE };
	struct message m;

	if (message_parse(&m, copy, size, false))
		return;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		for (uint8_t row = m.first[heads[i]]; row != 255;
		     row = m.rows[row].next)
			check_digest(m.rows[row].value, copy, masked);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *once = malloc(size + 1), *twice = malloc(size + 1);
	char *copy = malloc(size + 1);

	assert(once && twice && copy);
	memcpy(once, data, size);
	memcpy(copy, data, size);
	trace_mask(once, size);
	for (size_t i = 0; i < size; i++)
		assert(once[i] == (char)data[i] ||
		       (once[i] == '*' && data[i] != '\n' && data[i] != '\r'));

	memcpy(twice, once, size);
	trace_mask(twice, size);
	assert(memcmp(once, twice, size) == 0);
	check_parsed(copy, size, once);

	free(once);
	free(twice);
	free(copy);

	return 0;
}
