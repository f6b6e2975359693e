/**
 * @file test/support/failmalloc.h  The nth allocation of our code fails
 */
#ifndef TANDEM_TEST_SUPPORT_FAILMALLOC_H
#define TANDEM_TEST_SUPPORT_FAILMALLOC_H

#include <stdbool.h>
#include <stddef.h>

/** From now on count, and refuse the nth; 0: refuse none */
void failmalloc_begin(unsigned nth);

/** Stop; true if an allocation was refused since */
bool failmalloc_end(void);

/** Allocations made since the begin that were not given back */
size_t failmalloc_live(void);

#endif
