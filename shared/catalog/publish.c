/**
 * @file shared/catalog/publish.c  Parts in shared memory, and their page
 *
 * A part is whole under its name before the page names it, and the page
 * changes with one store: whoever is killed where ever, readers see the
 * version before or this one. What the dead left behind bears names that the
 * page does not name, and the next publisher removes it.
 *
 * A part stays until two versions after the last that named it: a reader that
 * has just read the page can still open what it names. One that is slower
 * finds it gone and reads the page again.
 *
 * Diagnostics: warn when what is found cannot be taken over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/catalog/build_int.h"

/* Where the system shows shared memory: shm_overview(7) */
#define SHM_FOLDER "/dev/shm"

enum {
	PART_MODE = 0440,
	GROUP_BUFFER = 4096
};


/* --- what is there
 * ------------------------------------------------------------ */

/* The page can be made again at any time: one that is damaged is a free one,
 * where another slot would be set aside for good. */
static void clear_damaged(const struct publisher_args *args)
{
	struct slot_head *head = segment_slot(args->control, 0);
	struct catalog_control page;

	if (slot_read(args->control, 0, &page, sizeof(page)) != EBADMSG)
		return;

	log_warn(args->log, "catalog_page_damaged");
	atomic_store_explicit(&head->use, SLOT_FREE, memory_order_release);
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	struct publisher *p = arg;

	p->index = index;
	p->has_slot = true;
	memcpy(&p->page, image, sizeof(p->page));
	p->publication = p->page.publication;

	return true;
}


static int open_page(struct publisher *p)
{
	const struct slots_args args = {
		.segment = &p->control,
		.name = "catalog",
		.image_size = sizeof(struct catalog_control),
		.slotc = 1,
		.log = p->log,
	};
	int err;

	err = slots_alloc(&p->slots, &args);
	if (!err)
		(void)slots_adopt(p->slots, on_adopt, p);

	return err;
}


/* The version that the page names, if it is sound */
static int adopt_version(struct publisher *p)
{
	char why[BUILD_WHY_MAX] = "";
	struct catalog *c = NULL;
	int err;

	if (!p->has_slot)
		return 0;

	err = catalog_map(&c, &p->page, p->prefix, NULL, why, sizeof(why));
	if (!err)
		err = catalog_verify(c, why, sizeof(why));
	if (err)
		log_warn(p->log, "catalog_not_adopted version=%llu why=%s",
			 (unsigned long long)p->page.version, why);
	else
		p->current = catalog_ref(c);
	catalog_unref(c);

	return err == ENOMEM ? ENOMEM : 0;
}


/* Is it the name of one of our parts, and which? */
static bool part_of_name(const struct publisher *p, const char *name,
			 enum catalog_part *whichp, uint64_t *generationp)
{
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		char start[PART_NAME_MAX];

		if (text_print(start, sizeof(start), "%s.catalog.%s.",
			       p->prefix, part_word(i)) ||
		    strncmp(name, start, strlen(start)) != 0)
			continue;

		*whichp = i;
		return text_u64(generationp, text_of(name + strlen(start)), 0,
				UINT64_MAX) == 0;
	}

	return false;
}


static void remove_part(const struct publisher *p, enum catalog_part which,
			uint64_t generation)
{
	char name[PART_NAME_MAX];

	if (part_name(name, p->prefix, which, generation) == 0)
		(void)shm_unlink(name);
}


static void remove_strays(struct publisher *p)
{
	DIR *dir = opendir(SHM_FOLDER);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		enum catalog_part which;
		uint64_t generation;

		if (!part_of_name(p, entry->d_name, &which, &generation))
			continue;
		if (generation > p->publication)
			p->publication = generation;
		if (!p->has_slot ||
		    p->page.parts[which].generation != generation)
			remove_part(p, which, generation);
	}

	if (dir)
		(void)closedir(dir);
}


/* --- the publisher
 * ------------------------------------------------------------- */

static void find_group(struct publisher *p, const char *group)
{
	char buffer[GROUP_BUFFER];
	struct group *found = NULL;
	struct group entry;

	if (!group || group[0] == '\0')
		return;

	if (getgrnam_r(group, &entry, buffer, sizeof(buffer), &found) == 0 &&
	    found) {
		p->has_gid = true;
		p->gid = entry.gr_gid;
	}
	else {
		log_warn(p->log, "catalog_group_unknown group=%s", group);
	}
}


int publisher_alloc(struct publisher **pp, const struct publisher_args *args)
{
	struct publisher *p;
	int err;

	if (!args->control->writable)
		return EINVAL;

	p = calloc(1, sizeof(*p));
	if (!p)
		return ENOMEM;

	p->control = *args->control;
	p->log = args->log;
	copy_init(&p->copy);

	err = text_copy(p->prefix, sizeof(p->prefix), text_of(args->prefix));
	if (!err && args->copy_path)
		err = text_copy(p->copy.path, sizeof(p->copy.path),
				text_of(args->copy_path));
	if (err) {
		err = EINVAL;
		goto out;
	}

	find_group(p, args->group);
	clear_damaged(args);
	err = open_page(p);
	if (err)
		goto out;

	remove_strays(p);
	err = adopt_version(p);

out:
	if (err)
		publisher_free(p);
	else
		*pp = p;

	return err;
}


struct publisher *publisher_free(struct publisher *p)
{
	if (!p)
		return NULL;

	copy_done(&p->copy);
	catalog_unref(p->current);
	slots_free(p->slots);
	free(p);

	return NULL;
}


const struct catalog *publisher_current(const struct publisher *p)
{
	return p->current;
}


/* --- publishing
 * ------------------------------------------------------------------- */

static int write_part(const struct publisher *p, const struct part *part,
		      uint64_t generation)
{
	char name[PART_NAME_MAX];
	int err;
	int fd;

	err = part_name(name, p->prefix, part->which, generation);
	if (err)
		return err;

	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return errno;

	err = part_write(part, fd, generation);

	/* Not ours to give it to a group we are not in: then only who runs as
	 * we do can read it. */
	if (!err && p->has_gid && fchown(fd, (uid_t)-1, p->gid) != 0 &&
	    errno != EPERM)
		err = errno;
	if (!err && fchmod(fd, PART_MODE) != 0)
		err = errno;

	(void)close(fd);
	if (err)
		(void)shm_unlink(name);

	return err;
}


/* Parts of a version that never came to be */
static void take_back(const struct publisher *p,
		      const struct catalog_control *page)
{
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		if (page->parts[i].generation == page->publication)
			remove_part(p, i, page->publication);
	}
}


/* Write what is not there yet, and say where everything is */
static int write_parts(const struct publisher *p, struct catalog_control *page,
		       struct part *const parts[CATALOG_PARTC])
{
	int err = 0;

	for (size_t i = 0; i < CATALOG_PARTC && !err; i++) {
		if (p->current && p->current->parts[i] == parts[i]) {
			page->parts[i] = p->page.parts[i];
			continue;
		}

		if (!parts[i]->map)
			err = part_seal(parts[i]);
		if (!err)
			err = write_part(p, parts[i], page->publication);
		if (err)
			break;

		page->parts[i].generation = page->publication;
		page->parts[i].size = parts[i]->size;
		page->parts[i].crc = parts[i]->head.crc;
	}

	return err;
}


/* Named by the version before the one before this, and by none since */
static void remove_old(const struct publisher *p)
{
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		const uint64_t old = p->before.parts[i].generation;

		if (old != 0 && old != p->page.parts[i].generation)
			remove_part(p, i, old);
	}
}


/* The store by which the version comes into force */
static int name_parts(struct publisher *p, const struct catalog_control *page)
{
	int err = 0;

	if (!p->has_slot)
		err = slots_take(p->slots, &p->index);
	if (err)
		return err;

	p->has_slot = true;
	slots_publish(p->slots, p->index, page);

	return 0;
}


int publisher_put(struct publisher *p, struct part *const parts[CATALOG_PARTC],
		  uint64_t version, enum catalog_origin origin,
		  char why[BUILD_WHY_MAX])
{
	struct catalog_control page = {
		.publication = p->publication + 1,
		.version = version,
		.published_us = clk_wall_us(),
		.origin = origin,
	};
	struct catalog *c = NULL;
	int err;

	/* Used up, whatever comes: no name is tried twice. */
	p->publication = page.publication;

	err = write_parts(p, &page, parts);
	if (!err)
		err = catalog_map(&c, &page, p->prefix, p->current, why,
				  BUILD_WHY_MAX);
	if (!err)
		err = name_parts(p, &page);
	if (err) {
		catalog_unref(c);
		take_back(p, &page);
		return err;
	}

	remove_old(p);
	catalog_unref(p->current);
	p->current = c;
	p->before = p->page;
	p->page = page;

	return 0;
}
