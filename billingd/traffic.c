/**
 * @file billingd/traffic.c  Sums of calls, by hour, gateway and reason
 *
 * The key of a sum is the beginning of its row, as it is printed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/call_row.h"
#include "billingd/traffic.h"
#include "shared/base/map.h"
#include "shared/base/util.h"

#define HOUR_US INT64_C(3600000000)

enum {
	EXPECTED = 256,
	MS_US = 1000,
};

struct sum {
	struct map_link link;
	struct sum *next;
	int64_t attempts, answered, talk_ms, setup_ms, setups;
	int64_t fee, cost, margin;
	int64_t first_us, last_us;
	size_t keylen;
	char key[];
};

struct traffic {
	struct map *map;
	struct sum *sums; /* The newest first */
	struct row_text key;
};

/** One attempt of a call; NULL: it made none */
struct tried {
	const Tandem__Attempt *attempt;
	const char *gateway;
	bool is_last;
};


/* --- keys ----------------------------------------------------------------- */

static bool is_code(uint32_t code)
{
	return code >= 100 && code < 700;
}


/* Not NULL */
static void name(struct row_text *out, const char *value)
{
	row_clean(out, value ? value : "", false);
	row_next(out);
}


static void print_key(struct row_text *out, const Tandem__CallEnded *call,
		      const struct tried *tried)
{
	const Tandem__Record *r = call->record;
	const Tandem__Attempt *a = tried->attempt;
	const char *reason = call_reason_word(r->end_reason);
	uint32_t code = r->sip_code;

	if (!tried->is_last && a && call_reason_word(a->reason)[0])
		reason = call_reason_word(a->reason);
	if (a && (!tried->is_last || !is_code(code)))
		code = a->sip_code;

	row_time(out, r->start_us - r->start_us % HOUR_US);
	name(out, tried->gateway);
	name(out, call->charge->account_name);
	name(out, call->charge->rate_prefix);
	name(out, reason[0] ? reason : "InternalError");
	row_int(out, is_code(code) ? code : 0);
}


/* --- sums ----------------------------------------------------------------- */

static struct sum *sum_make(struct traffic *traffic)
{
	const struct row_text *key = &traffic->key;
	struct sum *sum = calloc(1, sizeof(*sum) + key->l);

	if (!sum)
		return NULL;
	memcpy(sum->key, key->p, key->l);
	sum->keylen = key->l;
	if (map_add(traffic->map, &sum->link, sum->key, sum->keylen)) {
		free(sum);
		return NULL;
	}
	sum->next = traffic->sums;
	traffic->sums = sum;

	return sum;
}


/* NULL: no memory */
static struct sum *sum_of(struct traffic *traffic,
			  const Tandem__CallEnded *call,
			  const struct tried *tried)
{
	struct row_text *key = &traffic->key;
	struct map_link *link;

	key->l = 0;
	print_key(key, call, tried);
	if (key->has_failed) {
		key->has_failed = false;
		return NULL;
	}
	link = map_find(traffic->map, key->p, key->l);

	return link ? CONTAINER_OF(link, struct sum, link) : sum_make(traffic);
}


static void add_end(struct sum *sum, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;
	const Tandem__Charge *c = call->charge;
	const int64_t rung = r->progress_us ? r->progress_us : r->answer_us;

	sum->answered += r->answer_us > 0;
	sum->talk_ms += c->duration_ms;
	if (rung > 0 && rung >= r->start_us) {
		sum->setup_ms += (rung - r->start_us) / MS_US;
		sum->setups++;
	}
	sum->fee += c->fee;
	sum->cost += c->vendor_cost;
	sum->margin += c->margin;
}


static int add_tried(struct traffic *traffic, const Tandem__CallEnded *call,
		     const struct tried *tried)
{
	const int64_t start_us = call->record->start_us;
	struct sum *sum = sum_of(traffic, call, tried);

	if (!sum)
		return ENOMEM;
	sum->attempts++;
	if (tried->is_last)
		add_end(sum, call);
	if (sum->first_us == 0 || start_us < sum->first_us)
		sum->first_us = start_us;
	if (start_us > sum->last_us)
		sum->last_us = start_us;

	return 0;
}


int traffic_add(struct traffic *traffic, const Tandem__CallEnded *call)
{
	const Tandem__Record *r = call->record;
	struct tried tried = { .gateway = "", .is_last = true };
	size_t last = r->n_attempts;
	int err = 0;

	for (size_t i = 0; i < r->n_attempts; i++)
		if (!r->attempts[i]->token[0])
			last = i;
	if (last == r->n_attempts)
		return add_tried(traffic, call, &tried);

	for (size_t i = 0; !err && i <= last; i++) {
		tried.attempt = r->attempts[i];
		tried.is_last = i == last;
		tried.gateway = i < call->n_attempt_name
					? call->attempt_name[i]
					: "";
		if (!tried.attempt->token[0])
			err = add_tried(traffic, call, &tried);
	}

	return err;
}


/* --- rows ----------------------------------------------------------------- */

static int sum_row(struct row_text *out, const struct sum *sum)
{
	const int64_t numbers[] = {
		sum->attempts, sum->answered, sum->talk_ms, sum->setup_ms,
		sum->setups,   sum->fee,      sum->cost,    sum->margin,
	};
	const size_t before = out->l;

	row_bytes(out, sum->key, sum->keylen);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		row_int(out, numbers[i]);
	row_time(out, sum->first_us);
	row_time(out, sum->last_us);

	return row_end(out, before);
}


int traffic_rows(const struct traffic *traffic, struct row_text *out)
{
	int err = 0;

	for (const struct sum *s = traffic->sums; s && !err; s = s->next)
		err = sum_row(out, s);

	return err;
}


/* --- its life ------------------------------------------------------------- */

void traffic_empty(struct traffic *traffic)
{
	struct sum *sum;

	while ((sum = traffic->sums)) {
		traffic->sums = sum->next;
		map_remove(traffic->map, &sum->link);
		free(sum);
	}
}


int traffic_alloc(struct traffic **trafficp)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));

	if (!traffic)
		return ENOMEM;
	if (map_alloc(&traffic->map, EXPECTED)) {
		free(traffic);
		return ENOMEM;
	}
	*trafficp = traffic;

	return 0;
}


struct traffic *traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return NULL;

	traffic_empty(traffic);
	map_free(traffic->map);
	free(traffic->key.p);
	free(traffic);

	return NULL;
}
