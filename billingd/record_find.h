/**
 * @file billingd/record_find.h  Which record a command means
 */
#ifndef TANDEM_BILLINGD_RECORD_FIND_H
#define TANDEM_BILLINGD_RECORD_FIND_H

#include "billingd/billingd.h"

enum {
	FILTERS_MAX = 8
};

/** What a row must hold to be listed: a field and its canonical text */
struct filter {
	const struct record_field *field;
	char *text;
	uint32_t id; /**< Of a reference */
};

struct filters {
	struct filter rows[FILTERS_MAX];
	size_t count;
};

/** The arguments that are fields; others are told. @return 0, or EINVAL and
 *  the answer says why */
int filters_take(struct filters *filters, const struct catalog *c,
		 enum record_kind kind, const json_t *args,
		 struct admin_answer *answer);
void filters_free(struct filters *filters);
bool filters_fit(const struct filters *filters, const struct catalog *c,
		 enum record_kind kind, const void *row);

/** The one record that the arguments name: by name, or by fields that no
 *  other has. NULL: the answer says why */
const void *record_one(const struct catalog *c, enum record_kind kind,
		       const json_t *args, struct admin_answer *answer);

/** A field of a row as text, malloc()ed; NULL if there is no memory */
char *record_text(const struct catalog *c, enum record_kind kind,
		  const struct record_field *field, const void *row);

/** All fields of a row, as an answer has them */
json_t *record_row(const struct catalog *c, enum record_kind kind,
		   const void *row);

/** A value as it is stored: as it was typed, a rate with the decimals of now.
 *  @param canonicalp malloc()ed; replaced if it changes
 *  @return 0, ENOMEM */
int record_stored(const struct catalog *c, enum record_kind kind,
		  const struct record_field *field, char **canonicalp);

/** 0 if there is none of that name */
uint32_t record_id(const struct catalog *c, enum record_kind kind,
		   struct text name);

/** "GW1,GW2" as "7,9". @return 0, ENOENT with the name that is missing,
 *  ENOMEM */
int record_ids(char **idsp, const struct catalog *c,
	       const struct record_field *field, const char *names,
	       struct text *missing);

/** NULL: the answer says so, and which is near */
const struct record_field *record_field_of(enum record_kind kind,
					   const char *key,
					   struct admin_answer *answer);

/** Of which kind the gateway is that the arguments name; routing if none */
enum record_kind record_gateway_kind(const struct catalog *c,
				     const json_t *args);

/** An argument of the command itself, unless a field has its name */
bool record_own_arg(const char *key);

#endif
