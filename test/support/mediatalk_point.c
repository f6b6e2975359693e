/**
 * @file test/support/mediatalk_point.c  A Point, as it is written in a line
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "test/support/mediatalk.h"


static size_t take_numbers(uint32_t *numbers, size_t max, char *value)
{
	const char *word;
	size_t n = 0;

	while ((word = strsep(&value, ",")) && n < max && *word)
		numbers[n++] = (uint32_t)strtoul(word, NULL, 10);

	return n;
}


/* "-": none */
static char *address_of(char *value)
{
	if (*value == '-')
		*value = '\0';

	return value;
}


static void take_remote(struct pointing *p)
{
	if (p->point.n_remote < REMOTES_MAX)
		p->remotes[p->point.n_remote++] = address_of(p->value);
}


static void take_remote_rtcp(struct pointing *p)
{
	if (p->point.n_remote_rtcp < REMOTES_MAX)
		p->rtcps[p->point.n_remote_rtcp++] = address_of(p->value);
}


static void take_payloads(struct pointing *p)
{
	p->point.n_payloads = take_numbers(p->payloads, PAYLOADS_MAX,
					   p->value);
}


static void take_clocks(struct pointing *p)
{
	p->point.n_clocks = take_numbers(p->clocks, PAYLOADS_MAX, p->value);
}


static void take_codecs(struct pointing *p)
{
	uint32_t codecs[PAYLOADS_MAX];

	p->point.n_codecs = take_numbers(codecs, PAYLOADS_MAX, p->value);
	for (size_t i = 0; i < p->point.n_codecs; i++)
		p->codecs[i] = (Tandem__MediaCodec)codecs[i];
}


static void take_udptl(struct pointing *p)
{
	uint32_t flags[REMOTES_MAX];

	p->point.n_udptl = take_numbers(flags, REMOTES_MAX, p->value);
	for (size_t i = 0; i < p->point.n_udptl; i++)
		p->udptl[i] = flags[i] != 0;
}


static void take_gateway(struct pointing *p)
{
	p->point.gateway = p->value;
}


static void take_source(struct pointing *p)
{
	p->point.source = p->value;
}


#define TAKE_NUMBER(field)                                              \
	static void take_##field(struct pointing *p)                    \
	{                                                               \
		p->point.field = (uint32_t)strtoul(p->value, NULL, 10); \
	}
#define TAKE_FLAG(field)                             \
	static void take_##field(struct pointing *p) \
	{                                            \
		p->point.field = p->value[0] == '1'; \
	}

TAKE_NUMBER(direction)
TAKE_NUMBER(learning)
TAKE_NUMBER(dtmf_mode)
TAKE_NUMBER(event_payload)
TAKE_NUMBER(nomedia_s)
TAKE_FLAG(is_nat)
TAKE_FLAG(sdp_first)
TAKE_FLAG(is_active)
TAKE_FLAG(nomedia_any)
TAKE_FLAG(is_answered)
TAKE_FLAG(ring_back)
TAKE_FLAG(is_secure)
TAKE_NUMBER(sdp)

#define FIELD(field)                 \
	{                            \
#field, take_##field \
	}
static const struct {
	const char *name;
	void (*take)(struct pointing *p);
} fields[] = {
	FIELD(remote),        FIELD(payloads),    FIELD(clocks),
	FIELD(codecs),        FIELD(remote_rtcp), FIELD(udptl),
	FIELD(source),        FIELD(gateway),     FIELD(direction),
	FIELD(learning),      FIELD(dtmf_mode),   FIELD(sdp),
	FIELD(event_payload), FIELD(nomedia_s),   FIELD(is_nat),
	FIELD(sdp_first),     FIELD(is_active),   FIELD(nomedia_any),
	FIELD(is_answered),   FIELD(ring_back),   FIELD(is_secure),
};


void pointing_init(struct pointing *p)
{
	memset(p, 0, sizeof(*p));
	tandem__point__init(&p->point);
	p->point.remote = p->remotes;
	p->point.payloads = p->payloads;
	p->point.remote_rtcp = p->rtcps;
	p->point.clocks = p->clocks;
	p->point.codecs = p->codecs;
	p->point.udptl = p->udptl;
}


void pointing_parse(struct pointing *p, char *words)
{
	char *name;

	while ((name = strsep(&words, " "))) {
		char *value = strchr(name, '=');

		if (!value)
			continue;
		*value++ = '\0';
		p->value = value;
		for (size_t i = 0; i < COUNT_OF(fields); i++)
			if (!strcmp(fields[i].name, name))
				fields[i].take(p);
	}
}
