/**
 * @file test/unit/sipd/test_media_terms.c  Relay or bypass
 */
#include "shared/base/util.h"
#include "shared/catalog/rows.h"
#include "sipd/media_terms.h"
#include "test/support/t.h"

enum {
	ON = MEDIA_PROXY_ON,
	OFF = MEDIA_PROXY_OFF,
	AUTO = MEDIA_PROXY_AUTO,
};


static void the_first_row_that_fits_decides(void **state)
{
	/* clang-format off */
	static const struct {
		struct media_case m;
		bool relayed;
	} rows[] = {
		{ { .proxy_a = OFF,  .proxy_b = OFF },                                          false },
		{ { .proxy_a = ON,   .proxy_b = OFF },                                          true },
		{ { .proxy_a = OFF,  .proxy_b = ON },                                           true },
		{ { .proxy_a = AUTO, .proxy_b = AUTO },                                         false },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .is_nat = true },                          false },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .nat_wants_relay = true },                 false },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .is_nat = true, .nat_wants_relay = true }, true },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .converts = true },                        true },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .differs = true },                         true },
		{ { .proxy_a = OFF,  .proxy_b = OFF, .is_private = true, .nomedia_s = 5 },      false },
		{ { .proxy_a = AUTO, .proxy_b = OFF, .is_private = true },                      true },
		{ { .proxy_a = OFF,  .proxy_b = AUTO, .is_private = true },                     true },
		{ { .proxy_a = OFF,  .proxy_b = AUTO, .nomedia_s = 5 },                         true },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (media_is_relayed(&rows[i].m) != rows[i].relayed)
			fail_msg("row %zu", i);
}


static void digits_are_converted_between_two_modes_that_differ(void **state)
{
	(void)state;
	for (uint8_t a = 0; a < DTMF_MODEC; a++)
		for (uint8_t b = 0; b < DTMF_MODEC; b++)
			assert_int_equal(media_converts(a, b),
					 a && b && a != b);
}


static void the_longer_time_holds_and_zero_wins(void **state)
{
	(void)state;
	assert_int_equal(media_nomedia(CAT_INHERIT, CAT_INHERIT, 60), 60);
	assert_int_equal(media_nomedia(CAT_INHERIT, CAT_INHERIT, 0), 0);
	assert_int_equal(media_nomedia(5, CAT_INHERIT, 60), 5);
	assert_int_equal(media_nomedia(CAT_INHERIT, 5, 60), 5);
	assert_int_equal(media_nomedia(0, CAT_INHERIT, 60), 0);
	assert_int_equal(media_nomedia(CAT_INHERIT, 0, 60), 0);
	assert_int_equal(media_nomedia(5, 20, 60), 20);
	assert_int_equal(media_nomedia(20, 5, 60), 20);
	assert_int_equal(media_nomedia(20, 0, 60), 0);
	assert_int_equal(media_nomedia(0, 20, 60), 0);
}


static void a_field_that_says_nothing_known_is_the_default(void **state)
{
	struct cat_gateway gw = {
		.media_proxy = AUTO,
		.dtmf_mode = 99,
		.rtp_learning = -1,
		.nat_media_sdp_first = 1,
		.nomedia_time = 7,
	};
	struct cat_phone phone = { .dtmf_mode = DTMF_INFO };
	struct media_terms t;

	(void)state;
	media_terms_gateway(&t, &gw);
	assert_int_equal(t.proxy, AUTO);
	assert_int_equal(t.dtmf, DTMF_TRANSPARENT);
	assert_int_equal(t.learning, LEARNING_AUTO);
	assert_int_equal(t.nomedia_s, 7);
	assert_true(t.sdp_first);
	assert_false(t.t38);
	media_terms_phone(&t, &phone);
	assert_int_equal(t.dtmf, DTMF_INFO);
	assert_true(t.t38);
	media_terms_phone(&t, NULL);
	assert_int_equal(t.proxy, CAT_INHERIT);
	media_terms_gateway(&t, NULL);
	assert_int_equal(t.nomedia_s, CAT_INHERIT);
	assert_true(t.t38);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_fits_decides),
		cmocka_unit_test(
			digits_are_converted_between_two_modes_that_differ),
		cmocka_unit_test(the_longer_time_holds_and_zero_wins),
		cmocka_unit_test(
			a_field_that_says_nothing_known_is_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
