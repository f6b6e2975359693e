/**
 * @file test/fault/journal.c  Torture of the journal of billingd
 *
 *     journaltorture DIR [CYCLES [SEED]]
 *
 * A child puts records and notes, in memory that outlives it, the last one it
 * was told of. It is killed at any instant, in recovery too. In half of the
 * cycles the power is cut as well: of every sector that was written and not
 * covered by a sync that returned, the new bytes stay, or become zeros, or
 * garbage; those left from earlier cycles too. Its successor must find every
 * record that was told to be durable, whole and in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "billingd/journal.h"
#include "billingd/journal_files.h"
#include "shared/base/log.h"
#include "shared/ev/ev.h"

enum {
	RANGES = 8192,
	SECTOR = 512,
	SEGMENT = 64 << 10,
	PAYLOAD_MAX = 2000,
	BURST_MAX = 40,
	KEEP_MAX = 2000, /* Records that are not applied yet */
	LOST = 3,        /* Exit codes of the child */
	BAD = 4,
	ALARM = 5,
	FAILED = 6,
};

/* Bytes that a power cut may take; free when is_used is 0 */
struct range {
	_Atomic uint32_t is_used;
	uint64_t inode, at, len;
};

struct oracle {
	_Atomic uint64_t told, applied;
	_Atomic uint64_t replayed, reread;
	_Atomic uint32_t is_recovered;
	struct range ranges[RANGES];
};

static struct oracle *oracle; /* Shared by parent and children */

ssize_t __real_pwrite(int fd, const void *p, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t len, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);


/* --- what the disk may forget --------------------------------------------- */

static uint64_t inode_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		abort();

	return st.st_ino;
}


static bool is_same(int fd, const void *p, size_t len, off_t at)
{
	char *was = malloc(len);
	const bool same = was && pread(fd, was, len, at) == (ssize_t)len &&
			  memcmp(was, p, len) == 0;

	free(was);

	return same;
}


static void note(uint64_t inode, uint64_t at, uint64_t len)
{
	for (size_t i = 0; i < RANGES; i++) {
		struct range *r = &oracle->ranges[i];
		uint32_t none = 0;

		/* 2: being filled in. A child that dies over it has not
		 * written. */
		if (!atomic_compare_exchange_strong(&r->is_used, &none, 2))
			continue;
		r->inode = inode;
		r->at = at;
		r->len = len;
		atomic_store(&r->is_used, 1);
		return;
	}
	abort();
}


ssize_t __wrap_pwrite(int fd, const void *p, size_t len, off_t at)
{
	if (!is_same(fd, p, len, at))
		note(inode_of(fd), (uint64_t)at, len);

	return __real_pwrite(fd, p, len, at);
}


static int sync_noted(int fd, int (*sync)(int fd))
{
	static _Thread_local uint16_t covered[RANGES];
	const uint64_t inode = inode_of(fd);
	size_t n = 0;

	for (size_t i = 0; i < RANGES; i++) {
		if (atomic_load(&oracle->ranges[i].is_used) == 1 &&
		    oracle->ranges[i].inode == inode)
			covered[n++] = (uint16_t)i;
	}
	if (sync(fd) != 0)
		return -1;
	while (n > 0)
		atomic_store(&oracle->ranges[covered[--n]].is_used, 0);

	return 0;
}


/* The page cache keeps what the test "loses": no need to wait for a disk. */
static int no_sync(int fd)
{
	(void)fd;

	return 0;
}


int __wrap_fdatasync(int fd)
{
	return sync_noted(fd, no_sync);
}


int __wrap_fsync(int fd)
{
	return sync_noted(fd, no_sync);
}


static void forget(int fd, const struct range *r)
{
	uint8_t bytes[SECTOR];

	for (uint64_t at = r->at; at < r->at + r->len;) {
		const uint64_t end = (at / SECTOR + 1) * SECTOR;
		const uint64_t stop = end < r->at + r->len ? end
							   : r->at + r->len;
		const size_t len = (size_t)(stop - at);
		const int fate = (int)(random() % 3);

		memset(bytes, 0, len);
		for (size_t i = 0; fate == 2 && i < len; i++)
			bytes[i] = (uint8_t)random();
		if (fate > 0 && __real_pwrite(fd, bytes, len, (off_t)at) < 0)
			abort();
		at = stop;
	}
}


static void power_cut(const char *dir)
{
	struct journal_dir d = { .fd = -1 };
	struct journal_segment *segments = NULL;
	size_t count = 0;

	if (journal_dir_open(&d, dir) ||
	    journal_dir_list(&d, &segments, &count))
		abort();
	for (size_t i = 0; i < count; i++) {
		int fd;

		if (journal_segment_open(&d, segments[i].first, O_RDWR, &fd))
			abort();
		for (size_t n = 0; n < RANGES; n++) {
			const struct range *r = &oracle->ranges[n];

			if (atomic_load(&r->is_used) == 1 &&
			    r->inode == inode_of(fd))
				forget(fd, r);
		}
		(void)close(fd);
	}
	free(segments);
	journal_dir_close(&d);
	for (size_t n = 0; n < RANGES; n++)
		atomic_store(&oracle->ranges[n].is_used, 0);
}


/* --- the child ------------------------------------------------------------ */

struct child {
	struct ev *ev;
	struct journal *journal;
	struct journal_reader *reader;
	struct ev_timer timer;
	uint64_t expected; /* Of replay; 0: the first one */
	uint64_t read;
};


static size_t payload_of(uint64_t seq, uint8_t *p)
{
	uint64_t x = seq * 0x9e3779b97f4a7c15U + 1;
	const size_t len = (size_t)(x >> 33) % PAYLOAD_MAX;

	for (size_t i = 0; i < len; i++) {
		x = x * 6364136223846793005U + 1442695040888963407U;
		p[i] = (uint8_t)(x >> 56);
	}

	return len;
}


static void check(const struct journal_record *record, uint64_t *expectedp)
{
	uint8_t p[PAYLOAD_MAX];
	const size_t len = payload_of(record->seq, p);

	if ((*expectedp && record->seq != *expectedp) || record->len != len ||
	    memcmp(record->payload, p, len) != 0)
		_exit(BAD);
	*expectedp = record->seq + 1;
}


static int on_replay(const struct journal_record *record, void *arg)
{
	struct child *child = arg;

	if (child->expected == 0 &&
	    record->seq > atomic_load(&oracle->applied) + 1)
		_exit(LOST);
	check(record, &child->expected);
	atomic_fetch_add(&oracle->replayed, 1);

	return 0;
}


static void on_damage(uint64_t from, uint64_t to, void *arg)
{
	(void)from;
	(void)to;
	(void)arg;
	_exit(ALARM);
}


static void on_durable(uint64_t seq, void *arg)
{
	(void)arg;
	if (seq <= atomic_load(&oracle->told))
		_exit(BAD);
	atomic_store(&oracle->told, seq);
}


static void read_on(struct child *child)
{
	struct journal_record record;
	int err;

	while (!(err = journal_read(child->reader, &record))) {
		check(&record, &child->read);
		atomic_fetch_add(&oracle->reread, 1);
	}
	if (err != EAGAIN)
		_exit(FAILED);
}


static void on_turn(void *arg)
{
	struct child *child = arg;
	const uint64_t told = atomic_load(&oracle->told);
	uint8_t p[PAYLOAD_MAX];

	for (long n = random() % BURST_MAX; n > 0; n--) {
		const uint64_t seq = journal_last(child->journal) + 1;

		if (journal_put(child->journal, JOURNAL_ENDED, p,
				payload_of(seq, p), on_durable, child))
			_exit(FAILED);
	}
	read_on(child);
	if (told > KEEP_MAX) {
		atomic_store(&oracle->applied, told - KEEP_MAX);
		journal_applied(child->journal, told - KEEP_MAX);
	}
	ev_timer_start(&child->timer, child->ev, (uint32_t)(random() % 2),
		       on_turn, child);
}


static void child_run(const char *dir)
{
	static const struct log log = { .level = LOG_LEVEL_INHERIT };
	struct child child = { .ev = NULL };
	struct journal_args args = {
		.dir = dir,
		.segment = SEGMENT,
		.log = &log,
		.replayh = on_replay,
		.damageh = on_damage,
		.arg = &child,
	};

	if (ev_alloc(&child.ev))
		_exit(FAILED);
	args.ev = child.ev;
	if (journal_alloc(&child.journal, &args))
		_exit(FAILED);
	if (journal_last(child.journal) < atomic_load(&oracle->told))
		_exit(LOST);
	/* What was found is durable: it may be told. */
	atomic_store(&oracle->told, journal_last(child.journal));
	atomic_store(&oracle->is_recovered, 1);
	if (journal_reader_alloc(&child.reader, child.journal,
				 atomic_load(&oracle->applied)))
		_exit(FAILED);
	on_turn(&child);
	(void)ev_run(child.ev);
	_exit(FAILED);
}


/* --- the parent ----------------------------------------------------------- */

struct figures {
	unsigned cycles, cuts, in_recovery;
};


static int cycle(const char *dir, unsigned seed, struct figures *figures)
{
	struct timespec some;
	pid_t pid;
	int status;

	atomic_store(&oracle->is_recovered, 0);
	pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0) {
		srandom(seed);
		child_run(dir);
	}
	/* Any instant will do: there is nothing to wait for. */
	some = (struct timespec){ .tv_nsec = random() % 8 == 0
						     ? random() % 2000000
						     : random() % 30000000 };
	(void)ppoll(NULL, 0, &some, NULL);
	(void)kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return errno;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		(void)printf("cycle %u: the child ended with %d (%s)\n",
			     figures->cycles, status,
			     !WIFEXITED(status)             ? "a signal"
			     : WEXITSTATUS(status) == LOST  ? "records lost"
			     : WEXITSTATUS(status) == BAD   ? "a bad record"
			     : WEXITSTATUS(status) == ALARM ? "a false alarm"
							    : "failed");
		return EIO;
	}

	figures->cycles++;
	if (!atomic_load(&oracle->is_recovered))
		figures->in_recovery++;
	if (random() % 2) {
		figures->cuts++;
		power_cut(dir);
	}

	return 0;
}


int main(int argc, char *argv[])
{
	const unsigned cycles = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10)
					 : 150;
	const unsigned seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10)
				       : (unsigned)getpid();
	struct figures figures = { 0, 0, 0 };
	int err = 0;

	if (argc < 2) {
		(void)fprintf(stderr, "journaltorture DIR [CYCLES [SEED]]\n");
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	log_level_set(LOG_LEVEL_ERROR);
	oracle = mmap(NULL, sizeof(*oracle), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (oracle == MAP_FAILED)
		return 1;
	srandom(seed);
	(void)printf("seed %u\n", seed);
	while (!err && figures.cycles < cycles)
		err = cycle(argv[1], (unsigned)random(), &figures);

	(void)printf("%u kills, %u of them in recovery, %u power cuts; %" PRIu64
		     " records told, %" PRIu64 " replayed, %" PRIu64
		     " read beside: %s\n",
		     figures.cycles, figures.in_recovery, figures.cuts,
		     atomic_load(&oracle->told),
		     atomic_load(&oracle->replayed),
		     atomic_load(&oracle->reread),
		     err ? "FAILED" : "0 lost, 0 bad, 0 false alarms");

	return err ? 1 : 0;
}
