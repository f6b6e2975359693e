/**
 * @file test/support/capture.c  The log as a test sees it
 */
#include "shared/base/log.h"
#include "test/support/capture.h"
#include "test/support/t.h"

enum {
	LINES_MAX = 512,
	LINE_MAX_BYTES = 4200,
	EXPECTED_MAX = 16
};

static struct {
	char lines[LINES_MAX][LINE_MAX_BYTES];
	size_t linec;
	const char *expected[EXPECTED_MAX];
	size_t expectedc;
} captured;


static void keep(const char *line, size_t len, void *arg)
{
	char *to;

	(void)arg;
	if (captured.linec == LINES_MAX || len >= LINE_MAX_BYTES)
		return;

	to = captured.lines[captured.linec++];
	memcpy(to, line, len);
	to[len] = '\0';
}


void capture_begin(void)
{
	memset(&captured, 0, sizeof(captured));
	log_setup("test", LOG_LEVEL_DEBUG, LOG_JSON);
	log_writer_set(keep, NULL);
}


static int is_event(const char *line, const char *event)
{
	char want[128];

	(void)snprintf(want, sizeof(want), "\"event\":\"%s\"", event);

	return strstr(line, want) != NULL;
}


void capture_expect(const char *event)
{
	assert_true(captured.expectedc < EXPECTED_MAX);
	captured.expected[captured.expectedc++] = event;
}


static int is_expected(const char *line)
{
	for (size_t i = 0; i < captured.expectedc; i++)
		if (is_event(line, captured.expected[i]))
			return 1;

	return 0;
}


void capture_end(void)
{
	log_writer_set(NULL, NULL);

	for (size_t i = 0; i < captured.linec; i++) {
		const char *line = captured.lines[i];

		if ((strstr(line, "\"level\":\"warn\"") ||
		     strstr(line, "\"level\":\"error\"")) &&
		    !is_expected(line))
			fail_msg("nobody announced: %s", line);
	}
	for (size_t i = 0; i < captured.expectedc; i++)
		if (capture_count(captured.expected[i]) == 0)
			fail_msg("never logged: %s", captured.expected[i]);
}


size_t capture_count(const char *event)
{
	size_t count = 0;

	for (size_t i = 0; i < captured.linec; i++)
		count += is_event(captured.lines[i], event) ? 1 : 0;

	return count;
}


const char *capture_last(void)
{
	return captured.linec ? captured.lines[captured.linec - 1] : "";
}
