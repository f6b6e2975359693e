/**
 * @file test/unit/sipd/test_resolve.c  Names are found, kept and shared
 *
 * Time is turned by hand.
 */
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ev/re_on_uv.h"
#include "shared/svc/svc.h"
#include "sipd/resolve.h"
#include "test/support/t.h"
#include "test/unit/sipd/dnsfake.h"

enum {
	ANSWERS_MAX = 16,
	SECOND_US = 1000000,
};

/* What a test was told */
struct told {
	struct resolved r;
	uint64_t user;
};

struct svc {
	struct ev *ev;
};

struct fixture {
	struct svc svc;
	struct resolver *resolver;
	struct dnsfake dns;
	struct told told[ANSWERS_MAX];
	size_t toldc;
};


struct ev *svc_ev(const struct svc *svc)
{
	return svc->ev;
}


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.dns.fd = -1;
	clk_freeze(SECOND_US, 0);
	f.dns.rcode = NAME_ERR;
	*state = &f;
	if (ev_alloc(&f.svc.ev) || re_on_uv(f.svc.ev) ||
	    dnsfake_open(&f.dns, f.svc.ev))
		return -1;

	return resolver_alloc(&f.resolver, &f.svc, f.dns.server);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->resolver = resolver_free(f->resolver);
	dnsfake_close(&f->dns);
	(void)re_on_uv(NULL);
	f->svc.ev = ev_free(f->svc.ev);
	clk_thaw();

	return 0;
}


#define LABEL_OF_64                                                      \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789" \
	"01"
#define ROWS(f, table) \
	((f)->dns.rows = (table), (f)->dns.rowc = COUNT_OF(table))
/* Time goes on by a millisecond a turn, so that timers come. */
#define UNTIL(f, cond) \
	WAIT_FOR(20, (clk_turn(1000), ev_turn((f)->svc.ev), (cond)))


static void on_resolved(const struct resolved *r, void *arg, uint64_t user)
{
	struct fixture *f = arg;

	assert_true(f->toldc < ANSWERS_MAX);
	f->told[f->toldc].r = *r;
	f->told[f->toldc].user = user;
	f->toldc++;
}


static int ask(struct fixture *f, const char *host, uint16_t port,
	       enum transport transport, struct resolved *r)
{
	return resolve(f->resolver, text_of(host), port, transport, r,
		       on_resolved, f, 7);
}


/* Asked, waited for, and found again in the cache. */
static struct resolved found(struct fixture *f, const char *host,
			     uint16_t port, enum transport transport)
{
	const size_t before = f->toldc;
	struct resolved r;
	int err;

	err = ask(f, host, port, transport, &r);
	if (err == EAGAIN) {
		assert_int_equal(f->toldc, before);
		UNTIL(f, f->toldc == before + 1);
		return f->told[before].r;
	}
	assert_int_equal(err, 0);

	return r;
}


static void assert_addrs(const struct resolved *r, const char *expected)
{
	char text[512] = "", one[ADDR_TEXT_MAX];
	size_t l = 0;

	for (size_t i = 0; i < r->addrc; i++)
		l += (size_t)snprintf(text + l, sizeof(text) - l, "%s%s",
				      i ? " " : "",
				      addr_print(&r->addrs[i], one));
	assert_string_equal(text, expected);
}


static void an_address_is_answered_at_once(void **state)
{
	struct fixture *f = *state;
	struct resolved r;

	assert_int_equal(ask(f, "192.0.2.1", 0, TRANSPORT_UDP, &r), 0);
	assert_addrs(&r, "192.0.2.1:5060");
	assert_int_equal(ask(f, "192.0.2.1", 5070, TRANSPORT_TLS, &r), 0);
	assert_addrs(&r, "192.0.2.1:5070");
	assert_int_equal(ask(f, "2001:db8::1", 0, TRANSPORT_TLS, &r), 0);
	assert_addrs(&r, "[2001:db8::1]:5061");
	assert_int_equal(resolve_known(f->resolver, text_of("192.0.2.1"), 0,
				       TRANSPORT_UDP, &r),
			 0);
	assert_int_equal(f->dns.askedc, 0);
}


static void with_a_port_it_is_the_addresses_of_the_name(void **state)
{
	static const struct row rows[] = {
		{ "Gw.Example", TYPE_AAAA, 60, "2001:db8::1", 0, 0, 0 },
		{ "gw.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
		{ "gw.example", TYPE_A, 60, "0.0.0.0", 0, 0, 0 },
		{ "gw.example", TYPE_A, 60, "239.0.0.1", 0, 0, 0 },
		{ "_sip._udp.gw.example", TYPE_SRV, 60, "other", 1, 1, 1 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	r = found(f, "GW.example.", 5080, TRANSPORT_UDP);
	assert_int_equal(r.err, 0);
	assert_addrs(&r, "192.0.2.1:5080 [2001:db8::1]:5080");
	assert_int_equal(f->dns.asked[TYPE_SRV], 0);
}


static void what_is_known_is_not_asked_again_until_it_expires(void **state)
{
	static const struct row rows[] = {
		{ "gw.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	assert_int_equal(resolve_known(f->resolver, text_of("gw.example"), 1,
				       TRANSPORT_UDP, &r),
			 ENOENT);
	(void)found(f, "gw.example", 1, TRANSPORT_UDP);
	assert_int_equal(f->dns.asked[TYPE_A], 1);

	clk_turn(59 * (int64_t)SECOND_US);
	assert_int_equal(ask(f, "gw.example", 2, TRANSPORT_TCP, &r), 0);
	assert_addrs(&r, "192.0.2.1:2");
	assert_int_equal(resolve_known(f->resolver, text_of("gw.example"), 3,
				       TRANSPORT_UDP, &r),
			 0);
	assert_addrs(&r, "192.0.2.1:3");

	clk_turn(SECOND_US);
	assert_int_equal(resolve_known(f->resolver, text_of("gw.example"), 3,
				       TRANSPORT_UDP, &r),
			 ENOENT);
	assert_int_equal(ask(f, "gw.example", 1, TRANSPORT_UDP, &r), EAGAIN);
	UNTIL(f, f->toldc == 2);
	assert_int_equal(f->dns.asked[TYPE_A], 2);
}


/* It is known for so long, and not a microsecond longer. */
static void assert_lives(struct fixture *f, const char *host, int64_t seconds)
{
	struct resolved r;

	r = found(f, host, 1, TRANSPORT_UDP);
	assert_addrs(&r, "192.0.2.1:1");
	clk_turn(seconds * SECOND_US - 1);
	assert_int_equal(resolve_known(f->resolver, text_of(host), 1,
				       TRANSPORT_UDP, &r),
			 0);
	clk_turn(1);
	assert_int_equal(resolve_known(f->resolver, text_of(host), 1,
				       TRANSPORT_UDP, &r),
			 ENOENT);
}


static void lifetimes_are_held_within_bounds(void **state)
{
	static const struct row rows[] = {
		{ "zero.example", TYPE_A, 0, "192.0.2.1", 0, 0, 0 },
		{ "short.example", TYPE_A, 6, "192.0.2.1", 0, 0, 0 },
		{ "long.example", TYPE_A, 1000000, "192.0.2.1", 0, 0, 0 },
		{ "alias.example", TYPE_CNAME, 10, "long.example", 0, 0, 0 },
	};
	struct fixture *f = *state;

	ROWS(f, rows);
	assert_lives(f, "zero.example", 5);
	assert_lives(f, "short.example", 6);
	assert_lives(f, "long.example", 3600);
	assert_lives(f, "alias.example", 10);
}


static void without_a_port_srv_records_decide(void **state)
{
	static const struct row rows[] = {
		{ "_sip._udp.c.example", TYPE_SRV, 60, "b.example", 20, 0,
		  5062 },
		{ "_sip._udp.c.example", TYPE_SRV, 60, "a.example", 10, 0,
		  5061 },
		{ "_sip._udp.c.example", TYPE_SRV, 60, "gone.example", 5, 0,
		  5063 },
		{ "_sips._tcp.c.example", TYPE_SRV, 60, "b.example", 1, 0,
		  443 },
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
		{ "a.example", TYPE_AAAA, 60, "2001:db8::1", 0, 0, 0 },
		{ "b.example", TYPE_A, 60, "192.0.2.2", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	r = found(f, "c.example", 0, TRANSPORT_UDP);
	assert_addrs(&r, "192.0.2.1:5061 [2001:db8::1]:5061 192.0.2.2:5062");
	r = found(f, "c.example", 0, TRANSPORT_TLS);
	assert_addrs(&r, "192.0.2.2:443");
}


static void without_srv_records_it_is_the_name_at_the_usual_port(void **state)
{
	static const struct row rows[] = {
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	r = found(f, "a.example", 0, TRANSPORT_TCP);
	assert_addrs(&r, "192.0.2.1:5060");
	r = found(f, "a.example", 0, TRANSPORT_TLS);
	assert_addrs(&r, "192.0.2.1:5061");
	/* Nor if the server cannot say. */
	f->dns.rcode = SRV_FAIL;
	r = found(f, "a.example", 0, TRANSPORT_UDP);
	assert_addrs(&r, "192.0.2.1:5060");
}


static void a_service_that_is_said_not_to_be_there_is_not_asked_for(
	void **state)
{
	static const struct row rows[] = {
		{ "_sip._udp.a.example", TYPE_SRV, 60, "", 0, 0, 0 },
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	r = found(f, "a.example", 0, TRANSPORT_UDP);
	assert_int_equal(r.err, ENOENT);
	assert_int_equal(r.addrc, 0);
	assert_int_equal(f->dns.asked[TYPE_A], 0);
}


static void weights_decide_among_equals_anew_for_each_answer(void **state)
{
	static const struct row rows[] = {
		{ "_sip._udp.c.example", TYPE_SRV, 60, "a.example", 1, 900,
		  1 },
		{ "_sip._udp.c.example", TYPE_SRV, 60, "b.example", 1, 100,
		  2 },
		{ "_sip._udp.c.example", TYPE_SRV, 60, "z.example", 2, 65535,
		  3 },
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
		{ "b.example", TYPE_A, 60, "192.0.2.2", 0, 0, 0 },
		{ "z.example", TYPE_A, 60, "192.0.2.3", 0, 0, 0 },
	};
	struct fixture *f = *state;
	unsigned first = 0;

	ROWS(f, rows);
	for (int i = 0; i < 2000; i++) {
		const struct resolved r = found(f, "c.example", 0,
						TRANSPORT_UDP);

		assert_int_equal(r.addrc, 3);
		assert_int_equal(r.addrs[2].port, 3);
		first += r.addrs[0].port == 1;
	}
	/* 1800 are expected, with a deviation of 13. */
	assert_in_range(first, 1700, 1900);
	assert_int_equal(f->dns.asked[TYPE_SRV], 1);
}


static void what_is_not_there_is_remembered_for_five_seconds(void **state)
{
	struct fixture *f = *state;
	struct resolved r;

	r = found(f, "no.example", 1, TRANSPORT_UDP);
	assert_int_equal(r.err, ENOENT);
	assert_int_equal(r.addrc, 0);

	clk_turn(5 * (int64_t)SECOND_US - 1);
	assert_int_equal(ask(f, "no.example", 1, TRANSPORT_UDP, &r), 0);
	assert_int_equal(r.err, ENOENT);
	assert_int_equal(resolve_known(f->resolver, text_of("no.example"), 1,
				       TRANSPORT_UDP, &r),
			 ENOENT);
	clk_turn(1);
	assert_int_equal(ask(f, "no.example", 1, TRANSPORT_UDP, &r), EAGAIN);
	UNTIL(f, f->toldc == 2);
}


static void a_server_that_fails_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct resolved r;

	f->dns.rcode = SRV_FAIL;
	r = found(f, "no.example", 1, TRANSPORT_UDP);
	assert_int_equal(r.err, EHOSTUNREACH);
}


static void a_silent_server_is_given_up_at_the_deadline(void **state)
{
	struct fixture *f = *state;
	struct resolved r;

	f->dns.is_silent = true;
	assert_int_equal(ask(f, "a.example", 1, TRANSPORT_UDP, &r), EAGAIN);
	UNTIL(f, f->dns.askedc > 0);
	clk_turn(RESOLVE_DEADLINE_MS * (int64_t)1000 - 10000);
	for (int i = 0; i < 10; i++)
		ev_turn(f->svc.ev);
	assert_int_equal(f->toldc, 0);
	clk_turn(20000);
	UNTIL(f, f->toldc == 1);
	assert_int_equal(f->told[0].r.err, ETIMEDOUT);
	assert_int_equal(f->told[0].user, 7);
	assert_int_equal(ask(f, "a.example", 1, TRANSPORT_UDP, &r), 0);
	assert_int_equal(r.err, ETIMEDOUT);
}


static void at_the_deadline_what_has_come_is_enough(void **state)
{
	static const struct row rows[] = {
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	f->dns.is_silent_to_aaaa = true;
	assert_int_equal(ask(f, "a.example", 1, TRANSPORT_UDP, &r), EAGAIN);
	UNTIL(f, f->dns.askedc >= 2);
	for (int i = 0; i < 100; i++)
		ev_turn(f->svc.ev);
	assert_int_equal(f->toldc, 0);
	clk_turn(RESOLVE_DEADLINE_MS * (int64_t)1000 + 10000);
	UNTIL(f, f->toldc == 1);
	assert_int_equal(f->told[0].r.err, 0);
	assert_addrs(&f->told[0].r, "192.0.2.1:1");
}


static void those_who_ask_for_one_name_share_a_query(void **state)
{
	static const struct row rows[] = {
		{ "a.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture *f = *state;
	struct resolved r;

	ROWS(f, rows);
	for (uint16_t i = 1; i <= 5; i++)
		assert_int_equal(resolve(f->resolver, text_of("a.example"), i,
					 TRANSPORT_UDP, &r, on_resolved, f, i),
				 EAGAIN);
	UNTIL(f, f->toldc == 5);
	assert_int_equal(f->dns.asked[TYPE_A], 1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(f->told[i].r.addrs[0].port, f->told[i].user);
}


static void each_lookup_has_a_port_of_its_own(void **state)
{
	struct fixture *f = *state;

	(void)found(f, "a.example", 1, TRANSPORT_UDP);
	(void)found(f, "b.example", 1, TRANSPORT_UDP);
	(void)found(f, "c.example", 1, TRANSPORT_UDP);
	assert_true(f->dns.ports[0] != f->dns.ports[f->dns.askedc - 1] ||
		    f->dns.ports[0] != f->dns.ports[2]);
}


static void on_again(const struct resolved *r, void *arg, uint64_t user)
{
	struct fixture *f = arg;
	struct resolved again;

	on_resolved(r, arg, user);
	assert_int_equal(ask(f, "a.example", 2, TRANSPORT_UDP, &again), 0);
	assert_int_equal(ask(f, "b.example", 2, TRANSPORT_UDP, &again),
			 EAGAIN);
}


static void a_handler_may_ask_again(void **state)
{
	struct fixture *f = *state;
	struct resolved r;

	assert_int_equal(resolve(f->resolver, text_of("a.example"), 1,
				 TRANSPORT_UDP, &r, on_again, f, 1),
			 EAGAIN);
	UNTIL(f, f->toldc == 2);
}


static void what_is_no_name_is_refused(void **state)
{
	static const char *const names[] = {
		"",    ".",    "a..b", ".a",
		"a b", "a\nb", "-*-",  LABEL_OF_64 ".example",
	};
	char text[300];
	struct fixture *f = *state;
	struct resolved r;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(ask(f, names[i], 1, TRANSPORT_UDP, &r),
				 EINVAL);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[255] = '\0';
	assert_int_equal(ask(f, text, 1, TRANSPORT_UDP, &r), EINVAL);
	text[253] = '\0';
	/* As long as a name may be, there is no room for an SRV prefix. */
	r = found(f, text, 0, TRANSPORT_UDP);
	assert_int_equal(r.err, ENOENT);
	assert_int_equal(f->dns.asked[TYPE_SRV], 0);
}


static void on_counted(const struct resolved *r, void *arg, uint64_t user)
{
	struct fixture *f = arg;

	(void)user;
	assert_int_equal(r->addrc, 1);
	f->toldc++;
}


static const char *numbered(int number)
{
	static char name[32];

	(void)snprintf(name, sizeof(name), "n%d.example", number);

	return name;
}


static int ask_number(struct fixture *f, int number)
{
	struct resolved r;

	return resolve(f->resolver, text_of(numbered(number)), 1,
		       TRANSPORT_UDP, &r, on_counted, f, 1);
}


static bool is_known(const struct fixture *f, int number)
{
	struct resolved r;

	return resolve_known(f->resolver, text_of(numbered(number)), 1,
			     TRANSPORT_UDP, &r) == 0;
}


static void the_oldest_names_give_way(void **state)
{
	static const struct row any = { NULL, TYPE_A, 3600, "192.0.2.1",
					0,    0,      0 };
	struct fixture *f = *state;
	unsigned known = 0;

	f->dns.any = &any;
	for (int i = 0; i <= 10000; i += 100) {
		f->toldc = 0;
		for (int n = i; n < i + 100 && n <= 10000; n++)
			assert_int_equal(ask_number(f, n), EAGAIN);
		UNTIL(f, f->toldc == 100 || i == 10000);
	}
	UNTIL(f, f->toldc == 1);
	for (int n = 0; n <= 10000; n++)
		known += is_known(f, n);
	assert_int_equal(known, 10000);
	for (int n = 100; n <= 10000; n++)
		assert_true(is_known(f, n));
}


static void too_many_at_once_are_refused(void **state)
{
	struct fixture *f = *state;
	struct resolved r;
	char name[32];
	int err = EAGAIN, n = 0;

	f->dns.is_silent = true;
	while (err == EAGAIN && n < 1000) {
		(void)snprintf(name, sizeof(name), "n%d.example", n++);
		err = ask(f, name, 1, TRANSPORT_UDP, &r);
	}
	assert_int_equal(err, ENOBUFS);
	assert_int_equal(n, 129);
	/* One that is asked for already is no look-up more. */
	assert_int_equal(ask(f, "n0.example", 1, TRANSPORT_UDP, &r), EAGAIN);
}


static void a_server_that_is_no_address_is_refused(void **state)
{
	struct resolver *resolver = NULL;
	struct fixture *f = *state;

	assert_int_equal(resolver_alloc(&resolver, &f->svc, "ns.example"),
			 EINVAL);
	assert_null(resolver);
}


/* libre's allocations fail here, too; an answer that was lost for want of
 * memory is ETIMEDOUT in the end. */
static int a_name_is_resolved(void)
{
	static const struct row rows[] = {
		{ "_sip._udp.a.example", TYPE_SRV, 60, "b.example", 1, 1, 9 },
		{ "b.example", TYPE_A, 60, "192.0.2.1", 0, 0, 0 },
	};
	struct fixture f = { .dns = { .fd = -1 } };
	struct resolved r;
	int err;

	clk_freeze(SECOND_US, 0);
	ROWS(&f, rows);
	err = ev_alloc(&f.svc.ev);
	if (!err)
		err = re_on_uv(f.svc.ev);
	if (!err)
		err = dnsfake_open(&f.dns, f.svc.ev);
	if (!err)
		err = resolver_alloc(&f.resolver, &f.svc, f.dns.server);
	if (!err)
		err = ask(&f, "a.example", 0, TRANSPORT_UDP, &r);
	if (err == EAGAIN) {
		UNTIL(&f, f.toldc == 1);
		err = f.told[0].r.err ? ENOMEM : 0;
	}

	resolver_free(f.resolver);
	dnsfake_close(&f.dns);
	(void)re_on_uv(NULL);
	ev_free(f.svc.ev);
	clk_thaw();

	return err;
}


#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)


int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_answered_at_once),
		TEST(with_a_port_it_is_the_addresses_of_the_name),
		TEST(what_is_known_is_not_asked_again_until_it_expires),
		TEST(lifetimes_are_held_within_bounds),
		TEST(without_a_port_srv_records_decide),
		TEST(without_srv_records_it_is_the_name_at_the_usual_port),
		TEST(a_service_that_is_said_not_to_be_there_is_not_asked_for),
		TEST(weights_decide_among_equals_anew_for_each_answer),
		TEST(what_is_not_there_is_remembered_for_five_seconds),
		TEST(a_server_that_fails_is_told_apart),
		TEST(a_silent_server_is_given_up_at_the_deadline),
		TEST(at_the_deadline_what_has_come_is_enough),
		TEST(those_who_ask_for_one_name_share_a_query),
		TEST(each_lookup_has_a_port_of_its_own),
		TEST(a_handler_may_ask_again),
		TEST(what_is_no_name_is_refused),
		TEST(the_oldest_names_give_way),
		TEST(too_many_at_once_are_refused),
		TEST(a_server_that_is_no_address_is_refused),
	};

	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_name_is_resolved),
	};

	return T_MAIN(tests, scenarios);
}
