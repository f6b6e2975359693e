/**
 * @file test/unit/base/test_crc32c.c  CRC-32C, both ways
 */
#include "shared/base/crc32c.h"
#include "test/support/t.h"

typedef uint32_t(crc_h)(uint32_t crc, const void *data, size_t len);

static crc_h *const ways[] = { crc32c, crc32c_portable };


/* RFC 3720 B.4, whose bytes are in the order they are sent */
static void it_gives_the_vectors_of_rfc_3720(void **state)
{
	static const uint8_t read10[48] = {
		0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00,
		0x00, 0x18, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	uint8_t data[4][32];
	(void)state;

	for (uint8_t i = 0; i < 32; i++) {
		data[0][i] = 0x00;
		data[1][i] = 0xff;
		data[2][i] = i;
		data[3][i] = (uint8_t)(31 - i);
	}
	for (int way = 0; way < 2; way++) {
		assert_int_equal(ways[way](0, data[0], 32), 0x8a9136aa);
		assert_int_equal(ways[way](0, data[1], 32), 0x62a8ab43);
		assert_int_equal(ways[way](0, data[2], 32), 0x46dd794e);
		assert_int_equal(ways[way](0, data[3], 32), 0x113fdb5c);
		assert_int_equal(ways[way](0, read10, 48), 0xd9963a56);
		assert_int_equal(ways[way](0, "123456789", 9), 0xe3069283);
		assert_int_equal(ways[way](0, NULL, 0), 0);
	}
}


static void both_ways_agree_on_any_length_place_and_beginning(void **state)
{
	static uint8_t data[2000];
	uint32_t seed = 1;
	(void)state;

	for (size_t i = 0; i < sizeof(data); i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
	for (int i = 0; i < 5000; i++) {
		size_t from, len;

		seed = seed * 1664525 + 1013904223;
		from = (seed >> 8) % 9;
		len = (seed >> 16) % (sizeof(data) - 8);
		assert_int_equal(crc32c(seed, data + from, len),
				 crc32c_portable(seed, data + from, len));
	}
}


static void it_goes_on_where_it_stopped(void **state)
{
	const char text[] = "in pieces of any length, one after the other";
	const size_t len = sizeof(text) - 1;
	(void)state;

	for (size_t cut = 0; cut <= len; cut++)
		for (int way = 0; way < 2; way++)
			assert_int_equal(ways[way](ways[way](0, text, cut),
						   text + cut, len - cut),
					 crc32c(0, text, len));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_the_vectors_of_rfc_3720),
		cmocka_unit_test(
			both_ways_agree_on_any_length_place_and_beginning),
		cmocka_unit_test(it_goes_on_where_it_stopped),
	};

	return T_MAIN_ONLY(tests);
}
