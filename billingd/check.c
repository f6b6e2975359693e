/**
 * @file billingd/check.c  Is the configuration as it should be?
 *
 * What is refused is not here: it never came in. These are values that are
 * allowed and rarely meant.
 */
#include <string.h>

#include "billingd/billingd.h"
#include "billingd/values.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"


__attribute__((format(printf, 5, 6))) static void say(json_t *rows,
						      const char *level,
						      const char *object,
						      const char *name,
						      const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(rows,
				    json_pack("{s:s,s:s,s:s,s:s}", "level",
					      level, "object", object, "name",
					      name, "message", message));
}


static void check_routing(const struct catalog *c, json_t *rows)
{
	enum {
		PROXY_OFF = 1
	};
	const bool has_domain = catalog_text(c, SS_LOCAL_IP_DOMAIN)[0] != '\0';
	size_t n;
	const struct cat_routing *gw = catalog_rows(c, RECORD_ROUTING, &n);

	for (size_t i = 0; i < n; i++) {
		const char *name = catalog_str(c, RECORD_ROUTING,
					       gw[i].gw.row.name);

		if (gw[i].ring_back != 0 &&
		    catalog_effective(c, gw[i].gw.media_proxy,
				      SS_MEDIA_PROXY) == PROXY_OFF)
			say(rows, "warning", "routing", name,
			    "ring_back needs the relay, and media_proxy is "
			    "off");
		if (gw[i].local_domain && !has_domain)
			say(rows, "warning", "routing", name,
			    "local_domain is On and SS_LOCAL_IP_DOMAIN is "
			    "empty");
		if (gw[i].gw.type == 0 && gw[i].addresses.count == 0)
			say(rows, "warning", "routing", name,
			    "it has no address: no call can go there");
	}
}


static bool has_digest(const struct catalog *c, enum record_kind kind,
		       struct cat_span span, const char *realm)
{
	size_t n;
	const struct cat_ha1 *ha1 = catalog_span(c, kind, span, sizeof(*ha1),
						 &n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(catalog_str(c, kind, ha1[i].realm), realm) == 0)
			return true;

	return false;
}


/* A changed realm leaves passwords without a digest for it. */
static void check_digests(const struct billingd *b, const struct catalog *c,
			  json_t *rows)
{
	const char *realms[BILLINGD_REALMS_MAX];
	const size_t realmc = billingd_realms(b, c, realms,
					      BILLINGD_REALMS_MAX);
	size_t n;
	const struct cat_phone *phones = catalog_rows(c, RECORD_PHONE, &n);

	for (size_t r = 0; r < realmc; r++) {
		size_t without = 0;

		for (size_t i = 0; i < n; i++)
			without += phones[i].ha1.count > 0 &&
				   !has_digest(c, RECORD_PHONE, phones[i].ha1,
					       realms[r]);
		if (without > 0)
			say(rows, "warning", "phone", realms[r],
			    "%zu phones have no digest for this realm: their "
			    "passwords must be set again",
			    without);
	}
}


int cmd_check_list(void *state, const json_t *args,
		   struct admin_answer *answer)
{
	struct billingd *b = state;
	const struct catalog *c = publisher_current(b->publisher);
	const bool strict = json_is_true(json_object_get(args, "strict"));
	const char *refusal = feed_refusal(b->feed);
	struct values *values = NULL;
	json_t *row;
	size_t i;
	int err;

	answer->rows = json_array();
	if (refusal)
		say(answer->rows, "error", "catalog", "version",
		    "the newest version is not in force: %s", refusal);
	err = values_alloc(&values, c);
	if (err)
		return err;
	values_warn(values, c, PARAMC, answer->rows);
	values_free(values);
	check_routing(c, answer->rows);
	check_digests(b, c, answer->rows);

	json_array_foreach(answer->rows, i, row)
	{
		const char *level = json_string_value(
			json_object_get(row, "level"));

		if (strcmp(level, "error") == 0 ||
		    (strict && strcmp(level, "warning") == 0))
			return admin_refuse(
				answer, "check_failed", "%s %s: %s",
				json_string_value(
					json_object_get(row, "object")),
				json_string_value(
					json_object_get(row, "name")),
				json_string_value(
					json_object_get(row, "message")));
	}

	return 0;
}


static const char *const origins[] = { "defaults", "database",
				       "copy on disk" };


int cmd_catalog_status(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	struct billingd *b = state;
	const struct catalog *c = publisher_current(b->publisher);
	const struct catalog_control *control = catalog_control(c);
	const char *refusal = feed_refusal(b->feed);
	json_t *row = json_object();
	uint64_t bytes = 0;

	(void)args;
	for (size_t i = 0; i < CATALOG_PARTC; i++)
		bytes += control->parts[i].size;
	(void)json_object_set_new(row, "version",
				  json_integer((json_int_t)control->version));
	(void)json_object_set_new(row, "publication",
				  json_integer(
					  (json_int_t)control->publication));
	(void)json_object_set_new(row, "origin",
				  json_string(
					  control->origin < COUNT_OF(origins)
						  ? origins[control->origin]
						  : "?"));
	(void)json_object_set_new(row, "bytes",
				  json_integer((json_int_t)bytes));
	for (int k = 0; k < RECORD_KINDC; k++) {
		size_t n;

		(void)catalog_rows(c, (enum record_kind)k, &n);
		(void)json_object_set_new(row, records[k].table,
					  json_integer((json_int_t)n));
	}
	(void)json_object_set_new(row, "refused",
				  refusal ? json_string(refusal)
					  : json_null());
	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, row);

	return 0;
}
