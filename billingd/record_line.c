/**
 * @file billingd/record_line.c  The record of a call as a line of JSON
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "billingd/rate.h"
#include "billingd/record_line.h"
#include "shared/base/addr.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"

enum {
	TEXT_SIZE = 1024, /* Longer texts of peers are cut */
	TIME_SIZE = 64,
	MS_US = 1000,
	LOSS_DIGITS = 5,
};

const char *const record_rules[RECORD_RULEC] = {
	[RECORD_IS_KEPT] = "",
	[RECORD_NO_CDR] = "no_cdr",
	[RECORD_ILLEGAL] = "illegal",
	[RECORD_ZERO_HOLD_TIME] = "zero_hold_time",
	[RECORD_SERVER_HANG_UP] = "server_hang_up",
};

/* By the numbers of the messages. */
static const char *const transports[] = { "", "udp", "tcp", "tls" };
static const char *const media_words[] = { "none", "bypass", "relay" };

enum {
	MEDIA_RELAY = 2
};

#define WORD(words, i) ((i) < COUNT_OF(words) ? (words)[i] : "")


int64_t record_seconds(int64_t duration_us)
{
	return rate_seconds(duration_us);
}


enum record_rule record_rule(const struct catalog *c,
			     const Tandem__Record *record)
{
	const bool is_zero = record_seconds(record->duration_us) == 0;

	if (catalog_matches(c, SERVER_BILLING_NO_CDR_E164S,
			    text_of(record->called)))
		return RECORD_NO_CDR;
	if (record->is_illegal)
		return catalog_int(c, SERVER_BILLING_RECORD_ILLEGAL_CALL)
			       ? RECORD_IS_KEPT
			       : RECORD_ILLEGAL;
	if (is_zero)
		return catalog_int(c, SERVER_BILLING_RECORD_ZERO_HOLD_TIME)
			       ? RECORD_IS_KEPT
			       : RECORD_ZERO_HOLD_TIME;
	if (record->end_side == END_SIDE_SERVER &&
	    !catalog_int(c, SERVER_BILLING_RECORD_SERVER_HANG_UP))
		return RECORD_SERVER_HANG_UP;

	return RECORD_IS_KEPT;
}


/* The object that is being filled; what fails once has failed. */
struct out {
	json_t *row;
	const struct catalog *c;
	int err;
};


static void put(struct out *out, const char *name, json_t *value)
{
	if (json_object_set_new(out->row, name, value))
		out->err = ENOMEM;
}


static void put_int(struct out *out, const char *name, int64_t value)
{
	put(out, name, json_integer(value));
}


/* Peers may have sent anything: what is no UTF-8 becomes a question mark. */
static void put_text(struct out *out, const char *name, const char *value)
{
	struct text t = text_of(value);
	char clean[TEXT_SIZE];
	size_t l = 0;

	while (t.l > 0) {
		const size_t n = text_character(t);
		const size_t step = n ? n : 1;

		if (l + step >= sizeof(clean))
			break;
		if (n)
			memcpy(clean + l, t.p, n);
		else
			clean[l] = '?';
		l += step;
		t.p += step;
		t.l -= step;
	}
	if (l > 0)
		put(out, name, json_stringn(clean, l));
}


static void put_time(struct out *out, const char *name, int64_t wall_us)
{
	const time_t s = (time_t)(wall_us / 1000000);
	char text[TIME_SIZE];
	struct tm tm;

	if (wall_us <= 0 || !gmtime_r(&s, &tm))
		return;

	(void)text_print(text, sizeof(text),
			 "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec,
			 (int)(wall_us % 1000000 / MS_US));
	put_text(out, name, text);
}


/* A record outlives what it names. One that is gone already is told by its
 * number. */
static void put_name(struct out *out, const char *name, enum record_kind kind,
		     uint32_t id)
{
	const struct cat_row *row = catalog_by_id(out->c, kind, id);
	char number[16];

	if (id == 0)
		return;
	if (row) {
		put_text(out, name, catalog_str(out->c, kind, row->name));
		return;
	}
	(void)text_print(number, sizeof(number), "#%u", id);
	put_text(out, name, number);
}


static void put_reason(struct out *out, const char *name, uint32_t reason)
{
	if (reason < END_REASONC)
		put_text(out, name, end_defs[reason].token);
}


static void put_addr(struct out *out, const char *name, const char *port,
		     const char *value)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (addr_parse(&addr, text_of(value)))
		return;
	if (port && addr.port)
		put_int(out, port, addr.port);
	addr.port = 0;
	put_text(out, name, addr_print(&addr, text));
}


static void put_attempts(struct out *out, const Tandem__Record *r)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < r->n_attempts && rows; i++) {
		const Tandem__Attempt *a = r->attempts[i];
		struct out one = { json_object(), out->c, 0 };

		put_name(&one, "gateway", RECORD_ROUTING, a->gateway);
		put_text(&one, "address", a->address);
		put_time(&one, "start", a->start_us);
		if (!a->token[0])
			put_int(&one, "ms", a->ms);
		if (a->sip_code)
			put_int(&one, "sip_code", a->sip_code);
		put_reason(&one, "reason", a->reason);
		put_text(&one, "skipped", a->token);
		if (one.err || json_array_append(rows, one.row))
			out->err = ENOMEM;
		json_decref(one.row);
	}
	put(out, "attempts", rows);
}


struct side_names {
	const char *packets, *lost, *loss, *jitter, *mos;
};


static void put_hundredths(struct out *out, const char *name, uint64_t value)
{
	put(out, name, json_real((double)value / 100));
}


static void put_media(struct out *out, const struct side_names *names,
		      const Tandem__MediaSide *side)
{
	uint64_t expected;

	if (!side)
		return;

	expected = side->packets + side->lost;
	put_int(out, names->packets, (int64_t)side->packets);
	put_int(out, names->lost, (int64_t)side->lost);
	if (expected >= side->packets && expected > 0)
		put_hundredths(out, names->loss,
			       side->lost * 10000 / expected);
	put_hundredths(out, names->jitter, side->jitter_us / 10);
	if (side->mos)
		put_hundredths(out, names->mos, side->mos);
}


static enum billing_mode mode_of(const Tandem__Record *r)
{
	if (r->is_illegal)
		return BILLING_ILLEGAL;
	if (record_seconds(r->duration_us) == 0)
		return BILLING_ZERO;

	return r->billing_mode < BILLING_MODEC
		       ? (enum billing_mode)r->billing_mode
		       : BILLING_RATED;
}


static void put_times(struct out *out, const Tandem__Record *r)
{
	const int64_t rung = r->progress_us ? r->progress_us : r->answer_us;
	const int64_t picked = r->answer_us ? r->answer_us : r->end_us;

	put_time(out, "start_time", r->start_us);
	put_time(out, "progress_time", r->progress_us);
	put_time(out, "answer_time", r->answer_us);
	put_time(out, "end_time", r->end_us);
	if (rung >= r->start_us && rung > 0)
		put_int(out, "setup_ms", (rung - r->start_us) / MS_US);
	if (r->progress_us > 0 && picked >= r->progress_us)
		put_int(out, "ring_ms", (picked - r->progress_us) / MS_US);
	put_int(out, "duration_ms", r->duration_us / MS_US);
	put_int(out, "duration", record_seconds(r->duration_us));
	if (r->silent_tail_us > 0)
		put_int(out, "silent_tail", r->silent_tail_us / MS_US);
}


static void put_parties(struct out *out, const Tandem__Record *r)
{
	put_text(out, "caller_original", r->caller_original);
	put_text(out, "caller", r->caller);
	put_text(out, "caller_sent", r->caller_sent);
	put_text(out, "called_original", r->called_original);
	put_text(out, "called", r->called);
	put_text(out, "called_sent", r->called_sent);
	put_name(out, "mapping_gateway", RECORD_MAPPING, r->mapping_gateway);
	put_name(out, "phone", RECORD_PHONE, r->phone);
	put_addr(out, "source_ip", "source_port", r->source);
	put_text(out, "transport", WORD(transports, r->transport));
	put_name(out, "routing_gateway", RECORD_ROUTING, r->routing_gateway);
	put_name(out, "phone_b", RECORD_PHONE, r->phone_b);
	put_addr(out, "dest_ip", NULL, r->dest);
	put_attempts(out, r);
	put_name(out, "account", RECORD_ACCOUNT, r->account);
}


static void put_end(struct out *out, const Tandem__Record *r)
{
	put_text(out, "billing_mode", billing_modes[mode_of(r)]);
	put_reason(out, "end_reason", r->end_reason);
	put_text(out, "end_detail", r->end_detail);
	if (r->end_side < END_SIDEC)
		put_text(out, "end_side", end_sides[r->end_side]);
	if (r->sip_code)
		put_int(out, "sip_code", r->sip_code);
	if (r->sip_code_b)
		put_int(out, "sip_code_b", r->sip_code_b);
	if (r->q850)
		put_int(out, "q850", r->q850);
	put_text(out, "regime", r->is_timer ? "timer" : "no_timer");
	put_text(out, "media", WORD(media_words, r->media));
	put_text(out, "codec", r->codec);
}


static const struct side_names names_a = { "a_packets", "a_lost", "a_loss_pct",
					   "a_jitter_ms", "a_mos" };
static const struct side_names names_b = { "b_packets", "b_lost", "b_loss_pct",
					   "b_jitter_ms", "b_mos" };


int record_line(char **linep, const struct catalog *c,
		const Tandem__Record *record)
{
	struct out out = { json_object(), c, 0 };
	char *text = NULL, *line = NULL;
	size_t l;

	put_text(&out, "cdr_id", record->cdr_id);
	put_text(&out, "parent_cdr_id", record->parent_cdr_id);
	put_times(&out, record);
	put_parties(&out, record);
	put_end(&out, record);
	if (record->media == MEDIA_RELAY) {
		put_media(&out, &names_a, record->media_a);
		put_media(&out, &names_b, record->media_b);
	}
	put_text(&out, "call_id_a", record->call_id_a);
	put_text(&out, "call_id_b", record->call_id_b);
	if (record->config_version)
		put_int(&out, "config_version",
			(int64_t)record->config_version);

	if (!out.err)
		text = json_dumps(out.row,
				  JSON_COMPACT |
					  JSON_REAL_PRECISION(LOSS_DIGITS));
	json_decref(out.row);
	if (!text)
		return ENOMEM;

	l = strlen(text);
	line = malloc(l + 2);
	if (line) {
		memcpy(line, text, l);
		memcpy(line + l, "\n", 2);
		*linep = line;
	}
	free(text);

	return line ? 0 : ENOMEM;
}
