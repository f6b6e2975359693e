/**
 * @file billingd/values.h  All parameters as they are, or as they would be
 *
 * For checks that look at several: the values in force, some of them replaced.
 */
#ifndef TANDEM_BILLINGD_VALUES_H
#define TANDEM_BILLINGD_VALUES_H

#include <jansson.h>

#include "shared/catalog/catalog.h"

struct values {
	struct param_value *of[PARAMC];
};

/** @return 0, ENOMEM */
int values_alloc(struct values **vp, const struct catalog *c);
struct values *values_free(struct values *v);

/** Replace one; NULL text: its default. @return 0, EINVAL (why), ENOMEM */
int values_set(struct values *v, enum param param, const char *text,
	       char why[PARAM_WHY_MAX]);

/** @return 0, EINVAL (why) */
int values_agree(const struct values *v, char why[PARAM_WHY_MAX]);

/** The warnings of these values as rows: level, object, name, message;
 *  changed: those that look at it, PARAMC: all. Appended to rows. */
void values_warn(const struct values *v, const struct catalog *c,
		 enum param changed, json_t *rows);

#endif
