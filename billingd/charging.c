/**
 * @file billingd/charging.c  Calls that are paid
 *
 * Diagnostics: info charging_adopted at the start. Damage and lack of room are
 * told by the journal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/billingd.h"
#include "billingd/call_names.h"
#include "billingd/charging.h"
#include "billingd/ended.h"
#include "billingd/grant.h"
#include "billingd/journal.h"
#include "billingd/lease.h"
#include "billingd/lost.h"
#include "billingd/replay.h"
#include "billingd/short_vendors.h"
#include "billingd/store.h"
#include "billingd/unpack.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"
#include "shared/ev/ev.h"

struct charging {
	struct billingd *b;
	struct accounts *accounts;
	struct ended *ended;
	struct journal *journal;
	struct grants *grants;
	struct leases *leases;
	struct store *store;
	struct stored *unused;

	struct ev_timer lost;
	bool is_new_boot;
	int64_t begun_us, heard_us; /* Monotonic; of a checkpoint */
	char boot_path[512];
};

enum {
	LOST_MAX = 256, /* Closed in one turn */
	LOST_LOOK_MS = 5000,
	LOST_AFTER_US = 120 * 1000000,
	LOST_HEARD_US = 15 * 1000000,
	SEGMENTS = 16, /* At least, of a journal that has a limit */
};

/** Who waits until a record is durable */
struct stored {
	struct stored *next;
	struct charging *charging;
	Tandem__Header hdr;
};


static const struct catalog *in_force(const struct charging *charging)
{
	return publisher_current(charging->b->publisher);
}


struct journal *charging_journal(struct charging *charging)
{
	return charging->journal;
}


struct store *charging_store(struct charging *charging)
{
	return charging->store;
}


/* --- what the journal has ------------------------------------------------- */

static int on_replay(const struct journal_record *record, void *arg)
{
	struct charging *charging = arg;
	const struct replay replay = {
		.accounts = charging->accounts,
		.ended = charging->ended,
		.log = svc_log(charging->b->svc),
	};

	return replay_record(&replay, record);
}


static int on_carry(uint64_t below, void *arg)
{
	struct charging *charging = arg;

	return charging->grants ? grants_carry(charging->grants, below) : 0;
}


/* --- answers -------------------------------------------------------------- */

/* An asker that is away repeats its question. */
static void reply(const struct charging *charging, const Tandem__Header *hdr,
		  Tandem__Envelope *env)
{
	(void)bus_reply(svc_bus(charging->b->svc), hdr, env);
}


static void say_refused(const struct charging *charging,
			const Tandem__Header *hdr, Tandem__CreditWhy why)
{
	Tandem__CreditRefused refused = TANDEM__CREDIT_REFUSED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	refused.why = why;
	env.body_case = BUS_BODY(CREDIT_REFUSED);
	env.credit_refused = &refused;
	reply(charging, hdr, &env);
}


static void on_answer(const Tandem__Header *hdr,
		      const struct grant_answer *answer, void *arg)
{
	struct charging *charging = arg;
	Tandem__CreditGranted granted = TANDEM__CREDIT_GRANTED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	metric_inc_at(M_AUTHORISED, (size_t)answer->why);
	if (answer->why != TANDEM__CREDIT_WHY__CREDIT_WHY_NONE) {
		metric_inc_at(M_GRANTS, GRANTS_REFUSED);
		say_refused(charging, hdr, answer->why);
		return;
	}

	metric_inc_at(M_GRANTS, answer->is_part ? GRANTS_PART : GRANTS_FULL);
	granted.granted_s = answer->granted_s;
	granted.renew_s = answer->renew_s;
	granted.billing_mode = answer->mode;
	granted.short_vendors = short_vendors(charging->b->short_vendors,
					      &granted.n_short_vendors);
	env.body_case = BUS_BODY(CREDIT_GRANTED);
	env.credit_granted = &granted;
	reply(charging, hdr, &env);
}


static void say_stored(const struct charging *charging,
		       const Tandem__Header *hdr)
{
	Tandem__RecordStored stored = TANDEM__RECORD_STORED__INIT;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	env.body_case = BUS_BODY(RECORD_STORED);
	env.record_stored = &stored;
	reply(charging, hdr, &env);
}


/* --- beginning and going on ----------------------------------------------- */

/* What counts is what is in force, also for calls that run. */
static int take_cap(struct charging *charging, uint32_t id)
{
	const struct cat_account *row = catalog_by_id(in_force(charging),
						      RECORD_ACCOUNT, id);
	struct account *account;
	const int err = account_get(&account, charging->accounts, id);

	if (!err)
		account_cap(account, row ? row->daily_cap : account->cap,
			    spend_day(clk_wall_us()));

	return err;
}


void charging_authorise(struct charging *charging, const Tandem__Envelope *env)
{
	const struct catalog *c = in_force(charging);
	const Tandem__Authorise *ask = env->authorise;
	const struct authorised a = authorise(c, ask);
	const struct tariff_call call = { ask->account, ask->mapping,
					  text_of(ask->called),
					  ask->start_us };
	struct tariff tariff;

	/* What is granted could not be written down any more. */
	if (a.why != TANDEM__CREDIT_WHY__CREDIT_WHY_NONE ||
	    journal_is_full(charging->journal) ||
	    ended_has(charging->ended, ask->cdr_id) ||
	    take_cap(charging, ask->account)) {
		const struct grant_answer answer = {
			.why = a.why ? a.why
				     : TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR
		};

		on_answer(env->hdr, &answer, charging);
		return;
	}
	tariff_of(&tariff, c, &call);
	grants_begin(charging->grants, env->hdr, ask->cdr_id, &tariff,
		     clk_wall_us());
	hold_lived(charging->accounts, ask->cdr_id, 0, clk_mono_us());
}


void charging_renew(struct charging *charging, const Tandem__Envelope *env)
{
	const struct hold *hold = hold_find(charging->accounts,
					    env->renew->cdr_id);

	if (hold) {
		(void)take_cap(charging, hold->account->id);
		hold_lived(charging->accounts, hold->cdr_id, 0, clk_mono_us());
	}
	grants_renew(charging->grants, env->hdr, env->renew, clk_wall_us());
}


/* --- the end -------------------------------------------------------------- */

static struct stored *stored_take(struct charging *charging,
				  const Tandem__Header *hdr)
{
	struct stored *stored = charging->unused;

	if (stored)
		charging->unused = stored->next;
	else
		stored = malloc(sizeof(*stored));
	if (!stored)
		return NULL;

	stored->charging = charging;
	stored->hdr = *hdr;
	stored->hdr.base.n_unknown_fields = 0;
	stored->hdr.base.unknown_fields = NULL;

	return stored;
}


static void stored_give(struct stored *stored)
{
	stored->next = stored->charging->unused;
	stored->charging->unused = stored;
}


static void on_durable(uint64_t seq, void *arg)
{
	struct stored *stored = arg;

	(void)seq;
	say_stored(stored->charging, &stored->hdr);
	stored_give(stored);
}


/* What the vendor is paid by is found now, and stays with the call. */
static int answered_with(struct charging *charging, Tandem__Record *record,
			 struct stored *stored)
{
	struct tariff vendor;
	Tandem__Tariff message;
	uint8_t *bytes = NULL;
	int err;

	if (vendor_of(&vendor, in_force(charging), record)) {
		tariff_put(&message, &vendor);
		bytes = malloc(tandem__tariff__get_packed_size(&message));
		if (!bytes)
			return ENOMEM;
		record->vendor.len = tandem__tariff__pack(&message, bytes);
		record->vendor.data = bytes;
	}
	err = grants_answered(charging->grants, record, on_durable, stored);
	record->vendor = (ProtobufCBinaryData){ 0, NULL };
	free(bytes);

	return err;
}


int charging_answered(struct charging *charging, const Tandem__Envelope *env)
{
	struct stored *stored = stored_take(charging, env->hdr);
	ProtobufCBinaryData theirs;
	int err;

	if (!stored)
		return ENOMEM;
	/* It is ours alone. */
	theirs = env->answered->record->vendor;
	err = answered_with(charging, env->answered->record, stored);
	env->answered->record->vendor = theirs;
	if (err)
		stored_give(stored);
	/* Without charge nothing is kept for it. */
	if (err == ENOENT)
		say_stored(charging, env->hdr);

	return err == ENOENT ? 0 : err;
}


static int take_vendor(struct tariff *vendor, const Tandem__Record *open)
{
	Tandem__Tariff *message;
	int err;

	message = unpack(&tandem__tariff__descriptor, open->vendor.data,
			 open->vendor.len, &err);
	if (!message)
		return err;
	err = tariff_take(vendor, message);
	tandem__tariff__free_unpacked(message, NULL);

	return err;
}


/* As it was when the call was answered
 * @return ENOENT: nobody said how that was */
static int take_answered(struct tariff *vendor, const struct hold *hold,
			 uint32_t gateway)
{
	Tandem__Record *open;
	int err;

	if (!hold || !hold->open)
		return ENOENT;
	open = unpack(&tandem__record__descriptor, hold->open, hold->open_len,
		      &err);
	if (!open)
		return err;
	err = open->routing_gateway == gateway && open->vendor.len > 0
		      ? take_vendor(vendor, open)
		      : ENOENT;
	tandem__record__free_unpacked(open, NULL);

	return err;
}


/* As it was when the call was answered; if nobody can tell, as it is now.
 * @return ENOENT: nobody is paid; ENOMEM */
static int vendor_find(struct tariff *vendor, const struct charging *charging,
		       const Tandem__Record *record, const struct hold *hold)
{
	int err;

	if (record->answer_us <= 0)
		return ENOENT;
	err = take_answered(vendor, hold, record->routing_gateway);
	if (err == 0 || err == ENOMEM)
		return err;

	return vendor_of(vendor, in_force(charging), record) ? 0 : ENOENT;
}


static int rate_call(struct charge *charge, struct charging *charging,
		     const Tandem__Record *record, const struct hold *hold)
{
	const struct tariff_call call = { record->account,
					  record->mapping_gateway,
					  text_of(record->called),
					  record->start_us };
	struct tariff unknown, vendor;
	const int err = vendor_find(&vendor, charging, record, hold);

	if (err == ENOMEM)
		return err;
	if (!hold)
		tariff_of(&unknown, in_force(charging), &call);
	charge_of(charge, hold ? &hold->tariff : &unknown,
		  err ? NULL : &vendor, record,
		  hold ? hold->grant.granted_s : 0);

	return 0;
}


static int put_ended(struct charging *charging, Tandem__Record *record,
		     const struct charge *charge, uint32_t granted_s,
		     struct stored *stored)
{
	Tandem__CallEnded call;
	Tandem__Charge message;
	struct call_names names;
	uint8_t *payload;
	size_t len;
	int err;

	tandem__call_ended__init(&call);
	charge_put(&message, charge);
	call.record = record;
	call.charge = &message;
	call_names_put(&call, &names, in_force(charging), granted_s);
	len = tandem__call_ended__get_packed_size(&call);
	payload = malloc(len);
	if (!payload)
		return ENOMEM;
	(void)tandem__call_ended__pack(&call, payload);
	err = journal_put(charging->journal,
			  charge->rule == RECORD_IS_KEPT ? JOURNAL_ENDED
							 : JOURNAL_CLOSED,
			  payload, len, stored ? on_durable : NULL, stored);
	free(payload);

	return err;
}


/* Without memory for it the next start finds it in the journal. */
static void spend(struct charging *charging, const struct charge *charge,
		  int64_t end_us)
{
	struct account *account;

	if (charge->fee > 0 && charge->account &&
	    account_get(&account, charging->accounts, charge->account) == 0)
		account_spend(account, charge->fee, spend_day(end_us),
			      journal_last(charging->journal));
}


/* It is in the journal: the sums follow. */
static void settle(struct charging *charging, struct hold *hold,
		   const struct charge *charge, int64_t end_us)
{
	struct account *account = hold ? hold->account : NULL;

	if (charge->rule == RECORD_IS_KEPT)
		metric_inc(M_RECORDS);
	else
		metric_inc_at(M_CDR_SUPPRESSED, (size_t)charge->rule - 1);
	spend(charging, charge, end_us);
	if (!hold) {
		(void)account_charge(charging->accounts, charge->account,
				     charge->fee);
		return;
	}
	grants_forget(charging->grants, hold);
	(void)hold_settle(charging->accounts, hold, charge->fee);
	grants_trim(charging->grants, account);
}


/* What an unknown call costs is settled as far as there is free money. */
static int64_t settled_of(const struct charging *charging,
			  const struct hold *hold, const struct charge *charge)
{
	struct account *account;
	int64_t most;

	if (hold)
		return hold_settled(hold, charge->fee);
	account = account_find(charging->accounts, charge->account);
	if (!account || account->granted == 0 || charge->fee == 0)
		return 0;
	most = account_free(account);

	return account->settled + (charge->fee < most ? charge->fee : most);
}


static int end_call(struct charging *charging, Tandem__Record *record,
		    struct stored *stored)
{
	struct hold *hold = hold_find(charging->accounts, record->cdr_id);
	struct charge charge;
	int err;

	err = rate_call(&charge, charging, record, hold);
	if (err)
		return err;
	charge.settled = settled_of(charging, hold, &charge);
	err = put_ended(charging, record, &charge,
			hold ? hold->grant.granted_s : 0, stored);
	if (err)
		return err;
	settle(charging, hold, &charge, record->end_us);
	/* Without memory for it PostgreSQL sorts it out. */
	(void)ended_add(charging->ended, record->cdr_id);

	return 0;
}


int charging_ended(struct charging *charging, const Tandem__Envelope *env)
{
	Tandem__Record *record = env->ended->record;
	struct stored *stored;
	int err;

	if (record->cdr_id[0] == '\0' ||
	    strlen(record->cdr_id) >= HOLD_ID_SIZE)
		return EBADMSG;
	stored = stored_take(charging, env->hdr);
	if (!stored)
		return ENOMEM;

	err = ended_has(charging->ended, record->cdr_id)
		      ? journal_wait(charging->journal, on_durable, stored)
		      : end_call(charging, record, stored);
	if (err)
		stored_give(stored);

	return err;
}


/* --- calls of which nobody speaks any more -------------------------------- */

void charging_checkpoint(struct charging *charging,
			 const Tandem__Checkpoint *alive)
{
	const size_t len = tandem__checkpoint__get_packed_size(alive);
	uint8_t *payload;

	charging->heard_us = clk_mono_us();
	for (size_t i = 0; i < alive->n_cdr_id; i++)
		hold_lived(charging->accounts, alive->cdr_id[i], alive->at_us,
			   charging->heard_us);
	payload = alive->n_cdr_id > 0 ? malloc(len) : NULL;
	if (!payload)
		return;
	(void)tandem__checkpoint__pack(alive, payload);
	(void)journal_put(charging->journal, JOURNAL_ALIVE, payload, len, NULL,
			  NULL);
	free(payload);
}


static int close_lost(struct charging *charging, struct hold *hold)
{
	Tandem__Record *record = NULL;
	int err = 0;

	if (hold->open)
		record = unpack(&tandem__record__descriptor, hold->open,
				hold->open_len, &err);
	if (err == ENOMEM)
		return err;
	if (!record) {
		/* It had not been answered: what it held is free again. */
		Tandem__Record none;

		tandem__record__init(&none);
		none.cdr_id = hold->cdr_id;
		none.start_us = hold->at_us;
		return end_call(charging, &none, NULL);
	}

	lost_end(record, hold->at_us);
	log_warn(svc_log(charging->b->svc), "call_lost call=%s",
		 record->cdr_id);
	err = end_call(charging, record, NULL);
	tandem__record__free_unpacked(record, NULL);

	return err;
}


struct look {
	struct charging *charging;
	int64_t before_us;
	char ids[LOST_MAX][HOLD_ID_SIZE];
	size_t n;
};


static int on_hold(struct hold *hold, void *arg)
{
	struct look *look = arg;

	if (!hold->ask && hold->seen_us < look->before_us &&
	    look->n < LOST_MAX)
		(void)text_print(look->ids[look->n++], HOLD_ID_SIZE, "%s",
				 hold->cdr_id);

	return 0;
}


static size_t close_before(struct charging *charging, int64_t before_us)
{
	struct look look = { .charging = charging, .before_us = before_us };
	struct hold *hold;

	(void)holds_walk(charging->accounts, on_hold, &look);
	for (size_t i = 0; i < look.n; i++) {
		hold = hold_find(charging->accounts, look.ids[i]);
		if (hold && close_lost(charging, hold))
			break;
	}

	return look.n;
}


/* While checkpoints come, a call that is in none of them is no more; after a
 * loss of the machine no call is. By our own clock alone: wall time may step,
 * and sipd's be another one. */
static void on_lost(void *arg)
{
	struct charging *charging = arg;
	const int64_t now_us = clk_mono_us();
	size_t n = 0;

	if (charging->is_new_boot)
		n = close_before(charging, charging->begun_us);
	else if (charging->heard_us > 0 &&
		 now_us - charging->heard_us < LOST_HEARD_US &&
		 now_us - charging->begun_us > LOST_AFTER_US)
		n = close_before(charging, now_us - LOST_AFTER_US);
	if (n == 0 && charging->is_new_boot) {
		charging->is_new_boot = false;
		boot_note(charging->boot_path);
	}
	ev_timer_start(&charging->lost, svc_ev(charging->b->svc),
		       n ? 0 : LOST_LOOK_MS, on_lost, charging);
}


/* --- what is known -------------------------------------------------------- */

struct charging_money charging_money(const struct charging *charging,
				     uint32_t id)
{
	const struct account *account = account_find(charging->accounts, id);
	const uint32_t today = spend_day(clk_wall_us());

	return account ? (struct charging_money){ account->granted,
						  account->settled,
						  account->held,
						  account->day >= today
							  ? account->spent
							  : 0 }
		       : (struct charging_money){ 0, 0, 0, 0 };
}


/* --- its life ------------------------------------------------------------- */

static int on_raise(uint32_t account, int64_t wanted, lease_h *h, void *leased,
		    void *arg)
{
	struct charging *charging = arg;

	return charging->leases ? lease_ask(charging->leases, account, wanted,
					    h, leased)
				: ENOTCONN;
}


static int open_journal(struct charging *charging)
{
	struct svc *svc = charging->b->svc;
	char dir[512];
	const uint64_t limit = (uint64_t)svc_node(svc)->journal_mb << 20;
	const struct journal_args args = {
		.ev = svc_ev(svc),
		.dir = dir,
		.limit = limit,
		.segment = limit && limit / SEGMENTS < JOURNAL_SEGMENT
				   ? limit / SEGMENTS
				   : JOURNAL_SEGMENT,
		.log = svc_log(svc),
		.replayh = on_replay,
		.carryh = on_carry,
		.arg = charging,
	};

	if (text_print(dir, sizeof(dir), "%s/billingd/journal",
		       svc_node(svc)->state_dir))
		return ENAMETOOLONG;

	return journal_alloc(&charging->journal, &args);
}


static void on_took(int64_t us)
{
	metric_observe_us(M_DB_SECONDS, DB_OPERATION_STORE, (uint64_t)us);
}


static int open_store(struct charging *charging)
{
	struct svc *svc = charging->b->svc;
	const Tandem__Node *node = svc_node(svc);
	char quarantine[512];
	const struct store_args args = {
		.ev = svc_ev(svc),
		.conninfo = node->database,
		.password_file = node->password_file,
		.node = node->node,
		.quarantine = quarantine,
		.journal = charging->journal,
		.tookh = on_took,
		.log = svc_log(svc),
	};

	if (text_print(quarantine, sizeof(quarantine),
		       "%s/billingd/quarantine", node->state_dir))
		return ENAMETOOLONG;

	return store_alloc(&charging->store, &args);
}


static int open_grants(struct charging *charging)
{
	const struct grants_args args = {
		.ev = svc_ev(charging->b->svc),
		.accounts = charging->accounts,
		.journal = charging->journal,
		.raiseh = on_raise,
		.answerh = on_answer,
		.arg = charging,
	};

	return grants_alloc(&charging->grants, &args);
}


int charging_alloc(struct charging **chargingp, struct billingd *b)
{
	struct charging *charging = calloc(1, sizeof(*charging));
	int err;

	if (!charging)
		return ENOMEM;

	charging->b = b;
	err = accounts_alloc(&charging->accounts);
	if (!err)
		err = ended_alloc(&charging->ended);
	if (!err)
		err = open_journal(charging);
	if (!err)
		err = open_store(charging);
	if (!err)
		err = open_grants(charging);
	if (!err)
		err = leases_alloc(&charging->leases, b, grants_seen,
				   grants_spent, charging->grants);
	if (err) {
		log_error(svc_log(b->svc), "charging_cannot_begin why=%s",
			  strerror(err));
		charging_free(charging);
		return err;
	}
	charging->begun_us = clk_mono_us();
	if (text_print(charging->boot_path, sizeof(charging->boot_path),
		       "%s/billingd/boot", svc_node(b->svc)->state_dir) == 0)
		charging->is_new_boot = boot_is_new(charging->boot_path);
	ev_timer_start(&charging->lost, svc_ev(b->svc), 0, on_lost, charging);
	log_info(svc_log(b->svc), "charging_adopted holds=%zu",
		 hold_count(charging->accounts));
	*chargingp = charging;

	return 0;
}


/* Leases first: who waits for one is told, and that is in the journal. */
struct charging *charging_free(struct charging *charging)
{
	if (!charging)
		return NULL;

	ev_timer_stop(&charging->lost);
	charging->leases = leases_free(charging->leases);
	charging->store = store_free(charging->store);
	charging->journal = journal_free(charging->journal);
	grants_free(charging->grants);
	ended_free(charging->ended);
	accounts_free(charging->accounts);
	while (charging->unused) {
		struct stored *stored = charging->unused;

		charging->unused = stored->next;
		free(stored);
	}
	free(charging);

	return NULL;
}
