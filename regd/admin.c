/**
 * @file regd/admin.c  What operators can ask of regd
 */
#include <string.h>

#include "regd/bindings.h"
#include "regd/regd.h"
#include "regd/upstream_admin.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"

enum {
	LIST_MAX = 1000, /**< Rows, if nothing else is said */
	LIST_MOST = 2000,
};

struct listing {
	const struct regd *regd;
	const struct catalog *c;
	const char *number; /**< NULL: all */
	int nat;            /**< -1: all */
	struct addr ip;     /**< No family: all */
	size_t limit;
	json_t *rows;
};


static json_t *text_json(struct text t)
{
	json_t *value = json_stringn(t.p, t.l);

	return value ? value : json_string("?"); /* not UTF-8 */
}


static json_t *ago_json(const struct regd *regd, uint64_t id)
{
	const uint32_t ago_s = bindings_nat_ago_s(regd->bindings, id);

	return ago_s == UINT32_MAX ? json_null() : json_integer(ago_s);
}


static json_t *row_of(const struct listing *l, const struct binding *b,
		      const char *number)
{
	const int64_t left_us = b->expires_boot_us - clk_boot_us();
	char source[ADDR_TEXT_MAX];
	json_t *row = json_object();

	(void)json_object_set_new(row, "number", json_string(number));
	(void)json_object_set_new(row, "contact", text_json(b->contact));
	(void)json_object_set_new(row, "source",
				  json_string(addr_print(&b->source, source)));
	(void)json_object_set_new(row, "transport",
				  json_string(regd_transport(b->transport)));
	(void)json_object_set_new(row, "nat", json_boolean(b->is_nat));
	(void)json_object_set_new(row, "granted", json_integer(b->granted_s));
	(void)json_object_set_new(row, "left",
				  json_integer(left_us / 1000000));
	(void)json_object_set_new(row, "last_keepalive",
				  ago_json(l->regd, b->id));
	(void)json_object_set_new(row, "agent", text_json(b->agent));

	return row;
}


static bool on_binding(const struct binding *b, void *arg)
{
	struct listing *l = arg;
	const char *number = regd_terminal(l->c, b->terminal);

	if ((l->number && strcmp(l->number, number) != 0) ||
	    (l->nat >= 0 && b->is_nat != (l->nat != 0)) ||
	    (l->ip.family && !addr_same_ip(&l->ip, &b->source)))
		return true;
	(void)json_array_append_new(l->rows, row_of(l, b, number));

	return json_array_size(l->rows) < l->limit;
}


/* A number, however it was given */
static const char *arg_text(const json_t *args, const char *name)
{
	return json_string_value(json_object_get(args, name));
}


static bool is_true(const json_t *value, const char *text)
{
	return json_is_true(value) ||
	       (text && (text_is_nocase(text_of(text), "on") ||
			 text_is_nocase(text_of(text), "true") ||
			 text_is_nocase(text_of(text), "yes") ||
			 strcmp(text, "1") == 0));
}


/* @return false: it is none in this range */
static bool take_number(uint32_t *vp, const json_t *value, uint32_t min,
			uint32_t max)
{
	const json_int_t v = json_integer_value(value);

	if (json_is_string(value))
		return !text_u32(vp, text_of(json_string_value(value)), min,
				 max);
	if (json_is_integer(value) && v >= min && v <= max)
		*vp = (uint32_t)v;

	return !value || (json_is_integer(value) && v >= min && v <= max);
}


/* @return false: it was refused */
static bool take_filters(struct listing *l, uint32_t *from, const json_t *args,
			 struct admin_answer *answer)
{
	const json_t *nat = json_object_get(args, "nat");
	const char *ip = arg_text(args, "ip");
	uint32_t most = LIST_MAX;

	l->number = arg_text(args, "number");
	l->nat = nat ? is_true(nat, json_string_value(nat)) : -1;
	*from = 0;
	if (ip && addr_parse(&l->ip, text_of(ip))) {
		(void)admin_refuse(answer, "invalid_value",
				   "ip: '%.64s' is no address", ip);
		return false;
	}
	if (!take_number(&most, json_object_get(args, "limit"), 1,
			 LIST_MOST) ||
	    !take_number(from, json_object_get(args, "cursor"), 0,
			 UINT32_MAX)) {
		(void)admin_refuse(answer, "invalid_value",
				   "limit is 1 to %d, cursor is of the list "
				   "before",
				   LIST_MOST);
		return false;
	}
	l->limit = most;

	return true;
}


static int cmd_list(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	const struct regd *regd = state;
	struct listing l = { .regd = regd };
	char cursor[16];
	uint32_t from;

	if (is_true(json_object_get(args, "upstream"),
		    arg_text(args, "upstream")))
		return cmd_upstream_list(state, args, answer);
	if (!take_filters(&l, &from, args, answer))
		return 0;
	l.c = catalog_pin(svc_catalog(regd->svc));
	l.rows = json_array();
	from = bindings_walk(regd->bindings, from, on_binding, &l);
	if (l.c)
		catalog_unpin(svc_catalog(regd->svc), l.c);
	answer->rows = l.rows;
	if (from) {
		(void)text_print(cursor, sizeof(cursor), "%u", from);
		answer->next = json_string(cursor);
	}

	return 0;
}


/* A phone, or a gateway by its name. */
static size_t terminals_of(struct terminal found[3], const struct catalog *c,
			   const char *name)
{
	const struct cat_phone *phone = catalog_phone(c, text_of(name));
	const struct cat_row *mapping = catalog_by_name(c, RECORD_MAPPING,
							text_of(name));
	const struct cat_row *routing = catalog_by_name(c, RECORD_ROUTING,
							text_of(name));
	size_t n = 0;

	if (phone)
		found[n++] = (struct terminal){ TERMINAL_PHONE,
						phone->row.id };
	if (mapping)
		found[n++] = (struct terminal){ TERMINAL_MAPPING,
						mapping->id };
	if (routing)
		found[n++] = (struct terminal){ TERMINAL_ROUTING,
						routing->id };

	return n;
}


static size_t kick(struct regd *regd, struct terminal terminal,
		   const char *contact)
{
	struct binding list[BINDINGS_PER_TERMINAL];
	const size_t n = bindings_list(regd->bindings, terminal, list,
				       BINDINGS_PER_TERMINAL);
	size_t kickedc = 0;

	for (size_t i = 0; i < n; i++) {
		if (contact && !text_is(list[i].contact, contact))
			continue;
		if (bindings_remove(regd->bindings, list[i].id))
			continue;
		regd_changed(regd, REGD_KICKED, terminal, &list[i].source,
			     list[i].transport, 0);
		kickedc++;
	}

	return kickedc;
}


static int cmd_kick(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	const char *number = arg_text(args, "number");
	struct regd *regd = state;
	struct terminal terminals[3];
	const struct catalog *c;
	size_t n = 0, kickedc = 0;

	c = catalog_pin(svc_catalog(regd->svc));
	if (c && number)
		n = terminals_of(terminals, c, number);
	if (c)
		catalog_unpin(svc_catalog(regd->svc), c);
	if (n == 0)
		return admin_refuse(answer, "not_found",
				    "'%.64s' is no phone and no gateway",
				    number ? number : "");
	for (size_t i = 0; i < n; i++)
		kickedc += kick(regd, terminals[i], arg_text(args, "contact"));
	answer->rows = json_pack("[{s:I}]", "removed", (json_int_t)kickedc);

	return 0;
}


/* clang-format off */
const struct admin_command regd_commands[] = {
	{ "registration.list", cmd_list, ADMIN_VIEW, 0, "Who is registered, and from where",
	  { { "number", "of this phone or gateway", false }, { "nat", "on: those behind NAT; off: the others", false },
	    { "ip", "from this address", false }, { "limit", "how many; 1000", false }, { "cursor", "of the list before", false },
	    { "upstream", "where the switch is registered instead", false } } },
	{ "registration.kick", cmd_kick, ADMIN_OPERATE, 0, "Remove bindings of a phone or gateway",
	  { { "number", "whose", true }, { "contact", "only this one", false } } },
	{ "upstream.list",    cmd_upstream_list,    ADMIN_VIEW,    0, "Where the switch is registered", { { NULL, NULL, false } } },
	{ "upstream.show",    cmd_upstream_show,    ADMIN_VIEW,    0, "All of one registration elsewhere", { { "name", "of the record", true } } },
	{ "upstream.refresh", cmd_upstream_refresh, ADMIN_OPERATE, 0, "Register again now, whatever it waits for", { { "name", "of the record", true } } },
	{ "upstream.settle",  cmd_upstream_settle,  ADMIN_OPERATE, 0, "Wait until what is gone is unregistered", { { "*", "of what was changed", false } } },
};
/* clang-format on */
const size_t regd_commandc = COUNT_OF(regd_commands);
