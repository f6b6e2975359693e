/**
 * @file test/unit/shm/test_slot.c  Slots as their writer uses them
 */
#include "test/support/capture.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 8
};

struct fixture {
	struct rig rig;
	struct slots *slots;
};


static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	f.slots = NULL;
	capture_begin();

	return rig_open(&f.rig, "slot", SLOTC) ||
	       slots_alloc(&f.slots, &f.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);
	capture_end();

	return 0;
}


static int read_slot(const struct fixture *f, uint32_t index,
		     struct note *note)
{
	return slot_read(&f->rig.view, index, note, sizeof(*note));
}


static void a_new_segment_is_all_free(void **state)
{
	struct fixture *f = *state;
	struct note note;

	assert_int_equal(slots_left(f->slots), SLOTC);
	assert_int_equal(slots_used(f->slots), 0);
	assert_int_equal(slots_quarantined(f->slots), 0);
	for (uint32_t i = 0; i < SLOTC; i++)
		assert_int_equal(read_slot(f, i, &note), ENOENT);
}


static void what_is_published_is_read_by_others(void **state)
{
	struct fixture *f = *state;
	uint32_t index;
	struct note note, seen;

	index = rig_put(f->slots, 1);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		note = note_of(seq, slots_id(f->slots, index));
		slots_publish(f->slots, index, &note);
		assert_int_equal(read_slot(f, index, &seen), 0);
		assert_memory_equal(&seen, &note, sizeof(note));
	}
}


static void a_slot_that_was_only_taken_is_nobody_elses_business(void **state)
{
	struct fixture *f = *state;
	uint32_t index;
	struct note note;

	assert_int_equal(slots_take(f->slots, &index), 0);
	assert_int_equal(read_slot(f, index, &note), ENOENT);
	assert_int_equal(slots_used(f->slots), 1);
	assert_int_equal(slots_left(f->slots), SLOTC - 1);

	slots_give(f->slots, index);
	assert_int_equal(slots_left(f->slots), SLOTC);
}


static void a_slot_given_back_is_gone_for_readers(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 1);
	struct note note;

	slots_give(f->slots, index);
	assert_int_equal(read_slot(f, index, &note), ENOENT);
	assert_int_equal(slots_used(f->slots), 0);
}


static void each_slot_is_handed_out_once_and_then_there_is_none(void **state)
{
	struct fixture *f = *state;
	bool seen[SLOTC] = { false };
	uint32_t index;

	for (uint32_t i = 0; i < SLOTC; i++) {
		assert_int_equal(slots_take(f->slots, &index), 0);
		assert_true(index < SLOTC);
		assert_false(seen[index]);
		seen[index] = true;
	}

	index = 12345;
	assert_int_equal(slots_take(f->slots, &index), ENOSPC);
	assert_int_equal(index, 12345);
}


static void the_slot_given_back_last_is_taken_first(void **state)
{
	struct fixture *f = *state;
	uint32_t a, b, c, index = 0;

	a = rig_put(f->slots, 1);
	b = rig_put(f->slots, 2);
	c = rig_put(f->slots, 3);
	slots_give(f->slots, b);
	slots_give(f->slots, a);

	assert_int_equal(slots_take(f->slots, &index), 0);
	assert_int_equal(index, a);
	assert_int_equal(slots_take(f->slots, &index), 0);
	assert_int_equal(index, b);
	assert_int_equal(slots_take(f->slots, &index), 0);
	assert_true(index != a && index != b && index != c);
}


static void an_id_ends_with_its_tenant(void **state)
{
	struct fixture *f = *state;
	uint64_t old, id;
	uint32_t index;
	struct note note;

	index = rig_put(f->slots, 1);
	old = slots_id(f->slots, index);
	assert_true(old >> 32 != 0);
	assert_int_equal((uint32_t)old, index);
	assert_true(slots_id_valid(f->slots, old));
	assert_int_equal(slot_read_id(&f->rig.view, old, &note, sizeof(note)),
			 0);

	slots_give(f->slots, index);
	assert_false(slots_id_valid(f->slots, old));
	assert_int_equal(slot_read_id(&f->rig.view, old, &note, sizeof(note)),
			 ENOENT);

	for (uint32_t i = 0; i < SLOTC; i++)
		rig_put(f->slots, 2 + i);
	id = slots_id(f->slots, index);
	assert_true(id != old);
	assert_true(slots_id_valid(f->slots, id));
	assert_false(slots_id_valid(f->slots, old));
	assert_int_equal(slot_read_id(&f->rig.view, id, &note, sizeof(note)),
			 0);
	assert_int_equal(slot_read_id(&f->rig.view, old, &note, sizeof(note)),
			 ENOENT);
}


static void ids_from_anywhere_are_only_compared(void **state)
{
	struct fixture *f = *state;
	const uint64_t ids[] = { 0,
				 1,
				 SLOTC,
				 UINT32_MAX,
				 UINT64_MAX,
				 (uint64_t)1 << 32 | SLOTC,
				 (uint64_t)1 << 32 | UINT32_MAX };
	struct note note;

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		assert_false(slots_id_valid(f->slots, ids[i]));
		assert_int_equal(slot_read_id(&f->rig.view, ids[i], &note,
					      sizeof(note)),
				 ENOENT);
	}
}


static void an_incarnation_that_runs_over_skips_zero(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	slots_free(f->slots);
	atomic_store(&rig_slot(&f->rig, 0)->incarnation, UINT32_MAX);
	assert_int_equal(slots_alloc(&f->slots, &f->rig.args), 0);

	assert_int_equal(slots_take(f->slots, &index), 0);
	assert_int_equal(index, 0);
	assert_true(slots_id(f->slots, 0) == (uint64_t)1 << 32);
}


static void a_generation_that_runs_over_goes_on(void **state)
{
	struct fixture *f = *state;
	struct note note;
	uint32_t index;

	slots_free(f->slots);
	atomic_store(&rig_slot(&f->rig, 0)->gen, UINT32_MAX - 2);
	assert_int_equal(slots_alloc(&f->slots, &f->rig.args), 0);

	index = rig_put(f->slots, 1);
	for (uint64_t seq = 1; seq < 6; seq++) {
		note = note_of(seq, slots_id(f->slots, index));
		slots_publish(f->slots, index, &note);
		assert_int_equal(read_slot(f, index, &note), 0);
		assert_int_equal(note.seq, seq);
	}
}


static void a_slot_set_aside_is_read_and_taken_by_nobody(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 1);
	const uint64_t id = slots_id(f->slots, index);
	uint32_t other;
	struct note note;

	capture_expect("slot_quarantined");
	slots_quarantine(f->slots, index, "test");
	assert_int_equal(capture_count("slot_quarantined"), 1);
	assert_int_equal(read_slot(f, index, &note), EBADMSG);
	assert_false(slots_id_valid(f->slots, id));
	assert_int_equal(slots_quarantined(f->slots), 1);
	assert_int_equal(slots_used(f->slots), 0);

	while (slots_take(f->slots, &other) == 0)
		assert_int_not_equal(other, index);
	assert_int_equal(slots_used(f->slots), SLOTC - 1);
}


static void work_may_outlive_its_slot(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	index = rig_put(f->slots, 1);
	slots_work_begin(f->slots, index);
	slots_give(f->slots, index);
	slots_work_end(f->slots, index);
	assert_int_equal(slots_left(f->slots), SLOTC);

	capture_expect("slot_quarantined");
	/* Set aside at work, it keeps the marks for who looks into it. */
	index = rig_put(f->slots, 2);
	slots_work_begin(f->slots, index);
	slots_quarantine(f->slots, index, "test");
	slots_work_end(f->slots, index);
	assert_int_equal(rig_slot(&f->rig, index)->in_work, 1);
}


static void a_slot_scribbled_on_is_whole_with_its_next_publish(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 1);
	struct note note;

	memset((uint8_t *)rig_slot(&f->rig, index) + sizeof(struct slot_head),
	       0xa5, 2 * SLOT_COPY_SIZE(sizeof(note)));
	assert_int_equal(read_slot(f, index, &note), EBADMSG);

	note = note_of(2, slots_id(f->slots, index));
	slots_publish(f->slots, index, &note);
	assert_int_equal(read_slot(f, index, &note), 0);
	assert_int_equal(note.seq, 2);
}


static void images_of_any_size_come_out_as_they_went_in(void **state)
{
	uint8_t in[200], out[201];
	struct fixture *f = *state;

	for (size_t size = 1; size <= sizeof(struct note); size++) {
		struct slots_args args = f->rig.args;
		struct slots *slots;
		uint32_t index;

		args.image_size = size;
		args.faulth = NULL;
		assert_int_equal(slots_alloc(&slots, &args), 0);
		assert_int_equal(slots_take(slots, &index), 0);
		for (size_t i = 0; i < size; i++)
			in[i] = (uint8_t)(size * 7 + i);

		memset(out, 0xee, sizeof(out));
		slots_publish(slots, index, in);
		assert_int_equal(slot_read(&f->rig.view, index, out, size), 0);
		assert_memory_equal(in, out, size);
		assert_int_equal(out[size], 0xee);

		slots_give(slots, index);
		slots_free(slots);
	}
}


static void neighbours_are_never_touched(void **state)
{
	struct fixture *f = *state;
	struct slots_args args = f->rig.args;
	struct slots *middle;
	struct note note;
	uint32_t index;

	/* A part in the middle, published often; all around stays zero. */
	args.first = 3;
	args.slotc = 2;
	assert_int_equal(slots_alloc(&middle, &args), 0);
	for (uint64_t seq = 1; seq < 50; seq++) {
		index = rig_put(middle, seq);
		assert_true(index == 3 || index == 4);
		note = note_of(seq + 1, slots_id(middle, index));
		slots_publish(middle, index, &note);
		slots_give(middle, index);
	}
	assert_false(slots_id_valid(middle, (uint64_t)1 << 32 | 2));
	assert_false(slots_id_valid(middle, (uint64_t)1 << 32 | 5));
	slots_free(middle);

	for (uint32_t i = 0; i < SLOTC; i++) {
		const uint8_t *p = (const uint8_t *)rig_slot(&f->rig, i);

		if (i == 3 || i == 4)
			continue;
		/* The fixture's own worker number is all that was written. */
		for (size_t k = 8; k < f->rig.layout.slot_size; k++)
			assert_int_equal(p[k], 0);
	}
}


static void a_part_that_is_not_in_the_segment_is_refused(void **state)
{
	static const struct {
		uint32_t first, slotc;
	} parts[] = { { 0, SLOTC + 1 }, { SLOTC, 1 },      { 1, SLOTC },
		      { 0, 0 },         { UINT32_MAX, 2 }, { 2, UINT32_MAX } };
	struct fixture *f = *state;
	struct slots_args args = f->rig.args;
	struct slots *slots = NULL;

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		args.first = parts[i].first;
		args.slotc = parts[i].slotc;
		assert_int_equal(slots_alloc(&slots, &args), EINVAL);
	}
	assert_null(slots);
}


static void an_image_that_no_slot_can_hold_is_refused(void **state)
{
	const size_t sizes[] = { 0, sizeof(struct note) + 33, SIZE_MAX,
				 SIZE_MAX - 7, SIZE_MAX / 2 + 1 };
	struct fixture *f = *state;
	struct slots_args args = f->rig.args;
	struct slots *slots = NULL;
	struct note note;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		args.image_size = sizes[i];
		assert_int_equal(slots_alloc(&slots, &args), EINVAL);
		assert_int_equal(slot_read(&f->rig.view, 0, &note, sizes[i]),
				 EINVAL);
	}

	/* And a mapping that cannot be written is no writer's. */
	args = f->rig.args;
	args.segment = &f->rig.view;
	assert_int_equal(slots_alloc(&slots, &args), EINVAL);
}


static void a_slot_that_does_not_exist_is_not_read(void **state)
{
	struct fixture *f = *state;
	struct note note;

	assert_int_equal(read_slot(f, SLOTC, &note), ENOENT);
	assert_int_equal(read_slot(f, UINT32_MAX, &note), ENOENT);
}


static void a_use_that_means_nothing_is_not_read(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 1);
	struct note note;

	atomic_store(&rig_slot(&f->rig, index)->use, SLOT_USEC);
	assert_int_equal(read_slot(f, index, &note), EBADMSG);
	atomic_store(&rig_slot(&f->rig, index)->use, UINT16_MAX);
	assert_int_equal(read_slot(f, index, &note), EBADMSG);
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_segment_is_all_free),
		TEST(what_is_published_is_read_by_others),
		TEST(a_slot_that_was_only_taken_is_nobody_elses_business),
		TEST(a_slot_given_back_is_gone_for_readers),
		TEST(each_slot_is_handed_out_once_and_then_there_is_none),
		TEST(the_slot_given_back_last_is_taken_first),
		TEST(an_id_ends_with_its_tenant),
		TEST(ids_from_anywhere_are_only_compared),
		TEST(an_incarnation_that_runs_over_skips_zero),
		TEST(a_generation_that_runs_over_goes_on),
		TEST(a_slot_set_aside_is_read_and_taken_by_nobody),
		TEST(work_may_outlive_its_slot),
		TEST(a_slot_scribbled_on_is_whole_with_its_next_publish),
		TEST(images_of_any_size_come_out_as_they_went_in),
		TEST(neighbours_are_never_touched),
		TEST(a_part_that_is_not_in_the_segment_is_refused),
		TEST(an_image_that_no_slot_can_hold_is_refused),
		TEST(a_slot_that_does_not_exist_is_not_read),
		TEST(a_use_that_means_nothing_is_not_read),
	};

	return T_MAIN_ONLY(tests);
}
