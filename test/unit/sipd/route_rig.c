/**
 * @file test/unit/sipd/route_rig.c  A catalog, and a view of it to be set
 */
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

enum {
	FIELDS_MAX = 64,
	ROW_MAX = 512,
	NOON = 1770000000 /* 2026-02-02T02:40:00Z, a Monday */
};


static uint32_t *set_find(const struct route_set *set, int kind, uint32_t id)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->rows[i].kind == kind && set->rows[i].id == id)
			return unconst(&set->rows[i].n);
	}

	return NULL;
}


void route_set_put(struct route_set *set, int kind, uint32_t id, uint32_t n)
{
	uint32_t *p = set_find(set, kind, id);

	if (!p) {
		assert_true(set->count < ROUTE_RIG_SET_MAX);
		set->rows[set->count].kind = kind;
		set->rows[set->count].id = id;
		p = &set->rows[set->count++].n;
	}
	*p = n;
}


void route_set_clear(struct route_set *set)
{
	set->count = 0;
}


static uint32_t view_lines(enum lines_kind kind, uint32_t id, void *arg)
{
	struct route_rig *rr = arg;
	const uint32_t *n = set_find(&rr->used, kind, id);

	rr->asked++;

	return n ? *n : 0;
}


/* The set has the limit from which on there is room */
static bool view_rate(enum lines_kind kind, uint32_t id, uint32_t limit,
		      void *arg)
{
	const struct route_rig *rr = arg;
	const uint32_t *n = set_find(&rr->no_rate, kind, id);

	return !n || limit >= *n;
}


static bool view_online(uint32_t gateway, void *arg)
{
	const struct route_rig *rr = arg;

	return !set_find(&rr->offline, 0, gateway);
}


static bool view_bound(uint32_t gateway, void *arg)
{
	const struct route_rig *rr = arg;

	return !set_find(&rr->unbound, 0, gateway);
}


static bool view_registered(uint32_t registration, void *arg)
{
	const struct route_rig *rr = arg;

	return !set_find(&rr->unregistered, 0, registration);
}


static bool view_short(uint32_t account, void *arg)
{
	const struct route_rig *rr = arg;

	return set_find(&rr->shorts, 0, account) != NULL;
}


static size_t field_at(enum record_kind kind, struct text name)
{
	for (size_t i = 0; i < records[kind].fieldc; i++) {
		if (text_is(name, records[kind].fields[i].name))
			return i;
	}
	fail_msg("%s has no field %.*s", records[kind].title, (int)name.l,
		 name.p);

	return 0;
}


static int put_row(struct rig *rig, struct build *b,
		   const struct route_row *row)
{
	const char *values[FIELDS_MAX] = { NULL };
	char copy[ROW_MAX], *at = copy;

	assert_true(strlen(row->fields) < sizeof(copy));
	(void)snprintf(copy, sizeof(copy), "%s", row->fields);
	while (at) {
		char *end = strchr(at, '|');
		char *value = strchr(at, '=');

		if (end)
			*end = '\0';
		assert_non_null(value);
		values[field_at(row->kind,
				(struct text){ at, (size_t)(value - at) })] =
			value + 1;
		at = end ? end + 1 : NULL;
	}

	return build_row(b, row->kind, row->id, values, rig->why);
}


static int publish(struct rig *rig, const struct route_row *rows, size_t rowc,
		   const struct route_param *values, size_t valuec)
{
	struct build *b = NULL;
	int err;

	err = build_alloc(&b, NULL);
	for (size_t i = 0; i < rowc && !err; i++)
		err = put_row(rig, b, &rows[i]);
	for (size_t i = 0; i < valuec && !err; i++)
		err = build_param(b, values[i].param, values[i].value,
				  rig->why);
	if (err) {
		build_free(b);
		return err;
	}

	return rig_publish(rig, b, 1);
}


int route_rig_open(struct route_rig *rr, const char *what,
		   const struct route_row *rows, size_t rowc,
		   const struct route_param *values, size_t valuec)
{
	int err;

	memset(rr, 0, sizeof(*rr));
	err = rig_open(&rr->rig, what);
	if (!err)
		err = publish(&rr->rig, rows, rowc, values, valuec);
	if (err == EINVAL)
		fail_msg("%s", rr->rig.why);
	rr->c = err ? NULL : catalog_pin(rr->rig.reader);
	if (!rr->c) {
		rig_close(&rr->rig);
		return err ? err : ENOMEM;
	}

	rr->v = (struct route_view){
		.c = rr->c,
		.wall_us = (int64_t)NOON * 1000000,
		.lines = view_lines,
		.rate_left = view_rate,
		.is_online = view_online,
		.is_bound = view_bound,
		.is_registered = view_registered,
		.is_short = view_short,
		.arg = rr,
	};

	return 0;
}


void route_rig_close(struct route_rig *rr)
{
	catalog_unpin(rr->rig.reader, rr->c);
	rig_close(&rr->rig);
}


const char *route_rig_names(const struct route_rig *rr,
			    const struct route_list *list, char dst[256])
{
	size_t len = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const struct cat_routing *gw =
			catalog_by_id(rr->c, RECORD_ROUTING,
				      list->rows[i].gateway);

		assert_non_null(gw);
		len += (size_t)snprintf(dst + len, 256 - len, "%s%s",
					i ? "," : "",
					catalog_str(rr->c, RECORD_ROUTING,
						    gw->gw.row.name));
		assert_true(len < 256);
	}

	return dst;
}
