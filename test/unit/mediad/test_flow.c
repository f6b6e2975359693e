/**
 * @file test/unit/mediad/test_flow.c  What is counted, and what it sounds like
 */
#include "mediad/flow_count.h"
#include "shared/base/util.h"
#include "test/support/t.h"

static const struct media_payload pcmu = { .clock = 8000,
					   .codec = MEDIA_PCMU };
static const struct media_payload g729 = { .clock = 8000,
					   .type = 18,
					   .codec = MEDIA_G729 };


static void take(struct media_flow *flow, uint32_t ssrc, uint16_t seq,
		 int64_t late_us)
{
	const struct pkt_head head = { .seq = seq,
				       .time = 160u * seq,
				       .ssrc = ssrc };
	const int64_t now_us = (int64_t)1000000000 + 20000 * (int64_t)seq +
			       late_us;

	flow_count(flow, 172, now_us);
	flow_rtp(flow, &head, &pcmu, now_us);
}


static void a_stream_without_loss_is_4_41(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 1000; i++)
		take(&flow, 1, i, 0);
	assert_int_equal(flow.packets, 1000);
	assert_int_equal(flow.bytes, 172000);
	assert_int_equal(flow_expected(&flow), 1000);
	assert_int_equal(flow_lost(&flow), 0);
	assert_int_equal(flow_mos(&flow), 441);
}


static void every_20th_lost_is_5_percent_and_3_92(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 1001; i++)
		if (i % 20 != 19)
			take(&flow, 1, i, 0);
	assert_int_equal(flow_lost(&flow), 50);
	assert_in_range(flow_mos(&flow), 390, 394);
}


static void fewer_than_50_packets_have_no_quality(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 49; i++)
		take(&flow, 1, i, 0);
	assert_int_equal(flow_mos(&flow), 0);
	take(&flow, 1, 49, 0);
	assert_int_equal(flow_mos(&flow), 441);
}


static void numbers_go_round_and_nothing_is_lost(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint32_t i = 65000; i < 65000 + 70000; i++)
		take(&flow, 1, (uint16_t)i, 0);
	assert_int_equal(flow_expected(&flow), 70000);
	assert_int_equal(flow_lost(&flow), 0);
	assert_int_equal(flow.out_of_order, 0);
}


static void late_ones_and_copies_are_told_apart(void **state)
{
	static const uint16_t order[] = { 1, 2, 4, 3, 3, 5, 5, 6 };
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(order); i++)
		take(&flow, 1, order[i], 0);
	assert_int_equal(flow.out_of_order, 1);
	assert_int_equal(flow.duplicates, 2);
	assert_int_equal(flow_expected(&flow), 6);
	assert_int_equal(flow_lost(&flow), 0);
}


static void another_source_begins_anew_and_loses_nothing(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 10; i++)
		take(&flow, 1, i, 0);
	for (uint16_t i = 5000; i < 5010; i++)
		take(&flow, 2, i, 0);
	assert_int_equal(flow.ssrc_changes, 1);
	assert_int_equal(flow_expected(&flow), 20);
	assert_int_equal(flow_lost(&flow), 0);
}


static void a_jump_within_one_source_is_no_loss(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 10; i++)
		take(&flow, 1, i, 0);
	for (uint16_t i = 30000; i < 30010; i++)
		take(&flow, 1, i, 0);
	assert_int_equal(flow_expected(&flow), 20);
	assert_int_equal(flow_lost(&flow), 0);
}


/* Each comes 10 ms early or late in turn: |D| is 20 ms, and J tends to it. */
static void jitter_tends_to_what_it_is(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 2000; i++)
		take(&flow, 1, i, i % 2 ? 10000 : -10000);
	assert_in_range(flow_jitter_us(&flow), 19500, 20100);
	assert_in_range(flow.jitter_max_us, 19500, 20100);
}


static void an_even_stream_has_no_jitter_across_a_turn_of_time(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const int64_t now_us = (int64_t)536870000000 + 20000 * i;
		const struct pkt_head head = {
			.seq = (uint16_t)i, .time = UINT32_MAX - 5000 + 160 * i
		};

		flow_rtp(&flow, &head, &pcmu, now_us);
	}
	assert_int_equal(flow_jitter_us(&flow), 0);
}


static void codec_and_delay_count(void **state)
{
	struct media_flow flow = { .packets = 0 };

	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		const struct pkt_head head = { .seq = i, .time = 160u * i };

		flow_rtp(&flow, &head, &g729, 20000 * (int64_t)i);
	}
	assert_int_equal(flow_mos(&flow), 410); /* R 82.2 */
	flow.rtt_us = 600000;                   /* d 300: Id 7.2 + 13.5 */
	assert_int_equal(flow_mos(&flow), 318); /* R 61.5 */
}


static void flows_survive_their_writer_word_by_word(void **state)
{
	static struct media_flows flows;
	struct media_flow flow = { .packets = 0 }, found;

	(void)state;
	for (uint16_t i = 0; i < 100; i++)
		take(&flow, 1, (uint16_t)(i * 3), i);
	media_flow_write(&flows, 1, &flow);
	media_flow_read(&found, &flows, 1);
	assert_memory_equal(&found, &flow, sizeof(flow));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_without_loss_is_4_41),
		cmocka_unit_test(every_20th_lost_is_5_percent_and_3_92),
		cmocka_unit_test(fewer_than_50_packets_have_no_quality),
		cmocka_unit_test(numbers_go_round_and_nothing_is_lost),
		cmocka_unit_test(late_ones_and_copies_are_told_apart),
		cmocka_unit_test(another_source_begins_anew_and_loses_nothing),
		cmocka_unit_test(a_jump_within_one_source_is_no_loss),
		cmocka_unit_test(jitter_tends_to_what_it_is),
		cmocka_unit_test(
			an_even_stream_has_no_jitter_across_a_turn_of_time),
		cmocka_unit_test(codec_and_delay_count),
		cmocka_unit_test(flows_survive_their_writer_word_by_word),
	};

	return T_MAIN_ONLY(tests);
}
