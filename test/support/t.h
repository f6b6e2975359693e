/**
 * @file test/support/t.h  What every unit test includes
 *
 *     static void text_that_does_not_fit_is_refused(void **state) { ... }
 *
 *     static int a_map_is_filled(void)         (a scenario, see below)
 *     {
 *             ...
 *             err = map_alloc(&map, 16);
 *             if (err)
 *                     return err;
 *     }
 *
 *     int main(void)
 *     {
 *             const struct CMUnitTest tests[] = {
 *                     cmocka_unit_test(text_that_does_not_fit_is_refused),
 *             };
 *             const struct t_scenario scenarios[] = {
 *                     T_SCENARIO(a_map_is_filled),
 *             };
 *
 *             return T_MAIN(tests, scenarios);
 *     }
 *
 * A scenario uses the module as its callers do and cleans up behind itself on
 * every path; it returns 0 or an errno. CTest runs the program a second time
 * with TANDEM_FAILMALLOC=1: then only the scenarios run, each again and again
 * with its 1st, 2nd, 3rd ... allocation failing, until none fails. Each round
 * must return 0 or ENOMEM and leave no allocation behind; the last must return
 * 0. Counted are allocations of our own code (the linker's --wrap), not those
 * inside libraries. A module that allocates nothing is registered with
 * NO_FAILMALLOC and uses T_MAIN_ONLY(tests).
 */
#ifndef TANDEM_TEST_SUPPORT_T_H
#define TANDEM_TEST_SUPPORT_T_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct t_scenario {
	const char *name;
	int (*h)(void);
};

#define T_SCENARIO(h) \
	{             \
#h, h \
	}

#define T_MAIN(tests, scenarios)                                             \
	t_main(#tests, tests, sizeof(tests) / sizeof((tests)[0]), scenarios, \
	       sizeof(scenarios) / sizeof((scenarios)[0]))

#define T_MAIN_ONLY(tests) \
	t_main(#tests, tests, sizeof(tests) / sizeof((tests)[0]), NULL, 0)

int t_main(const char *name, const struct CMUnitTest *tests, size_t testc,
	   const struct t_scenario *scenarios, size_t scenarioc);

/** Poll a condition until it holds; the test fails after so many seconds */
#define WAIT_FOR(seconds, cond)                                     \
	do {                                                        \
		const int64_t end_ = t_now_ms() + 1000 * (seconds); \
		while (!(cond)) {                                   \
			if (t_now_ms() > end_)                      \
				fail_msg("not within %d s: %s",     \
					 (int)(seconds), #cond);    \
			t_pause();                                  \
		}                                                   \
	} while (0)

int64_t t_now_ms(void);

/** A millisecond, between two looks at a condition */
void t_pause(void);

/** A directory of the test's own, removed with all in it at exit */
const char *t_dir(void);

#endif
