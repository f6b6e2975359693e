/**
 * @file test/unit/sipd/test_wire_order.c  The order of a batch
 */
#include "shared/base/util.h"
#include "sipd/wire_order.h"
#include "test/support/t.h"

#define INVITE  "INVITE sip:a@b SIP/2.0\r\nVia: v\r\n"
#define ACK     "ACK sip:a@b SIP/2.0\r\nVia: v\r\n"
#define BYE     "BYE sip:a@b SIP/2.0\r\nVia: v\r\n"
#define CANCEL  "CANCEL sip:a@b SIP/2.0\r\nVia: v\r\n"
#define RINGING "SIP/2.0 180 Ringing\r\nVia: v\r\n"
#define OK      "SIP/2.0 200 OK\r\nVia: v\r\n"
#define BUSY    "SIP/2.0 486 Busy\r\nVia: v\r\n"
#define TO      "To: <sip:a@b;user=phone>\r\n"
#define TAG     "To: <sip:a@b>;tag=1\r\n"
#define ID(id)  "Call-ID: " id "\r\n"
#define CSEQ(m) "CSeq: 1 " m "\r\n"


/* The order of these, as digits and letters */
static const char *order_of(char dst[WIRE_ORDER_MAX + 1],
			    const char *const all[], size_t count)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ+-";
	struct text messages[WIRE_ORDER_MAX];
	uint8_t order[WIRE_ORDER_MAX];

	for (size_t i = 0; i < count; i++)
		messages[i] = text_of(all[i]);
	wire_order(order, messages, count);
	for (size_t i = 0; i < count; i++)
		dst[i] = digits[order[i]];
	dst[count] = '\0';

	return dst;
}


static void calls_at_the_same_step_come_together(void **state)
{
	static const char *const all[] = {
		OK ID("a") CSEQ("BYE"),
		BYE TAG ID("b") CSEQ("BYE"),
		INVITE TO ID("c") CSEQ("INVITE"),
		BUSY ID("d") CSEQ("INVITE"),
		ACK TAG ID("e") CSEQ("ACK"),
		OK ID("f") CSEQ("INVITE"),
		RINGING ID("g") CSEQ("INVITE"),
		"\r\n\r\n",
		BYE TAG ID("i") CSEQ("BYE"),
		INVITE TO ID("j") CSEQ("INVITE"),
		OK ID("k") CSEQ("OPTIONS"),
		RINGING ID("l") CSEQ("INVITE"),
		"REGISTER sip:b SIP/2.0\r\n" TAG ID("m") CSEQ("REGISTER"),
		OK ID("n") CSEQ("INVITE"),
	};
	char dst[WIRE_ORDER_MAX + 1];
	(void)state;

	assert_string_equal(order_of(dst, all, COUNT_OF(all)),
			    "7ac296b5d34180");
}


static void a_dialog_keeps_its_order(void **state)
{
	static const char *const all[] = {
		BYE ID("x@y") CSEQ("BYE"),
		"ACK sip:a@b SIP/2.0\r\ni:x@y\r\n" CSEQ("ACK"),
		INVITE TO ID("z") CSEQ("INVITE"),
		BUSY ID("x@y") CSEQ("INVITE"),
		"SIP/2.0 180 x\r\ncall-id :\r\n\tx@y\r\n" CSEQ("INVITE"),
		OK ID("z") CSEQ("BYE"),
		RINGING ID("z") CSEQ("INVITE"),
	};
	char dst[WIRE_ORDER_MAX + 1];
	(void)state;

	assert_string_equal(order_of(dst, all, COUNT_OF(all)), "2056134");
}


/* Each alone, between a BYE and an INVITE that would else change places */
static void what_one_leg_says_in_a_call_is_not_overtaken(void **state)
{
	static const char *const those[] = {
		INVITE TAG ID("b") CSEQ("INVITE"),
		"INVITE sip:a@b SIP/2.0\r\nt: <sip:c@d> ; Tag=1\r\n" ID("b")
			CSEQ("INVITE"),
		"UPDATE sip:a@b SIP/2.0\r\n" TAG ID("b") CSEQ("UPDATE"),
		"PRACK sip:a@b SIP/2.0\r\n" TAG ID("b") CSEQ("PRACK"),
		"OPTIONS sip:a@b SIP/2.0\r\n" TO ID("b") CSEQ("OPTIONS"),
		CANCEL TO ID("b") CSEQ("CANCEL"),
		OK ID("b") CSEQ("UPDATE"),
		OK ID("b") CSEQ("CANCEL"),
		"BYE sip:a@b SIP/2.0\r\n\r\n",
		"SIP/2.0 ",
		"INVITE ",
		"INVITE sip:a@b SIP/2.0\r\n" TO ID("b") "Subject: x\r\n",
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(those); i++) {
		const char *const all[] = {
			BYE TAG ID("a") CSEQ("BYE"),
			ACK TAG ID("c") CSEQ("ACK"),
			those[i],
			ACK TAG ID("d") CSEQ("ACK"),
			INVITE TO ID("e") CSEQ("INVITE"),
		};
		char dst[WIRE_ORDER_MAX + 1];

		assert_string_equal(order_of(dst, all, COUNT_OF(all)),
				    "10243");
	}
}


static void each_of_a_full_batch_is_there_once(void **state)
{
	static const char *const kinds[] = {
		OK ID("a") CSEQ("BYE"),           BYE ID("b") CSEQ("BYE"),
		INVITE TO ID("a") CSEQ("INVITE"), ACK ID("b") CSEQ("ACK"),
		BUSY ID("c") CSEQ("INVITE"),
	};
	const char *all[WIRE_ORDER_MAX];
	char dst[WIRE_ORDER_MAX + 1];
	bool seen[128] = { false };
	(void)state;

	for (size_t i = 0; i < WIRE_ORDER_MAX; i++)
		all[i] = kinds[i % COUNT_OF(kinds)];
	(void)order_of(dst, all, WIRE_ORDER_MAX);
	for (size_t i = 0; i < WIRE_ORDER_MAX; i++) {
		assert_false(seen[(unsigned char)dst[i]]);
		seen[(unsigned char)dst[i]] = true;
	}

	assert_string_equal(order_of(dst, all, 0), "");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_at_the_same_step_come_together),
		cmocka_unit_test(a_dialog_keeps_its_order),
		cmocka_unit_test(what_one_leg_says_in_a_call_is_not_overtaken),
		cmocka_unit_test(each_of_a_full_batch_is_there_once),
	};

	return T_MAIN_ONLY(tests);
}
