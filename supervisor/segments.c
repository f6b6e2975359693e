/**
 * @file supervisor/segments.c  The shared-memory segments the supervisor holds
 *
 * A daemon's segments are taken as they lie there: which layout they are to
 * have is for the program that writes them to say, when it is started
 * (upgrade.c). A new layout is filled beside the old one, as NAME.new; the old
 * one gets a second name, NAME.aside, and in one step the new one takes its
 * first. If the new program does not come up, one step more brings it back. So
 * what has the name, and what is aside, is whole at any instant, and NAME.new
 * is never looked at.
 *
 * Pages of one process alone (life, counters) are no such loss: one of the
 * layout version before is put aside under NAME.old and handed to its writer
 * beside the new one. Our own are the same, and of any other version they are
 * refused with the commands to proceed: nothing is misread, and nothing is
 * lost without being asked.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/segments_int.h"


static uint32_t slotc_of(const struct segment_def *def,
			 const struct config *config)
{
	switch (def->rule) {

	case SLOTS_ONE:
		return 1;

	case SLOTS_FIXED:
		return def->slotc;

	case SLOTS_PER_CALL:
		return config->calls * (def->slotc ? def->slotc : 1);

	case SLOTS_PER_BINDING:
		return config->bindings * (def->slotc ? def->slotc : 1);

	case SLOTS_PER_16_BINDINGS:
		return (config->bindings / 16 + 1) * def->slotc + def->slotc;
	}

	return 1;
}


static struct segment_layout layout_of(const struct segment_def *def,
				       const struct config *config)
{
	return (struct segment_layout){
		.magic = def->magic,
		.version = def->version,
		.slot_size = def->slot_size,
		.slotc = slotc_of(def, config),
	};
}


static int name_print(char name[SEGMENT_NAME_MAX], const struct config *config,
		      const struct segment_def *def, struct peer_id owner)
{
	char id[PEER_ID_MAX];

	if (!def->per_worker)
		return text_print(name, SEGMENT_NAME_MAX, "/%s.%s",
				  config->shm_prefix, def->name);

	return text_print(name, SEGMENT_NAME_MAX, "/%s.%s.%s",
			  config->shm_prefix, def->name,
			  peer_id_print(owner, id));
}


/* Calls h for each segment that this file and topology ask for. */
typedef int(each_h)(const struct segment_def *def, struct peer_id owner,
		    void *arg);


static int each_owner(const struct segment_def *def,
		      const struct config *config, enum peer peer, each_h *h,
		      void *arg)
{
	const uint16_t workers = def->per_worker && peer != PEER_SUPERVISOR
					 ? config->workers[peer]
					 : 1;
	int err = 0;

	for (uint16_t worker = 0; worker < workers && !err; worker++)
		err = h(def, (struct peer_id){ (uint16_t)peer, worker }, arg);

	return err;
}


static int each_segment(const struct config *config, each_h *h, void *arg)
{
	int err = 0;

	for (size_t i = 0; i < segmentc && !err; i++) {
		const struct segment_def *def = &segments[i];

		if (def->writer != PEER_NONE) {
			err = each_owner(def, config, def->writer, h, arg);
			continue;
		}
		/* Every process has one of its own, we too. */
		for (int peer = PEER_SUPERVISOR; peer < PEERC && !err; peer++)
			if (peer == PEER_SUPERVISOR || daemons[peer].program)
				err = each_owner(def, config, (enum peer)peer,
						 h, arg);
	}

	return err;
}


struct opening {
	struct segments *segments;
	const struct config *config;
	char *why;
};


/* The version before goes aside, and the descriptor of it is kept. */
int segments_put_aside(struct held *held, const struct segment_layout *want)
{
	char from[64 + SEGMENT_NAME_MAX], to[64 + SEGMENT_NAME_MAX];
	struct segment_layout found;
	int fd, err;

	err = segment_open(&fd, held->name);
	if (err)
		return err;
	err = segment_peek(&found, fd);
	if (err || found.magic != want->magic ||
	    found.version + 1 != want->version) {
		(void)close(fd);
		return EPROTO;
	}

	(void)text_print(from, sizeof(from), "%s%s", SHM_DIR, held->name);
	(void)text_print(to, sizeof(to), "%s%s.old", SHM_DIR, held->name);
	if (rename(from, to) != 0) {
		err = errno;
		(void)close(fd);
		return err;
	}
	held->old_fd = fd;

	return 0;
}


/* A conversion that was cut short left it there. */
static void find_old(struct held *held)
{
	char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1];

	if (held->old_fd < 0 &&
	    text_print(name, sizeof(name), "%s.old", held->name) == 0 &&
	    segment_open(&held->old_fd, name) != 0)
		held->old_fd = -1;
}


static void explain(const struct held *held, const struct config *config,
		    char why[SEGMENTS_WHY_MAX], const char *detail)
{
	(void)text_print(why, SEGMENTS_WHY_MAX,
			 "%s; nothing was changed. Either install the release "
			 "that made it, or stop everything and give up what "
			 "lies in it: 'tandem-supervisor --remove-shm' removes "
			 "%s.* from %s",
			 detail[0] ? detail : held->name, config->shm_prefix,
			 SHM_DIR);
}


/* What another release lays out otherwise we do not read. */
int segments_held_map(struct held *held, char *why, size_t size)
{
	const bool own = held->owner.peer == PEER_SUPERVISOR;

	if (held->mapped.size)
		segment_unmap(&held->mapped);
	if (held->layout.version != held->def->version ||
	    held->layout.slot_size != held->def->slot_size ||
	    (!own && held->def->magic != LIFE_MAGIC))
		return 0;

	return segment_map(&held->mapped, held->fd, &held->layout, own, why,
			   size);
}


int segments_name_with(char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1],
		       const struct held *held, const char *suffix)
{
	return text_print(name, SEGMENT_NAME_MAX, "%s%s", held->name, suffix);
}


void segments_unlink_with(const struct held *held, const char *suffix)
{
	char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1];

	if (segments_name_with(name, held, suffix) == 0)
		(void)segment_unlink(name);
}


static void find_aside(struct held *held)
{
	char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1];

	segments_unlink_with(held, ".new");
	if (segments_name_with(name, held, ".aside") ||
	    segment_open(&held->aside_fd, name) != 0)
		held->aside_fd = -1;
	else if (segment_peek(&held->aside, held->aside_fd) != 0)
		held->aside.magic = 0;
}


/* Which layout it has already, if it is there and a daemon's */
static void take_as_found(struct held *held)
{
	struct segment_layout found;
	int fd;

	if (held->owner.peer == PEER_SUPERVISOR ||
	    segment_open(&fd, held->name) != 0)
		return;
	if (segment_peek(&found, fd) == 0 &&
	    found.magic == held->layout.magic) {
		held->layout.version = found.version;
		held->layout.slot_size = found.slot_size;
	}
	(void)close(fd);
}


int segments_open_readers(struct held *held)
{
	if (!held->def->shared)
		return 0;
	if (held->read_fd >= 0)
		(void)close(held->read_fd);
	held->read_fd = -1;

	return segment_readonly_fd(&held->read_fd, held->name);
}


static int held_open(struct held *held, const struct config *config,
		     char why[SEGMENTS_WHY_MAX])
{
	char detail[SEGMENTS_WHY_MAX / 2] = "";
	bool found;
	int err;

	held->layout = layout_of(held->def, config);
	take_as_found(held);
	err = segment_create(&held->fd, &found, held->name, &held->layout,
			     config->node, detail, sizeof(detail));
	if (err == EPROTO && segments_put_aside(held, &held->layout) == 0)
		err = segment_create(&held->fd, &found, held->name,
				     &held->layout, config->node, detail,
				     sizeof(detail));
	if (err) {
		held->fd = -1;
		explain(held, config, why, detail);
		return err;
	}
	find_old(held);
	find_aside(held);

	err = segments_open_readers(held);
	if (!err)
		err = segments_held_map(held, detail, sizeof(detail));
	if (err)
		(void)text_print(why, SEGMENTS_WHY_MAX, "%s: %s", held->name,
				 detail[0] ? detail : strerror(err));

	return err;
}


static struct held *held_find(const struct segments *s,
			      const struct segment_def *def,
			      struct peer_id owner)
{
	for (size_t i = 0; i < s->rowc; i++)
		if (s->rows[i].def == def &&
		    peer_id_equal(s->rows[i].owner, owner))
			return unconst(&s->rows[i]);

	return NULL;
}


static int open_one(const struct segment_def *def, struct peer_id owner,
		    void *arg)
{
	const struct opening *opening = arg;
	struct segments *s = opening->segments;
	struct held *held;

	if (held_find(s, def, owner))
		return 0;
	if (s->rowc == HELD_MAX)
		return ENOSPC;

	held = &s->rows[s->rowc++];
	*held = (struct held){ .def = def,
			       .owner = owner,
			       .fd = -1,
			       .read_fd = -1,
			       .old_fd = -1,
			       .new_fd = -1,
			       .aside_fd = -1 };
	if (name_print(held->name, opening->config, def, owner))
		return ENAMETOOLONG;

	return held_open(held, opening->config, opening->why);
}


/* why is written through opening. */
int segments_reach(struct segments *s, const struct config *config,
		   /* NOLINTNEXTLINE(readability-non-const-parameter) */
		   char why[SEGMENTS_WHY_MAX])
{
	struct opening opening = { s, config, why };

	return each_segment(config, open_one, &opening);
}


int segments_open(struct segments **segmentsp, const struct config *config,
		  char why[SEGMENTS_WHY_MAX])
{
	struct segments *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ENOMEM;

	err = segments_reach(s, config, why);
	if (err)
		segments_free(s);
	else
		*segmentsp = s;

	return err;
}


void segments_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}


struct segments *segments_free(struct segments *s)
{
	for (size_t i = 0; s && i < s->rowc; i++) {
		struct held *held = &s->rows[i];

		if (held->mapped.size)
			segment_unmap(&held->mapped);
		segments_close(held->fd);
		segments_close(held->read_fd);
		segments_close(held->old_fd);
		segments_close(held->new_fd);
		segments_close(held->aside_fd);
	}
	free(s);

	return NULL;
}


size_t segments_of(const struct segments *s, struct peer_id who,
		   Tandem__Segment rows[SEGMENTS_PER_PEER])
{
	size_t n = 0;

	for (size_t i = 0; i < s->rowc && n < SEGMENTS_PER_PEER; i++) {
		const struct held *held = &s->rows[i];
		const bool writes = held->def->per_worker
					    ? peer_id_equal(held->owner, who)
					    : held->owner.peer == who.peer;

		if (!writes && (held->read_fd < 0 || held->def->per_worker))
			continue;

		tandem__segment__init(&rows[n]);
		rows[n].name = unconst(held->def->name);
		rows[n].fd = writes ? held->fd : held->read_fd;
		rows[n].writable = writes;
		rows[n].old_fd = writes ? held->old_fd : -1;
		n++;
	}

	return n;
}


void segments_old_done(struct segments *s, struct peer_id who)
{
	for (size_t i = 0; i < s->rowc; i++) {
		struct held *held = &s->rows[i];
		char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1];

		if (held->old_fd < 0 || !peer_id_equal(held->owner, who))
			continue;
		(void)close(held->old_fd);
		held->old_fd = -1;
		if (text_print(name, sizeof(name), "%s.old", held->name) == 0)
			(void)segment_unlink(name);
	}
}


const struct life *segments_life(const struct segments *s, struct peer_id who)
{
	for (size_t i = 0; i < s->rowc; i++)
		if (s->rows[i].def->magic == LIFE_MAGIC &&
		    peer_id_equal(s->rows[i].owner, who) &&
		    s->rows[i].mapped.size)
			return segment_slot(&s->rows[i].mapped, 0);

	return NULL;
}


static const struct held *own_find(const struct segments *s, const char *name)
{
	for (size_t i = 0; i < s->rowc; i++)
		if (s->rows[i].owner.peer == PEER_SUPERVISOR &&
		    strcmp(s->rows[i].def->name, name) == 0)
			return &s->rows[i];

	return NULL;
}


const struct segment *segments_own(const struct segments *s, const char *name)
{
	const struct held *held = own_find(s, name);

	return held ? &held->mapped : NULL;
}


int segments_own_old(const struct segments *s, const char *name)
{
	const struct held *held = own_find(s, name);

	return held ? held->old_fd : -1;
}


struct counting {
	const struct config *config;
	bool missing_only;
	size_t bytes;
};


static int count_one(const struct segment_def *def, struct peer_id owner,
		     void *arg)
{
	struct counting *counting = arg;
	const struct segment_layout layout = layout_of(def, counting->config);
	char name[SEGMENT_NAME_MAX], path[64 + SEGMENT_NAME_MAX];
	struct stat st;

	if (name_print(name, counting->config, def, owner))
		return 0;
	(void)text_print(path, sizeof(path), "%s%s", SHM_DIR, name);
	if (!counting->missing_only || stat(path, &st) != 0)
		counting->bytes += segment_size(&layout);

	return 0;
}


size_t segments_missing_bytes(const struct config *config)
{
	struct counting counting = { config, true, 0 };

	(void)each_segment(config, count_one, &counting);

	return counting.bytes;
}


size_t segments_bytes(const struct config *config)
{
	struct counting counting = { config, false, 0 };

	(void)each_segment(config, count_one, &counting);

	return counting.bytes;
}


size_t segments_remove(const struct config *config)
{
	char prefix[64];
	const struct dirent *entry;
	size_t removed = 0, l;
	DIR *dir;

	(void)text_print(prefix, sizeof(prefix), "%s.", config->shm_prefix);
	l = strlen(prefix);
	dir = opendir(SHM_DIR);
	if (!dir)
		return 0;

	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, prefix, l) == 0 &&
		    unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			removed++;
	(void)closedir(dir);

	return removed;
}
