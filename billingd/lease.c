/**
 * @file billingd/lease.c  Money of accounts, leased from PostgreSQL
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "billingd/account.h"
#include "billingd/billingd.h"
#include "billingd/lease.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/ev/ev.h"

enum {
	LOOK_MS = 1000,
	STATEMENT_MS = 5000,
	SECOND_US = 1000000,
	NUMBER_SIZE = 24,
};

struct leases {
	struct billingd *b;
	struct db *db; /* Of its own: commands may take long */
	lease_seen_h *seenh;
	lease_spent_h *spenth;
	void *arg;
	struct ev_timer timer;
	bool is_looking;
	bool is_reading, has_read; /* What was spent today */
	uint32_t day;
};

struct lease_asking {
	lease_h *h;
	void *arg;
	int64_t begun_us;
};

static const char raise_sql[] =
	"select r.total, coalesce(l.settled, 0) from (select "
	"lease_raise($1, $2::integer, $3::bigint) as total) r left join lease "
	"l on l.node = $1 and l.account_id = $2::integer";

static const char look_sql[] =
	"select l.account_id, l.granted, l.settled, "
	"b.balance + a.overdraft - b.reserved "
	"from lease l join balance b on b.account_id = l.account_id "
	"join account a on a.id = l.account_id where l.node = $1";

/* Calls that lasted for more than two days are not looked for. */
static const char spent_sql[] =
	"select l.account_id, (-sum(l.amount))::bigint from ledger l "
	"join account a on a.id = l.account_id and a.daily_cap is not null "
	"join cdr c on c.cdr_id = l.cdr_id "
	"and c.start_time >= to_timestamp($1::bigint) - interval '2 days' "
	"and c.end_time >= to_timestamp($1::bigint) "
	"where l.kind = 'call' and l.time >= to_timestamp($1::bigint) "
	"group by l.account_id";


static bool is_up(const struct leases *leases)
{
	return db_is_up(leases->db) && billingd_has_database(leases->b);
}


/* --- what there is -------------------------------------------------------- */

static void on_row(const struct leases *leases, const struct db_result *r,
		   size_t row)
{
	const char *available = db_text(r, row, 3);
	int64_t granted, settled, left = INT64_MAX;
	uint32_t account;

	if (text_u32(&account, text_of(db_text(r, row, 0)), 1, INT32_MAX) ||
	    text_i64(&granted, text_of(db_text(r, row, 1)), 0, INT64_MAX) ||
	    text_i64(&settled, text_of(db_text(r, row, 2)), 0, granted) ||
	    (available &&
	     text_i64(&left, text_of(available), INT64_MIN, INT64_MAX)))
		return;
	leases->seenh(account, granted, settled, left, leases->arg);
}


static void on_looked(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct leases *leases = arg;

	(void)why;
	leases->is_looking = false;
	if (err)
		return;
	for (size_t i = 0; i < db_rows(r); i++)
		on_row(leases, r, i);
}


static void look(struct leases *leases)
{
	const char *texts[] = { svc_node(leases->b->svc)->node };
	const struct db_statement statement = { look_sql, texts, 1 };

	if (!leases->is_looking && is_up(leases))
		leases->is_looking = db_query(leases->db, &statement,
					      on_looked, leases) == 0;
}


/* --- what was spent ------------------------------------------------------- */

static void on_spent_row(const struct leases *leases,
			 const struct db_result *r, size_t row)
{
	int64_t amount;
	uint32_t account;

	if (text_u32(&account, text_of(db_text(r, row, 0)), 1, INT32_MAX) ||
	    text_i64(&amount, text_of(db_text(r, row, 1)), 1, INT64_MAX))
		return;
	leases->spenth(account, amount, leases->day, leases->arg);
}


static void on_spent(int err, const struct db_result *r, const char *why,
		     void *arg)
{
	struct leases *leases = arg;

	(void)why;
	leases->is_reading = false;
	if (err)
		return;
	leases->has_read = true;
	for (size_t i = 0; i < db_rows(r); i++)
		on_spent_row(leases, r, i);
}


static void read_spent(struct leases *leases)
{
	const int64_t now_us = clk_wall_us();
	char begins[NUMBER_SIZE];
	const char *texts[] = { begins };
	const struct db_statement statement = { spent_sql, texts, 1 };

	if (leases->has_read || leases->is_reading || !is_up(leases))
		return;
	leases->day = spend_day(now_us);
	(void)text_print(begins, sizeof(begins), "%" PRId64,
			 spend_day_begins(now_us) / SECOND_US);
	leases->is_reading = db_query(leases->db, &statement, on_spent,
				      leases) == 0;
}


static void on_look(void *arg)
{
	struct leases *leases = arg;

	look(leases);
	read_spent(leases);
	ev_timer_start(&leases->timer, svc_ev(leases->b->svc), LOOK_MS,
		       on_look, leases);
}


static void on_state(bool up, const char *why, void *arg)
{
	(void)why;
	if (up)
		look(arg);
}


/* --- more ----------------------------------------------------------------- */

static void on_raised(int err, const struct db_result *r, const char *why,
		      void *arg)
{
	struct lease_asking *asking = arg;
	int64_t granted = 0, settled = 0;

	(void)why;
	metric_observe_us(M_DB_SECONDS, DB_OPERATION_LEASE,
			  (uint64_t)(clk_mono_us() - asking->begun_us));
	if (!err &&
	    (db_rows(r) != 1 ||
	     text_i64(&granted, text_of(db_text(r, 0, 0)), 0, INT64_MAX) ||
	     text_i64(&settled, text_of(db_text(r, 0, 1)), 0, granted)))
		err = EIO;
	asking->h(err, granted, settled, asking->arg);
	free(asking);
}


int lease_ask(struct leases *leases, uint32_t account, int64_t wanted,
	      lease_h *h, void *arg)
{
	char id[NUMBER_SIZE], total[NUMBER_SIZE];
	const char *texts[] = { svc_node(leases->b->svc)->node, id, total };
	const struct db_statement statement = { raise_sql, texts, 3 };
	struct lease_asking *asking;
	int err;

	if (!is_up(leases))
		return ENOTCONN;
	asking = malloc(sizeof(*asking));
	if (!asking)
		return ENOMEM;

	*asking = (struct lease_asking){ h, arg, clk_mono_us() };
	(void)text_print(id, sizeof(id), "%" PRIu32, account);
	(void)text_print(total, sizeof(total), "%" PRId64, wanted);
	err = db_query(leases->db, &statement, on_raised, asking);
	if (err)
		free(asking);

	return err;
}


/* --- its life ------------------------------------------------------------- */

int leases_alloc(struct leases **leasesp, struct billingd *b,
		 lease_seen_h *seenh, lease_spent_h *spenth, void *arg)
{
	const Tandem__Node *node = svc_node(b->svc);
	struct leases *leases = calloc(1, sizeof(*leases));
	const struct db_args args = {
		.ev = svc_ev(b->svc),
		.conninfo = node->database,
		.password_file = node->password_file,
		.application = "tandem money",
		.statement_ms = STATEMENT_MS,
		.stateh = on_state,
		.arg = leases,
		.log = svc_log(b->svc),
	};
	int err;

	if (!leases)
		return ENOMEM;

	leases->b = b;
	leases->seenh = seenh;
	leases->spenth = spenth;
	leases->arg = arg;
	err = db_alloc(&leases->db, &args);
	if (err) {
		free(leases);
		return err;
	}
	ev_timer_start(&leases->timer, svc_ev(b->svc), LOOK_MS, on_look,
		       leases);
	*leasesp = leases;

	return 0;
}


struct leases *leases_free(struct leases *leases)
{
	if (!leases)
		return NULL;

	ev_timer_stop(&leases->timer);
	db_free(leases->db);
	free(leases);

	return NULL;
}
