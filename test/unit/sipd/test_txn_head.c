/**
 * @file test/unit/sipd/test_txn_head.c  What a response is made of, where it
 * goes, and what a successor needs of it
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "test/support/t.h"
#include "test/unit/sipd/txn_rig.h"


/* --- what a response is --------------------------------------------------- */

static void a_response_is_made_of_the_requests_own_head(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);
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
		    "CSeq: 5 INVITE\r\n" RIG_LINES "\r\n");
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

	rig_peer(rig, "INVITE sip:2@b SIP/2.0\r\n"
		      "Via: SIP/2.0/UDP pc.a;branch=z9hG4bKx1\r\n"
		      "Record-Route: <sip:r1;lr>\r\n"
		      "To: <sip:2@b>\r\n"
		      "CSeq: 5 INVITE\r\n" RIG_LINES "\r\n");
	rig_reply(rig, rig->request, 100);
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
	rig_reply(rig, rig->request, 180);
	assert_non_null(strstr(rig_last(rig), "Record-Route: <sip:r1;lr>"));
	assert_non_null(strstr(rig_last(rig), "To: <sip:2@b>;tag=m1"));
	rig_reply(rig, rig->request, 404);
	assert_null(strstr(rig_last(rig), "Record-Route"));
	assert_non_null(strstr(rig_last(rig), "To: <sip:2@b>;tag=m1"));
}


static void a_tag_that_is_there_stays(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, RIG_REQUEST("BYE", "z9hG4bKx9", ";tag=t"));
	assert_string_equal(txn_local_tag(rig->txns, rig->request), "");
	rig_reply(rig, rig->request, 200);
	assert_non_null(strstr(rig_last(rig), "\r\nTo: <sip:2@b>;tag=t\r\n"));
}


static void ipv6_is_received_without_brackets(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow("[2001:db8::1]:5062", TRANSPORT_UDP);

	rig_receive(rig, &from, RIG_INVITE);
	rig_reply(rig, rig->request, 100);
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
		{ TXN_REPLY_SOCKET, TRANSPORT_UDP, "192.0.2.8:5070",
		  RIG_PEER },
		{ TXN_REPLY_VIA_PORT, TRANSPORT_UDP, "192.0.2.8:5070",
		  "192.0.2.7:5070" },
		{ TXN_REPLY_VIA_PORT, TRANSPORT_UDP, "192.0.2.8",
		  "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "192.0.2.8:5070",
		  "192.0.2.8:5070" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "pc.a", "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_UDP, "[2001:db8::1]",
		  "192.0.2.7:5060" },
		{ TXN_REPLY_VIA, TRANSPORT_TCP, "192.0.2.8:5070", RIG_PEER },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig *rig = *state;
		const struct flow from = rig_flow(RIG_PEER, rows[i].transport);
		char text[ADDR_TEXT_MAX];

		rig_receivef(rig, &from,
			     "INVITE sip:2@b SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP %s;branch=z9hG4bK%zu\r\n"
			     "To: <sip:2@b>;tag=t\r\n"
			     "CSeq: 5 INVITE\r\n" RIG_LINES "\r\n",
			     rows[i].via, i);
		txn_reply_to(rig->txns, rig->request, rows[i].how);
		rig_reply(rig, rig->request, 100);
		assert_string_equal(addr_print(&rig->sent[i].to.remote, text),
				    rows[i].to);
	}
}


/* --- successor ------------------------------------------------------------ */

static void hand_over(struct rig *rig, const char *first)
{
	char head[RIG_BYTES_MAX], tag[TXN_TAG_SIZE], before[RIG_BYTES_MAX];
	struct flow flow;
	txn_id id;

	rig_peer(rig, first);
	rig_reply(rig, rig->request, 180);
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
	rig_peer(rig, first);
	assert_string_equal(rig_told(rig), "");
	rig_reply(rig, id, 180);
	assert_string_equal(rig_last(rig), before);
	rig_reply(rig, id, 486);
	assert_string_equal(rig_told(rig), "");
}


static void a_successor_goes_on_with_the_same_words(void **state)
{
	struct rig *rig = *state;

	hand_over(rig, RIG_INVITE);
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "0 acked 43");
}


static void a_successor_knows_a_peer_of_rfc2543(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);

	hand_over(rig, RIG_OLD("INVITE", "sip:2@b", ""));
	rig_receivef(rig, &from,
		     "ACK sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=1\r\n"
		     "To: %s\r\n"
		     "CSeq: 5 ACK\r\n" RIG_LINES "\r\n",
		     "<sip:2@b>;tag=none");
	assert_string_equal(rig_told(rig), "0 ack 5");
}


static void what_is_no_head_is_not_adopted(void **state)
{
	struct rig *rig = *state;
	const struct flow flow = rig_flow(RIG_PEER, TRANSPORT_UDP);
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


#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_response_is_made_of_the_requests_own_head),
		TEST(a_100_has_no_tag_and_a_refusal_no_record_route),
		TEST(a_tag_that_is_there_stays),
		TEST(ipv6_is_received_without_brackets),
		TEST(a_response_goes_where_the_gateway_wants_it),
		TEST(a_successor_goes_on_with_the_same_words),
		TEST(a_successor_knows_a_peer_of_rfc2543),
		TEST(what_is_no_head_is_not_adopted),
	};

	return T_MAIN_ONLY(tests);
}
