/**
 * @file billingd/journal.c  What must not be lost, on disk before it is said
 *
 * Two groups take turns: one takes what is put, the other is being written. A
 * group that does not fit into its segment is written in parts, each of whole
 * records; between two parts a spare becomes the next segment.
 *
 * Diagnostics: error journal_failed when the disk cannot be trusted any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "billingd/journal_int.h"
#include "billingd/journal_record.h"
#include "billingd/worker.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/util.h"

enum {
	TICK_MS = 1000,
	GROUP_FIRST = 64 << 10,
	WAITERS_FIRST = 64,
	PART_MAX = 4 << 20, /* Bytes of one write: nobody waits for more */
};


/* --- writing, in the thread ----------------------------------------------- */

static bool is_no_room(int err)
{
	return err == ENOSPC || err == EDQUOT;
}


static int job_rotate(struct journal *journal, struct journal_job *job)
{
	int fd, err;

	err = journal_spare_use(&journal->dir, job->spare, job->first, &fd);
	if (err)
		return err;
	(void)close(job->fd);
	job->fd = fd;
	job->at = 0;

	return 0;
}


static void job_write(void *arg)
{
	struct journal *journal = arg;
	struct journal_job *job = &journal->job;

	job->err = job->rotates ? job_rotate(journal, job) : 0;
	if (job->err) {
		job->is_sync = true;
		return;
	}
	job->rotates = false;
	job->err = journal_pwrite(job->fd, job->p, job->len, job->at);
	if (!job->err && fdatasync(job->fd) != 0) {
		job->err = errno;
		job->is_sync = true;
	}
}


/* --- groups --------------------------------------------------------------- */

static struct journal_group *out_group(struct journal *journal)
{
	return &journal->groups[1 - journal->fill];
}


static void group_tell(struct journal *journal, struct journal_group *g)
{
	while (g->told < g->waiterc &&
	       g->waiters[g->told].seq <= journal->durable) {
		const struct waiter *w = &g->waiters[g->told++];

		w->h(w->seq, w->arg);
	}
}


static void group_empty(struct journal_group *g)
{
	g->used = 0;
	g->done = 0;
	g->waiterc = 0;
	g->told = 0;
}


/* Whole records that fit into so much; *lastp: the last of them */
static size_t group_part(const struct journal_group *g, size_t room,
			 uint64_t *lastp)
{
	size_t l = 0;

	if (room > PART_MAX)
		room = PART_MAX;
	while (g->done + l < g->used) {
		struct journal_record record;
		uint64_t durable;
		size_t size;

		if (journal_decode(&record, &durable, &size,
				   g->p + g->done + l, g->used - g->done - l))
			abort();
		if (l + size > room)
			break;
		l += size;
		*lastp = record.seq;
	}

	return l;
}


/* The segment is full: a spare is its successor, once there is one. The last
 * one is for what has to be written before another can be removed. */
static bool plan_rotation(struct journal *journal, struct journal_job *job)
{
	if (journal->sparec == 0 ||
	    (journal->sparec == 1 && !journal_can_shrink(journal)))
		return false;
	if (journal_segment_add(journal, journal->durable + 1))
		return false;

	job->rotates = true;
	job->first = journal->durable + 1;
	job->spare = journal->spares[0];
	journal->sparec--;
	memmove(journal->spares, journal->spares + 1,
		journal->sparec * sizeof(*journal->spares));
	journal->at = 0;

	return true;
}


static void write_part(struct journal *journal)
{
	struct journal_group *g = out_group(journal);
	struct journal_job *job = &journal->job;
	size_t l;

	l = group_part(g, journal->segment_size - journal->at,
		       &journal->last_of_job);
	if (l == 0) {
		if (!plan_rotation(journal, job)) {
			journal_spare_wanted(journal);
			return;
		}
		l = group_part(g, journal->segment_size,
			       &journal->last_of_job);
	}

	job->p = g->p + g->done;
	job->len = l;
	job->at = journal->at;
	job->is_sync = false;
	worker_start(journal->writer);
	journal_spare_wanted(journal);
}


/* @return true if there is something to be written */
static bool next_group(struct journal *journal)
{
	struct journal_group *g = out_group(journal);

	if (g->done < g->used)
		return true;

	/* Who waits for nothing that is not there already is told now. */
	group_tell(journal, g);
	group_empty(g);
	journal->fill = 1 - journal->fill;
	g = out_group(journal);
	if (g->used > 0)
		return true;
	group_tell(journal, g);
	group_empty(g);

	return false;
}


static void go_on(struct journal *journal)
{
	if (worker_busy(journal->writer) || journal->has_failed)
		return;
	/* A write that found no room is repeated by the tick. */
	if (journal->job.err)
		return;
	if (next_group(journal))
		write_part(journal);
}


static void on_late(void *arg)
{
	go_on(arg);
}


/* Late: who asks may have been called from in here. */
void journal_go_on(struct journal *journal)
{
	if (!journal->late.ev)
		ev_late_start(&journal->late, journal->ev, on_late, journal);
}


static void failed(struct journal *journal, int err)
{
	log_error(journal->args.log, "journal_failed why=%s", strerror(err));
	journal->has_failed = true;
	if (!journal->args.failedh)
		abort();
	journal->args.failedh(err, journal->args.arg);
}


static void on_written(void *arg)
{
	struct journal *journal = arg;
	struct journal_group *g = out_group(journal);
	const struct journal_job *job = &journal->job;

	journal->fd = job->fd;
	if (job->err && (job->is_sync || !is_no_room(job->err))) {
		failed(journal, job->err);
		return;
	}
	if (job->err) {
		journal_room_look(journal);
		return;
	}

	g->done += job->len;
	journal->at += job->len;
	journal->durable = journal->last_of_job;
	journal->commits++;
	journal_room_look(journal);
	group_tell(journal, g);
	go_on(journal);
}


/* --- putting -------------------------------------------------------------- */

static int bytes_make(struct journal_group *g, size_t more)
{
	size_t room = g->room ? g->room : GROUP_FIRST;
	uint8_t *p;

	if (more > JOURNAL_WAITING - g->used)
		return ENOBUFS;
	while (room < g->used + more)
		room *= 2;
	if (room == g->room)
		return 0;
	p = realloc(g->p, room);
	if (!p)
		return ENOMEM;
	g->p = p;
	g->room = room;

	return 0;
}


static int waiters_make(struct journal_group *g)
{
	const size_t room = g->waiter_room ? g->waiter_room * 2
					   : WAITERS_FIRST;
	struct waiter *waiters;

	if (g->waiterc < g->waiter_room)
		return 0;
	waiters = realloc(g->waiters, room * sizeof(*waiters));
	if (!waiters)
		return ENOMEM;
	g->waiters = waiters;
	g->waiter_room = room;

	return 0;
}


static void wait_add(struct journal *journal, struct journal_group *g,
		     journal_durable_h *h, void *arg)
{
	if (h)
		g->waiters[g->waiterc++] = (struct waiter){
			.h = h,
			.arg = arg,
			.seq = journal->last,
		};
	journal_go_on(journal);
}


int journal_put(struct journal *journal, enum journal_type type,
		const void *payload, size_t len, journal_durable_h *h,
		void *arg)
{
	struct journal_group *g = &journal->groups[journal->fill];
	const struct journal_record record = {
		.seq = journal->last + 1,
		.type = type,
		.wall_us = clk_wall_us(),
		.payload = payload,
		.len = len,
	};
	size_t size;
	int err;

	if (len > JOURNAL_PAYLOAD_MAX)
		return EMSGSIZE;
	size = journal_record_size(len);
	if (size > journal->segment_size)
		return EMSGSIZE;
	err = bytes_make(g, size);
	if (!err && h)
		err = waiters_make(g);
	if (err)
		return err;

	journal_encode(g->p + g->used, &record, journal->durable);
	g->used += size;
	journal->last++;
	journal->records++;
	wait_add(journal, g, h, arg);

	return 0;
}


int journal_wait(struct journal *journal, journal_durable_h *h, void *arg)
{
	struct journal_group *g = &journal->groups[journal->fill];
	const int err = waiters_make(g);

	if (!err)
		wait_add(journal, g, h, arg);

	return err;
}


uint64_t journal_last(const struct journal *journal)
{
	return journal->last;
}


const char *journal_id(const struct journal *journal)
{
	return journal->dir.id;
}


struct journal_stats journal_stats(const struct journal *journal)
{
	struct journal_stats stats = {
		.first = journal->segments[0].first,
		.last = journal->last,
		.durable = journal->durable,
		.commits = journal->commits,
		.records = journal->records,
		.segments = journal->segmentc,
		.used_percent = journal->used_percent,
	};

	for (size_t i = 0; i < journal->segmentc; i++)
		stats.bytes += journal->segments[i].size;
	stats.bytes += journal->sparec * journal->segment_size;

	return stats;
}


/* --- its life ------------------------------------------------------------- */

static void on_tick(void *arg)
{
	struct journal *journal = arg;

	ev_timer_start(&journal->tick, journal->ev, TICK_MS, on_tick, journal);
	if (journal_disk_used(&journal->dir, &journal->disk_percent))
		journal->disk_percent = 0;
	journal_spare_wanted(journal);
	journal_room_look(journal);
	journal_remove(journal);
	if (journal->job.err && !journal->has_failed &&
	    !worker_busy(journal->writer)) {
		journal->job.err = 0;
		worker_start(journal->writer);
	}
	journal_go_on(journal);
}


int journal_alloc(struct journal **journalp, const struct journal_args *args)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	int err;

	if (!journal)
		return ENOMEM;
	journal->ev = args->ev;
	journal->args = *args;
	journal->fd = -1;
	journal->dir.fd = -1;
	journal->segment_size = args->segment ? args->segment
					      : JOURNAL_SEGMENT;

	err = journal_dir_open(&journal->dir, args->dir);
	if (!err)
		err = worker_alloc(&journal->writer, args->ev, job_write,
				   on_written, journal);
	if (!err)
		err = worker_alloc(&journal->preparer, args->ev,
				   journal_spare_job, journal_spare_done,
				   journal);
	if (!err)
		err = journal_recover(journal);
	if (err) {
		journal->has_failed = true;
		journal_free(journal);
		return err;
	}
	journal->job.fd = journal->fd;
	ev_timer_start(&journal->tick, journal->ev, 0, on_tick, journal);
	*journalp = journal;

	return 0;
}


/* What fits; nobody was promised the rest. */
static void finish(struct journal *journal)
{
	for (unsigned i = 0; i < COUNT_OF(journal->groups); i++) {
		struct journal_group *g = out_group(journal);
		const size_t l = g->used - g->done;

		if (l == 0) {
			journal->fill = 1 - journal->fill;
			continue;
		}
		if (l > journal->segment_size - journal->at ||
		    (l > 0 && journal_pwrite(journal->fd, g->p + g->done, l,
					     journal->at)))
			return;
		journal->at += l;
		journal->fill = 1 - journal->fill;
	}
	(void)fdatasync(journal->fd);
}


static void finish_job(struct journal *journal)
{
	const struct journal_job *job = &journal->job;

	const bool was_busy = worker_busy(journal->writer);

	journal->writer = worker_free(journal->writer);
	if (journal->has_failed)
		return;
	journal->fd = job->fd;
	journal->has_failed = job->err != 0;
	if (!was_busy || job->err)
		return;
	out_group(journal)->done += job->len;
	journal->at += job->len;
}


struct journal *journal_free(struct journal *journal)
{
	if (!journal)
		return NULL;

	ev_timer_stop(&journal->tick);
	if (journal->late.ev)
		ev_late_stop(&journal->late);
	if (journal->writer)
		finish_job(journal);
	journal->preparer = worker_free(journal->preparer);
	if (journal->fd >= 0) {
		if (!journal->has_failed)
			finish(journal);
		(void)close(journal->fd);
	}
	journal_dir_close(&journal->dir);
	for (size_t i = 0; i < COUNT_OF(journal->groups); i++) {
		free(journal->groups[i].p);
		free(journal->groups[i].waiters);
	}
	free(journal->segments);
	free(journal);

	return NULL;
}
