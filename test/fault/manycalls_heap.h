/**
 * @file test/fault/manycalls_heap.h  What is due, the soonest first
 */
#ifndef TANDEM_TEST_FAULT_MANYCALLS_HEAP_H
#define TANDEM_TEST_FAULT_MANYCALLS_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct entry {
	int64_t due_us;
	uint32_t half;
};

struct heap {
	struct entry *entries; /**< [0] is the soonest */
	size_t entryc, size;
};

void heap_add(struct heap *h, int64_t due_us, uint32_t half);

/** Not of an empty one */
struct entry heap_take(struct heap *h);

#endif
