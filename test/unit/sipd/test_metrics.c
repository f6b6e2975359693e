/**
 * @file test/unit/sipd/test_metrics.c  Metrics of sipd: labels stand where
 * they are counted
 */
#include "shared/base/text.h"
#include "sipd/guard.h"
#include "sipd/message.h"
#include "sipd/metrics.h"
#include "test/support/t.h"


static int setup(void **state)
{
	(void)state;

	return metric_setup(sipd_metrics, SIPD_METRICC);
}


static int teardown(void **state)
{
	(void)state;
	metric_detach();

	return 0;
}


static void assert_printed(const char *line)
{
	size_t len;
	char *text = metric_print(&len);

	assert_non_null(text);
	if (!strstr(text, line))
		fail_msg("not printed: %s", line);
	free(text);
}


static void messages_are_told_apart_by_direction_method_and_class(void **state)
{
	(void)state;

	metric_inc_at(M_SIP_MESSAGES,
		      sipd_metric_message(SIP_IN, METHOD_INVITE, 0));
	metric_inc_at(M_SIP_MESSAGES,
		      sipd_metric_message(SIP_OUT, METHOD_PUBLISH, 699));
	metric_add_at(M_SIP_MESSAGES,
		      sipd_metric_message(SIP_OUT, METHODC, 9999), 3);
	assert_printed("\ntandem_sip_messages_total{direction=\"in\","
		       "method=\"INVITE\",code_class=\"request\"} 1\n");
	assert_printed("\ntandem_sip_messages_total{direction=\"out\","
		       "method=\"PUBLISH\",code_class=\"6xx\"} 1\n");
	assert_printed("\ntandem_sip_messages_total{direction=\"out\","
		       "method=\"other\",code_class=\"request\"} 3\n");
}


static void every_label_has_a_name(void **state)
{
	(void)state;

	for (size_t i = 0; i < SIPD_METRICC; i++)
		for (size_t l = 0; l < METRIC_LABELS_MAX; l++) {
			const struct metric_label *label =
				&sipd_metrics[i].label[l];

			for (size_t v = 0; v < label->valuec; v++)
				assert_non_null(label->values[v]);
		}
}


static void reasons_are_those_of_their_enums(void **state)
{
	(void)state;

	metric_inc_at(M_SIP_RESENDS, METHOD_BYE);
	metric_inc_at(M_SIP_PARSE_ERRORS, MESSAGE_TRUNCATED);
	metric_inc_at(M_SIP_DROPPED, GUARD_DROP_SCANNER);
	assert_printed("\ntandem_sip_resends_total{method=\"BYE\"} 1\n");
	assert_printed(
		"\ntandem_sip_parse_errors_total{reason=\"truncated\"} 1\n");
	assert_printed("\ntandem_sip_dropped_total{reason=\"scanner\"} 1\n");
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_are_told_apart_by_direction_method_and_class),
		TEST(every_label_has_a_name),
		TEST(reasons_are_those_of_their_enums),
	};

	return T_MAIN_ONLY(tests);
}
