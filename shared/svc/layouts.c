/**
 * @file shared/svc/layouts.c  What a daemon can read and write in shared memory
 *
 * The supervisor asks a program before it stops the one that runs, and takes
 * its word: one line per segment and migration, fields by spaces, so that
 * neighbouring releases understand each other. A line that begins with a word
 * a reader does not know is none of its business.
 *
 *     layouts 1
 *     release VERSION
 *     segment NAME MAGIC VERSION SLOT_SIZE write|read
 *     migration NAME FROM SLOT_SIZE TO SLOT_SIZE
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/catalog/control.h"
#include "shared/svc/svc_parts.h"

static void segment_print(FILE *f, const struct svc_segment *segment)
{
	(void)fprintf(f, "segment %s 0x%08x %u %u %s\n", segment->name,
		      segment->magic, segment->version, segment->slot_size,
		      segment->writable ? "write" : "read");
}


void layouts_print(FILE *f, const struct svc_def *def)
{
	const struct svc_segment own[] = {
		{ "life", LIFE_MAGIC, LIFE_VERSION, sizeof(struct life),
		  true },
		{ "counters", COUNTERS_MAGIC, COUNTERS_VERSION, COUNTERS_SIZE,
		  true },
		{ "catalog", CATALOG_MAGIC, CATALOG_VERSION, CATALOG_SLOT_SIZE,
		  false },
	};
	bool publishes = false;

	(void)fprintf(f, "layouts 1\nrelease %s\n", TANDEM_VERSION);
	for (size_t i = 0; i < def->segmentc; i++) {
		segment_print(f, &def->segments[i]);
		publishes = publishes ||
			    strcmp(def->segments[i].name, "catalog") == 0;
	}
	for (size_t i = 0; i < COUNT_OF(own) - publishes; i++)
		segment_print(f, &own[i]);
	for (size_t i = 0; i < def->migrationc; i++) {
		const struct shm_migration *m = &def->migrations[i];

		(void)fprintf(f, "migration %s %u %u %u %u\n", m->segment,
			      m->from.version, m->from.slot_size,
			      m->to.version, m->to.slot_size);
	}
}


struct order {
	const struct shm_migration *row;
	uint32_t fds[2]; /**< Old, new */
	char user[64];
	char group[64];
};


static int order_read(struct order *order, const struct svc_def *def,
		      const char *text)
{
	struct text field, rest = text_of(text);
	uint32_t numbers[4] = { 0 };
	char segment[32] = "";
	bool more;
	int err;

	more = text_cut(rest, ',', &field, &rest);
	err = more ? text_copy(segment, sizeof(segment), field) : EINVAL;
	for (size_t i = 0; i < COUNT_OF(numbers) && !err; i++) {
		more = text_cut(rest, ',', &field, &rest);
		err = more ? text_u32(&numbers[i], field, 0, UINT16_MAX)
			   : EINVAL;
	}
	if (!err && !text_cut(rest, ',', &field, &rest))
		err = EINVAL;
	if (!err)
		err = text_copy(order->user, sizeof(order->user), field);
	if (!err)
		err = text_copy(order->group, sizeof(order->group), rest);
	if (err)
		return err;

	order->fds[0] = numbers[2];
	order->fds[1] = numbers[3];
	order->row = migration_find(def->migrations, def->migrationc, segment,
				    (uint16_t)numbers[0],
				    (uint16_t)numbers[1]);

	return order->row ? 0 : ENOENT;
}


/* What lies there came from strangers: it is read with the daemon's rights,
 * not with the supervisor's. */
static int give_up_rights(struct order *order, char why[SVC_WHY_MAX])
{
	Tandem__Node node;

	tandem__node__init(&node);
	node.user = order->user;
	node.group = order->group;

	return confine_rights(&node, why);
}


int layouts_migrate(const struct svc_def *def, const char *text)
{
	struct migrated migrated;
	char why[SVC_WHY_MAX] = "";
	struct order order;
	int err;

	err = order_read(&order, def, text);
	if (err) {
		(void)printf("no such migration: %s\n", text);
		return SVC_EXIT_USAGE;
	}

	err = give_up_rights(&order, why);
	if (!err)
		err = migrate(order.row, (int)order.fds[0], (int)order.fds[1],
			      &migrated, why, sizeof(why));
	if (err)
		(void)printf("%s\n", why[0] ? why : strerror(err));
	else
		(void)printf("moved=%u left=%u\n", migrated.moved,
			     migrated.left);

	return err ? SVC_EXIT_FAILED : SVC_EXIT_OK;
}
