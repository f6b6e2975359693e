/**
 * @file test/unit/sipd/test_call_fsm.c  The table of a call
 *
 * A row that is taken out, added or changed fails here: each has its story.
 */
#include "shared/base/util.h"
#include "sipd/call_fsm.h"
#include "test/support/t.h"

struct story {
	const char *what;
	enum call_state state;
	enum call_event event;
	enum call_action action;
	enum call_state next;
};

/* clang-format off */
static const struct story stories[] = {
	{ "an INVITE that passed every check is asked for",                CALL_NONE,      EV_INVITE,      ACT_ASK,          CALL_ADMITTING },
	{ "one that did not is refused, with a record",                    CALL_NONE,      EV_DENIED,      ACT_REFUSE,       CALL_ENDED },
	{ "one that could not be asked for, too",                          CALL_NONE,      EV_ERROR,       ACT_REFUSE,       CALL_ENDED },

	{ "billing says yes: the first gateway",                           CALL_ADMITTING, EV_GRANTED,     ACT_NEXT,         CALL_ROUTING },
	{ "billing says no",                                               CALL_ADMITTING, EV_DENIED,      ACT_REFUSE,       CALL_ENDED },
	{ "the caller hangs up before billing has answered",               CALL_ADMITTING, EV_CANCEL,      ACT_CANCEL,       CALL_ENDED },
	{ "an operator ends it before billing has answered",               CALL_ADMITTING, EV_CUT,         ACT_REFUSE,       CALL_ENDED },
	{ "no memory for the question",                                    CALL_ADMITTING, EV_ERROR,       ACT_REFUSE,       CALL_ENDED },
	{ "billing does not answer for two seconds",                       CALL_ADMITTING, EV_DEADLINE,    ACT_REFUSE,       CALL_ENDED },

	{ "a gateway may be called",                                       CALL_ROUTING,   EV_CANDIDATE,   ACT_CALL,         CALL_CALLING },
	{ "there is no further gateway",                                   CALL_ROUTING,   EV_EXHAUSTED,   ACT_REFUSE,       CALL_ENDED },
	{ "CANCEL between two gateways",                                   CALL_ROUTING,   EV_CANCEL,      ACT_CANCEL,       CALL_ENDED },
	{ "an operator ends it between two gateways",                      CALL_ROUTING,   EV_CUT,         ACT_REFUSE,       CALL_ENDED },
	{ "the catalog is away",                                           CALL_ROUTING,   EV_ERROR,       ACT_REFUSE,       CALL_ENDED },
	{ "a name is looked up for ever",                                  CALL_ROUTING,   EV_DEADLINE,    ACT_REFUSE,       CALL_ENDED },

	{ "100: T2",                                                       CALL_CALLING,   EV_TRYING,      ACT_TRYING,       CALL_CALLING },
	{ "183 without SDP",                                               CALL_CALLING,   EV_PROGRESS,    ACT_PROGRESS,     CALL_RINGING },
	{ "183 with SDP",                                                  CALL_CALLING,   EV_EARLY_MEDIA, ACT_PROGRESS,     CALL_RINGING },
	{ "180",                                                           CALL_CALLING,   EV_ALERTING,    ACT_PROGRESS,     CALL_RINGING },
	{ "401, 422 or 302: once more to the same gateway",                CALL_CALLING,   EV_REPEAT,      ACT_REPEAT,       CALL_CALLING },
	{ "503, and there are others",                                     CALL_CALLING,   EV_FAILED_NEXT, ACT_SWITCH,       CALL_ROUTING },
	{ "486",                                                           CALL_CALLING,   EV_FAILED_END,  ACT_REFUSE,       CALL_ENDED },
	{ "200 without any 18x",                                           CALL_CALLING,   EV_ANSWER,      ACT_ANSWER,       CALL_ANSWERED },
	{ "CANCEL before any provisional",                                 CALL_CALLING,   EV_CANCEL,      ACT_CANCEL,       CALL_ENDED },
	{ "an operator ends it before it rings",                           CALL_CALLING,   EV_CUT,         ACT_REFUSE,       CALL_ENDED },
	{ "the INVITE could not be sent",                                  CALL_CALLING,   EV_ERROR,       ACT_REFUSE,       CALL_ENDED },
	{ "a timer of its own was lost before it rang",                    CALL_CALLING,   EV_DEADLINE,    ACT_REFUSE,       CALL_ENDED },

	{ "another 183 without SDP",                                       CALL_RINGING,   EV_PROGRESS,    ACT_PROGRESS,     CALL_RINGING },
	{ "183 with SDP behind 180",                                       CALL_RINGING,   EV_EARLY_MEDIA, ACT_PROGRESS,     CALL_RINGING },
	{ "180 behind 183",                                                CALL_RINGING,   EV_ALERTING,    ACT_PROGRESS,     CALL_RINGING },
	{ "407 behind 183",                                                CALL_RINGING,   EV_REPEAT,      ACT_REPEAT,       CALL_CALLING },
	{ "503 behind 180, and there are others",                          CALL_RINGING,   EV_FAILED_NEXT, ACT_SWITCH,       CALL_ROUTING },
	{ "nobody picks up",                                               CALL_RINGING,   EV_FAILED_END,  ACT_REFUSE,       CALL_ENDED },
	{ "200",                                                           CALL_RINGING,   EV_ANSWER,      ACT_ANSWER,       CALL_ANSWERED },
	{ "CANCEL while it rings",                                         CALL_RINGING,   EV_CANCEL,      ACT_CANCEL,       CALL_ENDED },
	{ "no PRACK came for a 180, or an operator ends it",               CALL_RINGING,   EV_CUT,         ACT_REFUSE,       CALL_ENDED },
	{ "the 180 could not be passed on",                                CALL_RINGING,   EV_ERROR,       ACT_REFUSE,       CALL_ENDED },
	{ "a timer of its own was lost while it rang",                     CALL_RINGING,   EV_DEADLINE,    ACT_REFUSE,       CALL_ENDED },

	{ "one side hangs up",                                             CALL_ANSWERED,  EV_BYE,         ACT_RELEASE,      CALL_ENDED },
	{ "CANCEL while the 200 waits for a PRACK",                        CALL_ANSWERED,  EV_CANCEL,      ACT_RELEASE,      CALL_ENDED },
	{ "a watchdog ends it",                                            CALL_ANSWERED,  EV_CUT,         ACT_RELEASE,      CALL_ENDED },
	{ "the ACK to the gateway could not be sent",                      CALL_ANSWERED,  EV_ERROR,       ACT_RELEASE,      CALL_ENDED },
	{ "a deadline that nobody set",                                    CALL_ANSWERED,  EV_DEADLINE,    ACT_RELEASE,      CALL_ENDED },

	{ "billing has the record on disk",                                CALL_ENDED,     EV_RECORDED,    ACT_FORGET,       CALL_NONE },
	{ "the record could not be offered",                               CALL_ENDED,     EV_ERROR,       ACT_RECORD_AGAIN, CALL_ENDED },
	{ "billing is away: offer it again",                               CALL_ENDED,     EV_DEADLINE,    ACT_RECORD_AGAIN, CALL_ENDED },
};
/* clang-format on */


static const struct story *story_of(size_t state, size_t event)
{
	for (size_t i = 0; i < COUNT_OF(stories); i++)
		if (stories[i].state == state && stories[i].event == event)
			return &stories[i];

	return NULL;
}


static void every_row_has_its_story_and_every_story_its_row(void **state)
{
	(void)state;
	for (size_t s = 0; s < CALL_STATEC; s++) {
		for (size_t e = 0; e < EV_EVENTC; e++) {
			const struct story *story = story_of(s, e);
			const struct call_row *row = &call_rows[s][e];

			if (row->action !=
				    (story ? story->action : ACT_NONE) ||
			    row->next != (story ? story->next : CALL_NONE))
				fail_msg("%s, %s: %s",
					 call_state_name((enum call_state)s),
					 call_event_name((enum call_event)e),
					 story ? story->what : "no story");
		}
	}
}


static void no_story_is_told_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(stories); i++)
		assert_ptr_equal(story_of(stories[i].state, stories[i].event),
				 &stories[i]);
}


/* What cannot be done, and what lasts too long, ends the call. In NONE nothing
 * waits: the first event is brought in where the call is made. */
static void a_call_that_lives_can_always_end(void **state)
{
	(void)state;
	for (size_t s = CALL_NONE + 1; s < CALL_STATEC; s++) {
		assert_int_equal(call_rows[s][EV_ERROR].next, CALL_ENDED);
		assert_int_equal(call_rows[s][EV_DEADLINE].next, CALL_ENDED);
		if (s != CALL_ENDED)
			assert_int_equal(call_rows[s][EV_CUT].next,
					 CALL_ENDED);
	}
	assert_int_equal(call_rows[CALL_NONE][EV_ERROR].next, CALL_ENDED);
	assert_int_equal(call_rows[CALL_NONE][EV_DEADLINE].action, ACT_NONE);
}


static void the_caller_may_give_up_at_any_time(void **state)
{
	(void)state;
	for (size_t s = CALL_ADMITTING; s < CALL_ENDED; s++)
		assert_int_equal(call_rows[s][EV_CANCEL].next, CALL_ENDED);
}


static void only_a_kept_record_frees_the_slot(void **state)
{
	(void)state;
	for (size_t s = 0; s < CALL_STATEC; s++)
		for (size_t e = 0; e < EV_EVENTC; e++)
			if (call_rows[s][e].action != ACT_NONE &&
			    call_rows[s][e].next == CALL_NONE)
				assert_true(s == CALL_ENDED &&
					    e == EV_RECORDED);
}


/* Once ended it stays so. */
static void nothing_revives_a_call(void **state)
{
	(void)state;
	for (size_t e = 0; e < EV_EVENTC; e++)
		assert_true(call_rows[CALL_ENDED][e].next == CALL_ENDED ||
			    call_rows[CALL_ENDED][e].next == CALL_NONE);
}


/* The clocks of an answered call end it; NONE lasts no time. */
static void every_other_state_has_a_deadline(void **state)
{
	(void)state;
	for (size_t s = 0; s < CALL_STATEC; s++)
		assert_int_equal(call_deadlines_ms[s] == 0,
				 s == CALL_NONE || s == CALL_ANSWERED);
	assert_int_equal(call_deadlines_ms[CALL_ADMITTING], 2000);
}


static void states_and_events_have_names_of_their_own(void **state)
{
	(void)state;
	for (size_t a = 0; a < CALL_STATEC; a++)
		for (size_t b = 0; b < a; b++)
			assert_string_not_equal(
				call_state_name((enum call_state)a),
				call_state_name((enum call_state)b));
	for (size_t a = 0; a < EV_EVENTC; a++)
		for (size_t b = 0; b < a; b++)
			assert_string_not_equal(
				call_event_name((enum call_event)a),
				call_event_name((enum call_event)b));
	assert_string_equal(call_state_name(CALL_STATEC), "unknown");
	assert_string_equal(call_event_name(EV_EVENTC), "unknown");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_row_has_its_story_and_every_story_its_row),
		cmocka_unit_test(no_story_is_told_twice),
		cmocka_unit_test(a_call_that_lives_can_always_end),
		cmocka_unit_test(the_caller_may_give_up_at_any_time),
		cmocka_unit_test(only_a_kept_record_frees_the_slot),
		cmocka_unit_test(nothing_revives_a_call),
		cmocka_unit_test(every_other_state_has_a_deadline),
		cmocka_unit_test(states_and_events_have_names_of_their_own),
	};

	return T_MAIN_ONLY(tests);
}
