/**
 * @file shared/base/id.h  Ids and random numbers
 *
 * Random bytes come from the kernel in blocks of 4 KB: a token costs
 * nanoseconds, not a system call. The pool is thrown away after a fork.
 */
#ifndef TANDEM_BASE_ID_H
#define TANDEM_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

void id_random(void *dst, size_t len);
uint64_t id_random_u64(void);

enum {
	ID_ULID_SIZE = 27
};

/** 26 characters, sortable by time to the millisecond, unique, with a NUL;
 *  within one process and millisecond they ascend */
void id_ulid(char dst[ID_ULID_SIZE], int64_t wall_us);

/** A token of letters and digits with 5.17 bits each, and a NUL */
void id_token(char *dst, size_t chars);

#endif
