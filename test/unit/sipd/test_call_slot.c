/**
 * @file test/unit/sipd/test_call_slot.c  May an image of a call be trusted?
 */
#include "shared/base/util.h"
#include "sipd/call_fsm.h"
#include "sipd/call_slot.h"
#include "sipd/verdict.h"
#include "test/support/t.h"


static void make_good(struct call_image *i)
{
	memset(i, 0, sizeof(*i));
	memset(i->cdr_id, 'A', sizeof(i->cdr_id) - 1);
	i->state = CALL_ANSWERED;
	i->params.resend.waits_ms[0] = 500;
	i->factl[FACT_CALLED] = 5;
	i->facts.len = 5;
	i->a.textl[LEG_CALL_ID] = 7;
	i->a.textl[LEG_CONTACT] = 2;
	i->a.texts.len = 9;
	i->attemptc = 2;
	i->attempts.len = 2 * sizeof(struct attempt_image);
}


static void a_good_image_passes(void **state)
{
	struct call_image i;

	(void)state;
	make_good(&i);
	assert_null(call_slot_fault(&i));
	i.reason = END_REASONC - 1;
	i.side = END_SIDEC - 1;
	i.state = CALL_ENDED;
	i.params.resend.count = TXN_WAITS_MAX;
	i.a.state = i.b.state = LEG_ENDED;
	i.b.timer.state = TIMER_STATEC - 1;
	i.b.request_address = 2;
	i.b.refresher = REFRESHER_UAS;
	i.media = CALL_MEDIA_RELAY;
	assert_null(call_slot_fault(&i));
}


/* Bytes of a field, and one value that is out of range */
struct bad {
	const char *fault;
	size_t at, size;
	uint32_t value;
};

#define BAD(what, field, v)                                        \
	{                                                          \
		what, offsetof(struct call_image, field),          \
			sizeof(((struct call_image *)0)->field), v \
	}

/* clang-format off */
static const struct bad bads[] = {
	BAD("facts",              factl[0], 1),
	BAD("facts",              facts.len, 4),
	BAD("state",              state, CALL_NONE),
	BAD("state",              state, CALL_STATEC),
	BAD("end",                reason, END_REASONC),
	BAD("end",                side, END_SIDEC),
	BAD("end",                cap_reason, END_REASONC),
	BAD("media",              media, CALL_MEDIA_RELAY + 1),
	BAD("relay",              relay.dtmf[0], 4),
	BAD("relay",              relay.learning[1], 3),
	BAD("relay",              relay.event[1], 128),
	BAD("transport",          transport, TRANSPORTC),
	BAD("text",               cdr_id[0], 0),
	BAD("text",               cdr_id[ID_ULID_SIZE - 1], 'A'),
	BAD("resend list",        params.resend.count, TXN_WAITS_MAX + 1),
	BAD("resend list",        params.resend.waits_ms[0], 0),
	BAD("attempts",           attemptc, 3),
	BAD("attempts",           attempts.len, 1),
	BAD("state of a leg",     a.state, LEG_ENDED + 1),
	BAD("state of a leg",     b.state, LEG_ENDED + 1),
	BAD("texts of a leg",     a.texts.len, 8),
	BAD("texts of a leg",     b.textl[LEG_ROUTES], 1),
	BAD("timer of a leg",     a.timer.state, TIMER_STATEC),
	BAD("timer of a leg",     b.timer.state, TIMER_STATEC),
	BAD("transport of a leg", a.flow.transport, TRANSPORTC),
	BAD("transport of a leg", b.flow.transport, TRANSPORTC),
	BAD("refresher of a leg", b.refresher, REFRESHER_UAS + 1),
	BAD("address of a leg",   a.request_address, 3),
};
/* clang-format on */


static void every_field_out_of_range_is_told(void **state)
{
	struct call_image i;

	(void)state;
	for (size_t n = 0; n < COUNT_OF(bads); n++) {
		const char *fault;

		make_good(&i);
		memcpy((char *)&i + bads[n].at, &bads[n].value, bads[n].size);
		fault = call_slot_fault(&i);
		if (!fault || strcmp(fault, bads[n].fault) != 0)
			fail_msg("%zu: %s instead of %s", n,
				 fault ? fault : "trusted", bads[n].fault);
	}
}


static void texts_without_an_end_are_told(void **state)
{
	struct call_image i;

	(void)state;
	make_good(&i);
	memset(i.detail, 'x', sizeof(i.detail));
	assert_string_equal(call_slot_fault(&i), "text");
	make_good(&i);
	memset(i.codec, 'x', sizeof(i.codec));
	assert_string_equal(call_slot_fault(&i), "text");
}


/* Sums of lengths must not wrap round to the right one. */
static void lengths_that_are_huge_together_are_told(void **state)
{
	struct call_image i;

	(void)state;
	make_good(&i);
	for (size_t f = 0; f < FACTC; f++)
		i.factl[f] = UINT16_MAX;
	assert_string_equal(call_slot_fault(&i), "facts");
	make_good(&i);
	for (size_t t = 0; t < LEG_TEXTC; t++)
		i.b.textl[t] = UINT16_MAX;
	assert_string_equal(call_slot_fault(&i), "texts of a leg");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_image_passes),
		cmocka_unit_test(every_field_out_of_range_is_told),
		cmocka_unit_test(texts_without_an_end_are_told),
		cmocka_unit_test(lengths_that_are_huge_together_are_told),
	};

	return T_MAIN_ONLY(tests);
}
