/**
 * @file test/unit/billingd/test_rate.c  What seconds cost
 *
 * The tables of billing.md 4 and 5, and an independent model: numbers as
 * digits on paper, divided by long division. TANDEM_RATE_CASES says how many
 * random cases it is compared with.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/rate.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	CASES = 30000,
	DIGITS = 32,
	CENT = 10000,
};


/* --- the tables of the specification -------------------------------------- */

static void a_rest_of_50_ms_is_dropped(void **state)
{
	static const struct {
		int64_t us, s;
	} rows[] = {
		{ -1, 0 },        { 0, 0 },
		{ 50999, 0 },     { 51000, 1 },
		{ 60050000, 60 }, { 60050999, 60 },
		{ 60051000, 61 }, { 1000000, 1 },
		{ 999999, 1 },    { INT64_MAX, RATE_SECONDS_MAX },
		{ INT64_MIN, 0 },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(rate_seconds(rows[i].us), rows[i].s);
}


static void free_time_comes_before_increments(void **state)
{
	static const int64_t rows[][3] = {
		{ 5, 0, 0 },    { 12, 60, 6 },     { 65, 60, 59 },
		{ 66, 60, 60 }, { 125, 120, 119 }, { 366, 360, 360 },
	};
	const struct rate_terms minute = { .first = 60,
					   .next = 60,
					   .free_s = 6 };
	const struct rate_terms second = { .first = 1,
					   .next = 1,
					   .free_s = 6 };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(rate_billed(&minute,
					     rate_charged(&minute,
							  rows[i][0])),
				 rows[i][1]);
		assert_int_equal(rate_billed(&second,
					     rate_charged(&second,
							  rows[i][0])),
				 rows[i][2]);
	}
}


/* An exact fee in 1/100000 is a connection fee of a minute-long increment. */
static void the_only_rounding_is_half_up_to_the_step(void **state)
{
	static const struct {
		unsigned decimals;
		int64_t unit;
	} columns[] = {
		{ 2, 10000 }, { 3, 1000 }, { 4, 100 }, { 2, 100 }, { 4, 50000 }
	};
	static const struct {
		int64_t exact, fee[5];
	} rows[] = {
		{ 4560, { 10000, 5000, 4600, 10000, 50000 } },
		{ 5000, { 10000, 5000, 5000, 10000, 50000 } },
		{ 23410, { 20000, 23000, 23400, 20000, 50000 } },
		{ 156780, { 160000, 157000, 156800, 160000, 150000 } },
		{ 1234560, { 1230000, 1235000, 1234600, 1230000, 1250000 } },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t j = 0; j < COUNT_OF(columns); j++) {
			const struct rate_terms terms = {
				.connect_fee = rows[i].exact,
				.first = 60,
				.next = 60,
				.step = rate_step(columns[j].unit,
						  columns[j].decimals),
			};

			assert_int_equal(rate_fee(&terms, 1), rows[i].fee[j]);
		}
}


static void the_examples_of_the_specification(void **state)
{
	/* clang-format off */
	static const struct {
		int64_t rate;
		uint32_t first, next;
		int64_t connect, charged, billed;
		const char *exact;
		int64_t fee_2, fee_4;
	} rows[] = {
		{ 20000,  60, 60, 0,     61, 120, "0.04",            40000,  40000 },
		{ 20000,  1,  1,  0,     61, 61,  "0.020333333333...", 20000,  20300 },
		{ 4500,   1,  1,  0,     20, 20,  "0.0015",          10000,  1500 },
		{ 600000, 30, 6,  0,     31, 36,  "0.36",            360000, 360000 },
		{ 600000, 30, 6,  50000, 12, 30,  "0.35",            350000, 350000 },
		{ 10000,  6,  6,  0,     7,  12,  "0.002",           10000,  2000 },
	};
	/* clang-format on */
	char text[RATE_EXACT_SIZE];
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rate_terms terms = {
			.rate = rows[i].rate,
			.connect_fee = rows[i].connect,
			.first = rows[i].first,
			.next = rows[i].next,
			.step = CENT,
		};

		assert_int_equal(rate_billed(&terms, rows[i].charged),
				 rows[i].billed);
		assert_string_equal(rate_exact(text, &terms, rows[i].charged),
				    rows[i].exact);
		assert_int_equal(rate_fee(&terms, rows[i].charged),
				 rows[i].fee_2);
		terms.step = 100;
		assert_int_equal(rate_fee(&terms, rows[i].charged),
				 rows[i].fee_4);
	}
}


static void a_call_of_no_charged_time_has_no_connection_fee(void **state)
{
	const struct rate_terms terms = { .rate = 1,
					  .connect_fee = 50000,
					  .first = 1,
					  .next = 1,
					  .step = CENT,
					  .free_s = 6 };
	char text[RATE_EXACT_SIZE];
	(void)state;

	assert_int_equal(rate_fee(&terms, 0), 0);
	assert_int_equal(rate_fee(&terms, 6), 0);
	assert_int_equal(rate_fee(&terms, 7), 50000);
	assert_string_equal(rate_exact(text, &terms, 6), "0");
}


static void what_is_covered_is_the_largest_whole_second(void **state)
{
	const struct rate_terms second = {
		.rate = 600000, .first = 1, .next = 1, .step = CENT
	};
	const struct rate_terms minute = {
		.rate = 600000, .first = 60, .next = 60, .step = CENT
	};
	(void)state;

	assert_int_equal(rate_afford(&second, 1000000, 1, 600), 100);
	assert_int_equal(rate_afford(&minute, 1000000, 1, 600), 60);
	assert_int_equal(rate_afford(&second, 1000000, 101, 600), 100);
	assert_int_equal(rate_afford(&second, 1000000, 61, 90), 90);
	assert_int_equal(rate_afford(&second, 0, 1, 600), 0);
	assert_int_equal(rate_afford(&second, -1, 0, 600), -1);
}


static void commissions_are_half_up_to_the_unit(void **state)
{
	(void)state;

	/* 10 % of 0.02 at 0.001 */
	assert_int_equal(rate_part(20000, 100000, 1000000, 1000), 2000);
	assert_int_equal(rate_part(5000, 100000, 1000000, 1000), 1000);
	assert_int_equal(rate_part(4999, 100000, 1000000, 1000), 0);
	assert_int_equal(rate_part(INT64_MAX / 4, 1000000, 1000000, 1),
			 INT64_MAX / 4);
}


static void the_highest_rate_for_ten_years_fits(void **state)
{
	const struct rate_terms terms = { .rate = INT64_C(1000000000000),
					  .connect_fee = INT64_C(
						  1000000000000),
					  .first = 3600,
					  .next = 3600,
					  .step = 100000000 };
	char text[RATE_EXACT_SIZE];
	(void)state;

	assert_int_equal(rate_fee(&terms, INT64_MAX),
			 INT64_C(5256001000000000000));
	assert_string_equal(rate_exact(text, &terms, INT64_MAX),
			    "5256001000000");
}


/* --- numbers on paper ----------------------------------------------------- */

struct paper {
	uint8_t digit[DIGITS]; /* The lowest first */
};


static struct paper paper_of(int64_t v)
{
	struct paper p = { { 0 } };

	for (size_t i = 0; v > 0; i++, v /= 10)
		p.digit[i] = (uint8_t)(v % 10);

	return p;
}


static struct paper sum(struct paper a, struct paper b)
{
	unsigned carry = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		carry += a.digit[i] + b.digit[i];
		a.digit[i] = (uint8_t)(carry % 10);
		carry /= 10;
	}

	return a;
}


static struct paper difference(struct paper a, struct paper b)
{
	int borrow = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		int d = a.digit[i] - b.digit[i] - borrow;

		borrow = d < 0;
		a.digit[i] = (uint8_t)(d + 10 * borrow);
	}

	return a;
}


static int compare(struct paper a, struct paper b)
{
	for (size_t i = DIGITS; i-- > 0;)
		if (a.digit[i] != b.digit[i])
			return a.digit[i] < b.digit[i] ? -1 : 1;

	return 0;
}


static struct paper shifted(struct paper a, uint8_t digit)
{
	memmove(a.digit + 1, a.digit, DIGITS - 1);
	a.digit[0] = digit;

	return a;
}


static struct paper product(struct paper a, struct paper b)
{
	struct paper p = { { 0 } };

	for (size_t i = DIGITS; i-- > 0;) {
		p = shifted(p, 0);
		for (unsigned n = 0; n < b.digit[i]; n++)
			p = sum(p, a);
	}

	return p;
}


/* Long division: digit by digit from the top. */
static struct paper quotient(struct paper a, struct paper b,
			     struct paper *restp)
{
	struct paper q = { { 0 } }, rest = { { 0 } };

	for (size_t i = DIGITS; i-- > 0;) {
		uint8_t n = 0;

		for (rest = shifted(rest, a.digit[i]); compare(rest, b) >= 0;
		     n++)
			rest = difference(rest, b);
		q = shifted(q, n);
	}
	*restp = rest;

	return q;
}


static struct paper modelled_fee(const struct rate_terms *terms, int64_t s)
{
	const struct paper one = paper_of(1);
	const struct paper step = paper_of(terms->step);
	const struct paper denominator = product(step, paper_of(60));
	int64_t seconds = terms->first;
	struct paper fee, q, rest;

	if (s <= terms->free_s)
		return paper_of(0);
	while (seconds < s - terms->free_s)
		seconds += terms->next;
	fee = sum(product(paper_of(terms->connect_fee), paper_of(60)),
		  product(paper_of(terms->rate), paper_of(seconds)));
	q = quotient(fee, denominator, &rest);
	if (compare(sum(rest, rest), denominator) >= 0)
		q = sum(q, one);
	if (compare(q, paper_of(0)) == 0 && compare(fee, paper_of(0)) > 0)
		q = one;

	return product(q, step);
}


static uint64_t draw(uint64_t *seed, uint64_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;

	return (*seed >> 16) % n;
}


/* Small numbers and round ones are where the edges are. */
static int64_t draw_money(uint64_t *seed)
{
	static const uint64_t kinds[] = { 1,      100,        10000,
					  999999, 5000000000, 1000000000000 };

	return (int64_t)draw(seed, kinds[draw(seed, COUNT_OF(kinds))] + 1);
}


static void draw_terms(struct rate_terms *terms, uint64_t *seed)
{
	static const uint32_t increments[] = { 1, 6, 30, 60, 3600 };

	terms->rate = draw_money(seed);
	terms->connect_fee = draw(seed, 3) ? 0 : draw_money(seed);
	terms->first = draw(seed, 4) ? increments[draw(seed, 5)]
				     : (uint32_t)draw(seed, 3600) + 1;
	terms->next = draw(seed, 4) ? increments[draw(seed, 5)]
				    : (uint32_t)draw(seed, 3600) + 1;
	terms->free_s = draw(seed, 2) ? 0 : (uint32_t)draw(seed, 3601);
	terms->step = rate_step((int64_t)(draw(seed, 1000000) + 1) * 100,
				(unsigned)draw(seed, 5));
}


static void fees_are_those_of_an_independent_model(void **state)
{
	const char *asked = getenv("TANDEM_RATE_CASES");
	const long cases = asked ? strtol(asked, NULL, 10) : CASES;
	uint64_t seed = 20260101;
	(void)state;

	for (long i = 0; i < cases; i++) {
		struct rate_terms terms;
		int64_t s, fee;

		draw_terms(&terms, &seed);
		s = (int64_t)draw(&seed, draw(&seed, 2) ? 200 : 20000);
		fee = rate_fee(&terms, s);
		if (compare(paper_of(fee), modelled_fee(&terms, s)) != 0)
			fail_msg("case %ld: rate %" PRId64 " connect %" PRId64
				 " %u/%u free %u step %" PRId64 ": %" PRId64
				 " s are %" PRId64,
				 i, terms.rate, terms.connect_fee, terms.first,
				 terms.next, terms.free_s, terms.step, s, fee);
	}
}


static void what_is_affordable_is_what_a_search_finds(void **state)
{
	uint64_t seed = 7;
	(void)state;

	for (int i = 0; i < 2000; i++) {
		const int64_t from = 1 + (int64_t)draw(&seed, 50);
		const int64_t to = from + (int64_t)draw(&seed, 100);
		struct rate_terms terms;
		int64_t money, s = from;

		draw_terms(&terms, &seed);
		money = rate_fee(&terms, (int64_t)draw(&seed, 150));
		while (s <= to && rate_fee(&terms, s) <= money)
			s++;
		assert_int_equal(rate_afford(&terms, money, from, to), s - 1);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rest_of_50_ms_is_dropped),
		cmocka_unit_test(free_time_comes_before_increments),
		cmocka_unit_test(the_only_rounding_is_half_up_to_the_step),
		cmocka_unit_test(the_examples_of_the_specification),
		cmocka_unit_test(
			a_call_of_no_charged_time_has_no_connection_fee),
		cmocka_unit_test(what_is_covered_is_the_largest_whole_second),
		cmocka_unit_test(commissions_are_half_up_to_the_unit),
		cmocka_unit_test(the_highest_rate_for_ten_years_fits),
		cmocka_unit_test(fees_are_those_of_an_independent_model),
		cmocka_unit_test(what_is_affordable_is_what_a_search_finds),
	};

	return T_MAIN_ONLY(tests);
}
