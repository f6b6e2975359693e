/**
 * @file test/unit/sipd/test_txn_answered.c  Requests whose answers are made
 * anew
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/txn_rig.h"

#define REGISTER       RIG_REQUEST("REGISTER", "z9hG4bKr1", "")
#define BY_ANOTHER_WAY RIG_REQUEST("REGISTER", "z9hG4bKr2", "")
#define BYE            RIG_REQUEST("BYE", "z9hG4bKr3", ";tag=m1x")
#define ANOTHER_BYE    RIG_REQUEST("BYE", "z9hG4bKr4", ";tag=m1x")

enum {
	LINGER_MS = 35500, /* sum of the list */
};


static void answer(struct rig *rig, uint64_t user)
{
	const struct txn_reply reply = { .code = 200,
					 .heads = text_of("X: first\r\n") };

	assert_int_equal(txn_reply_anew(rig->txns, rig->request, &reply, user),
			 0);
}


static void nothing_is_left_but_that_it_was_answered(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, REGISTER);
	assert_int_equal(txn_count(rig->txns), 1);
	answer(rig, 77);
	assert_int_equal(txn_count(rig->txns), 0);
	assert_non_null(strstr(rig_last(rig), "X: first\r\n"));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
	assert_int_equal(txn_reply_code(rig->txns, rig->request, 500), ENOENT);
}


static void a_copy_before_the_answer_waits_for_it(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, REGISTER);
	rig_peer(rig, REGISTER);
	assert_string_equal(rig_told(rig), "0 request 5");
	answer(rig, 77);
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
}


static void a_copy_is_answered_anew_with_the_same_tag(void **state)
{
	struct rig *rig = *state;
	char first[64];
	struct text tag;

	rig_peer(rig, REGISTER);
	answer(rig, 77);
	tag = text_of(strstr(rig_last(rig), ";tag=m1"));
	assert_int_equal(text_copy(first, sizeof(first),
				   (struct text){ tag.p, 17 }),
			 0);
	(void)rig_told(rig);
	rig_run(rig, 500);
	rig_peer(rig, REGISTER);
	assert_string_equal(rig_told(rig), "500 again 77");
	assert_non_null(strstr(rig_last(rig), "X: again\r\n"));
	assert_non_null(strstr(rig_last(rig), first));
	assert_non_null(strstr(rig_last(rig), ";received=192.0.2.7;rport="));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 500");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void its_time_is_that_of_a_transaction(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, REGISTER);
	answer(rig, 77);
	rig_run(rig, LINGER_MS - 1);
	(void)rig_told(rig);
	rig_peer(rig, REGISTER);
	assert_string_equal(rig_told(rig), "35499 again 77");
	rig_run(rig, 1);
	rig_peer(rig, REGISTER);
	assert_string_equal(rig_told(rig), "35500 request 5");
}


static void a_merged_one_is_refused(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, REGISTER);
	answer(rig, 77);
	(void)rig_told(rig);
	rig_peer(rig, BY_ANOTHER_WAY);
	assert_string_equal(rig_told(rig), "");
	assert_string_equal(rig_times(rig, "SIP/2.0 482"), "0");
}


static void one_from_elsewhere_is_a_new_one(void **state)
{
	struct rig *rig = *state;
	const struct flow other = rig_flow("192.0.2.7:5063", TRANSPORT_UDP);

	rig_peer(rig, REGISTER);
	answer(rig, 77);
	(void)rig_told(rig);
	rig_receive(rig, &other, REGISTER);
	assert_string_equal(rig_told(rig), "0 request 5");
	answer(rig, 78);
	(void)rig_told(rig);
	rig_receive(rig, &other, REGISTER);
	assert_string_equal(rig_told(rig), "0 again 78");
}


static void by_a_connection_no_copies_come(void **state)
{
	struct rig *rig = *state;
	const struct flow tcp = rig_flow(RIG_PEER, TRANSPORT_TCP);

	rig_receive(rig, &tcp, REGISTER);
	answer(rig, 77);
	rig_run(rig, 1);
	(void)rig_told(rig);
	rig_receive(rig, &tcp, REGISTER);
	assert_string_equal(rig_told(rig), "1 request 5");
}


static void within_a_dialog_a_copy_is_known_by_its_branch(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, BYE);
	answer(rig, 77);
	assert_int_equal(txn_count(rig->txns), 0);
	(void)rig_told(rig);
	rig_run(rig, LINGER_MS - 1);
	rig_peer(rig, BYE);
	assert_string_equal(rig_told(rig), "35499 again 77");
	assert_non_null(strstr(rig_last(rig), "To: <sip:2@b>;tag=m1x\r\n"));
	rig_peer(rig, ANOTHER_BYE);
	assert_string_equal(rig_told(rig), "35499 request 5");
	rig_run(rig, 1);
	rig_peer(rig, BYE);
	assert_string_equal(rig_told(rig), "35500 request 5");
}


static txn_id answered_invite(struct rig *rig)
{
	const txn_id id = rig_invited(rig);

	rig_reply(rig, id, 200);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx2", ";tag=m1"));
	assert_string_equal(rig_told(rig), "0 ack 5");
	txn_acked(rig->txns, id);

	return id;
}


static void of_an_acked_invite_copies_are_swallowed(void **state)
{
	struct rig *rig = *state;
	const struct flow other = rig_flow("192.0.2.7:5063", TRANSPORT_UDP);
	const txn_id id = answered_invite(rig);

	assert_int_equal(txn_count(rig->txns), 0);
	assert_int_equal(txn_reply_code(rig->txns, id, 500), ENOENT);
	rig_run(rig, LINGER_MS - 1);
	rig_peer(rig, RIG_INVITE);
	rig_receive(rig, &other, RIG_INVITE);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(rig->sentc, 1); /* the 200 */
	rig_run(rig, 1);
	rig_peer(rig, RIG_INVITE);
	assert_string_equal(rig_told(rig), "35500 request 5");
}


static void of_an_acked_invite_a_merged_one_is_refused(void **state)
{
	struct rig *rig = *state;
	const struct flow other = rig_flow("192.0.2.7:5063", TRANSPORT_UDP);

	(void)answered_invite(rig);
	rig_receive(rig, &other, RIG_REQUEST("INVITE", "z9hG4bKx3", ""));
	assert_string_equal(rig_told(rig), "");
	assert_string_equal(rig_times(rig, "SIP/2.0 482"), "0");
}


static void of_an_acked_invite_a_cancel_is_answered(void **state)
{
	struct rig *rig = *state;

	(void)answered_invite(rig);
	(void)rig_times(rig, "SIP/2.0 200");
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_told(rig), "");
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx9", ""));
	assert_string_equal(rig_told(rig), "0 request 5");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(nothing_is_left_but_that_it_was_answered),
		T(a_copy_before_the_answer_waits_for_it),
		T(a_copy_is_answered_anew_with_the_same_tag),
		T(its_time_is_that_of_a_transaction),
		T(a_merged_one_is_refused),
		T(one_from_elsewhere_is_a_new_one),
		T(by_a_connection_no_copies_come),
		T(within_a_dialog_a_copy_is_known_by_its_branch),
		T(of_an_acked_invite_copies_are_swallowed),
		T(of_an_acked_invite_a_merged_one_is_refused),
		T(of_an_acked_invite_a_cancel_is_answered),
	};

	return T_MAIN_ONLY(tests);
}
