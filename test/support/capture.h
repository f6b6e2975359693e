/**
 * @file test/support/capture.h  The log as a test sees it
 *
 * Between begin and end lines are kept instead of written. What a test does
 * not announce may not be a warning or an error: capture_end() fails then.
 */
#ifndef TANDEM_TEST_SUPPORT_CAPTURE_H
#define TANDEM_TEST_SUPPORT_CAPTURE_H

#include <stddef.h>

void capture_begin(void);
void capture_end(void);

/** A warning or error of this event is meant to be there */
void capture_expect(const char *event);

/** How many lines of this event there are */
size_t capture_count(const char *event);

/** The last line; "" if there is none */
const char *capture_last(void);

#endif
