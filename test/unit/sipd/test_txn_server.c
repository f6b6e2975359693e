/**
 * @file test/unit/sipd/test_txn_server.c  Server transactions: every copy and
 * every word, to the millisecond
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/txn_rig.h"

#define PEER "192.0.2.7:5062"

#define LINES                             \
	"Max-Forwards: 70\r\n"            \
	"From: \"A\" <sip:1@a>;tag=f\r\n" \
	"Call-ID: c1\r\n"                 \
	"Contact: <sip:1@192.0.2.7>\r\n"  \
	"Content-Length: 0\r\n"

#define REQUEST(method, branch, to)                                     \
	method " sip:2@b SIP/2.0\r\n"                                   \
	       "Via: SIP/2.0/UDP pc.a:5061;branch=" branch ";rport\r\n" \
	       "To: <sip:2@b>" to "\r\n"                                \
	       "CSeq: 5 " method "\r\n" LINES "\r\n"

#define INVITE REQUEST("INVITE", "z9hG4bKx1", "")


static int setup(void **state)
{
	static struct rig rig;

	*state = &rig;

	return rig_open(&rig);
}


static int teardown(void **state)
{
	rig_close(*state);

	return 0;
}


static void receive(struct rig *rig, const char *text)
{
	const struct flow from = rig_flow(PEER, TRANSPORT_UDP);

	rig_receive(rig, &from, text);
}


static txn_id invited(struct rig *rig)
{
	receive(rig, INVITE);
	assert_string_equal(rig_told(rig), "0 request 5");
	txn_own(rig->txns, rig->request, rig_on_event, rig, 42);

	return rig->request;
}


static void reply(struct rig *rig, txn_id id, unsigned code)
{
	assert_int_equal(txn_reply_code(rig->txns, id, code), 0);
}


/* --- what a response is --------------------------------------------------- */

static void a_response_is_made_of_the_requests_own_head(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(PEER, TRANSPORT_UDP);
	char want[RIG_BYTES_MAX];
	const struct txn_reply answer = {
		.code = 200,
		.heads = text_of("Contact: <sip:us>\r\n"),
		.body = text_of("v=0\n"),
	};

	rig_receive(rig, &from,
		    "INVITE sip:2@b SIP/2.0\r\n"
		    "v: SIP/2.0/UDP pc.a:5061;rport;branch=z9hG4bKx1"
		    ";received=9.9.9.9;x=\"a;rport=1\", SIP/2.0/TCP p2\r\n"
		    "Via: SIP/2.0/UDP p3;branch=3\r\n"
		    "Record-Route: <sip:r1;lr>, <sip:r2;lr>\r\n"
		    "t: <sip:2@b>\r\n"
		    "Subject: not kept\r\n"
		    "CSeq: 5 INVITE\r\n" LINES "\r\n");
	assert_int_equal(txn_reply(rig->txns, rig->request, &answer), 0);
	assert_int_equal(
		text_print(want, sizeof(want),
			   "SIP/2.0 200 OK\r\n"
			   "Via: SIP/2.0/UDP pc.a:5061;branch=z9hG4bKx1"
			   ";x=\"a;rport=1\";received=192.0.2.7;rport=5062\r\n"
			   "Via: SIP/2.0/TCP p2\r\n"
			   "Via: SIP/2.0/UDP p3;branch=3\r\n"
			   "From: \"A\" <sip:1@a>;tag=f\r\n"
			   "To: <sip:2@b>;tag=%s\r\n"
			   "Call-ID: c1\r\n"
			   "CSeq: 5 INVITE\r\n"
			   "Record-Route: <sip:r1;lr>\r\n"
			   "Record-Route: <sip:r2;lr>\r\n"
			   "Contact: <sip:us>\r\n"
			   "Content-Type: application/sdp\r\n"
			   "Content-Length: 4\r\n"
			   "\r\n"
			   "v=0\n",
			   txn_local_tag(rig->txns, rig->request)),
		0);
	assert_string_equal(rig_last(rig), want);
	assert_memory_equal(&rig->sent[0].to, &from, sizeof(from));
}


static void a_100_has_no_tag_and_a_refusal_no_record_route(void **state)
{
	struct rig *rig = *state;

	receive(rig, "INVITE sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=z9hG4bKx1\r\n"
		     "Record-Route: <sip:r1;lr>\r\n"
		     "To: <sip:2@b>\r\n"
		     "CSeq: 5 INVITE\r\n" LINES "\r\n");
	reply(rig, rig->request, 100);
	assert_string_equal(rig_last(rig),
			    "SIP/2.0 100 Trying\r\n"
			    "Via: SIP/2.0/UDP pc.a;branch=z9hG4bKx1"
			    ";received=192.0.2.7\r\n"
			    "From: \"A\" <sip:1@a>;tag=f\r\n"
			    "To: <sip:2@b>\r\n"
			    "Call-ID: c1\r\n"
			    "CSeq: 5 INVITE\r\n"
			    "Content-Length: 0\r\n"
			    "\r\n");
	reply(rig, rig->request, 180);
	assert_non_null(strstr(rig_last(rig), "Record-Route: <sip:r1;lr>"));
	assert_non_null(strstr(rig_last(rig), "To: <sip:2@b>;tag=m1"));
	reply(rig, rig->request, 404);
	assert_null(strstr(rig_last(rig), "Record-Route"));
	assert_non_null(strstr(rig_last(rig), "To: <sip:2@b>;tag=m1"));
}


static void a_tag_that_is_there_stays(void **state)
{
	struct rig *rig = *state;

	receive(rig, REQUEST("BYE", "z9hG4bKx9", ";tag=t"));
	assert_string_equal(txn_local_tag(rig->txns, rig->request), "");
	reply(rig, rig->request, 200);
	assert_non_null(strstr(rig_last(rig), "\r\nTo: <sip:2@b>;tag=t\r\n"));
}


static void ipv6_is_received_without_brackets(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow("[2001:db8::1]:5062", TRANSPORT_UDP);

	rig_receive(rig, &from, INVITE);
	reply(rig, rig->request, 100);
	assert_non_null(
		strstr(rig_last(rig), ";received=2001:db8::1;rport=5062\r\n"));
}


/* identity 7 */
static void a_response_goes_where_the_gateway_wants_it(void **state)
{
	static const struct {
		enum txn_reply_address how;
		enum transport transport;
		const char *via;
		const char *to;
	} rows[] = {
		{ TXN_REPLY_SOCKET, TRANSPORT_UDP, "192.0.2.8:5070", PEER },
		{ TXN_REPLY_VIA_PORT, TRANSPORT_UDP, "192.0.2.8:5070",
		  "192.0.2.7:5070" },
		{ TXN_REPLY_VIA_PORT, TRANSPORT_UDP, "192.0.2.8",
		  "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "192.0.2.8:5070",
		  "192.0.2.8:5070" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "pc.a", "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "[2001:db8::1]",
		  "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_TCP, "192.0.2.8:5070", PEER },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig *rig = *state;
		const struct flow from = rig_flow(PEER, rows[i].transport);
		char text[ADDR_TEXT_MAX];

		rig_receivef(rig, &from,
			     "INVITE sip:2@b SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP %s;branch=z9hG4bK%zu\r\n"
			     "To: <sip:2@b>;tag=t\r\n"
			     "CSeq: 5 INVITE\r\n" LINES "\r\n",
			     rows[i].via, i);
		txn_reply_to(rig->txns, rig->request, rows[i].how);
		reply(rig, rig->request, 100);
		assert_string_equal(addr_print(&rig->sent[i].to.remote, text),
				    rows[i].to);
	}
}


static void what_cannot_be_sent_changes_nothing(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	static char huge[MESSAGE_BYTES_MAX];
	struct txn_reply r = { .code = 200, .body = { huge, sizeof(huge) } };

	assert_int_equal(txn_reply(rig->txns, id, &r), EMSGSIZE);
	assert_int_equal(txn_reply_code(rig->txns, id, 99), EINVAL);
	assert_int_equal(txn_reply_code(rig->txns, id, 700), EINVAL);
	assert_int_equal(txn_reply_code(rig->txns, 0, 200), ENOENT);
	assert_int_equal(rig->sentc, 0);
	reply(rig, id, 486);
	assert_int_equal(txn_reply_code(rig->txns, id, 200), ENOENT);
	assert_int_equal(txn_reply_code(rig->txns, id, 180), ENOENT);
	assert_int_equal(rig->sentc, 1);
}


/* --- copies --------------------------------------------------------------- */

static void a_copy_of_an_invite_gets_what_was_sent_last(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	receive(rig, INVITE);
	assert_int_equal(rig->sentc, 0);
	reply(rig, id, 100);
	receive(rig, INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 100"), "0 0");
	reply(rig, id, 180);
	rig_run(rig, 500);
	receive(rig, INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"), "0 500");
	assert_string_equal(rig_told(rig), "");
}


static void a_2xx_is_resent_until_its_ack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	reply(rig, id, 200);
	rig_run(rig, 2000);
	receive(rig, INVITE);
	receive(rig, REQUEST("ACK", "z9hG4bKx2", ";tag=m1"));
	txn_acked(rig->txns, id);
	rig_run(rig, 33499);
	receive(rig, INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 500 1500");
	assert_string_equal(rig_told(rig), "2000 ack 5");
	assert_int_equal(txn_count(rig->txns), 1);
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_2xx_without_ack_is_told_after_the_request_timeout(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	reply(rig, id, 200);
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0 200"),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 "
			    "27500 31500");
	assert_string_equal(rig_told(rig), "35500 unacked 42");
	assert_int_equal(txn_count(rig->txns), 0);
	assert_false(ev_turn(rig->ev));
}


static void the_list_is_the_one_that_was_set(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	const struct txn_resend two = { .waits_ms = { 300, 600 }, .count = 2 };
	const struct txn_resend wild = { .waits_ms = { 1 }, .count = 999 };

	txn_resend_set(rig->txns, id, &wild); /* its count is cut */
	txn_resend_set(rig->txns, id, &two);
	reply(rig, id, 503);
	rig_run(rig, 5000);
	assert_string_equal(rig_times(rig, "SIP/2.0 503"), "0 300 900");
	assert_string_equal(rig_told(rig), "1500 unacked 42");
}


static void a_refusal_is_resent_until_its_ack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	reply(rig, id, 486);
	rig_run(rig, 600);
	receive(rig, INVITE);
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "600 acked 42");
	rig_run(rig, 1000);
	receive(rig, INVITE);
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_run(rig, 34499);
	assert_int_equal(txn_count(rig->txns), 1);
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0); /* Timer I */
	assert_string_equal(rig_times(rig, "SIP/2.0 486"), "0 500 600");
	assert_string_equal(rig_told(rig), "");
}


static void over_a_stream_nothing_is_resent_or_kept(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(PEER, TRANSPORT_TLS);

	rig_receive(rig, &from, INVITE);
	reply(rig, rig->request, 200);
	txn_own(rig->txns, rig->request, rig_on_event, rig, 1);
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0"), "0");
	assert_string_equal(rig_told(rig), "0 request 5; 35500 unacked 1");

	rig_receive(rig, &from, INVITE);
	reply(rig, rig->request, 404);
	rig_receive(rig, &from, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_receive(rig, &from, REQUEST("OPTIONS", "z9hG4bKx2", ""));
	reply(rig, rig->request, 200);
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void another_request_is_answered_again_when_it_comes_again(void **state)
{
	struct rig *rig = *state;

	receive(rig, REQUEST("OPTIONS", "z9hG4bKx3", ""));
	receive(rig, REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_int_equal(rig->sentc, 0);
	reply(rig, rig->request, 100);
	receive(rig, REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 100"), "0 0");
	reply(rig, rig->request, 200);
	rig_run(rig, 35499);
	receive(rig, REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 35499");
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0); /* Timer J */
	assert_string_equal(rig_told(rig), "0 request 5");
}


static void what_its_user_forgets_ends_all_the_same(void **state)
{
	struct rig *rig = *state;

	receive(rig, REQUEST("OPTIONS", "z9hG4bKx3", ""));
	rig_run(rig, 35500);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void an_ignored_request_gets_nothing_whatever_follows(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	txn_ignore(rig->txns, id);
	receive(rig, INVITE);
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	receive(rig, REQUEST("INVITE", "z9hG4bKother", ""));
	assert_int_equal(txn_reply_code(rig->txns, id, 200), ENOENT);
	rig_run(rig, 35500);
	assert_int_equal(rig->sentc, 0);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(txn_count(rig->txns), 0);
}


/* --- keys ----------------------------------------------------------------- */

static void another_sent_by_or_method_is_another_transaction(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(PEER, TRANSPORT_UDP);
	static const char *const hosts[] = { "pc.a:5061", "pc.a:5062", "pc.a",
					     "pc.b:5061" };

	for (size_t i = 0; i < COUNT_OF(hosts); i++)
		rig_receivef(rig, &from,
			     "BYE sip:2@b SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP %s;branch=z9hG4bKx\r\n"
			     "To: <sip:2@b>;tag=t\r\n"
			     "CSeq: %zu BYE\r\n" LINES "\r\n",
			     hosts[i], i);
	assert_string_equal(
		rig_told(rig),
		"0 request 0; 0 request 1; 0 request 2; 0 request 3");
	/* The name's case, and the port that is the default, are the same. */
	receive(rig, "BYE sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP PC.A:5060;branch=z9hG4bKx\r\n"
		     "To: <sip:2@b>;tag=t\r\n"
		     "CSeq: 2 BYE\r\n" LINES "\r\n");
	assert_string_equal(rig_told(rig), "");
	receive(rig, "INFO sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=z9hG4bKx\r\n"
		     "To: <sip:2@b>;tag=t\r\n"
		     "CSeq: 2 INFO\r\n" LINES "\r\n");
	assert_string_equal(rig_told(rig), "0 request 2");
}

#define OLD(method, uri, to)                        \
	method " " uri " SIP/2.0\r\n"               \
	       "Via: SIP/2.0/UDP pc.a;branch=1\r\n" \
	       "To: <sip:2@b>" to "\r\n"            \
	       "CSeq: 5 " method "\r\n" LINES "\r\n"


static void a_peer_of_rfc2543_is_known_by_all_it_says(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(PEER, TRANSPORT_UDP);

	receive(rig, OLD("INVITE", "sip:2@b", ""));
	txn_own(rig->txns, rig->request, rig_on_event, rig, 42);
	receive(rig, OLD("INVITE", "sip:2@b", ""));
	receive(rig, OLD("CANCEL", "sip:2@b", ""));
	assert_string_equal(rig_told(rig), "0 request 5; 0 cancelled 42");
	reply(rig, rig->request, 487);
	receive(rig, OLD("ACK", "sip:2@b", ";tag=wrong"));
	assert_string_equal(rig_told(rig), "0 ack 5");
	rig_receivef(rig, &from,
		     "ACK sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=1\r\n"
		     "To: <sip:2@b>;tag=%s\r\n"
		     "CSeq: 5 ACK\r\n" LINES "\r\n",
		     txn_local_tag(rig->txns, rig->request));
	assert_string_equal(rig_told(rig), "0 acked 42");

	/* Another Request-URI, or To tag: another transaction */
	receive(rig, OLD("INVITE", "sip:3@b", ";tag=t"));
	receive(rig, OLD("INVITE", "sip:2@b", ";tag=t"));
	assert_string_equal(rig_told(rig), "0 request 5; 0 request 5");
}


/* RFC 3261 8.2.2.2 */
static void a_merged_request_is_refused_while_the_first_is_known(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	receive(rig, REQUEST("INVITE", "z9hG4bKx2", ""));
	receive(rig, REQUEST("ACK", "z9hG4bKx2", ";tag=x"));
	receive(rig, REQUEST("INVITE", "z9hG4bKx3", ";tag=t"));
	assert_string_equal(rig_times(rig, "SIP/2.0 482"), "0");
	assert_string_equal(rig_told(rig), "0 request 5");
	txn_ignore(rig->txns, rig->request);
	reply(rig, id, 404);
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "0 acked 42");
	assert_int_equal(txn_count(rig->txns), 0);
	receive(rig, REQUEST("INVITE", "z9hG4bKx2", ""));
	assert_string_equal(rig_told(rig), "36000 request 5");
}


static void an_ack_that_matches_nothing_is_the_users(void **state)
{
	struct rig *rig = *state;

	receive(rig, REQUEST("ACK", "z9hG4bKx7", ";tag=x"));
	assert_string_equal(rig_told(rig), "0 ack 5");
	assert_int_equal(txn_count(rig->txns), 0);
}


/* --- CANCEL --------------------------------------------------------------- */

static void a_cancel_is_answered_and_told_once(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	char to[64];

	reply(rig, id, 180);
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_non_null(strstr(rig_last(rig), "CSeq: 5 CANCEL\r\n"));
	(void)text_print(to, sizeof(to), "To: <sip:2@b>;tag=%s\r\n",
			 txn_local_tag(rig->txns, id));
	assert_non_null(strstr(rig_last(rig), to));
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 0");
	assert_string_equal(rig_told(rig), "0 cancelled 42");
	reply(rig, id, 487);
	assert_non_null(strstr(rig_last(rig), "CSeq: 5 INVITE\r\n"));
}


static void a_cancel_after_the_final_has_no_effect(void **state)
{
	static const unsigned codes[] = { 200, 486 };

	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct rig *rig = *state;
		const txn_id id = invited(rig);

		reply(rig, id, codes[i]);
		(void)rig_times(rig, "");
		receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
		assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
		assert_string_equal(rig_told(rig), "");
		rig_close(rig);
		assert_int_equal(rig_open(rig), 0);
	}
}


static void a_cancel_that_matches_nothing_is_a_request(void **state)
{
	struct rig *rig = *state;

	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_told(rig), "0 request 5");
	reply(rig, rig->request, 481);
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 481"), "0 0");
}


static void refuse_487(struct rig *rig, txn_id txn)
{
	rig->hook = NULL;
	reply(rig, txn, 487);
}


static void a_handler_may_reply_to_the_cancel_it_is_told_of(void **state)
{
	struct rig *rig = *state;

	(void)invited(rig);
	rig->hook = refuse_487;
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 487"), "0");
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "0 cancelled 42; 35500 unacked 42");
}


/* --- reliable provisionals ------------------------------------------------ */

static void a_reliable_provisional_is_resent_until_its_prack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	const struct txn_reply ringing = {
		.code = 180,
		.heads = text_of("Require: 100rel\r\nRSeq: 1\r\n"),
		.is_reliable = true,
	};

	reply(rig, id, 100);
	assert_int_equal(txn_reply(rig->txns, id, &ringing), 0);
	rig_run(rig, 2000);
	reply(rig, id, 183); /* not reliable: goes by */
	receive(rig, INVITE);
	assert_int_equal(strncmp(rig_last(rig), "SIP/2.0 180", 11), 0);
	txn_pracked(rig->txns, id);
	rig_run(rig, 40000);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"), "0 500 1500 2000");
	reply(rig, id, 200);
	txn_acked(rig->txns, id);
	assert_string_equal(rig_told(rig), "");
}


static void one_without_prack_is_told_and_the_call_can_be_refused(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	const struct txn_reply ringing = { .code = 180, .is_reliable = true };

	assert_int_equal(txn_reply(rig->txns, id, &ringing), 0);
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 "
			    "27500 31500");
	assert_string_equal(rig_told(rig), "35500 unpracked 42");
	reply(rig, id, 504);
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "36000 acked 42");
}


static void a_second_reliable_one_begins_its_own_list(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	const struct txn_reply one = { .code = 183, .is_reliable = true };
	const struct txn_reply two = { .code = 180, .is_reliable = true };

	assert_int_equal(txn_reply(rig->txns, id, &one), 0);
	rig_run(rig, 1000);
	assert_int_equal(txn_reply(rig->txns, id, &two), 0);
	rig_run(rig, 600);
	assert_string_equal(rig_times(rig, "SIP/2.0"), "0 500 1000 1500");
	rig_run(rig, 35000);
	assert_string_equal(rig_told(rig), "36500 unpracked 42");
}


/* --- transport ------------------------------------------------------------ */

static void a_response_that_did_not_arrive_is_told(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);
	const struct flow to = rig_flow(PEER, TRANSPORT_UDP);

	reply(rig, id, 180);
	txn_fail(rig->txns, &to, ECONNREFUSED);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "1 broken 42");
	receive(rig, INVITE);
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_response_that_cannot_be_sent_is_told_later(void **state)
{
	struct rig *rig = *state;
	const txn_id id = invited(rig);

	rig->send_err = ENOTCONN;
	reply(rig, id, 200);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "1 broken 42");
	assert_int_equal(txn_reply_code(rig->txns, id, 200), ENOENT);
}


/* --- successor ------------------------------------------------------------ */

static void hand_over(struct rig *rig, const char *first)
{
	char head[RIG_BYTES_MAX], tag[TXN_TAG_SIZE], before[RIG_BYTES_MAX];
	struct flow flow;
	txn_id id;

	receive(rig, first);
	reply(rig, rig->request, 180);
	assert_int_equal(text_copy(before, sizeof(before),
				   text_of(rig_last(rig))),
			 0);
	assert_int_equal(text_copy(head, sizeof(head),
				   txn_server_head(rig->txns, rig->request,
						   &flow)),
			 0);
	assert_int_equal(text_copy(tag, sizeof(tag),
				   text_of(txn_local_tag(rig->txns,
							 rig->request))),
			 0);

	rig_close(rig);
	assert_int_equal(rig_open(rig), 0);
	assert_int_equal(txn_server_adopt(rig->txns, &id, text_of(head), &flow,
					  tag),
			 0);
	assert_int_equal(txn_server_adopt(rig->txns, &id, text_of(head), &flow,
					  tag),
			 EEXIST);
	txn_own(rig->txns, id, rig_on_event, rig, 43);
	receive(rig, first);
	assert_string_equal(rig_told(rig), "");
	reply(rig, id, 180);
	assert_string_equal(rig_last(rig), before);
	reply(rig, id, 486);
	assert_string_equal(rig_told(rig), "");
}


static void a_successor_goes_on_with_the_same_words(void **state)
{
	struct rig *rig = *state;

	hand_over(rig, INVITE);
	receive(rig, REQUEST("CANCEL", "z9hG4bKx1", ""));
	receive(rig, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "0 acked 43");
}


static void a_successor_knows_a_peer_of_rfc2543(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(PEER, TRANSPORT_UDP);

	hand_over(rig, OLD("INVITE", "sip:2@b", ""));
	rig_receivef(rig, &from,
		     "ACK sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=1\r\n"
		     "To: %s\r\n"
		     "CSeq: 5 ACK\r\n" LINES "\r\n",
		     "<sip:2@b>;tag=none");
	assert_string_equal(rig_told(rig), "0 ack 5");
}


static void what_is_no_head_is_not_adopted(void **state)
{
	struct rig *rig = *state;
	const struct flow flow = rig_flow(PEER, TRANSPORT_UDP);
	txn_id id;

	assert_int_equal(txn_server_adopt(rig->txns, &id, text_of(""), &flow,
					  "t"),
			 EINVAL);
	assert_int_equal(txn_server_adopt(rig->txns, &id,
					  text_of("Via: x\r\nrubbish"), &flow,
					  "t"),
			 EBADMSG);
	assert_int_equal(txn_server_adopt(rig->txns, &id, text_of("Via: x"),
					  &flow, "0123456789abcdef"),
			 EINVAL);
	assert_int_equal(txn_count(rig->txns), 0);
	assert_int_equal(txn_server_head(rig->txns, 1, NULL).l, 0);
}


/* --- failing allocations -------------------------------------------------- */

static int an_invite_is_refused_and_acked(void)
{
	static struct rig rig;
	const struct flow from = { .transport = TRANSPORT_UDP };
	int err;

	err = rig_open(&rig);
	if (err)
		return err;
	rig_receive(&rig, &from, INVITE);
	if (!rig.request) {
		err = ENOMEM; /* it is not answered; it comes again */
		goto out;
	}
	txn_own(rig.txns, rig.request, rig_on_event, &rig, 1);
	rig_receive(&rig, &from, REQUEST("CANCEL", "z9hG4bKx1", ""));
	err = txn_reply_code(rig.txns, rig.request, 487);
	if (err)
		goto out;
	rig_receive(&rig, &from, REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	if (strcmp(rig_told(&rig), "0 request 5; 0 cancelled 1; 0 acked 1"))
		err = EPROTO;
	else if (rig.sentc != 2)
		err = ENOMEM; /* 200 to the CANCEL is missing */

out:
	rig_close(&rig);
	return err;
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_response_is_made_of_the_requests_own_head),
		TEST(a_100_has_no_tag_and_a_refusal_no_record_route),
		TEST(a_tag_that_is_there_stays),
		TEST(ipv6_is_received_without_brackets),
		TEST(a_response_goes_where_the_gateway_wants_it),
		TEST(what_cannot_be_sent_changes_nothing),
		TEST(a_copy_of_an_invite_gets_what_was_sent_last),
		TEST(a_2xx_is_resent_until_its_ack),
		TEST(a_2xx_without_ack_is_told_after_the_request_timeout),
		TEST(the_list_is_the_one_that_was_set),
		TEST(a_refusal_is_resent_until_its_ack),
		TEST(over_a_stream_nothing_is_resent_or_kept),
		TEST(another_request_is_answered_again_when_it_comes_again),
		TEST(what_its_user_forgets_ends_all_the_same),
		TEST(an_ignored_request_gets_nothing_whatever_follows),
		TEST(another_sent_by_or_method_is_another_transaction),
		TEST(a_peer_of_rfc2543_is_known_by_all_it_says),
		TEST(a_merged_request_is_refused_while_the_first_is_known),
		TEST(an_ack_that_matches_nothing_is_the_users),
		TEST(a_cancel_is_answered_and_told_once),
		TEST(a_cancel_after_the_final_has_no_effect),
		TEST(a_cancel_that_matches_nothing_is_a_request),
		TEST(a_handler_may_reply_to_the_cancel_it_is_told_of),
		TEST(a_reliable_provisional_is_resent_until_its_prack),
		TEST(one_without_prack_is_told_and_the_call_can_be_refused),
		TEST(a_second_reliable_one_begins_its_own_list),
		TEST(a_response_that_did_not_arrive_is_told),
		TEST(a_response_that_cannot_be_sent_is_told_later),
		TEST(a_successor_goes_on_with_the_same_words),
		TEST(a_successor_knows_a_peer_of_rfc2543),
		TEST(what_is_no_head_is_not_adopted),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(an_invite_is_refused_and_acked),
	};

	return T_MAIN(tests, scenarios);
}
