/**
 * @file supervisor/ctl_print.c  Answers as people read them
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/base/text.h"
#include "supervisor/ctl_print.h"

enum {
	COLUMNS_MAX = 32,
	CELL_MAX = 160
};


/* A terminal obeys what it is sent: nothing but text reaches it. */
static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '_';
}


static void print_uptime(char cell[CELL_MAX], json_int_t s)
{
	if (s >= 86400)
		(void)text_print(cell, CELL_MAX, "%dd%02dh", (int)(s / 86400),
				 (int)(s % 86400 / 3600));
	else if (s >= 3600)
		(void)text_print(cell, CELL_MAX, "%dh%02dm", (int)(s / 3600),
				 (int)(s % 3600 / 60));
	else if (s >= 60)
		(void)text_print(cell, CELL_MAX, "%dm%02ds", (int)(s / 60),
				 (int)(s % 60));
	else
		(void)text_print(cell, CELL_MAX, "%ds", (int)s);
}


static void print_cell(char cell[CELL_MAX], const char *key,
		       const json_t *value)
{
	char *text;

	switch (json_typeof(value)) {

	case JSON_NULL:
		(void)text_print(cell, CELL_MAX, "-");
		break;

	case JSON_TRUE:
	case JSON_FALSE:
		(void)text_print(cell, CELL_MAX, "%s",
				 json_is_true(value) ? "yes" : "no");
		break;

	case JSON_INTEGER:
		if (strcmp(key, "uptime") == 0)
			print_uptime(cell, json_integer_value(value));
		else
			(void)text_print(cell, CELL_MAX,
					 "%" JSON_INTEGER_FORMAT,
					 json_integer_value(value));
		break;

	case JSON_REAL:
		(void)text_print(cell, CELL_MAX, "%.3f",
				 json_real_value(value));
		break;

	case JSON_STRING:
		(void)text_print(cell, CELL_MAX, "%s",
				 json_string_length(value)
					 ? json_string_value(value)
					 : "-");
		break;

	case JSON_OBJECT:
	case JSON_ARRAY:
		text = json_dumps(value, JSON_COMPACT);
		(void)text_print(cell, CELL_MAX, "%s", text ? text : "?");
		free(text);
		break;
	}
	clean(cell);
}


struct table {
	const char *columns[COLUMNS_MAX];
	size_t widths[COLUMNS_MAX];
	bool empty[COLUMNS_MAX]; /**< Nothing in it in any row */
	size_t columnc;
};


static size_t column_of(struct table *table, const char *key)
{
	size_t i = 0;

	while (i < table->columnc && strcmp(table->columns[i], key) != 0)
		i++;
	if (i == table->columnc && i < COLUMNS_MAX) {
		table->columns[i] = key;
		table->widths[i] = strlen(key);
		table->empty[i] = true;
		table->columnc++;
	}

	return i;
}


static void measure(struct table *table, const json_t *rows)
{
	for (size_t r = 0; r < json_array_size(rows); r++) {
		json_t *row = json_array_get(rows, r), *value;
		const char *key;

		json_object_foreach(row, key, value)
		{
			const size_t i = column_of(table, key);
			char cell[CELL_MAX];

			if (i >= COLUMNS_MAX)
				continue;
			print_cell(cell, key, value);
			if (strlen(cell) > table->widths[i])
				table->widths[i] = strlen(cell);
			if (strcmp(cell, "-") != 0)
				table->empty[i] = false;
		}
	}
}


static void print_line(FILE *f, const struct table *table, const json_t *row)
{
	const char *gap = "";

	for (size_t i = 0; i < table->columnc; i++) {
		const json_t *value = row ? json_object_get(row,
							    table->columns[i])
					  : NULL;
		char cell[CELL_MAX] = "";

		/* A column that says nothing is not shown. */
		if (table->empty[i])
			continue;
		if (!row)
			(void)text_print(cell, sizeof(cell), "%s",
					 table->columns[i]);
		else if (value)
			print_cell(cell, table->columns[i], value);
		clean(cell);
		fprintf(f, "%s%-*s", gap, (int)table->widths[i], cell);
		gap = "  ";
	}
	fprintf(f, "\n");
}


static bool holds_lists(const json_t *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(unconst(row), key, value)
	{
		if (json_is_array(value) || json_is_object(value))
			return true;
	}

	return false;
}


static void print_long(FILE *f, json_t *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value)
	{
		char cell[CELL_MAX], name[CELL_MAX];

		(void)text_print(name, sizeof(name), "%s", key);
		clean(name);
		if (json_is_array(value)) {
			fprintf(f, "%s:\n", name);
			for (size_t i = 0; i < json_array_size(value); i++) {
				print_cell(cell, key,
					   json_array_get(value, i));
				fprintf(f, "  %s\n", cell);
			}
			continue;
		}
		print_cell(cell, key, value);
		fprintf(f, "%-16s %s\n", name, cell);
	}
}


void ctl_print(FILE *f, const json_t *rows)
{
	struct table table = { .columnc = 0 };

	if (json_array_size(rows) == 0)
		return;

	if (json_array_size(rows) == 1 &&
	    holds_lists(json_array_get(rows, 0))) {
		print_long(f, json_array_get(rows, 0));
		return;
	}

	measure(&table, rows);
	print_line(f, &table, NULL);
	for (size_t i = 0; i < json_array_size(rows); i++)
		print_line(f, &table, json_array_get(rows, i));
}
