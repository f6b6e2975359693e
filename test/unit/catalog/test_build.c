/**
 * @file test/unit/catalog/test_build.c  Versions: made, changed, refused
 */
#include "test/support/t.h"
#include "test/unit/catalog/lines.h"


static void what_does_not_change_is_shared(void **state)
{
	const struct catalog *first, *second;
	struct build *b;
	struct rig rig;
	(void)state;

	first = open_lines(&rig, "shared");
	assert_int_equal(rig_begin(&rig, &b), 0);
	assert_int_equal(rig_row(&rig, b, RECORD_PHONE, 52, "number", "200",
				 "account", "1", NULL),
			 0);
	assert_int_equal(build_forget(b, RECORD_PHONE, 51), 0);
	assert_int_equal(rig_publish(&rig, b, 2), 0);

	second = catalog_pin(rig.reader);
	assert_ptr_not_equal(first, second);
	assert_int_equal(catalog_control(second)->version, 2);
	for (int i = 0; i < CATALOG_PARTC; i++)
		assert_int_equal(
			catalog_control(first)->parts[i].generation ==
				catalog_control(second)->parts[i].generation,
			i != CATALOG_PHONES);

	assert_null(catalog_phone(second, text_of("100")));
	assert_null(catalog_phone(second, text_of("1001")));
	assert_non_null(catalog_phone(second, text_of("200")));
	assert_non_null(catalog_phone(first, text_of("100")));
	assert_non_null(catalog_phone(first, text_of("1001")));
	catalog_unpin(rig.reader, second);
	close_lines(&rig, first);
}


/* --- kept or made anew: the same
 * ---------------------------------------------- */

enum {
	IDS = 60,
	ROUNDS = 60
};

/* Which rows there are, and in which edition */
struct model {
	uint32_t phones[IDS + 1];
	uint32_t rates[IDS + 1];
	uint32_t ways[IDS + 1];
};


static int put_way(struct rig *rig, struct build *b, uint32_t id, uint32_t ed)
{
	char name[32], prefixes[64], limit[32];

	(void)snprintf(name, sizeof(name), "way%u-%u", ed % 7, id);
	(void)snprintf(prefixes, sizeof(prefixes), "%u,%u", id % 10, ed);
	(void)snprintf(limit, sizeof(limit), "%u", ed);

	return rig_row(rig, b, RECORD_ROUTING, id, "name", name, "prefixes",
		       prefixes, "line_limit", limit, "mapping_names", "1",
		       "callee_rules", "00*=*,0*=44*", "stop_codes", "486,600",
		       "addresses", "192.0.2.1:5060,a.example", NULL);
}


static int put_phone(struct rig *rig, struct build *b, uint32_t id,
		     uint32_t ed)
{
	char number[32], forward[32];

	(void)snprintf(number, sizeof(number), "%u0%u", ed % 9 + 1, id);
	(void)snprintf(forward, sizeof(forward), "%u", ed);

	return rig_row(rig, b, RECORD_PHONE, id, "number", number, "account",
		       "1", "forward_no_answer", forward, "codecs",
		       "PCMA,PCMU,G729", NULL);
}


static int put_rate(struct rig *rig, struct build *b, uint32_t id, uint32_t ed)
{
	char prefix[32], rate[32];

	(void)snprintf(prefix, sizeof(prefix), "%u", ed % 20);
	(void)snprintf(rate, sizeof(rate), "%u", ed);

	return rig_row(rig, b, RECORD_RATE, id, "table", id % 2 ? "1" : "2",
		       "prefix", prefix, "rate", rate, NULL);
}


static int put_base(struct rig *rig, struct build *b)
{
	int err;

	err = rig_row(rig, b, RECORD_ACCOUNT, 1, "name", "a", NULL);
	if (!err)
		err = rig_row(rig, b, RECORD_RATE_TABLE, 1, "name", "t1",
			      NULL);
	if (!err)
		err = rig_row(rig, b, RECORD_RATE_TABLE, 2, "name", "t2",
			      NULL);
	if (!err)
		err = rig_row(rig, b, RECORD_MAPPING, 1, "name", "m",
			      "account", "1", "addresses", "192.0.2.0/24",
			      NULL);

	return err;
}


typedef int(put_h)(struct rig *rig, struct build *b, uint32_t id,
		   uint32_t edition);


/* Some rows of a kind: forget, or put in another edition */
static int change(struct rig *rig, struct build *b, enum record_kind kind,
		  uint32_t *editions, put_h *puth)
{
	const uint32_t first = (uint32_t)random() % IDS;
	const uint32_t count = (uint32_t)random() % 5;
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		const uint32_t id = 1 + (first + i) % IDS;

		editions[id] = random() % 3 ? 1 + (uint32_t)random() % 1000
					    : 0;
		if (editions[id])
			err = puth(rig, b, id, editions[id]);
		else
			err = build_forget(b, kind, id);
	}

	return err;
}


static int put_model(struct rig *rig, struct build *b,
		     const struct model *model)
{
	int err = put_base(rig, b);

	/* Not in the order of ids, and not in that of names */
	for (uint32_t i = 0; i < IDS && !err; i++) {
		const uint32_t id = 1 + i * 7 % IDS;

		if (model->phones[id])
			err = put_phone(rig, b, id, model->phones[id]);
		if (model->rates[id] && !err)
			err = put_rate(rig, b, id, model->rates[id]);
		if (model->ways[id] && !err)
			err = put_way(rig, b, id, model->ways[id]);
	}

	return err;
}


static void check_same(struct rig *kept, struct rig *anew)
{
	const struct catalog_control *a, *b;
	char why[256] = "";

	if (catalog_verify(publisher_current(kept->publisher), why,
			   sizeof(why)))
		fail_msg("%s", why);

	a = catalog_control(publisher_current(kept->publisher));
	b = catalog_control(publisher_current(anew->publisher));
	for (int i = 0; i < CATALOG_PARTC; i++) {
		assert_int_equal(a->parts[i].size, b->parts[i].size);
		assert_int_equal(a->parts[i].crc, b->parts[i].crc);
	}
}


static void kept_rows_make_the_same_bytes_as_new_ones(void **state)
{
	struct model model = { .phones = { 0 } };
	struct rig kept, anew;
	struct build *b;
	(void)state;

	srandom(7);
	assert_int_equal(rig_open(&kept, "kept"), 0);
	assert_int_equal(rig_open(&anew, "anew"), 0);
	assert_int_equal(build_alloc(&b, NULL), 0);
	assert_int_equal(put_base(&kept, b), 0);
	assert_int_equal(rig_publish(&kept, b, 0), 0);

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		assert_int_equal(rig_begin(&kept, &b), 0);
		assert_int_equal(change(&kept, b, RECORD_PHONE, model.phones,
					put_phone),
				 0);
		assert_int_equal(change(&kept, b, RECORD_RATE, model.rates,
					put_rate),
				 0);
		assert_int_equal(change(&kept, b, RECORD_ROUTING, model.ways,
					put_way),
				 0);
		if (rig_publish(&kept, b, round))
			fail_msg("%s", kept.why);

		assert_int_equal(build_alloc(&b, NULL), 0);
		assert_int_equal(put_model(&anew, b, &model), 0);
		assert_int_equal(rig_publish(&anew, b, round), 0);
		check_same(&kept, &anew);
	}
	rig_close(&kept);
	rig_close(&anew);
}


/* --- refusals
 * -------------------------------------------------------------------- */

static void what_does_not_agree_is_refused_by_name(void **state)
{
	static const struct {
		struct line line;
		const char *why;
	} rows[] = {
		/* clang-format off */
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "17" } },
		  "mapping gateway \"x\": account: account 17 does not exist" },
		{ { RECORD_MAPPING, 90, { "name", "gw1", "account", "1" } },
		  "mapping gateway \"gw1\": there are two of this name" },
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "1",
			"addresses", "192.0.2.77" } },
		  "mapping gateway \"x\": addresses: some are also those of \"gw1\"" },
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "1",
			"addresses", "2001::/16" } },
		  "mapping gateway \"gw1\": addresses: some are also those of \"x\"" },
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "1",
			"auth_mode", "ip_port", "addresses", "192.0.2.7:5060" } },
		  "also those of" },
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "1",
			"auth_mode", "password", "username", "1001" } },
		  "mapping gateway \"x\": username: 1001 is a phone" },
		{ { RECORD_MAPPING, 90, { "name", "x", "account", "1",
			"auth_mode", "password", "username", "pbx" } },
		  "username: pbx is another gateway's" },
		{ { RECORD_ROUTING, 90, { "name", "x", "type", "dynamic",
			"username", "pbx" } },
		  "username: pbx is another gateway's" },
		{ { RECORD_ROUTING, 90, { "name", "x", "mapping_names", "21,9" } },
		  "routing gateway \"x\": mapping_names: mapping gateway 9 does not exist" },
		{ { RECORD_ACCOUNT, AGENT, { "name", "agent", "agent", "1" } },
		  "agent: leads back to itself" },
		{ { RECORD_ACCOUNT, 90, { "name", "x", "agent", "90" } },
		  "account \"x\": agent: leads back to itself" },
		{ { RECORD_PHONE, 90, { "number", "100", "account", "1" } },
		  "phone \"100\": there are two of this name" },
		{ { RECORD_PHONE, 90, { "number", "77", "account", "8" } },
		  "phone \"77\": account: account 8 does not exist" },
		{ { RECORD_RATE, 90, { "table", "3", "prefix", "1", "rate", "1" } },
		  "rate \"id 90\": table: rate table 3 does not exist" },
		{ { RECORD_LIST, 90, { "entry", "900*", "list", "callee_black" } },
		  "there are two of this name" },
		/* clang-format on */
	};
	const struct catalog *c;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "refused");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct build *b;

		assert_int_equal(rig_begin(&rig, &b), 0);
		if (put_line(&rig, b, &rows[i].line))
			fail_msg("%zu: %s", i, rig.why);
		assert_int_equal(rig_publish(&rig, b, 2), EINVAL);
		if (!strstr(rig.why, rows[i].why))
			fail_msg("%s\nis not: %s", rig.why, rows[i].why);
		assert_int_equal(catalog_control(
					 publisher_current(rig.publisher))
					 ->version,
				 1);
	}
	assert_false(rig_has_part(&rig, "core", 2));
	close_lines(&rig, c);
}


static void a_record_in_use_cannot_go(void **state)
{
	static const struct {
		enum record_kind kind;
		uint32_t id;
		const char *why;
	} rows[] = {
		/* clang-format off */
		{ RECORD_ACCOUNT,      CARRIER, "account 1 does not exist" },
		{ RECORD_RATE_TABLE,   GOLD,    "rate table 11 does not exist" },
		{ RECORD_GROUP,        5,       "group: " },
		{ RECORD_MAPPING,      GW1,     "mapping_names: " },
		{ RECORD_REGISTRATION, 41,      "registration: " },
		{ RECORD_ROUTING,      WAY1,    "gateway: " },
		/* clang-format on */
	};
	const struct catalog *c;
	struct rig rig;
	(void)state;

	c = open_lines(&rig, "inuse");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct build *b;

		assert_int_equal(rig_begin(&rig, &b), 0);
		assert_int_equal(build_forget(b, rows[i].kind, rows[i].id), 0);
		assert_int_equal(rig_publish(&rig, b, 2), EINVAL);
		if (!strstr(rig.why, rows[i].why))
			fail_msg("%s\nis not: %s", rig.why, rows[i].why);
	}
	close_lines(&rig, c);
}


static void a_row_that_is_wrong_is_refused_at_once(void **state)
{
	struct build *b;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "row"), 0);
	assert_int_equal(build_alloc(&b, NULL), 0);
	assert_int_equal(rig_row(&rig, b, RECORD_GROUP, 1, "name", "g",
				 "line_limit", "many", NULL),
			 EINVAL);
	assert_non_null(strstr(rig.why, "\"g\": line_limit"));
	assert_int_equal(rig_row(&rig, b, RECORD_RATE, 1, "table", "1",
				 "prefix", "1", NULL),
			 EINVAL);
	assert_non_null(strstr(rig.why, "rate: must be given"));
	assert_int_equal(rig_row(&rig, b, RECORD_MAPPING, 1, "name", "x",
				 "account", "carrier", NULL),
			 EINVAL);
	assert_int_equal(rig_row(&rig, b, RECORD_MAPPING, 1, "name", "x",
				 "account", "0", NULL),
			 EINVAL);
	assert_non_null(strstr(rig.why, "\"x\": account: "));
	assert_int_equal(rig_row(&rig, b, RECORD_MAPPING, 1, "name", "x",
				 NULL),
			 EINVAL);
	assert_non_null(strstr(rig.why, "account: must be given"));
	assert_int_equal(rig_row(&rig, b, RECORD_GROUP, 0, "name", "g", NULL),
			 EINVAL);

	/* And leaves nothing behind. */
	assert_int_equal(rig_row(&rig, b, RECORD_GROUP, 1, "name", "g", NULL),
			 0);
	assert_int_equal(rig_row(&rig, b, RECORD_GROUP, 1, "name", "h", NULL),
			 0);
	assert_int_equal(rig_publish(&rig, b, 1), EINVAL);
	assert_non_null(strstr(rig.why, "id: 1 comes twice"));
	rig_close(&rig);
}


static void all_of_a_kind_can_be_forgotten(void **state)
{
	const struct catalog *c;
	struct build *b;
	struct rig rig;
	size_t count;
	(void)state;

	c = open_lines(&rig, "forgetall");
	catalog_unpin(rig.reader, c);
	assert_int_equal(rig_begin(&rig, &b), 0);
	assert_int_equal(build_forget_all(b, RECORD_RATE), 0);
	assert_int_equal(build_forget_all(b, RECORD_LIST), 0);
	assert_int_equal(rig_row(&rig, b, RECORD_RATE, 61, "table", "12",
				 "prefix", "7", "rate", "1", NULL),
			 0);
	assert_int_equal(rig_publish(&rig, b, 2), 0);

	c = catalog_pin(rig.reader);
	(void)catalog_rows(c, RECORD_RATE, &count);
	assert_int_equal(count, 1);
	assert_null(catalog_rate(c, GOLD, text_of("7"), IN_2026));
	assert_non_null(catalog_rate(c, GOLD + 1, text_of("7"), IN_2026));
	assert_false(
		catalog_lists_number(c, CAT_CALLEE_BLACK, text_of("900")));
	close_lines(&rig, c);
}


/* --- words that are indexed by
 * ------------------------------------------------------ */

static void check_words(enum record_kind kind, const char *field,
			const char *words)
{
	const struct record_field *f;

	f = record_field_find(kind, text_of(field));
	assert_non_null(f);
	assert_string_equal(f->words, words);
}


static void words_are_those_the_look_ups_know(void **state)
{
	(void)state;

	check_words(RECORD_MAPPING, "auth_mode", "ip ip_port password");
	check_words(RECORD_MAPPING, "type", "static dynamic");
	check_words(RECORD_ROUTING, "type", "static dynamic");
	check_words(RECORD_LIST, "list",
		    "caller_black callee_black source_black source_white");
}


/* --- failing allocations
 * ------------------------------------------------------------- */

static int versions_are_made_and_read(void)
{
	const struct catalog *c;
	struct build *b = NULL;
	struct rig rig;
	int err;

	err = rig_open(&rig, "nomem");
	if (!err)
		err = publish_lines(&rig, 1);
	if (!err)
		err = rig_begin(&rig, &b);
	if (!err) {
		err = rig_row(&rig, b, RECORD_PHONE, 52, "number", "200",
			      "account", "1", NULL);
		if (!err)
			err = build_forget(b, RECORD_RATE, 61);
		if (!err)
			err = build_param(b, SS_MAX_CPS, "20", rig.why);
		if (err)
			build_free(b);
		else
			err = rig_publish(&rig, b, 2);
	}

	if (!err) {
		c = catalog_pin(rig.reader);
		err = c && catalog_phone(c, text_of("200")) ? 0 : ENOMEM;
		if (c)
			catalog_unpin(rig.reader, c);
	}
	if (!err)
		err = rig_restart(&rig);
	rig_close(&rig);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_change_is_shared),
		cmocka_unit_test(kept_rows_make_the_same_bytes_as_new_ones),
		cmocka_unit_test(what_does_not_agree_is_refused_by_name),
		cmocka_unit_test(a_record_in_use_cannot_go),
		cmocka_unit_test(a_row_that_is_wrong_is_refused_at_once),
		cmocka_unit_test(all_of_a_kind_can_be_forgotten),
		cmocka_unit_test(words_are_those_the_look_ups_know),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(versions_are_made_and_read),
	};

	return T_MAIN(tests, scenarios);
}
