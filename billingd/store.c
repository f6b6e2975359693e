/**
 * @file billingd/store.c  From the journal into PostgreSQL, each record once
 *
 *     mark known?  no: ask for it.  yes: batches behind it, COPY, commit
 *     committed:   the mark moves, and with it what the journal may forget
 *     there:       which of its records are in the database? without them
 *     refused:     half as many, down to one; that one goes to quarantine
 *     anything else: the mark is not known any more
 *
 * Several batches are under way, each on its own connection: while the rows
 * of one are booked, those of the next are copied. A batch is copied up to
 * its entries; those wait until the one before is committed, so batches are
 * booked in the order of the journal and none waits for a lock of another.
 *
 * Diagnostics: warn record_not_understood, records_not_stored (thinned: the
 * first of each time it fails); notice records_caught_up; error
 * cdr_quarantined.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/journal.h"
#include "billingd/quarantine.h"
#include "billingd/store.h"
#include "billingd/store_batch.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/db/db.h"
#include "shared/ev/ev.h"

enum {
	LOOK_MS = 50, /* What ends meanwhile is one transaction */
	AGAIN_MS = 1000,
	TURN_RECORDS = 512, /* Read in one turn of the loop */
	COPY_BYTES = 256 << 10,
	LANES = 3,             /* One is booked, one copied, one read */
	CARE_MS = 3600 * 1000, /* Partitions */
	DAYS_AHEAD = 7,
};

/** A connection, and the batch that is under way on it */
struct lane {
	struct store *store;
	struct db *db;
	struct batch *batch;
	bool is_flying, is_done;
	bool is_waiting; /* Before its entries, for the one before */
	size_t part, sent;
	int64_t begun_us;
	int err;
	char why[DB_WHY_MAX];
};

struct store {
	struct ev *ev;
	struct store_args args;
	struct ev_timer timer, care;
	struct lane lanes[LANES];
	size_t oldest, flying; /* Lanes in the order of the journal */
	bool is_asking;        /* The database, for the mark or for ids */
	bool is_freed;

	bool has_mark, was_failing;
	uint64_t mark;                 /* All up to it is in PostgreSQL */
	uint64_t read;                 /* All up to it is in a batch */
	struct journal_reader *reader; /* Behind what was read last */
	size_t most;                   /* Records in a batch */
	uint64_t skip; /* In quarantine: not to be stored; 0: none */
	bool is_careful;
	struct batch_known *known; /* NULL: to be asked for */

	uint64_t written, quarantined;
	char quarantine[512];
};


static void look(struct store *store);


static void on_look(void *arg)
{
	look(arg);
}


static void look_in(struct store *store, uint32_t ms)
{
	ev_timer_start(&store->timer, store->ev, ms, on_look, store);
}


/* The lane whose batch is read into; NULL: all are under way */
static struct lane *reading_lane(struct store *store)
{
	const size_t most = store->is_careful || store->most < BATCH_RECORDS
				    ? 1
				    : LANES;

	if (store->flying >= most)
		return NULL;

	return &store->lanes[(store->oldest + store->flying) % LANES];
}


static bool are_up(const struct store *store)
{
	bool up = true;

	for (size_t i = 0; i < LANES; i++)
		up = up && db_is_up(store->lanes[i].db);

	return up;
}


/* --- what the database has ------------------------------------------------ */

/* The database may be one that was restored: it says where it goes on. */
static void take_mark(struct store *store, uint64_t mark)
{
	const uint64_t last = journal_last(store->args.journal);

	assert(store->flying == 0);
	if (mark > last)
		mark = last;
	store->mark = store->read = mark;
	store->has_mark = true;
	for (size_t i = 0; i < LANES; i++)
		batch_empty(store->lanes[i].batch, mark);
	store->reader = journal_reader_free(store->reader);
	if (journal_reader_alloc(&store->reader, store->args.journal, mark))
		store->has_mark = false;
}


static void failed(struct store *store, const char *why)
{
	if (!store->was_failing)
		log_warn(store->args.log, "records_not_stored why=%s", why);
	store->was_failing = true;
	store->has_mark = false;
	store->known = batch_known_free(store->known);
	look_in(store, AGAIN_MS);
}


static void on_mark(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct store *store = arg;
	const char *text;
	uint64_t mark;

	store->is_asking = false;
	if (store->is_freed)
		return;
	text = !err && db_rows(r) == 1 ? db_text(r, 0, 0) : NULL;
	if (!text || text_u64(&mark, text_of(text), 0, INT64_MAX)) {
		failed(store, why && why[0] ? why : strerror(err ? err : EIO));
		return;
	}
	take_mark(store, mark);
	look(store);
}


/* Tables of a session, for what is booked and summed up */
static const char sql_entry[] =
	"create temp table if not exists entry (n bigint, account_id integer, "
	"amount bigint, kind text, cdr_id text collate \"C\") "
	"on commit delete rows";
static const char sql_traffic[] =
	"create temp table if not exists traffic_part (like traffic_hour) "
	"on commit delete rows";
static const char sql_odd[] =
	"create temp table if not exists odd (n bigint, account_id integer, "
	"agent_id integer, clearing_id integer, cap_s integer, cap_name text, "
	"like cdr) on commit delete rows";
static const char sql_mark[] = "select journal_open($1, $2)";


static void set_up(struct db *db)
{
	const struct db_statement statements[] = {
		{ .sql = sql_entry },
		{ .sql = sql_traffic },
		{ .sql = sql_odd },
	};

	(void)db_transaction(db, statements, COUNT_OF(statements), NULL, NULL);
}


static void ask_mark(struct store *store)
{
	const char *params[] = { journal_id(store->args.journal),
				 store->args.node };
	const struct db_statement statement = { sql_mark, params, 2 };
	int err;

	for (size_t i = 0; i < LANES; i++)
		set_up(store->lanes[i].db);
	err = db_query(store->lanes[0].db, &statement, on_mark, store);
	if (err)
		failed(store, strerror(err));
	else
		store->is_asking = true;
}


/* --- which records are there ---------------------------------------------- */

/* The batch is read anew, without them. */
static void on_known(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct store *store = arg;

	store->is_asking = false;
	if (store->is_freed)
		return;
	if (!err)
		err = batch_known_alloc(&store->known);
	for (size_t i = 0; !err && i < db_rows(r); i++)
		err = batch_known_add(store->known, db_text(r, i, 0));
	if (err) {
		failed(store, why && why[0] ? why : strerror(err));
		return;
	}
	take_mark(store, store->mark);
	look(store);
}


static void ask_known(struct store *store, const struct lane *lane)
{
	char *ids = batch_ids(lane->batch);
	const char *params[] = { ids };
	const struct db_statement statement = {
		"select cdr_id from cdr where cdr_id = any($1)", params, 1
	};
	int err = ids ? db_query(lane->db, &statement, on_known, store)
		      : ENOMEM;

	free(ids);
	if (err) {
		failed(store, strerror(err));
		return;
	}
	store->most = lane->batch->count > 0 ? lane->batch->count : 1;
	store->is_asking = true;
}


/* --- a batch -------------------------------------------------------------- */

static int read_one(struct store *store, struct batch *batch)
{
	struct journal_record record;
	int err;

	err = journal_read(store->reader, &record);
	if (err)
		return err;
	if (record.seq == store->skip) {
		batch->last = record.seq;
		return 0;
	}
	err = batch_add(batch, &record, store->known);
	if (err == EBADMSG) {
		log_warn(store->args.log,
			 "record_not_understood seq=%" PRIu64 " type=%d",
			 record.seq, (int)record.type);
		err = 0;
	}

	return err;
}


static bool is_full(const struct store *store, const struct batch *batch)
{
	return batch->count >= store->most || batch_is_full(batch);
}


/* EAGAIN: that is all there is */
static int read_on(struct store *store, struct batch *batch)
{
	int err = 0;

	for (unsigned n = 0; !err && n < TURN_RECORDS; n++) {
		if (is_full(store, batch))
			return 0;
		err = read_one(store, batch);
	}

	return err;
}


static void caught_up(struct store *store)
{
	if (store->was_failing)
		log_notice(store->args.log, "records_caught_up seq=%" PRIu64,
			   store->mark);
	store->was_failing = false;
}


static void on_stored(int err, const struct db_result *r, const char *why,
		      void *arg);


static bool is_oldest(const struct lane *lane)
{
	return lane == &lane->store->lanes[lane->store->oldest];
}


/* What comes behind one that failed must not be booked. */
static bool is_behind_a_failure(const struct lane *lane)
{
	const struct lane *first = &lane->store->lanes[lane->store->oldest];

	return lane != first && first->is_done && first->err;
}


static void give_up(struct lane *lane)
{
	lane->is_waiting = false;
	(void)db_copy_end(lane->db, "the batch before failed");
}


/* A part of it that has rows was begun: its data. */
static void on_room(void *arg)
{
	struct lane *lane = arg;
	const struct row_text *rows;

	while (lane->part < BATCH_ENTRY &&
	       lane->batch->parts[lane->part].l == 0)
		lane->part++;
	lane->is_waiting = lane->part == BATCH_ENTRY && !is_oldest(lane);
	if (is_behind_a_failure(lane))
		give_up(lane);
	if (lane->is_waiting || is_behind_a_failure(lane))
		return;
	while (lane->part > BATCH_ENTRY &&
	       lane->batch->parts[lane->part].l == 0)
		lane->part++;
	rows = &lane->batch->parts[lane->part];
	while (lane->sent < rows->l) {
		const size_t left = rows->l - lane->sent;
		const size_t n = left < COPY_BYTES ? left : COPY_BYTES;

		if (db_copy_data(lane->db, rows->p + lane->sent, n))
			return;
		lane->sent += n;
	}
	lane->part++;
	lane->sent = 0;
	(void)db_copy_end(lane->db, NULL);
}


static int copy_begin(struct store *store, struct lane *lane)
{
	unsigned copies = 0;
	int err = batch_close(lane->batch);
	char *sql;

	if (err)
		return err;
	sql = batch_sql(lane->batch, journal_id(store->args.journal),
			store->args.node, &copies);
	err = sql ? db_copies_begin(lane->db, sql, copies, on_room, on_stored,
				    lane)
		  : ENOMEM;
	free(sql);

	return err;
}


static void ship(struct store *store, struct lane *lane)
{
	const int err = copy_begin(store, lane);

	lane->begun_us = clk_mono_us();
	lane->part = lane->sent = 0;
	lane->is_waiting = false;
	lane->is_flying = true;
	lane->is_done = err != 0;
	lane->err = err;
	(void)text_print(lane->why, sizeof(lane->why), "%s",
			 err ? strerror(err) : "");
	store->flying++;
}


/* --- how it ended --------------------------------------------------------- */

static void stored(struct store *store, struct lane *lane)
{
	lane->is_flying = false;
	store->flying--;
	store->oldest = (store->oldest + 1) % LANES;
	if (store->args.tookh)
		store->args.tookh(clk_mono_us() - lane->begun_us);
	store->written += lane->batch->count;
	store->mark = lane->batch->last;
	store->skip = 0;
	store->is_careful = false;
	store->known = batch_known_free(store->known);
	store->most = store->most < BATCH_RECORDS / 2 ? store->most * 2
						      : BATCH_RECORDS;
	journal_applied(store->args.journal, store->mark);
	caught_up(store);
	batch_empty(lane->batch, store->mark);
}


/* The one record it is about; its money is not booked until it is replayed. */
static void quarantine(struct store *store, const struct lane *lane)
{
	struct journal_reader *reader = NULL;
	struct journal_record record = { .seq = 0 };
	int err;

	err = journal_reader_alloc(&reader, store->args.journal,
				   lane->batch->first_row - 1);
	if (!err)
		err = journal_read(reader, &record);
	if (!err)
		err = quarantine_put(store->quarantine, &record, lane->why);
	if (!err) {
		store->skip = record.seq;
		store->quarantined++;
		log_error(store->args.log,
			  "cdr_quarantined seq=%" PRIu64 " why=%s", record.seq,
			  lane->why);
	}
	journal_reader_free(reader);
}


static void refused(struct store *store, const struct lane *lane)
{
	const size_t count = lane->batch->count;

	if (count <= 1)
		quarantine(store, lane);
	store->most = count > 1 ? count / 2 : 1;
	store->known = batch_known_free(store->known);
	take_mark(store, store->mark);
	look_in(store, store->skip || store->most > 1 ? 0 : AGAIN_MS);
}


/* The oldest failed, and nothing else is under way. */
static void decide(struct store *store, struct lane *lane)
{
	store->flying = 0;
	if (lane->err == EEXIST && !store->is_careful) {
		store->is_careful = true;
		store->most = lane->batch->count;
		take_mark(store, store->mark);
		look_in(store, 0);
	}
	else if ((lane->err == EINVAL || lane->err == EEXIST) &&
		 lane->batch->count > 0) {
		refused(store, lane);
	}
	else {
		failed(store, lane->why);
	}
}


/* All that comes behind. @return nothing is under way any more */
static bool is_given_up(struct store *store)
{
	bool is_over = true;

	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &store->lanes[i];

		if (!lane->is_flying || lane->is_done)
			continue;
		is_over = false;
		give_up(lane);
	}

	return is_over;
}


static void settle(struct store *store)
{
	struct lane *lane = &store->lanes[store->oldest];

	while (store->flying > 0 && lane->is_done && !lane->err) {
		stored(store, lane);
		lane = &store->lanes[store->oldest];
	}
	if (store->flying > 0 && lane->is_done) {
		if (!is_given_up(store))
			return;
		for (size_t i = 0; i < LANES; i++)
			store->lanes[i].is_flying = false;
		decide(store, lane);
		return;
	}
	if (store->flying > 0 && lane->is_waiting)
		on_room(lane);
	look_in(store, 0);
}


static void on_stored(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct lane *lane = arg;

	(void)r;
	lane->is_done = true;
	lane->err = err;
	(void)text_print(lane->why, sizeof(lane->why), "%s",
			 why && why[0] ? why : strerror(err));
	if (!lane->store->is_freed)
		settle(lane->store);
}


/* Nothing for PostgreSQL: the journal need not keep it. */
static void pass_by(struct store *store, const struct batch *batch)
{
	if (store->flying == 0) {
		journal_applied(store->args.journal, batch->last);
		caught_up(store);
		look_in(store, LOOK_MS);
	}
}


/* is_all: there is no more. One that is not full waits for those before. */
static void go_on(struct store *store, struct lane *lane, bool is_all)
{
	const struct batch *batch = lane->batch;

	if (!batch_has_any(batch) && is_all)
		pass_by(store, batch);
	else if (!is_all && !is_full(store, batch))
		look_in(store, 0);
	else if (!is_full(store, batch) && store->flying > 0)
		return;
	else if (!are_up(store))
		failed(store, "not connected");
	else if (store->is_careful && !store->known)
		ask_known(store, lane);
	else {
		ship(store, lane);
		if (lane->is_done)
			settle(store);
		else
			look_in(store, 0);
	}
}


static void look(struct store *store)
{
	struct lane *lane = reading_lane(store);
	int err;

	if (store->is_asking || !lane)
		return;
	if (!store->has_mark) {
		if (store->flying > 0)
			return;
		if (are_up(store))
			ask_mark(store);
		else
			look_in(store, AGAIN_MS);
		return;
	}
	if (lane->batch->last == lane->batch->from)
		batch_empty(lane->batch, store->read);
	err = read_on(store, lane->batch);
	store->read = lane->batch->last;
	if (err && err != EAGAIN && store->flying == 0)
		failed(store, strerror(err));
	else if (!err || err == EAGAIN)
		go_on(store, lane, err == EAGAIN);
}


static void on_state(bool up, const char *why, void *arg)
{
	struct lane *lane = arg;

	(void)why;
	if (!up)
		lane->store->has_mark = false;
	if (!lane->store->is_freed)
		look_in(lane->store, 0);
}


/* --- days ----------------------------------------------------------------- */

static void on_care(void *arg)
{
	struct store *store = arg;
	struct db *db = store->lanes[0].db;
	char days[16];
	const char *params[] = { days };
	const struct db_statement statement = {
		.sql = "select cdr_partitions_ahead($1)",
		.params = params,
		.paramc = 1,
	};
	int err;

	(void)text_print(days, sizeof(days), "%d", DAYS_AHEAD);
	err = db_is_up(db) ? db_query(db, &statement, NULL, NULL) : ENOTCONN;
	ev_timer_start(&store->care, store->ev, err ? AGAIN_MS : CARE_MS,
		       on_care, store);
}


/* --- its life ------------------------------------------------------------- */

/* The first batch that has records which are not in the database; NULL: none
 */
static const struct batch *first_batch(const struct store *store)
{
	const struct batch *batch = store->lanes[store->oldest].batch;

	return batch->count > 0 || batch->leasec > 0 ? batch : NULL;
}


struct store_stats store_stats(const struct store *store)
{
	const uint64_t last = journal_last(store->args.journal);
	const struct batch *batch = first_batch(store);
	const uint64_t known = batch ? store->mark : store->read;
	struct store_stats stats = {
		.depth = last > known ? last - known : 0,
		.written = store->written,
		.quarantined = store->quarantined,
	};

	if (batch && batch->oldest_us)
		stats.age_us = clk_wall_us() - batch->oldest_us;

	return stats;
}


int store_replay(struct store *store, size_t *countp)
{
	return quarantine_replay(store->quarantine, store->args.journal,
				 countp);
}


static int lane_open(struct lane *lane, struct store *store)
{
	const struct db_args db = {
		.ev = store->ev,
		.conninfo = store->args.conninfo,
		.password_file = store->args.password_file,
		.application = "tandem records",
		.stateh = on_state,
		.arg = lane,
		.log = store->args.log,
	};
	int err;

	lane->store = store;
	err = batch_alloc(&lane->batch);

	return err ? err : db_alloc(&lane->db, &db);
}


int store_alloc(struct store **storep, const struct store_args *args)
{
	struct store *store = calloc(1, sizeof(*store));
	int err = 0;

	if (!store)
		return ENOMEM;
	store->ev = args->ev;
	store->args = *args;
	if (text_print(store->quarantine, sizeof(store->quarantine), "%s",
		       args->quarantine)) {
		free(store);
		return ENAMETOOLONG;
	}
	store->most = BATCH_RECORDS;
	for (size_t i = 0; !err && i < LANES; i++)
		err = lane_open(&store->lanes[i], store);
	if (err) {
		store_free(store);
		return err;
	}
	look_in(store, 0);
	ev_timer_start(&store->care, store->ev, 0, on_care, store);
	*storep = store;

	return 0;
}


struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;

	store->is_freed = true; /* Nothing begins any more */
	for (size_t i = 0; i < LANES; i++)
		store->lanes[i].db = db_free(store->lanes[i].db);
	ev_timer_stop(&store->timer);
	ev_timer_stop(&store->care);
	journal_reader_free(store->reader);
	batch_known_free(store->known);
	for (size_t i = 0; i < LANES; i++)
		batch_free(store->lanes[i].batch);
	free(store);

	return NULL;
}
