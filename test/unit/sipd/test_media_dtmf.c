/**
 * @file test/unit/sipd/test_media_dtmf.c  A digit as the body of an INFO
 */
#include "shared/base/util.h"
#include "sipd/media_dtmf.h"
#include "test/support/t.h"

#define RELAY "application/dtmf-relay"


static void what_is_a_digit_is_read(void **state)
{
	/* clang-format off */
	static const struct {
		const char *type, *body;
		int err;
		char digit;
		unsigned ms;
	} rows[] = {
		{ RELAY, "Signal=5\r\nDuration=160\r\n",       0, '5', 160 },
		{ RELAY, "Signal= 5\r\nDuration= 250\r\n",     0, '5', 250 },
		{ RELAY, "signal=#\nduration=100",             0, '#', 100 },
		{ RELAY, "Duration=90\r\nSignal=*\r\n",        0, '*', 90 },
		{ RELAY, "Signal=d\r\n",                       0, 'D', 160 },
		{ RELAY, "Signal=1\r\nDuration=1\r\n",         0, '1', 40 },
		{ RELAY, "Signal=1\r\nDuration=60000\r\n",     0, '1', 6000 },
		{ RELAY, "Signal=1\r\nVolume=-10\r\n",         0, '1', 160 },
		{ "Application/DTMF-Relay; x=y", "Signal=2\r\n", 0, '2', 160 },
		{ "application/dtmf", "7",                     0, '7', 160 },
		{ "application/dtmf", " * \r\n",               0, '*', 160 },
		{ "application/dtmf", "Signal=A\r\n",          0, 'A', 160 },
		{ RELAY, "",                                   EBADMSG, 0, 0 },
		{ RELAY, "Signal=\r\n",                        EBADMSG, 0, 0 },
		{ RELAY, "Signal=12\r\n",                      EBADMSG, 0, 0 },
		{ RELAY, "Signal=E\r\n",                       EBADMSG, 0, 0 },
		{ RELAY, "Signal=!\r\n",                       EBADMSG, 0, 0 },
		{ RELAY, "Duration=160\r\n",                   EBADMSG, 0, 0 },
		{ RELAY, "Signal=1\r\nDuration=x\r\n",         EBADMSG, 0, 0 },
		{ RELAY, "Signal=1\r\nDuration=99999\r\n",     EBADMSG, 0, 0 },
		{ RELAY, "5",                                  EBADMSG, 0, 0 },
		{ "application/dtmf", "77",                    EBADMSG, 0, 0 },
		{ "application/dtmf-rel", "Signal=5\r\n",      ENOTSUP, 0, 0 },
		{ "text/plain", "Signal=5\r\n",                ENOTSUP, 0, 0 },
		{ "", "5",                                     ENOTSUP, 0, 0 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dtmf dtmf = { 0 };
		const int err = dtmf_read(&dtmf, text_of(rows[i].type),
					  text_of(rows[i].body));

		if (err != rows[i].err)
			fail_msg("row %zu: %d", i, err);
		if (err)
			continue;
		assert_int_equal(dtmf.digit, rows[i].digit);
		assert_int_equal(dtmf.ms, rows[i].ms);
	}
}


static void what_is_printed_is_read_again(void **state)
{
	static const char digits[] = "0123456789*#ABCD";
	char body[DTMF_BODY_MAX];

	(void)state;
	for (size_t i = 0; digits[i]; i++) {
		const struct dtmf in = { digits[i], 6000 };
		struct dtmf out;
		const size_t len = dtmf_print(body, &in);

		assert_int_equal(dtmf_read(&out, text_of(RELAY),
					   (struct text){ body, len }),
				 0);
		assert_int_equal(out.digit, in.digit);
		assert_int_equal(out.ms, in.ms);
	}
	(void)dtmf_print(body, &(struct dtmf){ '5', 160 });
	assert_string_equal(body, "Signal=5\r\nDuration=160\r\n");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_digit_is_read),
		cmocka_unit_test(what_is_printed_is_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
