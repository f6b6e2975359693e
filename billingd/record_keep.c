/**
 * @file billingd/record_keep.c  Records of calls, kept in a file
 *
 * Diagnostics: error records_not_written when a group fails, once a second;
 * warn records_cut when a crash left half a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "billingd/record_keep.h"
#include "billingd/record_line.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"

enum {
	GROUP_MS = 20,
	RETRY_MS = 1000,
	ROOM_FIRST = 64 << 10,
};

/* Ids are looked for in so much of the file's end. */
static const off_t tail_max = (off_t)256 << 20;

struct known {
	struct map_link link;
	char id[RECORD_ID_SIZE]; /* Empty: of nobody */
};

struct record_keep {
	struct ev *ev;
	const struct log *log;
	record_kept_h *kepth;
	void (*failedh)(void *arg);
	void *arg;
	int fd;
	char *path;

	struct map *ids;
	struct known *ring; /* RECORD_IDS; the oldest gives way */
	size_t next;

	char *lines;
	size_t used, room;
	Tandem__Header *waiting; /* RECORD_WAITING */
	size_t waitingc;
	struct ev_timer timer;
	int64_t last_us; /* When the last group was written */
};


/* --- ids ------------------------------------------------------------------ */

bool record_keep_has(const struct record_keep *keep, const char *id)
{
	return map_find(keep->ids, id, strlen(id));
}


static int id_add(struct record_keep *keep, struct text id)
{
	struct known *known = &keep->ring[keep->next];
	int err;

	if (id.l == 0 || id.l >= sizeof(known->id))
		return EMSGSIZE;
	if (map_find(keep->ids, id.p, id.l))
		return EEXIST;

	if (known->id[0])
		map_remove(keep->ids, &known->link);
	(void)text_copy(known->id, sizeof(known->id), id);
	err = map_add(keep->ids, &known->link, known->id, id.l);
	if (err)
		known->id[0] = '\0';
	else
		keep->next = (keep->next + 1) % RECORD_IDS;

	return err;
}


/* The newest again: it has not been kept after all. */
static void id_drop(struct record_keep *keep)
{
	struct known *known;

	keep->next = (keep->next + RECORD_IDS - 1) % RECORD_IDS;
	known = &keep->ring[keep->next];
	map_remove(keep->ids, &known->link);
	known->id[0] = '\0';
}


/* --- what the file holds -------------------------------------------------- */

static int line_adopt(struct record_keep *keep, struct text line)
{
	const struct text begin = text_of(RECORD_LINE_BEGIN);
	struct text id, rest;
	int err;

	if (line.l < begin.l || memcmp(line.p, begin.p, begin.l) != 0)
		return 0;
	line.p += begin.l;
	line.l -= begin.l;
	if (!text_cut(line, '"', &id, &rest))
		return 0;
	err = id_add(keep, id);

	return err == ENOMEM ? err : 0;
}


/* All whole lines; *endp: where the last one ends. */
static int lines_adopt(struct record_keep *keep, struct text all, size_t *endp)
{
	struct text line, rest;
	int err = 0;

	*endp = 0;
	while (!err && text_cut(all, '\n', &line, &rest)) {
		*endp += line.l + 1;
		err = line_adopt(keep, line);
		all = rest;
	}

	return err;
}


static int tail_adopt(struct record_keep *keep, off_t size)
{
	const off_t page = sysconf(_SC_PAGESIZE);
	const off_t from = size > tail_max ? (size - tail_max) / page * page
					   : 0;
	const size_t l = (size_t)(size - from);
	size_t end;
	void *p;
	int err;

	if (size == 0)
		return 0;

	p = mmap(NULL, l, PROT_READ, MAP_PRIVATE, keep->fd, from);
	if (p == MAP_FAILED)
		return errno;
	err = lines_adopt(keep, (struct text){ p, l }, &end);
	(void)munmap(p, l);
	if (err || end == l)
		return err;

	log_warn(keep->log, "records_cut bytes=%zu", l - end);

	return ftruncate(keep->fd, from + (off_t)end) == 0 ? 0 : errno;
}


/* That there is such a file has to be durable, too. */
static int sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	int fd, err = 0;

	if (!dir)
		return ENOMEM;
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		err = errno;
	if (fd >= 0)
		(void)close(fd);
	free(dir);

	return err;
}


static int open_path(int *fdp, const char *path)
{
	int fd, err;

	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		  0640);
	if (fd < 0)
		return errno;
	err = sync_dir(path);
	if (err)
		(void)close(fd);
	else
		*fdp = fd;

	return err;
}


static int file_open(struct record_keep *keep)
{
	struct stat st;
	int err;

	err = open_path(&keep->fd, keep->path);
	if (err)
		return err;
	if (fstat(keep->fd, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;

	return tail_adopt(keep, st.st_size);
}


/* --- writing -------------------------------------------------------------- */

/* All of it, or nothing: what came out by halves is taken back. */
static int append(const struct record_keep *keep, size_t *donep)
{
	*donep = 0;
	while (*donep < keep->used) {
		const ssize_t n = write(keep->fd, keep->lines + *donep,
					keep->used - *donep);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			*donep += (size_t)n;
	}

	return fdatasync(keep->fd) == 0 ? 0 : errno;
}


static void take_back(const struct record_keep *keep, size_t done)
{
	struct stat st;

	if (done > 0 && fstat(keep->fd, &st) == 0 &&
	    st.st_size >= (off_t)done &&
	    ftruncate(keep->fd, st.st_size - (off_t)done) != 0)
		log_error(keep->log, "records_doubled why=%s",
			  strerror(errno));
}


static int commit(struct record_keep *keep)
{
	size_t done;
	int err;

	if (keep->used == 0)
		return 0;

	err = append(keep, &done);
	if (err)
		take_back(keep, done);
	else
		keep->used = 0;

	return err;
}


static void on_group(void *arg)
{
	struct record_keep *keep = arg;
	const int err = commit(keep);

	keep->last_us = clk_mono_us();
	if (err) {
		log_error(keep->log, "records_not_written waiting=%zu why=%s",
			  keep->waitingc, strerror(err));
		if (keep->failedh)
			keep->failedh(keep->arg);
		ev_timer_start(&keep->timer, keep->ev, RETRY_MS, on_group,
			       keep);
		return;
	}

	for (size_t i = 0; i < keep->waitingc; i++)
		keep->kepth(&keep->waiting[i], keep->arg);
	keep->waitingc = 0;
}


/* At most one group in GROUP_MS; what comes alone does not wait for others. */
static void group_plan(struct record_keep *keep)
{
	const int64_t due_us = keep->last_us + (int64_t)GROUP_MS * 1000;
	const int64_t left_us = due_us - clk_mono_us();

	if (!ev_timer_running(&keep->timer))
		ev_timer_start(&keep->timer, keep->ev,
			       left_us > 0 ? (uint32_t)(left_us / 1000 + 1)
					   : 0,
			       on_group, keep);
}


static int room_make(struct record_keep *keep, size_t more)
{
	size_t room = keep->room ? keep->room : ROOM_FIRST;
	char *lines;

	if (more > RECORD_BYTES - keep->used)
		return ENOBUFS;
	while (room < keep->used + more)
		room *= 2;
	if (room == keep->room)
		return 0;

	lines = realloc(keep->lines, room);
	if (!lines)
		return ENOMEM;
	keep->lines = lines;
	keep->room = room;

	return 0;
}


static int line_put(struct record_keep *keep, const char *id, const char *line)
{
	const size_t l = strlen(line);
	int err;

	err = id_add(keep, text_of(id));
	if (err)
		return err;
	err = room_make(keep, l);
	if (err) {
		id_drop(keep);
		return err;
	}
	memcpy(keep->lines + keep->used, line, l);
	keep->used += l;

	return 0;
}


int record_keep_put(struct record_keep *keep, const char *id, const char *line,
		    const Tandem__Header *hdr)
{
	Tandem__Header *waiting = &keep->waiting[keep->waitingc];
	int err;

	if (keep->waitingc == RECORD_WAITING)
		return ENOBUFS;
	err = line ? line_put(keep, id, line) : 0;
	if (err)
		return err;

	/* Of the message only the numbers stay. */
	*waiting = *hdr;
	waiting->base.n_unknown_fields = 0;
	waiting->base.unknown_fields = NULL;
	keep->waitingc++;
	group_plan(keep);

	return 0;
}


/* --- its life ------------------------------------------------------------- */

int record_keep_alloc(struct record_keep **keepp,
		      const struct record_keep_args *args)
{
	struct record_keep *keep = calloc(1, sizeof(*keep));
	int err;

	if (!keep)
		return ENOMEM;

	keep->ev = args->ev;
	keep->log = args->log;
	keep->kepth = args->kepth;
	keep->failedh = args->failedh;
	keep->arg = args->arg;
	keep->fd = -1;
	keep->last_us = INT64_MIN / 2;
	keep->ring = calloc(RECORD_IDS, sizeof(*keep->ring));
	keep->waiting = calloc(RECORD_WAITING, sizeof(*keep->waiting));
	keep->path = strdup(args->path);
	err = keep->ring && keep->waiting && keep->path
		      ? map_alloc(&keep->ids, RECORD_IDS)
		      : ENOMEM;
	if (!err)
		err = file_open(keep);
	if (err)
		record_keep_free(keep);
	else
		*keepp = keep;

	return err;
}


int record_keep_reopen(struct record_keep *keep)
{
	struct stat ours, there;
	int fd = -1, err;

	if (fstat(keep->fd, &ours) == 0 && stat(keep->path, &there) == 0 &&
	    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
		return 0;

	/* Those who wait are told later: it is in the old one by then. */
	err = commit(keep);
	if (!err)
		err = open_path(&fd, keep->path);
	if (err)
		return err;
	(void)close(keep->fd);
	keep->fd = fd;

	return 0;
}


struct record_keep *record_keep_free(struct record_keep *keep)
{
	if (!keep)
		return NULL;

	ev_timer_stop(&keep->timer);
	if (keep->fd >= 0) {
		const int err = commit(keep);

		if (err)
			log_error(keep->log, "records_not_written why=%s",
				  strerror(err));
		(void)close(keep->fd);
	}
	map_free(keep->ids);
	free(keep->path);
	free(keep->ring);
	free(keep->waiting);
	free(keep->lines);
	free(keep);

	return NULL;
}
