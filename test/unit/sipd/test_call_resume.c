/**
 * @file test/unit/sipd/test_call_resume.c  Set-ups go on in a successor
 */
#include "test/support/t.h"
#include "test/unit/sipd/call_plot.h"


static void a_call_that_rings_and_is_answered(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100), B("INVITE", 100), RUN(100),
			   B("INVITE", 180), RUN(100), INVITE(""),
			   B_SDP("INVITE", 200), A("ACK", 1), RUN(100),
			   BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void early_media_that_is_acknowledged(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 183, RELIABLE,
				  PLAY_SDPB),
			   B("PRACK", 200), RUN(100), B_SDP("INVITE", 200),
			   A("ACK", 1), RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_caller_that_acknowledges(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE("Require: 100rel\r\n"), RUN(100),
			   B("INVITE", 180), RUN(100), PRACK, RUN(100),
			   B_SDP("INVITE", 183), PRACK, B_SDP("INVITE", 200),
			   A("ACK", 1), RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_answer_that_waits_for_a_prack(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE("Require: 100rel\r\n"), RUN(100),
			   B_SDP("INVITE", 183), B_SDP("INVITE", 200),
			   RUN(100), PRACK, A("ACK", 1), RUN(100), BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


/* Copies at 0.5 and 1.5 s: at their times, whoever sends them */
static void an_answer_is_repeated_until_its_ack(void **state)
{
	static const struct plot plot = {
		.is_timed = true,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100), B_SDP("INVITE", 200),
			   RUN(300), RUN(400), RUN(700), RUN(300), A("ACK", 1),
			   RUN(3000), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_answer_without_ack_ends_the_call(void **state)
{
	static const struct plot plot = {
		.is_timed = true,
		.reason = END_SESSION_TIMEOUT,
		.steps = { INVITE(""), RUN(100), B_SDP("INVITE", 200),
			   RUN(2000), RUN(400), RUN(200), B("BYE", 200),
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_gateway_that_refuses_and_the_next(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100), B("INVITE", 100), RUN(100),
			   B("INVITE", 503), RUN(100),
			   B_SAYS(CALL_RIG_B2, "INVITE", 180, "", ""),
			   RUN(100),
			   B_SAYS(CALL_RIG_B2, "INVITE", 200, "", PLAY_SDPB),
			   A("ACK", 1), RUN(100), A("BYE", 0),
			   B_SAYS(CALL_RIG_B2, "BYE", 200, "", ""), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


/* T1 2 s, and copies of the INVITE before */
static void a_gateway_that_says_nothing_and_the_next(void **state)
{
	static const struct plot plot = {
		.is_timed = true,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(300), RUN(400), RUN(900), RUN(600),
			   B_SAYS(CALL_RIG_B2, "INVITE", 200, "", PLAY_SDPB),
			   A("ACK", 1), RUN(100), A("BYE", 0),
			   B_SAYS(CALL_RIG_B2, "BYE", 200, "", ""), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void all_gateways_refuse(void **state)
{
	static const struct plot plot = {
		.reason = END_CALLEE_BUSY,
		.steps = { INVITE(""), RUN(100), B("INVITE", 503), RUN(100),
			   B_SAYS(CALL_RIG_B2, "INVITE", 486, "", ""), ACK_NO,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_call_that_is_cancelled(void **state)
{
	static const struct plot plot = {
		.reason = END_CALLER_CANCEL,
		.steps = { INVITE(""), RUN(100), B("INVITE", 180), RUN(100),
			   A("CANCEL", 1), ACK_NO, B("CANCEL", 200),
			   B("INVITE", 487), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void one_that_is_cancelled_before_anything_came(void **state)
{
	static const struct plot plot = {
		.reason = END_CALLER_CANCEL,
		.steps = { INVITE(""), RUN(100), A("CANCEL", 1), ACK_NO,
			   RUN(100), B("INVITE", 100), B("CANCEL", 200),
			   B("INVITE", 487), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_interval_that_is_raised(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE("Supported: timer\r\n"), RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 422,
				  "Min-SE: 1800\r\n", ""),
			   RUN(100), B("INVITE", 180), B_SDP("INVITE", 200),
			   A("ACK", 1), RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_redirect_that_is_followed(void **state)
{
	static const struct plot plot = {
		.number = "3434",
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 302,
				  "Contact: <sip:3999@192.0.2.11>\r\n", ""),
			   RUN(100), B_SDP("INVITE", 200), A("ACK", 1),
			   RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_call_through_the_relay(void **state)
{
	static const struct plot plot = {
		.media = CALL_RIG_RELAY,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100), B_SDP("INVITE", 183),
			   RUN(100), B_SDP("INVITE", 200), RUN(100),
			   A("ACK", 1), RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_tone_of_ours(void **state)
{
	static const struct plot plot = {
		.number = "5656",
		.media = CALL_RIG_RELAY,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100), B("INVITE", 180), RUN(100),
			   B_SDP("INVITE", 200), RUN(100), A("ACK", 1),
			   RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_call_without_an_offer(void **state)
{
	static const struct plot plot = {
		.reason = END_CALLER_CANCEL,
		.steps = { { .op = OP_INVITE, .heads = "", .sdp = "" },
			   RUN(100),
			   B_SDP("INVITE", 183),
			   RUN(100),
			   B("INVITE", 180),
			   A("CANCEL", 1),
			   ACK_NO,
			   B("CANCEL", 200),
			   B("INVITE", 487),
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_device_that_is_slower(void **state)
{
	static const struct plot plot = {
		.number = "7001",
		.devices = 2,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100),
			   B_SAYS(ONE, "INVITE", 180, "", ""), RUN(100),
			   B_SAYS(TWO, "INVITE", 180, "", ""), RUN(100),
			   B_SAYS(TWO, "INVITE", 200, "", PLAY_SDPB),
			   B_SAYS(ONE, "CANCEL", 200, "", ""),
			   B_SAYS(ONE, "INVITE", 487, "", ""), A("ACK", 1),
			   RUN(100), A("BYE", 0), B("BYE", 200), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void two_devices_that_ring(void **state)
{
	static const struct plot plot = {
		.number = "7001",
		.devices = 2,
		.reason = END_NORMAL_RELEASE,
		.steps = { INVITE(""), RUN(100),
			   B_SAYS(ONE, "INVITE", 180, "", ""), RUN(100),
			   B_SAYS(TWO, "INVITE", 180, "", ""), RUN(100),
			   B_SAYS(ONE, "INVITE", 486, "", ""), RUN(100),
			   B_SAYS(TWO, "INVITE", 200, "", PLAY_SDPB),
			   A("ACK", 1), RUN(100), A("BYE", 0), B("BYE", 200),
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_rings_and_is_answered),
		cmocka_unit_test(early_media_that_is_acknowledged),
		cmocka_unit_test(a_caller_that_acknowledges),
		cmocka_unit_test(an_answer_that_waits_for_a_prack),
		cmocka_unit_test(an_answer_is_repeated_until_its_ack),
		cmocka_unit_test(an_answer_without_ack_ends_the_call),
		cmocka_unit_test(a_gateway_that_refuses_and_the_next),
		cmocka_unit_test(a_gateway_that_says_nothing_and_the_next),
		cmocka_unit_test(all_gateways_refuse),
		cmocka_unit_test(a_call_that_is_cancelled),
		cmocka_unit_test(one_that_is_cancelled_before_anything_came),
		cmocka_unit_test(an_interval_that_is_raised),
		cmocka_unit_test(a_redirect_that_is_followed),
		cmocka_unit_test(a_call_through_the_relay),
		cmocka_unit_test(a_tone_of_ours),
		cmocka_unit_test(a_call_without_an_offer),
		cmocka_unit_test(a_device_that_is_slower),
		cmocka_unit_test(two_devices_that_ring),
	};

	return T_MAIN_ONLY(tests);
}
