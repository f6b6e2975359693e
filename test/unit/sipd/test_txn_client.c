/**
 * @file test/unit/sipd/test_txn_client.c  Client transactions: every copy and
 * every word, to the millisecond
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/metrics.h"
#include "test/support/t.h"
#include "test/unit/sipd/txn_rig.h"

#define BRANCH "z9hG4bKm1abc"

static const char invite[] = "INVITE sip:441@192.0.2.1 SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=" BRANCH
			     ";rport\r\n"
			     "Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
			     "Max-Forwards: 66\r\n"
			     "From: <sip:1@a>;tag=ours\r\n"
			     "To: <sip:441@192.0.2.1>\r\n"
			     "Call-ID: c1\r\n"
			     "CSeq: 7 INVITE\r\n"
			     "Contact: <sip:1@192.0.2.9>\r\n"
			     "Content-Type: application/sdp\r\n"
			     "Content-Length: 4\r\n"
			     "\r\n"
			     "v=0\n";

static const char options[] = "OPTIONS sip:192.0.2.1 SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=" BRANCH
			      ";rport\r\n"
			      "Max-Forwards: 70\r\n"
			      "From: <sip:1@a>;tag=ours\r\n"
			      "To: <sip:192.0.2.1>\r\n"
			      "Call-ID: c2\r\n"
			      "CSeq: 3 OPTIONS\r\n"
			      "Content-Length: 0\r\n"
			      "\r\n";


static txn_id start(struct rig *rig, enum method method,
		    const struct txn_resend *resend, uint32_t timeout_ms,
		    enum transport transport)
{
	const struct txn_send send = {
		.method = method,
		.branch = BRANCH,
		.request = text_of(method == METHOD_INVITE ? invite : options),
		.to = rig_flow("192.0.2.1:5060", transport),
		.resend = resend,
		.timeout_ms = timeout_ms,
		.h = rig_on_response,
		.arg = rig,
	};
	txn_id id = 0;

	assert_int_equal(txn_send(rig->txns, &send, &id), 0);
	assert_int_not_equal(id, 0);

	return id;
}


static void respond(struct rig *rig, unsigned code, const char *tag,
		    const char *cseq)
{
	const struct flow from = rig_flow("192.0.2.1:5060", TRANSPORT_UDP);

	rig_receivef(rig, &from,
		     "SIP/2.0 %u x\r\n"
		     "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=" BRANCH "\r\n"
		     "From: <sip:1@a>;tag=ours\r\n"
		     "To: <sip:441@192.0.2.1>;tag=%s\r\n"
		     "Call-ID: c1\r\n"
		     "CSeq: %s\r\n"
		     "Content-Length: 0\r\n"
		     "\r\n",
		     code, tag, cseq);
}

#define INVITE_CSEQ "7 INVITE"


static struct txn_resend resend_of(size_t count, const uint16_t *waits)
{
	struct txn_resend resend = { .count = (uint16_t)count };

	memcpy(resend.waits_ms, waits, count * sizeof(*waits));

	return resend;
}

#define LIST(...)                                             \
	resend_of(sizeof((const uint16_t[]){ __VA_ARGS__ }) / \
			  sizeof(uint16_t),                   \
		  (const uint16_t[]){ __VA_ARGS__ })


/* --- call-setup 13, tests 1 to 4 ------------------------------------------ */

static void a_silent_gateway_gets_eleven_identical_copies(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 60000, TRANSPORT_UDP);
	rig_run(rig, 35499);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(rig->sentc, 11);
	for (size_t i = 0; i < rig->sentc; i++)
		assert_string_equal(rig->sent[i].data, invite);
	assert_string_equal(rig_times(rig, "INVITE"),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 "
			    "27500 31500");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "35500 error 112"); /* EHOSTDOWN */
}


static void the_list_says_when_and_how_often(void **state)
{
	struct rig *rig = *state;
	const struct txn_resend six = LIST(500, 1000, 2000, 4000, 4000, 4000);
	const struct txn_resend ten = LIST(500, 500, 1000, 1000, 2000, 2000,
					   4000, 4000, 4000, 4000);

	start(rig, METHOD_INVITE, &six, 60000, TRANSPORT_UDP);
	rig_run(rig, 20000);
	assert_string_equal(rig_times(rig, "INVITE"),
			    "0 500 1500 3500 7500 11500 15500");
	assert_string_equal(rig_told(rig), "19500 error 112");
	rig_run(rig, 60000);
	assert_int_equal(txn_count(rig->txns), 0);

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	start(rig, METHOD_INVITE, &ten, 60000, TRANSPORT_UDP);
	rig_run(rig, 26999);
	assert_string_equal(
		rig_times(rig, "INVITE"),
		"0 500 1000 2000 3000 5000 7000 11000 15000 19000 23000");
}


static void the_time_of_an_invite_bounds_its_list(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 10000, TRANSPORT_UDP);
	rig_run(rig, 60000);
	assert_string_equal(rig_times(rig, "INVITE"), "0 500 1500 3500 7500");
	assert_string_equal(rig_told(rig), "10000 error 110"); /* ETIMEDOUT */
	assert_int_equal(txn_count(rig->txns), 0);
	assert_false(ev_turn(rig->ev));
}


static void any_response_stops_the_copies_of_an_invite(void **state)
{
	struct rig *rig = *state;
	const struct txn_resend three = LIST(500, 1000, 2000);

	start(rig, METHOD_INVITE, NULL, 10000, TRANSPORT_UDP);
	rig_run(rig, 700);
	respond(rig, 100, "b", INVITE_CSEQ);
	rig_run(rig, 120000);
	assert_string_equal(rig_times(rig, "INVITE"), "0 500");
	assert_string_equal(rig_told(rig), "700 code 100");

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	start(rig, METHOD_INVITE, &three, 60000, TRANSPORT_UDP);
	rig_run(rig, 60000);
	assert_string_equal(rig_times(rig, "INVITE"), "0 500 1500 3500");
	assert_string_equal(rig_told(rig), "5500 error 112");
}


static void the_end_of_a_short_list_ends_it_before_its_time(void **state)
{
	struct rig *rig = *state;
	const struct txn_resend two = LIST(500, 1000);

	assert_int_equal(txn_resend_total_ms(&two), 2500);
	start(rig, METHOD_INVITE, &two, 60000, TRANSPORT_UDP);
	rig_run(rig, 60000);
	assert_string_equal(rig_times(rig, "INVITE"), "0 500 1500");
	assert_string_equal(rig_told(rig), "2500 error 112");
}


static void without_resends_the_first_wait_is_the_timeout(void **state)
{
	struct rig *rig = *state;
	const struct txn_resend none = { .waits_ms = { 500 } };

	assert_int_equal(txn_resend_total_ms(&none), 500);
	start(rig, METHOD_INVITE, &none, 60000, TRANSPORT_UDP);
	rig_run(rig, 60000);
	assert_string_equal(rig_times(rig, "INVITE"), "0");
	assert_string_equal(rig_told(rig), "500 error 112");
}


/* call-setup 13, 5: T1 is over with the 100. */
static void an_answer_may_come_long_after_the_time_of_the_invite(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 10000, TRANSPORT_UDP);
	rig_run(rig, 9000);
	respond(rig, 100, "b", INVITE_CSEQ);
	rig_run(rig, 500);
	respond(rig, 180, "b", INVITE_CSEQ);
	rig_run(rig, 5500);
	respond(rig, 200, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig),
			    "9000 code 100; 9500 code 180; 15000 code 200");
	assert_string_equal(rig_times(rig, "ACK"), "");
}


static void a_stream_gets_one_copy_in_the_same_time(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_TCP);
	rig_run(rig, 80000);
	assert_string_equal(rig_times(rig, "INVITE"), "0");
	assert_string_equal(rig_told(rig), "35500 error 112");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void copies_by_the_list_are_counted(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(metric_setup(sipd_metrics, SIPD_METRICC), 0);
	start(rig, METHOD_INVITE, NULL, 3000, TRANSPORT_UDP);
	rig_run(rig, 4000);
	assert_int_equal(metric_get(M_SIP_RESENDS, METHOD_INVITE), 2);
	assert_int_equal(metric_get(M_SIP_RESENDS, METHOD_BYE), 0);
	metric_detach();
}


/* --- other requests ------------------------------------------------------- */

static void a_provisional_does_not_stop_another_request(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_OPTIONS, NULL, 0, TRANSPORT_UDP);
	rig_run(rig, 100);
	respond(rig, 100, "b", "3 OPTIONS");
	rig_run(rig, 40000);
	assert_string_equal(rig_times(rig, "OPTIONS"),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 "
			    "27500 31500");
	assert_string_equal(rig_told(rig), "100 code 100; 35500 error 112");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_final_ends_another_request_and_its_copies_are_absorbed(
	void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_OPTIONS, NULL, 5000, TRANSPORT_UDP);
	rig_run(rig, 600);
	respond(rig, 200, "b", "3 OPTIONS");
	respond(rig, 500, "b", "3 OPTIONS");
	rig_run(rig, 4999);
	assert_int_equal(txn_count(rig->txns), 1);
	assert_string_equal(rig_told(rig), "600 code 200");
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0); /* T4 */
	respond(rig, 200, "b", "3 OPTIONS");
	assert_string_equal(rig_told(rig), "5600 stray 200");
	assert_string_equal(rig_times(rig, "OPTIONS"), "0 500");
}


static void the_time_of_another_request_ends_with_its_first_response(
	void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_OPTIONS, NULL, 3000, TRANSPORT_UDP);
	rig_run(rig, 60000);
	assert_string_equal(rig_told(rig), "3000 error 110");

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	start(rig, METHOD_OPTIONS, NULL, 3000, TRANSPORT_UDP);
	rig_run(rig, 1000);
	respond(rig, 100, "b", "3 OPTIONS");
	rig_run(rig, 60000);
	assert_string_equal(rig_told(rig), "1000 code 100; 35500 error 112");
}


static void a_response_of_another_method_is_not_ours(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	respond(rig, 200, "b", "7 BYE");
	assert_string_equal(rig_told(rig), "0 stray 200");
}


/* --- refused, answered twice ---------------------------------------------- */

static void a_refusal_is_acked_as_often_as_it_comes_and_told_once(void **state)
{
	struct rig *rig = *state;
	static const char ack[] =
		"ACK sip:441@192.0.2.1 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=" BRANCH ";rport\r\n"
		"Max-Forwards: 70\r\n"
		"Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
		"From: <sip:1@a>;tag=ours\r\n"
		"Call-ID: c1\r\n"
		"CSeq: 7 ACK\r\n"
		"To: <sip:441@192.0.2.1>;tag=b\r\n"
		"Content-Length: 0\r\n"
		"\r\n";

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	rig_run(rig, 100);
	respond(rig, 486, "b", INVITE_CSEQ);
	assert_string_equal(rig_last(rig), ack);
	rig_run(rig, 400);
	respond(rig, 486, "b", INVITE_CSEQ);
	respond(rig, 180, "b", INVITE_CSEQ);
	rig_run(rig, 35099);
	respond(rig, 486, "b", INVITE_CSEQ);
	assert_int_equal(txn_count(rig->txns), 1);
	assert_string_equal(rig_times(rig, "ACK"), "100 500 35599");
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0);
	assert_string_equal(rig_told(rig), "100 code 486");
}


static void each_2xx_comes_to_the_user(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	respond(rig, 200, "b", INVITE_CSEQ);
	rig_run(rig, 500);
	respond(rig, 200, "b", INVITE_CSEQ);
	respond(rig, 200, "c", INVITE_CSEQ);
	respond(rig, 486, "d", INVITE_CSEQ);
	rig_run(rig, 35000);
	assert_string_equal(rig_told(rig),
			    "0 code 200; 500 code 200; 500 code 200");
	assert_string_equal(rig_times(rig, "ACK"), "");
	assert_int_equal(txn_count(rig->txns), 0);
}


/* --- cancel --------------------------------------------------------------- */

static void what_was_taken_leaves_no_transaction(void **state)
{
	struct rig *rig = *state;
	const txn_id id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);

	respond(rig, 180, "x", INVITE_CSEQ);
	txn_leave(rig->txns, id); /* not yet */
	respond(rig, 200, "x", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "0 code 180; 0 code 200");
	txn_leave(rig->txns, id);
	assert_int_equal(txn_count(rig->txns), 0);
	txn_leave(rig->txns, id);
	respond(rig, 200, "x", INVITE_CSEQ);
	respond(rig, 200, "y", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "0 stray 200; 0 stray 200");
}


static void a_bye_is_over_with_its_answer(void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_BYE, NULL, 0, TRANSPORT_UDP);
	rig_run(rig, 600);
	respond(rig, 200, "x", "3 BYE");
	assert_int_equal(txn_count(rig->txns), 0);
	respond(rig, 200, "x", "3 BYE");
	assert_string_equal(rig_told(rig), "600 code 200; 600 stray 200");
}


static void a_cancel_goes_at_once_after_a_provisional(void **state)
{
	struct rig *rig = *state;
	static const char cancel[] =
		"CANCEL sip:441@192.0.2.1 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=" BRANCH ";rport\r\n"
		"Max-Forwards: 70\r\n"
		"Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
		"From: <sip:1@a>;tag=ours\r\n"
		"Call-ID: c1\r\n"
		"CSeq: 7 CANCEL\r\n"
		"To: <sip:441@192.0.2.1>\r\n"
		"Reason: SIP;cause=200\r\n"
		"Content-Length: 0\r\n"
		"\r\n";
	txn_id id;

	id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	respond(rig, 180, "b", INVITE_CSEQ);
	rig_run(rig, 1000);
	txn_cancel(rig->txns, id, text_of("Reason: SIP;cause=200\r\n"));
	txn_cancel(rig->txns, id, (struct text){ 0 });
	assert_string_equal(rig_last(rig), cancel);
	rig_run(rig, 700);
	respond(rig, 200, "b", "7 CANCEL");
	respond(rig, 487, "b", INVITE_CSEQ);
	rig_run(rig, 5000);
	assert_string_equal(rig_told(rig), "0 code 180; 1700 code 487");
	assert_string_equal(rig_times(rig, "CANCEL"), "1000 1500");
	rig_run(rig, 36000);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_cancel_before_any_response_waits_for_one(void **state)
{
	struct rig *rig = *state;
	txn_id id = start(rig, METHOD_INVITE, NULL, 20000, TRANSPORT_UDP);

	rig_run(rig, 100);
	txn_cancel(rig->txns, id, (struct text){ 0 });
	rig_run(rig, 900);
	assert_string_equal(rig_times(rig, "CANCEL"), "");
	respond(rig, 180, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "CANCEL"), "1000");
	respond(rig, 487, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "1000 code 180; 1000 code 487");
}


static void a_cancel_is_never_sent_to_who_never_answers(void **state)
{
	struct rig *rig = *state;
	txn_id id = start(rig, METHOD_INVITE, NULL, 20000, TRANSPORT_UDP);

	txn_cancel(rig->txns, id, (struct text){ 0 });
	rig_run(rig, 90000);
	assert_string_equal(rig_times(rig, "CANCEL"), "");
	assert_string_equal(rig_told(rig), "20000 error 110");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_cancel_without_effect_ends_with_the_request_timeout(void **state)
{
	struct rig *rig = *state;
	txn_id id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);

	respond(rig, 180, "b", INVITE_CSEQ);
	rig_run(rig, 1000);
	txn_cancel(rig->txns, id, (struct text){ 0 });
	respond(rig, 200, "b", "7 CANCEL");
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "0 code 180; 36500 error 112");
	respond(rig, 180, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "CANCEL"), "1000");
	respond(rig, 200, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "37000 code 200");
	rig_run(rig, 36000);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void an_answer_that_crosses_the_cancel_is_told(void **state)
{
	struct rig *rig = *state;
	txn_id id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);

	respond(rig, 180, "b", INVITE_CSEQ);
	txn_cancel(rig->txns, id, (struct text){ 0 });
	respond(rig, 200, "b", INVITE_CSEQ);
	respond(rig, 481, "b", "7 CANCEL");
	assert_string_equal(rig_told(rig), "0 code 180; 0 code 200");
}


static void who_rings_after_its_time_is_cancelled_and_who_answers_told(
	void **state)
{
	struct rig *rig = *state;

	start(rig, METHOD_INVITE, NULL, 1000, TRANSPORT_UDP);
	rig_run(rig, 2000);
	respond(rig, 180, "b", INVITE_CSEQ);
	respond(rig, 183, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "CANCEL"), "2000");
	respond(rig, 200, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "1000 error 110; 2000 code 200");

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	start(rig, METHOD_INVITE, NULL, 1000, TRANSPORT_UDP);
	rig_run(rig, 2000);
	respond(rig, 503, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "ACK"), "2000");
	assert_string_equal(rig_told(rig), "1000 error 110");
}


/* --- forgotten, failed ---------------------------------------------------- */

static void a_forgotten_invite_is_cancelled_and_its_2xx_a_stray(void **state)
{
	struct rig *rig = *state;
	txn_id id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);

	txn_forget(rig->txns, id);
	respond(rig, 180, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "CANCEL"), "0");
	respond(rig, 200, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "0 stray 200");
	rig_run(rig, 36000);
	assert_int_equal(txn_count(rig->txns), 0);

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	id = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	respond(rig, 180, "b", INVITE_CSEQ);
	txn_forget(rig->txns, id);
	assert_string_equal(rig_times(rig, "CANCEL"), "0");
	respond(rig, 487, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "0 code 180");
}


static void a_failed_transport_is_told_in_the_next_turn(void **state)
{
	struct rig *rig = *state;
	const struct flow to = rig_flow("192.0.2.1:5060", TRANSPORT_UDP);
	const struct flow other = rig_flow("192.0.2.1:5061", TRANSPORT_UDP);
	const struct flow tcp = rig_flow("192.0.2.1:5060", TRANSPORT_TCP);

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	txn_fail(rig->txns, &other, ECONNREFUSED);
	txn_fail(rig->txns, &tcp, ECONNREFUSED);
	rig_run(rig, 10);
	assert_string_equal(rig_told(rig), "");
	txn_fail(rig->txns, &to, ECONNREFUSED);
	txn_fail(rig->txns, &to, ECONNREFUSED);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "11 error 111");
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "INVITE"), "0");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_transport_that_fails_at_once_is_told_the_same_way(void **state)
{
	struct rig *rig = *state;

	rig->send_err = ENOTCONN;
	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_TCP);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "1 error 107");

	/* A full queue is a lost datagram. */
	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	rig->send_err = ENOBUFS;
	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	rig_run(rig, 600);
	assert_string_equal(rig_told(rig), "");
	assert_string_equal(rig_times(rig, "INVITE"), "0 500");
}


static void what_answered_once_does_not_fail(void **state)
{
	struct rig *rig = *state;
	const struct flow to = rig_flow("192.0.2.1:5060", TRANSPORT_UDP);

	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	txn_fail(rig->txns, &to, ECONNREFUSED);
	respond(rig, 180, "b", INVITE_CSEQ);
	txn_fail(rig->txns, &to, ECONNREFUSED);
	rig_run(rig, 100);
	assert_string_equal(rig_told(rig), "0 code 180");
}


/* --- ids and names -------------------------------------------------------- */

static void a_stale_id_does_nothing(void **state)
{
	struct rig *rig = *state;
	const struct txn_resend none = { .waits_ms = { 100 } };
	txn_id id = start(rig, METHOD_OPTIONS, &none, 0, TRANSPORT_UDP);
	txn_id next;

	rig_run(rig, 100);
	assert_int_equal(txn_count(rig->txns), 0);
	next = start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	assert_int_equal((uint32_t)next, (uint32_t)id); /* the same place */
	assert_true(next != id);
	txn_forget(rig->txns, id);
	txn_cancel(rig->txns, id, (struct text){ 0 });
	txn_forget(rig->txns, 0);
	txn_forget(rig->txns, UINT64_MAX);
	assert_int_equal(txn_reply_code(rig->txns, next, 200), ENOENT);
	respond(rig, 180, "b", INVITE_CSEQ);
	assert_string_equal(rig_told(rig), "100 error 112; 100 code 180");
}


static void a_branch_and_a_tag_carry_the_mark(void **state)
{
	struct rig *rig = *state;
	char a[TXN_BRANCH_SIZE], b[TXN_BRANCH_SIZE], tag[TXN_TAG_SIZE];

	txn_branch(rig->txns, a);
	txn_branch(rig->txns, b);
	txn_tag(rig->txns, tag);
	assert_int_equal(strlen(a), TXN_BRANCH_SIZE - 1);
	assert_int_equal(strlen(tag), TXN_TAG_SIZE - 1);
	assert_memory_equal(a, "z9hG4bKm1", 9);
	assert_memory_equal(tag, "m1", 2);
	assert_string_not_equal(a, b);
}


static void what_is_no_request_is_refused(void **state)
{
	struct rig *rig = *state;
	struct txn_send send = {
		.method = METHOD_INVITE,
		.branch = "z9hG4bK0123456789012345678901234567890",
		.request = text_of(invite),
		.to = rig_flow("192.0.2.1:5060", TRANSPORT_UDP),
	};
	txn_id id;

	assert_int_equal(txn_send(rig->txns, &send, &id), EINVAL);
	send.branch = BRANCH;
	send.request = text_of("INVITE");
	assert_int_equal(txn_send(rig->txns, &send, &id), EINVAL);
	send.request.l = MESSAGE_BYTES_MAX + 1;
	assert_int_equal(txn_send(rig->txns, &send, &id), EMSGSIZE);
	assert_int_equal(txn_count(rig->txns), 0);
	assert_int_equal(rig->sentc, 0);

	send.request = text_of(invite);
	assert_int_equal(txn_send(rig->txns, &send, &id), 0);
	assert_int_equal(txn_send(rig->txns, &send, &id), EEXIST);
	assert_int_equal(txn_count(rig->txns), 1);
}


/* Called back from within: the handler may do anything. */
static void forget_it(struct rig *rig, txn_id txn)
{
	txn_cancel(rig->txns, txn, text_of("Reason: SIP\r\n"));
	txn_forget(rig->txns, txn);
}


static void a_handler_may_cancel_and_forget(void **state)
{
	struct rig *rig = *state;

	rig->hook = forget_it;
	start(rig, METHOD_INVITE, NULL, 0, TRANSPORT_UDP);
	respond(rig, 180, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "CANCEL"), "0");
	respond(rig, 487, "b", INVITE_CSEQ);
	assert_string_equal(rig_times(rig, "ACK"), "0");
	assert_string_equal(rig_told(rig), "0 code 180");
}


/* --- a call with each allocation failing ---------------------------------- */

static int an_invite_is_cancelled(void)
{
	static struct rig rig;
	const struct txn_send send = {
		.method = METHOD_INVITE,
		.branch = BRANCH,
		.request = text_of(invite),
		.to = { .transport = TRANSPORT_UDP },
		.h = rig_on_response,
		.arg = &rig,
	};
	txn_id id;
	int err;

	err = rig_open(&rig);
	if (err)
		return err;
	err = txn_send(rig.txns, &send, &id);
	if (err)
		goto out;
	respond(&rig, 180, "b", INVITE_CSEQ);
	txn_cancel(rig.txns, id, text_of("Reason: SIP\r\n"));
	if (strcmp(rig_times(&rig, "CANCEL"), "0") != 0)
		err = ENOMEM; /* the INVITE lives on without */
	respond(&rig, 487, "b", INVITE_CSEQ);
	if (strcmp(rig_told(&rig), "0 code 180; 0 code 487") != 0)
		err = EPROTO;

out:
	rig_close(&rig);
	return err;
}


#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_silent_gateway_gets_eleven_identical_copies),
		TEST(the_list_says_when_and_how_often),
		TEST(the_time_of_an_invite_bounds_its_list),
		TEST(any_response_stops_the_copies_of_an_invite),
		TEST(the_end_of_a_short_list_ends_it_before_its_time),
		TEST(without_resends_the_first_wait_is_the_timeout),
		TEST(an_answer_may_come_long_after_the_time_of_the_invite),
		TEST(a_stream_gets_one_copy_in_the_same_time),
		TEST(copies_by_the_list_are_counted),
		TEST(a_provisional_does_not_stop_another_request),
		TEST(a_final_ends_another_request_and_its_copies_are_absorbed),
		TEST(the_time_of_another_request_ends_with_its_first_response),
		TEST(a_response_of_another_method_is_not_ours),
		TEST(a_refusal_is_acked_as_often_as_it_comes_and_told_once),
		TEST(each_2xx_comes_to_the_user),
		TEST(what_was_taken_leaves_no_transaction),
		TEST(a_bye_is_over_with_its_answer),
		TEST(a_cancel_goes_at_once_after_a_provisional),
		TEST(a_cancel_before_any_response_waits_for_one),
		TEST(a_cancel_is_never_sent_to_who_never_answers),
		TEST(a_cancel_without_effect_ends_with_the_request_timeout),
		TEST(an_answer_that_crosses_the_cancel_is_told),
		TEST(who_rings_after_its_time_is_cancelled_and_who_answers_told),
		TEST(a_forgotten_invite_is_cancelled_and_its_2xx_a_stray),
		TEST(a_failed_transport_is_told_in_the_next_turn),
		TEST(a_transport_that_fails_at_once_is_told_the_same_way),
		TEST(what_answered_once_does_not_fail),
		TEST(a_stale_id_does_nothing),
		TEST(a_branch_and_a_tag_carry_the_mark),
		TEST(what_is_no_request_is_refused),
		TEST(a_handler_may_cancel_and_forget),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(an_invite_is_cancelled),
	};

	return T_MAIN(tests, scenarios);
}
