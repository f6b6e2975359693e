/**
 * @file shared/catalog/heap.c  Text and lists of a part while it is made
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/heap.h"

enum {
	HEAP_ALIGN = 8,
	HEAP_FIRST = 4096,
	/* A row's texts repeat those of the row before ("auto", a user name,
	 * the codecs): a few are enough, and cheap to look through. */
	HEAP_RECENTC = 16,
};

struct heap {
	uint8_t *p; /* malloc()ed, so aligned for every element */
	size_t len;
	size_t size;
	struct {
		cat_str str;
		uint32_t len;
	} recent[HEAP_RECENTC];
	size_t next;
};


int heap_alloc(struct heap **heapp)
{
	struct heap *heap = calloc(1, sizeof(*heap));

	if (!heap)
		return ENOMEM;

	heap->p = calloc(1, HEAP_FIRST);
	if (!heap->p) {
		free(heap);
		return ENOMEM;
	}

	heap->size = HEAP_FIRST;
	heap->len = HEAP_ALIGN;
	*heapp = heap;

	return 0;
}


struct heap *heap_free(struct heap *heap)
{
	if (heap)
		free(heap->p);
	free(heap);

	return NULL;
}


/* Room behind what is there, zeroed. What is not used stays zero, so that
 * equal rows make equal bytes. */
static int grow(struct heap *heap, size_t len)
{
	size_t size = heap->size;
	uint8_t *p;

	if (len > HEAP_SIZE_MAX || heap->len > HEAP_SIZE_MAX - len)
		return EOVERFLOW;
	if (heap->len + len <= size)
		return 0;

	while (size < heap->len + len)
		size *= 2;
	p = realloc(heap->p, size);
	if (!p)
		return ENOMEM;

	memset(p + heap->size, 0, size - heap->size);
	heap->p = p;
	heap->size = size;

	return 0;
}


static cat_str find_recent(const struct heap *heap, struct text text)
{
	for (size_t i = 0; i < HEAP_RECENTC; i++)
		if (heap->recent[i].len == text.l &&
		    memcmp(heap->p + heap->recent[i].str, text.p, text.l) == 0)
			return heap->recent[i].str;

	return 0;
}


int heap_text(struct heap *heap, cat_str *strp, struct text text)
{
	cat_str str = 0;
	int err;

	if (text.l > 0)
		str = find_recent(heap, text);
	if (text.l == 0 || str != 0) {
		*strp = str;
		return 0;
	}
	/* It would end there for its readers. */
	if (memchr(text.p, '\0', text.l))
		return EINVAL;

	if (text.l >= HEAP_SIZE_MAX)
		return EOVERFLOW;
	err = grow(heap, text.l + 1);
	if (err)
		return err;

	str = (cat_str)heap->len;
	memcpy(heap->p + str, text.p, text.l);
	heap->len += text.l + 1;

	heap->recent[heap->next].str = str;
	heap->recent[heap->next].len = (uint32_t)text.l;
	heap->next = (heap->next + 1) % HEAP_RECENTC;
	*strp = str;

	return 0;
}


int heap_span(struct heap *heap, struct cat_span *spanp, void **p,
	      size_t count, size_t size)
{
	const size_t pad = (HEAP_ALIGN - heap->len % HEAP_ALIGN) % HEAP_ALIGN;
	size_t len;
	int err;

	if (count == 0) {
		*spanp = (struct cat_span){ 0 };
		*p = NULL;
		return 0;
	}

	if (__builtin_mul_overflow(count, size, &len) ||
	    __builtin_add_overflow(len, pad, &len) || count > UINT32_MAX)
		return EOVERFLOW;
	err = grow(heap, len);
	if (err)
		return err;

	spanp->off = (uint32_t)(heap->len + pad);
	spanp->count = (uint32_t)count;
	*p = heap->p + spanp->off;
	heap->len += len;

	return 0;
}


const uint8_t *heap_bytes(const struct heap *heap, size_t *sizep)
{
	*sizep = heap->len;

	return heap->p;
}
