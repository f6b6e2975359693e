/**
 * @file test/unit/mediad/test_latch.c  Every row of media 4
 */
#include "mediad/latch.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"

#define SECOND ((int64_t)1000000)

static const char sdp[] = "192.0.2.1:4000";
static const char sip[] = "198.51.100.7:5060";


/* One packet, to a latch that has an SDP since RIG_NOW */
struct row {
	enum media_learning learning;
	bool is_nat;
	const char *from;
	int64_t after_us;
	enum latch_verdict verdict;
};

static const struct row rows[] = {
	/* clang-format off */
	{ LEARNING_SDP,  false, "192.0.2.1:4000",    0, LATCH_LEARN },
	{ LEARNING_SDP,  false, "192.0.2.1:9999",    0, LATCH_LEARN },
	{ LEARNING_SDP,  true,  "198.51.100.7:4000", 0, LATCH_FOREIGN },
	{ LEARNING_SDP,  false, "203.0.113.9:4000",  0, LATCH_FOREIGN },
	{ LEARNING_AUTO, false, "192.0.2.1:4000",    0, LATCH_LEARN },
	{ LEARNING_AUTO, false, "198.51.100.7:4000", 0, LATCH_FOREIGN },
	{ LEARNING_AUTO, true,  "198.51.100.7:1234", 0, LATCH_LEARN },
	{ LEARNING_AUTO, true,  "203.0.113.9:4000",  0, LATCH_FOREIGN },
	{ LEARNING_ANY,  false, "203.0.113.9:4000",  4 * SECOND, LATCH_LEARN },
	{ LEARNING_ANY,  false, "203.0.113.9:4000",  5 * SECOND, LATCH_FOREIGN },
	{ LEARNING_ANY,  false, "192.0.2.1:4000",    9 * SECOND, LATCH_LEARN },
	/* clang-format on */
};


static void the_first_packet_is_taken_from_whom_the_mode_allows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct media_side side = {
			.learning = (uint8_t)rows[i].learning,
			.is_nat = rows[i].is_nat,
			.source = rig_addr(sip),
		};
		const struct addr at = rig_addr(sdp);
		const struct addr from = rig_addr(rows[i].from);
		struct media_latch latch = { .is_fixed = 0 };

		latch_point(&latch, &at, true, RIG_NOW);
		if (latch_judge(&latch, &side, &from, 0,
				RIG_NOW + rows[i].after_us) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}


static void nothing_is_taken_before_the_sdp(void **state)
{
	const struct media_side side = { .learning = LEARNING_ANY };
	const struct media_latch latch = { .is_fixed = 0 };
	const struct addr from = rig_addr(sdp);
	struct addr to;

	(void)state;
	assert_int_equal(latch_judge(&latch, &side, &from, 0, RIG_NOW),
			 LATCH_UNKNOWN);
	assert_false(latch_target(&latch, &side, &to));
}


/* --- once it is fixed
 * ----------------------------------------------------------------------- */

static void fix(struct media_latch *latch, const char *from)
{
	const struct addr at = rig_addr(sdp), source = rig_addr(from);

	memset(latch, 0, sizeof(*latch));
	latch_point(latch, &at, true, RIG_NOW);
	latch_learn(latch, &source);
}


static enum latch_verdict judge(const struct media_latch *latch,
				enum media_learning learning, const char *from,
				int64_t silent_us)
{
	const struct media_side side = { .learning = (uint8_t)learning };
	const struct addr source = rig_addr(from);

	return latch_judge(latch, &side, &source, RIG_NOW,
			   RIG_NOW + silent_us);
}


static void a_fixed_source_is_the_only_one_in_every_mode(void **state)
{
	struct media_latch latch;

	(void)state;
	fix(&latch, "192.0.2.1:4000");
	for (unsigned m = 0; m < LEARNINGC; m++) {
		assert_int_equal(judge(&latch, m, "192.0.2.1:4000", 0),
				 LATCH_ACCEPT);
		assert_int_equal(judge(&latch, m, "203.0.113.9:4000", SECOND),
				 LATCH_FOREIGN);
		assert_int_equal(judge(&latch, m, "192.0.2.1:4002",
				       SECOND - 1),
				 LATCH_FOREIGN);
	}
}


static void another_port_of_the_same_ip_waits_for_a_second(void **state)
{
	struct media_latch latch;

	(void)state;
	fix(&latch, "192.0.2.1:4000");
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:4002", SECOND),
			 LATCH_LEARN);
}


static void the_same_sdp_again_moves_nothing(void **state)
{
	const struct addr at = rig_addr(sdp);
	struct media_latch latch;

	(void)state;
	fix(&latch, "192.0.2.1:4000");
	latch_point(&latch, &at, false, RIG_NOW + SECOND);
	assert_int_equal(judge(&latch, LEARNING_ANY, "203.0.113.9:4000", 0),
			 LATCH_FOREIGN);
}


static void another_sdp_opens_it_and_sends_on_until_a_packet_comes(void **state)
{
	const struct media_side side = { .is_nat = true,
					 .source = rig_addr(sip) };
	const struct addr at = rig_addr(sdp);
	const struct addr old = rig_addr("198.51.100.7:777");
	struct media_latch latch;
	struct addr to;

	(void)state;
	fix(&latch, "198.51.100.7:777");
	latch_point(&latch, &at, true, RIG_NOW + SECOND);
	assert_false(latch.is_fixed);
	assert_true(latch_target(&latch, &side, &to));
	assert_true(addr_equal(&to, &old));
}


static void another_address_in_the_sdp_is_sent_to_at_once(void **state)
{
	const struct media_side side = { .is_nat = false };
	const struct addr moved = rig_addr("192.0.2.1:5000");
	struct media_latch latch;
	struct addr to;

	(void)state;
	fix(&latch, "192.0.2.1:4000");
	latch_point(&latch, &moved, false, RIG_NOW + SECOND);
	assert_true(latch_target(&latch, &side, &to));
	assert_true(addr_equal(&to, &moved));
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:5000", 0),
			 LATCH_LEARN);
}


static void what_is_under_way_when_it_moves_is_heard_and_does_not_hold_it(
	void **state)
{
	const struct addr moved = rig_addr("192.0.2.1:5000");
	struct media_latch latch;

	(void)state;
	fix(&latch, "192.0.2.1:4000");
	latch_point(&latch, &moved, true, RIG_NOW);
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:4000", 0),
			 LATCH_ACCEPT);
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:5000", 0),
			 LATCH_LEARN);
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:4000", SECOND),
			 LATCH_LEARN);
	latch_learn(&latch, &moved);
	assert_int_equal(judge(&latch, LEARNING_SDP, "192.0.2.1:4000", 0),
			 LATCH_FOREIGN);
}


/* --- where it sends
 * ------------------------------------------------------------------------- */

struct target_row {
	const char *signalled;
	const char *learned; /**< NULL: none */
	bool is_nat, is_sdp_first;
	const char *to;
};

static const struct target_row targets[] = {
	/* clang-format off */
	{ "192.0.2.1:4000", NULL,               false, false, "192.0.2.1:4000" },
	{ "192.0.2.1:4000", NULL,               true,  false, "192.0.2.1:4000" },
	{ "10.0.0.5:4000",  NULL,               true,  false, "198.51.100.7:4000" },
	{ "10.0.0.5:4000",  NULL,               false, false, "10.0.0.5:4000" },
	{ "169.254.0.5:40", NULL,               true,  false, "198.51.100.7:40" },
	{ "192.0.2.1:4000", "192.0.2.1:777",    false, false, "192.0.2.1:777" },
	{ "192.0.2.1:4000", "198.51.100.7:777", true,  true,  "192.0.2.1:4000" },
	{ "10.0.0.5:4000",  "198.51.100.7:777", true,  true,  "198.51.100.7:777" },
	/* clang-format on */
};


static void it_sends_where_the_rules_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		const struct target_row *row = &targets[i];
		const struct media_side side = {
			.is_nat = row->is_nat,
			.is_sdp_first = row->is_sdp_first,
			.source = rig_addr(sip),
		};
		const struct addr said = rig_addr(row->signalled);
		const struct addr want = rig_addr(row->to);
		struct media_latch latch = { .is_fixed = 0 };
		struct addr to;

		latch_point(&latch, &said, true, RIG_NOW);
		if (row->learned) {
			const struct addr from = rig_addr(row->learned);

			latch_learn(&latch, &from);
		}
		if (!latch_target(&latch, &side, &to) ||
		    !addr_equal(&to, &want))
			fail_msg("row %zu", i);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_first_packet_is_taken_from_whom_the_mode_allows),
		cmocka_unit_test(nothing_is_taken_before_the_sdp),
		cmocka_unit_test(a_fixed_source_is_the_only_one_in_every_mode),
		cmocka_unit_test(
			another_port_of_the_same_ip_waits_for_a_second),
		cmocka_unit_test(the_same_sdp_again_moves_nothing),
		cmocka_unit_test(
			another_sdp_opens_it_and_sends_on_until_a_packet_comes),
		cmocka_unit_test(
			another_address_in_the_sdp_is_sent_to_at_once),
		cmocka_unit_test(
			what_is_under_way_when_it_moves_is_heard_and_does_not_hold_it),
		cmocka_unit_test(it_sends_where_the_rules_say),
	};

	return T_MAIN_ONLY(tests);
}
