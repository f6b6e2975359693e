/**
 * @file billingd/journal_room.c  Room for the journal
 *
 * Spares are made ahead, so that a change of segments costs no time, and so
 * that calls that run can be written when the disk has no room any more. They
 * do not count as used.
 *
 * Diagnostics: warn journal_high and journal_full, notice journal_room when it
 * has passed; warn journal_segment_stays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/journal_int.h"
#include "billingd/worker.h"
#include "shared/base/log.h"

enum {
	AGAIN_PERCENT = 2, /* So much below a mark it has passed */
	SEGMENTS_FIRST = 16,
};


/* --- spares --------------------------------------------------------------- */

void journal_spare_job(void *arg)
{
	struct journal *journal = arg;
	struct journal_spare *spare = &journal->spare;

	spare->err = journal_spare_make(&journal->dir, spare->n,
					journal->segment_size);
}


void journal_spare_done(void *arg)
{
	struct journal *journal = arg;
	const struct journal_spare *spare = &journal->spare;

	if (spare->err) {
		/* The tick tries again. */
		if (!journal->lacks_spare)
			log_warn(journal->args.log,
				 "journal_spare_failed why=%s",
				 strerror(spare->err));
		journal->lacks_spare = true;
		journal_room_look(journal);
		return;
	}

	journal->spares[journal->sparec++] = spare->n;
	journal->lacks_spare = false;
	journal_room_look(journal);
	journal_spare_wanted(journal);
	journal_go_on(journal);
}


static uint64_t bytes_of_files(const struct journal *journal)
{
	uint64_t bytes = journal->sparec * journal->segment_size;

	for (size_t i = 0; i < journal->segmentc; i++)
		bytes += journal->segments[i].size;

	return bytes;
}


void journal_spare_wanted(struct journal *journal)
{
	if (journal->sparec == JOURNAL_SPARES ||
	    worker_busy(journal->preparer))
		return;
	if (journal->args.limit > 0 &&
	    bytes_of_files(journal) + journal->segment_size >
		    journal->args.limit) {
		journal->lacks_spare = true;
		return;
	}

	journal->spare.n++;
	worker_start(journal->preparer);
}


/* --- how full it is ------------------------------------------------------- */

static uint32_t percent_of_limit(const struct journal *journal)
{
	const uint64_t kept = (uint64_t)JOURNAL_SPARES * journal->segment_size;
	const uint64_t limit = journal->args.limit;
	uint64_t used = journal->at;

	for (size_t i = 0; i + 1 < journal->segmentc; i++)
		used += journal->segments[i].size;
	if (limit == 0)
		return 0;
	if (limit <= kept || used >= limit - kept)
		return 100;

	return (uint32_t)(used * 100 / (limit - kept));
}


static bool is_above(uint32_t percent, uint32_t mark, bool was)
{
	return percent >= (was ? mark - AGAIN_PERCENT : mark);
}


static void say(const struct journal *journal, const char *event)
{
	log_warn(journal->args.log, "%s used=%u%% segments=%zu", event,
		 journal->used_percent, journal->segmentc);
}


void journal_room_look(struct journal *journal)
{
	const bool was_full = journal->is_full, was_high = journal->is_high;
	uint32_t percent = percent_of_limit(journal);
	bool lacks;

	if (journal->disk_percent > percent)
		percent = journal->disk_percent;
	/* Spares are short when there is no room for more; one that has just
	 * been used is being made anew. */
	lacks = journal->job.err != 0 ||
		(journal->lacks_spare && journal->sparec < JOURNAL_SPARES);

	journal->used_percent = percent;
	journal->is_full = lacks ||
			   is_above(percent, JOURNAL_FULL_PERCENT, was_full);
	journal->is_high = journal->is_full ||
			   is_above(percent, JOURNAL_HIGH_PERCENT, was_high);
	if (was_full == journal->is_full && was_high == journal->is_high)
		return;

	if (journal->is_high && !was_high)
		say(journal, "journal_high");
	if (journal->is_full && !was_full)
		say(journal, "journal_full");
	if (!journal->is_high)
		log_notice(journal->args.log, "journal_room used=%u%%",
			   percent);
	if (journal->args.roomh)
		journal->args.roomh(journal->args.arg);
}


bool journal_is_full(const struct journal *journal)
{
	return journal->is_full;
}


bool journal_is_high(const struct journal *journal)
{
	return journal->is_high;
}


/* --- segments ------------------------------------------------------------- */

int journal_segment_add(struct journal *journal, uint64_t first)
{
	if (journal->segmentc == journal->segment_room) {
		const size_t room = journal->segment_room
					    ? journal->segment_room * 2
					    : SEGMENTS_FIRST;
		struct journal_segment *more;

		more = realloc(journal->segments, room * sizeof(*more));
		if (!more)
			return ENOMEM;
		journal->segments = more;
		journal->segment_room = room;
	}
	journal->segments[journal->segmentc++] = (struct journal_segment){
		.first = first,
		.size = journal->segment_size,
	};

	return 0;
}


static void on_carried(uint64_t seq, void *arg)
{
	struct journal *journal = arg;

	(void)seq;
	journal->is_carrying = false;
	journal->carried = journal->segmentc > 1 ? journal->segments[1].first
						 : 0;
	journal_remove(journal);
}


static void carry(struct journal *journal, uint64_t below)
{
	const uint64_t last = journal->last;
	int err = 0;

	if (journal->args.carryh)
		err = journal->args.carryh(below, journal->args.arg);
	if (!err && journal->last == last) {
		journal->carried = below;
		return;
	}
	if (!err)
		err = journal_wait(journal, on_carried, journal);
	journal->is_carrying = !err;
	if (err)
		log_warn(journal->args.log, "journal_segment_stays why=%s",
			 strerror(err));
}


static int remove_first(struct journal *journal)
{
	const int err = journal_segment_remove(&journal->dir,
					       journal->segments[0].first);

	if (err)
		return err;
	journal->segmentc--;
	memmove(journal->segments, journal->segments + 1,
		journal->segmentc * sizeof(*journal->segments));

	return 0;
}


bool journal_can_shrink(const struct journal *journal)
{
	return journal->segmentc > 1 &&
	       journal->applied + 1 >= journal->segments[1].first;
}


/* The oldest first: what is there has no holes. */
void journal_remove(struct journal *journal)
{
	while (!journal->is_carrying && journal_can_shrink(journal)) {
		const uint64_t below = journal->segments[1].first;
		int err;

		if (journal->carried < below)
			carry(journal, below);
		if (journal->carried < below)
			return;
		err = remove_first(journal);
		if (err) {
			log_warn(journal->args.log,
				 "journal_segment_stays why=%s",
				 strerror(err));
			return;
		}
	}
}


void journal_applied(struct journal *journal, uint64_t seq)
{
	if (seq > journal->applied)
		journal->applied = seq;
	journal_remove(journal);
	journal_spare_wanted(journal);
	journal_room_look(journal);
	journal_go_on(journal);
}
