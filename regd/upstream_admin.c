/**
 * @file regd/upstream_admin.c  upstream list, show, refresh; and as metrics
 */
#include <string.h>

#include "regd/metrics.h"
#include "regd/regd.h"
#include "regd/upstream_admin.h"
#include "regd/upstream_fsm.h"
#include "regd/upstream_int.h"
#include "shared/base/clk.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"

static const int64_t second_us = 1000000;

struct listing {
	const char *name; /**< NULL: all */
	bool is_whole;
	json_t *rows;
};


static json_t *left_json(int64_t until_boot_us)
{
	const int64_t left_us = until_boot_us - clk_boot_us();

	return until_boot_us && left_us > 0 ? json_integer(left_us / second_us)
					    : json_null();
}


static void put_all(json_t *row, const struct upstream_image *i)
{
	const struct upstream_account *a = &i->account;

	(void)json_object_set_new(row, "transport",
				  json_string(regd_transport(a->transport)));
	(void)json_object_set_new(row, "domain", json_string(a->domain));
	(void)json_object_set_new(row, "username", json_string(a->username));
	(void)json_object_set_new(row, "asked", json_integer(i->asked_s));
	(void)json_object_set_new(row, "left", left_json(i->bound_boot_us));
	(void)json_object_set_new(row, "call_id", json_string(i->call_id));
	(void)json_object_set_new(row, "cseq", json_integer(i->cseq));
}


static void on_upstream(const struct upstream_image *i, const char *name,
			void *arg)
{
	char proxy[UPSTREAM_HOST_MAX + 8];
	struct listing *l = arg;
	json_t *row;

	if (l->name && strcmp(l->name, name) != 0)
		return;
	(void)text_print(proxy, sizeof(proxy), "%s:%u", i->account.proxy,
			 i->account.port);
	row = json_object();
	(void)json_object_set_new(row, "record", json_string(name));
	(void)json_object_set_new(row, "proxy", json_string(proxy));
	(void)json_object_set_new(row, "state",
				  json_string(upstream_state_name(i->state)));
	(void)json_object_set_new(row, "effective_expiry",
				  i->effective_s ? json_integer(i->effective_s)
						 : json_null());
	(void)json_object_set_new(row, "next_action",
				  left_json(i->next_boot_us));
	(void)json_object_set_new(row, "last_code",
				  i->last_code ? json_integer(i->last_code)
					       : json_null());
	(void)json_object_set_new(row, "failures", json_integer(i->failures));
	if (l->is_whole)
		put_all(row, i);
	(void)json_array_append_new(l->rows, row);
}


int cmd_upstream_list(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const struct regd *regd = state;
	struct listing l = { .rows = json_array() };

	(void)args;
	upstreams_walk(regd->upstreams, on_upstream, &l);
	answer->rows = l.rows;

	return 0;
}


static int unknown(struct admin_answer *answer, const char *name)
{
	return admin_refuse(answer, "not_found",
			    "'%.64s' is no registration that is enabled",
			    name ? name : "");
}


int cmd_upstream_show(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const struct regd *regd = state;
	struct listing l = {
		.name = json_string_value(json_object_get(args, "name")),
		.is_whole = true,
		.rows = json_array(),
	};

	if (l.name)
		upstreams_walk(regd->upstreams, on_upstream, &l);
	if (json_array_size(l.rows) == 0) {
		json_decref(l.rows);
		return unknown(answer, l.name);
	}
	answer->rows = l.rows;

	return 0;
}


int cmd_upstream_refresh(void *state, const json_t *args,
			 struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	struct regd *regd = state;
	const struct cat_row *row = NULL;
	const struct catalog *c = catalog_pin(svc_catalog(regd->svc));
	uint32_t record = 0;

	if (c && name)
		row = catalog_by_name(c, RECORD_REGISTRATION, text_of(name));
	if (row)
		record = row->id;
	if (c)
		catalog_unpin(svc_catalog(regd->svc), c);
	if (!record || upstreams_refresh(regd->upstreams, record))
		return unknown(answer, name);
	answer->rows = json_array();

	return 0;
}


/* --- metrics -------------------------------------------------------------- */

void upstream_untell(struct upstream *up)
{
	if (up->series != SIZE_MAX)
		metric_series_drop(M_UPSTREAM_STATE, up->series);
	up->series = SIZE_MAX;
}


static void tell(struct upstream *up)
{
	char name[UPSTREAM_NAME_MAX];

	if (!up->name[0])
		return;
	if (up->series == SIZE_MAX) {
		(void)text_copy(name, sizeof(name), text_of(up->name));
		metric_label_clean(name);
		up->series = metric_series(M_UPSTREAM_STATE, name);
	}
	for (size_t state = 0; state < UPSTREAM_STATEC; state++)
		metric_set_at(M_UPSTREAM_STATE, up->series + state,
			      up->i.state == state);
}


void upstreams_tell(const struct upstreams *u)
{
	for (size_t n = 0; n < u->count; n++)
		tell(u->list[n]);
}
