/**
 * @file sipd/blacklist_cmd.c  blacklist list, add, remove
 */
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/svc/admin.h"
#include "sipd/admin_time.h"
#include "sipd/blacklist_cmd.h"
#include "sipd/guard.h"

enum {
	LIMIT = 100,
	LIMIT_MAX = 5000, /* Rows of about 150 bytes in a line of 1 MiB */
	SECONDS_MAX = 31536000,
};

static const char dynamic[] = "dynamic";


/* --- arguments ------------------------------------------------------------- */

static int take_list(const json_t *args, struct admin_answer *answer)
{
	const json_t *value = json_object_get(args, "list");
	const char *list = json_string_value(value);

	if (!value || (list && strcmp(list, dynamic) == 0))
		return 0;

	return admin_refuse(answer, "invalid_value",
			    "list: here it is always dynamic; the other "
			    "lists are records: see list list, list add, "
			    "list remove");
}


static int take_number(const json_t *args, const char *name, uint32_t min,
		       uint32_t max, uint32_t *vp, struct admin_answer *answer)
{
	const json_t *value = json_object_get(args, name);
	const json_int_t v = json_integer_value(value);

	if (!value)
		return 0;
	if (json_is_string(value)
		    ? text_u32(vp, text_of(json_string_value(value)), min, max)
		    : !json_is_integer(value) || v < min || v > max)
		return admin_refuse(answer, "invalid_value", "%s: %u to %u",
				    name, min, max);
	if (json_is_integer(value))
		*vp = (uint32_t)v;

	return 0;
}


/* An address; of IPv6 a /64 too, which is what is counted */
static int take_entry(const json_t *args, struct addr *addrp,
		      struct admin_answer *answer)
{
	const char *entry = json_string_value(json_object_get(args, "entry"));
	struct prefix prefix;

	if (entry && prefix_parse(&prefix, text_of(entry)) == 0 &&
	    (prefix.addr.family == AF_INET
		     ? prefix.len == 32
		     : prefix.len == 128 || prefix.len == 64)) {
		*addrp = prefix.addr;
		return 0;
	}

	return admin_refuse(answer, "invalid_value",
			    "entry: an address, or a /64 of IPv6");
}


/* --- rows ------------------------------------------------------------------ */

struct listing {
	json_t *rows;
	int64_t now_us;
	uint32_t skip, limit;
	uint32_t count; /**< Of all entries */
};


static const char *print_source(char dst[ADDR_TEXT_MAX], struct addr source)
{
	const struct prefix prefix = { source, 64 };

	return source.family == AF_INET6 ? prefix_print(&prefix, dst)
					 : addr_print(&source, dst);
}


/* Of a time of the monotonic clock */
static const char *print_time(char dst[ADMIN_TIME_SIZE], int64_t mono_us,
			      int64_t now_us)
{
	return admin_time_print(dst, clk_wall_us() - (now_us - mono_us));
}


static void add_row(const struct guard_entry *entry, void *arg)
{
	struct listing *l = arg;
	char source[ADDR_TEXT_MAX], since[ADMIN_TIME_SIZE];
	const uint32_t number = l->count++;

	if (number < l->skip || number - l->skip >= l->limit)
		return;

	(void)json_array_append_new(
		l->rows,
		json_pack("{s:s,s:s,s:s,s:I,s:s,s:I}", "entry",
			  print_source(source, entry->source), "list", dynamic,
			  "since",
			  print_time(since, entry->since_us, l->now_us),
			  "left",
			  (json_int_t)((entry->until_us - l->now_us) / 1000000),
			  "reason", entry->reason, "hits",
			  (json_int_t)entry->hits));
}


int blacklist_cmd_list(struct guard *guard, int64_t now_us, const json_t *args,
		       struct admin_answer *answer)
{
	struct listing l = { .now_us = now_us, .limit = LIMIT };
	char next[16];

	if (take_list(args, answer) ||
	    take_number(args, "limit", 1, LIMIT_MAX, &l.limit, answer) ||
	    take_number(args, "cursor", 0, UINT32_MAX, &l.skip, answer))
		return 0;

	l.rows = json_array();
	guard_list(guard, now_us, add_row, &l);
	answer->rows = l.rows;
	if (l.count > l.skip && l.count - l.skip > l.limit) {
		(void)text_print(next, sizeof(next), "%u", l.skip + l.limit);
		answer->next = json_string(next);
	}

	return 0;
}


/* --- changes --------------------------------------------------------------- */

int blacklist_cmd_add(struct guard *guard, uint32_t seconds, int64_t now_us,
		      const json_t *args, struct admin_answer *answer)
{
	struct addr source;

	if (take_list(args, answer) || take_entry(args, &source, answer) ||
	    take_number(args, "seconds", 1, SECONDS_MAX, &seconds, answer))
		return 0;
	if (guard_add(guard, &source, seconds, now_us))
		return admin_refuse(answer, "failed", "out of memory");

	return 0;
}


int blacklist_cmd_remove(struct guard *guard, int64_t now_us,
			 const json_t *args, struct admin_answer *answer)
{
	struct addr source;

	if (take_list(args, answer) || take_entry(args, &source, answer))
		return 0;
	if (!guard_remove(guard, &source, now_us))
		return admin_refuse(answer, "not_found",
				    "entry: it is not on the list");

	return 0;
}
