/**
 * @file test/unit/ipc/test_peer.c  Names of processes
 */
#include "shared/base/util.h"
#include "shared/ipc/peer.h"
#include "test/support/t.h"


static void every_process_has_a_name_that_parses_back(void **state)
{
	(void)state;

	for (unsigned i = PEER_NONE + 1; i < PEERC; i++) {
		enum peer peer = PEER_NONE;

		assert_non_null(peer_name((enum peer)i));
		assert_int_equal(peer_parse(&peer, peer_name((enum peer)i)),
				 0);
		assert_int_equal(peer, i);
	}
}


static void every_worker_has_one_text_form_and_it_parses_back(void **state)
{
	const uint16_t workers[] = { 0, 1, 9, 10, 255, 65535 };
	(void)state;

	for (unsigned i = PEER_NONE + 1; i < PEERC; i++) {
		for (size_t w = 0; w < COUNT_OF(workers); w++) {
			const struct peer_id id = { (uint16_t)i, workers[w] };
			struct peer_id back = { 0 };
			char text[PEER_ID_MAX];

			peer_id_print(id, text);
			assert_int_equal(peer_id_parse(&back, text,
						       strlen(text)),
					 0);
			assert_true(peer_id_equal(id, back));
		}
	}
}


static void a_second_spelling_is_refused(void **state)
{
	const char *const bad[] = { "",        "sipd",     "sipd.",
				    ".0",      "sipd.00",  "sipd.01",
				    "sipd.+1", "sipd.-1",  "sipd. 1",
				    "sipd.1 ", "SIPD.0",   "sipd.0.0",
				    "sipd.x",  "none.0",   "unknown.0",
				    "sip.0",   "sipdd.0",  "sipd.65536",
				    " sipd.0", "sipd.0x1", "sipd.99999999999" };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct peer_id id = { 77, 77 };

		assert_int_not_equal(peer_id_parse(&id, bad[i],
						   strlen(bad[i])),
				     0);
		assert_int_equal(id.peer, 77);
		assert_int_equal(id.worker, 77);
	}
}


/* An identity on the bus is bytes, not a string. */
static void bytes_behind_the_length_are_not_read(void **state)
{
	struct peer_id id = { 0 };
	(void)state;

	assert_int_equal(peer_id_parse(&id, "sipd.12", 6), 0);
	assert_int_equal(id.worker, 1);
	assert_int_not_equal(peer_id_parse(&id, "sipd.1\0", 7), 0);
}


static void a_number_that_is_no_peer_has_a_name_too(void **state)
{
	const struct peer_id id = { 999, 65535 };
	char text[PEER_ID_MAX];
	(void)state;

	assert_string_equal(peer_name((enum peer)999), "unknown");
	assert_string_equal(peer_id_print(id, text), "unknown.65535");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_process_has_a_name_that_parses_back),
		cmocka_unit_test(
			every_worker_has_one_text_form_and_it_parses_back),
		cmocka_unit_test(a_second_spelling_is_refused),
		cmocka_unit_test(bytes_behind_the_length_are_not_read),
		cmocka_unit_test(a_number_that_is_no_peer_has_a_name_too),
	};

	return T_MAIN_ONLY(tests);
}
