/**
 * @file test/unit/shm/test_slot_race.c  Reading while somebody writes
 *
 * Once with threads on one mapping, for the thread sanitizer, which knows
 * memory by its address; once with processes, as it is in life.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 2,
	READS = 200000,
	LIMIT_US = 1000000
};

struct fixture {
	struct rig rig;
	struct slots *slots;
	atomic_bool stop;
};

/** What a reader saw */
struct seen {
	unsigned whole, changing, gone, wrong;
	uint64_t last;
};


static int setup(void **state)
{
	static struct fixture f;

	*state = &f;
	f.slots = NULL;
	atomic_store(&f.stop, false);

	return rig_open(&f.rig, "race", SLOTC) ||
	       slots_alloc(&f.slots, &f.rig.args);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->slots = slots_free(f->slots);
	rig_close(&f->rig);

	return 0;
}


/* Publishes ascending numbers in slot 0; slot 1 comes and goes. */
static void *write_all(void *arg)
{
	struct fixture *f = arg;
	const uint32_t index = rig_put(f->slots, 1);
	struct note note;
	uint32_t other;

	for (uint64_t seq = 2; !atomic_load(&f->stop); seq++) {
		note = note_of(seq, slots_id(f->slots, index));
		slots_publish(f->slots, index, &note);

		if (seq % 4 == 0) {
			other = rig_put(f->slots, seq);
			slots_give(f->slots, other);
		}
	}

	return NULL;
}


static void read_one(const struct segment *segment, uint32_t index,
		     struct seen *seen)
{
	struct note note;

	switch (slot_read(segment, index, &note, sizeof(note))) {
	case 0:
		/* Whole, of this slot, and never older than one before. */
		if (!note_is_whole(&note) || (uint32_t)note.id != index ||
		    note.seq < seen->last)
			seen->wrong++;
		seen->last = note.seq;
		seen->whole++;
		break;
	case EAGAIN:
		seen->changing++;
		break;
	case ENOENT:
		seen->gone++;
		break;
	default:
		seen->wrong++;
		break;
	}
}


static void read_all(const struct segment *segment, struct seen seen[SLOTC])
{
	const int64_t deadline = clk_mono_us() + LIMIT_US;

	while (seen[0].whole < READS && clk_mono_us() < deadline) {
		for (int i = 0; i < 64; i++) {
			read_one(segment, 0, &seen[0]);
			read_one(segment, 1, &seen[1]);
		}
		/* On one core the writer would never get its turn. */
		(void)sched_yield();
	}

	print_message("race: %u whole, %u changing, %u free; wrong %u\n",
		      seen[0].whole + seen[1].whole,
		      seen[0].changing + seen[1].changing,
		      seen[0].gone + seen[1].gone,
		      seen[0].wrong + seen[1].wrong);
}


static void a_thread_reads_only_whole_images(void **state)
{
	struct seen seen[SLOTC] = { { 0 } };
	struct fixture *f = *state;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, write_all, f), 0);
	read_all(&f->rig.segment, seen);
	atomic_store(&f->stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);

	assert_int_equal(seen[0].wrong, 0);
	assert_int_equal(seen[1].wrong, 0);
	assert_true(seen[0].whole > 0);
}


static void a_process_reads_only_whole_images(void **state)
{
	struct seen seen[SLOTC] = { { 0 } };
	struct fixture *f = *state;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(20);
		(void)write_all(f);
	}

	read_all(&f->rig.view, seen);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	assert_int_equal(seen[0].wrong, 0);
	assert_int_equal(seen[1].wrong, 0);
	assert_true(seen[0].whole > 0);
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_thread_reads_only_whole_images),
		TEST(a_process_reads_only_whole_images),
	};

	return T_MAIN_ONLY(tests);
}
