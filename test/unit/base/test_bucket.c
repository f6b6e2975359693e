/**
 * @file test/unit/base/test_bucket.c  Never more than the rate, nor less
 */
#include "shared/base/bucket.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	TAKEC = 3000
};

static const struct {
	uint32_t rate, burst;
} shapes[] = {
	{ 1, 1 },       { 1, 10 },       { 3, 3 },          { 7, 100 },
	{ 50, 50 },     { 999, 10 },     { 7000, 7000 },    { 9999, 1 },
	{ 600000, 64 }, { 999999, 100 }, { 3000000, 1000 },
};


static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;

	return *seed;
}


/* For each pair of tokens: the bucket was at most full at the first, and not
 * more has flown in until the second than the rate. */
static void over_any_window_no_more_leave_than_the_rate(void **state)
{
	static int64_t taken[TAKEC];
	uint64_t seed = 0x2545f4914f6cdd1du;
	(void)state;

	for (size_t s = 0; s < COUNT_OF(shapes); s++) {
		const uint32_t rate = shapes[s].rate, burst = shapes[s].burst;
		struct bucket bucket = { 0 };
		int64_t now_us = 1000000000;

		for (size_t n = 0; n < TAKEC;) {
			if (bucket_take(&bucket, now_us, rate, burst, 1))
				taken[n++] = now_us;
			else
				now_us += 1 + (int64_t)(draw(&seed) %
							(2000000 / rate + 2));
			if (draw(&seed) % 512 == 0)
				now_us += 3000000 / rate;
		}
		for (size_t from = 0; from < TAKEC; from++) {
			for (size_t to = from; to < TAKEC; to += 7) {
				const int64_t us = taken[to] - taken[from];

				assert_true(
					(to - from + 1) <=
					burst + (uint64_t)us * rate / 1000000 +
						1);
			}
		}
	}
}


static void all_of_a_full_bucket_can_be_taken_one_by_one(void **state)
{
	(void)state;

	for (size_t s = 0; s < COUNT_OF(shapes); s++) {
		struct bucket bucket = { 0 };
		uint32_t n = 0;

		while (bucket_take(&bucket, 1000000, shapes[s].rate,
				   shapes[s].burst, 1))
			n++;
		assert_int_equal(n, shapes[s].burst);
	}
}


/* Rounding may cost a little, but not one in a hundred. */
static void what_asks_all_the_time_gets_the_rate(void **state)
{
	(void)state;

	for (size_t s = 0; s < COUNT_OF(shapes); s++) {
		const uint32_t rate = shapes[s].rate, burst = shapes[s].burst;
		const int64_t seconds = rate < 1000 ? 100 : 1;
		struct bucket bucket = { 0 };
		int64_t now_us = 1000000;
		uint64_t n = 0;

		while (now_us < 1000000 + seconds * 1000000) {
			while (bucket_take(&bucket, now_us, rate, burst, 1))
				n++;
			now_us += bucket_wait_us(&bucket, now_us, rate, burst,
						 1);
		}
		assert_true(n * 1000 >= (uint64_t)seconds * rate * 990 ||
			    rate > 1000000);
		assert_true(n <= (uint64_t)seconds * rate + burst);
	}
}


static void after_the_wait_it_is_there_and_not_before(void **state)
{
	struct bucket bucket = { 0 };
	int64_t wait_us;
	(void)state;

	assert_int_equal(bucket_wait_us(&bucket, 5000000, 10, 5, 5), 0);
	assert_true(bucket_take(&bucket, 5000000, 10, 5, 5));
	wait_us = bucket_wait_us(&bucket, 5000000, 10, 5, 3);
	assert_int_equal(wait_us, 300000);
	assert_false(bucket_take(&bucket, 5000000 + wait_us - 1, 10, 5, 3));
	assert_true(bucket_take(&bucket, 5000000 + wait_us, 10, 5, 3));
	assert_false(bucket_take(&bucket, 5000000 + wait_us, 10, 5, 1));
}


static void a_refusal_costs_nothing(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	assert_true(bucket_take(&bucket, 1000000, 10, 5, 3));
	for (int i = 0; i < 1000; i++)
		assert_false(bucket_take(&bucket, 1000000, 10, 5, 3));
	assert_true(bucket_take(&bucket, 1000000, 10, 5, 2));
}


static void a_clock_that_goes_back_fills_nothing_and_blocks_not_for_long(
	void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	assert_true(bucket_take(&bucket, 3600000000, 10, 5, 5));
	assert_false(bucket_take(&bucket, 0, 10, 5, 1));
	/* No longer than an empty one takes to fill */
	assert_true(bucket_wait_us(&bucket, 0, 10, 5, 5) <= 500000);
	assert_false(bucket_take(&bucket, 499999, 10, 5, 5));
	assert_true(bucket_take(&bucket, 500000, 10, 5, 5));
}


/* What lies in shared memory may be anything; it costs a full bucket's time
 * at most. */
static void a_bucket_of_garbage_heals(void **state)
{
	static const int64_t garbage[] = { INT64_MIN, INT64_MIN + 1, -1,
					   INT64_MAX - 1, INT64_MAX };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(garbage); i++) {
		struct bucket bucket;

		memcpy(&bucket, &garbage[i], sizeof(bucket));
		assert_true(bucket_wait_us(&bucket, 1000000, 10, 5, 5) <=
			    500000);
		(void)bucket_take(&bucket, 1000000, 10, 5, 5);
		assert_true(bucket_take(&bucket, 2000000, 10, 5, 5));
	}
}


static void the_largest_numbers_do_not_overflow(void **state)
{
	struct bucket bucket = { 0 };
	(void)state;

	assert_true(bucket_take(&bucket, 1700000000000000, 1, UINT32_MAX,
				UINT32_MAX));
	assert_false(bucket_take(&bucket, 1700000000000000, 1, UINT32_MAX, 1));
	memset(&bucket, 0, sizeof(bucket));
	assert_true(bucket_take(&bucket, 1700000000000000, UINT32_MAX,
				UINT32_MAX, UINT32_MAX));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_any_window_no_more_leave_than_the_rate),
		cmocka_unit_test(all_of_a_full_bucket_can_be_taken_one_by_one),
		cmocka_unit_test(what_asks_all_the_time_gets_the_rate),
		cmocka_unit_test(after_the_wait_it_is_there_and_not_before),
		cmocka_unit_test(a_refusal_costs_nothing),
		cmocka_unit_test(
			a_clock_that_goes_back_fills_nothing_and_blocks_not_for_long),
		cmocka_unit_test(a_bucket_of_garbage_heals),
		cmocka_unit_test(the_largest_numbers_do_not_overflow),
	};

	return T_MAIN_ONLY(tests);
}
