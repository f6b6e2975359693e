/**
 * @file test/unit/sipd/test_txn_fsm.c  Transactions: the tables alone
 */
#include <limits.h>

#include "shared/base/util.h"
#include "sipd/txn_fsm.h"
#include "test/support/t.h"

enum {
	STATES_MAX = 16,
	STEPS_MAX = 8,
};

/** A side, so that what holds for both is asked once */
struct side {
	const char *name;
	const struct txn_row *rows;
	const struct txn_state_def *states;
	unsigned statec, eventc;
	unsigned ended, deadline, resend, again;
	unsigned first[2];
	bool is_open[STATES_MAX]; /**< Its user ends it */
};

static const struct side sides[] = {
	{
		.name = "server",
		.rows = txn_server_rows[0],
		.states = txn_server_states,
		.statec = TXN_S_STATEC,
		.eventc = TXN_S_EVENTC,
		.ended = TXN_S_ENDED,
		.deadline = TXN_S_EV_DEADLINE,
		.resend = TXN_S_EV_RESEND,
		.again = TXN_S_ACT_AGAIN,
		.first = { TXN_S_PROCEEDING, TXN_S_TRYING },
		.is_open = { [TXN_S_PROCEEDING] = true },
	},
	{
		.name = "client",
		.rows = txn_client_rows[0],
		.states = txn_client_states,
		.statec = TXN_C_STATEC,
		.eventc = TXN_C_EVENTC,
		.ended = TXN_C_ENDED,
		.deadline = TXN_C_EV_DEADLINE,
		.resend = TXN_C_EV_RESEND,
		.again = TXN_C_ACT_AGAIN,
		.first = { TXN_C_CALLING, TXN_C_TRYING },
		.is_open = { [TXN_C_PROCEEDING] = true },
	},
};

#define FOR_EACH_SIDE(s)                                                    \
	for (const struct side *(s) = sides; (s) < sides + COUNT_OF(sides); \
	     (s)++)


static struct txn_row row_of(const struct side *s, unsigned state,
			     unsigned event)
{
	return s->rows[state * s->eventc + event];
}


static void every_state_ends_by_time_alone_but_those_its_user_ends(void **state)
{
	(void)state;

	FOR_EACH_SIDE(s)
	for (unsigned first = 1; first < s->ended; first++) {
		unsigned at = first, steps = 0;

		while (at != s->ended && !s->is_open[at]) {
			const struct txn_row row = row_of(s, at, s->deadline);

			assert_int_not_equal(s->states[at].wait,
					     TXN_WAIT_NONE);
			assert_int_not_equal(row.next, 0);
			at = row.next;
			assert_true(++steps < STEPS_MAX);
		}
	}
}


static void what_has_ended_or_never_was_does_nothing(void **state)
{
	(void)state;

	FOR_EACH_SIDE(s)
	for (unsigned ev = 0; ev < s->eventc; ev++) {
		assert_int_equal(row_of(s, 0, ev).next, 0);
		assert_int_equal(row_of(s, s->ended, ev).next, 0);
	}
}


static void what_resends_has_something_to_resend(void **state)
{
	(void)state;

	FOR_EACH_SIDE(s)
	for (unsigned at = 1; at < s->statec; at++) {
		const struct txn_row row = row_of(s, at, s->resend);

		assert_int_equal(s->states[at].resends, row.next != 0);
		if (s->states[at].resends) {
			assert_true(s->states[at].keeps_message);
			assert_int_equal(row.next, at);
			assert_int_equal(row.action, s->again);
		}
		for (unsigned ev = 0; ev < s->eventc; ev++) {
			if (row_of(s, at, ev).action == s->again)
				assert_true(s->states[row_of(s, at, ev).next]
						    .keeps_message);
		}
	}
}


/* One step further from all that was seen */
static void look_on(const struct side *s, bool is_seen[STATES_MAX])
{
	for (unsigned at = 1; at < s->statec; at++)
		for (unsigned ev = 0; is_seen[at] && ev < s->eventc; ev++)
			is_seen[row_of(s, at, ev).next] = true;
}


static void every_state_is_seen(const struct side *s, const bool *is_seen)
{
	for (unsigned at = 1; at < s->statec; at++) {
		assert_non_null(s->states[at].name);
		if (!is_seen[at])
			fail_msg("%s: no way to %s", s->name,
				 s->states[at].name);
	}
}


static void every_state_has_a_name_and_a_way_to_it(void **state)
{
	(void)state;

	FOR_EACH_SIDE(s)
	{
		bool is_seen[STATES_MAX] = { false };

		is_seen[s->first[0]] = is_seen[s->first[1]] = true;
		for (unsigned step = 0; step < s->statec; step++)
			look_on(s, is_seen);
		every_state_is_seen(s, is_seen);
	}
}


/* One that keeps the time of the state before it must follow one that has
 * some. */
static void a_time_that_is_kept_was_begun(void **state)
{
	(void)state;

	FOR_EACH_SIDE(s)
	for (unsigned at = 1; at < s->statec; at++)
		for (unsigned ev = 0; ev < s->eventc; ev++) {
			const unsigned next = row_of(s, at, ev).next;

			if (next && next != at &&
			    s->states[next].wait == TXN_WAIT_KEEP)
				assert_int_not_equal(s->states[at].wait,
						     TXN_WAIT_NONE);
		}
}


/* --- stories -------------------------------------------------------------- */

/* Feeds a transaction its history; what cannot matter is left out. Returns
 * where it is; the last action is kept, UINT_MAX if there was none. */
static unsigned last_action;


static unsigned play(const struct side *s, unsigned at, const uint8_t *events)
{
	last_action = UINT_MAX;
	for (; *events != UINT8_MAX; events++) {
		const struct txn_row row = row_of(s, at, *events);

		if (row.next == 0)
			continue;
		at = row.next;
		last_action = row.action;
	}

	return at;
}

#define SERVER(at, ...) \
	play(&sides[0], at, (const uint8_t[]){ __VA_ARGS__, UINT8_MAX })
#define CLIENT(at, ...) \
	play(&sides[1], at, (const uint8_t[]){ __VA_ARGS__, UINT8_MAX })

#define ASSERT_SERVER(at, action, want, ...)                     \
	do {                                                     \
		assert_int_equal(SERVER(at, __VA_ARGS__), want); \
		assert_int_equal(last_action, action);           \
	} while (0)
#define ASSERT_CLIENT(at, action, want, ...)                     \
	do {                                                     \
		assert_int_equal(CLIENT(at, __VA_ARGS__), want); \
		assert_int_equal(last_action, action);           \
	} while (0)


static void an_invite_is_the_users_until_its_final(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_STORE, TXN_S_PROCEEDING,
		      TXN_S_EV_PROVISIONAL);
	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_AGAIN, TXN_S_PROCEEDING,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_START, TXN_S_COMPLETED,
		      TXN_S_EV_REFUSE);
}


static void an_answered_invite_waits_for_its_ack(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_START, TXN_S_ACCEPTED,
		      TXN_S_EV_PROVISIONAL, TXN_S_EV_OK);
	ASSERT_SERVER(TXN_S_ACCEPTED, TXN_S_ACT_NONE, TXN_S_ACKED,
		      TXN_S_EV_ACKED);
	ASSERT_SERVER(TXN_S_ACCEPTED, TXN_S_ACT_UNACKED, TXN_S_ENDED,
		      TXN_S_EV_RESEND, TXN_S_EV_DEADLINE);
	ASSERT_SERVER(TXN_S_ACKED, TXN_S_ACT_NONE, TXN_S_ENDED,
		      TXN_S_EV_DEADLINE);
}


/* RFC 6026 7.1: the list resends it, a copy of the request does not. */
static void a_copy_of_an_answered_invite_is_absorbed(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_ACCEPTED, TXN_S_ACT_NONE, TXN_S_ACCEPTED,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_ACKED, TXN_S_ACT_NONE, TXN_S_ACKED,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_CONFIRMED, TXN_S_ACT_NONE, TXN_S_CONFIRMED,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_COMPLETED, TXN_S_ACT_AGAIN, TXN_S_COMPLETED,
		      TXN_S_EV_REQUEST);
}


static void an_ack_is_the_users_after_2xx_and_ours_after_a_refusal(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_ACCEPTED, TXN_S_ACT_ACK, TXN_S_ACCEPTED,
		      TXN_S_EV_ACK);
	ASSERT_SERVER(TXN_S_ACKED, TXN_S_ACT_ACK, TXN_S_ACKED, TXN_S_EV_ACK);
	ASSERT_SERVER(TXN_S_COMPLETED, TXN_S_ACT_ACKED, TXN_S_CONFIRMED,
		      TXN_S_EV_ACK);
	ASSERT_SERVER(TXN_S_CONFIRMED, TXN_S_ACT_NONE, TXN_S_CONFIRMED,
		      TXN_S_EV_ACK);
	ASSERT_SERVER(TXN_S_COMPLETED, TXN_S_ACT_UNACKED, TXN_S_ENDED,
		      TXN_S_EV_DEADLINE);
}


static void a_cancel_matters_until_the_final(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_CANCELLED, TXN_S_PROCEEDING,
		      TXN_S_EV_CANCEL);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_CANCELLED, TXN_S_RELIABLE,
		      TXN_S_EV_CANCEL);
	for (unsigned at = TXN_S_ACCEPTED; at <= TXN_S_CONFIRMED; at++)
		ASSERT_SERVER(at, TXN_S_ACT_CANCEL_OK, at, TXN_S_EV_CANCEL);
	ASSERT_SERVER(TXN_S_IGNORED, TXN_S_ACT_NONE, TXN_S_IGNORED,
		      TXN_S_EV_CANCEL);
	ASSERT_SERVER(TXN_S_IGNORED, TXN_S_ACT_NONE, TXN_S_IGNORED,
		      TXN_S_EV_ACK);
	ASSERT_SERVER(TXN_S_IGNORED, TXN_S_ACT_NONE, TXN_S_IGNORED,
		      TXN_S_EV_REQUEST);
}


static void a_reliable_provisional_waits_for_its_prack(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_START, TXN_S_RELIABLE,
		      TXN_S_EV_RELIABLE);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_START, TXN_S_RELIABLE,
		      TXN_S_EV_RELIABLE);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_AGAIN, TXN_S_RELIABLE,
		      TXN_S_EV_RESEND);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_AGAIN, TXN_S_RELIABLE,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_PASS, TXN_S_RELIABLE,
		      TXN_S_EV_PROVISIONAL);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_DROP, TXN_S_PROCEEDING,
		      TXN_S_EV_PRACKED);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_UNPRACKED, TXN_S_PROCEEDING,
		      TXN_S_EV_DEADLINE);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_START, TXN_S_ACCEPTED,
		      TXN_S_EV_OK);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_START, TXN_S_COMPLETED,
		      TXN_S_EV_REFUSE);
}


static void another_request_is_answered_once(void **state)
{
	(void)state;

	ASSERT_SERVER(TXN_S_TRYING, TXN_S_ACT_NONE, TXN_S_TRYING,
		      TXN_S_EV_REQUEST);
	for (unsigned at = TXN_S_TRYING; at <= TXN_S_PROGRESSING; at++) {
		ASSERT_SERVER(at, TXN_S_ACT_STORE, TXN_S_PROGRESSING,
			      TXN_S_EV_PROVISIONAL);
		ASSERT_SERVER(at, TXN_S_ACT_STORE, TXN_S_ANSWERED,
			      TXN_S_EV_OK);
		ASSERT_SERVER(at, TXN_S_ACT_STORE, TXN_S_ANSWERED,
			      TXN_S_EV_REFUSE);
		ASSERT_SERVER(at, TXN_S_ACT_NONE, TXN_S_IGNORED,
			      TXN_S_EV_IGNORE);
	}
	ASSERT_SERVER(TXN_S_PROGRESSING, TXN_S_ACT_AGAIN, TXN_S_PROGRESSING,
		      TXN_S_EV_REQUEST);
	ASSERT_SERVER(TXN_S_ANSWERED, TXN_S_ACT_AGAIN, TXN_S_ANSWERED,
		      TXN_S_EV_REQUEST);
}


static void a_response_that_cannot_arrive_is_told_once(void **state)
{
	static const uint8_t waiting[] = {
		TXN_S_PROCEEDING, TXN_S_RELIABLE,    TXN_S_ACCEPTED,
		TXN_S_COMPLETED,  TXN_S_PROGRESSING,
	};

	(void)state;

	for (size_t i = 0; i < COUNT_OF(waiting); i++)
		ASSERT_SERVER(waiting[i], TXN_S_ACT_BROKEN, TXN_S_IGNORED,
			      TXN_S_EV_FAIL, TXN_S_EV_FAIL);
	ASSERT_SERVER(TXN_S_PROCEEDING, TXN_S_ACT_NONE, TXN_S_IGNORED,
		      TXN_S_EV_IGNORE, TXN_S_EV_FAIL, TXN_S_EV_OK);
	ASSERT_SERVER(TXN_S_RELIABLE, TXN_S_ACT_NONE, TXN_S_IGNORED,
		      TXN_S_EV_IGNORE);
}


static void a_final_comes_to_the_user_once_and_each_2xx(void **state)
{
	static const uint8_t open[] = { TXN_C_CALLING, TXN_C_CANCEL_WAITS,
					TXN_C_PROCEEDING, TXN_C_CANCELLING };

	(void)state;

	ASSERT_CLIENT(TXN_C_CALLING, TXN_C_ACT_TELL, TXN_C_PROCEEDING,
		      TXN_C_EV_PROVISIONAL);
	ASSERT_CLIENT(TXN_C_PROCEEDING, TXN_C_ACT_TELL, TXN_C_PROCEEDING,
		      TXN_C_EV_PROVISIONAL);
	for (size_t i = 0; i < COUNT_OF(open); i++) {
		ASSERT_CLIENT(open[i], TXN_C_ACT_TELL, TXN_C_ACCEPTED,
			      TXN_C_EV_OK);
		ASSERT_CLIENT(open[i], TXN_C_ACT_ACK_TELL, TXN_C_COMPLETED,
			      TXN_C_EV_REFUSED);
	}
	ASSERT_CLIENT(TXN_C_COMPLETED, TXN_C_ACT_ACK, TXN_C_COMPLETED,
		      TXN_C_EV_PROVISIONAL, TXN_C_EV_REFUSED);
	ASSERT_CLIENT(TXN_C_COMPLETED, TXN_C_ACT_TELL, TXN_C_COMPLETED,
		      TXN_C_EV_OK);
	ASSERT_CLIENT(TXN_C_ACCEPTED, TXN_C_ACT_TELL, TXN_C_ACCEPTED,
		      TXN_C_EV_OK, TXN_C_EV_PROVISIONAL, TXN_C_EV_REFUSED);
	for (unsigned at = TXN_C_TRYING; at <= TXN_C_PROGRESSING; at++) {
		ASSERT_CLIENT(at, TXN_C_ACT_TELL, TXN_C_PROGRESSING,
			      TXN_C_EV_PROVISIONAL);
		ASSERT_CLIENT(at, TXN_C_ACT_TELL, TXN_C_ANSWERED, TXN_C_EV_OK);
		ASSERT_CLIENT(at, TXN_C_ACT_TELL, TXN_C_ANSWERED,
			      TXN_C_EV_REFUSED);
	}
	assert_int_equal(CLIENT(TXN_C_ANSWERED, TXN_C_EV_OK), TXN_C_ANSWERED);
}


/* RFC 3261 9.1 */
static void a_cancel_waits_for_a_provisional(void **state)
{
	(void)state;

	ASSERT_CLIENT(TXN_C_CALLING, TXN_C_ACT_NONE, TXN_C_CANCEL_WAITS,
		      TXN_C_EV_CANCEL);
	ASSERT_CLIENT(TXN_C_CALLING, TXN_C_ACT_NONE, TXN_C_CANCEL_WAITS,
		      TXN_C_EV_FORGET);
	ASSERT_CLIENT(TXN_C_CANCEL_WAITS, TXN_C_ACT_AGAIN, TXN_C_CANCEL_WAITS,
		      TXN_C_EV_CANCEL, TXN_C_EV_RESEND);
	ASSERT_CLIENT(TXN_C_CANCEL_WAITS, TXN_C_ACT_CANCEL_TELL,
		      TXN_C_CANCELLING, TXN_C_EV_PROVISIONAL);
	ASSERT_CLIENT(TXN_C_PROCEEDING, TXN_C_ACT_CANCEL, TXN_C_CANCELLING,
		      TXN_C_EV_CANCEL, TXN_C_EV_CANCEL);
	ASSERT_CLIENT(TXN_C_PROCEEDING, TXN_C_ACT_CANCEL, TXN_C_CANCELLING,
		      TXN_C_EV_FORGET);
	ASSERT_CLIENT(TXN_C_CANCELLING, TXN_C_ACT_TELL, TXN_C_CANCELLING,
		      TXN_C_EV_PROVISIONAL);
	ASSERT_CLIENT(TXN_C_CANCELLING, TXN_C_ACT_GONE, TXN_C_LOST_CANCELLED,
		      TXN_C_EV_DEADLINE);
}


static void silence_is_told_as_what_it_was(void **state)
{
	(void)state;

	for (unsigned at = TXN_C_CALLING; at <= TXN_C_CANCEL_WAITS; at++) {
		ASSERT_CLIENT(at, TXN_C_ACT_AGAIN, at, TXN_C_EV_RESEND);
		ASSERT_CLIENT(at, TXN_C_ACT_TIMED_OUT, TXN_C_LOST,
			      TXN_C_EV_TIMEOUT);
		ASSERT_CLIENT(at, TXN_C_ACT_GONE, TXN_C_LOST,
			      TXN_C_EV_DEADLINE);
		ASSERT_CLIENT(at, TXN_C_ACT_FAILED, TXN_C_LOST, TXN_C_EV_FAIL);
	}
	ASSERT_CLIENT(TXN_C_TRYING, TXN_C_ACT_TIMED_OUT, TXN_C_ENDED,
		      TXN_C_EV_TIMEOUT);
	for (unsigned at = TXN_C_TRYING; at <= TXN_C_PROGRESSING; at++) {
		ASSERT_CLIENT(at, TXN_C_ACT_GONE, TXN_C_ENDED,
			      TXN_C_EV_DEADLINE);
		ASSERT_CLIENT(at, TXN_C_ACT_FAILED, TXN_C_ENDED,
			      TXN_C_EV_FAIL);
		ASSERT_CLIENT(at, TXN_C_ACT_AGAIN, at, TXN_C_EV_RESEND);
	}
}


static void who_answers_late_is_cancelled_acked_or_told(void **state)
{
	(void)state;

	ASSERT_CLIENT(TXN_C_LOST, TXN_C_ACT_CANCEL, TXN_C_LOST_CANCELLED,
		      TXN_C_EV_PROVISIONAL, TXN_C_EV_PROVISIONAL);
	for (unsigned at = TXN_C_LOST; at <= TXN_C_LOST_CANCELLED; at++) {
		ASSERT_CLIENT(at, TXN_C_ACT_TELL, TXN_C_ACCEPTED, TXN_C_EV_OK);
		ASSERT_CLIENT(at, TXN_C_ACT_ACK, TXN_C_COMPLETED,
			      TXN_C_EV_REFUSED);
		ASSERT_CLIENT(at, TXN_C_ACT_NONE, TXN_C_ENDED,
			      TXN_C_EV_DEADLINE);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_state_ends_by_time_alone_but_those_its_user_ends),
		cmocka_unit_test(what_has_ended_or_never_was_does_nothing),
		cmocka_unit_test(what_resends_has_something_to_resend),
		cmocka_unit_test(every_state_has_a_name_and_a_way_to_it),
		cmocka_unit_test(a_time_that_is_kept_was_begun),
		cmocka_unit_test(an_invite_is_the_users_until_its_final),
		cmocka_unit_test(an_answered_invite_waits_for_its_ack),
		cmocka_unit_test(a_copy_of_an_answered_invite_is_absorbed),
		cmocka_unit_test(
			an_ack_is_the_users_after_2xx_and_ours_after_a_refusal),
		cmocka_unit_test(a_cancel_matters_until_the_final),
		cmocka_unit_test(a_reliable_provisional_waits_for_its_prack),
		cmocka_unit_test(another_request_is_answered_once),
		cmocka_unit_test(a_response_that_cannot_arrive_is_told_once),
		cmocka_unit_test(a_final_comes_to_the_user_once_and_each_2xx),
		cmocka_unit_test(a_cancel_waits_for_a_provisional),
		cmocka_unit_test(silence_is_told_as_what_it_was),
		cmocka_unit_test(who_answers_late_is_cancelled_acked_or_told),
	};

	return T_MAIN_ONLY(tests);
}
