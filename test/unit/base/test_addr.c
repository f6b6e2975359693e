/**
 * @file test/unit/base/test_addr.c  Addresses and prefixes
 */
#include <arpa/inet.h>
#include <net/if.h>

#include "shared/base/addr.h"
#include "shared/base/util.h"
#include "test/support/t.h"


static void addresses_are_read_and_printed(void **state)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		/* clang-format off */
		{ "192.0.2.1",              "192.0.2.1" },
		{ "192.0.2.1:5060",         "192.0.2.1:5060" },
		{ "0.0.0.0",                "0.0.0.0" },
		{ "255.255.255.255:65535",  "255.255.255.255:65535" },
		{ "192.0.2.1:00080",        "192.0.2.1:80" },
		{ "::",                     "::" },
		{ "::1",                    "::1" },
		{ "1::",                    "1::" },
		{ "[::1]",                  "::1" },
		{ "[::1]:5060",             "[::1]:5060" },
		{ "2001:DB8:0:0:0:0:0:1",   "2001:db8::1" },
		{ "[2001:db8::1]:65535",    "[2001:db8::1]:65535" },
		{ "::ffff:192.0.2.1",       "192.0.2.1" },
		{ "[::ffff:192.0.2.1]:80",  "192.0.2.1:80" },
		{ "::ffff:c000:201",        "192.0.2.1" },
		{ "64:ff9b::192.0.2.1",     "64:ff9b::c000:201" },
		{ "fe80::1%7",              "fe80::1%7" },
		{ "[fe80::1%7]:5060",       "[fe80::1%7]:5060" },
		{ "fe80::1%4294967295",     "fe80::1%4294967295" },
		{ "fe80::1",                "fe80::1" },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char printed[ADDR_TEXT_MAX];
		struct addr addr;

		if (addr_parse(&addr, text_of(rows[i].text)))
			fail_msg("refused: %s", rows[i].text);
		assert_string_equal(addr_print(&addr, printed),
				    rows[i].printed);
	}
}


static void an_ipv4_address_alone_is_read_as_inet_pton_does(void **state)
{
	static const char *const rows[] = {
		"192.0.2.1", "0.0.0.0",  "255.255.255.255", "1.2.3.256",
		"1.2.3",     "1.2.3.4.", "1.2.3.4:5",       "01.2.3.4",
		"1.2.3.04",  "1..2.3",   ".1.2.3",          "1.2.3.1000",
		"",          "a.b.c.d",  "1.2.3.4 ",        "::1",
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr addr = { .scope = 7 };
		uint8_t ip[4];
		const bool is = inet_pton(AF_INET, rows[i], ip) == 1;

		assert_int_equal(addr_parse_ip4(&addr, text_of(rows[i])) == 0,
				 is);
		if (is) {
			assert_int_equal(addr.family, AF_INET);
			assert_memory_equal(addr.ip, ip, sizeof(ip));
			assert_int_equal(addr.scope, 0);
		}
	}
}


static void what_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = {
		/* clang-format off */
		"", " ", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.a",
		"01.2.3.4", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4:", ":5060",
		"1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1",
		"1.2.3.4:5060x", "1.2.3.4:5060:1", "[1.2.3.4]",
		"[1.2.3.4]:5060", "[::1", "::1]", "[]", "[]:5060", "[::1]5060",
		"[::1]:", "[::1]:0", "[::1]:65536", "[[::1]]", "[::1]]", ":",
		":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
		"1.2.3.4%1", "::1%1", "2001:db8::1%1", "fe80::1%", "fe80::1%0",
		"fe80::1%no-such-interface", "fe80::1%4294967296",
		"fe80::1%1%1", "localhost", "1.2.3.4/32", "::ffff:1.2.3.4%1",
		"11111111111111111111111111111111111111111111111111111111111",
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr addr = { .port = 4711 };

		if (!addr_parse(&addr, text_of(rows[i])))
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(addr.port, 4711);
	}
}


/* A text has a length; what C takes for its end is a byte like others. */
static void a_byte_of_zero_is_no_end(void **state)
{
	static const struct text rows[] = {
		{ "1.2.3.4\0", 8 },
		{ "1.2.3.4\0:5060", 13 },
		{ "::1\0", 4 },
		{ "[::1\0]:5060", 11 },
		{ "fe80::1%lo\0", 11 },
		{ "fe80::1%1\0", 10 },
		{ NULL, 0 },
	};
	struct addr addr;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_not_equal(addr_parse(&addr, rows[i]), 0);
}


static void a_zone_may_be_a_name(void **state)
{
	struct addr addr;
	(void)state;

	if (if_nametoindex("lo") == 0)
		skip();
	assert_int_equal(addr_parse(&addr, text_of("[fe80::1%lo]:53")), 0);
	assert_int_equal(addr.scope, if_nametoindex("lo"));
}


static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;

	return *seed;
}


static struct addr draw_addr(uint64_t *seed)
{
	struct addr addr = { .family = draw(seed) % 2 ? AF_INET : AF_INET6 };
	const size_t len = addr.family == AF_INET ? 4 : 16;

	/* Runs of zeros are what IPv6 text is about. */
	for (size_t i = 0; i < len; i++)
		addr.ip[i] = draw(seed) % 3 ? (uint8_t)draw(seed) : 0;
	addr.port = draw(seed) % 2 ? (uint16_t)draw(seed) : 0;
	if (addr_is_linklocal(&addr) && addr.family == AF_INET6)
		addr.scope = (uint32_t)draw(seed);
	if (addr.family == AF_INET6 && draw(seed) % 8 == 0) {
		memset(addr.ip, 0, 16);
		addr.ip[0] = 0xfe;
		addr.ip[1] = 0x80;
		addr.ip[15] = (uint8_t)draw(seed);
		addr.scope = (uint32_t)draw(seed);
	}

	return addr;
}


static void what_is_printed_is_read_again(void **state)
{
	uint64_t seed = 0x123456789abcdefu;
	(void)state;

	for (int i = 0; i < 50000; i++) {
		const struct addr addr = draw_addr(&seed);
		struct sockaddr_storage sa;
		char text[ADDR_TEXT_MAX];
		struct addr back;
		socklen_t len;

		if (addr_parse(&back, text_of(addr_print(&addr, text))))
			fail_msg("printed, not read: %s", text);
		assert_memory_equal(&back, &addr, sizeof(addr));
		assert_true(addr_equal(&back, &addr));

		len = addr_to_sockaddr(&addr, &sa);
		assert_int_equal(addr_from_sockaddr(&back, (void *)&sa, len),
				 0);
		assert_memory_equal(&back, &addr, sizeof(addr));
	}
}


static void a_socket_address_that_is_short_is_refused(void **state)
{
	struct sockaddr_storage sa = { .ss_family = AF_INET6 };
	struct addr addr;
	(void)state;

	assert_int_equal(addr_from_sockaddr(&addr, (void *)&sa,
					    sizeof(struct sockaddr_in)),
			 EAFNOSUPPORT);
	sa.ss_family = AF_INET;
	assert_int_equal(addr_from_sockaddr(&addr, (void *)&sa, 8),
			 EAFNOSUPPORT);
	sa.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&addr, (void *)&sa, sizeof(sa)),
			 EAFNOSUPPORT);
}


static void ipv4_through_an_ipv6_socket_is_ipv4(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(5060) };
	struct addr addr, same;
	(void)state;

	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1",
				   &in6.sin6_addr),
			 1);
	assert_int_equal(addr_from_sockaddr(&addr, (void *)&in6, sizeof(in6)),
			 0);
	assert_int_equal(addr_parse(&same, text_of("192.0.2.1:5060")), 0);
	assert_true(addr_equal(&addr, &same));
}


/* What lies in shared memory may be anything. */
static void an_address_of_no_family_is_none(void **state)
{
	const struct addr none = { .family = 0 }, odd = { .family = 77 };
	struct sockaddr_storage sa;
	char text[ADDR_TEXT_MAX];
	(void)state;

	assert_string_equal(addr_print(&none, text), "none");
	assert_string_equal(addr_print(&odd, text), "none");
	assert_int_equal(addr_to_sockaddr(&odd, &sa), 0);
	assert_false(addr_is_any(&none));
}


static void addresses_are_told_apart(void **state)
{
	struct addr a, b;
	(void)state;

	assert_int_equal(addr_parse(&a, text_of("192.0.2.1:5060")), 0);
	assert_int_equal(addr_parse(&b, text_of("192.0.2.1:5061")), 0);
	assert_false(addr_equal(&a, &b));
	assert_true(addr_same_ip(&a, &b));

	assert_int_equal(addr_parse(&a, text_of("fe80::1%1")), 0);
	assert_int_equal(addr_parse(&b, text_of("fe80::1%2")), 0);
	assert_false(addr_same_ip(&a, &b));

	assert_int_equal(addr_parse(&a, text_of("0.0.0.0")), 0);
	assert_int_equal(addr_parse(&b, text_of("::")), 0);
	assert_false(addr_same_ip(&a, &b));
}


static void kinds_are_known_to_their_edges(void **state)
{
	static const struct {
		const char *text;
		bool any, loopback, multicast, linklocal, private;
	} rows[] = {
		/* clang-format off */
		{ "0.0.0.0",         true,  false, false, false, false },
		{ "0.0.0.1",         false, false, false, false, false },
		{ "::",              true,  false, false, false, false },
		{ "126.255.255.255", false, false, false, false, false },
		{ "127.0.0.0",       false, true,  false, false, false },
		{ "127.255.255.255", false, true,  false, false, false },
		{ "128.0.0.0",       false, false, false, false, false },
		{ "::1",             false, true,  false, false, false },
		{ "::2",             false, false, false, false, false },
		{ "::ffff:127.0.0.1", false, true, false, false, false },
		{ "223.255.255.255", false, false, false, false, false },
		{ "224.0.0.0",       false, false, true,  false, false },
		{ "239.255.255.255", false, false, true,  false, false },
		{ "240.0.0.0",       false, false, false, false, false },
		{ "ff00::",          false, false, true,  false, false },
		{ "feff::",          false, false, false, false, false },
		{ "169.253.255.255", false, false, false, false, false },
		{ "169.254.0.0",     false, false, false, true,  false },
		{ "169.255.0.0",     false, false, false, false, false },
		{ "fe80::",          false, false, false, true,  false },
		{ "febf:ffff::",     false, false, false, true,  false },
		{ "fec0::",          false, false, false, false, false },
		{ "10.0.0.0",        false, false, false, false, true },
		{ "11.0.0.0",        false, false, false, false, false },
		{ "172.15.255.255",  false, false, false, false, false },
		{ "172.16.0.0",      false, false, false, false, true },
		{ "172.31.255.255",  false, false, false, false, true },
		{ "172.32.0.0",      false, false, false, false, false },
		{ "192.168.255.255", false, false, false, false, true },
		{ "192.169.0.0",     false, false, false, false, false },
		{ "100.63.255.255",  false, false, false, false, false },
		{ "100.64.0.0",      false, false, false, false, true },
		{ "100.127.255.255", false, false, false, false, true },
		{ "100.128.0.0",     false, false, false, false, false },
		{ "fbff::",          false, false, false, false, false },
		{ "fc00::",          false, false, false, false, true },
		{ "fdff:ffff::",     false, false, false, false, true },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct addr addr;

		assert_int_equal(addr_parse(&addr, text_of(rows[i].text)), 0);
		if (addr_is_any(&addr) != rows[i].any ||
		    addr_is_loopback(&addr) != rows[i].loopback ||
		    addr_is_multicast(&addr) != rows[i].multicast ||
		    addr_is_linklocal(&addr) != rows[i].linklocal ||
		    addr_is_private(&addr) != rows[i].private)
			fail_msg("%s", rows[i].text);
	}
}


static void prefixes_are_read_and_printed(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} rows[] = {
		/* clang-format off */
		{ "192.0.2.0/24",       "192.0.2.0/24" },
		{ "192.0.2.255/24",     "192.0.2.0/24" },
		{ "192.0.2.255/25",     "192.0.2.128/25" },
		{ "192.0.2.255/31",     "192.0.2.254/31" },
		{ "192.0.2.1",          "192.0.2.1" },
		{ "192.0.2.1/32",       "192.0.2.1" },
		{ "255.255.255.255/0",  "0.0.0.0/0" },
		{ "2001:db8::1/32",     "2001:db8::/32" },
		{ "2001:db8::1",        "2001:db8::1" },
		{ "ffff::/1",           "8000::/1" },
		{ "::/0",               "::/0" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
		{ "192.0.2.0/33",       NULL },
		{ "192.0.2.0/-1",       NULL },
		{ "192.0.2.0/",         NULL },
		{ "192.0.2.0/24/24",    NULL },
		{ "192.0.2.0/24 ",      NULL },
		{ "192.0.2.0:80/24",    NULL },
		{ "192.0.2.0:80",       NULL },
		{ "2001:db8::/129",     NULL },
		{ "[2001:db8::]/32",    NULL },
		{ "[2001:db8::1]",      NULL },
		{ "/24",                NULL },
		{ "",                   NULL },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char printed[ADDR_TEXT_MAX];
		struct prefix prefix, back;
		const int err = prefix_parse(&prefix, text_of(rows[i].text));

		if ((err != 0) != (rows[i].printed == NULL))
			fail_msg("%s: %d", rows[i].text, err);
		if (err)
			continue;
		assert_string_equal(prefix_print(&prefix, printed),
				    rows[i].printed);
		assert_int_equal(prefix_parse(&back, text_of(printed)), 0);
		assert_true(addr_equal(&prefix.addr, &back.addr));
		assert_int_equal(prefix.len, back.len);
	}
}


static struct prefix prefix_of(const char *text)
{
	struct prefix prefix;

	assert_int_equal(prefix_parse(&prefix, text_of(text)), 0);

	return prefix;
}


static void a_prefix_has_what_shares_its_bits(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool has;
	} rows[] = {
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.128/25", "192.0.2.255", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1:5060", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::", false },
		{ "::/0", "192.0.2.1", false },
		{ "::/0", "::ffff:192.0.2.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct prefix prefix = prefix_of(rows[i].prefix);
		struct addr addr;

		assert_int_equal(addr_parse(&addr, text_of(rows[i].addr)), 0);
		if (prefix_has(&prefix, &addr) != rows[i].has)
			fail_msg("%s %s", rows[i].prefix, rows[i].addr);
	}
}


static void prefixes_overlap_when_one_holds_the_other(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlaps;
	} rows[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "11.0.0.0/16", false },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "0.0.0.0/0", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "2001:db8::/32", "2001:db8:1::/48", true },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct prefix a = prefix_of(rows[i].a);
		const struct prefix b = prefix_of(rows[i].b);

		assert_int_equal(prefix_overlaps(&a, &b), rows[i].overlaps);
		assert_int_equal(prefix_overlaps(&b, &a), rows[i].overlaps);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_printed),
		cmocka_unit_test(
			an_ipv4_address_alone_is_read_as_inet_pton_does),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_byte_of_zero_is_no_end),
		cmocka_unit_test(a_zone_may_be_a_name),
		cmocka_unit_test(what_is_printed_is_read_again),
		cmocka_unit_test(a_socket_address_that_is_short_is_refused),
		cmocka_unit_test(ipv4_through_an_ipv6_socket_is_ipv4),
		cmocka_unit_test(an_address_of_no_family_is_none),
		cmocka_unit_test(addresses_are_told_apart),
		cmocka_unit_test(kinds_are_known_to_their_edges),
		cmocka_unit_test(prefixes_are_read_and_printed),
		cmocka_unit_test(a_prefix_has_what_shares_its_bits),
		cmocka_unit_test(prefixes_overlap_when_one_holds_the_other),
	};

	return T_MAIN_ONLY(tests);
}
