/**
 * @file test/unit/catalog/test_record.c  Fields: check, put, print
 *
 * test/golden/catalog/records.txt is the table of all fields as operators rely
 * on it: a change there is a change for them.
 */
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/catalog/record_rig.h"

static char why[RECORD_WHY_MAX];


static int put(struct made *made, const struct record_field *field,
	       const char *text)
{
	return made_put(made, field, text, why);
}


/* --- the tables ----------------------------------------------------------- */

static void print_field(FILE *f, enum record_kind kind,
			const struct record_field *field)
{
	char allowed[RECORD_ALLOWED_MAX];

	record_allowed(field, allowed);
	fprintf(f, "%s %s %s %s [%s] %s\n", records[kind].word, field->name,
		record_type_names[field->type],
		field->def ? field->def : "(needed)", allowed,
		field->inherits && field->param != PARAMC
			? params[field->param].name
			: "-");
}


static char *read_file(const char *path)
{
	char *text = calloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	if (!f || !text)
		fail_msg("%s", path);
	(void)fread(text, 1, (1 << 16) - 1, f);
	(void)fclose(f);

	return text;
}


static void the_table_of_fields_is_what_operators_rely_on(void **state)
{
	char *text = NULL, *golden;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	(void)state;

	assert_non_null(f);
	for (int kind = 0; kind < RECORD_KINDC; kind++)
		for (size_t i = 0; i < records[kind].fieldc; i++)
			print_field(f, (enum record_kind)kind,
				    &records[kind].fields[i]);
	(void)fclose(f);

	golden = read_file(GOLDEN_DIR "/records.txt");
	if (strcmp(text, golden) != 0) {
		fputs(text, stderr);
		fail_msg("not as in records.txt");
	}
	free(golden);
	free(text);
}


/* As a list in the record of a parameter says which fields follow it, so do
 * the fields say which parameter. */
static void fields_and_parameters_name_each_other(void **state)
{
	(void)state;
	for (int kind = 0; kind < RECORD_KINDC; kind++) {
		for (size_t i = 0; i < records[kind].fieldc; i++) {
			const struct record_field *field =
				&records[kind].fields[i];

			if (!field->inherits || field->param == PARAMC)
				continue;
			assert_string_equal(params[field->param].override,
					    field->name);
			assert_string_equal(field->def, "inherit");
		}
	}
}


static size_t width(const struct record_field *field)
{
	switch ((int)field->type) {

	case RECORD_MONEY:
	case RECORD_TIME:
		return sizeof(int64_t);

	case RECORD_PREFIX:
		return CAT_PREFIX_MAX;

	case RECORD_REFS:
	case RECORD_PREFIXES:
	case RECORD_TEXTS:
	case RECORD_CODES:
	case RECORD_CAUSES:
	case RECORD_PLAN:
	case RECORD_SOURCES:
	case RECORD_TARGETS:
	case RECORD_CALENDAR:
	case RECORD_HA1:
	case RECORD_SEALED:
		return sizeof(struct cat_span);

	default:
		return sizeof(uint32_t);
	}
}


/* The id is nobody's field; what is left are pads and a rate's name. */
static void fields_lie_in_their_row_and_nowhere_twice(void **state)
{
	(void)state;
	for (int kind = 0; kind < RECORD_KINDC; kind++) {
		uint8_t taken[ROW_MAX] = { 1, 1, 1, 1 };
		size_t left = 0;

		assert_in_range(records[kind].size, 8, ROW_MAX);
		for (size_t i = 0; i < records[kind].fieldc; i++) {
			const struct record_field *field =
				&records[kind].fields[i];

			assert_true(field->offset + width(field) <=
				    records[kind].size);
			for (size_t b = 0; b < width(field); b++)
				if (taken[field->offset + b]++)
					fail_msg("%s: %s lies on another",
						 records[kind].word,
						 field->name);
		}
		for (size_t b = 0; b < records[kind].size; b++)
			left += !taken[b];
		assert_true(left <= sizeof(cat_str));
	}
}


static void names_in_the_tables_are_unique_and_said_in_a_sentence(void **state)
{
	(void)state;
	for (int kind = 0; kind < RECORD_KINDC; kind++) {
		const struct record_def *def = &records[kind];

		for (size_t i = 0; i < def->fieldc; i++) {
			assert_ptr_equal(record_field_find(
						 (enum record_kind)kind,
						 text_of(def->fields[i].name)),
					 &def->fields[i]);
			assert_true(strlen(def->fields[i].help) > 10);
		}
	}
}


static void kinds_are_found_by_the_word_of_the_command(void **state)
{
	enum record_kind kind;
	(void)state;

	for (int i = 0; i < RECORD_KINDC; i++) {
		assert_int_equal(record_kind_find(&kind,
						  text_of(records[i].word)),
				 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(record_kind_find(&kind, text_of("gateways")), ENOENT);
	assert_int_equal(record_kind_find(&kind, text_of("")), ENOENT);
	assert_null(record_field_find(RECORD_PHONE, text_of("Number")));
}


static void every_default_is_allowed_and_canonical(void **state)
{
	struct made *made = *state;

	for (int kind = 0; kind < RECORD_KINDC; kind++) {
		for (size_t i = 0; i < records[kind].fieldc; i++) {
			const struct record_field *field =
				&records[kind].fields[i];
			char *canon;

			if (!field->def)
				continue;
			if (record_check(field, text_of(field->def), &canon,
					 why))
				fail_msg("%s", why);
			assert_string_equal(canon, field->def);
			free(canon);
			assert_int_equal(put(made, field, field->def), 0);
		}
	}
}


static void templates_set_what_gateways_have_to_what_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(record_templatec, 11);
	for (size_t i = 0; i < record_templatec; i++) {
		const struct record_template *t = &record_templates[i];
		size_t n = 0;

		for (; n < COUNT_OF(t->sets) && t->sets[n].field; n++) {
			const struct text name = text_of(t->sets[n].field);
			const struct record_field *field =
				record_field_find(RECORD_MAPPING, name);
			char *canon;

			if (!field)
				field = record_field_find(RECORD_ROUTING,
							  name);
			assert_non_null(field);
			assert_int_equal(
				record_check(field, text_of(t->sets[n].value),
					     &canon, why),
				0);
			assert_string_equal(canon, t->sets[n].value);
			free(canon);
		}
		assert_true(n > 0);
	}
}


/* --- what lies in the row ------------------------------------------------- */

static void values_lie_in_the_row_as_their_readers_expect(void **state)
{
	struct made *made = *state;
	struct cat_routing *row = (void *)&made->row;
	const struct cat_dial *dial;
	const struct cat_target *target;
	const uint8_t *heap;
	size_t size;

	assert_true(sizeof(*row) <= sizeof(made->row));
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "switch"), "on"),
			 0);
	assert_int_equal(row->switching, 1);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "switch"),
			     "inherit"),
			 0);
	assert_int_equal(row->switching, CAT_INHERIT);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "account"),
			     "beta"),
			 0);
	assert_int_equal(row->gw.account, 8);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "prefixes"), ""),
			 0);
	assert_int_equal(row->prefixes.count, 1);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "sealed"), "AAEC"),
			 0);
	assert_int_equal(row->sealed.count, 3);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "callee_rules"),
			     "00*=+4*9"),
			 0);
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "addresses"),
			     "[2001:db8::1]:5061;tls"),
			 0);

	heap = heap_bytes(made->heap, &size);
	assert_memory_equal(heap + row->sealed.off, "\0\1\2", 3);
	dial = (const void *)(heap + row->gw.callee_rules.off);
	assert_string_equal(heap + dial->pattern, "00");
	assert_string_equal(heap + dial->replacement, "+49");
	assert_int_equal(dial->open, 1);
	assert_int_equal(dial->rest_at, 2);
	target = (const void *)(heap + row->addresses.off);
	assert_string_equal(heap + target->host, "2001:db8::1");
	assert_int_equal(target->port, 5061);
	assert_int_equal(target->transport, CAT_TLS);
}


static void a_shorter_prefix_leaves_nothing_of_the_longer(void **state)
{
	struct made *made = *state;
	const struct record_field *field = field_of(RECORD_RATE, "prefix");
	const struct cat_rate *rate = (const void *)&made->row;
	static const char one[CAT_PREFIX_MAX] = "1";

	assert_int_equal(put(made, field, "012345678901234567890123"), 0);
	assert_int_equal(put(made, field, "1"), 0);
	assert_memory_equal(rate->prefix, one, CAT_PREFIX_MAX);
}


static void a_record_nobody_knows_cannot_be_named(void **state)
{
	struct made *made = *state;

	assert_int_equal(put(made, field_of(RECORD_ACCOUNT, "rate_table"),
			     "delta"),
			 EINVAL);
	assert_string_equal(why, "rate_table: there is no rate table delta");
	assert_int_equal(put(made, field_of(RECORD_ROUTING, "mapping_names"),
			     "alpha,delta"),
			 EINVAL);
	assert_string_equal(
		why, "mapping_names: there is no mapping gateway delta");
}


static void without_names_references_are_ids(void **state)
{
	struct made *made = *state;
	const struct record_field *one = field_of(RECORD_ROUTING, "account");
	const struct record_field *needed = field_of(RECORD_MAPPING,
						     "account");
	const struct record_field *list = field_of(RECORD_ROUTING,
						   "mapping_names");
	struct cat_routing *row = (void *)&made->row;
	const uint8_t *heap;
	size_t size;
	char *text;

#define PUT(field, typed) \
	record_put(field, row, made->heap, text_of(typed), NULL, NULL, why)
	assert_int_equal(PUT(one, "17"), 0);
	assert_int_equal(row->gw.account, 17);
	assert_int_equal(PUT(one, "0"), 0);
	assert_int_equal(row->gw.account, 0);
	assert_int_equal(PUT(one, "alpha"), EINVAL);
	assert_int_equal(PUT(one, "4294967296"), EINVAL);
	assert_int_equal(PUT(needed, "0"), EINVAL);
	assert_int_equal(PUT(list, "3,0"), EINVAL);
	assert_int_equal(PUT(list, "3,17"), 0);
#undef PUT

	heap = heap_bytes(made->heap, &size);
	assert_int_equal(record_print(list, row, heap, size, NULL, NULL,
				      &text),
			 0);
	assert_string_equal(text, "3,17");
	free(text);
}


/* --- rows that lie -------------------------------------------------------- */

static void a_row_that_points_outside_is_not_followed(void **state)
{
	struct made *made = *state;
	struct cat_routing *row = (void *)&made->row;
	static const struct {
		const char *field;
		size_t offset;
		uint32_t word;
	} rows[] = {
		/* clang-format off */
		{ "username", offsetof(struct cat_routing, gw.username), 1 << 20 },
		{ "username", offsetof(struct cat_routing, gw.username), UINT32_MAX },
		{ "callee_rules", offsetof(struct cat_routing, gw.callee_rules.off), 1 << 20 },
		{ "callee_rules", offsetof(struct cat_routing, gw.callee_rules.off), 12 },
		{ "callee_rules", offsetof(struct cat_routing, gw.callee_rules.count), UINT32_MAX },
		{ "sealed", offsetof(struct cat_routing, sealed.count), 1 << 20 },
		{ "account", offsetof(struct cat_routing, gw.account), 12345 },
		{ "ring_back", offsetof(struct cat_routing, ring_back), 3 },
		{ "ring_back", offsetof(struct cat_routing, ring_back), 0xffffffff },
		{ "ring_back", offsetof(struct cat_routing, ring_back), 0x80000000 },
		/* clang-format on */
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct record_field *field = field_of(RECORD_ROUTING,
							    rows[i].field);
		char *text = NULL;

		assert_int_equal(put(made,
				     field_of(RECORD_ROUTING, "callee_rules"),
				     "0*=1*"),
				 0);
		assert_int_equal(put(made, field_of(RECORD_ROUTING, "sealed"),
				     "AAEC"),
				 0);
		memcpy((uint8_t *)row + rows[i].offset, &rows[i].word, 4);
		assert_int_equal(made_print(made, field, &text), EBADMSG);
		assert_null(text);
	}
}


/* Prints one element that was put, then damaged byte by byte: it prints, or
 * it is refused; sanitizers see the rest. */
static void a_damaged_element_prints_or_is_refused(void **state)
{
	static const struct {
		enum record_kind kind;
		const char *field, *typed;
		size_t size;
	} rows[] = {
		/* clang-format off */
		{ RECORD_ROUTING, "callee_rules", "00*=+4*9", sizeof(struct cat_dial) },
		{ RECORD_ROUTING, "addresses", "a.example:5061;tls", sizeof(struct cat_target) },
		{ RECORD_MAPPING, "addresses", "192.0.2.0/24", sizeof(struct cat_source) },
		{ RECORD_GROUP, "calendar", "mon-fri 08:00-20:00 400", sizeof(struct cat_hours) },
		{ RECORD_ROUTING, "prefixes", "4144", sizeof(cat_str) },
		/* clang-format on */
	};
	struct made *made = *state;
	unsigned refusals = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct record_field *field = field_of(rows[i].kind,
							    rows[i].field);
		struct cat_span span;
		size_t size;
		uint8_t *heap;

		assert_int_equal(put(made, field, rows[i].typed), 0);
		memcpy(&span, (uint8_t *)&made->row + field->offset,
		       sizeof(span));
		heap = unconst(heap_bytes(made->heap, &size));
		for (size_t b = 0; b < rows[i].size; b++) {
			for (unsigned value = 0; value < 256; value++) {
				const uint8_t before = heap[span.off + b];
				char *text = NULL;
				int err;

				heap[span.off + b] = (uint8_t)value;
				err = made_print(made, field, &text);
				assert_true(err == 0 || err == EBADMSG);
				refusals += err != 0;
				free(text);
				heap[span.off + b] = before;
			}
		}
	}
	assert_true(refusals > 100);
}


static void a_time_beyond_four_digits_has_no_text(void **state)
{
	struct made *made = *state;
	struct cat_rate *rate = (void *)&made->row;
	char *text;

	rate->valid_from = INT64_C(253402300800);
	assert_int_equal(made_print(made, field_of(RECORD_RATE, "valid_from"),
				    &text),
			 EBADMSG);
	rate->valid_from = -1;
	assert_int_equal(made_print(made, field_of(RECORD_RATE, "valid_from"),
				    &text),
			 EBADMSG);
	rate->valid_to = CAT_NEVER;
	assert_int_equal(made_print(made, field_of(RECORD_RATE, "valid_to"),
				    &text),
			 0);
	assert_string_equal(text, "none");
	free(text);
}


/* Each day of 400 years and some, against counting */
static void every_day_prints_as_the_one_behind_the_day_before(void **state)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31 };
	struct made *made = *state;
	const struct record_field *field = field_of(RECORD_RATE, "valid_from");
	struct cat_rate *rate = (void *)&made->row;
	int year = 1970, month = 1, day = 1;

	for (int64_t n = 0; n < 150000; n++) {
		const int length = lengths[month - 1] +
				   (month == 2 && year % 4 == 0 &&
				    (year % 100 != 0 || year % 400 == 0));
		char date[16], *text;

		(void)text_print(date, sizeof(date), "%04d-%02d-%02d", year,
				 month, day);
		assert_int_equal(put(made, field, date), 0);
		if (rate->valid_from != n * 86400)
			fail_msg("%s", date);
		assert_int_equal(made_print(made, field, &text), 0);
		assert_memory_equal(text, date, 10);
		free(text);

		if (++day > length) {
			day = 1;
			month = month % 12 + 1;
			year += month == 1;
		}
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, made_setup, made_teardown)
		T(the_table_of_fields_is_what_operators_rely_on),
		T(fields_and_parameters_name_each_other),
		T(fields_lie_in_their_row_and_nowhere_twice),
		T(names_in_the_tables_are_unique_and_said_in_a_sentence),
		T(kinds_are_found_by_the_word_of_the_command),
		T(every_default_is_allowed_and_canonical),
		T(templates_set_what_gateways_have_to_what_is_allowed),
		T(values_lie_in_the_row_as_their_readers_expect),
		T(a_shorter_prefix_leaves_nothing_of_the_longer),
		T(a_record_nobody_knows_cannot_be_named),
		T(without_names_references_are_ids),
		T(a_row_that_points_outside_is_not_followed),
		T(a_damaged_element_prints_or_is_refused),
		T(a_time_beyond_four_digits_has_no_text),
		T(every_day_prints_as_the_one_behind_the_day_before),
	};

	return T_MAIN_ONLY(tests);
}
