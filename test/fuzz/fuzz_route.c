/**
 * @file test/fuzz/fuzz_route.c  Any number, any load, over one catalog
 *
 * The first byte chooses who calls, the second how busy and broken
 * everything is; the rest is the number called. The list is what a slow
 * reading of call-setup 4.2 over all gateways gives: those it has, in its
 * order, nobody twice, nobody forbidden.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/build_int.h"
#include "sipd/route.h"

enum {
	GATEWAYC = 240,
	FIELDS_MAX = 64,
	VALUE_MAX = 64,
	NUMBER_MAX = 64,
	CALLERC = 4 /* The last is a phone */
};

struct load {
	uint8_t seed;
};

/* A gateway as the slow reading has it */
struct slow {
	const struct cat_routing *gw;
	uint32_t length;
	uint64_t used;
	bool is_forbidden;
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void put(struct build *b, enum record_kind kind, uint32_t id,
		const char *const *pairs)
{
	const char *values[FIELDS_MAX] = { NULL };
	char why[BUILD_WHY_MAX] = "";

	for (size_t p = 0; pairs[p]; p += 2) {
		const struct record_field *field =
			record_field_find(kind, text_of(pairs[p]));

		assert(field);
		values[field - records[kind].fields] = pairs[p + 1];
	}
	assert(build_row(b, kind, id, values, why) == 0);
}


static void put_gateway(struct build *b, uint32_t i)
{
	static const char *const prefixes[] = {
		"", "1", "12", "121", "1212,1", "12125", "44", "1,44", "9",
	};
	static const char *const modes[] = { "all", "allow", "forbid", "all" };
	static const char *const names[] = { "", "1", "1,2", "3" };
	static const char *const limits[] = { "0", "1", "7", "100" };
	char name[VALUE_MAX], priority[VALUE_MAX];
	const char *const pairs[] = {
		"name",
		name,
		"prefixes",
		prefixes[i % COUNT_OF(prefixes)],
		"priority",
		priority,
		"prefix_mode",
		i % 9 == 3 && i % 5 == 0 ? "expiration" : "extension",
		"protect",
		i % 7 == 0 ? "On" : "Off",
		"mapping_mode",
		modes[i / 3 % COUNT_OF(modes)],
		"mapping_names",
		names[i / 5 % COUNT_OF(names)],
		"line_limit",
		limits[i / 2 % COUNT_OF(limits)],
		"lock",
		i % 13 == 0 ? "all" : "none",
		"group",
		i % 6 == 0 ? "1" : "0",
		"reserved_lines",
		i % 12 == 0 ? "2" : "0",
		NULL,
	};

	(void)text_print(name, sizeof(name), "g%u", i * 37 % GATEWAYC);
	(void)text_print(priority, sizeof(priority), "%u", i % 3);
	put(b, RECORD_ROUTING, i + 1, pairs);
}


static const struct catalog *make_catalog(void)
{
	static const struct catalog_control control = { .publication = 1 };
	static const char *const account[] = { "name", "a", NULL };
	static const char *const group[] = { "name", "g", "line_limit", "60",
					     NULL };
	static const char *const phone[] = { "number", "1001", "account", "1",
					     NULL };
	struct part *parts[CATALOG_PARTC] = { NULL };
	char name[VALUE_MAX], why[BUILD_WHY_MAX];
	struct catalog *c = NULL;
	struct build *b = NULL;

	assert(build_alloc(&b, NULL) == 0);
	put(b, RECORD_ACCOUNT, 1, account);
	put(b, RECORD_GROUP, 1, group);
	put(b, RECORD_PHONE, 1, phone);
	for (uint32_t i = 1; i < CALLERC; i++) {
		const char *const pairs[] = { "name", name, "account", "1",
					      NULL };

		(void)text_print(name, sizeof(name), "m%u", i);
		put(b, RECORD_MAPPING, i, pairs);
	}
	for (uint32_t i = 0; i < GATEWAYC; i++)
		put_gateway(b, i);

	for (size_t i = 0; i < CATALOG_PARTC; i++)
		assert(build_part(&parts[i], b, i, why) == 0);
	assert(catalog_alloc(&c, &control, parts) == 0);
	for (size_t i = 0; i < CATALOG_PARTC; i++)
		part_unref(parts[i]);
	build_free(b);

	return c;
}


/* The same for the same id and seed, few different ones */
static uint32_t mix(const struct load *load, uint32_t id)
{
	return (id * 2654435761u ^ load->seed * 40503u) >> 7;
}


static uint32_t load_lines(enum lines_kind kind, uint32_t id, void *arg)
{
	const struct load *load = arg;

	return load->seed == 0 ? 0 : mix(load, id + (uint32_t)kind) % 9;
}


static bool load_rate(enum lines_kind kind, uint32_t id, uint32_t limit,
		      void *arg)
{
	return mix(arg, id + (uint32_t)kind) % 16 != 0 || limit == 0;
}


static bool load_good(uint32_t id, void *arg)
{
	return mix(arg, id) % 16 != 1;
}


static bool load_bad(uint32_t id, void *arg)
{
	return mix(arg, id) % 16 == 2;
}


/* Length of the longest prefix that fits; -1: none does */
static int slow_length(const struct catalog *c, const struct cat_routing *gw,
		       struct text called)
{
	const cat_str *prefixes;
	size_t count;
	int best = -1;

	prefixes = catalog_span(c, RECORD_ROUTING, gw->prefixes,
				sizeof(*prefixes), &count);
	for (size_t i = 0; i < count; i++) {
		const struct text p = text_of(
			catalog_str(c, RECORD_ROUTING, prefixes[i]));

		if (p.l <= called.l && (int)p.l > best &&
		    strncmp(p.p, called.p, p.l) == 0)
			best = (int)p.l;
	}

	return best;
}


static bool slow_forbidden(const struct catalog *c,
			   const struct cat_routing *gw,
			   const struct route_caller *caller)
{
	const uint32_t *ids;
	size_t count;
	bool is_named = false;

	ids = catalog_span(c, RECORD_ROUTING, gw->mapping_names, sizeof(*ids),
			   &count);
	for (size_t i = 0; i < count; i++)
		is_named |= caller->kind == RECORD_MAPPING &&
			    ids[i] == caller->id;

	return (gw->mapping_mode == 1 && !is_named) ||
	       (gw->mapping_mode == 2 && is_named);
}


static size_t slow_search(struct slow found[GATEWAYC],
			  const struct route_view *v,
			  const struct route_caller *caller,
			  struct text called)
{
	const struct cat_routing *all;
	size_t allc, count = 0;

	all = catalog_rows(v->c, RECORD_ROUTING, &allc);
	assert(allc == GATEWAYC);
	for (size_t i = 0; i < allc; i++) {
		const int length = slow_length(v->c, &all[i], called);

		if (length < 0)
			continue;
		found[count++] = (struct slow){
			.gw = &all[i],
			.length = (uint32_t)length,
			.used = v->lines(LINES_ROUTING, all[i].gw.row.id,
					 v->arg),
			.is_forbidden = slow_forbidden(v->c, &all[i], caller),
		};
	}

	return count;
}


/* Does one that may be used end the list before this? */
static bool is_cut(const struct slow *found, size_t count,
		   const struct slow *of)
{
	for (size_t i = 0; i < count; i++) {
		if (!found[i].is_forbidden && found[i].gw->prefix_mode == 1 &&
		    found[i].length > of->length)
			return true;
	}

	return false;
}


/* What a comes before b by; 0: nothing but its name may decide */
static int64_t slow_cmp(const struct slow *a, const struct slow *b)
{
	const int64_t a_limit = a->gw->gw.line_limit;
	const int64_t b_limit = b->gw->gw.line_limit;

	if (a->gw->protect != b->gw->protect)
		return a->gw->protect ? 1 : -1;
	if (a->length != b->length)
		return (int64_t)b->length - a->length;
	if (a->gw->priority != b->gw->priority)
		return a->gw->priority - b->gw->priority;
	if (a_limit > 0 && b_limit > 0)
		return (int64_t)a->used * b_limit - (int64_t)b->used * a_limit;
	if (a_limit == 0 && b_limit == 0)
		return (int64_t)a->used - (int64_t)b->used;
	if (a_limit == 0)
		return b->used > 0 ? -1 : (int64_t)a->used;

	return a->used > 0 ? 1 : -(int64_t)b->used;
}


static bool slow_before(const struct catalog *c, const struct slow *a,
			const struct slow *b)
{
	const int64_t cmp = slow_cmp(a, b);

	return cmp ? cmp < 0
		   : strcmp(catalog_str(c, RECORD_ROUTING, a->gw->gw.row.name),
			    catalog_str(c, RECORD_ROUTING,
					b->gw->gw.row.name)) < 0;
}


static const struct slow *slow_find(const struct slow *found, size_t count,
				    uint32_t id)
{
	for (size_t i = 0; i < count; i++) {
		if (found[i].gw->gw.row.id == id)
			return &found[i];
	}

	return NULL;
}


static void check_list(const struct catalog *c, const struct route_list *list,
		       const struct slow *found, size_t count)
{
	const struct slow *before = NULL, *last;
	size_t want = 0;

	/* In order, so that nobody is there twice */
	for (size_t i = 0; i < list->count; i++) {
		const struct route_candidate *row = &list->rows[i];

		last = slow_find(found, count, row->gateway);
		assert(last && !last->is_forbidden);
		assert(!is_cut(found, count, last));
		assert(row->length == last->length);
		assert(row->protect == (last->gw->protect != 0));
		assert(!before || slow_before(c, before, last));
		before = last;
	}

	for (size_t i = 0; i < count; i++)
		want += !found[i].is_forbidden &&
			!is_cut(found, count, &found[i]);
	assert(list->count ==
	       (want < ROUTE_CANDIDATES_MAX ? want : ROUTE_CANDIDATES_MAX));
}


/* How many come before the last is how many are there */
static void check_best(const struct catalog *c, const struct route_list *list,
		       const struct slow *found, size_t count)
{
	const struct slow *last;
	size_t better = 0;

	if (list->count == 0)
		return;
	last = slow_find(found, count, list->rows[list->count - 1].gateway);
	for (size_t i = 0; i < count; i++)
		better += !found[i].is_forbidden &&
			  !is_cut(found, count, &found[i]) &&
			  &found[i] != last && slow_before(c, &found[i], last);
	assert(better == list->count - 1);
}


static void check_usable(const struct route_view *v,
			 const struct route_list *list)
{
	enum route_token tokens[ROUTE_CANDIDATES_MAX];
	bool is_any = false;

	for (size_t i = 0; i < list->count; i++) {
		const uint32_t id = list->rows[i].gateway;
		const struct cat_routing *gw =
			catalog_by_id(v->c, RECORD_ROUTING, id);

		tokens[i] = route_usable(v, id, NULL, NULL);
		assert(tokens[i] < ROUTE_TOKENC && route_tokens[tokens[i]]);
		assert((tokens[i] == ROUTE_LOCKED) == (gw->gw.lock == 1));
		if (tokens[i] != ROUTE_USABLE)
			continue;
		is_any = true;
		assert(v->is_online(id, v->arg));
		assert(gw->gw.line_limit == 0 ||
		       v->lines(LINES_ROUTING, id, v->arg) <
			       (uint32_t)gw->gw.line_limit);
	}
	if (!is_any)
		assert(route_none(tokens, list->count) != END_NONE);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct catalog *c; /* Made once: always the same */
	struct slow found[GATEWAYC];
	struct route_list list, all;
	struct route_caller caller;
	struct load load;
	struct route_view v = {
		.lines = load_lines,
		.rate_left = load_rate,
		.is_online = load_good,
		.is_bound = load_good,
		.is_registered = load_good,
		.is_short = load_bad,
		.arg = &load,
	};
	struct text called;
	size_t count, allowed;

	if (!c)
		c = make_catalog();
	if (size < 2 || size > NUMBER_MAX)
		return 0;

	v.c = c;
	caller.kind = data[0] % CALLERC ? RECORD_MAPPING : RECORD_PHONE;
	caller.id = data[0] % CALLERC ? data[0] % CALLERC : 1;
	load.seed = data[1];
	called = (struct text){ (const char *)data + 2, size - 2 };

	count = slow_search(found, &v, &caller, called);
	route_list_make(&list, &v, &caller, called);
	check_list(c, &list, found, count);
	check_best(c, &list, found, count);
	check_usable(&v, &list);

	route_list_all(&all, &allowed, &v, &caller, called);
	assert(allowed == list.count && all.count >= allowed);
	for (size_t i = 0; i < all.count; i++)
		assert(slow_find(found, count, all.rows[i].gateway)
			       ->is_forbidden == (i >= allowed));

	return 0;
}
