/**
 * @file test/unit/billingd/test_rate_round.c  Rates as they are stored
 */
#include "billingd/rate_round.h"
#include "test/support/t.h"


static void the_nearest_half_up_and_never_nothing(void **state)
{
	static const struct {
		int64_t rate;
		unsigned decimals;
		int64_t want;
	} rows[] = {
		{ 4500, 2, 10000 },  /* 0.0045 is 0.01: not below a step */
		{ 5000, 2, 10000 },  /* 0.005: half up */
		{ 4500, 4, 4500 },   /* 0.0045 */
		{ 5000, 4, 5000 },   /* 0.0050 */
		{ 14999, 2, 10000 }, /* below half */
		{ 15000, 2, 20000 }, /* half */
		{ 20000, 2, 20000 }, /* as it is */
		{ 0, 2, 0 },         /* nothing stays nothing */
		{ 1, 0, 1000000 },   /* one whole unit */
		{ 499999, 0, 1000000 },
		{ 1500000, 0, 2000000 },
		{ 1, 6, 1 },
		{ 7, 5, 10 },
		{ 4, 5, 10 }, /* positive: one step */
		{ 14, 5, 10 },
		{ 15, 5, 20 },
		{ 999999999999, 2, 1000000000000 },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(rate_round(rows[i].rate, rows[i].decimals),
				 rows[i].want);
}


static void what_is_rounded_stays(void **state)
{
	(void)state;

	for (unsigned decimals = 0; decimals <= 6; decimals++)
		for (int64_t rate = 0; rate < 3000000; rate += 777) {
			const int64_t once = rate_round(rate, decimals);

			assert_int_equal(rate_round(once, decimals), once);
		}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_half_up_and_never_nothing),
		cmocka_unit_test(what_is_rounded_stays),
	};

	return T_MAIN_ONLY(tests);
}
