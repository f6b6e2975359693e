/**
 * @file test/unit/catalog/test_lookup.c  What a version answers
 */
#include "test/support/t.h"
#include "test/unit/catalog/lines.h"


static void an_empty_catalog_answers_everything(void **state)
{
	const struct addr addr = { .family = AF_INET, .ip = { 10, 0, 0, 1 } };
	struct catalog_candidate candidate;
	struct catalog_source source;
	const struct catalog *c;
	enum record_kind kind;
	struct build *b;
	struct rig rig;
	size_t count;
	char why[256];
	(void)state;

	assert_int_equal(rig_open(&rig, "empty"), 0);
	assert_null(catalog_pin(rig.reader));
	assert_int_equal(build_alloc(&b, NULL), 0);
	assert_int_equal(rig_publish(&rig, b, 0), 0);

	c = catalog_pin(rig.reader);
	assert_non_null(c);
	assert_int_equal(catalog_verify(c, why, sizeof(why)), 0);
	assert_int_equal(catalog_control(c)->version, 0);
	assert_int_equal(catalog_sources(c, &addr, &source, 1), 0);
	assert_int_equal(catalog_candidates(c, text_of("1"), &candidate, 1),
			 0);
	assert_null(catalog_phone(c, text_of("1")));
	assert_null(catalog_terminal(c, text_of("x"), &kind));
	assert_null(catalog_rate(c, 1, text_of("1"), IN_2025));
	assert_false(catalog_lists_number(c, CAT_CALLEE_BLACK, text_of("1")));
	assert_false(catalog_lists_source(c, CAT_SOURCE_BLACK, &addr));
	for (int k = 0; k < RECORD_KINDC; k++) {
		(void)catalog_rows(c, k, &count);
		assert_int_equal(count, 0);
		assert_null(catalog_by_id(c, k, 1));
		assert_null(catalog_by_name(c, k, text_of("x")));
	}
	for (int i = 0; i < PARAMC; i++) {
		struct param_value *value;
		char fault[PARAM_WHY_MAX];

		assert_int_equal(param_parse(&value, i, text_of(params[i].def),
					     fault),
				 0);
		assert_string_equal(catalog_text(c, i), value->text);
		assert_int_equal(catalog_int(c, i), value->number);
		assert_int_equal(catalog_is_set(c, i), value->is_set);
		free(value);
	}
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
}


static void records_are_found_by_id_and_by_name(void **state)
{
	const struct catalog *c;
	const struct cat_mapping *gw;
	const struct cat_phone *phone;
	struct rig rig;
	size_t count;
	(void)state;

	c = open_lines(&rig, "byid");
	for (size_t i = 0; i < linec; i++) {
		const struct line *line = &lines[i];
		const struct cat_row *row;

		row = catalog_by_id(c, line->kind, line->id);
		if (line->kind == RECORD_RATE) {
			assert_null(row);
			continue;
		}
		assert_non_null(row);
		assert_int_equal(row->id, line->id);
		assert_string_equal(catalog_str(c, line->kind, row->name),
				    line->pairs[1]);
		row = catalog_by_name(c, line->kind, text_of(line->pairs[1]));
		assert_non_null(row);
		assert_string_equal(catalog_str(c, line->kind, row->name),
				    line->pairs[1]);
	}

	gw = catalog_by_name(c, RECORD_MAPPING, text_of("gw1"));
	assert_int_equal(gw->gw.account, CARRIER);
	assert_int_equal(gw->gw.group, 5);
	assert_non_null(catalog_span(c, RECORD_MAPPING, gw->addresses,
				     sizeof(struct cat_source), &count));
	assert_int_equal(count, 2);
	assert_null(catalog_by_name(c, RECORD_MAPPING, text_of("gw")));
	assert_null(catalog_by_name(c, RECORD_MAPPING, text_of("")));

	phone = catalog_phone(c, text_of("100"));
	assert_int_equal(phone->row.id, 52);
	assert_string_equal(catalog_str(c, RECORD_PHONE,
					phone->forward_no_answer),
			    "1001");
	assert_null(catalog_phone(c, text_of("10")));
	assert_null(catalog_phone(c, (struct text){ "1001\0", 5 }));
	close_lines(&rig, c);
}


static void rows_lie_in_order(void **state)
{
	const struct catalog *c;
	const struct cat_phone *phones;
	const struct cat_rate *rates;
	struct rig rig;
	size_t count;
	(void)state;

	c = open_lines(&rig, "order");
	phones = catalog_rows(c, RECORD_PHONE, &count);
	assert_int_equal(count, 2);
	assert_int_equal(phones[0].row.id, 52);
	assert_int_equal(phones[1].row.id, 51);

	rates = catalog_rows(c, RECORD_RATE, &count);
	assert_int_equal(count, 5);
	assert_int_equal(rates[0].row.id, 61);
	assert_int_equal(rates[1].row.id, 63);
	assert_int_equal(rates[2].row.id, 62);
	assert_int_equal(rates[3].row.id, 64);
	close_lines(&rig, c);
}


static void sources_come_most_specific_first(void **state)
{
	static const struct {
		const char *addr;
		uint32_t ids[4];
		uint8_t lens[4];
	} rows[] = {
		/* clang-format off */
		{ "192.0.2.7:5060",    { GW2, GW1, GW3 }, { 32, 24, 16 } },
		{ "192.0.2.7",         { GW2, GW1, GW3 }, { 32, 24, 16 } },
		{ "192.0.2.7:5061",    { GW1, GW3 },      { 24, 16 } },
		{ "192.0.2.8:5060",    { GW1, GW3 },      { 24, 16 } },
		{ "192.0.3.1",         { GW3 },           { 16 } },
		{ "192.1.0.1",         { 0 },             { 0 } },
		{ "203.0.113.1:40000", { WAY1 },          { 32 } },
		{ "2001:db8::7",       { GW1 },           { 32 } },
		{ "::1",               { 0 },             { 0 } },
		/* clang-format on */
	};
	const struct catalog *c;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "sources");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct catalog_source sources[4] = { 0 };
		struct addr addr;
		size_t count;

		assert_int_equal(addr_parse(&addr, text_of(rows[i].addr)), 0);
		count = catalog_sources(c, &addr, sources, 4);
		for (size_t k = 0; k < 4; k++) {
			if (sources[k].id != rows[i].ids[k])
				fail_msg("%s: %zu is %u", rows[i].addr, k,
					 sources[k].id);
			assert_int_equal(sources[k].len, rows[i].lens[k]);
			assert_int_equal(k < count, rows[i].ids[k] != 0);
		}
		assert_int_equal(catalog_sources(c, &addr, NULL, 0), count);
	}
	close_lines(&rig, c);
}


static void of_each_gateway_its_longest_prefix_counts(void **state)
{
	static const struct {
		const char *number;
		uint32_t ids[4];
		uint32_t lengths[4];
	} rows[] = {
		/* clang-format off */
		{ "12125550100", { WAY1, WAY2, WAY3 }, { 4, 4, 2 } },
		{ "1255",        { WAY3, WAY1, WAY2 }, { 2, 1, 0 } },
		{ "1",           { WAY1, WAY2 },       { 1, 0 } },
		{ "4420",        { WAY1, WAY2 },       { 2, 0 } },
		{ "7",           { WAY2 },             { 0 } },
		{ "",            { WAY2 },             { 0 } },
		/* clang-format on */
	};
	const struct catalog *c;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "candidates");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct catalog_candidate found[4] = { 0 };
		size_t count;

		count = catalog_candidates(c, text_of(rows[i].number), found,
					   4);
		for (size_t k = 0; k < 4; k++) {
			assert_int_equal(k < count, rows[i].ids[k] != 0);
			if (k >= count)
				continue;
			assert_int_equal(found[k].gateway->gw.row.id,
					 rows[i].ids[k]);
			assert_int_equal(found[k].length, rows[i].lengths[k]);
		}
		assert_int_equal(catalog_candidates(c, text_of(rows[i].number),
						    found, 1),
				 count);
	}
	close_lines(&rig, c);
}


static void the_longest_valid_prefix_is_the_rate(void **state)
{
	static const struct {
		const char *number;
		int64_t at;
		uint32_t id; /* 0: none */
	} rows[] = {
		/* clang-format off */
		{ "12125550100", IN_2024, 61 }, { "12125550100", IN_2025, 64 },
		{ "12125550100", IN_2026, 63 }, { "1213",        IN_2025, 62 },
		{ "1213",        IN_2026, 63 }, { "7",           IN_2026, 61 },
		{ "9001",        IN_2026, 0 },  { "901",         IN_2026, 61 },
		{ "",            IN_2026, 61 },
		/* clang-format on */
	};
	const struct catalog *c;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "rates");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct cat_rate *rate;

		rate = catalog_rate(c, GOLD, text_of(rows[i].number),
				    rows[i].at);
		if ((rate ? rate->row.id : 0) != rows[i].id)
			fail_msg("%s: row %u", rows[i].number,
				 rate ? rate->row.id : 0);
	}
	assert_null(catalog_rate(c, GOLD + 1, text_of("1"), IN_2026));
	assert_null(catalog_rate(c, GOLD + 2, text_of("1"), IN_2026));
	close_lines(&rig, c);
}


static void lists_hold_numbers_starts_and_networks(void **state)
{
	static const struct {
		enum cat_list list;
		const char *what;
		bool is_in;
	} rows[] = {
		/* clang-format off */
		{ CAT_CALLEE_BLACK, "900",           true },
		{ CAT_CALLEE_BLACK, "9001234567890123456789012345678", true },
		{ CAT_CALLEE_BLACK, "90",            false },
		{ CAT_CALLEE_BLACK, "123",           true },
		{ CAT_CALLEE_BLACK, "1234",          false },
		{ CAT_CALLEE_BLACK, "12",            false },
		{ CAT_CALLEE_BLACK, "",              false },
		{ CAT_CALLEE_BLACK, "12345678901234567890123456789", true },
		{ CAT_CALLEE_BLACK, "123456789012345678901234567",   false },
		{ CAT_CALLER_BLACK, "9007",          true },
		{ CAT_CALLER_BLACK, "123",           false },
		{ CAT_SOURCE_BLACK, "123",           false },
		/* clang-format on */
	};
	const struct catalog *c;
	struct addr addr;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "lists");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (catalog_lists_number(c, rows[i].list,
					 text_of(rows[i].what)) !=
		    rows[i].is_in)
			fail_msg("list %d: %s", (int)rows[i].list,
				 rows[i].what);

	assert_int_equal(addr_parse(&addr, text_of("198.51.100.9:1")), 0);
	assert_true(catalog_lists_source(c, CAT_SOURCE_BLACK, &addr));
	assert_false(catalog_lists_source(c, CAT_SOURCE_WHITE, &addr));
	assert_false(catalog_lists_source(c, CAT_CALLEE_BLACK, &addr));
	assert_int_equal(addr_parse(&addr, text_of("2001:db8::1")), 0);
	assert_true(catalog_lists_source(c, CAT_SOURCE_WHITE, &addr));
	assert_false(catalog_lists_source(c, CAT_SOURCE_BLACK, &addr));
	close_lines(&rig, c);
}


static void terminals_are_found_by_user_name(void **state)
{
	const struct cat_gateway *gw;
	const struct catalog *c;
	enum record_kind kind;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "terminals");
	gw = catalog_terminal(c, text_of("pbx"), &kind);
	assert_non_null(gw);
	assert_int_equal(gw->row.id, GW3);
	assert_int_equal(kind, RECORD_MAPPING);
	gw = catalog_terminal(c, text_of("dyn"), &kind);
	assert_non_null(gw);
	assert_int_equal(gw->row.id, WAY3);
	assert_int_equal(kind, RECORD_ROUTING);
	assert_null(catalog_terminal(c, text_of("pb"), &kind));
	assert_null(catalog_terminal(c, text_of(""), &kind));
	assert_null(catalog_terminal(c, text_of("1001"), &kind));
	close_lines(&rig, c);
}


static void parameters_are_read_by_their_type(void **state)
{
	const struct catalog *c;
	const int64_t *numbers;
	struct build *b;
	struct rig rig;
	size_t count;
	(void)state;

	c = open_lines(&rig, "params");
	catalog_unpin(rig.reader, c);
	assert_int_equal(rig_begin(&rig, &b), 0);
	assert_int_equal(build_param(b, SS_MAX_CPS, "20", rig.why), 0);
	assert_int_equal(build_param(b, SS_SIP_RESEND_INTERVAL, "0.5,1,2",
				     rig.why),
			 0);
	assert_int_equal(build_param(b, SERVER_BILLING_FREE_E164S,
				     "5000*,7000", rig.why),
			 0);
	assert_int_equal(build_param(b, SS_MAX_CPS, "a lot", rig.why), EINVAL);
	assert_non_null(strstr(rig.why, "SS_MAX_CPS"));
	assert_int_equal(rig_publish(&rig, b, 2), 0);

	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_int(c, SS_MAX_CPS), 20);
	assert_string_equal(catalog_text(c, SS_MAX_CPS), "20");
	numbers = catalog_numbers(c, SS_SIP_RESEND_INTERVAL, &count);
	assert_int_equal(count, 3);
	assert_int_equal(numbers[0], 500);
	assert_int_equal(numbers[2], 2000);
	assert_int_equal(catalog_textc(c, SERVER_BILLING_FREE_E164S), 2);
	assert_string_equal(catalog_text_at(c, SERVER_BILLING_FREE_E164S, 1),
			    "7000");
	assert_string_equal(catalog_text_at(c, SERVER_BILLING_FREE_E164S, 2),
			    "");
	assert_true(catalog_matches(c, SERVER_BILLING_FREE_E164S,
				    text_of("5000")));
	assert_true(catalog_matches(c, SERVER_BILLING_FREE_E164S,
				    text_of("50001")));
	assert_true(catalog_matches(c, SERVER_BILLING_FREE_E164S,
				    text_of("7000")));
	assert_false(catalog_matches(c, SERVER_BILLING_FREE_E164S,
				     text_of("70001")));
	assert_int_equal(catalog_effective(c, CAT_INHERIT, SS_MAX_CPS), 20);
	assert_int_equal(catalog_effective(c, 7, SS_MAX_CPS), 7);
	catalog_unpin(rig.reader, c);

	/* Kept without being said again; and back to the default. */
	assert_int_equal(rig_begin(&rig, &b), 0);
	assert_int_equal(build_param(b, SERVER_BILLING_FREE_E164S, NULL,
				     rig.why),
			 0);
	assert_int_equal(rig_publish(&rig, b, 3), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_int(c, SS_MAX_CPS), 20);
	assert_int_equal(catalog_textc(c, SERVER_BILLING_FREE_E164S), 0);
	assert_non_null(catalog_by_id(c, RECORD_MAPPING, GW1));
	close_lines(&rig, c);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_catalog_answers_everything),
		cmocka_unit_test(records_are_found_by_id_and_by_name),
		cmocka_unit_test(rows_lie_in_order),
		cmocka_unit_test(sources_come_most_specific_first),
		cmocka_unit_test(of_each_gateway_its_longest_prefix_counts),
		cmocka_unit_test(the_longest_valid_prefix_is_the_rate),
		cmocka_unit_test(lists_hold_numbers_starts_and_networks),
		cmocka_unit_test(terminals_are_found_by_user_name),
		cmocka_unit_test(parameters_are_read_by_their_type),
	};

	return T_MAIN_ONLY(tests);
}
