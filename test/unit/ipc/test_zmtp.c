/**
 * @file test/unit/ipc/test_zmtp.c  ZeroMQ's protocol: what bytes mean
 */
#include "shared/base/util.h"
#include "shared/ipc/zmtp.h"
#include "test/support/t.h"

enum {
	MOST = 1000
};

/* As libzmq 4.3.4 says it */
static const uint8_t of_libzmq[] =
	"\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
static const uint8_t its_ready[] =
	"\x04\x2f\x05READY\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\6"
	"sipd.0";


static void a_greeting_is_taken_from_its_first_byte_on(void **state)
{
	uint8_t theirs[ZMTP_GREETING] = { 0 }, ours[ZMTP_GREETING];
	(void)state;

	memcpy(theirs, of_libzmq, sizeof(of_libzmq) - 1);
	zmtp_greeting(ours);
	for (size_t l = 0; l < ZMTP_GREETING; l++) {
		assert_int_equal(zmtp_greeting_check(theirs, l), EAGAIN);
		assert_int_equal(zmtp_greeting_check(ours, l), EAGAIN);
	}
	assert_int_equal(zmtp_greeting_check(theirs, ZMTP_GREETING), 0);
	assert_int_equal(zmtp_greeting_check(ours, ZMTP_GREETING), 0);
	assert_int_equal(zmtp_greeting_check(ours, ZMTP_GREETING + 1), 0);
}


static void what_is_no_greeting_is_known_at_once(void **state)
{
	static const struct {
		size_t at, len;
		uint8_t byte;
	} rows[] = {
		{ 0, 1, 'G' },   /* HTTP */
		{ 9, 10, 0x7e }, /* no signature */
		{ 10, 11, 2 },   /* an older ZeroMQ */
		{ 12, ZMTP_GREETING, 'P' },
		{ 16, ZMTP_GREETING, 'x' }, /* NULLx */
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t data[ZMTP_GREETING];

		zmtp_greeting(data);
		data[rows[i].at] = rows[i].byte;
		assert_int_equal(zmtp_greeting_check(data, rows[i].len),
				 EPROTO);
	}
}


static void who_is_there_is_in_ready(void **state)
{
	uint8_t ours[ZMTP_READY_MAX];
	struct zmtp_frame frame;
	struct text identity;
	(void)state;

	assert_int_equal(zmtp_ready(ours, "DEALER", "sipd.0"),
			 sizeof(its_ready) - 1);
	assert_memory_equal(ours, its_ready, sizeof(its_ready) - 1);
	for (size_t l = 0; l < sizeof(its_ready) - 1; l++)
		assert_int_equal(zmtp_frame(&frame, its_ready, l, MOST),
				 EAGAIN);
	assert_int_equal(zmtp_frame(&frame, its_ready, sizeof(its_ready),
				    MOST),
			 0);
	assert_int_equal(frame.whole, sizeof(its_ready) - 1);
	assert_int_equal(zmtp_ready_parse(&identity, &frame), 0);
	assert_true(text_is(identity, "sipd.0"));

	/* Cut anywhere behind its name it is none, but between two values. */
	for (size_t l = 7; l < frame.len; l++) {
		const struct zmtp_frame cut = { .data = frame.data,
						.len = l,
						.is_command = true };

		assert_int_equal(zmtp_ready_parse(&identity, &cut),
				 l == 28 ? 0 : EPROTO);
	}
	frame.is_command = false;
	assert_int_equal(zmtp_ready_parse(&identity, &frame), EPROTO);
}


static void a_frame_says_its_length_and_what_it_is(void **state)
{
	static uint8_t data[ZMTP_HEAD_MAX + MOST];
	static const size_t lens[] = { 0, 1, 255, 256, MOST };
	struct zmtp_frame frame;
	(void)state;

	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		const size_t head = zmtp_head(data, lens[i]);

		assert_int_equal(head, lens[i] < 256 ? 2 : 9);
		for (size_t l = 0; l < head + lens[i]; l++)
			assert_int_equal(zmtp_frame(&frame, data, l, MOST),
					 EAGAIN);
		assert_int_equal(zmtp_frame(&frame, data, head + lens[i],
					    MOST),
				 0);
		assert_int_equal(frame.len, lens[i]);
		assert_int_equal(frame.whole, head + lens[i]);
		assert_ptr_equal(frame.data, data + head);
		assert_false(frame.is_command || frame.has_more);
	}
	data[0] = 1;
	data[1] = 0;
	assert_int_equal(zmtp_frame(&frame, data, 2, MOST), 0);
	assert_true(frame.has_more);
}


static void what_is_no_frame_or_too_long_is_known_from_its_head(void **state)
{
	static const uint8_t flags[] = { 8 }, huge[] = "\2\xff\xff\xff\xff"
						       "\xff\xff\xff\xff";
	uint8_t data[ZMTP_HEAD_MAX];
	struct zmtp_frame frame;
	(void)state;

	assert_int_equal(zmtp_frame(&frame, flags, 1, MOST), EPROTO);
	assert_int_equal(zmtp_frame(&frame, huge, 9, MOST), EPROTO);
	assert_int_equal(zmtp_frame(&frame, data, zmtp_head(data, MOST + 1),
				    MOST),
			 EPROTO);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_greeting_is_taken_from_its_first_byte_on),
		cmocka_unit_test(what_is_no_greeting_is_known_at_once),
		cmocka_unit_test(who_is_there_is_in_ready),
		cmocka_unit_test(a_frame_says_its_length_and_what_it_is),
		cmocka_unit_test(
			what_is_no_frame_or_too_long_is_known_from_its_head),
	};

	return T_MAIN_ONLY(tests);
}
