/**
 * @file supervisor/segments_layout.c  A segment changes its layout
 *
 * While no process has it mapped. The steps, and what a supervisor that is
 * killed between them leaves, are in segments.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/segments_int.h"


static struct held *held_of(const struct segments *s, struct peer_id who,
			    const char *name)
{
	for (size_t i = 0; i < s->rowc; i++) {
		const struct held *held = &s->rows[i];

		if (strcmp(held->def->name, name) == 0 &&
		    (!held->def->per_worker ||
		     peer_id_equal(held->owner, who)))
			return unconst(held);
	}

	return NULL;
}


static struct layout layout_in(const struct segment_layout *layout)
{
	return (struct layout){ layout->version, layout->slot_size };
}


enum segment_fit segments_fit(const struct segments *s, struct peer_id who,
			      const struct layout_row *row,
			      struct layout *foundp)
{
	const struct held *held = held_of(s, who, row->name);

	if (!held || held->def->magic != row->magic)
		return SEGMENT_STRANGE;

	*foundp = layout_in(&held->layout);
	if (layout_equal(*foundp, row->layout))
		return SEGMENT_FITS;
	if (held->aside_fd >= 0 && held->aside.magic == row->magic &&
	    held->aside.slotc == held->layout.slotc &&
	    layout_equal(layout_in(&held->aside), row->layout))
		return SEGMENT_FITS_ASIDE;

	/* Pages of one process: the old one is handed to it. */
	return held->def->per_worker &&
			       foundp->version + 1 == row->layout.version
		       ? SEGMENT_TO_RENEW
		       : SEGMENT_OTHER;
}


int segments_new(struct segments *s, struct peer_id who,
		 const struct layout_row *row, const struct config *config,
		 int fds[2], char why[SEGMENTS_WHY_MAX])
{
	struct held *held = held_of(s, who, row->name);
	char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1];
	bool found;
	int err;

	segments_close(held->new_fd);
	held->new_fd = -1;
	segments_unlink_with(held, ".new");
	held->coming = held->layout;
	held->coming.version = row->layout.version;
	held->coming.slot_size = row->layout.slot_size;
	err = segments_name_with(name, held, ".new");
	if (!err)
		err = segment_create(&held->new_fd, &found, name,
				     &held->coming, config->node, why,
				     SEGMENTS_WHY_MAX);
	if (err) {
		held->new_fd = -1;
		return err;
	}

	fds[0] = held->fd;
	fds[1] = held->new_fd;

	return 0;
}


static void path_of(char path[64 + SEGMENT_NAME_MAX], const struct held *held,
		    const char *suffix)
{
	(void)text_print(path, 64 + SEGMENT_NAME_MAX, "%s%s%s", SHM_DIR,
			 held->name, suffix);
}


/* What has the name is another one now. */
static int took_name(struct held *held, int fd,
		     const struct segment_layout *layout)
{
	char why[SEGMENTS_WHY_MAX];
	int err;

	held->fd = fd;
	held->layout = *layout;
	err = segments_open_readers(held);

	return err ? err : segments_held_map(held, why, sizeof(why));
}


int segments_switch(struct segments *s, struct peer_id who, const char *name)
{
	struct held *held = held_of(s, who, name);
	char now[64 + SEGMENT_NAME_MAX], new[64 + SEGMENT_NAME_MAX],
		aside[64 + SEGMENT_NAME_MAX];
	const int fd = held->new_fd;

	segments_aside_drop(s, who, name);
	path_of(now, held, "");
	path_of(new, held, ".new");
	path_of(aside, held, ".aside");
	if (link(now, aside) != 0 || rename(new, now) != 0)
		return errno;

	held->aside = held->layout;
	held->aside_fd = held->fd;
	held->new_fd = -1;

	return took_name(held, fd, &held->coming);
}


int segments_switch_back(struct segments *s, struct peer_id who,
			 const char *name)
{
	struct held *held = held_of(s, who, name);
	char now[64 + SEGMENT_NAME_MAX], aside[64 + SEGMENT_NAME_MAX];
	const int fd = held->aside_fd;

	path_of(now, held, "");
	path_of(aside, held, ".aside");
	if (rename(aside, now) != 0)
		return errno;

	segments_close(held->fd);
	held->aside_fd = -1;

	return took_name(held, fd, &held->aside);
}


void segments_aside_drop(struct segments *s, struct peer_id who,
			 const char *name)
{
	struct held *held = held_of(s, who, name);

	if (!held)
		return;
	segments_close(held->aside_fd);
	held->aside_fd = -1;
	segments_unlink_with(held, ".aside");
}


int segments_renew(struct segments *s, struct peer_id who,
		   const struct layout_row *row, const struct config *config,
		   char why[SEGMENTS_WHY_MAX])
{
	struct held *held = held_of(s, who, row->name);
	bool found;
	int err;

	held->layout.version = row->layout.version;
	held->layout.slot_size = row->layout.slot_size;
	if (held->mapped.size)
		segment_unmap(&held->mapped);
	segments_close(held->old_fd);
	held->old_fd = -1;
	err = segments_put_aside(held, &held->layout);
	segments_close(held->fd);
	held->fd = -1;
	if (!err)
		err = segment_create(&held->fd, &found, held->name,
				     &held->layout, config->node, why,
				     SEGMENTS_WHY_MAX);

	return err ? err : segments_held_map(held, why, SEGMENTS_WHY_MAX);
}
