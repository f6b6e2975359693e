/**
 * @file billingd/call_row.c  A call that ended, as rows of PostgreSQL
 */
#include <string.h>

#include "billingd/authorise.h"
#include "billingd/call_row.h"
#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"

enum {
	MS_US = 1000,
	MEDIA_RELAY = 2,
	GHOST_S = 60,
};

const char call_own_columns[] =
	"n, account_id, agent_id, clearing_id, cap_s, cap_name, ";

/* clang-format off */
const char call_row_columns[] =
	"cdr_id, parent_cdr_id, start_time, progress_time, answer_time, "
	"end_time, setup_ms, ring_ms, duration_ms, duration, free_seconds, "
	"silent_tail, billed_duration, caller_original, caller, caller_sent, "
	"called_original, called, called_sent, called_rated, "
	"called_rated_vendor, mapping_gateway, phone, source_ip, source_port, "
	"transport, routing_gateway, phone_b, dest_ip, attempts, account, "
	"agent, clearing_account, rate_table, rate_prefix, rate, connect_fee, "
	"first_increment, next_increment, fee, commission, billing_mode, "
	"vendor_rate_prefix, vendor_rate, vendor_cost, margin, "
	"vendor_rate_missing, end_reason, end_detail, end_side, sip_code, "
	"sip_code_b, q850, regime, media, codec, a_packets, a_lost, "
	"a_loss_pct, a_jitter_ms, a_mos, b_packets, b_lost, b_loss_pct, "
	"b_jitter_ms, b_mos, call_id_a, call_id_b, config_version";
/* clang-format on */

/* By the numbers of the messages */
static const char *const transports[] = { NULL, "udp", "tcp", "tls" };
static const char *const media_words[] = { "none", "bypass", "relay" };


/* --- attempts ------------------------------------------------------------- */

static void json_name(struct row_text *out, const char *name, bool *is_firstp)
{
	row_put(out, *is_firstp ? "{\"" : ",\"");
	row_put(out, name);
	row_put(out, "\":");
	*is_firstp = false;
}


static void json_text(struct row_text *out, const char *name,
		      const char *value, bool *is_firstp)
{
	if (!value[0])
		return;
	json_name(out, name, is_firstp);
	row_put(out, "\"");
	row_clean(out, value, true);
	row_put(out, "\"");
}


static void json_int(struct row_text *out, const char *name, int64_t value,
		     bool *is_firstp)
{
	char text[ROW_NUMBER_SIZE];

	json_name(out, name, is_firstp);
	row_put(out, row_int_text(text, value));
}


const char *call_reason_word(uint32_t reason)
{
	return reason > 0 && reason < END_REASONC ? end_defs[reason].token
						  : "";
}


static void attempt(struct row_text *out, const Tandem__Attempt *a,
		    const char *name)
{
	char start[ROW_TIME_SIZE];
	bool is_first = true;

	json_text(out, "gateway", name, &is_first);
	json_text(out, "address", a->address, &is_first);
	if (row_time_text(start, a->start_us))
		json_text(out, "start", start, &is_first);
	if (!a->token[0])
		json_int(out, "ms", a->ms, &is_first);
	if (a->sip_code >= 100 && a->sip_code < 700)
		json_int(out, "sip_code", a->sip_code, &is_first);
	json_text(out, "reason", call_reason_word(a->reason), &is_first);
	json_text(out, "skipped", a->token, &is_first);
	row_put(out, is_first ? "{}" : "}");
}


static void attempts(struct row_text *out, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;

	row_put(out, "[");
	for (size_t i = 0; i < r->n_attempts; i++) {
		const char *name = i < call->n_attempt_name
					   ? call->attempt_name[i]
					   : "";

		if (i > 0)
			row_put(out, ",");
		attempt(out, r->attempts[i], name);
	}
	row_put(out, "]");
	row_next(out);
}


/* --- groups of columns ---------------------------------------------------- */

static void our_own(struct row_text *out, const Tandem__CallEnded *call,
		    size_t n)
{
	const Tandem__Charge *c = call->charge;

	row_int(out, (int64_t)n);
	row_int(out, c->account);
	row_int(out, c->agent);
	row_int(out, c->clearing);
	row_int(out, call->cap_s);
	row_string(out, call->cap_name);
}


static void times(struct row_text *out, const Tandem__Record *r,
		  const Tandem__Charge *c)
{
	const int64_t rung = r->progress_us ? r->progress_us : r->answer_us;
	const int64_t picked = r->answer_us ? r->answer_us : r->end_us;

	row_time(out, r->start_us);
	row_time(out, r->progress_us);
	row_time(out, r->answer_us);
	row_time(out, r->end_us);
	row_int_if(out, rung > 0 && rung >= r->start_us,
		   (rung - r->start_us) / MS_US);
	row_int_if(out, r->progress_us > 0 && picked >= r->progress_us,
		   (picked - r->progress_us) / MS_US);
	row_int(out, c->duration_ms);
	row_int(out, c->duration_s);
	row_int_if(out, c->free_seconds > 0, c->free_seconds);
	row_int_if(out, c->silent_tail_ms > 0, c->silent_tail_ms);
	row_int(out, c->billed_duration);
}


static void numbers(struct row_text *out, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;

	row_string(out, r->caller_original);
	row_string(out, r->caller);
	row_string(out, r->caller_sent);
	row_string(out, r->called_original);
	row_string(out, r->called);
	row_string(out, r->called_sent);
	row_string(out, call->charge->called_rated);
	row_string(out, call->charge->called_rated_vendor);
	row_string(out, call->mapping_name);
	row_string(out, call->phone_name);
}


static void places(struct row_text *out, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;
	char ip[ADDR_TEXT_MAX];
	uint16_t port = 0;
	bool is_there;

	is_there = row_ip_text(ip, r->source, &port);
	row_plain(out, is_there ? ip : NULL);
	row_int_if(out, is_there && port > 0, port);
	row_plain(out, r->transport < COUNT_OF(transports)
			       ? transports[r->transport]
			       : NULL);
	row_string(out, call->gateway_name);
	row_string(out, call->phone_b_name);
	is_there = row_ip_text(ip, r->dest, &port);
	row_plain(out, is_there ? ip : NULL);
}


static void money(struct row_text *out, const Tandem__Charge *c)
{
	row_string(out, c->account_name);
	row_string(out, c->agent_name);
	row_string(out, c->clearing_name);
	row_string(out, c->rate_table);
	row_string(out, c->rate_prefix);
	row_int_if(out, c->has_rate, c->rate);
	row_int_if(out, c->has_rate, c->connect_fee);
	row_int_if(out, c->has_rate, c->first_increment);
	row_int_if(out, c->has_rate, c->next_increment);
	row_int(out, c->fee);
	row_int(out, c->commission);
	row_plain(out,
		  c->mode < BILLING_MODEC ? billing_modes[c->mode] : NULL);
	row_string(out, c->vendor_rate_prefix);
	row_int_if(out, c->has_vendor_rate, c->vendor_rate);
	row_int(out, c->vendor_cost);
	row_int(out, c->margin);
	row_plain(out, c->vendor_rate_missing ? "t" : "f");
}


static bool is_code(uint32_t code)
{
	return code >= 100 && code < 700;
}


static void ending(struct row_text *out, const Tandem__Record *r)
{
	const char *reason = call_reason_word(r->end_reason);

	row_plain(out, reason[0] ? reason : "InternalError");
	row_string(out, r->end_detail);
	row_plain(out, r->end_side < END_SIDEC && end_sides[r->end_side][0]
			       ? end_sides[r->end_side]
			       : NULL);
	row_int_if(out, is_code(r->sip_code), r->sip_code);
	row_int_if(out, is_code(r->sip_code_b), r->sip_code_b);
	row_int_if(out, r->q850 > 0 && r->q850 < 128, r->q850);
	row_plain(out, r->is_timer ? "timer" : "no_timer");
	row_plain(out, r->media < COUNT_OF(media_words) ? media_words[r->media]
							: NULL);
	row_string(out, r->codec);
}


static void media(struct row_text *out, const Tandem__Record *r,
		  const Tandem__MediaSide *side)
{
	const Tandem__MediaSide none = TANDEM__MEDIA_SIDE__INIT;
	const bool is_there = side && r->media == MEDIA_RELAY;
	const Tandem__MediaSide *s = is_there ? side : &none;
	const uint64_t most = INT64_MAX / 20000;
	const uint64_t packets = s->packets < most ? s->packets : most;
	const uint64_t lost = s->lost < most ? s->lost : most;

	row_int_if(out, is_there, (int64_t)packets);
	row_int_if(out, is_there, (int64_t)lost);
	row_hundredths(out, is_there && packets + lost > 0,
		       packets + lost ? lost * 10000 / (packets + lost) : 0);
	row_hundredths(out, is_there, s->jitter_us / 10);
	row_hundredths(out, is_there && s->mos > 0 && s->mos < 1000, s->mos);
}


static void cdr_columns(struct row_text *out, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;

	row_string(out, r->cdr_id);
	row_string(out, r->parent_cdr_id);
	times(out, r, call->charge);
	numbers(out, call);
	places(out, call);
	attempts(out, call);
	money(out, call->charge);
	ending(out, r);
	media(out, r, r->media_a);
	media(out, r, r->media_b);
	row_string(out, r->call_id_a);
	row_string(out, r->call_id_b);
	row_int_if(out, r->config_version > 0, (int64_t)r->config_version);
}


/* --- rows ----------------------------------------------------------------- */

int call_row(struct row_text *out, const Tandem__CallEnded *call)
{
	const size_t before = out->l;

	cdr_columns(out, call);

	return row_end(out, before);
}


bool call_is_odd(const Tandem__CallEnded *call)
{
	const Tandem__Charge *c = call->charge;

	return call->cap_s > 0 || c->mode == BILLING_ILLEGAL ||
	       (c->silent_tail_ms > 0 && c->duration_s >= GHOST_S);
}


int call_row_odd(struct row_text *out, const Tandem__CallEnded *call, size_t n)
{
	const size_t before = out->l;

	our_own(out, call, n);
	cdr_columns(out, call);

	return row_end(out, before);
}


static int attempt_row(struct row_text *out, const Tandem__CallEnded *call,
		       size_t i)
{
	const Tandem__Attempt *a = call->record->attempts[i];
	const size_t before = out->l;

	row_string(out, call->record->cdr_id);
	row_time(out, call->record->start_us);
	row_int(out, (int64_t)i + 1);
	row_clean(out, i < call->n_attempt_name ? call->attempt_name[i] : "",
		  false);
	row_next(out);
	row_string(out, a->address);
	row_time(out, a->start_us);
	row_int_if(out, !a->token[0], a->ms);
	row_int_if(out, is_code(a->sip_code), a->sip_code);
	row_string(out, call_reason_word(a->reason));
	row_string(out, a->token);

	return row_end(out, before);
}


int call_row_attempts(struct row_text *out, const Tandem__CallEnded *call)
{
	int err = 0;

	for (size_t i = 0; !err && i < call->record->n_attempts; i++)
		err = attempt_row(out, call, i);

	return err;
}


static int entry_row(struct row_text *out, const Tandem__CallEnded *call,
		     uint32_t account, int64_t amount, const char *kind,
		     uint64_t *np)
{
	const size_t before = out->l;

	if (account == 0 || amount == 0)
		return 0;
	row_int(out, (int64_t)++ * np);
	row_int(out, account);
	row_int(out, amount);
	row_plain(out, kind);
	row_string(out, call->record->cdr_id);

	return row_end(out, before);
}


static int64_t if_positive(int64_t amount)
{
	return amount > 0 ? amount : 0;
}


/* An account may be both who pays and who is paid: one entry then. */
int call_row_entries(struct row_text *out, const Tandem__CallEnded *call,
		     uint64_t *np)
{
	const Tandem__Charge *c = call->charge;
	const int64_t cost = if_positive(c->vendor_cost);
	const bool is_one = c->account == c->clearing;
	int err;

	err = entry_row(out, call, c->account,
			-if_positive(c->fee) - (is_one ? cost : 0), "call",
			np);
	if (!err)
		err = entry_row(out, call, c->agent,
				if_positive(c->commission), "commission", np);
	if (!err && !is_one)
		err = entry_row(out, call, c->clearing, -cost, "call", np);

	return err;
}
