/**
 * @file billingd/journal_reader.c  Reading the journal while it is written
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "billingd/journal_int.h"
#include "billingd/journal_record.h"

enum {
	CHUNK = 1 << 20, /* More than a record has */
};

struct journal_reader {
	struct journal *journal;
	uint64_t expected;
	uint64_t first; /* Of the segment that is open; 0: none */
	int fd;
	uint64_t at; /* Of p in the file */
	size_t from, to;
	bool is_at_end; /* Of the file */
	bool is_fresh;  /* Nothing was read since p was filled */
	uint8_t p[CHUNK];
};


/* The segment that has the next record, or is to have it */
static const struct journal_segment *segment_of(const struct journal *journal,
						uint64_t seq)
{
	for (size_t i = journal->segmentc; i-- > 0;) {
		if (journal->segments[i].first <= seq)
			return &journal->segments[i];
	}

	return &journal->segments[0];
}


static int segment_follow(struct journal_reader *reader)
{
	const struct journal_segment *segment = segment_of(reader->journal,
							   reader->expected);
	int err;

	if (reader->first == segment->first)
		return 0;
	if (reader->fd >= 0)
		(void)close(reader->fd);
	reader->fd = -1;
	reader->first = 0;
	err = journal_segment_open(&reader->journal->dir, segment->first,
				   O_RDONLY, &reader->fd);
	if (err)
		return err;
	reader->first = segment->first;
	reader->at = 0;
	reader->from = 0;
	reader->to = 0;
	reader->is_at_end = false;

	return 0;
}


static int chunk_fill(struct journal_reader *reader)
{
	ssize_t n;

	reader->at += reader->from;
	reader->from = 0;
	reader->to = 0;
	do
		n = pread(reader->fd, reader->p, CHUNK, (off_t)reader->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	reader->to = (size_t)n;
	reader->is_at_end = n < CHUNK;
	reader->is_fresh = true;

	return 0;
}


/* 0, or ENODATA at the end of the file. What was read may be older than what
 * is there by now, so it is read again before it is called no record. That is
 * passed by: a hole, or the torn tail of a segment that has a successor. */
static int record_here(struct journal_reader *reader,
		       struct journal_record *record)
{
	uint64_t durable;
	size_t size;
	int err;

	for (;;) {
		const size_t left = reader->to - reader->from;

		if (left < journal_record_size(JOURNAL_PAYLOAD_MAX) &&
		    !reader->is_at_end) {
			err = chunk_fill(reader);
			if (err)
				return err;
		}
		if (reader->to - reader->from < JOURNAL_HEAD)
			return ENODATA;
		err = journal_decode(record, &durable, &size,
				     reader->p + reader->from,
				     reader->to - reader->from);
		if (!err) {
			reader->from += size;
			reader->is_fresh = false;
			return 0;
		}
		if (reader->is_fresh) {
			reader->from += JOURNAL_ALIGN;
			continue;
		}
		err = chunk_fill(reader);
		if (err)
			return err;
	}
}


/* First sequence of the segment behind; 0: there is none */
static uint64_t next_first(const struct journal_reader *reader)
{
	const struct journal *journal = reader->journal;

	for (size_t i = 0; i < journal->segmentc; i++) {
		if (journal->segments[i].first > reader->first)
			return journal->segments[i].first;
	}

	return 0;
}


int journal_read(struct journal_reader *reader, struct journal_record *record)
{
	while (reader->expected <= reader->journal->durable) {
		uint64_t next;
		int err;

		err = segment_follow(reader);
		if (err)
			return err;
		next = next_first(reader);
		err = record_here(reader, record);
		if (err && err != ENODATA)
			return err;
		/* What a hole swallowed is not waited for, nor is a torn tail
		 * what its successor has anew. */
		if (err || (next && record->seq >= next)) {
			if (next == 0)
				return EIO;
			reader->expected = next;
			continue;
		}
		if (record->seq < reader->expected)
			continue;
		reader->expected = record->seq + 1;
		return 0;
	}

	return EAGAIN;
}


int journal_reader_alloc(struct journal_reader **readerp,
			 struct journal *journal, uint64_t behind)
{
	struct journal_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return ENOMEM;
	reader->journal = journal;
	reader->expected = behind + 1;
	reader->fd = -1;
	*readerp = reader;

	return 0;
}


struct journal_reader *journal_reader_free(struct journal_reader *reader)
{
	if (!reader)
		return NULL;

	if (reader->fd >= 0)
		(void)close(reader->fd);
	free(reader);

	return NULL;
}
