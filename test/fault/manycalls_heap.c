/**
 * @file test/fault/manycalls_heap.c  What is due, the soonest first
 */
#include <stdlib.h>

#include "test/fault/manycalls_heap.h"


void heap_add(struct heap *h, int64_t due_us, uint32_t half)
{
	size_t i = h->entryc++;

	if (h->entryc > h->size) {
		h->size = h->size ? h->size * 2 : 65536;
		h->entries = realloc(h->entries,
				     h->size * sizeof(*h->entries));
		if (!h->entries)
			abort();
	}
	for (; i && h->entries[(i - 1) / 2].due_us > due_us; i = (i - 1) / 2)
		h->entries[i] = h->entries[(i - 1) / 2];
	h->entries[i] = (struct entry){ due_us, half };
}


struct entry heap_take(struct heap *h)
{
	const struct entry first = h->entries[0],
			   last = h->entries[--h->entryc];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < h->entryc; i = child) {
		if (child + 1 < h->entryc &&
		    h->entries[child + 1].due_us < h->entries[child].due_us)
			++child;
		if (h->entries[child].due_us >= last.due_us)
			break;
		h->entries[i] = h->entries[child];
	}
	h->entries[i] = last;

	return first;
}
