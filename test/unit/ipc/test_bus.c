/**
 * @file test/unit/ipc/test_bus.c  Two daemons on one bus
 */
#include "test/unit/ipc/bus_env.h"

struct fixture {
	struct ev *ev;
	const char *dir;
	struct daemon sipd;
	struct daemon billingd;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	outcomes_are_gone = false;
	*state = &fx;
	fx.dir = bus_dir();
	if (!fx.dir || ev_alloc(&fx.ev) ||
	    billingd_open(&fx.billingd, fx.ev, fx.dir))
		return -1;

	return sipd_open(&fx.sipd, fx.ev, fx.dir);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	outcomes_are_gone = true;
	bus_free(fx->sipd.bus);
	bus_free(fx->billingd.bus);
	ev_free(fx->ev);

	return 0;
}


static void a_request_is_answered(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	uint64_t id = 0;

	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome, &id),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);

	assert_int_equal(outcome.err, 0);
	assert_int_equal(outcome.body, BUS_BODY(PONG));
	assert_int_equal(fx->billingd.requests, 1);
	assert_int_equal(fx->billingd.last.call, 77);
	assert_int_equal(fx->billingd.last.id, id);
	assert_int_equal(fx->billingd.last.peer, PEER_SIPD);
	assert_int_not_equal(fx->billingd.last.epoch, 0);
}


static void a_thousand_at_once_are_each_answered_once(void **state)
{
	static struct outcome outcomes[1000];
	struct fixture *fx = *state;

	memset(outcomes, 0, sizeof(outcomes));
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0,
				     &outcomes[i], NULL),
				 0);

	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
	turn_some(fx->ev);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		assert_int_equal(outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].err, 0);
	}
	assert_int_equal(fx->billingd.requests, COUNT_OF(outcomes));
}


static void the_one_linked_to_may_ask_back_over_the_link(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(ask(fx->billingd.bus, sipd0, 20000, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.body, BUS_BODY(PONG));
	assert_int_equal(fx->sipd.requests, 1);
}


static void a_notice_arrives_and_nothing_comes_back(void **state)
{
	struct fixture *fx = *state;
	uint64_t id = 5;

	/* Sent before the link is up: it waits. */
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, NULL, &id), 0);
	TURN_UNTIL(fx->ev, fx->billingd.requests == 1);
	assert_int_equal(id, 0);
	assert_int_equal(fx->billingd.last.id, 0);
	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last),
			 EINVAL);
}


static void a_handler_may_ask_again(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { .next = &fx->sipd };

	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 5);
	assert_int_equal(fx->billingd.requests, 5);
}


static void an_answer_may_come_long_after_the_handler(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	fx->billingd.keeps = true;
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, fx->billingd.requests == 1);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 0);

	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last), 0);
	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last),
			 EALREADY);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, 0);
}


static void repeats_of_one_in_work_do_not_reach_the_handler(void **state)
{
	const uint64_t before = metric_get(M_BUS_REPEATED, 0);
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	fx->billingd.keeps = true;
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 10, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_REPEATED, 0) >= before + 3);
	assert_int_equal(fx->billingd.requests, 1);

	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last), 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 1);
}


static void a_deadline_that_passes_ends_the_request(void **state)
{
	const uint64_t before = metric_get(M_BUS_TIMEOUT, 0);
	const uint64_t orphans = metric_get(M_BUS_ORPHAN, 0);
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	fx->billingd.keeps = true;
	assert_int_equal(ask(fx->sipd.bus, billingd0, 1500, 0, &outcome, NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, ETIMEDOUT);
	assert_int_equal(metric_get(M_BUS_TIMEOUT, 0), before + 1);

	/* An answer that comes after all finds nobody. */
	assert_int_equal(fx->billingd.requests, 1);
	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last), 0);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_ORPHAN, 0) == orphans + 1);
	assert_int_equal(outcome.calls, 1);
}


static void a_cancelled_request_is_not_heard_of_again(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 }, other = { 0 };
	uint64_t id = 0;

	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome, &id),
			 0);
	bus_cancel(fx->sipd.bus, id);
	bus_cancel(fx->sipd.bus, id);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &other, NULL),
			 0);
	TURN_UNTIL(fx->ev, other.calls == 1);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 0);
}


static void what_still_waits_when_the_bus_goes_is_told_so(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcomes[3] = { { 0 }, { .next = &fx->sipd }, { 0 } };

	fx->billingd.keeps = true;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 10,
				     &outcomes[i], NULL),
				 0);
	TURN_UNTIL(fx->ev, fx->billingd.requests == 3);

	fx->sipd.bus = bus_free(fx->sipd.bus);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		assert_int_equal(outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].err, ECANCELED);
	}
}


static void a_failing_handler_is_a_refusal_for_the_asker(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	fx->billingd.result = ENOMEM;
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(outcome.body, BUS_BODY(REFUSED));
	assert_int_equal(outcome.why, TANDEM__REFUSED_WHY__REFUSED_WHY_ERROR);
}


static void nobody_to_send_to_is_said_at_once(void **state)
{
	const struct peer_id strangers[] = { { PEER_MEDIAD, 0 },
					     { PEER_BILLINGD, 1 },
					     { PEER_NONE, 0 } };
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	for (size_t i = 0; i < COUNT_OF(strangers); i++)
		assert_int_equal(ask(fx->sipd.bus, strangers[i], 1000, 0,
				     &outcome, NULL),
				 EHOSTUNREACH);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 0, 0, &outcome, NULL),
			 EINVAL);
	turn_some(fx->ev);
	assert_int_equal(outcome.calls, 0);
}


static void a_message_too_large_is_not_sent(void **state)
{
	static uint8_t large[BUS_BYTES_MAX];
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };
	const struct bus_request req = { .to = billingd0,
					 .deadline_ms = 20000,
					 .h = on_reply,
					 .arg = &outcome };
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Ping ping = TANDEM__PING__INIT;

	env.body_case = BUS_BODY(PING);
	env.ping = &ping;
	ping.payload.data = large;
	ping.payload.len = sizeof(large);
	assert_int_equal(bus_send(fx->sipd.bus, &req, &env, NULL), EMSGSIZE);

	/* Nearly as large goes there and back: the bus answers pings. */
	ping.payload.len = sizeof(large) - 128;
	assert_int_equal(bus_send(fx->sipd.bus, &req, &env, NULL), 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.body, BUS_BODY(PONG));
}


static void pings_say_who_is_up_and_how_far(void **state)
{
	struct fixture *fx = *state;
	struct bus_peer_status rows[2];

	assert_int_equal(bus_status(fx->sipd.bus, rows, COUNT_OF(rows)), 1);
	assert_int_equal(rows[0].up, 0);
	assert_int_equal(rows[0].rtt_us, -1);
	assert_true(peer_id_equal(rows[0].id, billingd0));

	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(bus_status(fx->sipd.bus, rows, COUNT_OF(rows)), 1);
	assert_true(rows[0].rtt_us >= 0);
	assert_int_equal(bus_status(fx->sipd.bus, rows, 0), 0);
	assert_int_equal(bus_status(fx->billingd.bus, rows, COUNT_OF(rows)),
			 0);
}


static void status_counts_what_waits(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcomes[4] = { { 0 } };
	struct bus_peer_status row;

	fx->billingd.keeps = true;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0,
				     &outcomes[i], NULL),
				 0);
	assert_int_equal(bus_status(fx->sipd.bus, &row, 1), 1);
	assert_int_equal(row.pending, 4);

	TURN_UNTIL(fx->ev, fx->billingd.requests == 4);
	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last), 0);
	TURN_UNTIL(fx->ev,
		   bus_status(fx->sipd.bus, &row, 1) && row.pending == 3);
}


static void a_peer_that_is_away_is_waited_for(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcomes[3] = { { 0 } };

	fx->billingd.bus = bus_free(fx->billingd.bus);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0,
				     &outcomes[i], NULL),
				 0);
	turn_some(fx->ev);

	assert_int_equal(billingd_open(&fx->billingd, fx->ev, fx->dir), 0);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
	assert_int_equal(outcomes[0].err, 0);

	/* Each was sent once: they did not pile up while it was away. */
	assert_int_equal(fx->billingd.requests, 3);
}


static void waiting_for_one_that_stays_away_ends_too(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	fx->billingd.bus = bus_free(fx->billingd.bus);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50, 10, &outcome, NULL),
			 0);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50, 0, NULL, NULL), 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, ETIMEDOUT);
}


static void a_link_taken_away_gives_up_what_waits_on_it(void **state)
{
	const struct bus_link both[] = { { billingd0 },
					 { { PEER_BILLINGD, 1 } } };
	struct fixture *fx = *state;
	struct outcome gone = { 0 }, stays = { 0 };

	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	assert_int_equal(bus_links_set(fx->sipd.bus, both, 2), 0);
	fx->billingd.keeps = true;
	assert_int_equal(ask(fx->sipd.bus, both[1].id, 20000, 0, &gone, NULL),
			 0);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &stays, NULL),
			 0);

	assert_int_equal(bus_links_set(fx->sipd.bus, both, 1), 0);
	assert_int_equal(gone.calls, 1);
	assert_int_equal(gone.err, EHOSTUNREACH);

	/* The link that stays has lost neither its state nor its request. */
	assert_true(is_up(fx->sipd.bus));
	TURN_UNTIL(fx->ev, fx->billingd.requests == 1);
	assert_int_equal(reply_pong(fx->billingd.bus, &fx->billingd.last), 0);
	TURN_UNTIL(fx->ev, stays.calls == 1);
	assert_int_equal(ask(fx->sipd.bus, both[1].id, 1000, 0, &gone, NULL),
			 EHOSTUNREACH);
}


static void links_that_make_no_sense_change_nothing(void **state)
{
	const struct bus_link twice[] = { { billingd0 }, { billingd0 } };
	const struct bus_link self = { sipd0 };
	struct fixture *fx = *state;
	struct outcome outcome = { 0 };

	assert_int_equal(bus_links_set(fx->sipd.bus, twice, 2), EINVAL);
	assert_int_equal(bus_links_set(fx->sipd.bus, &self, 1), EINVAL);

	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 0, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
}


static void the_socket_is_for_owner_and_group(void **state)
{
	struct fixture *fx = *state;
	struct stat st;
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/sipd.0/bus", fx->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}


static void a_directory_too_deep_is_said_so(void **state)
{
	struct fixture *fx = *state;
	struct daemon daemon = { 0 };
	char dir[200];

	memset(dir, 'x', sizeof(dir));
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(billingd_open(&daemon, fx->ev, dir), ENAMETOOLONG);
	assert_int_equal(billingd_open(&daemon, fx->ev, "/none/at/all"),
			 ENOENT);
	assert_null(daemon.bus);
}


/* More wait than fit: the next one is refused, none is lost. */
static void too_many_waiting_requests_are_refused(void **state)
{
	static struct outcome outcomes[BUS_QUEUE_MAX];
	struct fixture *fx = *state;
	const uint64_t before = metric_get(M_BUS_QUEUE_FULL, 0);
	struct outcome extra = { 0 };

	/* Until the loop has noticed, one or two still go out. */
	memset(outcomes, 0, sizeof(outcomes));
	TURN_UNTIL(fx->ev, is_up(fx->sipd.bus));
	fx->billingd.bus = bus_free(fx->billingd.bus);
	TURN_UNTIL(fx->ev, !is_up(fx->sipd.bus));
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 0,
				     &outcomes[i], NULL),
				 0);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 50000, 0, &extra, NULL),
			 ENOBUFS);
	assert_int_equal(metric_get(M_BUS_QUEUE_FULL, 0), before + 1);

	assert_int_equal(billingd_open(&fx->billingd, fx->ev, fx->dir), 0);
	TURN_UNTIL(fx->ev, fx->billingd.requests == BUS_QUEUE_MAX);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
	assert_int_equal(extra.calls, 0);
}


static int a_request_and_its_answer(void)
{
	struct fixture *fx;
	struct outcome outcome = { 0 };
	const int64_t end = t_now_ms() + 20000;
	void *state = NULL;
	int err;

	err = setup(&state) ? ENOMEM : 0;
	fx = state;
	if (!err)
		err = ask(fx->sipd.bus, billingd0, 20000, 20, &outcome, NULL);
	while (!err && outcome.calls == 0 && t_now_ms() < end)
		ev_turn(fx->ev);
	if (!err)
		err = outcome.calls == 1 ? outcome.err : ETIMEDOUT;

	teardown(&state);

	return err;
}


static void what_is_lost_on_purpose_is_sent_again(void **state)
{
	struct fixture *fx = *state;
	const uint64_t before = metric_get(M_BUS_LOST, 0);
	struct outcome outcome = { 0 };

	bus_loss_set(fx->billingd.bus, 100);
	assert_int_equal(ask(fx->sipd.bus, billingd0, 20000, 20, &outcome,
			     NULL),
			 0);
	TURN_UNTIL(fx->ev, metric_get(M_BUS_LOST, 0) >= before + 2);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(fx->billingd.requests, 0);

	bus_loss_set(fx->billingd.bus, 0);
	TURN_UNTIL(fx->ev, outcome.calls == 1);
	assert_int_equal(outcome.err, 0);
	assert_int_equal(fx->billingd.requests, 1);
}


static void half_of_them_come(void **state)
{
	struct fixture *fx = *state;
	struct outcome outcomes[64] = { { 0 } };
	const uint64_t before = metric_get(M_BUS_LOST, 0);
	size_t lost = 0, got = 0;

	bus_loss_set(fx->sipd.bus, 50);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		assert_int_equal(ask(fx->sipd.bus, billingd0, 300, 0,
				     &outcomes[i], NULL),
				 0);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
		TURN_UNTIL(fx->ev, outcomes[i].calls == 1);
		lost += outcomes[i].err == ETIMEDOUT;
		got += outcomes[i].err == 0;
	}

	assert_int_equal(lost + got, COUNT_OF(outcomes));
	assert_in_range(got, 1, COUNT_OF(outcomes) - 1);
	assert_true(metric_get(M_BUS_LOST, 0) >= before + lost);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_request_is_answered),
		T(a_thousand_at_once_are_each_answered_once),
		T(the_one_linked_to_may_ask_back_over_the_link),
		T(a_notice_arrives_and_nothing_comes_back),
		T(a_handler_may_ask_again),
		T(an_answer_may_come_long_after_the_handler),
		T(repeats_of_one_in_work_do_not_reach_the_handler),
		T(a_deadline_that_passes_ends_the_request),
		T(a_cancelled_request_is_not_heard_of_again),
		T(what_still_waits_when_the_bus_goes_is_told_so),
		T(a_failing_handler_is_a_refusal_for_the_asker),
		T(nobody_to_send_to_is_said_at_once),
		T(a_message_too_large_is_not_sent),
		T(pings_say_who_is_up_and_how_far),
		T(status_counts_what_waits),
		T(a_peer_that_is_away_is_waited_for),
		T(waiting_for_one_that_stays_away_ends_too),
		T(a_link_taken_away_gives_up_what_waits_on_it),
		T(links_that_make_no_sense_change_nothing),
		T(the_socket_is_for_owner_and_group),
		T(a_directory_too_deep_is_said_so),
		T(too_many_waiting_requests_are_refused),
		T(what_is_lost_on_purpose_is_sent_again),
		T(half_of_them_come),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_request_and_its_answer),
	};

	if (metric_setup(NULL, 0))
		return 1;

	return T_MAIN(tests, scenarios);
}
