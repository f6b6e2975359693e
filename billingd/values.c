/**
 * @file billingd/values.c  All parameters as they are, or as they would be
 */
#include <errno.h>
#include <stdlib.h>

#include "billingd/values.h"


int values_alloc(struct values **vp, const struct catalog *c)
{
	struct values *v = calloc(1, sizeof(*v));
	char why[PARAM_WHY_MAX];
	int err = v ? 0 : ENOMEM;

	for (int p = 0; p < PARAMC && !err; p++)
		err = values_set(v, (enum param)p,
				 c ? catalog_text(c, (enum param)p) : NULL,
				 why);
	if (err)
		values_free(v);
	else
		*vp = v;

	return err;
}


struct values *values_free(struct values *v)
{
	if (!v)
		return NULL;

	for (int p = 0; p < PARAMC; p++)
		free(v->of[p]);
	free(v);

	return NULL;
}


int values_set(struct values *v, enum param param, const char *text,
	       char why[PARAM_WHY_MAX])
{
	struct param_value *fresh;
	int err;

	err = param_parse(&fresh, param,
			  text_of(text ? text : params[param].def), why);
	if (err)
		return err;

	free(v->of[param]);
	v->of[param] = fresh;

	return 0;
}


int values_agree(const struct values *v, char why[PARAM_WHY_MAX])
{
	const struct param_value *all[PARAMC];

	for (int p = 0; p < PARAMC; p++)
		all[p] = v->of[p];

	return param_agree(all, why);
}


static bool any_without_proxy(const struct catalog *c)
{
	enum {
		OFF = 1
	};
	const struct cat_mapping *mapping;
	const struct cat_routing *routing;
	size_t n;

	mapping = catalog_rows(c, RECORD_MAPPING, &n);
	for (size_t i = 0; i < n; i++)
		if (mapping[i].gw.media_proxy == OFF)
			return true;
	routing = catalog_rows(c, RECORD_ROUTING, &n);
	for (size_t i = 0; i < n; i++)
		if (routing[i].gw.media_proxy == OFF)
			return true;

	return false;
}


static void on_warning(enum param_level level, enum param param,
		       const char *message, void *arg)
{
	(void)json_array_append_new(
		arg, json_pack("{s:s,s:s,s:s,s:s}", "level",
			       level == PARAM_WARNING ? "warning" : "info",
			       "object", "param", "name", params[param].name,
			       "message", message));
}


void values_warn(const struct values *v, const struct catalog *c,
		 enum param changed, json_t *rows)
{
	const struct param_facts facts = {
		.gateway_without_proxy = c && any_without_proxy(c)
	};
	const struct param_value *all[PARAMC];

	for (int p = 0; p < PARAMC; p++)
		all[p] = v->of[p];
	param_warn(all, &facts, changed, on_warning, rows);
}
