/**
 * @file test/unit/mediad/test_tone.c  Tones are made, and heard
 */
#include <stdlib.h>

#include "mediad/tone.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	FRAME = 160,
	MS = 8, /* samples */
};

static const char keys[] = "0123456789*#ABCD";
static const enum media_codec codecs[] = { MEDIA_PCMU, MEDIA_PCMA };


static void every_byte_of_g711_comes_back(void **state)
{
	(void)state;
	for (size_t c = 0; c < COUNT_OF(codecs); c++)
		for (int b = 0; b < 256; b++) {
			const int value = tone_decode(codecs[c], (uint8_t)b);
			const uint8_t back = tone_encode(codecs[c], value);

			assert_int_equal(tone_decode(codecs[c], back), value);
		}
	assert_int_equal(tone_silence(MEDIA_PCMU), 0xff);
	assert_int_equal(tone_silence(MEDIA_PCMA), 0xd5);
	/* ITU-T G.711, tables 1a and 2a: the loudest */
	assert_int_equal(tone_decode(MEDIA_PCMU, 0x80), 32124);
	assert_int_equal(tone_decode(MEDIA_PCMA, 0xaa), 32256);
}


/* off ms of silence, on ms of a digit, then silence; in frames of 20 ms
 * @return digits heard; heard: the last */
static unsigned play(enum media_codec codec, char digit, unsigned off,
		     unsigned on, struct digit *heard, unsigned *cutp)
{
	static uint8_t data[FRAME * 50];
	struct tone_ear ear = { .samples = 0 };
	unsigned count = 0;

	*cutp = 0;
	tone_make(data, sizeof(data), codec, '\0', 0);
	tone_make(data + off * MS, on * MS, codec, digit, 0);
	for (size_t at = 0; at < sizeof(data); at += FRAME) {
		struct digit one;

		*cutp += tone_hear(&ear, codec, data + at, FRAME, &one);
		if (one.digit) {
			*heard = one;
			count++;
		}
	}

	return count;
}


static void each_digit_is_heard_once_wherever_it_begins(void **state)
{
	(void)state;
	for (size_t c = 0; c < COUNT_OF(codecs); c++)
		for (size_t d = 0; d < sizeof(keys) - 1; d++)
			for (unsigned off = 20; off < 40; off += 3) {
				struct digit heard = { '\0', 0 };
				unsigned cut;

				assert_int_equal(play(codecs[c], keys[d], off,
						      100, &heard, &cut),
						 1);
				assert_int_equal(heard.digit, keys[d]);
				assert_in_range(heard.ms, 75, 125);
				assert_in_range(cut, 5, 8);
			}
}


static void forty_ms_are_enough_and_ten_are_not(void **state)
{
	struct digit heard;
	unsigned cut;

	(void)state;
	for (unsigned off = 20; off < 40; off++) {
		assert_int_equal(play(MEDIA_PCMU, '5', off, 40, &heard, &cut),
				 1);
		assert_int_equal(play(MEDIA_PCMU, '5', off, 10, &heard, &cut),
				 0);
	}
}


static void one_tone_alone_and_noise_are_no_digit(void **state)
{
	struct tone_ear ear = { .samples = 0 };
	uint8_t data[FRAME];
	struct digit heard;
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		tone_make(data, FRAME, MEDIA_PCMU, 'r', i * FRAME);
		(void)tone_hear(&ear, MEDIA_PCMU, data, FRAME, &heard);
		assert_int_equal(heard.digit, '\0');
	}
	for (unsigned i = 0; i < 2000; i++) {
		for (unsigned n = 0; n < FRAME; n++) {
			seed = seed * 1103515245 + 12345;
			data[n] = (uint8_t)(seed >> 16);
		}
		(void)tone_hear(&ear, MEDIA_PCMU, data, FRAME, &heard);
		assert_int_equal(heard.digit, '\0');
	}
}


static void two_alike_with_a_pause_are_two(void **state)
{
	static uint8_t data[FRAME * 15];
	struct tone_ear ear = { .samples = 0 };
	struct digit heard;
	unsigned count = 0;

	(void)state;
	tone_make(data, sizeof(data), MEDIA_PCMA, '\0', 0);
	tone_make(data, 50 * MS, MEDIA_PCMA, '7', 0);
	tone_make(data + 90 * MS, 50 * MS, MEDIA_PCMA, '7', 0);
	for (size_t at = 0; at < sizeof(data); at += FRAME) {
		(void)tone_hear(&ear, MEDIA_PCMA, data + at, FRAME, &heard);
		count += heard.digit == '7';
	}
	assert_int_equal(count, 2);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_of_g711_comes_back),
		cmocka_unit_test(each_digit_is_heard_once_wherever_it_begins),
		cmocka_unit_test(forty_ms_are_enough_and_ten_are_not),
		cmocka_unit_test(one_tone_alone_and_noise_are_no_digit),
		cmocka_unit_test(two_alike_with_a_pause_are_two),
	};

	return T_MAIN_ONLY(tests);
}
