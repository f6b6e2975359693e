/**
 * @file test/unit/shm/test_slot_adopt.c  What a predecessor left in its slots
 */
#include "shared/base/log.h"
#include "shared/base/metric.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 8
};

/** What the handler of slots_adopt() saw, and what it answers */
struct adopted {
	struct slots *slots;
	uint64_t seq[SLOTC]; /**< 0: not shown */
	uint32_t refuse;     /**< Index; SLOTC for none */
	uint32_t give;       /**< The same */
};

struct fixture {
	struct rig rig;
	struct slots *slots;
	struct adopted adopted;
	char log[1024]; /**< Every line that was logged */
};


static void on_line(const char *line, size_t len, void *arg)
{
	struct fixture *f = arg;
	const size_t at = strlen(f->log);

	(void)snprintf(f->log + at, sizeof(f->log) - at, "%.*s\n", (int)len,
		       line);
}


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	*state = &f;
	log_setup("test", LOG_LEVEL_INFO, LOG_TEXT);
	log_writer_set(on_line, &f);

	return rig_open(&f.rig, "adopt", SLOTC) ||
	       slots_alloc(&f.slots, &f.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);
	log_writer_set(NULL, NULL);

	return 0;
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	const struct note *note = image;
	struct adopted *a = arg;

	assert_true(index < SLOTC);
	assert_int_equal(a->seq[index], 0);
	assert_true(note_is_whole(note));
	assert_true(note->id == slots_id(a->slots, index));
	a->seq[index] = note->seq;

	if (index == a->give)
		slots_give(a->slots, index);

	return index != a->refuse;
}


/* The writer dies and another takes over, told how it died. */
static void succeed(struct fixture *f, bool crashed)
{
	struct slots_args args = f->rig.args;

	slots_free(f->slots);
	f->slots = NULL;
	args.predecessor_crashed = crashed;
	assert_int_equal(slots_alloc(&f->slots, &args), 0);
}


static uint32_t adopt(struct fixture *f)
{
	memset(f->adopted.seq, 0, sizeof(f->adopted.seq));
	f->adopted.slots = f->slots;

	return slots_adopt(f->slots, on_adopt, &f->adopted);
}


static int use_of(const struct fixture *f, uint32_t index)
{
	return atomic_load(&rig_slot(&f->rig, index)->use);
}


static uint64_t quarantined_metric(void)
{
	return metric_get(M_SLOT_QUARANTINED,
			  metric_series(M_SLOT_QUARANTINED, "notes"));
}


static void a_successor_finds_what_was_published_last(void **state)
{
	struct fixture *f = *state;
	struct note note;
	uint64_t id;
	uint32_t a, b;

	f->adopted.refuse = f->adopted.give = SLOTC;
	a = rig_put(f->slots, 1);
	b = rig_put(f->slots, 2);
	rig_put(f->slots, 3);
	slots_give(f->slots, b);
	id = slots_id(f->slots, a);
	note = note_of(9, id);
	slots_publish(f->slots, a, &note);

	succeed(f, false);
	assert_int_equal(slots_used(f->slots), 2);
	assert_int_equal(slots_left(f->slots), SLOTC - 2);
	assert_true(slots_id_valid(f->slots, id));
	assert_int_equal(adopt(f), 2);
	assert_int_equal(f->adopted.seq[0], 9);
	assert_int_equal(f->adopted.seq[1], 0);
	assert_int_equal(f->adopted.seq[2], 3);
	assert_string_equal(f->log, "");

	/* It goes on where the predecessor was. */
	note = note_of(10, id);
	slots_publish(f->slots, a, &note);
	assert_int_equal(slot_read(&f->rig.view, a, &note, sizeof(note)), 0);
	assert_int_equal(note.seq, 10);
}


static void an_id_that_was_told_and_never_committed_stays_dead(void **state)
{
	struct fixture *f = *state;
	uint32_t index, again;
	uint64_t id;

	assert_int_equal(slots_take(f->slots, &index), 0);
	id = slots_id(f->slots, index);

	succeed(f, false);
	assert_false(slots_id_valid(f->slots, id));
	assert_int_equal(slots_left(f->slots), SLOTC);
	do
		assert_int_equal(slots_take(f->slots, &again), 0);
	while (again != index);
	assert_true(slots_id(f->slots, again) > id);
}


static void a_change_cut_short_leaves_the_slot_as_it_was(void **state)
{
	struct fixture *f = *state;
	const uint32_t index = rig_put(f->slots, 7);
	struct slot_head *slot = rig_slot(&f->rig, index);
	const size_t other = (atomic_load(&slot->gen) + 1) % 2;

	f->adopted.refuse = f->adopted.give = SLOTC;
	memset((uint8_t *)slot + sizeof(*slot) +
		       other * SLOT_COPY_SIZE(sizeof(struct note)),
	       0xff, sizeof(struct note) / 2);

	succeed(f, false);
	assert_int_equal(adopt(f), 1);
	assert_int_equal(f->adopted.seq[index], 7);
}


static void a_bad_slot_is_set_aside_and_its_neighbours_go_on(void **state)
{
	const uint64_t before = quarantined_metric();
	struct fixture *f = *state;

	f->adopted.refuse = f->adopted.give = SLOTC;
	for (uint64_t seq = 1; seq <= 3; seq++)
		rig_put(f->slots, seq);
	((uint8_t *)rig_slot(&f->rig,
			     1))[sizeof(struct slot_head) +
				 SLOT_COPY_SIZE(sizeof(struct note)) + 20] ^=
		1;

	succeed(f, false);
	assert_int_equal(slots_quarantined(f->slots), 1);
	assert_int_equal(slots_used(f->slots), 2);
	assert_int_equal(slots_left(f->slots), SLOTC - 3);
	assert_int_equal(use_of(f, 1), SLOT_QUARANTINED);
	assert_int_equal(adopt(f), 2);
	assert_int_equal(f->adopted.seq[1], 0);

	/* Counted and said once, not again by every successor. */
	succeed(f, false);
	assert_int_equal(slots_quarantined(f->slots), 1);
	assert_int_equal(quarantined_metric(), before + 1);
	assert_non_null(strstr(f->log, "slot_quarantined"));
	assert_non_null(strstr(f->log, "segment=notes slot=1 fault=crc"));
	assert_null(strstr(strchr(f->log, '\n'), "slot_quarantined"));
}


/* One thing made wrong in a used slot, and the word the log has for it */
struct damage {
	const char *fault;
	void (*make)(struct slot_head *slot);
};


static void make_use(struct slot_head *slot)
{
	atomic_store(&slot->use, 77);
}


static void make_gen(struct slot_head *slot)
{
	atomic_fetch_add(&slot->gen, 2);
}


static void make_gen_before(struct slot_head *slot)
{
	atomic_fetch_sub(&slot->gen, 1);
}


static void make_incarnation(struct slot_head *slot)
{
	atomic_fetch_add(&slot->incarnation, 1);
}


static void make_zero(struct slot_head *slot)
{
	memset((uint8_t *)slot + sizeof(*slot), 0,
	       2 * SLOT_COPY_SIZE(sizeof(struct note)));
}


static void each_way_of_being_wrong_has_its_word(void **state)
{
	static const struct damage damages[] = {
		{ "use", make_use },        { "gen", make_gen },
		{ "crc", make_gen_before }, { "crc", make_incarnation },
		{ "gen", make_zero },
	};
	struct fixture *f = *state;
	char expected[64];

	for (uint32_t i = 0; i < COUNT_OF(damages); i++) {
		rig_put(f->slots, i + 1);
		damages[i].make(rig_slot(&f->rig, i));
	}

	succeed(f, false);
	for (uint32_t i = 0; i < COUNT_OF(damages); i++) {
		(void)snprintf(expected, sizeof(expected), "slot=%u fault=%s",
			       i, damages[i].fault);
		assert_non_null(strstr(f->log, expected));
	}
	assert_int_equal(slots_quarantined(f->slots), COUNT_OF(damages));
}


/* Found by fuzz_slot when the CRC began with the incarnation instead of
 * covering it: corpus/slot/found-incarnation-and-image. */
static void a_wrong_incarnation_cannot_make_up_for_a_wrong_image(void **state)
{
	struct fixture *f = *state;
	struct slot_head *slot = rig_slot(&f->rig, 0);
	uint8_t *copy;

	rig_put(f->slots, 1);
	copy = (uint8_t *)slot + sizeof(*slot) +
	       atomic_load(&slot->gen) % 2 *
		       SLOT_COPY_SIZE(sizeof(struct note));
	atomic_fetch_xor(&slot->incarnation, 1U << 20);
	copy[2] ^= 1U << 4;

	succeed(f, false);
	assert_int_equal(slots_quarantined(f->slots), 1);
	assert_non_null(strstr(f->log, "slot=0 fault=crc"));
}


static void an_image_the_validator_refuses_is_set_aside(void **state)
{
	struct fixture *f = *state;
	struct note note = note_of(5, 5);
	uint32_t index;

	assert_int_equal(slots_take(f->slots, &index), 0);
	note.fill[3]++;
	slots_publish(f->slots, index, &note);

	succeed(f, false);
	assert_int_equal(slots_quarantined(f->slots), 1);
	assert_non_null(strstr(f->log, "fault=fill"));
}


static void a_slot_the_daemon_refuses_is_set_aside(void **state)
{
	struct fixture *f = *state;

	for (uint64_t seq = 1; seq <= 3; seq++)
		rig_put(f->slots, seq);
	f->adopted.refuse = 1;
	f->adopted.give = 2;

	succeed(f, false);
	assert_int_equal(adopt(f), 2);
	assert_int_equal(use_of(f, 0), SLOT_USED);
	assert_int_equal(use_of(f, 1), SLOT_QUARANTINED);
	assert_int_equal(use_of(f, 2), SLOT_FREE);
	assert_int_equal(slots_left(f->slots), SLOTC - 2);
	assert_non_null(strstr(f->log, "slot=1 fault=not_adopted"));
}


static void a_slot_that_is_refused_after_it_was_given_stays_free(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	f->adopted.refuse = f->adopted.give = 0;

	succeed(f, false);
	assert_int_equal(adopt(f), 0);
	assert_int_equal(use_of(f, 0), SLOT_FREE);
	assert_int_equal(slots_left(f->slots), SLOTC);
	assert_int_equal(slots_quarantined(f->slots), 0);
}


static void damage_between_scan_and_adoption_is_found(void **state)
{
	struct fixture *f = *state;

	f->adopted.refuse = f->adopted.give = SLOTC;
	rig_put(f->slots, 1);
	succeed(f, false);
	make_zero(rig_slot(&f->rig, 0));
	assert_int_equal(adopt(f), 0);
	assert_int_equal(use_of(f, 0), SLOT_QUARANTINED);
}


static void two_crashes_at_work_in_a_row_set_a_slot_aside(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	rig_put(f->slots, 2);

	slots_work_begin(f->slots, 0);
	succeed(f, true);
	assert_int_equal(use_of(f, 0), SLOT_USED);
	assert_int_equal(slots_quarantined(f->slots), 0);

	slots_work_begin(f->slots, 0);
	succeed(f, true);
	assert_int_equal(use_of(f, 0), SLOT_QUARANTINED);
	assert_int_equal(use_of(f, 1), SLOT_USED);
	assert_non_null(strstr(f->log, "slot=0 fault=in_work_twice"));
}


static void work_that_ends_well_makes_up_for_a_crash(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	for (int i = 0; i < 5; i++) {
		slots_work_begin(f->slots, 0);
		succeed(f, true);
		slots_work_begin(f->slots, 0);
		slots_work_end(f->slots, 0);
	}
	assert_int_equal(use_of(f, 0), SLOT_USED);
}


/* Counting these silenced healthy calls when it was tried. */
static void kills_at_work_never_count(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	slots_work_begin(f->slots, 0);
	succeed(f, true);
	for (int i = 0; i < 30; i++) {
		slots_work_begin(f->slots, 0);
		succeed(f, false);
		assert_int_equal(rig_slot(&f->rig, 0)->in_work, 0);
	}
	assert_int_equal(use_of(f, 0), SLOT_USED);
}


static void a_crash_while_not_at_work_never_counts(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	for (int i = 0; i < 5; i++) {
		slots_work_begin(f->slots, 0);
		slots_work_end(f->slots, 0);
		succeed(f, true);
	}
	assert_int_equal(use_of(f, 0), SLOT_USED);
	assert_int_equal(slots_quarantined(f->slots), 0);
}


static void a_second_crash_is_not_forgotten_by_a_killed_successor(void **state)
{
	struct fixture *f = *state;
	struct slot_head *slot;

	rig_put(f->slots, 1);
	slot = rig_slot(&f->rig, 0);

	/* Counted, and then killed before it could set the slot aside. */
	atomic_store(&slot->crashc, 2);
	atomic_store(&slot->in_work, 1);

	succeed(f, false);
	assert_int_equal(use_of(f, 0), SLOT_QUARANTINED);
}


static void a_new_tenant_begins_without_the_crashes_of_the_old(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	rig_put(f->slots, 1);
	slots_work_begin(f->slots, 0);
	succeed(f, true);
	slots_give(f->slots, 0);
	do
		index = rig_put(f->slots, 2);
	while (index != 0);

	slots_work_begin(f->slots, 0);
	succeed(f, true);
	assert_int_equal(use_of(f, 0), SLOT_USED);
}


static void a_part_is_its_new_workers(void **state)
{
	struct fixture *f = *state;

	rig_put(f->slots, 1);
	assert_int_equal(rig_slot(&f->rig, 0)->worker, 1);
	f->rig.args.worker = 2;
	succeed(f, false);
	assert_int_equal(rig_slot(&f->rig, 0)->worker, 2);
	assert_int_equal(slots_used(f->slots), 1);
}


/* A daemon's start: it finds slots, adopts them, and goes on. */
static int slots_are_found_and_adopted(void)
{
	struct fixture f = { .adopted = { .refuse = SLOTC, .give = SLOTC } };
	int err;

	err = rig_open(&f.rig, "found", SLOTC);
	if (err)
		goto out;

	err = slots_alloc(&f.slots, &f.rig.args);
	if (err)
		goto out;

	rig_put(f.slots, 1);
	f.slots = slots_free(f.slots);
	err = slots_alloc(&f.slots, &f.rig.args);
	if (err)
		goto out;

	if (adopt(&f) != 1)
		err = EBADMSG;

out:
	slots_free(f.slots);
	rig_close(&f.rig);

	return err;
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_successor_finds_what_was_published_last),
		TEST(an_id_that_was_told_and_never_committed_stays_dead),
		TEST(a_change_cut_short_leaves_the_slot_as_it_was),
		TEST(a_bad_slot_is_set_aside_and_its_neighbours_go_on),
		TEST(each_way_of_being_wrong_has_its_word),
		TEST(a_wrong_incarnation_cannot_make_up_for_a_wrong_image),
		TEST(an_image_the_validator_refuses_is_set_aside),
		TEST(a_slot_the_daemon_refuses_is_set_aside),
		TEST(a_slot_that_is_refused_after_it_was_given_stays_free),
		TEST(damage_between_scan_and_adoption_is_found),
		TEST(two_crashes_at_work_in_a_row_set_a_slot_aside),
		TEST(work_that_ends_well_makes_up_for_a_crash),
		TEST(kills_at_work_never_count),
		TEST(a_crash_while_not_at_work_never_counts),
		TEST(a_second_crash_is_not_forgotten_by_a_killed_successor),
		TEST(a_new_tenant_begins_without_the_crashes_of_the_old),
		TEST(a_part_is_its_new_workers),
	};

	const struct t_scenario scenarios[] = {
		T_SCENARIO(slots_are_found_and_adopted),
	};

	return T_MAIN(tests, scenarios);
}
