/**
 * @file test/unit/shm/test_migrate.c  From one layout to its neighbour, and
 * back
 */
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/shm/migrate.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 5
};

/** A note as the next release has it: a word in front */
struct next_note {
	uint64_t mark;
	struct note note;
};

static const char *next_fault(const void *image)
{
	const struct next_note *next = image;

	return next->mark == 7 ? note_fault(&next->note) : "mark";
}


/* A note whose seq is 13 cannot be brought over. */
static bool up(void *image, const void *old)
{
	struct next_note *next = image;
	const struct note *note = old;

	next->mark = 7;
	next->note = *note;

	return note->seq != 13;
}


static bool down(void *image, const void *old)
{
	const struct next_note *next = old;
	struct note *note = image;

	*note = next->note;

	return true;
}


static const char *whole(const struct segment *to, const struct segment *from)
{
	for (uint32_t i = 0; i < from->slotc; i++)
		memcpy(segment_slot(to, i), segment_slot(from, i), 64);

	return *(const uint8_t *)segment_slot(from, 0) == 0xff ? "it is worn"
							       : NULL;
}

#define OLD                                                  \
	{                                                    \
		RIG_VERSION, SLOT_SIZE(sizeof(struct note)), \
			sizeof(struct note), note_fault      \
	}
#define NEXT                                                          \
	{                                                             \
		RIG_VERSION + 1, SLOT_SIZE(sizeof(struct next_note)), \
			sizeof(struct next_note), next_fault          \
	}

static const struct shm_migration rows[] = {
	{ "notes", RIG_MAGIC, OLD, NEXT, up, NULL },
	{ "notes", RIG_MAGIC, NEXT, OLD, down, NULL },
	{ "plain", RIG_MAGIC, OLD, { 9, 64, 0, NULL }, NULL, NULL },
	{ "bare",
	  RIG_MAGIC,
	  { RIG_VERSION, SLOT_SIZE(sizeof(struct note)), 0, NULL },
	  { 9, 64, 0, NULL },
	  NULL,
	  whole },
};

struct fixture {
	struct rig rig; /**< What lies there: layout RIG_VERSION */
	struct slots *slots;
	int from;
	char name[SEGMENT_NAME_MAX];
	int to;
	char log[512];
};


static void on_line(const char *line, size_t len, void *arg)
{
	struct fixture *f = arg;

	(void)snprintf(f->log, sizeof(f->log), "%.*s", (int)len, line);
}


static int make_new(struct fixture *f, uint16_t version, uint32_t slot_size)
{
	const struct segment_layout layout = { RIG_MAGIC, version, slot_size,
					       SLOTC };
	bool found;

	(void)segment_unlink(f->name);
	if (f->to >= 0)
		(void)close(f->to);
	f->to = -1;

	return segment_create(&f->to, &found, f->name, &layout, "test", NULL,
			      0);
}


static int setup(void **state)
{
	static struct fixture f;
	int err;

	memset(&f, 0, sizeof(f));
	f.to = -1;
	*state = &f;
	log_setup("test", LOG_LEVEL_INFO, LOG_TEXT);
	log_writer_set(on_line, &f);
	rig_name(f.name, "migrate.new");
	f.from = -1;
	err = rig_open(&f.rig, "migrate", SLOTC);
	if (!err)
		err = segment_open(&f.from, f.rig.name);
	if (!err)
		err = make_new(&f, RIG_VERSION + 1,
			       SLOT_SIZE(sizeof(struct next_note)));

	return err ? err : slots_alloc(&f.slots, &f.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);
	(void)close(f->from);
	(void)close(f->to);
	(void)segment_unlink(f->name);
	log_writer_set(NULL, NULL);

	return 0;
}


/* The new segment as its writer and its readers would see it */
static struct segment mapped(const struct fixture *f, uint16_t version,
			     uint32_t slot_size)
{
	const struct segment_layout layout = { RIG_MAGIC, version, slot_size,
					       SLOTC };
	struct segment segment;

	assert_int_equal(segment_map(&segment, f->to, &layout, true, NULL, 0),
			 0);

	return segment;
}


static struct segment mapped_next(const struct fixture *f)
{
	return mapped(f, RIG_VERSION + 1, SLOT_SIZE(sizeof(struct next_note)));
}


static const struct shm_migration *row(const char *name, uint16_t from,
				       uint16_t to)
{
	const struct shm_migration *found =
		migration_find(rows, COUNT_OF(rows), name, from, to);

	assert_non_null(found);

	return found;
}


static struct migrated migrated_up(struct fixture *f)
{
	struct migrated m;

	assert_int_equal(migrate(row("notes", RIG_VERSION, RIG_VERSION + 1),
				 f->from, f->to, &m, NULL, 0),
			 0);

	return m;
}


static void only_a_row_leads_from_here_to_there(void **state)
{
	(void)state;
	assert_ptr_equal(row("notes", RIG_VERSION + 1, RIG_VERSION), &rows[1]);
	assert_null(migration_find(rows, COUNT_OF(rows), "notes", RIG_VERSION,
				   RIG_VERSION + 2));
	assert_null(migration_find(rows, COUNT_OF(rows), "other", RIG_VERSION,
				   RIG_VERSION + 1));
	assert_null(migration_find(NULL, 0, "notes", 1, 2));
}


static void what_is_brought_up_and_back_is_the_same_under_the_same_id(
	void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 41);
	const uint64_t id = slots_id(f->slots, index);
	struct next_note next;
	struct segment segment;
	struct migrated m;
	struct note note;

	m = migrated_up(f);
	assert_int_equal(m.moved, 1);
	assert_int_equal(m.left, 0);
	segment = mapped_next(f);
	assert_int_equal(slot_read_id(&segment, id, &next, sizeof(next)), 0);
	assert_int_equal(next.note.seq, 41);
	segment_unmap(&segment);

	/* And from there back into a third */
	(void)close(f->from);
	f->from = f->to;
	f->to = -1;
	assert_int_equal(make_new(f, RIG_VERSION,
				  SLOT_SIZE(sizeof(struct note))),
			 0);
	assert_int_equal(migrate(row("notes", RIG_VERSION + 1, RIG_VERSION),
				 f->from, f->to, &m, NULL, 0),
			 0);
	assert_int_equal(m.moved, 1);
	segment = mapped(f, RIG_VERSION, SLOT_SIZE(sizeof(struct note)));
	assert_int_equal(slot_read_id(&segment, id, &note, sizeof(note)), 0);
	assert_int_equal(note.seq, 41);
	assert_true(note_is_whole(&note));
	segment_unmap(&segment);
}


/* So that whoever is killed meanwhile has lost nothing */
static void what_lay_there_is_not_touched(void **state)
{
	struct fixture *f = *state;
	const size_t size = f->rig.segment.size;
	uint8_t *before;

	(void)rig_put(f->slots, 41);
	(void)rig_put(f->slots, 13);
	slots_work_begin(f->slots, rig_put(f->slots, 43));
	before = malloc(size);
	assert_non_null(before);
	memcpy(before, f->rig.segment.head, size);
	(void)migrated_up(f);
	assert_memory_equal(before, f->rig.segment.head, size);

	/* Done again into a new one, it comes to the same. */
	assert_int_equal(make_new(f, RIG_VERSION + 1,
				  SLOT_SIZE(sizeof(struct next_note))),
			 0);
	assert_int_equal(migrated_up(f).moved, 2);
	free(before);
}


static void what_cannot_go_on_is_left_and_counted(void **state)
{
	struct fixture *f = *state;
	struct migrated m;

	(void)rig_put(f->slots, 41);
	(void)rig_put(f->slots, 13);
	slots_quarantine(f->slots, rig_put(f->slots, 44), "test");
	m = migrated_up(f);
	assert_int_equal(m.moved, 1);
	assert_int_equal(m.left, 2);
	assert_non_null(strstr(f->log, "not_convertible"));
}


static void an_id_of_before_does_not_come_back(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 41);
	const uint64_t id = slots_id(f->slots, index);
	struct slots_args args = f->rig.args;
	struct segment segment;
	struct slots *slots;

	slots_give(f->slots, index);
	assert_int_equal(migrated_up(f).moved, 0);
	segment = mapped_next(f);
	args.segment = &segment;
	args.image_size = sizeof(struct next_note);
	args.faulth = next_fault;
	assert_int_equal(slots_alloc(&slots, &args), 0);
	for (int i = 0; i < SLOTC; i++) {
		uint32_t taken;

		assert_int_equal(slots_take(slots, &taken), 0);
		assert_int_not_equal(slots_id(slots, taken), id);
	}
	slots_free(slots);
	segment_unmap(&segment);
}


static void other_layouts_than_the_row_says_are_refused(void **state)
{
	struct fixture *f = *state;
	struct migrated m;
	char why[160];

	assert_int_equal(migrate(row("notes", RIG_VERSION + 1, RIG_VERSION),
				 f->from, f->to, &m, why, sizeof(why)),
			 EPROTO);
	assert_non_null(strstr(why, "layout"));
	assert_int_equal(migrate(row("notes", RIG_VERSION, RIG_VERSION + 1),
				 f->to, f->from, &m, why, sizeof(why)),
			 EPROTO);
}


static void what_is_no_slots_goes_as_a_whole_or_not(void **state)
{
	struct fixture *f = *state;
	struct segment segment;
	struct migrated m;
	char why[160];

	assert_int_equal(make_new(f, 9, 64), 0);
	memset(f->rig.segment.slots, 0x2a, 64);
	assert_int_equal(migrate(row("bare", RIG_VERSION, 9), f->from, f->to,
				 &m, why, sizeof(why)),
			 0);
	segment = mapped(f, 9, 64);
	assert_memory_equal(segment.slots, f->rig.segment.slots, 64);
	segment_unmap(&segment);

	memset(f->rig.segment.slots, 0xff, 64);
	assert_int_equal(migrate(row("bare", RIG_VERSION, 9), f->from, f->to,
				 &m, why, sizeof(why)),
			 EBADMSG);
	assert_string_equal(why, "it is worn");
}


static int a_segment_is_brought_up(void)
{
	struct fixture *f = NULL;
	struct migrated m;
	void *state;
	int err;

	err = setup(&state);
	f = state;
	if (!err)
		err = migrate(&rows[0], f->from, f->to, &m, NULL, 0);
	(void)teardown(&state);

	return err;
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_row_leads_from_here_to_there),
		TEST(what_is_brought_up_and_back_is_the_same_under_the_same_id),
		TEST(what_lay_there_is_not_touched),
		TEST(what_cannot_go_on_is_left_and_counted),
		TEST(an_id_of_before_does_not_come_back),
		TEST(other_layouts_than_the_row_says_are_refused),
		TEST(what_is_no_slots_goes_as_a_whole_or_not),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_segment_is_brought_up),
	};

	return T_MAIN(tests, scenarios);
}
