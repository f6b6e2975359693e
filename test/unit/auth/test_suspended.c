/**
 * @file test/unit/auth/test_suspended.c  Suspensions
 *
 * Section 5 of the specification's authentication, its test 9, and what lies
 * in shared memory.
 */
#include <stdatomic.h>

#include "shared/auth/suspended_slot.h"
#include "test/unit/auth/auth_rig.h"

#define SECOND_US ((int64_t)1000000)

enum {
	DAY_S = 24 * 3600
};

static const struct ask bare = { .bare = true };
static const struct ask good = { 0 };
static const struct ask wrong = { .password = "wrong" };


static void open_rig(struct auth_rig *r, const char *what)
{
	assert_int_equal(auth_rig_open(r, what), 0);
	/* Sessions stay out of the way. */
	auth_set(r, SS_SIP_AUTHENTICATION_RETRY, "99");
	auth_set(r, SS_SIP_AUTHENTICATION_TIMEOUT, "300");
	auth_set(r, SS_AUTHENTICATION_MAX_RETRY, "3");
	auth_set(r, SS_AUTHENTICATION_FAILED_SUSPEND, "60");
	auth_set(r, SS_ENDPOINT_REGISTER_RETRY, "0");
}


/* A failed request; @return did it suspend? */
static bool fail_once(struct auth_rig *r, struct authn *authn,
		      const struct ask *a)
{
	struct ask first = *a;

	first.bare = true;
	(void)ask_at(r, authn, &first);
	(void)ask_at(r, authn, a);

	return r->answer.suspended_now;
}


static void fail_times(struct auth_rig *r, int n)
{
	for (int i = 0; i < n; i++)
		(void)fail_once(r, r->authn, &wrong);
}


static uint32_t left_s(const struct auth_rig *r, const char *user,
		       const char *source)
{
	const struct addr addr = addr_at(source);

	return authn_suspended_s(r->authn, text_of(user), &addr, wall_us(r));
}


static void result(struct auth_rig *r, bool ok)
{
	const struct addr addr = addr_at("192.0.2.7:5060");

	authn_register_result(r->authn, r->c, text_of("100"), &addr, ok,
			      wall_us(r), &r->answer);
}


/* --- the table of states -------------------------------------------------- */

/* Test 9 */
static void too_many_failures_suspend(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "nine");
	assert_false(fail_once(&r, r.authn, &wrong));
	assert_false(fail_once(&r, r.authn, &wrong));
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	assert_true(fail_once(&r, r.authn, &wrong));
	assert_int_equal(r.answer.verdict, AUTHN_REFUSE);
	assert_int_equal(r.answer.code, 403);
	assert_int_equal(r.answer.headc, 0);
	assert_string_equal(r.answer.user, "100");
	assert_int_equal(r.answer.counter, AUTHN_PASSWORD);
	assert_string_equal(authn_counters[r.answer.counter], "password");
	assert_int_equal(r.answer.seconds, 60);

	assert_int_equal(ask(&r, &good), AUTHN_SUSPENDED);
	assert_int_equal(r.answer.code, 403);
	assert_int_equal(r.answer.retry_after_s, 60);
	assert_false(r.answer.suspended_now);
	turn_s(&r, 59);
	assert_int_equal(ask(&r, &bare), AUTHN_SUSPENDED);
	assert_int_equal(r.answer.retry_after_s, 1);
	turn_s(&r, 1);
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	auth_rig_close(&r);
}


static void the_time_does_not_grow_and_nothing_counts(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "grow");
	fail_times(&r, 3);
	turn_s(&r, 30);
	fail_times(&r, 10);
	assert_int_equal(r.answer.verdict, AUTHN_SUSPENDED);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 30);
	turn_s(&r, 30);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	/* Both counters are 0 again. */
	fail_times(&r, 2);
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	assert_true(fail_once(&r, r.authn, &wrong));
	auth_rig_close(&r);
}


static void a_limit_of_0_never_suspends(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "never");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "0");
	fail_times(&r, 50);
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	auth_rig_close(&r);
}


/* A new limit counts from now on for what was counted before. */
static void a_limit_is_the_one_of_now(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "now");
	fail_times(&r, 2);
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "5");
	assert_false(fail_once(&r, r.authn, &wrong));
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "2");
	assert_true(fail_once(&r, r.authn, &wrong));
	auth_rig_close(&r);
}


static void a_success_makes_the_counter_0(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "success");
	for (int i = 0; i < 4; i++) {
		fail_times(&r, 2);
		assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
		turn_s(&r, 1);
	}
	auth_rig_close(&r);
}


static void silence_instead_of_403_if_we_do_not_reply(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "off");
	fail_times(&r, 3);
	auth_set(&r, SS_REPLY_UNAUTHORIZED, "Off");
	assert_int_equal(ask(&r, &good), AUTHN_SILENCE);
	assert_int_equal(r.answer.code, 0);
	assert_int_equal(r.answer.retry_after_s, 60);
	auth_rig_close(&r);
}


/* Nobody can lock out a phone from elsewhere. */
static void the_key_is_user_and_source_ip(void **state)
{
	static const struct {
		const char *user, *source;
		bool suspended;
	} keys[] = {
		{ "100", "192.0.2.7", true },  { "100", "192.0.2.7:9", true },
		{ "100", "192.0.2.8", false }, { "100", "2001:db8::7", false },
		{ "101", "192.0.2.7", false }, { "10", "192.0.2.7", false },
		{ "", "192.0.2.7", false },
	};
	struct auth_rig r;
	(void)state;

	open_rig(&r, "key");
	fail_times(&r, 3);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if ((left_s(&r, keys[i].user, keys[i].source) > 0) !=
		    keys[i].suspended)
			fail_msg("key %zu", i);

	/* All of an IPv6 address */
	for (int i = 0; i < 3; i++)
		fail_once(&r, r.authn,
			  &(struct ask){ .password = "wrong",
					 .source = "[2001:db8::7]:5060" });
	assert_int_equal(left_s(&r, "100", "2001:db8::7"), 60);
	assert_int_equal(left_s(&r, "100", "2001:db8::8"), 0);
	auth_rig_close(&r);
}


static void an_unknown_user_is_a_terminal_of_its_own(void **state)
{
	const struct ask nobody = { .claimed = "999" };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "nobody");
	assert_false(fail_once(&r, r.authn, &nobody));
	assert_false(fail_once(&r, r.authn, &nobody));
	assert_true(fail_once(&r, r.authn, &nobody));
	assert_int_equal(ask(&r, &nobody), AUTHN_SUSPENDED);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	auth_rig_close(&r);
}


/* Of an INVITE the credentials name the terminal. */
static void any_method_counts_for_the_password(void **state)
{
	const struct ask invite = { .method = "INVITE",
				    .proxy = true,
				    .claimed = "5551234",
				    .user = "trunk",
				    .password = "wrong" };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "invite");
	assert_false(fail_once(&r, r.authn, &invite));
	assert_false(fail_once(&r, r.authn, &invite));
	assert_true(fail_once(&r, r.authn, &invite));
	assert_string_equal(r.answer.user, "trunk");
	assert_int_equal(ask(&r, &invite), AUTHN_SUSPENDED);
	assert_int_equal(left_s(&r, "trunk", "192.0.2.7"), 60);
	assert_int_equal(left_s(&r, "5551234", "192.0.2.7"), 0);
	auth_rig_close(&r);
}


/* --- counters ------------------------------------------------------------- */

static void what_a_register_is_refused_for_counts(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "register");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "3");
	auth_set(&r, SS_ENDPOINT_REGISTER_SUSPEND, "90");
	/* A right digest, then 403 of regd: its own success is the 200. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(r.answer.suspended_now, false);
		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
		result(&r, false);
	}
	assert_int_equal(r.answer.verdict, AUTHN_REFUSE);
	assert_true(r.answer.suspended_now);
	assert_int_equal(r.answer.counter, AUTHN_REGISTER);
	assert_int_equal(r.answer.seconds, 90);
	assert_int_equal(ask(&r, &good), AUTHN_SUSPENDED);
	assert_int_equal(r.answer.retry_after_s, 90);
	turn_s(&r, 90);
	for (int i = 0; i < 6; i++) {
		result(&r, i == 2);
		assert_int_equal(r.answer.verdict,
				 i == 5 ? AUTHN_REFUSE : AUTHN_ACCEPT);
	}
	auth_rig_close(&r);
}


/* Not first challenges, stale, or 403 of a suspension */
static void what_is_no_failure_does_not_count(void **state)
{
	struct auth_rig r;
	char nonce[NONCE_SIZE];
	(void)state;

	open_rig(&r, "nofail");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "1");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "1");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		memcpy(nonce, r.nonce, sizeof(nonce));
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
		assert_int_equal(ask(&r, &(struct ask){ .nonce = nonce }),
				 AUTHN_CHALLENGE);
		assert_true(r.answer.is_stale);
	}
	auth_rig_close(&r);
}


/* 403 of a closed session: no digest, but a REGISTER that was refused */
static void a_closed_session_counts_for_register_alone(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "closed");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "1");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "5");
	assert_false(fail_once(&r, r.authn, &wrong));
	for (int i = 0; i < 4; i++) {
		assert_false(r.answer.suspended_now);
		assert_int_equal(ask(&r, &wrong), AUTHN_REFUSE);
		assert_false(r.answer.is_failed);
	}
	assert_true(r.answer.suspended_now);
	assert_int_equal(r.answer.counter, AUTHN_REGISTER);
	auth_rig_close(&r);
}


static void of_two_suspensions_the_later_end_counts(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "both");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "3");
	auth_set(&r, SS_ENDPOINT_REGISTER_SUSPEND, "90");
	fail_times(&r, 3);
	assert_true(r.answer.suspended_now);
	assert_int_equal(r.answer.seconds, 90);
	assert_int_equal(r.answer.counter, AUTHN_REGISTER);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 90);
	turn_s(&r, 60);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 30);
	turn_s(&r, 30);
	fail_times(&r, 2);
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	auth_rig_close(&r);
}


/* --- shared memory -------------------------------------------------------- */

static void a_limit_counts_what_other_processes_counted(void **state)
{
	struct authn *peer;
	struct auth_rig r;
	(void)state;

	open_rig(&r, "peer");
	assert_int_equal(auth_peer(&r, &peer), 0);
	assert_false(fail_once(&r, r.authn, &wrong));
	assert_false(fail_once(&r, peer, &wrong));
	assert_true(fail_once(&r, r.authn, &wrong));
	/* Suspended by one is suspended for all. */
	assert_int_equal(ask_at(&r, peer, &bare), AUTHN_SUSPENDED);
	turn_s(&r, 60);
	assert_false(fail_once(&r, peer, &wrong));
	assert_false(fail_once(&r, r.authn, &wrong));
	assert_true(fail_once(&r, peer, &wrong));
	assert_int_equal(ask(&r, &bare), AUTHN_SUSPENDED);
	authn_free(peer);
	auth_rig_close(&r);
}


static void a_success_here_makes_what_others_counted_0(void **state)
{
	struct authn *peer;
	struct auth_rig r;
	(void)state;

	open_rig(&r, "zero");
	assert_int_equal(auth_peer(&r, &peer), 0);
	for (int i = 0; i < 3; i++) {
		assert_false(fail_once(&r, peer, &wrong));
		assert_false(fail_once(&r, peer, &wrong));
		turn_s(&r, 1);
		(void)ask(&r, &bare);
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
		turn_s(&r, 1);
	}
	assert_false(fail_once(&r, r.authn, &wrong));
	assert_false(fail_once(&r, peer, &wrong));
	assert_true(fail_once(&r, r.authn, &wrong));
	authn_free(peer);
	auth_rig_close(&r);
}


static void a_suspension_outlives_the_process(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "outlive");
	fail_times(&r, 2);
	assert_int_equal(auth_again(&r), 0);
	assert_true(fail_once(&r, r.authn, &wrong));
	assert_int_equal(auth_again(&r), 0);
	assert_int_equal(ask(&r, &good), AUTHN_SUSPENDED);
	assert_int_equal(r.answer.retry_after_s, 60);
	auth_rig_close(&r);
}


/* Two workers of one daemon: each writes its part and reads the other's. */
static void workers_share_a_segment(void **state)
{
	struct authn_args args = { .slotc = RIG_SLOTC / 4 };
	struct authn *workers[4];
	struct auth_rig r;
	(void)state;

	open_rig(&r, "workers");
	args.own = &r.own;
	for (uint32_t i = 0; i < 4; i++) {
		args.first = i * args.slotc;
		assert_int_equal(authn_alloc(&workers[i], &args), 0);
	}
	assert_false(fail_once(&r, workers[0], &wrong));
	assert_false(fail_once(&r, workers[3], &wrong));
	assert_true(fail_once(&r, workers[1], &wrong));
	assert_int_equal(ask_at(&r, workers[2], &bare), AUTHN_SUSPENDED);
	for (size_t i = 0; i < 4; i++)
		authn_free(workers[i]);

	/* Who looks on from outside is told how the parts lie. */
	args.own = &r.other;
	args.first = 0;
	args.slotc = RIG_SLOTC;
	args.others = (const struct segment *[]){ &r.own };
	args.otherc = 1;
	args.other_slotcs = (const uint32_t[]){ RIG_SLOTC / 4 };
	assert_int_equal(authn_alloc(&workers[0], &args), 0);
	assert_int_equal(ask_at(&r, workers[0], &bare), AUTHN_SUSPENDED);
	authn_free(workers[0]);
	auth_rig_close(&r);
}


static void parts_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		uint32_t first, slotc;
	} bad[] = {
		{ 0, 0 },
		{ 0, RIG_SLOTC + 1 },
		{ RIG_SLOTC, RIG_SLOTC },
		{ 8, RIG_SLOTC / 2 },
		{ UINT32_MAX, 2 },
	};
	struct authn *authn = NULL;
	struct auth_rig r;
	(void)state;

	open_rig(&r, "parts");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct authn_args args = { .own = &r.own,
						 .first = bad[i].first,
						 .slotc = bad[i].slotc };

		assert_int_equal(authn_alloc(&authn, &args), EINVAL);
	}
	assert_null(authn);
	auth_rig_close(&r);
}


static struct suspended_slot *used_slot(const struct auth_rig *r)
{
	for (uint32_t i = 0; i < r->own.slotc; i++) {
		struct suspended_slot *slot = segment_slot(&r->own, i);

		if (slot->key != 0)
			return slot;
	}

	return NULL;
}


/* Whatever a kill or damage left, nobody is suspended by it. */
static void half_a_slot_suspends_nobody(void **state)
{
	struct suspended_slot *slot, whole;
	struct auth_rig r;
	(void)state;

	open_rig(&r, "half");
	fail_times(&r, 3);
	slot = used_slot(&r);
	assert_non_null(slot);
	memcpy(&whole, slot, sizeof(whole));

	slot->key = 0; /* killed before the key was back */
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->user[0] ^= 1; /* somebody else's */
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->source[0] ^= 1;
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->counters[0].until_us = 0; /* killed before the end was said */
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->counters[0].until_us = INT64_MAX;
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->counters[0].suspended_us = INT64_MIN;
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->counters[0].suspended_us = INT64_MAX;
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	memcpy(slot, &whole, sizeof(whole));
	slot->counters[0].until_us = 0;
	slot->counters[0].failures = UINT32_MAX;
	assert_false(fail_once(&r, r.authn, &wrong));
	memcpy(slot, &whole, sizeof(whole));
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 60);
	auth_rig_close(&r);
}


static void counters_not_touched_for_a_day_are_dropped(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "day");
	fail_times(&r, 2);
	turn_s(&r, DAY_S - 1);
	assert_true(fail_once(&r, r.authn, &wrong));
	turn_s(&r, 60);
	fail_times(&r, 2);
	turn_s(&r, DAY_S);
	fail_times(&r, 2);
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	assert_true(fail_once(&r, r.authn, &wrong));
	auth_rig_close(&r);
}


/* The clock is set back: what was to come would never end. */
static void a_clock_that_is_set_back_suspends_nobody_for_long(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "back");
	fail_times(&r, 3);
	turn_s(&r, -10);
	assert_in_range(left_s(&r, "100", "192.0.2.7"), 1, 70);
	turn_s(&r, -3600);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	auth_rig_close(&r);
}


/* A part that is full: the oldest go, the suspended last. */
static void many_strangers_do_not_free_who_is_suspended(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "full");
	fail_times(&r, 3);
	for (int i = 0; i < 50; i++) {
		char user[16];

		snprintf(user, sizeof(user), "x%d", i);
		for (int n = 0; n < 4; n++)
			(void)fail_once(&r, r.authn,
					&(struct ask){
						.claimed = user,
						.source = n % 2 ? "192.0.2.1"
								: "192.0.2.2",
					});
		if (i % 25 == 0)
			turn_s(&r, 1);
	}
	assert_in_range(left_s(&r, "100", "192.0.2.7"), 1, 60);
	auth_rig_close(&r);
}


/* --- commands ------------------------------------------------------------- */

struct listed {
	size_t n;
	struct authn_suspension last;
};

static void on_suspension(const struct authn_suspension *s, void *arg)
{
	struct listed *listed = arg;

	listed->n++;
	listed->last = *s;
}


static struct listed list(const struct auth_rig *r)
{
	struct listed listed = { 0 };

	authn_list(r->authn, wall_us(r), on_suspension, &listed);

	return listed;
}


static void who_is_suspended_is_listed(void **state)
{
	const struct addr source = addr_at("192.0.2.7");
	struct listed listed;
	struct authn *peer;
	struct auth_rig r;
	(void)state;

	open_rig(&r, "list");
	assert_int_equal(auth_peer(&r, &peer), 0);
	assert_int_equal(list(&r).n, 0);
	fail_times(&r, 2);
	assert_int_equal(list(&r).n, 0);
	assert_true(fail_once(&r, peer, &wrong)); /* in the other's segment */
	listed = list(&r);
	assert_int_equal(listed.n, 1);
	assert_string_equal(listed.last.user, "100");
	assert_true(addr_equal(&listed.last.source, &source));
	assert_int_equal(listed.last.counter, AUTHN_PASSWORD);
	assert_int_equal(listed.last.since_us, wall_us(&r));
	assert_int_equal(listed.last.until_us, wall_us(&r) + 60 * SECOND_US);
	turn_s(&r, 60);
	assert_int_equal(list(&r).n, 0);
	authn_free(peer);
	auth_rig_close(&r);
}


static void a_suspension_can_be_cleared(void **state)
{
	const struct addr here = addr_at("192.0.2.7:5060");
	const struct addr there = addr_at("192.0.2.8");
	struct auth_rig r;
	(void)state;

	open_rig(&r, "clear");
	fail_times(&r, 3);
	assert_int_equal(authn_clear(r.authn, text_of("10"), NULL,
				     wall_us(&r)),
			 0);
	assert_int_equal(authn_clear(r.authn, text_of("100"), &there,
				     wall_us(&r)),
			 0);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 60);
	assert_int_equal(authn_clear(r.authn, text_of("100"), &here,
				     wall_us(&r)),
			 1);
	assert_int_equal(left_s(&r, "100", "192.0.2.7"), 0);
	fail_times(&r, 2); /* from 0 on */
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	fail_times(&r, 1);
	assert_int_equal(authn_clear(r.authn, text_of(""), NULL, wall_us(&r)),
			 1);
	assert_int_equal(list(&r).n, 0);
	auth_rig_close(&r);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_failures_suspend),
		cmocka_unit_test(the_time_does_not_grow_and_nothing_counts),
		cmocka_unit_test(a_limit_of_0_never_suspends),
		cmocka_unit_test(a_limit_is_the_one_of_now),
		cmocka_unit_test(a_success_makes_the_counter_0),
		cmocka_unit_test(silence_instead_of_403_if_we_do_not_reply),
		cmocka_unit_test(the_key_is_user_and_source_ip),
		cmocka_unit_test(an_unknown_user_is_a_terminal_of_its_own),
		cmocka_unit_test(any_method_counts_for_the_password),
		cmocka_unit_test(what_a_register_is_refused_for_counts),
		cmocka_unit_test(what_is_no_failure_does_not_count),
		cmocka_unit_test(a_closed_session_counts_for_register_alone),
		cmocka_unit_test(of_two_suspensions_the_later_end_counts),
		cmocka_unit_test(a_limit_counts_what_other_processes_counted),
		cmocka_unit_test(a_success_here_makes_what_others_counted_0),
		cmocka_unit_test(a_suspension_outlives_the_process),
		cmocka_unit_test(workers_share_a_segment),
		cmocka_unit_test(parts_that_do_not_fit_are_refused),
		cmocka_unit_test(half_a_slot_suspends_nobody),
		cmocka_unit_test(counters_not_touched_for_a_day_are_dropped),
		cmocka_unit_test(
			a_clock_that_is_set_back_suspends_nobody_for_long),
		cmocka_unit_test(many_strangers_do_not_free_who_is_suspended),
		cmocka_unit_test(who_is_suspended_is_listed),
		cmocka_unit_test(a_suspension_can_be_cleared),
	};

	return T_MAIN_ONLY(tests);
}
