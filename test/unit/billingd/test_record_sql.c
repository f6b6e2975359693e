/**
 * @file test/unit/billingd/test_record_sql.c  Field tables to SQL and back
 */
#include "billingd/record_sql.h"
#include "test/support/t.h"


static const struct record_field *field(enum record_kind kind,
					const char *name)
{
	const struct record_field *f = record_field_find(kind, text_of(name));

	assert_non_null(f);

	return f;
}


static void statements_name_columns_and_number_values(void **state)
{
	const struct record_field *fields[] = {
		field(RECORD_PHONE, "number"),
		field(RECORD_PHONE, "account"),
	};
	char *sql;
	(void)state;

	assert_int_equal(record_sql_insert(&sql, RECORD_PHONE, fields, 2), 0);
	assert_string_equal(sql, "insert into \"phone\" (\"number\", "
				 "\"account_id\") values ($1, $2)");
	free(sql);
	assert_int_equal(record_sql_update(&sql, RECORD_PHONE, fields, 2), 0);
	assert_string_equal(sql, "update \"phone\" set \"number\" = $2, "
				 "\"account_id\" = $3 where id = $1");
	free(sql);
	assert_int_equal(record_sql_delete(&sql, RECORD_GROUP), 0);
	assert_string_equal(sql,
			    "delete from \"gateway_group\" where id = $1");
	free(sql);
	assert_int_equal(record_sql_select(&sql, RECORD_RATE_TABLE, true), 0);
	assert_string_equal(sql, "select r.id, r.\"name\" from \"rate_table\" "
				 "r where r.id = any($1::integer[])");
	free(sql);
	assert_int_equal(record_sql_select(&sql, RECORD_RATE, false), 0);
	assert_non_null(strstr(sql, "r.\"table_id\""));
	assert_non_null(strstr(sql, "to_char(r.\"valid_from\" at time zone"));
	free(sql);
}


static void values_go_there_and_come_back(void **state)
{
	static const struct {
		enum record_kind kind;
		const char *field, *canonical;
		uint32_t id;
		const char *column, *back;
	} rows[] = {
		{ RECORD_PHONE, "enabled", "On", 0, "t", "On" },
		{ RECORD_PHONE, "enabled", "Off", 0, "f", "Off" },
		{ RECORD_PHONE, "line_limit", "5", 0, "5", "5" },
		{ RECORD_PHONE, "account", "acme", 7, "7", "7" },
		{ RECORD_PHONE, "nomedia_time", "inherit", 0, NULL, NULL },
		{ RECORD_RATE, "rate", "0.02", 0, "20000", "0.020000" },
		{ RECORD_RATE, "rate", "12", 0, "12000000", "12.000000" },
		{ RECORD_ACCOUNT, "overdraft", "unlimited", 0, NULL,
		  "unlimited" },
		{ RECORD_ACCOUNT, "rate_table", "none", 0, NULL, NULL },
		{ RECORD_RATE, "valid_to", "none", 0, NULL, NULL },
		{ RECORD_GROUP, "calendar", "mon 08:00-09:00 5", 0,
		  "mon 08:00-09:00 5", "mon 08:00-09:00 5" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct record_field *f = field(rows[i].kind,
						     rows[i].field);
		char there[RECORD_SQL_VALUE_MAX], back[RECORD_SQL_VALUE_MAX];
		const char *column = record_sql_write(f, rows[i].canonical,
						      rows[i].id, there);
		const char *text = record_sql_read(f, column, back);

		if (rows[i].column)
			assert_string_equal(column, rows[i].column);
		else
			assert_null(column);
		if (rows[i].back)
			assert_string_equal(text, rows[i].back);
		else
			assert_null(text);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_name_columns_and_number_values),
		cmocka_unit_test(values_go_there_and_come_back),
	};

	return T_MAIN_ONLY(tests);
}
