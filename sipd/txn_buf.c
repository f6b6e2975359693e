/**
 * @file sipd/txn_buf.c  Buffers in sizes, used again and again
 */
#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "shared/base/util.h"
#include "sipd/txn_buf.h"

struct txn_buf {
	struct txn_buf *next; /**< While it is idle */
	size_t size;          /**< Index of its size */
	alignas(max_align_t) unsigned char data[];
};

/* Steps of about a half: little is wasted. The last holds the largest message
 * and what goes with it. */
static const struct {
	uint32_t size;
	uint32_t idle_min; /* kept, however few are in use */
} sizes[] = {
	{ 128, 64 },  { 192, 64 },  { 256, 64 },  { 384, 64 },  { 512, 64 },
	{ 768, 64 },  { 1024, 64 }, { 1536, 64 }, { 2048, 64 }, { 3072, 32 },
	{ 4096, 32 }, { 8192, 8 },  { 16384, 4 }, { 65536, 2 }, { 262144, 1 },
};
BUILD_ASSERT(COUNT_OF(sizes) == TXN_BUF_SIZES);


void *txn_buf_take(struct txn_bufs *bufs, size_t size)
{
	struct txn_buf *buf;
	size_t i = 0;

	while (i < TXN_BUF_SIZES && sizes[i].size < size)
		i++;
	if (i == TXN_BUF_SIZES)
		return NULL;

	buf = bufs->sizes[i].idle;
	if (buf) {
		bufs->sizes[i].idle = buf->next;
		bufs->sizes[i].idlec--;
	}
	else {
		buf = malloc(sizeof(*buf) + sizes[i].size);
		if (!buf)
			return NULL;
		buf->size = i;
	}
	buf->next = NULL;
	bufs->sizes[i].usedc++;

	return buf->data;
}


void *txn_buf_give(struct txn_bufs *bufs, void *p)
{
	struct txn_buf *buf;
	size_t i;

	if (!p)
		return NULL;

	buf = CONTAINER_OF(p, struct txn_buf, data);
	i = buf->size;
	assert(i < TXN_BUF_SIZES && bufs->sizes[i].usedc > 0);
	bufs->sizes[i].usedc--;
	if (bufs->sizes[i].idlec >= bufs->sizes[i].usedc + sizes[i].idle_min) {
		free(buf);
		return NULL;
	}
	buf->next = bufs->sizes[i].idle;
	bufs->sizes[i].idle = buf;
	bufs->sizes[i].idlec++;

	return NULL;
}


void txn_bufs_done(struct txn_bufs *bufs)
{
	for (size_t i = 0; i < TXN_BUF_SIZES; i++) {
		assert(bufs->sizes[i].usedc == 0);
		while (bufs->sizes[i].idle) {
			struct txn_buf *buf = bufs->sizes[i].idle;

			bufs->sizes[i].idle = buf->next;
			free(buf);
		}
		bufs->sizes[i].idlec = 0;
	}
}
