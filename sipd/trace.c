/**
 * @file sipd/trace.c  Messages as they were on the wire
 *
 * A trace takes memory in chunks as it fills, and gives it back when it is
 * removed: by an operator, or because another one wants its place. Records lie
 * one behind the other and never cross chunks, so that they are read in place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/message_parts.h"
#include "sipd/trace_parts.h"

BUILD_ASSERT(sizeof(struct trace_record) % 8 == 0);
BUILD_ASSERT(sizeof(struct trace_record) + MESSAGE_BYTES_MAX + 8 <=
	     TRACE_CHUNK);


static size_t record_size(size_t len)
{
	return (sizeof(struct trace_record) + len + 7) & ~(size_t)7;
}


/* --- traces ---------------------------------------------------------------- */

static struct trace_one *one_free(struct trace_one *one)
{
	if (!one)
		return NULL;

	for (size_t i = 0; i < one->chunkc; i++)
		free(one->chunks[i]);
	free(one);

	return NULL;
}


int trace_alloc(struct trace **tracep)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	if (!trace)
		return ENOMEM;

	*tracep = trace;

	return 0;
}


struct trace *trace_free(struct trace *trace)
{
	if (!trace)
		return NULL;

	for (size_t i = 0; i < trace->onec; i++)
		one_free(trace->ones[i]);
	free(trace);

	return NULL;
}


void trace_resolver(struct trace *trace, trace_resolve_h *h, void *arg)
{
	trace->resolveh = h;
	trace->resolve_arg = arg;
}


bool trace_is_on(const struct trace *trace)
{
	return trace && trace->running;
}


void trace_end(struct trace *trace, struct trace_one *one,
	       enum trace_state state)
{
	if (one->state != TRACE_RUNNING)
		return;

	one->state = state;
	trace->running--;
}


void trace_expire(struct trace *trace)
{
	const int64_t now_us = clk_mono_us();

	for (size_t i = 0; i < trace->onec; i++)
		if (now_us >= trace->ones[i]->until_us)
			trace_end(trace, trace->ones[i], TRACE_OVER);
}


void trace_remove(struct trace *trace, struct trace_one *one)
{
	size_t i = 0;

	trace_end(trace, one, TRACE_STOPPED);
	while (trace->ones[i] != one)
		i++;
	trace->onec--;
	for (; i < trace->onec; i++)
		trace->ones[i] = trace->ones[i + 1];
	one_free(one);
}


static bool make_room(struct trace *trace)
{
	for (size_t i = 0; i < trace->onec && trace->onec == TRACES_MAX; i++)
		if (trace->ones[i]->state != TRACE_RUNNING)
			trace_remove(trace, trace->ones[i]);

	return trace->onec < TRACES_MAX;
}


int trace_add(struct trace *trace, struct trace_one **onep,
	      const struct trace_filter *filter, uint32_t seconds, uint32_t id)
{
	struct trace_one *one = id ? trace_find(trace, id) : NULL;

	trace_expire(trace);
	if (one)
		trace_remove(trace, one);
	if (trace->running == TRACES_MAX)
		return ENOSPC;
	one = calloc(1, sizeof(*one));
	if (!one)
		return ENOMEM;
	if (!make_room(trace)) {
		one_free(one);
		return ENOSPC;
	}

	one->id = id ? id : trace->last_id + 1;
	if (one->id > trace->last_id)
		trace->last_id = one->id;
	one->state = TRACE_RUNNING;
	one->filter = *filter;
	one->since_us = clk_wall_us();
	one->until_us = clk_mono_us() + (int64_t)seconds * 1000000;
	trace->ones[trace->onec++] = one;
	trace->running++;
	*onep = one;

	return 0;
}


struct trace_one *trace_find(struct trace *trace, uint32_t id)
{
	for (size_t i = 0; i < trace->onec; i++)
		if (trace->ones[i]->id == id)
			return trace->ones[i];

	return NULL;
}


/* --- keeping --------------------------------------------------------------- */

static struct trace_chunk *chunk_for(struct trace *trace,
				     struct trace_one *one, size_t size)
{
	struct trace_chunk *chunk = one->chunkc ? one->chunks[one->chunkc - 1]
						: NULL;

	if (chunk && chunk->used + size <= TRACE_CHUNK)
		return chunk;
	if (one->chunkc == TRACE_CHUNKS_MAX) {
		trace_end(trace, one, TRACE_FULL);
		return NULL;
	}
	chunk = malloc(sizeof(*chunk));
	if (!chunk) {
		trace_end(trace, one, TRACE_NO_MEMORY);
		return NULL;
	}
	chunk->used = 0;
	chunk->first = one->records;
	one->chunks[one->chunkc++] = chunk;

	return chunk;
}


static void put(struct trace *trace, struct trace_one *one,
		const struct trace_record *record, const char *data)
{
	const size_t size = record_size(record->len);
	struct trace_chunk *chunk = chunk_for(trace, one, size);
	char *p;

	if (!chunk)
		return;

	p = chunk->data + chunk->used;
	memcpy(p, record, sizeof(*record));
	memcpy(p + sizeof(*record), data, record->len);
	trace_mask(p + sizeof(*record), record->len);
	chunk->used += size;
	one->records++;
	one->bytes += record->len;
}


void trace_keep(struct trace *trace, enum trace_direction direction,
		enum transport transport, const struct addr *local,
		const struct addr *remote, const char *data, size_t len)
{
	const struct trace_record record = {
		.wall_us = clk_wall_us(),
		.local = *local,
		.remote = *remote,
		.len = (uint32_t)(len < MESSAGE_BYTES_MAX ? len
							  : MESSAGE_BYTES_MAX),
		.transport = (uint8_t)transport,
		.direction = (uint8_t)direction,
	};
	struct peek peek;

	/* Empty lines keep a way open and say nothing. */
	if (!trace_is_on(trace) || message_skip(data, len) == len)
		return;

	trace_expire(trace);
	peek_message(&peek, (struct text){ data, record.len });
	for (size_t i = 0; i < trace->onec; i++) {
		struct trace_one *one = trace->ones[i];

		if (one->state == TRACE_RUNNING &&
		    trace_fits(&one->filter, &peek, local, remote))
			put(trace, one, &record, data);
	}
}


/* --- reading --------------------------------------------------------------- */

void trace_seek(struct trace_cursor *cursor, const struct trace_one *one,
		uint64_t number)
{
	struct text data;

	*cursor = (struct trace_cursor){ .one = one };
	while (cursor->chunk + 1 < one->chunkc &&
	       one->chunks[cursor->chunk + 1]->first <= number)
		cursor->chunk++;
	if (one->chunkc)
		cursor->number = one->chunks[cursor->chunk]->first;
	while (cursor->number < number && trace_next(cursor, &data))
		;
}


const struct trace_record *trace_next(struct trace_cursor *cursor,
				      struct text *datap)
{
	const struct trace_one *one = cursor->one;
	const struct trace_record *record;
	const struct trace_chunk *chunk;

	if (cursor->chunk < one->chunkc &&
	    cursor->at == one->chunks[cursor->chunk]->used) {
		if (cursor->chunk + 1 == one->chunkc)
			return NULL;
		cursor->chunk++;
		cursor->at = 0;
	}
	if (cursor->chunk >= one->chunkc)
		return NULL;

	chunk = one->chunks[cursor->chunk];
	record = (const void *)(chunk->data + cursor->at);
	*datap = (struct text){ (const char *)(record + 1), record->len };
	cursor->at += record_size(record->len);
	cursor->number++;

	return record;
}
