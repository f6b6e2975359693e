/**
 * @file test/unit/shm/test_kill_points.c  A writer killed after any instruction
 *
 * The writer is another process, run one instruction at a time. Whenever the
 * shared memory has changed, a successor takes over a copy of it: what it
 * finds must be the state before the operation under way, or the one after.
 * This is every kill there can be, not a sample of them.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"
#include "test/unit/shm/tracer.h"

enum op {
	TAKE,
	PUBLISH,
	WORK_BEGIN,
	WORK_END,
	GIVE,
	QUARANTINE
};

/** One operation, and what a successor may find while it is under way. There
 *  is one slot, so each take gets it again. */
struct step {
	enum op op;
	uint64_t before, after; /**< Seq found; FREE or ASIDE */
};

enum {
	FREE = 0,
	ASIDE = 999
};

/* clang-format off */
static const struct step steps[] = {
	{ TAKE,       FREE, FREE  },
	{ PUBLISH,    FREE, 1     },
	{ PUBLISH,    1,    2     },
	{ WORK_BEGIN, 2,    2     },
	{ PUBLISH,    2,    3     },
	{ WORK_END,   3,    3     },
	{ GIVE,       3,    FREE  },
	{ TAKE,       FREE, FREE  },
	{ GIVE,       FREE, FREE  }, /* never published */
	{ TAKE,       FREE, FREE  },
	{ PUBLISH,    FREE, 4     },
	{ WORK_BEGIN, 4,    4     },
	{ GIVE,       4,    FREE  },
	{ WORK_END,   FREE, FREE  },
	{ TAKE,       FREE, FREE  },
	{ PUBLISH,    FREE, 5     },
	{ QUARANTINE, 5,    ASIDE },
};
/* clang-format on */

/** What the traced process tells us, in memory of its own */
struct told {
	_Atomic uint32_t step; /**< Under way: steps[step - 1] */
	_Atomic uint64_t id;   /**< The last one that became known */
};

struct fixture {
	struct rig rig;
	struct rig old; /**< For the conversion */
	struct told *told;
	size_t size;    /**< Of a segment */
	uint8_t *seen;  /**< The memory as it was last looked at */
	uint8_t *seen2; /**< And of the old segment */
	uint8_t *copy;  /**< A copy for the successor to spoil */
	uint8_t *copy2;
	uint32_t statec; /**< Different states that were looked at */
	pid_t pid;
};


static void on_line(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
}


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	*state = &f;
	log_writer_set(on_line, NULL);

	if (rig_open(&f.rig, "points", 1) || rig_open(&f.old, "points.old", 1))
		return -1;

	f.size = f.rig.segment.size;
	f.seen = malloc(f.size);
	f.seen2 = malloc(f.size);
	f.copy = malloc(f.size);
	f.copy2 = malloc(f.size);
	f.told = mmap(NULL, sizeof(*f.told), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return f.seen && f.seen2 && f.copy && f.copy2 && f.told != MAP_FAILED
		       ? 0
		       : -1;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	tracer_kill(f->pid);
	if (f->told)
		(void)munmap(f->told, sizeof(*f->told));
	free(f->seen);
	free(f->seen2);
	free(f->copy);
	free(f->copy2);
	rig_close(&f->rig);
	rig_close(&f->old);
	log_writer_set(NULL, NULL);

	return 0;
}


static void start(struct fixture *f, tracer_work_h *work)
{
	f->pid = tracer_start(work, f);
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		skip(); /* tracing is forbidden here */
}


/* One instruction; false: that was the last. */
static bool advance(struct fixture *f)
{
	const enum tracer_end end = tracer_step(f->pid);

	if (end == TRACER_STEPPED)
		return true;

	f->pid = 0;
	assert_int_equal(end, TRACER_ENDED);

	return false;
}


/* Has shared memory changed? Then there is a copy of it. */
static bool changed(struct fixture *f)
{
	const void *now = f->rig.segment.head;
	const void *now2 = f->old.segment.head;

	if (f->statec && memcmp(f->seen, now, f->size) == 0 &&
	    memcmp(f->seen2, now2, f->size) == 0)
		return false;

	memcpy(f->seen, now, f->size);
	memcpy(f->seen2, now2, f->size);
	memcpy(f->copy, now, f->size);
	memcpy(f->copy2, now2, f->size);
	f->statec++;

	return true;
}


static struct segment segment_on(const struct fixture *f, uint8_t *copy)
{
	struct segment segment = f->rig.segment;

	segment.head = (struct segment_head *)(void *)copy;
	segment.slots = copy + sizeof(struct segment_head);

	return segment;
}


/* What a successor finds in the copy; and it can go on from there. */
static uint64_t successor_finds(const struct fixture *f)
{
	const struct segment segment = segment_on(f, f->copy);
	struct slots_args args = f->rig.args;
	uint64_t found = FREE;
	struct slots *slots;
	struct note note;
	uint32_t index;

	args.segment = &segment;
	assert_int_equal(slots_alloc(&slots, &args), 0);
	assert_int_equal(slots_used(slots) + slots_left(slots) +
				 slots_quarantined(slots),
			 1);

	if (slots_quarantined(slots)) {
		found = ASIDE;
		goto out;
	}

	if (slots_used(slots)) {
		assert_int_equal(slot_read(&segment, 0, &note, sizeof(note)),
				 0);
		assert_true(note_is_whole(&note));
		assert_true(note.id == slots_id(slots, 0));
		found = note.seq;
		slots_give(slots, 0);
	}

	/* The slot has not leaked, and no id comes back. */
	assert_int_equal(slots_take(slots, &index), 0);
	assert_true(slots_id(slots, 0) > atomic_load(&f->told->id));

out:
	slots_free(slots);

	return found;
}


static void run_steps(void *arg)
{
	struct fixture *f = arg;
	struct slots *slots;
	uint32_t index = 0;
	struct note note;

	if (slots_alloc(&slots, &f->rig.args))
		_exit(1);

	for (uint32_t i = 0; i < COUNT_OF(steps); i++) {
		atomic_store(&f->told->step, i + 1);

		switch (steps[i].op) {
		case TAKE:
			if (slots_take(slots, &index))
				_exit(2);
			atomic_store(&f->told->id, slots_id(slots, index));
			break;
		case PUBLISH:
			note = note_of(steps[i].after, slots_id(slots, index));
			slots_publish(slots, index, &note);
			break;
		case WORK_BEGIN:
			slots_work_begin(slots, index);
			break;
		case WORK_END:
			slots_work_end(slots, index);
			break;
		case GIVE:
			slots_give(slots, index);
			break;
		case QUARANTINE:
			slots_quarantine(slots, index, "test");
			break;
		}
	}
}


static void every_kill_leaves_the_state_before_or_after(void **state)
{
	struct fixture *f = *state;
	bool seen[COUNT_OF(steps)] = { false };

	start(f, run_steps);
	while (advance(f)) {
		const uint32_t at = atomic_load(&f->told->step);
		uint64_t found;

		if (!changed(f) || at == 0)
			continue;

		found = successor_finds(f);
		if (found != steps[at - 1].before)
			assert_true(found == steps[at - 1].after);
		seen[at - 1] |= found == steps[at - 1].after;
	}

	/* It was the real thing: more than one store for each, and each came
	 * to its end. A give of what was never published stores nothing. */
	assert_true(f->statec > 6 * (sizeof(struct note) / 8));
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		if (steps[i].before != steps[i].after)
			assert_true(seen[i]);
	}
}


static void take_over_after_a_crash(void *arg)
{
	struct fixture *f = arg;
	struct slots_args args = f->rig.args;
	struct slots *slots;

	args.predecessor_crashed = true;
	if (slots_alloc(&slots, &args))
		_exit(1);
}


/* Of three writers the first crashed at work, the second too, and whoever
 * adopts from the second may be killed anywhere while doing so. */
static void a_counted_crash_survives_every_kill_of_the_adopter(void **state)
{
	struct fixture *f = *state;
	struct slot_head *slot = rig_slot(&f->rig, 0);
	struct slots *slots;

	assert_int_equal(slots_alloc(&slots, &f->rig.args), 0);
	rig_put(slots, 1);
	slots_work_begin(slots, 0);
	slots_free(slots);
	atomic_store(&slot->crashc, 1);

	start(f, take_over_after_a_crash);
	while (advance(f)) {
		const bool counted = atomic_load(&slot->crashc) == 2;

		if (changed(f))
			assert_int_equal(successor_finds(f),
					 counted ? ASIDE : 1);
	}
	assert_int_equal(atomic_load(&slot->use), SLOT_QUARANTINED);
	assert_true(f->statec >= 2);
}


static bool convert(void *image, const void *old_image)
{
	const struct note *old = old_image;
	const struct note note = note_of(old->seq + 100, old->id);

	memcpy(image, &note, sizeof(note));

	return true;
}


static void run_convert(void *arg)
{
	struct fixture *f = arg;
	struct slots *slots;
	uint32_t movedc;

	if (slots_alloc(&slots, &f->rig.args) ||
	    slots_convert(slots, &f->old.segment, sizeof(struct note),
			  note_fault, convert, &movedc))
		_exit(1);
}


/* The next one to start converts again, whatever the last one left. */
static void successor_has_it_once(const struct fixture *f, uint64_t id)
{
	const struct segment segment = segment_on(f, f->copy);
	const struct segment old = segment_on(f, f->copy2);
	struct slots_args args = f->rig.args;
	struct slots *slots;
	struct note note;
	uint32_t movedc;

	args.segment = &segment;
	assert_int_equal(slots_alloc(&slots, &args), 0);
	assert_int_equal(slots_convert(slots, &old, sizeof(struct note),
				       note_fault, convert, &movedc),
			 0);
	assert_int_equal(slots_used(slots), 1);
	assert_true(slots_id_valid(slots, id));
	assert_int_equal(slot_read(&segment, 0, &note, sizeof(note)), 0);
	assert_int_equal(note.seq, 107);
	assert_int_equal(slot_read(&old, 0, &note, sizeof(note)), ENOENT);
	slots_free(slots);
}


static void a_conversion_killed_anywhere_loses_and_doubles_nothing(void **state)
{
	struct fixture *f = *state;
	struct slots *slots;
	uint64_t id;

	assert_int_equal(slots_alloc(&slots, &f->old.args), 0);
	rig_put(slots, 1);
	slots_give(slots, 0);
	rig_put(slots, 7);
	id = slots_id(slots, 0);
	slots_free(slots);

	start(f, run_convert);
	while (advance(f)) {
		if (changed(f))
			successor_has_it_once(f, id);
	}
	assert_true(f->statec > sizeof(struct note) / 8);
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_kill_leaves_the_state_before_or_after),
		TEST(a_counted_crash_survives_every_kill_of_the_adopter),
		TEST(a_conversion_killed_anywhere_loses_and_doubles_nothing),
	};

	return T_MAIN_ONLY(tests);
}
