/**
 * @file test/unit/sipd/test_guard.c  Who may be listened to (security 2-4)
 */
#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "sipd/guard.h"
#include "test/support/capture.h"
#include "test/support/t.h"
#include "test/unit/sipd/route_rig.h"

#define SECOND INT64_C(1000000)
#define BEGIN  (1000 * SECOND)

enum {
	RATE = 10,
	THRESHOLD = 5,
	TIME_S = 30,
};

static const struct route_row rows_in[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_MAPPING, 1, "name=ip|account=1|addresses=192.0.2.1" },
	{ RECORD_MAPPING, 2,
	  "name=pw|account=1|auth_mode=password|username=u"
	  "|addresses=192.0.2.2" },
	{ RECORD_MAPPING, 3,
	  "name=port|account=1|auth_mode=ip_port|addresses=192.0.2.3:5060" },
	{ RECORD_ROUTING, 1, "name=gw|addresses=203.0.113.1:5060" },
	{ RECORD_LIST, 1, "list=source_white|entry=198.51.100.0/24" },
};

static const struct route_param params_in[] = {
	{ SS_SECURITY_UNKNOWN_RATE, "10" },
	{ SS_SECURITY_BLACKLIST_THRESHOLD, "5" },
	{ SS_SECURITY_BLACKLIST_TIME, "30" },
	{ SS_SECURITY_SCANNER_AGENTS, "friendly-scanner,SIPvicious" },
};

struct bench {
	struct route_rig rig;
	struct log log;
	struct guard *guard;
	const struct catalog *c;
	int64_t now;
};


static void begin(struct bench *b, const char *what)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(route_rig_open(&b->rig, what, rows_in,
					COUNT_OF(rows_in), params_in,
					COUNT_OF(params_in)),
			 0);
	assert_int_equal(guard_alloc(&b->guard, &b->log), 0);
	b->c = b->rig.c;
	b->now = BEGIN;
	capture_begin();
}


static void end(struct bench *b)
{
	capture_end();
	b->guard = guard_free(b->guard);
	route_rig_close(&b->rig);
}


static struct addr at(const char *s)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(s)), 0);

	return addr;
}


static enum guard_verdict check(struct bench *b, const char *ip,
				enum guard_class class)
{
	const struct addr source = at(ip);

	return guard_check(b->guard, b->c, &source, class, 0, b->now);
}


static bool passes(struct bench *b, const char *ip)
{
	return check(b, ip, GUARD_OTHER) == GUARD_PASS;
}


/* How many of so many get through at once */
static unsigned passed(struct bench *b, const char *ip, enum guard_class class,
		       unsigned count)
{
	unsigned n = 0;

	while (count-- > 0)
		n += check(b, ip, class) == GUARD_PASS;

	return n;
}


static void offend(struct bench *b, const char *ip, enum guard_offence offence,
		   unsigned count)
{
	const struct addr source = at(ip);

	while (count-- > 0)
		guard_offend(b->guard, b->c, &source, offence, b->now);
}


/* --- classes --------------------------------------------------------------- */

static void first_bytes_tell_the_class(void **state)
{
	static const struct {
		const char *data;
		enum guard_class class;
	} rows[] = {
		{ "", GUARD_KEEPALIVE },
		{ "\r\n\r\n", GUARD_KEEPALIVE },
		{ "\r\n\r\n\r\n\r\n", GUARD_KEEPALIVE },
		{ "ab", GUARD_KEEPALIVE },
		{ "\0\0\0", GUARD_KEEPALIVE },
		{ "SIP/2.0 200 OK\r\n", GUARD_RESPONSE },
		{ "\r\nSIP/2.0 200 OK\r\n", GUARD_RESPONSE },
		{ "ACK sip:a SIP/2.0\r\n", GUARD_IN_DIALOG },
		{ "BYE sip:a SIP/2.0\r\n", GUARD_IN_DIALOG },
		{ "CANCEL sip:a SIP/2.0\r\n", GUARD_IN_DIALOG },
		{ "PRACK sip:a SIP/2.0\r\n", GUARD_IN_DIALOG },
		{ "INVITE sip:a SIP/2.0\r\nTo: <sip:b>\r\n\r\n",
		  GUARD_INITIAL_INVITE },
		{ "INVITE sip:a SIP/2.0\r\nTo: <sip:b>;tag=1\r\n\r\n",
		  GUARD_IN_DIALOG },
		{ "INVITE sip:a SIP/2.0\r\nt: <sip:b>;tag=1\r\n\r\n",
		  GUARD_IN_DIALOG },
		{ "INVITE sip:a SIP/2.0\r\nTO : <sip:b>;tag=1\r\n\r\n",
		  GUARD_IN_DIALOG },
		{ "INVITE sip:a SIP/2.0\r\nFrom: <sip:b>;tag=1\r\n"
		  "To: <sip:c>\r\n\r\n",
		  GUARD_INITIAL_INVITE },
		{ "INVITE sip:a SIP/2.0\r\nTransport: x;tag=1\r\n\r\n",
		  GUARD_INITIAL_INVITE },
		{ "INVITE sip:a SIP/2.0", GUARD_INITIAL_INVITE },
		{ "INVITE sip:a SIP/2.0\nt", GUARD_INITIAL_INVITE },
		{ "OPTIONS sip:a SIP/2.0\r\nTo: <sip:b>\r\n\r\n",
		  GUARD_OTHER },
		{ "REGISTER sip:a SIP/2.0\r\n\r\n", GUARD_OTHER },
		{ "OPTIONS sip:a SIP/2.0\r\nTo: <sip:b>;tag=1\r\n\r\n",
		  GUARD_IN_DIALOG },
		{ "\x80\x60\x01\x02 abc", GUARD_GARBAGE },
		{ "\1\1\1\1 a", GUARD_GARBAGE },
		{ "INVITE\r\n", GUARD_GARBAGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const size_t len = strlen(rows[i].data);
		char *data = malloc(len ? len : 1); /* asan sees its end */

		assert_non_null(data);
		memcpy(data, rows[i].data, len);
		if (guard_classify(data, len) != rows[i].class)
			fail_msg("row %zu: %s", i, rows[i].data);
		free(data);
	}
}


/* --- rates ----------------------------------------------------------------- */

static void strangers_have_their_rate_and_twice_that_at_once(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "rate");
	assert_int_equal(passed(&b, "10.0.0.1:5060", GUARD_OTHER, 22), 20);
	assert_int_equal(passed(&b, "10.0.0.2:5060", GUARD_OTHER, 3), 3);
	b.now += SECOND;
	assert_int_equal(passed(&b, "10.0.0.1:5061", GUARD_OTHER, 11), RATE);
	end(&b);
}


static void all_a_stranger_sends_is_counted(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "classes");
	assert_int_equal(passed(&b, "10.0.0.1", GUARD_RESPONSE, 8) +
				 passed(&b, "10.0.0.1", GUARD_IN_DIALOG, 8) +
				 passed(&b, "10.0.0.1", GUARD_KEEPALIVE, 8),
			 20);
	end(&b);
}


static void ipv6_is_counted_by_its_network(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "ipv6");
	assert_int_equal(passed(&b, "2001:db8:0:1::1", GUARD_OTHER, 21), 20);
	assert_false(passes(&b, "2001:db8:0:1:ffff::2"));
	assert_true(passes(&b, "2001:db8:0:2::1"));
	end(&b);
}


static void who_has_authenticated_has_a_hundred(void **state)
{
	const struct addr source = at("10.0.0.1:5060");
	struct bench b;

	(void)state;
	begin(&b, "auth");
	assert_false(guard_knows(b.guard, b.c, &source, b.now));
	guard_authenticated(b.guard, &source, b.now);
	assert_true(guard_knows(b.guard, b.c, &source, b.now));
	assert_int_equal(passed(&b, "10.0.0.1:9", GUARD_OTHER, 202), 200);
	b.now += 3600 * SECOND;
	assert_false(guard_knows(b.guard, b.c, &source, b.now));
	assert_int_equal(passed(&b, "10.0.0.1", GUARD_OTHER, 22), 20);
	end(&b);
}


static void gateways_have_a_thousand_and_their_calls_are_counted_later(
	void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "gateway");
	assert_int_equal(passed(&b, "192.0.2.1:5060", GUARD_OTHER, 2001),
			 2000);
	assert_int_equal(passed(&b, "192.0.2.1:5060", GUARD_INITIAL_INVITE,
				3000),
			 3000);
	assert_int_equal(passed(&b, "192.0.2.1:5060", GUARD_IN_DIALOG, 3000),
			 3000);
	assert_int_equal(passed(&b, "203.0.113.1:5060", GUARD_RESPONSE, 3000),
			 3000);
	end(&b);
}


static void a_gateway_that_is_challenged_is_a_stranger_until_it_succeeds(
	void **state)
{
	const struct addr source = at("192.0.2.2:5060");
	struct bench b;

	(void)state;
	begin(&b, "trunk");
	assert_int_equal(passed(&b, "192.0.2.2", GUARD_INITIAL_INVITE, 22),
			 20);
	guard_authenticated(b.guard, &source, b.now);
	assert_int_equal(passed(&b, "192.0.2.2", GUARD_INITIAL_INVITE, 3000),
			 3000);
	b.now += SECOND;
	assert_int_equal(passed(&b, "192.0.2.2", GUARD_OTHER, 1500), 1000);
	end(&b);
}


static void the_white_list_has_no_rate(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "white");
	assert_int_equal(passed(&b, "198.51.100.7", GUARD_OTHER, 5000), 5000);
	end(&b);
}


/* A gateway with a host name is in no catalog: we know it by asking it. */
static void who_is_asked_is_known(void **state)
{
	const struct addr peer = at("10.0.0.9:5060");
	struct bench b;

	(void)state;
	begin(&b, "asked");
	guard_expect(b.guard, &peer, b.now);
	assert_true(guard_knows(b.guard, b.c, &peer, b.now));
	assert_int_equal(passed(&b, "10.0.0.9:5060", GUARD_RESPONSE, 3000),
			 3000);
	offend(&b, "10.0.0.9", GUARD_SCANNER, 1);
	assert_true(passes(&b, "10.0.0.9"));
	b.now += 3600 * SECOND;
	assert_false(guard_knows(b.guard, b.c, &peer, b.now));
	assert_int_equal(passed(&b, "10.0.0.9:5060", GUARD_RESPONSE, 30), 20);
	end(&b);
}


static void without_a_catalog_all_are_strangers(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "none");
	b.c = NULL;
	assert_int_equal(passed(&b, "192.0.2.1", GUARD_OTHER, 50), 40);
	offend(&b, "10.0.0.1", GUARD_BAD_DIGEST, 1000);
	assert_true(passes(&b, "10.0.0.1"));
	offend(&b, "10.0.0.1", GUARD_SCANNER, 1);
	assert_false(passes(&b, "10.0.0.1"));
	end(&b);
}


/* --- blacklist ------------------------------------------------------------- */

static void each_offence_counts(void **state)
{
	static const enum guard_offence all[] = { GUARD_UNAUTHORISED_INVITE,
						  GUARD_BAD_DIGEST,
						  GUARD_MALFORMED,
						  GUARD_RATE };
	static const char *const ips[] = { "10.0.1.1", "10.0.1.2", "10.0.1.3",
					   "10.0.1.4" };
	struct bench b;

	(void)state;
	begin(&b, "offences");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		offend(&b, ips[i], all[i], THRESHOLD - 1);
		assert_true(passes(&b, ips[i]));
		offend(&b, ips[i], all[i], 1);
		assert_false(passes(&b, ips[i]));
		assert_int_equal(check(&b, ips[i], GUARD_IN_DIALOG),
				 GUARD_DROP);
	}
	assert_int_equal(capture_count("source_blacklisted"), 4);
	offend(&b, "10.0.1.5", GUARD_MALFORMED, 3);
	offend(&b, "10.0.1.5", GUARD_BAD_DIGEST, 2);
	assert_false(passes(&b, "10.0.1.5"));
	end(&b);
}


static void a_scanner_is_listed_at_once(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "scanner");
	offend(&b, "10.0.0.1", GUARD_SCANNER, 1);
	assert_false(passes(&b, "10.0.0.1"));
	end(&b);
}


static void what_is_above_the_rate_is_an_offence(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "above");
	assert_int_equal(passed(&b, "10.0.0.1", GUARD_OTHER, 20 + THRESHOLD),
			 20);
	b.now += 10 * SECOND; /* the rate would let it in */
	assert_false(passes(&b, "10.0.0.1"));
	end(&b);
}


static void offences_are_forgotten_after_a_minute(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "window");
	offend(&b, "10.0.0.1", GUARD_MALFORMED, THRESHOLD - 1);
	b.now += 60 * SECOND;
	offend(&b, "10.0.0.1", GUARD_MALFORMED, THRESHOLD - 1);
	assert_true(passes(&b, "10.0.0.1"));
	end(&b);
}


/* Then it takes as many offences as before. */
static void the_list_is_left_when_its_time_is_over(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "expiry");
	offend(&b, "10.0.0.1", GUARD_MALFORMED, THRESHOLD);
	b.now += TIME_S * SECOND - 1;
	assert_false(passes(&b, "10.0.0.1"));
	b.now += 1;
	assert_true(passes(&b, "10.0.0.1"));
	assert_int_equal(capture_count("source_released"), 1);
	offend(&b, "10.0.0.1", GUARD_MALFORMED, THRESHOLD - 1);
	assert_true(passes(&b, "10.0.0.1"));
	offend(&b, "10.0.0.1", GUARD_MALFORMED, 1);
	assert_false(passes(&b, "10.0.0.1"));
	end(&b);
}


static void some_are_never_listed(void **state)
{
	static const struct {
		const char *ip;
		bool is_spared;
	} rows[] = {
		{ "192.0.2.1:5060", true },    /* by address */
		{ "192.0.2.3:5060", true },    /* by address and port */
		{ "203.0.113.1:5060", true },  /* routing gateway */
		{ "198.51.100.9:5060", true }, /* white */
		{ "192.0.2.2:5060", false },   /* by password */
	};
	struct bench b;

	(void)state;
	begin(&b, "spared");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		offend(&b, rows[i].ip, GUARD_BAD_DIGEST, 3 * THRESHOLD);
		offend(&b, rows[i].ip, GUARD_SCANNER, 1);
		assert_int_equal(passes(&b, rows[i].ip), rows[i].is_spared);
	}
	end(&b);
}


/* --- for operators --------------------------------------------------------- */

struct seen {
	unsigned count;
	struct guard_entry last;
};


static void see(const struct guard_entry *entry, void *arg)
{
	struct seen *seen = arg;

	seen->count++;
	seen->last = *entry;
}


static void entries_are_listed_added_and_removed(void **state)
{
	const struct addr source = at("10.0.0.1:5060");
	const struct addr six = at("[2001:db8::5]:5060");
	struct seen seen = { 0 };
	struct bench b;

	(void)state;
	begin(&b, "operator");
	assert_true(passes(&b, "10.0.0.2"));
	assert_int_equal(guard_add(b.guard, &source, 10, b.now), 0);
	assert_false(passes(&b, "10.0.0.1"));
	assert_false(passes(&b, "10.0.0.1"));
	guard_list(b.guard, b.now, see, &seen);
	assert_int_equal(seen.count, 1);
	assert_true(addr_same_ip(&seen.last.source, &source));
	assert_int_equal(seen.last.since_us, b.now);
	assert_int_equal(seen.last.until_us, b.now + 10 * SECOND);
	assert_int_equal(seen.last.hits, 2);
	assert_string_equal(seen.last.reason, "operator");

	assert_true(guard_remove(b.guard, &source, b.now));
	assert_false(guard_remove(b.guard, &source, b.now));
	assert_true(passes(&b, "10.0.0.1"));

	assert_int_equal(guard_add(b.guard, &six, 10, b.now), 0);
	seen.count = 0;
	guard_list(b.guard, b.now, see, &seen);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.last.source.family, AF_INET6);
	assert_false(passes(&b, "2001:db8::6"));
	b.now += 10 * SECOND;
	seen.count = 0;
	guard_list(b.guard, b.now, see, &seen);
	assert_int_equal(seen.count, 0);
	assert_false(guard_remove(b.guard, &six, b.now));
	end(&b);
}


/* --- scanners -------------------------------------------------------------- */

static void scanners_are_known_by_a_piece_of_text(void **state)
{
	static const struct {
		const char *text;
		bool is_scanner;
	} rows[] = {
		{ "friendly-scanner", true },
		{ "Friendly-Scanner/2", true },
		{ "x sipVICIOUS y", true },
		{ "friendly-scanne", false },
		{ "", false },
		{ "a phone", false },
	};
	struct bench b;

	(void)state;
	begin(&b, "words");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(guard_is_scanner(b.c, text_of(rows[i].text)),
				 rows[i].is_scanner);
	assert_false(guard_is_scanner(b.c, (struct text){ NULL, 0 }));
	end(&b);
}


/* --- overload -------------------------------------------------------------- */

static void new_calls_wait_while_we_are_late(void **state)
{
	const struct addr phone = at("10.0.0.8:5060");
	struct bench b;

	(void)state;
	begin(&b, "late");
	guard_authenticated(b.guard, &phone, b.now);
	guard_lag(b.guard, 150000);
	guard_lag(b.guard, 150001); /* may be for once */
	assert_false(guard_is_overloaded(b.guard));
	guard_lag(b.guard, 150001);
	assert_true(guard_is_overloaded(b.guard));
	assert_int_equal(check(&b, "192.0.2.1", GUARD_INITIAL_INVITE),
			 GUARD_BUSY);
	assert_int_equal(check(&b, "198.51.100.1", GUARD_INITIAL_INVITE),
			 GUARD_BUSY);
	assert_int_equal(check(&b, "10.0.0.8", GUARD_INITIAL_INVITE),
			 GUARD_BUSY);
	assert_int_equal(check(&b, "10.0.0.1", GUARD_INITIAL_INVITE),
			 GUARD_DROP);
	assert_int_equal(check(&b, "192.0.2.1", GUARD_IN_DIALOG), GUARD_PASS);
	assert_int_equal(check(&b, "192.0.2.1", GUARD_RESPONSE), GUARD_PASS);
	assert_int_equal(check(&b, "192.0.2.1", GUARD_OTHER), GUARD_PASS);

	guard_lag(b.guard, 50000); /* not yet caught up */
	assert_true(guard_is_overloaded(b.guard));
	guard_lag(b.guard, 49999);
	assert_false(guard_is_overloaded(b.guard));
	assert_int_equal(check(&b, "192.0.2.1", GUARD_INITIAL_INVITE),
			 GUARD_PASS);
	end(&b);
}


/* @return What becomes of a new call that lay there for so long */
static enum guard_verdict waited(struct bench *b, int64_t age_us)
{
	const struct addr source = at("192.0.2.1");

	return guard_check(b->guard, b->c, &source, GUARD_INITIAL_INVITE,
			   age_us, b->now);
}


static void calls_that_lie_too_long_are_turned_away(void **state)
{
	const struct addr source = at("192.0.2.1");
	struct bench b;

	(void)state;
	begin(&b, "age");
	assert_int_equal(waited(&b, 150000), GUARD_PASS);
	assert_int_equal(waited(&b, 150001), GUARD_PASS);
	b.now += 99999;
	assert_int_equal(waited(&b, 150001), GUARD_PASS);
	b.now += 1;
	assert_int_equal(waited(&b, 150001), GUARD_BUSY);
	assert_int_equal(waited(&b, 150000), GUARD_PASS);
	assert_int_equal(guard_check(b.guard, b.c, &source, GUARD_IN_DIALOG,
				     10 * SECOND, b.now),
			 GUARD_PASS);
	/* Who was busy is so at once, for a second after the last time. */
	assert_int_equal(waited(&b, 150001), GUARD_BUSY);
	b.now += SECOND;
	assert_int_equal(waited(&b, 150001), GUARD_BUSY);
	assert_int_equal(waited(&b, 0), GUARD_PASS);
	b.now += SECOND + 1;
	assert_int_equal(waited(&b, 150001), GUARD_PASS);
	end(&b);
}


static void a_standstill_is_not_too_much_to_do(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "still");
	for (unsigned n = 0; n < 10; n++) {
		assert_int_equal(waited(&b, SECOND / 2), GUARD_PASS);
		b.now += 9999;
	}
	assert_int_equal(waited(&b, 0), GUARD_PASS);
	b.now += SECOND;
	assert_int_equal(waited(&b, SECOND / 2), GUARD_PASS);
	end(&b);
}


static void what_waited_for_a_successor_did_not_wait_for_a_slow_one(
	void **state)
{
	struct bench b;

	(void)state;
	begin(&b, "waited");
	assert_int_equal(waited(&b, SECOND), GUARD_PASS);
	b.now += SECOND;
	assert_int_equal(waited(&b, SECOND), GUARD_BUSY);
	guard_began(b.guard, b.now);
	b.now += SECOND;
	assert_int_equal(waited(&b, 2 * SECOND), GUARD_PASS);
	assert_int_equal(waited(&b, 2 * SECOND + 1), GUARD_BUSY);
	/* It came when somebody was there. */
	assert_int_equal(waited(&b, SECOND - 1), GUARD_BUSY);
	end(&b);
}


/* --- bounds ---------------------------------------------------------------- */

static void the_oldest_source_goes_first(void **state)
{
	const struct addr first = at("10.0.0.1"), second = at("10.0.0.2");
	struct addr other = at("11.0.0.0");
	struct bench b;

	(void)state;
	begin(&b, "bound");
	guard_authenticated(b.guard, &first, b.now);
	assert_int_equal(guard_add(b.guard, &second, 60, b.now), 0);
	for (uint32_t i = 0; i < 1001 * 1024; i++) {
		other.ip[1] = (uint8_t)(i >> 16);
		other.ip[2] = (uint8_t)(i >> 8);
		other.ip[3] = (uint8_t)i;
		guard_authenticated(b.guard, &other, b.now);
		if (i % 500000 == 0) /* it goes on: it stays */
			assert_int_equal(guard_check(b.guard, b.c, &second,
						     GUARD_OTHER, 0, b.now),
					 GUARD_DROP);
	}
	assert_false(guard_knows(b.guard, b.c, &first, b.now));
	assert_true(guard_knows(b.guard, b.c, &other, b.now));
	assert_int_equal(guard_check(b.guard, b.c, &second, GUARD_OTHER, 0,
				     b.now),
			 GUARD_DROP);
	end(&b);
}


/* A source that cannot be counted is let in. */
static int sources_are_counted(void)
{
	const struct addr source = at("10.0.0.1");
	struct log log = { .level = LOG_LEVEL_ERROR };
	struct guard *guard = NULL;
	int err;

	err = guard_alloc(&guard, &log);
	if (err)
		return err;
	if (guard_check(guard, NULL, &source, GUARD_OTHER, 0, BEGIN) !=
	    GUARD_PASS)
		err = EPROTO;
	if (!err)
		err = guard_add(guard, &source, 10, BEGIN);
	guard_free(guard);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_bytes_tell_the_class),
		cmocka_unit_test(
			strangers_have_their_rate_and_twice_that_at_once),
		cmocka_unit_test(all_a_stranger_sends_is_counted),
		cmocka_unit_test(ipv6_is_counted_by_its_network),
		cmocka_unit_test(who_has_authenticated_has_a_hundred),
		cmocka_unit_test(
			gateways_have_a_thousand_and_their_calls_are_counted_later),
		cmocka_unit_test(
			a_gateway_that_is_challenged_is_a_stranger_until_it_succeeds),
		cmocka_unit_test(the_white_list_has_no_rate),
		cmocka_unit_test(who_is_asked_is_known),
		cmocka_unit_test(without_a_catalog_all_are_strangers),
		cmocka_unit_test(each_offence_counts),
		cmocka_unit_test(a_scanner_is_listed_at_once),
		cmocka_unit_test(what_is_above_the_rate_is_an_offence),
		cmocka_unit_test(offences_are_forgotten_after_a_minute),
		cmocka_unit_test(the_list_is_left_when_its_time_is_over),
		cmocka_unit_test(some_are_never_listed),
		cmocka_unit_test(entries_are_listed_added_and_removed),
		cmocka_unit_test(scanners_are_known_by_a_piece_of_text),
		cmocka_unit_test(new_calls_wait_while_we_are_late),
		cmocka_unit_test(calls_that_lie_too_long_are_turned_away),
		cmocka_unit_test(a_standstill_is_not_too_much_to_do),
		cmocka_unit_test(
			what_waited_for_a_successor_did_not_wait_for_a_slow_one),
		cmocka_unit_test(the_oldest_source_goes_first),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(sources_are_counted),
	};

	return T_MAIN(tests, scenarios);
}
