/**
 * @file test/unit/shm/test_torture.c  A writer killed 300 times while it works
 *
 * A process publishes, takes and gives as fast as it can and is killed at
 * random instants, while we read what it writes. After every kill a successor
 * must find each slot whole, and in the state that was last announced as done
 * or in the one then under way: nothing torn, nothing published lost, no slot
 * leaked, no id given twice.
 *
 * TORTURE_KILLS says how often (3000 for the long run), TORTURE_SEED repeats
 * a run that failed.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

enum {
	SLOTC = 16,
	KILLS = 300,
	OPS_MAX = 400,
	PATIENCE_US = 10000000
};

/** What the writer says about one slot: what holds for sure, and what may
 *  hold already. A seq, or 0 for free. */
struct witness {
	_Atomic uint64_t done;
	_Atomic uint64_t next;
	_Atomic uint64_t id; /**< The last one it was given */
};

/** In memory that writer and test share beside the segment */
struct oracle {
	struct witness slot[SLOTC];
	_Atomic uint64_t ops;
	_Atomic uint32_t wrong; /**< Line at which the writer found a fault */
};

struct fixture {
	struct rig rig;
	struct oracle *oracle;
	uint64_t seed;
};

/** Of the run; printed at its end */
struct figures {
	unsigned kills, midway, reads, changing;
};


static int setup(void **state)
{
	const char *seed = getenv("TORTURE_SEED");
	static struct fixture f;

	*state = &f;
	f.seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)clk_mono_us() | 1;
	f.oracle = mmap(NULL, sizeof(*f.oracle), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f.oracle == MAP_FAILED)
		return -1;

	return rig_open(&f.rig, "torture", SLOTC);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)munmap(f->oracle, sizeof(*f->oracle));
	rig_close(&f->rig);

	return 0;
}


/* xorshift64: it only has to be repeatable. */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;

	return *seed % below;
}


/* The writer cannot assert: it is another process, and soon dead. */
#define HOLDS(oracle, cond)                                       \
	do {                                                      \
		if (!(cond))                                      \
			atomic_store(&(oracle)->wrong, __LINE__); \
	} while (0)


static void publish(struct fixture *f, struct slots *slots, uint32_t i,
		    uint64_t seq)
{
	struct witness *w = &f->oracle->slot[i];
	const struct note note = note_of(seq, slots_id(slots, i));

	atomic_store(&w->next, seq);
	slots_publish(slots, i, &note);
	atomic_store(&w->done, seq);
}


static void put(struct fixture *f, struct slots *slots, uint64_t seq)
{
	struct witness *w;
	uint32_t i;

	if (slots_take(slots, &i))
		return;

	w = &f->oracle->slot[i];
	HOLDS(f->oracle, slots_id(slots, i) > atomic_load(&w->id));
	atomic_store(&w->id, slots_id(slots, i));
	publish(f, slots, i, seq);
}


static void give(struct fixture *f, struct slots *slots, uint32_t i)
{
	struct witness *w = &f->oracle->slot[i];

	atomic_store(&w->next, 0);
	slots_give(slots, i);
	atomic_store(&w->done, 0);
}


static bool on_adopt(uint32_t index, const void *image, void *arg)
{
	const struct note *note = image;
	struct fixture *f = arg;
	struct witness *w = &f->oracle->slot[index];

	HOLDS(f->oracle, note->seq == atomic_load(&w->done));
	HOLDS(f->oracle, note->id == atomic_load(&w->id));

	return true;
}


/* Works until it is killed. */
static _Noreturn void writer(struct fixture *f, uint64_t seed)
{
	struct slots *slots;

	/* Should the test die first. */
	(void)alarm(PATIENCE_US / 1000000 * 2);
	if (slots_alloc(&slots, &f->rig.args))
		_exit(1);
	(void)slots_adopt(slots, on_adopt, f);

	for (;;) {
		const uint32_t i = (uint32_t)draw(&seed, SLOTC);
		const uint64_t what = draw(&seed, 10);
		const uint64_t seq = 1 + draw(&seed, UINT64_MAX - 1);

		if (atomic_load(&f->oracle->slot[i].done) == 0)
			put(f, slots, seq);
		else if (what == 0)
			give(f, slots, i);
		else
			publish(f, slots, i, seq);

		atomic_fetch_add(&f->oracle->ops, 1);
	}
}


static void read_any(const struct fixture *f, uint64_t *seed,
		     struct figures *figures)
{
	const uint32_t i = (uint32_t)draw(seed, SLOTC);
	struct note note;
	int err;

	err = slot_read(&f->rig.view, i, &note, sizeof(note));
	figures->reads++;
	if (err == EAGAIN)
		figures->changing++;
	else if (err != ENOENT) {
		assert_int_equal(err, 0);
		assert_true(note_is_whole(&note));
		assert_int_equal((uint32_t)note.id, i);
	}
}


/* Lets the writer do some work, watching it, and kills it in the middle. */
static void kill_midway(struct fixture *f, uint64_t *seed,
			struct figures *figures)
{
	const int64_t deadline = clk_mono_us() + PATIENCE_US;
	const uint64_t ops = atomic_load(&f->oracle->ops) +
			     draw(seed, OPS_MAX);
	volatile uint64_t spin = draw(seed, 1000);
	const uint64_t writer_seed = *seed | 1;
	int status = 0;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		writer(f, writer_seed);

	while (atomic_load(&f->oracle->ops) < ops &&
	       clk_mono_us() < deadline) {
		for (int i = 0; i < 32; i++)
			read_any(f, seed, figures);
		(void)sched_yield();
	}
	while (spin)
		spin--;

	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(atomic_load(&f->oracle->ops) >= ops);
	assert_int_equal(atomic_load(&f->oracle->wrong), 0);
	figures->kills++;
}


static void look_at_one(struct fixture *f, uint32_t i, struct figures *figures)
{
	struct witness *w = &f->oracle->slot[i];
	const uint64_t done = atomic_load(&w->done);
	const uint64_t next = atomic_load(&w->next);
	struct note note = { 0 };
	int err;

	err = slot_read(&f->rig.view, i, &note, sizeof(note));
	if (err)
		assert_int_equal(err, ENOENT);
	else
		assert_true(note_is_whole(&note));

	if (note.seq != done)
		assert_true(note.seq == next);
	if (done != next)
		figures->midway++;

	/* What is found there is what holds from now on. */
	atomic_store(&w->done, note.seq);
	atomic_store(&w->next, note.seq);
}


static void look_at_all(struct fixture *f, struct figures *figures)
{
	struct slots *slots = NULL;
	uint32_t usedc = 0;

	for (uint32_t i = 0; i < SLOTC; i++) {
		look_at_one(f, i, figures);
		usedc += atomic_load(&f->oracle->slot[i].done) != 0;
	}

	assert_int_equal(slots_alloc(&slots, &f->rig.args), 0);
	assert_int_equal(slots_quarantined(slots), 0);
	assert_int_equal(slots_used(slots), usedc);
	assert_int_equal(slots_left(slots), SLOTC - usedc);
	slots_free(slots);
}


static void kills_at_any_instant_tear_lose_and_leak_nothing(void **state)
{
	const char *kills = getenv("TORTURE_KILLS");
	const unsigned long killc = kills ? strtoul(kills, NULL, 10) : KILLS;
	struct figures figures = { 0 };
	struct fixture *f = *state;
	uint64_t seed = f->seed;

	print_message("TORTURE_SEED=%llu\n", (unsigned long long)f->seed);
	for (unsigned long i = 0; i < killc; i++) {
		kill_midway(f, &seed, &figures);
		look_at_all(f, &figures);
	}

	print_message("torture kills=%u midway=%u ops=%llu reads=%u "
		      "changing=%u torn=0 lost=0\n",
		      figures.kills, figures.midway,
		      (unsigned long long)atomic_load(&f->oracle->ops),
		      figures.reads, figures.changing);

	/* Or it would not have been the test it says it is. */
	assert_true(killc < 100 || figures.midway > 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			kills_at_any_instant_tear_lose_and_leak_nothing, setup,
			teardown),
	};

	return T_MAIN_ONLY(tests);
}
