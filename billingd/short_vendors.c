/**
 * @file billingd/short_vendors.c  Clearing accounts that are out of money
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "billingd/billingd.h"
#include "billingd/short_vendors.h"
#include "shared/base/text.h"
#include "shared/catalog/build.h"
#include "shared/ev/ev.h"

enum {
	LOOK_MS = 1000
};

struct short_vendors {
	struct billingd *b;
	struct ev_timer timer;
	bool is_asking;
	size_t count;
	uint32_t ids[SHORT_VENDORS_MAX];
};


/* An overdraft that is NULL has no limit, and such an account is never short:
 * the comparison is not true then. */
static const char sql[] =
	"select a.id from account a join balance b on b.account_id = a.id "
	"where a.kind = 'clearing' and b.balance::numeric + a.overdraft < "
	"$1::numeric order by a.id limit 4096";


static void on_rows(int err, const struct db_result *r, const char *why,
		    void *arg)
{
	struct short_vendors *v = arg;

	(void)why;
	v->is_asking = false;
	if (err)
		return;

	v->count = 0;
	for (size_t i = 0; i < db_rows(r) && v->count < SHORT_VENDORS_MAX; i++)
		if (text_u32(&v->ids[v->count], text_of(db_text(r, i, 0)), 1,
			     INT32_MAX) == 0)
			v->count++;
}


static void ask(struct short_vendors *v, int64_t limit)
{
	char text[24];
	const char *texts[] = { text };
	const struct db_statement statement = { sql, texts, 1 };

	(void)text_print(text, sizeof(text), "%" PRId64, limit);
	v->is_asking = db_query(v->b->db, &statement, on_rows, v) == 0;
}


static void on_look(void *arg)
{
	struct short_vendors *v = arg;
	const struct catalog *c = publisher_current(v->b->publisher);
	const enum param limit =
		SERVER_VERIFY_CLEARING_CUSTOMER_REMAIN_MONEY_LIMIT;

	if (!c || !catalog_is_set(c, limit))
		v->count = 0;
	else if (!v->is_asking && billingd_has_database(v->b))
		ask(v, catalog_int(c, limit));
	ev_timer_start(&v->timer, svc_ev(v->b->svc), LOOK_MS, on_look, v);
}


int short_vendors_alloc(struct short_vendors **vp, struct billingd *b)
{
	struct short_vendors *v = calloc(1, sizeof(*v));

	if (!v)
		return ENOMEM;

	v->b = b;
	ev_timer_start(&v->timer, svc_ev(b->svc), 0, on_look, v);
	*vp = v;

	return 0;
}


struct short_vendors *short_vendors_free(struct short_vendors *v)
{
	if (!v)
		return NULL;

	ev_timer_stop(&v->timer);
	free(v);

	return NULL;
}


uint32_t *short_vendors(struct short_vendors *v, size_t *countp)
{
	*countp = v->count;

	return v->ids;
}
