/**
 * @file test/unit/shm/test_read_turns.c  A writer in the middle of a read
 *
 * Only between two loads of the reader can a writer make a difference. So the
 * reader is compiled here with every load giving the writer a turn, and every
 * pair of turns at every pair of places is played. Whatever a read comes to,
 * it must be true of a moment between its begin and its end.
 *
 * What this cannot show is the order in which a processor makes stores
 * visible; test_slot_race.c and the thread sanitizer look at that.
 */
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

static void reader_loads(void);

/* Reading an atomic object is a load too, of the strongest order. */
#undef atomic_load_explicit
/* NOLINTNEXTLINE(readability-identifier-naming): it is the standard's */
#define atomic_load_explicit(object, order) (reader_loads(), *(object))

/* NOLINTBEGIN(bugprone-suspicious-include): compiled with the loads above */
#include "shared/shm/slot_copy.c"
#include "shared/shm/slot_read.c"
/* NOLINTEND(bugprone-suspicious-include) */

enum {
	WORDS = 3,
	STATES_MAX = 32,
	LOADS = 2 * (WORDS + 6) + 1,
	FREE = 0,
	FOREVER = -1
};

struct image {
	uint64_t seq, same[WORDS - 1];
};

struct fixture {
	struct rig rig;
	struct slots *slots;
	uint64_t states[STATES_MAX]; /**< The slot was that, one by one */
	int statec;
	uint64_t seq; /**< Published last */
	bool reading; /**< It is the reader that loads */
	int loads;    /**< Since the read began */
	int at[2];    /**< Load before which a turn comes */
	void (*turn[2])(struct fixture *f);
};

/* The hook has no argument to carry it. */
static struct fixture fixture;


static void now_is(struct fixture *f, uint64_t what)
{
	/* One turn at every load is more than there is room for. */
	if (f->statec < STATES_MAX)
		f->states[f->statec++] = what;
}


static void publish(struct fixture *f)
{
	const uint64_t seq = ++f->seq;
	const struct image image = { seq, { seq, seq } };

	slots_publish(f->slots, 0, &image);
	now_is(f, seq);
}


static void publish_twice(struct fixture *f)
{
	publish(f);
	publish(f);
}


static void retake(struct fixture *f)
{
	uint32_t index;

	slots_give(f->slots, 0);
	assert_int_equal(slots_take(f->slots, &index), 0);
	now_is(f, FREE);
}


static void change_tenant(struct fixture *f)
{
	retake(f);
	publish(f);
}


static void (*const turns[])(struct fixture *f) = { publish, publish_twice,
						    retake, change_tenant };


static void reader_loads(void)
{
	struct fixture *f = &fixture;

	if (!f->reading)
		return;

	f->reading = false; /* the writer's own loads */
	for (int i = 0; i < 2; i++) {
		if (f->at[i] == f->loads || f->at[i] == FOREVER)
			f->turn[i](f);
	}
	f->reading = true;
	f->loads++;
}


static int setup(void **state)
{
	memset(&fixture, 0, sizeof(fixture));
	*state = &fixture;
	if (rig_open(&fixture.rig, "turns", 1))
		return -1;

	fixture.rig.args.image_size = sizeof(struct image);
	fixture.rig.args.faulth = NULL;

	return slots_alloc(&fixture.slots, &fixture.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);

	return 0;
}


/* A slot in use is read while its writer has these turns. */
static int read_between(struct fixture *f, struct image *image)
{
	int err;

	f->statec = 0;
	publish(f);
	f->statec = 1;
	f->states[0] = f->seq;

	f->loads = 0;
	f->reading = true;
	err = slot_read(&f->rig.view, 0, image, sizeof(*image));
	f->reading = false;

	return err;
}


static bool was(const struct fixture *f, uint64_t what)
{
	for (int i = 0; i < f->statec; i++) {
		if (f->states[i] == what)
			return true;
	}

	return false;
}


static void play(struct fixture *f)
{
	struct image image;
	int err;

	err = read_between(f, &image);
	if (err == ENOENT)
		assert_true(was(f, FREE));
	else {
		assert_int_equal(err, 0);
		assert_true(was(f, image.seq));
		assert_true(image.same[0] == image.seq &&
			    image.same[1] == image.seq);
	}

	/* A slot that ended as taken is in use again. */
	publish(f);
}


static void a_read_is_true_of_a_moment_while_it_lasted(void **state)
{
	struct fixture *f = *state;
	uint32_t index;

	assert_int_equal(slots_take(f->slots, &index), 0);

	for (size_t a = 0; a < COUNT_OF(turns); a++) {
		for (size_t b = 0; b < COUNT_OF(turns); b++) {
			f->turn[0] = turns[a];
			f->turn[1] = turns[b];
			for (int i = 0; i < LOADS * LOADS; i++) {
				f->at[0] = i / LOADS;
				f->at[1] = i % LOADS;
				play(f);
			}
		}
	}
}


static void a_read_that_is_always_overtaken_gives_up(void **state)
{
	struct fixture *f = *state;
	struct image image;
	uint32_t index;

	assert_int_equal(slots_take(f->slots, &index), 0);
	f->turn[0] = f->turn[1] = publish;
	f->at[0] = f->at[1] = FOREVER;
	assert_int_equal(read_between(f, &image), EAGAIN);
	assert_int_equal(f->loads, 16 * (WORDS + 6));
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_read_is_true_of_a_moment_while_it_lasted),
		TEST(a_read_that_is_always_overtaken_gives_up),
	};

	return T_MAIN_ONLY(tests);
}
