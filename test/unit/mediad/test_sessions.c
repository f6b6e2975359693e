/**
 * @file test/unit/mediad/test_sessions.c  Asked, asked again, and adopted
 */
#include <unistd.h>

#include "shared/shm/slot.h"
#include "test/support/t.h"
#include "test/unit/mediad/rig.h"

enum {
	PAIRS = 6,
	CALL = 77,
};


static struct session *reserve(struct rig *rig, uint64_t call, uint32_t number,
			       bool wants_a, int64_t now_us)
{
	const struct sessions_ask ask = { .session = call,
					  .number = number,
					  .lines = 1,
					  .wants_a = wants_a };
	struct session *s = NULL;

	return sessions_reserve(rig->sessions, &ask, &s, now_us) == 0 ? s
								      : NULL;
}


static void asked_again_it_answers_the_same(void **state)
{
	struct rig rig;
	struct session *s;
	uint16_t a, b;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	assert_non_null(s);
	a = s->i.sides[0].lines[0].port;
	b = s->i.sides[1].lines[0].port;
	assert_int_not_equal(a, b);
	assert_int_equal(a % 2, 0);
	assert_ptr_equal(reserve(&rig, CALL, 1, true, RIG_NOW), s);
	assert_int_equal(s->i.sides[0].lines[0].port, a);
	assert_int_equal(s->i.sides[1].lines[0].port, b);
	assert_int_equal(ports_left(rig.ports), PAIRS - 2);
	rig_close(&rig);
}


static void when_ports_run_out_nothing_stays_allocated(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, 3, NULL, RIG_NOW), 0);
	assert_non_null(reserve(&rig, CALL, 1, true, RIG_NOW));
	assert_null(reserve(&rig, CALL + 1, 1, true, RIG_NOW));
	assert_null(sessions_find(rig.sessions, CALL + 1));
	assert_int_equal(ports_left(rig.ports), 1);
	assert_int_equal(sessions_count(rig.sessions), 1);
	rig_close(&rig);
}


static void a_third_attempt_takes_the_place_of_the_oldest(void **state)
{
	const struct session_point point = rig_point("192.0.2.2:4000");
	struct rig rig;
	struct session *s;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	assert_non_null(reserve(&rig, CALL, 2, false, RIG_NOW));
	assert_int_equal(sessions_point(rig.sessions, CALL, 2, 0, &point,
					RIG_NOW),
			 0);
	assert_non_null(reserve(&rig, CALL, 3, false, RIG_NOW));
	assert_int_equal(session_side(s, 1), -1);
	assert_int_equal(session_side(s, 2), s->i.active);
	assert_int_equal(ports_left(rig.ports), PAIRS - 3);
	rig_close(&rig);
}


static void released_ports_rest_also_across_a_restart(void **state)
{
	struct rig rig;
	struct session *s;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, 2, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	assert_non_null(s);
	sessions_release(rig.sessions, s, RIG_NOW);
	assert_int_equal(sessions_count(rig.sessions), 0);
	assert_null(reserve(&rig, CALL + 1, 1, true, RIG_NOW + 1999999));

	rig_stop(&rig);
	assert_int_equal(rig_start(&rig, 2, NULL, RIG_NOW + 1000000), 0);
	assert_null(reserve(&rig, CALL + 1, 1, true, RIG_NOW + 1999999));
	assert_non_null(reserve(&rig, CALL + 1, 1, true, RIG_NOW + 2000000));
	rig_close(&rig);
}


static void a_successor_goes_on_where_it_was(void **state)
{
	const struct session_point point = rig_point("192.0.2.2:4000");
	struct media_session before;
	struct rig rig;
	struct session *s;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	assert_int_equal(sessions_point(rig.sessions, CALL, 1, 0, &point,
					RIG_NOW),
			 0);
	s->flows[1].packets = 4711;
	sessions_count_flow(rig.sessions, s, 1);
	before = s->i;

	rig_stop(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = sessions_find(rig.sessions, CALL);
	assert_non_null(s);
	assert_memory_equal(&s->i, &before, sizeof(before));
	assert_int_equal(s->flows[1].packets, 4711);
	assert_int_equal(s->flows[0].packets, 0);
	assert_int_equal(s->to[1][0][SESSION_RTP].port, 4000);
	assert_int_equal(ports_left(rig.ports), PAIRS - 2);
	rig_close(&rig);
}


static void a_new_tenant_inherits_no_counters(void **state)
{
	struct rig rig;
	struct session *s;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	for (unsigned i = 0; i < 2 * RIG_SLOTS; i++) {
		s = reserve(&rig, CALL + i, 1, true,
			    RIG_NOW + i * (int64_t)3000000);
		assert_non_null(s);
		assert_int_equal(s->flows[0].packets, 0);
		s->flows[0].packets = 5;
		sessions_count_flow(rig.sessions, s, 0);
		sessions_release(rig.sessions, s,
				 RIG_NOW + i * (int64_t)3000000);
	}
	assert_non_null(reserve(&rig, CALL, 1, false, RIG_NOW * 2));
	rig_stop(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW * 2), 0);
	s = sessions_find(rig.sessions, CALL);
	assert_non_null(s);
	assert_int_equal(s->flows[0].packets, 0);
	assert_int_equal(s->flows[1].packets, 0);
	rig_close(&rig);
}


static void an_image_that_makes_no_sense_is_set_aside(void **state)
{
	struct rig rig;
	struct session *s;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	assert_null(media_slot_fault(&s->i));
	s->i.sides[1].lines[0].port = 4711;
	sessions_publish(rig.sessions, s);
	rig_stop(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	assert_null(sessions_find(rig.sessions, CALL));
	assert_int_equal(sessions_quarantined(rig.sessions), 1);
	assert_int_equal(ports_left(rig.ports), PAIRS);
	rig_close(&rig);
}


static void two_sessions_with_one_port_are_not_both_believed(void **state)
{
	struct rig rig;
	struct session *s, *other;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	s = reserve(&rig, CALL, 1, true, RIG_NOW);
	other = reserve(&rig, CALL + 1, 1, true, RIG_NOW);
	other->i.sides[1].lines[0].port = s->i.sides[1].lines[0].port;
	sessions_publish(rig.sessions, other);
	rig_stop(&rig);
	assert_int_equal(rig_start(&rig, PAIRS, NULL, RIG_NOW), 0);
	assert_int_equal(sessions_count(rig.sessions), 1);
	assert_int_equal(sessions_quarantined(rig.sessions), 1);
	rig_close(&rig);
}


/* There is a third pair now, and another range is for new sessions. */
static void another_range(struct rig *rig, uint16_t first, uint16_t last)
{
	struct port_socket sockets[6];
	const struct ports_args args = { .sockets = sockets,
					 .socketc = COUNT_OF(sockets),
					 .first = first,
					 .last = last,
					 .rests = &rig->rests.segment };

	for (unsigned i = 0; i < COUNT_OF(sockets); i++)
		sockets[i] = (struct port_socket){ 1000,
						   (uint16_t)(RIG_PORT + i) };
	assert_int_equal(ports_reload(rig->ports, &args, RIG_NOW), 0);
}


static void a_range_that_goes_stays_with_its_sessions(void **state)
{
	struct svc_ports runs[4];
	struct rig rig;
	uint16_t port;
	(void)state;

	rig_open(&rig);
	assert_int_equal(rig_start(&rig, 2, NULL, RIG_NOW), 0);
	port = reserve(&rig, CALL, 1, true, RIG_NOW)->i.sides[0].lines[0].port;
	assert_int_equal(ports_unused(rig.ports, runs, 4), 0);

	/* All three pairs are outside; two have a session's sides. */
	another_range(&rig, 40000, 40009);
	assert_int_equal(ports_left(rig.ports), 0);
	assert_true(ports_pair(rig.ports, port)->is_retired);
	assert_int_equal(ports_pair(rig.ports, port)->session, 0);
	assert_int_equal(ports_unused(rig.ports, runs, 4), 1);
	assert_int_equal(runs[0].first, RIG_PORT + 4);
	assert_int_equal(runs[0].count, 2);

	sessions_release(rig.sessions, sessions_find(rig.sessions, CALL),
			 RIG_NOW);
	assert_int_equal(ports_left(rig.ports), 0);
	assert_int_equal(ports_unused(rig.ports, runs, 4), 1);
	assert_int_equal(runs[0].first, RIG_PORT);
	assert_int_equal(runs[0].count, 6);
	rig_close(&rig);
}


static void a_range_that_comes_back_is_used_again(void **state)
{
	struct svc_ports runs[4];
	struct rig rig;
	(void)state;

	rig_open(&rig);
	assert_int_equal(rig_start(&rig, 2, NULL, RIG_NOW), 0);
	assert_non_null(reserve(&rig, CALL, 1, true, RIG_NOW));
	another_range(&rig, 40000, 40009);
	another_range(&rig, RIG_PORT, RIG_PORT + 5);
	assert_int_equal(ports_unused(rig.ports, runs, 4), 0);
	assert_int_equal(ports_left(rig.ports), 1);
	sessions_release(rig.sessions, sessions_find(rig.sessions, CALL),
			 RIG_NOW);
	assert_int_equal(ports_left(rig.ports), 3);
	rig_close(&rig);
}


static int sessions_are_made_and_adopted(void)
{
	const struct sessions_ask ask = {
		.session = CALL, .number = 1, .lines = 2, .wants_a = true
	};
	struct session *s;
	struct rig rig;
	int err;

	rig_open(&rig);
	err = rig_start(&rig, PAIRS, NULL, RIG_NOW);
	if (!err)
		err = sessions_reserve(rig.sessions, &ask, &s, RIG_NOW);
	rig_stop(&rig);
	if (!err)
		err = rig_start(&rig, PAIRS, NULL, RIG_NOW);
	rig_close(&rig);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_again_it_answers_the_same),
		cmocka_unit_test(when_ports_run_out_nothing_stays_allocated),
		cmocka_unit_test(
			a_third_attempt_takes_the_place_of_the_oldest),
		cmocka_unit_test(released_ports_rest_also_across_a_restart),
		cmocka_unit_test(a_successor_goes_on_where_it_was),
		cmocka_unit_test(a_new_tenant_inherits_no_counters),
		cmocka_unit_test(an_image_that_makes_no_sense_is_set_aside),
		cmocka_unit_test(
			two_sessions_with_one_port_are_not_both_believed),
		cmocka_unit_test(a_range_that_goes_stays_with_its_sessions),
		cmocka_unit_test(a_range_that_comes_back_is_used_again),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(sessions_are_made_and_adopted),
	};

	return T_MAIN(tests, scenarios);
}
