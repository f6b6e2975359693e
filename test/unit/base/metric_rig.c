/**
 * @file test/unit/base/metric_rig.c  Rows and a page for tests of metrics
 */
#include "test/unit/base/metric_rig.h"

static const char *const codes[] = { "200", "404", "503" };
static const char *const sides[] = { "in", "out" };

const struct metric_def rig_defs[RIG_DEFC] = {
	{ METRIC_COUNTER, "t_calls_total", LABELS_NONE, "Calls" },
	{ METRIC_GAUGE, "t_active", LABELS_NONE, "Calls now" },
	{ METRIC_COUNTER,
	  "t_answers_total",
	  { { "side", sides, 2 }, { "code", codes, 3 } },
	  "Answers" },
	{ METRIC_COUNTER, "t_gateway_calls_total", LABELS_DYNAMIC("gateway"),
	  "Calls of a gateway" },
	{ METRIC_HISTOGRAM, "t_setup_seconds", LABELS_ONE("side", sides),
	  "Time to answer" },
	{ METRIC_HISTOGRAM, "t_gateway_setup_seconds",
	  LABELS_DYNAMIC("gateway"), "Time to answer of a gateway" },
	{ METRIC_COUNTER,
	  "t_gateway_ends_total",
	  { { "gateway", NULL, 0 },
	    { "side", sides, 2 },
	    { "code", codes, 3 } },
	  "Ends of a gateway's calls" },
	{ METRIC_GAUGE_MILLI, "t_ratio", LABELS_DYNAMIC("gateway"), "Parts" },
	{ METRIC_GAUGE, "t_gateway_lines", LABELS_DYNAMIC("gateway"),
	  "Lines of a gateway" },
};

_Alignas(64) uint8_t rig_page[PAGE_BYTES];


int rig_setup(void **state)
{
	(void)state;
	memset(rig_page, 0, sizeof(rig_page));

	return metric_setup(rig_defs, COUNT_OF(rig_defs));
}


int rig_teardown(void **state)
{
	(void)state;
	metric_detach();

	return 0;
}


/* A process ends and its successor attaches the page. */
void rig_restart_with(const struct metric_def *rows, size_t rowc)
{
	metric_detach();
	assert_int_equal(metric_setup(rows, rowc), 0);
	assert_int_equal(metric_attach(rig_page, sizeof(rig_page)), 0);
}


void rig_restart(void)
{
	rig_restart_with(rig_defs, COUNT_OF(rig_defs));
}


/* Everything, with a NUL; freed with the next */
const char *rig_printed(void)
{
	static char *text;
	size_t len = 0;
	char *p = metric_print(&len);

	assert_non_null(p);
	free(text);
	text = realloc(p, len + 1);
	assert_non_null(text);
	text[len] = '\0';
	assert_int_equal(strlen(text), len);

	return text;
}


bool rig_says(const char *line)
{
	const char *text = rig_printed();
	const size_t l = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[l] == '\n')
			return true;

	return false;
}


uint8_t *rig_record_of(const char *key)
{
	for (size_t i = 0; i < RECORDC; i++) {
		uint8_t *record = rig_page + HEAD_BYTES + i * RECORD_BYTES;

		if (strcmp((char *)record + KEY_AT, key) == 0)
			return record;
	}

	return NULL;
}


size_t rig_records_used(void)
{
	size_t used = 0;

	for (size_t i = 0; i < RECORDC; i++) {
		uint32_t crc;

		memcpy(&crc, rig_page + HEAD_BYTES + i * RECORD_BYTES + CRC_AT,
		       sizeof(crc));
		used += crc != 0;
	}

	return used;
}


size_t rig_lines_of(const char *what)
{
	size_t n = 0;

	for (const char *p = rig_printed(); (p = strstr(p, what)); p++)
		n++;

	return n;
}
