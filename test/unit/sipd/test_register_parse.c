/**
 * @file test/unit/sipd/test_register_parse.c  What a REGISTER asks for
 */
#include "shared/base/util.h"
#include "sipd/register_parse.h"
#include "test/support/t.h"

enum {
	REGISTER_MAX = 8000
};

struct sheet {
	char data[REGISTER_MAX];
	struct message m;
	struct register_ask ask;
};


static struct sheet *sheet_via(const char *via, const char *heads)
{
	static struct sheet s;
	const int len = snprintf(s.data, sizeof(s.data),
				 "REGISTER sip:sw.example SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP %s;branch=z9hG4bKa\r\n"
				 "From: <sip:boss@x>;tag=a\r\n"
				 "To: <sip:1001@x>\r\n"
				 "Call-ID: c1\r\n"
				 "CSeq: 1 REGISTER\r\n"
				 "%s\r\n",
				 via, heads);

	assert_in_range(len, 1, (int)sizeof(s.data) - 1);
	if (message_parse(&s.m, s.data, (size_t)len, false))
		fail_msg("%s", message_faults[s.m.fault].name);

	return &s;
}


static struct sheet *sheet(const char *heads)
{
	return sheet_via("192.0.2.1", heads);
}


static unsigned parsed(const char *heads, struct register_ask **askp)
{
	struct sheet *s = sheet(heads);

	*askp = &s->ask;

	return register_parse(&s->ask, &s->m);
}


static void contacts_come_in_order_each_with_its_seconds(void **state)
{
	struct register_ask *ask;

	(void)state;
	assert_int_equal(
		parsed("Contact: \"A, B\" <sip:1@192.0.2.1:5070;x=1>;q=0.7;"
		       "expires=60, sip:2@192.0.2.2;expires=0\r\n"
		       "m: <sips:3@h>\r\n"
		       "Expires: 1800\r\n",
		       &ask),
		0);
	assert_int_equal(ask->contactc, 3);
	assert_true(text_is(ask->contacts[0].uri, "sip:1@192.0.2.1:5070;x=1"));
	assert_int_equal(ask->contacts[0].expires_s, 60);
	assert_true(text_is(ask->contacts[1].uri, "sip:2@192.0.2.2"));
	assert_int_equal(ask->contacts[1].expires_s, 0);
	assert_true(text_is(ask->contacts[2].uri, "sips:3@h"));
	assert_int_equal(ask->contacts[2].expires_s, REGISTER_NO_EXPIRES);
	assert_int_equal(ask->expires_s, 1800);
	assert_false(ask->is_star);
}


static void unreadable_seconds_are_an_hour(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} rows[] = {
		{ "0", 0 },
		{ "7200", 7200 },
		{ "soon", 3600 },
		{ "-5", 3600 },
		{ "60s", 3600 },
		{ "4294967294", 4294967294 },
		{ "4294967295", 4294967294 },
		{ "99999999999999999999", 4294967294 },
	};
	struct register_ask *ask;
	char heads[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(heads, sizeof(heads),
			       "Contact: <sip:1@h>;expires=%s\r\n"
			       "Expires: %s\r\n",
			       rows[i].text, rows[i].text);
		assert_int_equal(parsed(heads, &ask), 0);
		assert_int_equal(ask->contacts[0].expires_s, rows[i].seconds);
		assert_int_equal(ask->expires_s, rows[i].seconds);
	}
}


static void a_star_stands_alone_and_with_expires_0(void **state)
{
	static const struct {
		const char *heads;
		unsigned code;
	} rows[] = {
		{ "Contact: *\r\nExpires: 0\r\n", 0 },
		{ "Contact: *\r\n", 400 },
		{ "Contact: *\r\nExpires: 60\r\n", 400 },
		{ "Contact: *, <sip:1@h>\r\nExpires: 0\r\n", 400 },
		{ "Contact: <sip:1@h>\r\nContact: *\r\nExpires: 0\r\n", 400 },
		{ "Contact: *, *\r\nExpires: 0\r\n", 400 },
	};
	struct register_ask *ask;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(parsed(rows[i].heads, &ask), rows[i].code);
		assert_true(ask->is_star);
	}
}


static void no_contact_is_a_query(void **state)
{
	struct register_ask *ask;

	(void)state;
	assert_int_equal(parsed("", &ask), 0);
	assert_int_equal(ask->contactc, 0);
	assert_false(ask->is_star);
	assert_int_equal(ask->expires_s, REGISTER_NO_EXPIRES);
}


static void what_no_call_could_be_sent_to_is_400(void **state)
{
	static const char *const rows[] = {
		"Contact: <tel:123>\r\n", "Contact: <http://h>\r\n",
		"Contact: <sip:1@h\r\n",  "Contact: <sip:1@h>, nothing\r\n",
		"Contact: <sip:>\r\n",
	};
	struct register_ask *ask;
	char heads[REGISTER_URI_MAX + 64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (parsed(rows[i], &ask) != 400)
			fail_msg("taken: %s", rows[i]);
	(void)snprintf(heads, sizeof(heads), "Contact: <sip:%0*d@h>\r\n",
		       REGISTER_URI_MAX, 0);
	assert_int_equal(parsed(heads, &ask), 400);
}


static void more_contacts_than_anybody_may_have_are_403(void **state)
{
	char heads[REGISTER_MAX / 2] = "";
	struct register_ask *ask;
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i <= REGISTER_CONTACTS_MAX; i++) {
		if (i == REGISTER_CONTACTS_MAX)
			assert_int_equal(parsed(heads, &ask), 0);
		at += (size_t)snprintf(heads + at, sizeof(heads) - at,
				       "Contact: <sip:%u@h>\r\n", i);
	}
	assert_int_equal(parsed(heads, &ask), 403);
}


static void to_says_whose_bindings_they_are(void **state)
{
	struct text user;

	(void)state;
	assert_int_equal(register_terminal(&user, &sheet("")->m), 0);
	assert_true(text_is(user, "1001"));
}


static void paths_are_one_list(void **state)
{
	char path[REGISTER_PATH_MAX + 1];
	char heads[2 * REGISTER_PATH_MAX];

	(void)state;
	assert_int_equal(register_path(path, sizeof(path), &sheet("")->m), 0);
	assert_string_equal(path, "");
	assert_int_equal(
		register_path(path, sizeof(path),
			      &sheet("Path: <sip:p1;lr>, <sip:p2;lr>\r\n"
				     "Path: <sip:p3;lr>\r\n")
				       ->m),
		0);
	assert_string_equal(path, "<sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>");
	(void)snprintf(heads, sizeof(heads), "Path: <sip:%0*d>\r\n",
		       REGISTER_PATH_MAX, 0);
	assert_int_not_equal(register_path(path, sizeof(path),
					   &sheet(heads)->m),
			     0);
}


static void path_is_the_one_extension_there_is(void **state)
{
	struct text name;

	(void)state;
	assert_false(register_lacks(&sheet("")->m, &name));
	assert_false(register_lacks(&sheet("Require: path\r\n")->m, &name));
	assert_true(
		register_lacks(&sheet("Require: path, gruu\r\n")->m, &name));
	assert_true(text_is(name, "gruu"));
}


/* The example of registration 4: all but the look-up of names */
static bool is_nat(const char *via, const char *contact)
{
	struct register_place places[REGISTER_PLACES_MAX];
	struct addr source, addr;
	char heads[128];
	struct sheet *s;
	size_t n;

	(void)snprintf(heads, sizeof(heads), "Contact: <sip:1@%s>\r\n",
		       contact);
	s = sheet_via(via, heads);
	assert_int_equal(register_parse(&s->ask, &s->m), 0);
	assert_int_equal(addr_parse(&source, text_of("192.0.2.77:40001")), 0);
	n = register_places(places, &s->m, &s->ask);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		const bool is_addr = !head_host_addr(&addr, places[i].host,
						     places[i].port);

		if (!register_is_there(&source, &addr, is_addr ? 1 : 0,
				       places[i].port))
			return true;
	}

	return false;
}


static void who_is_not_where_it_says_is_behind_nat(void **state)
{
	static const struct {
		const char *via, *contact;
		bool is_nat;
	} rows[] = {
		{ "192.0.2.77:40001", "192.0.2.77:40001", false },
		{ "10.0.0.5:5060", "192.0.2.77:40001", true },
		{ "192.0.2.77:40001", "192.0.2.77", true },
		{ "192.0.2.77", "192.0.2.77:40001", true },
		{ "192.0.2.77:40001", "10.0.0.5:40001", true },
		{ "192.0.2.77:40001", "192.0.2.77:40002", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(is_nat(rows[i].via, rows[i].contact),
				 rows[i].is_nat);
}


static void any_address_of_a_name_will_do(void **state)
{
	struct addr source, addrs[2];

	(void)state;
	assert_int_equal(addr_parse(&source, text_of("192.0.2.77:5060")), 0);
	assert_int_equal(addr_parse(&addrs[0], text_of("192.0.2.7:5060")), 0);
	assert_int_equal(addr_parse(&addrs[1], text_of("192.0.2.77:9")), 0);
	assert_true(register_is_there(&source, addrs, 2, 5060));
	assert_false(register_is_there(&source, addrs, 1, 5060));
	assert_false(register_is_there(&source, addrs, 0, 5060));
	assert_false(register_is_there(&source, addrs, 2, 5061));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contacts_come_in_order_each_with_its_seconds),
		cmocka_unit_test(unreadable_seconds_are_an_hour),
		cmocka_unit_test(a_star_stands_alone_and_with_expires_0),
		cmocka_unit_test(no_contact_is_a_query),
		cmocka_unit_test(what_no_call_could_be_sent_to_is_400),
		cmocka_unit_test(more_contacts_than_anybody_may_have_are_403),
		cmocka_unit_test(to_says_whose_bindings_they_are),
		cmocka_unit_test(paths_are_one_list),
		cmocka_unit_test(path_is_the_one_extension_there_is),
		cmocka_unit_test(who_is_not_where_it_says_is_behind_nat),
		cmocka_unit_test(any_address_of_a_name_will_do),
	};

	return T_MAIN_ONLY(tests);
}
