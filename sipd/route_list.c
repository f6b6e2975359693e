/**
 * @file sipd/route_list.c  Who may be tried, and in which order
 *
 * call-setup 4.1 and 4.2. Of all that match the best ROUTE_CANDIDATES_MAX are
 * kept, sorted as they come: thousands that match cost one comparison each.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/route.h"

enum {
	MATCHES_MAX = 256 /* Without an allocation */
};

/* Words of fields, in their order */
enum {
	MODE_EXTENSION,
	MODE_EXPIRATION
};
enum {
	MAPPING_ALL,
	MAPPING_ALLOW,
	MAPPING_FORBID
};

/* A candidate with what it is sorted by */
struct ranked {
	const struct cat_routing *gw;
	uint32_t length;
	uint32_t used, limit; /* Lines; limit 0: none */
};

struct ranking {
	size_t count;
	struct ranked rows[ROUTE_CANDIDATES_MAX];
};


static int cmp_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}


/* used / limit of both, as cross products; without a limit nothing is used */
static int cmp_share(const struct ranked *a, const struct ranked *b)
{
	const uint64_t a_limit = a->limit ? a->limit : 1;
	const uint64_t b_limit = b->limit ? b->limit : 1;
	const uint64_t a_used = a->limit ? a->used : 0;
	const uint64_t b_used = b->limit ? b->used : 0;

	return cmp_u64(a_used * b_limit, b_used * a_limit);
}


/* A total order over gateways: who is tried first is the smaller */
static int cmp_ranked(const struct ranked *a, const struct ranked *b)
{
	int cmp;

	cmp = (a->gw->protect != 0) - (b->gw->protect != 0);
	if (cmp == 0)
		cmp = cmp_u64(b->length, a->length);
	if (cmp == 0)
		cmp = (a->gw->priority > b->gw->priority) -
		      (a->gw->priority < b->gw->priority);
	if (cmp == 0)
		cmp = cmp_share(a, b);
	if (cmp == 0)
		cmp = cmp_u64(a->limit ? 0 : a->used, b->limit ? 0 : b->used);
	/* Rows lie in the catalog by name. */
	if (cmp == 0)
		cmp = (a->gw > b->gw) - (a->gw < b->gw);

	return cmp;
}


/* Where it belongs among those that are there */
static size_t place_of(const struct ranking *ranking, const struct ranked *r)
{
	size_t low = 0, high = ranking->count;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (cmp_ranked(&ranking->rows[mid], r) < 0)
			low = mid + 1;
		else
			high = mid;
	}

	return low;
}


static void ranking_add(struct ranking *ranking, const struct ranked *r)
{
	const size_t last = COUNT_OF(ranking->rows) - 1;
	size_t at;

	if (ranking->count > last) {
		if (cmp_ranked(r, &ranking->rows[last]) > 0)
			return;
		ranking->count = last;
	}

	at = place_of(ranking, r);
	memmove(&ranking->rows[at + 1], &ranking->rows[at],
		(ranking->count - at) * sizeof(*r));
	ranking->rows[at] = *r;
	ranking->count++;
}


/* mapping_mode: a phone is on no list */
static bool is_forbidden(const struct catalog *c, const struct cat_routing *gw,
			 const struct route_caller *caller)
{
	const uint32_t *ids;
	bool is_named = false;
	size_t count;

	if (gw->mapping_mode == MAPPING_ALL)
		return false;

	ids = catalog_span(c, RECORD_ROUTING, gw->mapping_names, sizeof(*ids),
			   &count);
	if (caller->kind == RECORD_MAPPING) {
		for (size_t i = 0; i < count && !is_named; i++)
			is_named = ids[i] == caller->id;
	}

	return gw->mapping_mode == MAPPING_ALLOW ? !is_named : is_named;
}


/* Everything a list is made from */
struct search {
	const struct route_view *v;
	const struct route_caller *caller;
	struct ranking allowed, forbidden;
	bool is_ended;    /* By expiration, behind this length */
	uint32_t end_len; /* With is_ended */
};


static void search_add(struct search *s, const struct catalog_candidate *found)
{
	const struct route_view *v = s->v;
	const struct cat_routing *gw = found->gateway;
	const struct ranked r = {
		.gw = gw,
		.length = found->length,
		.used = v->lines(LINES_ROUTING, gw->gw.row.id, v->arg),
		.limit = gw->gw.line_limit > 0 ? (uint32_t)gw->gw.line_limit
					       : 0,
	};

	if (is_forbidden(v->c, gw, s->caller)) {
		ranking_add(&s->forbidden, &r);
		return;
	}
	if (s->is_ended && found->length < s->end_len)
		return;
	if (gw->prefix_mode == MODE_EXPIRATION) {
		s->is_ended = true;
		s->end_len = found->length;
	}
	ranking_add(&s->allowed, &r);
}


static void search_run(struct search *s, const struct route_view *v,
		       const struct route_caller *caller, struct text called)
{
	struct catalog_candidate few[MATCHES_MAX], *many = NULL;
	struct catalog_candidate *found = few;
	size_t count;

	s->v = v;
	s->caller = caller;
	s->allowed.count = 0;
	s->forbidden.count = 0;
	s->is_ended = false;
	s->end_len = 0;

	count = catalog_candidates(v->c, called, few, COUNT_OF(few));
	if (count > COUNT_OF(few))
		many = calloc(count, sizeof(*many));
	if (many) {
		found = many;
		count = catalog_candidates(v->c, called, many, count);
	}
	else if (count > COUNT_OF(few)) {
		/* Out of memory: the longest prefixes must do. */
		count = COUNT_OF(few);
	}

	/* Longest prefix first: what ends the list comes before what it
	 * hides. */
	for (size_t i = 0; i < count; i++)
		search_add(s, &found[i]);
	free(many);
}


static void list_append(struct route_list *list, const struct ranking *ranking)
{
	for (size_t i = 0;
	     i < ranking->count && list->count < COUNT_OF(list->rows); i++) {
		const struct ranked *r = &ranking->rows[i];

		list->rows[list->count++] = (struct route_candidate){
			.gateway = r->gw->gw.row.id,
			.length = (uint8_t)r->length,
			.protect = r->gw->protect != 0,
		};
	}
}


void route_list_make(struct route_list *list, const struct route_view *v,
		     const struct route_caller *caller, struct text called)
{
	struct search s;

	search_run(&s, v, caller, called);
	list->count = 0;
	list_append(list, &s.allowed);
}


void route_list_all(struct route_list *list, size_t *allowedp,
		    const struct route_view *v,
		    const struct route_caller *caller, struct text called)
{
	struct search s;

	search_run(&s, v, caller, called);
	list->count = 0;
	list_append(list, &s.allowed);
	*allowedp = list->count;
	list_append(list, &s.forbidden);
}


uint32_t route_local(const struct catalog *c, struct text called)
{
	const struct cat_phone *phone = catalog_phone(c, called);

	return phone ? phone->row.id : 0;
}
