/**
 * @file sipd/admin_auth.c  suspended list, clear
 */
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/admin_auth.h"
#include "sipd/admin_time.h"
#include "sipd/sipd.h"

struct listing {
	const char *user;
	const struct addr *ip; /**< NULL: any */
	int64_t now_us;
	json_t *rows;
};


static void on_suspension(const struct authn_suspension *s, void *arg)
{
	struct listing *l = arg;
	char ip[ADDR_TEXT_MAX];
	struct addr bare = s->source;
	json_t *row;

	if ((l->user && strcmp(l->user, s->user) != 0) ||
	    (l->ip && !addr_same_ip(l->ip, &s->source)))
		return;

	bare.port = 0;
	row = json_object();
	(void)json_object_set_new(row, "user", json_string(s->user));
	(void)json_object_set_new(row, "ip",
				  json_string(addr_print(&bare, ip)));
	(void)json_object_set_new(row, "counter",
				  json_string(authn_counters[s->counter]));
	(void)json_object_set_new(row, "since", admin_time(s->since_us));
	(void)json_object_set_new(row, "left",
				  json_integer((s->until_us - l->now_us) /
					       1000000));
	(void)json_object_set_new(row, "failures", json_integer(s->failures));
	(void)json_array_append_new(l->rows, row);
}


/* @return false: it was refused */
static bool take_ip(struct addr *ip, const json_t *args,
		    struct admin_answer *answer)
{
	const char *text = json_string_value(json_object_get(args, "ip"));

	*ip = (struct addr){ .family = 0 };
	if (!text || !addr_parse(ip, text_of(text)))
		return true;
	(void)admin_refuse(answer, "invalid_value",
			   "ip: '%.64s' is no address", text);

	return false;
}


int cmd_suspended_list(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	const struct sipd *sipd = state;
	struct addr ip;
	struct listing l = {
		.user = json_string_value(json_object_get(args, "user")),
		.now_us = clk_wall_us(),
	};

	if (!take_ip(&ip, args, answer))
		return 0;
	l.ip = ip.family ? &ip : NULL;
	l.rows = json_array();
	authn_list(sipd->authn, l.now_us, on_suspension, &l);
	answer->rows = l.rows;

	return 0;
}


int cmd_suspended_clear(void *state, const json_t *args,
			struct admin_answer *answer)
{
	struct sipd *sipd = state;
	const char *user = json_string_value(json_object_get(args, "user"));
	struct addr ip;
	json_t *row;

	if (!take_ip(&ip, args, answer))
		return 0;
	row = json_object();
	(void)json_object_set_new(
		row, "cleared",
		json_integer(
			authn_clear(sipd->authn, text_of(user ? user : ""),
				    ip.family ? &ip : NULL, clk_wall_us())));
	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, row);

	return 0;
}
