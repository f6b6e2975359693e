/**
 * @file test/unit/sipd/test_refused.c  What was refused is refused again
 */
#include "sipd/refused.h"
#include "test/support/t.h"

#define VIA(branch) "Via: SIP/2.0/UDP h;rport;branch=" branch "\r\n"
#define INVITE(via, call_id) \
	"INVITE sip:c@d SIP/2.0\r\n" via "Call-ID: " call_id "\r\n\r\n"

enum {
	S_US = 1000000,
	START_US = 7 * S_US
};


static uint64_t key_of(uint8_t host, const char *data)
{
	const struct addr source = { .ip = { 10, 0, 0, host },
				     .port = 5060,
				     .family = 2 };

	return refused_key(&source, data, strlen(data));
}


static struct refused *fresh(void)
{
	struct refused *r = NULL;

	assert_int_equal(refused_alloc(&r), 0);

	return r;
}


static void a_refusal_is_remembered_for_32_seconds(void **state)
{
	struct refused *r = fresh();
	(void)state;

	assert_false(refused_any(r, START_US));
	refused_add(r, 42, START_US);
	assert_true(refused_any(r, START_US));
	assert_true(refused_has(r, 42, START_US));
	assert_false(refused_has(r, 43, START_US));
	assert_true(refused_has(r, 42, START_US + 31 * S_US));
	assert_false(refused_has(r, 42, START_US + 32 * S_US));
	assert_false(refused_any(r, START_US + 32 * S_US));
	refused_free(r);
}


static void without_a_refusal_no_key_is_refused(void **state)
{
	struct refused *r = fresh();
	(void)state;

	assert_false(refused_has(r, 0, START_US));
	refused_add(r, 0, START_US);
	assert_true(refused_has(r, 0, START_US));
	refused_free(r);
}


static void when_there_are_too_many_the_one_that_ends_first_goes(void **state)
{
	struct refused *r = fresh();
	uint64_t n = 0;
	(void)state;

	/* All of one set */
	while (refused_has(r, 0, START_US) || n == 0) {
		refused_add(r, n << 32, START_US + (int64_t)n * S_US);
		n++;
	}
	assert_in_range(n, 4, 16);
	for (uint64_t i = 1; i < n; i++)
		assert_true(refused_has(r, i << 32, START_US));
	refused_free(r);
}


static void adding_one_again_takes_no_other_place(void **state)
{
	struct refused *r = fresh();
	(void)state;

	refused_add(r, 1ull << 32, START_US);
	for (int i = 0; i < 100; i++)
		refused_add(r, 2ull << 32, START_US + S_US);
	assert_true(refused_has(r, 1ull << 32, START_US));
	refused_free(r);
}


static void copies_have_one_key_and_others_another(void **state)
{
	const char one[] = INVITE(VIA("z9hG4bK1"), "a");
	(void)state;

	assert_int_equal(key_of(1, one), key_of(1, one));
	/* the branch says it all (RFC 3261 17.2.3) */
	assert_int_equal(key_of(1, one),
			 key_of(1, INVITE(VIA("z9hG4bK1"), "b")));
	assert_int_not_equal(key_of(1, one),
			     key_of(1, INVITE(VIA("z9hG4bK2"), "a")));
	assert_int_not_equal(key_of(1, one), key_of(2, one));
	assert_int_equal(key_of(1, one),
			 key_of(1, INVITE(VIA("z9hG4bK1") VIA("x"), "b")));
}


static void without_the_cookie_all_bytes_count(void **state)
{
	(void)state;

	assert_int_not_equal(key_of(1, INVITE(VIA("1"), "a")),
			     key_of(1, INVITE(VIA("1"), "b")));
	assert_int_not_equal(key_of(1, INVITE("", "a")),
			     key_of(1, INVITE("", "b")));
	/* only the top one is asked for its branch */
	assert_int_not_equal(key_of(1, INVITE(VIA("1") VIA("z9hG4bK1"), "a")),
			     key_of(1, INVITE(VIA("1") VIA("z9hG4bK1"), "b")));
	assert_int_not_equal(key_of(1, "INVITE"), key_of(1, "INVITF"));
}


static int it_remembers(void)
{
	struct refused *r = NULL;
	const int err = refused_alloc(&r);

	if (!err)
		refused_add(r, 1, START_US);
	refused_free(r);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_is_remembered_for_32_seconds),
		cmocka_unit_test(without_a_refusal_no_key_is_refused),
		cmocka_unit_test(
			when_there_are_too_many_the_one_that_ends_first_goes),
		cmocka_unit_test(adding_one_again_takes_no_other_place),
		cmocka_unit_test(copies_have_one_key_and_others_another),
		cmocka_unit_test(without_the_cookie_all_bytes_count),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(it_remembers),
	};

	return T_MAIN(tests, scenarios);
}
