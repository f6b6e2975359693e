/**
 * @file billingd/journal_recover.c  What a predecessor left
 *
 * All segments are read in order. What is whole in the last one is written
 * once more and synced before anyone relies on it: it may be in memory alone,
 * be it that the process was killed before its sync or that the sync failed.
 *
 * Diagnostics: error journal_damaged; info journal_recovered.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "billingd/journal_int.h"
#include "billingd/journal_record.h"
#include "shared/base/log.h"
#include "shared/base/util.h"


static int on_record(const struct journal_record *record, void *arg)
{
	struct journal *journal = arg;

	journal->records++;

	return journal->args.replayh
		       ? journal->args.replayh(record, journal->args.arg)
		       : 0;
}


static void on_damage(uint64_t from, uint64_t to, void *arg)
{
	struct journal *journal = arg;

	log_error(journal->args.log,
		  "journal_damaged from=%" PRIu64 " to=%" PRIu64, from, to);
	if (journal->args.damageh)
		journal->args.damageh(from, to, journal->args.arg);
}


static int make_durable(int fd, const uint8_t *p, size_t len)
{
	const int err = journal_pwrite(fd, p, len, 0);

	if (err)
		return err;

	return fdatasync(fd) == 0 ? 0 : errno;
}


static int read_mapped(struct journal *journal, size_t i, int fd,
		       const uint8_t *p)
{
	const struct journal_segment *segment = &journal->segments[i];
	const bool is_last = i + 1 == journal->segmentc;
	struct journal_scan scan;
	const struct journal_scan_args args = {
		.p = p,
		.len = segment->size,
		.expected = segment->first,
		.below = is_last ? 0 : segment[1].first,
		.recordh = on_record,
		.damageh = on_damage,
		.arg = journal,
	};
	struct journal_scan_args dry = args;
	int err = 0;

	if (is_last) {
		/* Durable first: nobody may act on what is not. */
		dry.recordh = NULL;
		dry.damageh = NULL;
		err = journal_scan(&scan, &dry);
		if (!err)
			err = make_durable(fd, p, scan.end);
	}
	if (!err)
		err = journal_scan(&scan, &args);
	journal->last = scan.last;

	return err;
}


static int read_segment(struct journal *journal, size_t i)
{
	const struct journal_segment *segment = &journal->segments[i];
	uint8_t *p;
	int fd, err;

	journal->last = segment->first - 1;
	if (segment->size == 0)
		return 0;
	err = journal_segment_open(&journal->dir, segment->first, O_RDWR, &fd);
	if (err)
		return err;
	p = mmap(NULL, segment->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err = errno;
		(void)close(fd);
		return err;
	}
	err = read_mapped(journal, i, fd, p);
	(void)munmap(p, segment->size);
	(void)close(fd);

	return err;
}


/* An empty one gives way to its namesake. */
static int begin(struct journal *journal)
{
	const uint64_t first = journal->last + 1;
	int err;

	if (journal->segmentc > 0 &&
	    journal->segments[journal->segmentc - 1].first == first)
		journal->segmentc--;
	err = journal_segment_add(journal, first);
	if (!err)
		err = journal_spare_make(&journal->dir, 0,
					 journal->segment_size);
	if (!err)
		err = journal_spare_use(&journal->dir, 0, first, &journal->fd);

	return err;
}


int journal_recover(struct journal *journal)
{
	int err;

	err = journal_dir_list(&journal->dir, &journal->segments,
			       &journal->segmentc);
	if (err)
		return err;
	journal->segment_room = journal->segmentc;
	for (size_t i = 0; i < journal->segmentc && !err; i++)
		err = read_segment(journal, i);
	if (err)
		return err;

	log_info(journal->args.log,
		 "journal_recovered segments=%zu records=%" PRIu64
		 " last=%" PRIu64,
		 journal->segmentc, journal->records, journal->last);
	journal->records = 0;
	journal->durable = journal->last;

	return begin(journal);
}
