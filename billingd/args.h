/**
 * @file billingd/args.h  Arguments and answers between JSON and text
 */
#ifndef TANDEM_BILLINGD_ARGS_H
#define TANDEM_BILLINGD_ARGS_H

#include <jansson.h>

#include "shared/catalog/record.h"

struct admin_answer;

enum {
	ARGS_NUMBER_MAX = 32
};

/** A value as text: numbers in decimal, true and false as On and Off, null as
 *  None; NULL if it is an array or an object */
const char *args_text(const json_t *value, char buf[ARGS_NUMBER_MAX]);

/** An argument that must be a text or a number; NULL if it is not there */
const char *args_get(const json_t *args, const char *name,
		     char buf[ARGS_NUMBER_MAX]);

/** How many rows are asked for
 *  @return usual if it is not said; 0: refused, not within 1 and most */
size_t args_limit(const json_t *args, size_t usual, size_t most,
		  struct admin_answer *answer);

/** A field's canonical text as JSON has it: numbers, switches true and false,
 *  nothing null */
json_t *args_json(const struct record_field *field, const char *canonical);

#endif
