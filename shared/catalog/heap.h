/**
 * @file shared/catalog/heap.h  Text and lists of a part while it is made
 *
 * One growing block, offsets instead of pointers, the first 8 bytes zero so
 * that offset 0 is the empty text. The same text is stored once if it was
 * among the last few; nothing depends on it.
 */
#ifndef TANDEM_CATALOG_HEAP_H
#define TANDEM_CATALOG_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"
#include "shared/catalog/rows.h"

enum {
	HEAP_SIZE_MAX = 1 << 30
};

struct heap;

int heap_alloc(struct heap **heapp);
struct heap *heap_free(struct heap *heap);

/** @return 0, ENOMEM, EOVERFLOW if the heap were above HEAP_SIZE_MAX */
int heap_text(struct heap *heap, cat_str *strp, struct text text);

/** Room for count elements of size bytes, zeroed, 8-byte aligned; *p points
 *  to it until the next call */
int heap_span(struct heap *heap, struct cat_span *spanp, void **p,
	      size_t count, size_t size);

const uint8_t *heap_bytes(const struct heap *heap, size_t *sizep);

#endif
