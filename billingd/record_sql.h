/**
 * @file billingd/record_sql.h  From the field tables to SQL, and back
 *
 * A column has the name of its field, a reference that of its field and
 * "_id". Texts of statements come from the tables alone, never from what an
 * operator typed; values travel apart from them. Pure.
 */
#ifndef TANDEM_BILLINGD_RECORD_SQL_H
#define TANDEM_BILLINGD_RECORD_SQL_H

#include <stdbool.h>

#include "shared/catalog/record.h"

/** "select id, ... from phone": a column per field as build_row() wants them,
 *  or nearly (record_sql_read()); by_id: of the ids in $1. malloc()ed. */
int record_sql_select(char **sqlp, enum record_kind kind, bool by_id);

/** "insert ... values ($1, ...)": these fields in this order. malloc()ed. */
int record_sql_insert(char **sqlp, enum record_kind kind,
		      const struct record_field *const *fields, size_t fieldc);

/** "update ... set ... where id = $1"; fields from $2 on. malloc()ed. */
int record_sql_update(char **sqlp, enum record_kind kind,
		      const struct record_field *const *fields, size_t fieldc);

/** "delete ... where id = $1". malloc()ed. */
int record_sql_delete(char **sqlp, enum record_kind kind);

enum {
	RECORD_SQL_VALUE_MAX = 64 /**< Of a value that is not taken over */
};

/**
 * A column's text as the catalog's
 *
 * @param value NULL is NULL
 * @param buf   Where a value is made that is not simply taken over
 *
 * @return value, buf, or NULL: the field's default
 */
const char *record_sql_read(const struct record_field *field,
			    const char *value, char buf[RECORD_SQL_VALUE_MAX]);

/** The reverse, for a canonical text; id: of the record a reference names. Of
 *  several references the text holds the ids. A NULL is a column's NULL. */
const char *record_sql_write(const struct record_field *field,
			     const char *canonical, uint32_t id,
			     char buf[RECORD_SQL_VALUE_MAX]);

#endif
