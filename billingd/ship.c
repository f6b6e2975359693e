/**
 * @file billingd/ship.c  What operators learn of records that are under way
 *
 * Diagnostics: warn journal_high when the journal is older than 60 s, notice
 * journal_caught_up when it no longer is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/args.h"
#include "billingd/billingd.h"
#include "billingd/charging.h"
#include "billingd/journal.h"
#include "billingd/ship.h"
#include "billingd/store.h"
#include "shared/base/text.h"
#include "shared/ev/ev.h"

enum {
	LOOK_MS = 1000,
	OLD_US = 60 * 1000000,
};

struct ship {
	struct billingd *b;
	struct ev_timer timer;
	struct store_stats last;
	bool is_old;
};


static void count(const struct store_stats *now, const struct store_stats *was)
{
	metric_add(M_CDR_WRITTEN, now->written - was->written);
	metric_add(M_CDR_QUARANTINED, now->quarantined - was->quarantined);
	metric_set(M_JOURNAL_DEPTH, (int64_t)now->depth);
	metric_set(M_JOURNAL_AGE, now->age_us / 1000000);
}


static void on_look(void *arg)
{
	struct ship *ship = arg;
	const struct store_stats now = store_stats(
		charging_store(ship->b->charging));
	const struct log *log = svc_log(ship->b->svc);
	const bool is_old = now.age_us > OLD_US;

	count(&now, &ship->last);
	ship->last = now;
	metric_set(M_JOURNAL_USED,
		   journal_stats(charging_journal(ship->b->charging))
			   .used_percent);
	if (is_old && !ship->is_old)
		log_warn(log, "journal_high age=%llu",
			 (unsigned long long)now.age_us / 1000000);
	else if (!is_old && ship->is_old)
		log_notice(log, "journal_caught_up");
	ship->is_old = is_old;
	ev_timer_start(&ship->timer, svc_ev(ship->b->svc), LOOK_MS, on_look,
		       ship);
}


int ship_alloc(struct ship **shipp, struct billingd *b)
{
	struct ship *ship = calloc(1, sizeof(*ship));

	if (!ship)
		return ENOMEM;
	ship->b = b;
	ev_timer_start(&ship->timer, svc_ev(b->svc), LOOK_MS, on_look, ship);
	*shipp = ship;

	return 0;
}


/* --- commands ------------------------------------------------------------- */

int cmd_cdr_replay(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	const struct billingd *b = state;
	size_t n = 0;
	int err;

	(void)args;
	if (!b->charging)
		return admin_refuse(answer, "not_possible",
				    "billing { mode = \"open\" }: there is no "
				    "journal");
	err = store_replay(charging_store(b->charging), &n);
	if (err && n == 0)
		return admin_refuse(answer, "failed", "%s", strerror(err));
	answer->rows = json_pack("[{s:I,s:s?}]", "replayed", (json_int_t)n,
				 "error", err ? strerror(err) : NULL);

	return answer->rows ? 0 : ENOMEM;
}


struct ship *ship_free(struct ship *ship)
{
	if (!ship)
		return NULL;

	ev_timer_stop(&ship->timer);
	free(ship);

	return NULL;
}
