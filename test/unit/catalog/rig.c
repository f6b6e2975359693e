/**
 * @file test/unit/catalog/rig.c  A control page, a publisher and a reader
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

enum {
	FIELDS_MAX = 64
};


static int map_control(struct rig *rig)
{
	const struct segment_layout layout = {
		.magic = CATALOG_MAGIC,
		.version = CATALOG_VERSION,
		.slot_size = CATALOG_SLOT_SIZE,
		.slotc = 1,
	};
	int fd = -1, rofd = -1;
	bool found;
	int err;

	err = segment_create(&fd, &found, rig->name, &layout, "test", rig->why,
			     sizeof(rig->why));
	if (!err)
		err = segment_readonly_fd(&rofd, rig->name);
	if (!err)
		err = segment_map(&rig->control, fd, &layout, true, rig->why,
				  sizeof(rig->why));
	if (!err)
		err = segment_map(&rig->view, rofd, &layout, false, rig->why,
				  sizeof(rig->why));
	if (fd >= 0)
		(void)close(fd);
	if (rofd >= 0)
		(void)close(rofd);

	return err;
}


int rig_restart(struct rig *rig)
{
	const struct publisher_args args = {
		.control = &rig->control,
		.prefix = rig->prefix,
		.copy_path = rig->copy,
	};

	rig->publisher = publisher_free(rig->publisher);

	return publisher_alloc(&rig->publisher, &args);
}


int rig_open(struct rig *rig, const char *what)
{
	int err;

	memset(rig, 0, sizeof(*rig));
	(void)snprintf(rig->prefix, sizeof(rig->prefix), "tandem-test.%s.%ld",
		       what, (long)getpid());
	(void)snprintf(rig->name, sizeof(rig->name), "/%.40s.page",
		       rig->prefix);
	(void)snprintf(rig->copy, sizeof(rig->copy), "%s/%s.copy", t_dir(),
		       what);

	err = map_control(rig);
	if (!err)
		err = rig_restart(rig);
	if (!err)
		err = catalog_reader_alloc(&rig->reader, &rig->view,
					   rig->prefix);

	return err;
}


static void remove_parts(const struct rig *rig)
{
	static const char *const parts[] = { "core", "phones", "rates" };
	const struct catalog *c = publisher_current(rig->publisher);
	const uint64_t last = c ? catalog_control(c)->publication : 0;

	for (uint64_t g = last > 8 ? last - 8 : 0; g <= last + 1; g++) {
		for (size_t i = 0; i < COUNT_OF(parts); i++) {
			char name[128];

			(void)snprintf(name, sizeof(name),
				       "/%s.catalog.%s.%llu", rig->prefix,
				       parts[i], (unsigned long long)g);
			(void)shm_unlink(name);
		}
	}
}


void rig_close(struct rig *rig)
{
	if (rig->publisher)
		remove_parts(rig);
	rig->reader = catalog_reader_free(rig->reader);
	rig->publisher = publisher_free(rig->publisher);
	if (rig->control.slots)
		segment_unmap(&rig->control);
	if (rig->view.slots)
		segment_unmap(&rig->view);
	(void)segment_unlink(rig->name);
}


static size_t field_at(enum record_kind kind, const char *name)
{
	for (size_t i = 0; i < records[kind].fieldc; i++) {
		if (strcmp(records[kind].fields[i].name, name) == 0)
			return i;
	}

	(void)fprintf(stderr, "%s has no field %s\n", records[kind].title,
		      name);
	assert(0);

	return 0;
}


int rig_row(struct rig *rig, struct build *b, enum record_kind kind,
	    uint32_t id, ...)
{
	const char *values[FIELDS_MAX] = { NULL };
	const char *name;
	va_list ap;

	va_start(ap, id);
	while ((name = va_arg(ap, const char *)) != NULL)
		values[field_at(kind, name)] = va_arg(ap, const char *);
	va_end(ap);

	rig->why[0] = '\0';

	return build_row(b, kind, id, values, rig->why);
}


int rig_begin(struct rig *rig, struct build **bp)
{
	return build_alloc(bp, publisher_current(rig->publisher));
}


int rig_publish(struct rig *rig, struct build *b, uint64_t version)
{
	int err;

	rig->why[0] = '\0';
	err = build_publish(b, rig->publisher, version, CATALOG_DATABASE,
			    rig->why);
	build_free(b);

	return err;
}


bool rig_has_part(const struct rig *rig, const char *part, uint64_t generation)
{
	char name[128];
	int fd;

	(void)snprintf(name, sizeof(name), "/%s.catalog.%s.%llu", rig->prefix,
		       part, (unsigned long long)generation);
	fd = shm_open(name, O_RDONLY, 0);
	if (fd >= 0)
		(void)close(fd);

	return fd >= 0;
}
