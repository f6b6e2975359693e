/**
 * @file test/unit/shm/test_slot_convert.c  A layout, and the one before it
 *
 * The old layout is as a release that is no more wrote it: its slots are
 * bytes here, with CRCs as they were then, so that a change of the format
 * that both ends would agree on fails this test.
 */
#include <unistd.h>

#include "shared/base/log.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 6,
	OLD_SIZE = 13
};

/** The old image: a number, a state and a name */
struct old_image {
	uint32_t seq;
	uint8_t state;
	char name[8];
} __attribute__((packed));
BUILD_ASSERT(sizeof(struct old_image) == OLD_SIZE);

/* Slot 0: used, second commit (in copy 0), incarnation 3, one crash at work,
 * seq 41. Slot 1: free by now, incarnation 9. Slot 2: used, first commit (in
 * copy 1), incarnation 1, seq 42. Slot 3: used, and its state 9 has no
 * counterpart any more. */
/* clang-format off */
static const uint8_t stored[4][64] = {
	{
	0x02, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
	0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
	0x29, 0x00, 0x00, 0x00, 0x02, 0x61, 0x6c, 0x69,
	0x63, 0x65, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0xd0, 0x44, 0x25, 0x2a, 0x02, 0x00, 0x00, 0x00,
	0x27, 0x00, 0x00, 0x00, 0x01, 0x61, 0x6c, 0x69,
	0x63, 0x65, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x7e, 0x6c, 0x1b, 0x12, 0x01, 0x00, 0x00, 0x00,
	},
	{
	0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
	0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x28, 0x00, 0x00, 0x00, 0x02, 0x67, 0x6f, 0x6e,
	0x65, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x08, 0x8b, 0x6a, 0x96, 0x04, 0x00, 0x00, 0x00,
	0x26, 0x00, 0x00, 0x00, 0x01, 0x67, 0x6f, 0x6e,
	0x65, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0xa6, 0xa3, 0x54, 0xae, 0x03, 0x00, 0x00, 0x00,
	},
	{
	0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
	0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x2a, 0x00, 0x00, 0x00, 0x01, 0x62, 0x6f, 0x62,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x36, 0x26, 0xe0, 0x54, 0x01, 0x00, 0x00, 0x00,
	},
	{
	0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
	0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x2b, 0x00, 0x00, 0x00, 0x09, 0x63, 0x61, 0x72,
	0x6f, 0x6c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x7b, 0x67, 0x9a, 0x3e, 0x01, 0x00, 0x00, 0x00,
	},
};
/* clang-format on */

BUILD_ASSERT(SLOT_SIZE(OLD_SIZE) == sizeof(stored[0]));

struct fixture {
	struct rig rig;     /**< The new layout */
	struct segment old; /**< The old one */
	char oldname[SEGMENT_NAME_MAX];
	struct slots *slots;
	char log[1024];
};


static void on_line(const char *line, size_t len, void *arg)
{
	struct fixture *f = arg;
	const size_t at = strlen(f->log);

	(void)snprintf(f->log + at, sizeof(f->log) - at, "%.*s\n", (int)len,
		       line);
}


static const char *old_fault(const void *image)
{
	const struct old_image *old = image;

	if (old->seq == 0)
		return "seq";

	return memchr(old->name, '\0', sizeof(old->name)) ? NULL : "name";
}


/* The new image has no name, and states up to 4. */
static bool convert(void *image, const void *old_image)
{
	const struct old_image *old = old_image;
	const struct note note = note_of(old->seq, old->state);

	if (old->state > 4)
		return false;

	memcpy(image, &note, sizeof(note));

	return true;
}


static bool convert_badly(void *image, const void *old_image)
{
	(void)old_image;
	memset(image, 0xff, sizeof(struct note));

	return true;
}


static int setup(void **state)
{
	static struct fixture f;
	const struct segment_layout old = { .magic = RIG_MAGIC,
					    .version = RIG_VERSION - 1,
					    .slot_size = sizeof(stored[0]),
					    .slotc = COUNT_OF(stored) };
	bool found;
	int fd = -1;
	int err;

	memset(&f, 0, sizeof(f));
	*state = &f;
	log_setup("test", LOG_LEVEL_INFO, LOG_TEXT);
	log_writer_set(on_line, &f);

	rig_name(f.oldname, "convert.1");
	err = segment_create(&fd, &found, f.oldname, &old, "test", NULL, 0);
	if (err)
		return err;

	err = segment_map(&f.old, fd, &old, true, NULL, 0);
	(void)close(fd);
	if (err)
		return err;
	memcpy(f.old.slots, stored, sizeof(stored));

	err = rig_open(&f.rig, "convert.2", SLOTC);
	if (err)
		return err;

	return slots_alloc(&f.slots, &f.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);
	segment_unmap(&f->old);
	(void)segment_unlink(f->oldname);
	log_writer_set(NULL, NULL);

	return 0;
}


static uint32_t converted(struct fixture *f)
{
	uint32_t movedc = UINT32_MAX;

	assert_int_equal(slots_convert(f->slots, &f->old, OLD_SIZE, old_fault,
				       convert, &movedc),
			 0);

	return movedc;
}


static void succeed(struct fixture *f, bool crashed)
{
	struct slots_args args = f->rig.args;

	slots_free(f->slots);
	f->slots = NULL;
	args.predecessor_crashed = crashed;
	assert_int_equal(slots_alloc(&f->slots, &args), 0);
}


static uint64_t seq_of(const struct fixture *f, uint32_t index)
{
	struct note note;

	if (slot_read(&f->rig.view, index, &note, sizeof(note)))
		return 0;

	return note.seq;
}


static int old_use(const struct fixture *f, uint32_t index)
{
	const struct slot_head *slot = segment_slot(&f->old, index);

	return atomic_load(&slot->use);
}


static void slots_of_the_layout_before_go_on_under_their_ids(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(converted(f), 2);
	assert_int_equal(seq_of(f, 0), 41);
	assert_int_equal(seq_of(f, 2), 42);
	assert_true(slots_id_valid(f->slots, (uint64_t)3 << 32 | 0));
	assert_true(slots_id_valid(f->slots, (uint64_t)1 << 32 | 2));
	assert_int_equal(slots_used(f->slots), 2);
	assert_int_equal(slots_left(f->slots), SLOTC - 2);

	/* Nothing is in two places, and the next one finds it too. */
	assert_int_equal(old_use(f, 0), SLOT_FREE);
	assert_int_equal(old_use(f, 2), SLOT_FREE);
	succeed(f, false);
	assert_int_equal(slots_used(f->slots), 2);
	assert_int_equal(converted(f), 0);
	assert_int_equal(slots_used(f->slots), 2);
}


static void what_cannot_go_on_is_set_aside_where_it_is(void **state)
{
	struct fixture *f = *state;

	converted(f);
	assert_int_equal(old_use(f, 3), SLOT_QUARANTINED);
	assert_int_equal(seq_of(f, 3), 0);
	assert_int_equal(slots_quarantined(f->slots), 0);
	assert_non_null(strstr(f->log, "slot=3 fault=not_convertible"));
}


static void a_damaged_old_slot_is_set_aside(void **state)
{
	struct fixture *f = *state;

	f->old.slots[16] ^= 1;
	assert_int_equal(converted(f), 1);
	assert_int_equal(old_use(f, 0), SLOT_QUARANTINED);
	assert_non_null(strstr(f->log, "slot=0 fault=crc"));
}


static void a_conversion_that_makes_nonsense_is_refused(void **state)
{
	struct fixture *f = *state;
	uint32_t movedc = UINT32_MAX;

	assert_int_equal(slots_convert(f->slots, &f->old, OLD_SIZE, old_fault,
				       convert_badly, &movedc),
			 0);
	assert_int_equal(movedc, 0);
	assert_int_equal(slots_used(f->slots), 0);
	assert_int_equal(old_use(f, 0), SLOT_QUARANTINED);
}


static void ids_of_ended_tenants_do_not_come_back(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	converted(f);
	do
		assert_int_equal(slots_take(f->slots, &index), 0);
	while (index != 1);
	assert_true(slots_id(f->slots, 1) == ((uint64_t)10 << 32 | 1));
}


static void a_conversion_cut_short_is_finished_by_the_next(void **state)
{
	struct fixture *f = *state;
	struct slot_head *slot;
	struct note note;

	/* Committed in the new segment and not yet freed in the old one; and
	 * meanwhile it has gone on. */
	converted(f);
	memcpy(f->old.slots, stored, sizeof(stored));
	note = note_of(77, 0);
	slots_publish(f->slots, 0, &note);
	/* This one only got as far as its incarnation. */
	slots_give(f->slots, 2);
	slot = rig_slot(&f->rig, 2);
	assert_int_equal(atomic_load(&slot->incarnation), 1);

	succeed(f, false);
	assert_int_equal(converted(f), 1);
	assert_int_equal(seq_of(f, 0), 77);
	assert_int_equal(seq_of(f, 2), 42);
	assert_int_equal(old_use(f, 0), SLOT_FREE);
	assert_int_equal(slots_used(f->slots), 2);
	assert_int_equal(slots_left(f->slots), SLOTC - 2);
}


static void an_old_slot_never_replaces_another_tenant(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rig_put(f->slots, 5), 0);
	assert_int_equal(converted(f), 1);
	assert_int_equal(seq_of(f, 0), 5);
	assert_int_equal(old_use(f, 0), SLOT_QUARANTINED);
	assert_non_null(strstr(f->log, "slot=0 fault=slot_taken"));
}


static void crashes_are_counted_across_the_change_of_layout(void **state)
{
	struct slot_head *slot;
	struct fixture *f = *state;

	/* One crash came with it; the second happens under the new layout. */
	converted(f);
	slots_work_begin(f->slots, 0);
	succeed(f, true);
	assert_int_equal(slots_quarantined(f->slots), 1);

	/* Or the second was the end of the old release itself. */
	memcpy(f->old.slots, stored, sizeof(stored));
	slot = segment_slot(&f->old, 0);
	atomic_store(&slot->in_work, 1);
	converted(f);
	assert_int_equal(old_use(f, 0), SLOT_QUARANTINED);
	assert_non_null(strstr(f->log, "slot=0 fault=in_work_twice"));
}


static void each_worker_moves_its_own_part(void **state)
{
	struct fixture *f = *state;
	struct slots_args args = f->rig.args;
	uint32_t movedc = 0;
	struct slots *slots;

	args.first = 1;
	args.slotc = 2;
	assert_int_equal(slots_alloc(&slots, &args), 0);
	assert_int_equal(slots_convert(slots, &f->old, OLD_SIZE, old_fault,
				       convert, &movedc),
			 0);
	assert_int_equal(movedc, 1);
	slots_free(slots);
	assert_int_equal(old_use(f, 0), SLOT_USED);
	assert_int_equal(old_use(f, 2), SLOT_FREE);
	assert_int_equal(old_use(f, 3), SLOT_USED);

	/* And a part behind the end of the old one has nothing to move. */
	args.first = 4;
	assert_int_equal(slots_alloc(&slots, &args), 0);
	assert_int_equal(slots_convert(slots, &f->old, OLD_SIZE, old_fault,
				       convert, &movedc),
			 0);
	assert_int_equal(movedc, 0);
	slots_free(slots);
}


static void an_old_segment_that_does_not_fit_is_refused(void **state)
{
	struct fixture *f = *state;
	struct segment old = f->old;
	uint32_t movedc = 0;

	assert_int_equal(slots_convert(f->slots, &old, 17, old_fault, convert,
				       &movedc),
			 EINVAL);
	old.writable = false;
	assert_int_equal(slots_convert(f->slots, &old, OLD_SIZE, old_fault,
				       convert, &movedc),
			 EINVAL);
	old = f->old;
	old.slotc = SLOTC + 1;
	assert_int_equal(slots_convert(f->slots, &old, OLD_SIZE, old_fault,
				       convert, &movedc),
			 EINVAL);
}


/* A new release starts, and the old segment is there. */
static int an_old_segment_is_moved(void)
{
	struct fixture *f = NULL;
	uint32_t movedc = 0;
	void *state;
	int err;

	err = setup(&state);
	f = state;
	if (!err)
		err = slots_convert(f->slots, &f->old, OLD_SIZE, old_fault,
				    convert, &movedc);
	if (!err && movedc != 2)
		err = EBADMSG;
	(void)teardown(&state);

	return err;
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(slots_of_the_layout_before_go_on_under_their_ids),
		TEST(what_cannot_go_on_is_set_aside_where_it_is),
		TEST(a_damaged_old_slot_is_set_aside),
		TEST(a_conversion_that_makes_nonsense_is_refused),
		TEST(ids_of_ended_tenants_do_not_come_back),
		TEST(a_conversion_cut_short_is_finished_by_the_next),
		TEST(an_old_slot_never_replaces_another_tenant),
		TEST(crashes_are_counted_across_the_change_of_layout),
		TEST(each_worker_moves_its_own_part),
		TEST(an_old_segment_that_does_not_fit_is_refused),
	};

	const struct t_scenario scenarios[] = {
		T_SCENARIO(an_old_segment_is_moved),
	};

	return T_MAIN(tests, scenarios);
}
