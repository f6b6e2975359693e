/**
 * @file test/unit/sipd/test_exchange.c  Offers that are open go on in a
 * successor
 */
#include "test/support/t.h"
#include "test/unit/sipd/call_plot.h"

#define SDP_B2 PLAY_SDP_OF("9", "2", "6002")


static void an_offer_that_is_accepted(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED, A_OFFERS("INVITE", PLAY_SDP2), RUN(100),
			   B("INVITE", 100), RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 200, "", SDP_B2),
			   RUN(100), A("ACK", 2), RUN(100), BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_offer_that_is_refused(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED, A_OFFERS("INVITE", PLAY_SDP2), RUN(100),
			   B("INVITE", 100), RUN(100), B("INVITE", 488), A_NO,
			   RUN(100), BYE_OF_A, RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_offer_that_is_cancelled(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED,
			   A_OFFERS("INVITE", PLAY_SDP2),
			   RUN(100),
			   B("INVITE", 180),
			   RUN(100),
			   { .op = OP_A_QUITS },
			   A_NO,
			   B("CANCEL", 200),
			   B("INVITE", 487),
			   RUN(100),
			   BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_offer_of_the_gateway(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED,
			   B_ASKS("INVITE", SDP_B2),
			   RUN(100),
			   A_SAYS("INVITE", 100, ""),
			   RUN(100),
			   A_SAYS("INVITE", 200, PLAY_SDP2),
			   RUN(100),
			   { .op = OP_B_ACKS },
			   RUN(100),
			   BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


/* An answer to it is not ACKed: the caller repeats itself. */
static void an_offer_in_an_update(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED,
			   A_OFFERS("UPDATE", PLAY_SDP2),
			   RUN(100),
			   B_SAYS(CALL_RIG_B1, "UPDATE", 200, "", SDP_B2),
			   RUN(100),
			   { .op = OP_A,
			     .method = "UPDATE",
			     .ms = 2,
			     .heads = "",
			     .sdp = PLAY_SDP2 },
			   RUN(100),
			   BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void a_reinvite_without_an_offer(void **state)
{
	static const struct plot plot = {
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED,
			   A_OFFERS("INVITE", ""),
			   RUN(100),
			   B("INVITE", 100),
			   RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 200, "", SDP_B2),
			   RUN(100),
			   { .op = OP_A,
			     .method = "ACK",
			     .ms = 2,
			     .heads = "",
			     .sdp = PLAY_SDP2 },
			   RUN(100),
			   BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


static void an_offer_through_the_relay(void **state)
{
	static const struct plot plot = {
		.media = CALL_RIG_RELAY,
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED, A_OFFERS("INVITE", PLAY_SDP2), RUN(100),
			   B("INVITE", 100), RUN(100),
			   B_SAYS(CALL_RIG_B1, "INVITE", 200, "", SDP_B2),
			   RUN(100), A("ACK", 2), RUN(100), BYE_OF_A,
			   RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


/* Its caller hears BYE, whatever becomes of the 487. */
static void an_offer_that_is_open_when_the_call_ends(void **state)
{
	static const struct plot plot = {
		.is_timed = true,
		.reason = END_NORMAL_RELEASE,
		.steps = { ANSWERED, A_OFFERS("INVITE", PLAY_SDP2), RUN(100),
			   B("INVITE", 100), RUN(100), B_ASKS("BYE", ""),
			   RUN(100), A_NO, A_SAYS("BYE", 200, ""), RUN(100) },
	};

	(void)state;
	plot_check(&plot);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_that_is_accepted),
		cmocka_unit_test(an_offer_that_is_refused),
		cmocka_unit_test(an_offer_that_is_cancelled),
		cmocka_unit_test(an_offer_of_the_gateway),
		cmocka_unit_test(an_offer_in_an_update),
		cmocka_unit_test(a_reinvite_without_an_offer),
		cmocka_unit_test(an_offer_through_the_relay),
		cmocka_unit_test(an_offer_that_is_open_when_the_call_ends),
	};

	return T_MAIN_ONLY(tests);
}
