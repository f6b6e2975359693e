/**
 * @file shared/base/pages.c  Memory that is about to be used
 */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/pages.h"
#include "shared/base/util.h"

enum {
	HEAP_KEPT = 64 << 20, /**< Free memory at its end goes back beyond */
	HEAP_BLOCK = 1 << 20, /**< Not in the heap from here on */
	HEAP_MOST = 16 << 20,
};


/* Whole pages, and who shares the first and the last is none the worse. */
static void populate(const void *data, size_t size, int how)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const size_t before = (uintptr_t)data % page;

	if (size)
		(void)madvise((uint8_t *)unconst(data) - before, size + before,
			      how);
}


void pages_read(const void *data, size_t size)
{
	populate(data, size, MADV_POPULATE_READ);
}


void pages_write(void *data, size_t size)
{
	populate(data, size, MADV_POPULATE_WRITE);
}


void pages_heap(size_t size)
{
	void *block;

	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_MOST);
	block = malloc(size);
	if (block)
		pages_write(block, size);
	free(block);
	(void)mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK);
}
