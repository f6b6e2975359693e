/**
 * @file test/unit/ipc/test_bus_dispatch.c  The door of the bus
 */
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"
#include "test/support/t.h"

enum {
	NOW_US = 1000000,
	TAG = 5
};

static const struct peer_id sipd = { PEER_SIPD, 2 };

/** What the handler saw */
struct seen {
	uint32_t calls;
	int tag;
	uint64_t call;
	int result;
};


static int on_message(void *state, const Tandem__Envelope *env, int tag)
{
	struct seen *seen = state;

	seen->calls++;
	seen->tag = tag;
	seen->call = env->hdr->call;

	return seen->result;
}


static const struct bus_route routes[] = {
	[BUS_BODY(PONG)] = { PEER_SIPD, on_message, TAG },
	[BUS_BODY(REFUSED)] = { PEER_BILLINGD, on_message, 0 },
};


/** An envelope with all it needs: a test takes away or spoils one thing */
struct message {
	Tandem__Envelope env;
	Tandem__Header hdr;
	Tandem__Pong pong;
	Tandem__Ping ping;
	Tandem__Refused refused;
	uint8_t data[2048];
	size_t len;
};


static void message_init(struct message *msg)
{
	tandem__envelope__init(&msg->env);
	tandem__header__init(&msg->hdr);
	tandem__pong__init(&msg->pong);
	tandem__ping__init(&msg->ping);
	tandem__refused__init(&msg->refused);
	msg->hdr.peer = sipd.peer;
	msg->hdr.worker = sipd.worker;
	msg->hdr.call = 7;
	msg->hdr.id = 99;
	msg->env.hdr = &msg->hdr;
	msg->env.body_case = BUS_BODY(PONG);
	msg->env.pong = &msg->pong;
}


static enum bus_refusal dispatch(struct message *msg, struct seen *seen)
{
	msg->len = tandem__envelope__pack(&msg->env, msg->data);

	return bus_dispatch(routes, COUNT_OF(routes), seen, sipd, NOW_US,
			    msg->data, msg->len);
}


/* Refused, counted under its reason alone, and no handler was called. */
static void refused_as(struct message *msg, enum bus_refusal why)
{
	struct seen seen = { 0 };
	uint64_t before[BUS_REFUSALC];

	for (size_t i = 0; i < BUS_REFUSALC; i++)
		before[i] = metric_get(M_BUS_REFUSED, i);

	assert_int_equal(dispatch(msg, &seen), why);
	assert_int_equal(seen.calls, 0);

	for (size_t i = 0; i < BUS_REFUSALC; i++)
		assert_int_equal(metric_get(M_BUS_REFUSED, i),
				 before[i] + (i == (size_t)why));
}


static void a_message_with_a_row_reaches_its_handler(void **state)
{
	struct message msg;
	struct seen seen = { 0 };
	(void)state;

	message_init(&msg);
	assert_int_equal(dispatch(&msg, &seen), BUS_OK);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.tag, TAG);
	assert_int_equal(seen.call, 7);
}


static void no_header_is_refused(void **state)
{
	struct message msg;
	(void)state;

	message_init(&msg);
	msg.env.hdr = NULL;
	refused_as(&msg, BUS_NO_HEADER);
}


static void no_body_is_refused(void **state)
{
	struct message msg;
	(void)state;

	message_init(&msg);
	msg.env.body_case = TANDEM__ENVELOPE__BODY__NOT_SET;
	refused_as(&msg, BUS_NO_BODY);
}


/* What a newer release may send: a body with a number we do not know. */
static void an_unknown_body_has_no_row(void **state)
{
	struct message msg;
	struct seen seen = { 0 };
	(void)state;

	message_init(&msg);
	msg.env.body_case = TANDEM__ENVELOPE__BODY__NOT_SET;
	msg.len = tandem__envelope__pack(&msg.env, msg.data);
	memcpy(msg.data + msg.len, "\xea\x03\x00", 3); /* field 61, empty */

	assert_int_equal(bus_dispatch(routes, COUNT_OF(routes), &seen, sipd,
				      NOW_US, msg.data, msg.len + 3),
			 BUS_NO_ROUTE);
	assert_int_equal(seen.calls, 0);
}


static void a_body_without_a_row_is_refused(void **state)
{
	struct message msg;
	(void)state;

	message_init(&msg);
	msg.env.body_case = BUS_BODY(PING);
	msg.env.ping = &msg.ping;
	refused_as(&msg, BUS_NO_ROUTE);
}


static void a_body_beyond_the_table_is_refused(void **state)
{
	struct message msg;
	struct seen seen = { 0 };
	(void)state;

	message_init(&msg);
	msg.len = tandem__envelope__pack(&msg.env, msg.data);
	assert_int_equal(bus_dispatch(routes, BUS_BODY(PONG), &seen, sipd,
				      NOW_US, msg.data, msg.len),
			 BUS_NO_ROUTE);
	assert_int_equal(bus_dispatch(NULL, 0, &seen, sipd, NOW_US, msg.data,
				      msg.len),
			 BUS_NO_ROUTE);
	assert_int_equal(seen.calls, 0);
}


static void a_peer_may_send_only_what_its_row_says(void **state)
{
	struct message msg;
	(void)state;

	message_init(&msg);
	msg.env.body_case = BUS_BODY(REFUSED);
	msg.env.refused = &msg.refused;
	refused_as(&msg, BUS_WRONG_SENDER);
}


static void a_header_that_names_somebody_else_is_refused(void **state)
{
	struct message msg;
	(void)state;

	message_init(&msg);
	msg.hdr.peer = PEER_BILLINGD;
	refused_as(&msg, BUS_WRONG_SENDER);

	message_init(&msg);
	msg.hdr.worker = 3;
	refused_as(&msg, BUS_WRONG_SENDER);

	/* Not the same after a cut to 16 bits. */
	message_init(&msg);
	msg.hdr.worker = 0x10000 + sipd.worker;
	refused_as(&msg, BUS_WRONG_SENDER);
}


static void a_message_past_its_deadline_is_dropped(void **state)
{
	struct message msg;
	struct seen seen = { 0 };
	(void)state;

	message_init(&msg);
	msg.hdr.deadline_us = NOW_US;
	refused_as(&msg, BUS_TOO_LATE);
	msg.hdr.deadline_us = -1;
	refused_as(&msg, BUS_TOO_LATE);

	msg.hdr.deadline_us = NOW_US + 1;
	assert_int_equal(dispatch(&msg, &seen), BUS_OK);
	msg.hdr.deadline_us = 0; /* none */
	assert_int_equal(dispatch(&msg, &seen), BUS_OK);
	assert_int_equal(seen.calls, 2);
}


static void too_many_bytes_are_refused_before_they_are_read(void **state)
{
	struct seen seen = { 0 };
	(void)state;

	/* No such bytes are there: a sanitizer would see one be read. */
	assert_int_equal(bus_dispatch(routes, COUNT_OF(routes), &seen, sipd,
				      NOW_US, NULL, BUS_BYTES_MAX + 1),
			 BUS_TOO_LARGE);
}


static void bytes_that_are_no_message_are_refused(void **state)
{
	struct seen seen = { 0 };
	(void)state;

	assert_int_equal(bus_dispatch(routes, COUNT_OF(routes), &seen, sipd,
				      NOW_US, (const uint8_t *)"\x0a\xff", 2),
			 BUS_MALFORMED);
	assert_int_equal(seen.calls, 0);
}


/* Two bytes each make an element of the unknown: megabytes if unbounded. */
static void a_message_cannot_be_blown_up_in_memory(void **state)
{
	uint8_t *data = malloc(BUS_BYTES_MAX);
	struct seen seen = { 0 };
	(void)state;

	assert_non_null(data);
	for (size_t i = 0; i + 1 < BUS_BYTES_MAX; i += 2) {
		data[i] = 0x70; /* field 14, varint */
		data[i + 1] = 1;
	}

	assert_int_equal(bus_dispatch(routes, COUNT_OF(routes), &seen, sipd,
				      NOW_US, data, BUS_BYTES_MAX),
			 BUS_MALFORMED);
	free(data);
}


static void the_largest_message_is_taken(void **state)
{
	const size_t payload = BUS_BYTES_MAX - 64;
	struct message msg;
	struct seen seen = { 0 };
	uint8_t *data = malloc(BUS_BYTES_MAX);
	size_t len;
	(void)state;

	assert_non_null(data);
	message_init(&msg);
	msg.pong.payload.data = calloc(1, payload);
	msg.pong.payload.len = payload;
	len = tandem__envelope__pack(&msg.env, data);
	assert_true(len <= BUS_BYTES_MAX);

	assert_int_equal(bus_dispatch(routes, COUNT_OF(routes), &seen, sipd,
				      NOW_US, data, len),
			 BUS_OK);
	assert_int_equal(seen.calls, 1);

	free(msg.pong.payload.data);
	free(data);
}


static void a_handler_that_fails_is_counted(void **state)
{
	const uint64_t before = metric_get(M_BUS_REFUSED, BUS_HANDLER);
	struct message msg;
	struct seen seen = { .result = ENOMEM };
	(void)state;

	message_init(&msg);
	assert_int_equal(dispatch(&msg, &seen), BUS_HANDLER);
	assert_int_equal(metric_get(M_BUS_REFUSED, BUS_HANDLER), before + 1);
}


static void a_body_has_a_name_for_the_trace(void **state)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	(void)state;

	assert_string_equal(envelope_body_name(&env), "none");
	env.body_case = BUS_BODY(PING);
	assert_string_equal(envelope_body_name(&env), "ping");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_with_a_row_reaches_its_handler),
		cmocka_unit_test(no_header_is_refused),
		cmocka_unit_test(no_body_is_refused),
		cmocka_unit_test(an_unknown_body_has_no_row),
		cmocka_unit_test(a_body_without_a_row_is_refused),
		cmocka_unit_test(a_body_beyond_the_table_is_refused),
		cmocka_unit_test(a_peer_may_send_only_what_its_row_says),
		cmocka_unit_test(a_header_that_names_somebody_else_is_refused),
		cmocka_unit_test(a_message_past_its_deadline_is_dropped),
		cmocka_unit_test(
			too_many_bytes_are_refused_before_they_are_read),
		cmocka_unit_test(bytes_that_are_no_message_are_refused),
		cmocka_unit_test(a_message_cannot_be_blown_up_in_memory),
		cmocka_unit_test(the_largest_message_is_taken),
		cmocka_unit_test(a_handler_that_fails_is_counted),
		cmocka_unit_test(a_body_has_a_name_for_the_trace),
	};

	if (metric_setup(NULL, 0))
		return 1;

	return T_MAIN_ONLY(tests);
}
