/**
 * @file shared/ipc/zmtp.c  ZeroMQ's protocol on a stream: what bytes mean
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "shared/ipc/zmtp.h"

enum {
	FLAG_MORE = 1,
	FLAG_LONG = 2,
	FLAG_COMMAND = 4,
	FLAGS = FLAG_MORE | FLAG_LONG | FLAG_COMMAND,
	SHORT_MAX = 255,
	LENGTH_LONG = 8,
	LENGTH_VALUE = 4,
	MAJOR = 3,
	/* Places in a greeting */
	AT_END_OF_SIGNATURE = 9,
	AT_MAJOR = 10,
	AT_MECHANISM = 12,
	MECHANISM = 20,
};

static const uint8_t mechanism[MECHANISM] = "NULL";


static void number_put(uint8_t *dst, size_t octets, uint64_t v)
{
	for (size_t i = octets; i-- > 0; v >>= 8)
		dst[i] = (uint8_t)v;
}


static uint64_t number_get(const uint8_t *src, size_t octets)
{
	uint64_t v = 0;

	for (size_t i = 0; i < octets; i++)
		v = v << 8 | src[i];

	return v;
}


void zmtp_greeting(uint8_t dst[ZMTP_GREETING])
{
	memset(dst, 0, ZMTP_GREETING);
	dst[0] = 0xff;
	dst[AT_END_OF_SIGNATURE] = 0x7f;
	dst[AT_MAJOR] = MAJOR;
	memcpy(dst + AT_MECHANISM, mechanism, sizeof(mechanism));
}


int zmtp_greeting_check(const uint8_t *data, size_t len)
{
	if ((len > 0 && data[0] != 0xff) ||
	    (len > AT_END_OF_SIGNATURE && !(data[AT_END_OF_SIGNATURE] & 1)) ||
	    (len > AT_MAJOR && data[AT_MAJOR] < MAJOR))
		return EPROTO;
	if (len < ZMTP_GREETING)
		return EAGAIN;

	return memcmp(data + AT_MECHANISM, mechanism, sizeof(mechanism)) == 0
		       ? 0
		       : EPROTO;
}


static uint8_t *property_put(uint8_t *at, struct text name, struct text value)
{
	*at = (uint8_t)name.l;
	memcpy(at + 1, name.p, name.l);
	at += 1 + name.l;
	number_put(at, LENGTH_VALUE, value.l);
	memcpy(at + LENGTH_VALUE, value.p, value.l);

	return at + LENGTH_VALUE + value.l;
}


size_t zmtp_ready(uint8_t dst[ZMTP_READY_MAX], const char *type,
		  const char *identity)
{
	static const uint8_t name[] = "\x05READY";
	uint8_t *at = dst + 2;

	assert(strlen(type) + strlen(identity) <= ZMTP_IDENTITY_MAX);

	memcpy(at, name, sizeof(name) - 1);
	at += sizeof(name) - 1;
	at = property_put(at, text_of("Socket-Type"), text_of(type));
	at = property_put(at, text_of("Identity"), text_of(identity));
	dst[0] = FLAG_COMMAND;
	dst[1] = (uint8_t)(at - dst - 2);

	return (size_t)(at - dst);
}


/* @return what is behind it; NULL: there is no whole one */
static const uint8_t *property_get(struct text *namep, struct text *valuep,
				   const uint8_t *at, const uint8_t *end)
{
	uint64_t len;

	if (at == end || *at > end - at - 1)
		return NULL;
	*namep = (struct text){ (const char *)at + 1, *at };
	at += 1 + *at;
	if (end - at < LENGTH_VALUE)
		return NULL;
	len = number_get(at, LENGTH_VALUE);
	at += LENGTH_VALUE;
	if (len > (uint64_t)(end - at))
		return NULL;
	*valuep = (struct text){ (const char *)at, (size_t)len };

	return at + len;
}


int zmtp_ready_parse(struct text *identityp, const struct zmtp_frame *frame)
{
	static const char name[] = "\x05READY", identity[] = "Identity";
	const uint8_t *at = frame->data, *end = at + frame->len;

	*identityp = (struct text){ "", 0 };
	if (!frame->is_command || frame->len < sizeof(name) - 1 ||
	    memcmp(at, name, sizeof(name) - 1) != 0)
		return EPROTO;

	for (at += sizeof(name) - 1; at < end;) {
		struct text property, value;

		at = property_get(&property, &value, at, end);
		if (!at)
			return EPROTO;
		if (property.l == sizeof(identity) - 1 &&
		    strncasecmp(property.p, identity, property.l) == 0)
			*identityp = value;
	}

	return 0;
}


size_t zmtp_head(uint8_t dst[ZMTP_HEAD_MAX], size_t len)
{
	if (len <= SHORT_MAX) {
		dst[0] = 0;
		dst[1] = (uint8_t)len;
		return 2;
	}
	dst[0] = FLAG_LONG;
	number_put(dst + 1, LENGTH_LONG, len);

	return 1 + LENGTH_LONG;
}


int zmtp_frame(struct zmtp_frame *frame, const uint8_t *data, size_t len,
	       size_t most)
{
	size_t head;
	uint64_t octets;

	if (len == 0)
		return EAGAIN;
	if (data[0] & ~FLAGS)
		return EPROTO;
	head = 1 + (data[0] & FLAG_LONG ? LENGTH_LONG : 1);
	if (len < head)
		return EAGAIN;
	octets = number_get(data + 1, head - 1);
	if (octets > most)
		return EPROTO;
	if (octets > len - head)
		return EAGAIN;

	*frame = (struct zmtp_frame){
		.data = data + head,
		.len = (size_t)octets,
		.whole = head + (size_t)octets,
		.is_command = data[0] & FLAG_COMMAND,
		.has_more = data[0] & FLAG_MORE,
	};

	return 0;
}
