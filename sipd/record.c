/**
 * @file sipd/record.c  The record of a call, as billingd gets it
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/call.h"
#include "sipd/leg.h"
#include "sipd/media.h"
#include "sipd/record.h"


static bool is_ascii(struct text t)
{
	uint8_t all = 0;

	for (size_t i = 0; i < t.l; i++)
		all |= (uint8_t)t.p[i];

	return all < 0x80 && text_plain(t) == t.l;
}


/* Cut to what a record holds, whole characters, nothing unprintable (cdr) */
static char *text_field(char dst[RECORD_TEXT_MAX], struct text t)
{
	size_t n = 0;

	/* Almost always all of it */
	if (t.l < RECORD_TEXT_MAX && is_ascii(t)) {
		memcpy(dst, t.p, t.l);
		dst[t.l] = '\0';
		return dst;
	}

	while (t.l) {
		size_t len = text_character(t);
		const bool is_bad = len == 0 ||
				    (len == 1 &&
				     ((unsigned char)t.p[0] < 0x20 ||
				      t.p[0] == 0x7f));

		if (is_bad)
			len = 1;
		if (n + len >= RECORD_TEXT_MAX)
			break;
		if (is_bad)
			dst[n] = '_';
		else
			memcpy(dst + n, t.p, len);
		n += len;
		t.p += len;
		t.l -= len;
	}
	dst[n] = '\0';

	return dst;
}


static void fill_attempts(struct record *record, const struct call *call)
{
	const struct text all = blob_text(call->sipd->blobs,
					  &call->i.attempts);
	size_t n = all.l / sizeof(struct attempt_image);

	if (n > RECORD_ATTEMPTS_MAX)
		n = RECORD_ATTEMPTS_MAX;
	for (size_t i = 0; i < n; i++) {
		Tandem__Attempt *a = &record->attempts[i];
		struct attempt_image image;

		memcpy(&image, all.p + i * sizeof(image), sizeof(image));
		tandem__attempt__init(a);
		a->gateway = image.gateway;
		a->start_us = image.start_us;
		a->ms = image.ms;
		a->sip_code = image.code;
		a->reason = image.reason;
		if (image.addr.family)
			a->address = unconst(
				addr_print(&image.addr,
					   record->attempt_addrs[i]));
		if (image.token && image.token < ROUTE_TOKENC)
			a->token = unconst(route_tokens[image.token]);
		record->attempt_ptrs[i] = a;
	}
	record->message.attempts = record->attempt_ptrs;
	record->message.n_attempts = n;
}


static void fill_texts(struct record *record, const struct call *call)
{
	struct text rest = blob_text(call->sipd->blobs, &call->i.facts);
	Tandem__Record *m = &record->message;
	char *facts[FACTC];

	for (size_t i = 0; i < FACTC; i++) {
		const size_t l = call->i.factl[i];
		const struct text t = { rest.p, l < rest.l ? l : rest.l };

		facts[i] = text_field(record->facts[i], t);
		rest.p += t.l;
		rest.l -= t.l;
	}
	m->caller_original = facts[FACT_CALLER_ORIGINAL];
	m->caller = facts[FACT_CALLER];
	m->caller_sent = facts[FACT_CALLER_SENT];
	m->called_original = facts[FACT_CALLED_ORIGINAL];
	m->called = facts[FACT_CALLED];
	m->called_sent = facts[FACT_CALLED_SENT];
	m->call_id_a = text_field(record->call_id_a,
				  leg_text(&call->a, LEG_CALL_ID));
	m->call_id_b = text_field(record->call_id_b,
				  leg_text(&call->b, LEG_CALL_ID));
	m->source = unconst(addr_print(&call->i.source, record->source));
	if (call->i.b.flow.remote.family)
		m->dest = unconst(
			addr_print(&call->i.b.flow.remote, record->dest));
	m->cdr_id = unconst(call->i.cdr_id);
	m->parent_cdr_id = unconst(call->i.parent_cdr_id);
	m->end_detail = unconst(call->i.detail);
	m->codec = unconst(call->i.codec);
}


static Tandem__MediaSide *fill_side(Tandem__MediaSide *m,
				    const struct media_count *count)
{
	tandem__media_side__init(m);
	m->packets = count->packets;
	m->lost = count->lost;
	m->jitter_us = count->jitter_us;
	m->mos = count->mos;
	m->age_us = count->age_us;

	return m;
}


static void fill_media(struct record *record, const struct call *call)
{
	Tandem__Record *m = &record->message;

	if (!media_has_relay(call) || !call->released_boot_us)
		return; /* it could not be asked */
	m->media_a = fill_side(&record->media_a, &call->sound->counts[0]);
	m->media_b = fill_side(&record->media_b, &call->sound->counts[1]);
	m->silent_tail_us = media_tail_us(call);
}


void record_fill(struct record *record, const struct call *call)
{
	const struct call_image *i = &call->i;
	Tandem__Record *m = &record->message;

	tandem__record__init(m);
	fill_texts(record, call);
	fill_attempts(record, call);
	m->start_us = i->start_us;
	m->progress_us = i->progress_us;
	m->answer_us = i->answer_us;
	m->end_us = i->end_us;
	if (i->answer_boot_us && i->end_boot_us)
		m->duration_us = i->end_boot_us - i->answer_boot_us;
	m->mapping_gateway = i->mapping;
	m->phone = i->phone;
	m->transport = i->transport;
	m->routing_gateway = i->gateway;
	m->phone_b = i->phone_b;
	m->account = i->account;
	m->end_reason = i->reason;
	m->end_side = i->side;
	m->sip_code = i->code;
	m->sip_code_b = i->code_b;
	m->q850 = end_defs[i->reason].q850;
	m->is_timer = (i->flags & CALL_IS_TIMER) != 0;
	m->media = i->media;
	fill_media(record, call);
	m->config_version = i->config_version;
	m->billing_mode = i->billing_mode;
	m->is_illegal = (i->flags & CALL_IS_ILLEGAL) != 0;
}
