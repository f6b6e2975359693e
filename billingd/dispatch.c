/**
 * @file billingd/dispatch.c  What billingd answers the others
 *
 * Everything here may come twice. With billing { mode = "open" } Authorise and
 * Renew change nothing, so they are answered anew, and a record that ended is
 * kept once (record_keep.c); else charging.c does what is done.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/authorise.h"
#include "billingd/billingd.h"
#include "billingd/charging.h"
#include "billingd/record_keep.h"
#include "billingd/record_line.h"
#include "billingd/ship.h"
#include "billingd/short_vendors.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"


/* An asker that is away repeats its question. */
static int reply(struct billingd *b, const Tandem__Header *hdr,
		 Tandem__Envelope *env)
{
	const int err = bus_reply(svc_bus(b->svc), hdr, env);

	return err == EHOSTUNREACH || err == ENOBUFS ? 0 : err;
}


static int grant(struct billingd *b, const Tandem__Header *hdr,
		 enum billing_mode mode)
{
	Tandem__CreditGranted granted = TANDEM__CREDIT_GRANTED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	granted.billing_mode = mode;
	granted.short_vendors = short_vendors(b->short_vendors,
					      &granted.n_short_vendors);
	env.body_case = BUS_BODY(CREDIT_GRANTED);
	env.credit_granted = &granted;

	return reply(b, hdr, &env);
}


static int refuse(struct billingd *b, const Tandem__Header *hdr,
		  Tandem__CreditWhy why)
{
	Tandem__CreditRefused refused = TANDEM__CREDIT_REFUSED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	refused.why = why;
	env.body_case = BUS_BODY(CREDIT_REFUSED);
	env.credit_refused = &refused;

	return reply(b, hdr, &env);
}


static int on_authorise(void *state, const Tandem__Envelope *env, int tag)
{
	struct billingd *b = state;
	struct authorised a;

	(void)tag;
	if (b->charging) {
		charging_authorise(b->charging, env);
		return 0;
	}

	a = authorise(publisher_current(b->publisher), env->authorise);
	metric_inc_at(M_AUTHORISED, (size_t)a.why);
	if (a.why != TANDEM__CREDIT_WHY__CREDIT_WHY_NONE)
		return refuse(b, env->hdr, a.why);

	return grant(b, env->hdr, a.mode);
}


/* What was granted without limit is not used up. */
static int on_renew(void *state, const Tandem__Envelope *env, int tag)
{
	struct billingd *b = state;

	(void)tag;
	if (b->charging) {
		charging_renew(b->charging, env);
		return 0;
	}

	return grant(state, env->hdr, BILLING_RATED);
}


static void on_kept(const Tandem__Header *hdr, void *arg)
{
	Tandem__RecordStored stored = TANDEM__RECORD_STORED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	env.body_case = BUS_BODY(RECORD_STORED);
	env.record_stored = &stored;
	(void)reply(arg, hdr, &env);
}


static void on_failed(void *arg)
{
	(void)arg;
	metric_inc(M_RECORD_FAILURES);
}


/* Without charges there is nothing that an open record would save. */
static int on_answered(void *state, const Tandem__Envelope *env, int tag)
{
	struct billingd *b = state;

	(void)tag;
	if (!env->answered->record)
		return EBADMSG;
	if (b->charging)
		return charging_answered(b->charging, env);
	on_kept(env->hdr, state);

	return 0;
}


static int keep(struct billingd *b, const Tandem__Record *record,
		const Tandem__Header *hdr)
{
	const struct catalog *c = publisher_current(b->publisher);
	char *line = NULL;
	int err;

	err = record_line(&line, c, record);
	if (!err)
		err = record_keep_put(b->records, record->cdr_id, line, hdr);
	if (!err)
		metric_inc(M_RECORDS);
	free(line);

	return err;
}


static int on_ended(void *state, const Tandem__Envelope *env, int tag)
{
	const Tandem__Record *record = env->ended->record;
	struct billingd *b = state;
	enum record_rule rule;

	(void)tag;
	if (!record || !record->cdr_id[0])
		return EBADMSG;
	if (b->charging)
		return charging_ended(b->charging, env);

	/* If it was written before the first answer got lost, the asker is
	 * told as soon as it is durable. */
	if (record_keep_has(b->records, record->cdr_id))
		return record_keep_put(b->records, record->cdr_id, NULL,
				       env->hdr);

	rule = record_rule(publisher_current(b->publisher), record);
	if (rule == RECORD_IS_KEPT)
		return keep(b, record, env->hdr);

	metric_inc_at(M_CDR_SUPPRESSED, (size_t)rule - 1);
	on_kept(env->hdr, b);

	return 0;
}


/* Which calls live matters to who closes those of the dead. */
static int on_checkpoint(void *state, const Tandem__Envelope *env, int tag)
{
	struct billingd *b = state;

	(void)tag;
	if (b->charging)
		charging_checkpoint(b->charging, env->checkpoint);

	return 0;
}


/* clang-format off */
const struct bus_route billingd_routes[] = {
	[BUS_BODY(AUTHORISE)]  = { PEER_SIPD, on_authorise,  0 },
	[BUS_BODY(RENEW)]      = { PEER_SIPD, on_renew,      0 },
	[BUS_BODY(ANSWERED)]   = { PEER_SIPD, on_answered,   0 },
	[BUS_BODY(CHECKPOINT)] = { PEER_SIPD, on_checkpoint, 0 },
	[BUS_BODY(ENDED)]      = { PEER_SIPD, on_ended,      0 },
};
/* clang-format on */
const size_t billingd_routec = COUNT_OF(billingd_routes);


static int open_records(struct billingd *b)
{
	char path[512];
	const struct record_keep_args args = {
		.ev = svc_ev(b->svc),
		.path = path,
		.log = svc_log(b->svc),
		.kepth = on_kept,
		.failedh = on_failed,
		.arg = b,
	};
	int err;

	if (text_print(path, sizeof(path), "%s/billingd/records.jsonl",
		       svc_node(b->svc)->state_dir))
		return ENAMETOOLONG;

	err = record_keep_alloc(&b->records, &args);
	if (err)
		log_error(svc_log(b->svc), "records_cannot_open file=%s",
			  path);

	return err;
}


int billingd_calls_open(struct billingd *b)
{
	const char *mode = svc_node(b->svc)->billing_mode;
	const bool is_open = strcmp(mode, "open") == 0;
	int err;

	err = is_open ? open_records(b) : charging_alloc(&b->charging, b);
	if (!err && b->charging)
		err = ship_alloc(&b->ship, b);

	return err ? err : short_vendors_alloc(&b->short_vendors, b);
}


void billingd_calls_reload(struct billingd *b)
{
	const int err = b->records ? record_keep_reopen(b->records) : 0;

	if (err)
		log_error(svc_log(b->svc), "records_cannot_open why=%s",
			  strerror(err));
}


void billingd_calls_close(struct billingd *b)
{
	b->ship = ship_free(b->ship);
	b->charging = charging_free(b->charging);
	b->records = record_keep_free(b->records);
	b->short_vendors = short_vendors_free(b->short_vendors);
}
