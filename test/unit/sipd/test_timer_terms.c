/**
 * @file test/unit/sipd/test_timer_terms.c  Session timer: what is negotiated
 */
#include "shared/base/util.h"
#include "sipd/timer_fsm.h"
#include "test/support/t.h"

#define NONE REFRESHER_NONE
#define UAC  REFRESHER_UAC
#define UAS  REFRESHER_UAS

/* Session-Expires 0: none */
struct terms_row {
	const char *why;
	uint32_t expires_s, asked_min_s;
	enum timer_refresher refresher;
	bool is_supported, is_required, is_off;
	uint32_t ttl_s, min_s;
	/* what comes of it */
	bool has_timer;
	uint16_t code;
	uint32_t a_s;
	enum timer_refresher a_refresher;
	bool a_require;
	uint32_t b_s;
};


static void check_terms(const struct terms_row *row)
{
	const struct timer_asked asked = {
		.has_expires = row->expires_s > 0,
		.expires_s = row->expires_s,
		.min_se_s = row->asked_min_s,
		.refresher = row->refresher,
		.is_supported = row->is_supported,
		.is_required = row->is_required,
	};
	const struct timer_params params = {
		.is_off = row->is_off,
		.ttl_s = row->ttl_s,
		.min_se_s = row->min_s,
		.refresher = REFRESHER_UAC,
	};
	const struct timer_terms want = {
		.has_timer = row->has_timer,
		.code = row->code,
		.min_se_s = row->code == 422 ? row->min_s : 0,
		.a_expires_s = row->a_s,
		.a_refresher = row->a_refresher,
		.a_require = row->a_require,
		.b_expires_s = row->b_s,
		.b_min_se_s = row->has_timer ? row->min_s : 0,
	};
	struct timer_terms terms;

	timer_negotiate(&terms, &asked, &params);
	if (terms.has_timer != want.has_timer || terms.code != want.code ||
	    terms.min_se_s != want.min_se_s ||
	    terms.a_expires_s != want.a_expires_s ||
	    terms.a_refresher != want.a_refresher ||
	    terms.a_require != want.a_require ||
	    terms.b_expires_s != want.b_expires_s ||
	    terms.b_min_se_s != want.b_min_se_s)
		fail_msg("%s: %d %u, A %u %d %d, B %u %u", row->why,
			 terms.has_timer, terms.code, terms.a_expires_s,
			 terms.a_refresher, terms.a_require, terms.b_expires_s,
			 terms.b_min_se_s);
}


static void the_terms_are_those_of_the_table(void **state)
{
	static const struct terms_row rows[] = {
		/* clang-format off */
		{ "test 1", 600, 0, NONE, 1, 0, 0, 600, 90, 1, 0, 600, UAS, 1, 600 },
		{ "test 2: Supported alone", 0, 0, NONE, 1, 0, 0, 600, 90, 1, 0, 600, UAS, 1, 600 },
		{ "test 2: too small", 60, 0, NONE, 1, 0, 0, 600, 90, 0, 422, 0, NONE, 0, 0 },
		{ "test 15: off", 600, 0, NONE, 1, 0, 1, 600, 90, 0, 0, 0, NONE, 0, 0 },
		{ "off, too small", 60, 0, NONE, 1, 0, 1, 600, 90, 0, 0, 0, NONE, 0, 0 },
		{ "off, required", 600, 0, NONE, 1, 1, 1, 600, 90, 0, 420, 0, NONE, 0, 0 },
		{ "neither", 0, 0, NONE, 0, 0, 0, 600, 90, 0, 0, 0, NONE, 0, 0 },
		{ "Require alone", 0, 0, NONE, 0, 1, 0, 600, 90, 1, 0, 600, UAS, 1, 600 },
		{ "Session-Expires alone", 600, 0, NONE, 0, 0, 0, 600, 90, 1, 0, 600, UAS, 0, 600 },
		{ "too small, not supported", 60, 0, NONE, 0, 0, 0, 600, 90, 1, 0, 90, UAS, 0, 600 },
		{ "below MIN, not supported", 100, 0, NONE, 0, 0, 0, 600, 120, 1, 0, 100, UAS, 0, 600 },
		{ "at MIN", 120, 0, NONE, 1, 0, 0, 20, 120, 1, 0, 120, UAS, 1, 120 },
		{ "one below", 119, 0, NONE, 1, 0, 0, 20, 120, 0, 422, 0, NONE, 0, 0 },
		{ "test 3: a small TTL", 1800, 0, NONE, 1, 0, 0, 20, 90, 1, 0, 90, UAS, 1, 90 },
		{ "A's Min-SE", 1800, 900, NONE, 1, 0, 0, 600, 90, 1, 0, 900, UAS, 1, 600 },
		{ "never above A's", 300, 0, NONE, 1, 0, 0, 600, 90, 1, 0, 300, UAS, 1, 600 },
		{ "never above A's, Min-SE or not", 300, 900, NONE, 1, 0, 0, 600, 90, 1, 0, 300, UAS, 1, 600 },
		{ "Min-SE alone", 0, 900, NONE, 1, 0, 0, 600, 90, 1, 0, 900, UAS, 1, 600 },
		{ "A refreshes", 600, 0, UAC, 1, 0, 0, 600, 90, 1, 0, 600, UAC, 1, 600 },
		{ "we refresh", 600, 0, UAS, 1, 0, 0, 600, 90, 1, 0, 600, UAS, 1, 600 },
		/* clang-format on */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_terms(&rows[i]);
}


static void a_leg_follows_the_smaller_of_ttl_and_interval(void **state)
{
	(void)state;

	assert_int_equal(timer_interval_ms(600, 1800), 600000);
	assert_int_equal(timer_interval_ms(600, 90), 90000);
	assert_int_equal(timer_interval_ms(20, 90), 20000);
	assert_int_equal(timer_interval_ms(600, 0), 600000);
	assert_true(timer_interval_ms(UINT32_MAX, 0) == UINT32_MAX);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_terms_are_those_of_the_table),
		cmocka_unit_test(
			a_leg_follows_the_smaller_of_ttl_and_interval),
	};

	return T_MAIN_ONLY(tests);
}
