/**
 * @file test/unit/sipd/test_txn_server.c  Server transactions: every copy and
 * every word, to the millisecond
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/compose.h"
#include "sipd/sdpedit.h"
#include "test/support/failmalloc.h"
#include "test/support/t.h"
#include "test/unit/sipd/txn_rig.h"

static void what_cannot_be_sent_changes_nothing(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);
	static char huge[MESSAGE_BYTES_MAX];
	struct txn_reply r = { .code = 200, .body = { huge, sizeof(huge) } };

	assert_int_equal(txn_reply(rig->txns, id, &r), EMSGSIZE);
	assert_int_equal(txn_reply_code(rig->txns, id, 99), EINVAL);
	assert_int_equal(txn_reply_code(rig->txns, id, 700), EINVAL);
	assert_int_equal(txn_reply_code(rig->txns, 0, 200), ENOENT);
	assert_int_equal(rig->sentc, 0);
	rig_reply(rig, id, 486);
	assert_int_equal(txn_reply_code(rig->txns, id, 200), ENOENT);
	assert_int_equal(txn_reply_code(rig->txns, id, 180), ENOENT);
	assert_int_equal(rig->sentc, 1);
}


/* An INVITE with so many bytes of Via lines, as it comes */
static void invite_by(struct rig *rig, size_t bytes)
{
	static char data[MESSAGE_BYTES_MAX], line[1024];
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);
	static struct message m;
	struct compose c;

	memset(line, 'x', sizeof(line) - 1);
	compose_init(&c, data, sizeof(data));
	compose_put(&c, "INVITE sip:2@b SIP/2.0\r\n"
			"Via: SIP/2.0/UDP pc.a:5061;branch=z9hG4bKx1\r\n");
	while (bytes > 0) {
		const size_t l = bytes < 1000 ? bytes : 1000;

		compose_put(&c, "v: SIP/2.0/UDP x;branch=");
		compose_bytes(&c, line, l);
		compose_put(&c, "\r\n");
		bytes -= l;
	}
	compose_put(&c,
		    "To: <sip:2@b>\r\nCSeq: 5 INVITE\r\n" RIG_LINES "\r\n");
	assert_false(c.is_full);
	assert_int_equal(message_parse(&m, data, c.len, false), MESSAGE_OK);
	txn_receive(rig->txns, &m, &from);
}


static void what_is_taken_can_be_answered_and_the_rest_gets_513(void **state)
{
	struct rig *rig = *state;
	static char sdp[SDP_BYTES_MAX], heads[2048];
	struct txn_reply r = { .code = 200 };

	memset(sdp, 's', sizeof(sdp));
	memset(heads, 'h', sizeof(heads));
	r.body = (struct text){ sdp, sizeof(sdp) };
	r.heads = (struct text){ heads, sizeof(heads) };
	rig->is_cut = true;
	invite_by(rig, 60000);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(rig->sentc, 1);
	assert_memory_equal(rig->sent[0].data, "SIP/2.0 513 ", 12);
	assert_int_equal(txn_count(rig->txns), 0);

	/* the longest that is taken */
	for (size_t bytes = 32000; !rig->request; bytes -= 20)
		invite_by(rig, bytes);
	assert_int_equal(txn_reply(rig->txns, rig->request, &r), 0);
	assert_true(rig->sent[rig->sentc - 1].len > 50000);
	assert_memory_equal(rig->sent[rig->sentc - 1].data, "SIP/2.0 200 ",
			    12);
}


/* --- copies --------------------------------------------------------------- */

static void a_copy_of_an_invite_gets_what_was_sent_last(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig_peer(rig, RIG_INVITE);
	assert_int_equal(rig->sentc, 0);
	rig_reply(rig, id, 100);
	rig_peer(rig, RIG_INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 100"), "0 0");
	rig_reply(rig, id, 180);
	rig_run(rig, 500);
	rig_peer(rig, RIG_INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"), "0 500");
	assert_string_equal(rig_told(rig), "");
}


static bool knows(struct rig *rig, const char *request)
{
	static struct message m;
	char data[1024];
	const size_t len = strlen(request);

	assert_true(len < sizeof(data));
	memcpy(data, request, len);
	assert_int_equal(message_parse(&m, data, len, false), 0);

	return txn_knows(rig->txns, &m);
}


static void a_copy_is_known_before_it_is_received(void **state)
{
	struct rig *rig = *state;
	txn_id id;

	assert_false(knows(rig, RIG_INVITE));
	id = rig_invited(rig);
	assert_true(knows(rig, RIG_INVITE));
	assert_false(knows(rig, RIG_REQUEST("INVITE", "z9hG4bKx2", "")));
	assert_false(knows(rig, RIG_OLD("INVITE", "sip:2@b", "")));
	rig_reply(rig, id, 486);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_true(knows(rig, RIG_INVITE));
	assert_int_equal(rig->sentc, 1);
}


static void a_2xx_is_resent_until_its_ack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig_reply(rig, id, 200);
	rig_run(rig, 2000);
	rig_peer(rig, RIG_INVITE);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx2", ";tag=m1"));
	txn_acked(rig->txns, id);
	assert_int_equal(txn_count(rig->txns), 0);
	rig_run(rig, 33499);
	rig_peer(rig, RIG_INVITE);
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 500 1500");
	assert_string_equal(rig_told(rig), "2000 ack 5");
	assert_true(knows(rig, RIG_INVITE));
	rig_run(rig, 1);
	assert_false(knows(rig, RIG_INVITE));
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_2xx_without_ack_is_told_after_the_request_timeout(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig_reply(rig, id, 200);
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
	const txn_id id = rig_invited(rig);
	const struct txn_resend two = { .waits_ms = { 300, 600 }, .count = 2 };
	const struct txn_resend wild = { .waits_ms = { 1 }, .count = 999 };

	txn_resend_set(rig->txns, id, &wild); /* its count is cut */
	txn_resend_set(rig->txns, id, &two);
	rig_reply(rig, id, 503);
	rig_run(rig, 5000);
	assert_string_equal(rig_times(rig, "SIP/2.0 503"), "0 300 900");
	assert_string_equal(rig_told(rig), "1500 unacked 42");
}


static void a_refusal_is_resent_until_its_ack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig_reply(rig, id, 486);
	rig_run(rig, 600);
	rig_peer(rig, RIG_INVITE);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "600 acked 42");
	rig_run(rig, 1000);
	rig_peer(rig, RIG_INVITE);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
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
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_TLS);

	rig_receive(rig, &from, RIG_INVITE);
	rig_reply(rig, rig->request, 200);
	txn_own(rig->txns, rig->request, rig_on_event, rig, 1);
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0"), "0");
	assert_string_equal(rig_told(rig), "0 request 5; 35500 unacked 1");

	rig_receive(rig, &from, RIG_INVITE);
	rig_reply(rig, rig->request, 404);
	rig_receive(rig, &from, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_receive(rig, &from, RIG_REQUEST("OPTIONS", "z9hG4bKx2", ""));
	rig_reply(rig, rig->request, 200);
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void another_request_is_answered_again_when_it_comes_again(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, RIG_REQUEST("OPTIONS", "z9hG4bKx3", ""));
	rig_peer(rig, RIG_REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_int_equal(rig->sentc, 0);
	rig_reply(rig, rig->request, 100);
	rig_peer(rig, RIG_REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 100"), "0 0");
	rig_reply(rig, rig->request, 200);
	rig_run(rig, 35499);
	rig_peer(rig, RIG_REQUEST("OPTIONS", "z9hG4bKx3", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 35499");
	rig_run(rig, 1);
	assert_int_equal(txn_count(rig->txns), 0); /* Timer J */
	assert_string_equal(rig_told(rig), "0 request 5");
}


static void what_its_user_forgets_ends_all_the_same(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, RIG_REQUEST("OPTIONS", "z9hG4bKx3", ""));
	rig_run(rig, 35500);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void an_ignored_request_gets_nothing_whatever_follows(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	txn_ignore(rig->txns, id);
	rig_peer(rig, RIG_INVITE);
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_peer(rig, RIG_REQUEST("INVITE", "z9hG4bKother", ""));
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
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);
	static const char *const hosts[] = { "pc.a:5061", "pc.a:5062", "pc.a",
					     "pc.b:5061" };

	for (size_t i = 0; i < COUNT_OF(hosts); i++)
		rig_receivef(rig, &from,
			     "BYE sip:2@b SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP %s;branch=z9hG4bKx\r\n"
			     "To: <sip:2@b>;tag=t\r\n"
			     "CSeq: %zu BYE\r\n" RIG_LINES "\r\n",
			     hosts[i], i);
	assert_string_equal(
		rig_told(rig),
		"0 request 0; 0 request 1; 0 request 2; 0 request 3");
	/* The name's case, and the port that is the default, are the same. */
	rig_peer(rig, "BYE sip:2@b SIP/2.0\r\n"
		      "Via: SIP/2.0/UDP PC.A:5060;branch=z9hG4bKx\r\n"
		      "To: <sip:2@b>;tag=t\r\n"
		      "CSeq: 2 BYE\r\n" RIG_LINES "\r\n");
	assert_string_equal(rig_told(rig), "");
	rig_peer(rig, "INFO sip:2@b SIP/2.0\r\n"
		      "Via: SIP/2.0/UDP pc.a;branch=z9hG4bKx\r\n"
		      "To: <sip:2@b>;tag=t\r\n"
		      "CSeq: 2 INFO\r\n" RIG_LINES "\r\n");
	assert_string_equal(rig_told(rig), "0 request 2");
}

static void a_peer_of_rfc2543_is_known_by_all_it_says(void **state)
{
	struct rig *rig = *state;
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);

	rig_peer(rig, RIG_OLD("INVITE", "sip:2@b", ""));
	txn_own(rig->txns, rig->request, rig_on_event, rig, 42);
	rig_peer(rig, RIG_OLD("INVITE", "sip:2@b", ""));
	rig_peer(rig, RIG_OLD("CANCEL", "sip:2@b", ""));
	assert_string_equal(rig_told(rig), "0 request 5; 0 cancelled 42");
	rig_reply(rig, rig->request, 487);
	rig_peer(rig, RIG_OLD("ACK", "sip:2@b", ";tag=wrong"));
	assert_string_equal(rig_told(rig), "0 ack 5");
	rig_receivef(rig, &from,
		     "ACK sip:2@b SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP pc.a;branch=1\r\n"
		     "To: <sip:2@b>;tag=%s\r\n"
		     "CSeq: 5 ACK\r\n" RIG_LINES "\r\n",
		     txn_local_tag(rig->txns, rig->request));
	assert_string_equal(rig_told(rig), "0 acked 42");

	/* Another Request-URI, or To tag: another transaction */
	rig_peer(rig, RIG_OLD("INVITE", "sip:3@b", ";tag=t"));
	rig_peer(rig, RIG_OLD("INVITE", "sip:2@b", ";tag=t"));
	assert_string_equal(rig_told(rig), "0 request 5; 0 request 5");
}


/* RFC 3261 8.2.2.2 */
static void a_merged_request_is_refused_while_the_first_is_known(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig_peer(rig, RIG_REQUEST("INVITE", "z9hG4bKx2", ""));
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx2", ";tag=x"));
	rig_peer(rig, RIG_REQUEST("INVITE", "z9hG4bKx3", ";tag=t"));
	assert_string_equal(rig_times(rig, "SIP/2.0 482"), "0");
	assert_string_equal(rig_told(rig), "0 request 5");
	txn_ignore(rig->txns, rig->request);
	rig_reply(rig, id, 404);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "0 acked 42");
	assert_int_equal(txn_count(rig->txns), 0);
	rig_peer(rig, RIG_REQUEST("INVITE", "z9hG4bKx2", ""));
	assert_string_equal(rig_told(rig), "36000 request 5");
}


/* RFC 3261 8.2.7 */
static void what_is_answered_without_a_transaction_has_one_tag(void **state)
{
	static char text[] = RIG_REQUEST("REGISTER", "z9hG4bKx1", "");
	struct rig *rig = *state;
	const struct flow from = rig_flow(RIG_PEER, TRANSPORT_UDP);
	struct message m;
	char first[RIG_BYTES_MAX];

	assert_int_equal(message_parse(&m, text, strlen(text), false),
			 MESSAGE_OK);
	assert_int_equal(txn_answer(rig->txns, &m, &from, 401,
				    text_of("WWW-Authenticate: x\r\n")),
			 0);
	assert_int_equal(text_copy(first, sizeof(first),
				   text_of(rig_last(rig))),
			 0);
	assert_non_null(strstr(first, "SIP/2.0 401 "));
	assert_non_null(strstr(first, ";received=192.0.2.7;rport=5062\r\n"));
	assert_non_null(strstr(first, "To: <sip:2@b>;tag="));
	assert_non_null(strstr(first, "\r\nWWW-Authenticate: x\r\n"));
	assert_int_equal(txn_answer(rig->txns, &m, &from, 401,
				    text_of("WWW-Authenticate: x\r\n")),
			 0);
	assert_string_equal(rig_last(rig), first);
	assert_int_equal(txn_count(rig->txns), 0);
}


static void an_ack_that_matches_nothing_is_the_users(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx7", ";tag=x"));
	assert_string_equal(rig_told(rig), "0 ack 5");
	assert_int_equal(txn_count(rig->txns), 0);
}


/* --- CANCEL --------------------------------------------------------------- */

static void a_cancel_is_answered_and_told_once(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);
	char to[64];

	rig_reply(rig, id, 180);
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_non_null(strstr(rig_last(rig), "CSeq: 5 CANCEL\r\n"));
	(void)text_print(to, sizeof(to), "To: <sip:2@b>;tag=%s\r\n",
			 txn_local_tag(rig->txns, id));
	assert_non_null(strstr(rig_last(rig), to));
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0 0");
	assert_string_equal(rig_told(rig), "0 cancelled 42");
	rig_reply(rig, id, 487);
	assert_non_null(strstr(rig_last(rig), "CSeq: 5 INVITE\r\n"));
}


static void a_cancel_after_the_final_has_no_effect(void **state)
{
	static const unsigned codes[] = { 200, 486 };

	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct rig *rig = *state;
		const txn_id id = rig_invited(rig);

		rig_reply(rig, id, codes[i]);
		(void)rig_times(rig, "");
		rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
		assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
		assert_string_equal(rig_told(rig), "");
		rig_close(rig);
		assert_int_equal(rig_open(rig), 0);
	}
}


static void a_cancel_that_matches_nothing_is_a_request(void **state)
{
	struct rig *rig = *state;

	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_told(rig), "0 request 5");
	rig_reply(rig, rig->request, 481);
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 481"), "0 0");
}


static void refuse_487(struct rig *rig, txn_id txn)
{
	rig->hook = NULL;
	rig_reply(rig, txn, 487);
}


static void a_handler_may_reply_to_the_cancel_it_is_told_of(void **state)
{
	struct rig *rig = *state;

	(void)rig_invited(rig);
	rig->hook = refuse_487;
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	assert_string_equal(rig_times(rig, "SIP/2.0 487"), "0");
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "0 cancelled 42; 35500 unacked 42");
}


/* --- reliable provisionals ------------------------------------------------ */

static void a_reliable_provisional_is_resent_until_its_prack(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);
	const struct txn_reply ringing = {
		.code = 180,
		.heads = text_of("Require: 100rel\r\nRSeq: 1\r\n"),
		.is_reliable = true,
	};

	rig_reply(rig, id, 100);
	assert_int_equal(txn_reply(rig->txns, id, &ringing), 0);
	rig_run(rig, 2000);
	rig_reply(rig, id, 183); /* not reliable: goes by */
	rig_peer(rig, RIG_INVITE);
	assert_int_equal(strncmp(rig_last(rig), "SIP/2.0 180", 11), 0);
	txn_pracked(rig->txns, id);
	rig_run(rig, 40000);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"), "0 500 1500 2000");
	rig_reply(rig, id, 200);
	txn_acked(rig->txns, id);
	assert_string_equal(rig_told(rig), "");
}


static void one_without_prack_is_told_and_the_call_can_be_refused(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);
	const struct txn_reply ringing = { .code = 180, .is_reliable = true };

	assert_int_equal(txn_reply(rig->txns, id, &ringing), 0);
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0 180"),
			    "0 500 1500 3500 7500 11500 15500 19500 23500 "
			    "27500 31500");
	assert_string_equal(rig_told(rig), "35500 unpracked 42");
	rig_reply(rig, id, 504);
	rig_peer(rig, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	assert_string_equal(rig_told(rig), "36000 acked 42");
}


static void a_second_reliable_one_begins_its_own_list(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);
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
	const txn_id id = rig_invited(rig);
	const struct flow to = rig_flow(RIG_PEER, TRANSPORT_UDP);

	rig_reply(rig, id, 180);
	txn_fail(rig->txns, &to, ECONNREFUSED);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "1 broken 42");
	rig_peer(rig, RIG_INVITE);
	rig_run(rig, 36000);
	assert_string_equal(rig_told(rig), "");
	assert_int_equal(txn_count(rig->txns), 0);
}


static void a_response_that_cannot_be_sent_is_told_later(void **state)
{
	struct rig *rig = *state;
	const txn_id id = rig_invited(rig);

	rig->send_err = ENOTCONN;
	rig_reply(rig, id, 200);
	assert_string_equal(rig_told(rig), "");
	rig_run(rig, 1);
	assert_string_equal(rig_told(rig), "1 broken 42");
	assert_int_equal(txn_reply_code(rig->txns, id, 200), ENOENT);
}


/* --- memory --------------------------------------------------------------- */

/* One call's messages on the server's side, and all their time */
static void serve(struct rig *rig)
{
	const struct txn_reply answer = { .code = 183,
					  .body = text_of("v=0\n") };

	rig_peer(rig, RIG_INVITE);
	rig_reply(rig, rig->request, 100);
	assert_int_equal(txn_reply(rig->txns, rig->request, &answer), 0);
	rig_peer(rig, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	rig_peer(rig, RIG_REQUEST("INVITE", "z9hG4bKx2", ""));
	rig_reply(rig, rig->request, 487);
	rig_run(rig, 36000);
	assert_int_equal(txn_count(rig->txns), 0);
	(void)rig_told(rig);
	(void)rig_times(rig, "");
}


static void what_was_served_once_needs_no_more_memory(void **state)
{
	struct rig *rig = *state;

	serve(rig);
	failmalloc_begin(1);
	serve(rig);
	assert_false(failmalloc_end());
}


static void a_final_that_cannot_be_kept_is_sent_once(void **state)
{
	struct rig *rig = *state;
	static char sdp[SDP_BYTES_MAX];
	struct txn_reply r = { .code = 183, .body = { sdp, sizeof(sdp) } };
	const txn_id id = rig_invited(rig);

	rig->is_cut = true;
	failmalloc_begin(1);
	assert_int_equal(txn_reply(rig->txns, id, &r), ENOMEM);
	assert_true(failmalloc_end());
	assert_int_equal(rig->sentc, 0);
	r.code = 200;
	failmalloc_begin(1);
	assert_int_equal(txn_reply(rig->txns, id, &r), 0);
	assert_true(failmalloc_end());
	rig_run(rig, 36000);
	assert_string_equal(rig_times(rig, "SIP/2.0 200"), "0");
	assert_string_equal(rig_told(rig), "35500 unacked 42");
	assert_int_equal(txn_count(rig->txns), 0);
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
	rig_receive(&rig, &from, RIG_INVITE);
	if (!rig.request) {
		err = ENOMEM; /* it is not answered; it comes again */
		goto out;
	}
	txn_own(rig.txns, rig.request, rig_on_event, &rig, 1);
	rig_receive(&rig, &from, RIG_REQUEST("CANCEL", "z9hG4bKx1", ""));
	err = txn_reply_code(rig.txns, rig.request, 487);
	if (err)
		goto out;
	rig_receive(&rig, &from, RIG_REQUEST("ACK", "z9hG4bKx1", ";tag=m1"));
	if (strcmp(rig_told(&rig), "0 request 5; 0 cancelled 1; 0 acked 1") !=
	    0)
		err = EPROTO;
	else if (rig.sentc != 2)
		err = ENOMEM; /* 200 to the CANCEL is missing */

out:
	rig_close(&rig);
	return err;
}


#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_sent_changes_nothing),
		TEST(what_is_taken_can_be_answered_and_the_rest_gets_513),
		TEST(a_copy_of_an_invite_gets_what_was_sent_last),
		TEST(a_copy_is_known_before_it_is_received),
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
		TEST(what_is_answered_without_a_transaction_has_one_tag),
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
		TEST(what_was_served_once_needs_no_more_memory),
		TEST(a_final_that_cannot_be_kept_is_sent_once),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(an_invite_is_refused_and_acked),
	};

	return T_MAIN(tests, scenarios);
}
