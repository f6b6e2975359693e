/**
 * @file test/unit/billingd/test_journal.c  What was told is there afterwards
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "billingd/journal.h"
#include "billingd/journal_files.h"
#include "billingd/journal_record.h"
#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/capture.h"
#include "test/support/t.h"

enum {
	SEGMENT = 64 << 10,
	PAYLOAD = 1000,
	SEEN_MAX = 4096,
};

struct fixture {
	struct ev *ev;
	struct journal *journal;
	char dir[256];
	uint64_t limit;
	uint64_t told, replayed, first_replayed, last_type;
	uint64_t damage_from, damage_to;
	uint64_t carried_below;
	int failed;
	unsigned room_changes;
};


static void on_told(uint64_t seq, void *arg)
{
	struct fixture *f = arg;

	assert_true(seq >= f->told);
	f->told = seq;
}


static int on_replay(const struct journal_record *record, void *arg)
{
	struct fixture *f = arg;

	if (f->replayed == 0)
		f->first_replayed = record->seq;
	f->replayed++;
	f->last_type = record->type;

	return 0;
}


static void on_damage(uint64_t from, uint64_t to, void *arg)
{
	struct fixture *f = arg;

	f->damage_from = from;
	f->damage_to = to;
}


static int on_carry(uint64_t below, void *arg)
{
	struct fixture *f = arg;

	f->carried_below = below;

	return 0;
}


static void on_failed(int err, void *arg)
{
	struct fixture *f = arg;

	f->failed = err;
}


static void on_room(void *arg)
{
	struct fixture *f = arg;

	f->room_changes++;
}


static int journal_open(struct fixture *f)
{
	static const struct log log = { .level = LOG_LEVEL_INHERIT };
	const struct journal_args args = {
		.ev = f->ev,
		.dir = f->dir,
		.segment = SEGMENT,
		.limit = f->limit,
		.log = &log,
		.replayh = on_replay,
		.damageh = on_damage,
		.carryh = on_carry,
		.failedh = on_failed,
		.roomh = on_room,
		.arg = f,
	};

	f->told = 0;
	f->replayed = 0;
	f->first_replayed = 0;

	return journal_alloc(&f->journal, &args);
}


static int setup(void **state)
{
	static struct fixture f;
	static unsigned n;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.dir, sizeof(f.dir), "%s/%u", t_dir(), n++);
	capture_begin();
	*state = &f;
	if (ev_alloc(&f.ev))
		return -1;

	return journal_open(&f);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->journal = journal_free(f->journal);
	f->ev = ev_free(f->ev);
	capture_end();

	return 0;
}


static void again(struct fixture *f)
{
	f->journal = journal_free(f->journal);
	assert_int_equal(journal_open(f), 0);
}


static bool has_told(struct fixture *f, uint64_t seq)
{
	(void)ev_turn(f->ev);

	return f->told >= seq;
}


static uint64_t put(struct fixture *f, size_t count)
{
	static const char payload[PAYLOAD];

	for (size_t i = 0; i < count; i++)
		assert_int_equal(journal_put(f->journal, JOURNAL_ENDED,
					     payload, sizeof(payload), on_told,
					     f),
				 0);

	return journal_last(f->journal);
}


static void put_and_wait(struct fixture *f, size_t count)
{
	const uint64_t seq = put(f, count);

	WAIT_FOR(5, has_told(f, seq));
}


static void segment_path(const struct fixture *f, uint64_t first, char *path,
			 size_t size)
{
	(void)snprintf(path, size, "%s/%016llx.seg", f->dir,
		       (unsigned long long)first);
}


static void write_over(const struct fixture *f, uint64_t first, off_t at,
		       const void *p, size_t len)
{
	char path[512];
	int fd;

	segment_path(f, first, path, sizeof(path));
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, len, at), len);
	(void)close(fd);
}


/* --- tests ---------------------------------------------------------------- */

static void a_flipped_bit_makes_it_no_record(void **state)
{
	const struct journal_record record = { .seq = 7,
					       .type = JOURNAL_OPEN,
					       .wall_us = 42,
					       .payload = "hello",
					       .len = 5 };
	struct journal_record back;
	uint64_t durable;
	size_t size;
	uint8_t p[64];

	(void)state;
	assert_int_equal(journal_record_size(5), 48);
	journal_encode(p, &record, 6);
	assert_int_equal(journal_decode(&back, &durable, &size, p, 48), 0);
	assert_int_equal(back.seq, 7);
	assert_int_equal(back.type, JOURNAL_OPEN);
	assert_int_equal(back.wall_us, 42);
	assert_int_equal(durable, 6);
	assert_int_equal(size, 48);
	assert_memory_equal(back.payload, "hello", 5);

	for (size_t bit = 0; bit < 45 * 8; bit++) {
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(journal_decode(&back, &durable, &size, p, 48),
				 EBADMSG);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(journal_decode(&back, &durable, &size, p, 47),
			 EBADMSG);
	memset(p, 0, sizeof(p));
	assert_int_equal(journal_decode(&back, &durable, &size, p, 48),
			 ENODATA);
}


static void nobody_is_told_before_it_is_on_disk(void **state)
{
	struct fixture *f = *state;
	const uint64_t seq = put(f, 3);

	assert_int_equal(f->told, 0);
	assert_int_equal(journal_stats(f->journal).durable, 0);
	WAIT_FOR(5, has_told(f, seq));
	assert_int_equal(journal_stats(f->journal).durable, 3);
	assert_int_equal(journal_last(f->journal), 3);
}


static void what_was_told_is_replayed_in_order(void **state)
{
	struct fixture *f = *state;
	char id[32];

	(void)snprintf(id, sizeof(id), "%s", journal_id(f->journal));
	put_and_wait(f, 10);
	again(f);
	assert_int_equal(f->replayed, 10);
	assert_int_equal(f->first_replayed, 1);
	assert_string_equal(journal_id(f->journal), id);

	put_and_wait(f, 1);
	again(f);
	assert_int_equal(f->replayed, 11);
}


static void a_repeated_question_is_answered_when_the_first_is_durable(
	void **state)
{
	struct fixture *f = *state;

	put_and_wait(f, 1);
	f->told = 0;
	assert_int_equal(journal_wait(f->journal, on_told, f), 0);
	assert_int_equal(f->told, 0);
	WAIT_FOR(5, has_told(f, 1));
}


static void a_full_segment_has_a_successor(void **state)
{
	struct fixture *f = *state;

	put_and_wait(f, 1000);
	assert_true(journal_stats(f->journal).segments > 10);
	again(f);
	assert_int_equal(f->replayed, 1000);
}


static void a_reader_gets_all_of_them_once(void **state)
{
	struct journal_reader *reader = NULL;
	struct fixture *f = *state;
	struct journal_record record;
	uint64_t expected = 5;

	put_and_wait(f, 100);
	assert_int_equal(journal_reader_alloc(&reader, f->journal, 4), 0);
	for (unsigned round = 0; round < 20; round++) {
		while (!journal_read(reader, &record)) {
			assert_int_equal(record.seq, expected);
			assert_int_equal(record.len, PAYLOAD);
			expected++;
		}
		assert_int_equal(expected, journal_last(f->journal) + 1);
		put_and_wait(f, 7);
	}
	reader = journal_reader_free(reader);
}


static void a_reader_goes_on_behind_a_torn_tail(void **state)
{
	struct journal_reader *reader = NULL;
	struct fixture *f = *state;
	struct journal_record record;
	uint64_t expected = 1;

	put_and_wait(f, 4);
	put_and_wait(f, 4);
	f->journal = journal_free(f->journal);
	write_over(f, 1, 7 * 1040 + 100, "torn", 4);
	assert_int_equal(journal_open(f), 0);
	assert_int_equal(f->replayed, 7);
	put_and_wait(f, 3);

	assert_int_equal(journal_reader_alloc(&reader, f->journal, 0), 0);
	for (; !journal_read(reader, &record); expected++)
		assert_int_equal(record.seq, expected);
	assert_int_equal(expected, 11);
	reader = journal_reader_free(reader);
}


static void a_torn_tail_is_no_damage(void **state)
{
	struct fixture *f = *state;

	put_and_wait(f, 5);
	f->journal = journal_free(f->journal);
	write_over(f, 1, 3 * 1040 + 500, "torn", 4);
	assert_int_equal(journal_open(f), 0);
	assert_int_equal(f->replayed, 3);
	assert_int_equal(f->damage_from, 0);

	/* Nothing is put behind it: the tail stays dead. */
	put_and_wait(f, 1);
	again(f);
	assert_int_equal(f->replayed, 4);
	assert_int_equal(f->damage_from, 0);
}


static void a_hole_below_a_durable_mark_is_damage(void **state)
{
	struct fixture *f = *state;

	capture_expect("journal_damaged");
	put_and_wait(f, 5);
	put_and_wait(f, 5);
	f->journal = journal_free(f->journal);
	write_over(f, 1, 2 * 1040 + 500, "rot", 3);
	assert_int_equal(journal_open(f), 0);
	assert_int_equal(f->damage_from, 3);
	assert_int_equal(f->damage_to, 3);
	assert_int_equal(f->replayed, 9);
	assert_int_equal(journal_last(f->journal), 10);
}


static void a_segment_goes_when_nothing_of_it_is_needed(void **state)
{
	struct fixture *f = *state;
	uint64_t first;

	put_and_wait(f, 300);
	assert_int_equal(journal_stats(f->journal).first, 1);
	journal_applied(f->journal, 200);
	put_and_wait(f, 1);
	WAIT_FOR(5,
		 (has_told(f, 0), journal_stats(f->journal).first > 1 + 63));
	first = journal_stats(f->journal).first;
	assert_true(first <= 201);
	assert_true(f->carried_below >= first);

	again(f);
	assert_int_equal(f->first_replayed, first);
	assert_int_equal(f->replayed, 302 - first);
}


static void at_the_limit_it_is_full_and_still_takes_what_runs(void **state)
{
	struct fixture *f = *state;

	f->journal = journal_free(f->journal);
	capture_expect("journal_high");
	capture_expect("journal_full");
	f->limit = 9 * SEGMENT;
	assert_int_equal(journal_open(f), 0);
	assert_false(journal_is_full(f->journal));
	while (!journal_is_full(f->journal))
		put_and_wait(f, 20);
	assert_true(journal_is_high(f->journal));
	assert_true(f->room_changes > 0);
	assert_true(journal_stats(f->journal).bytes <= f->limit);
	assert_true(journal_last(f->journal) > 3 * 63);

	/* Space is kept for those that run. */
	put_and_wait(f, 63);
	assert_int_equal(capture_count("journal_full"), 1);

	journal_applied(f->journal, journal_last(f->journal));
	WAIT_FOR(5, (has_told(f, 0), !journal_is_full(f->journal)));
	assert_false(journal_is_high(f->journal));
	put_and_wait(f, 100);
}


static void without_any_room_nobody_is_told_until_there_is_some(void **state)
{
	struct fixture *f = *state;
	uint64_t last;

	f->journal = journal_free(f->journal);
	capture_expect("journal_high");
	capture_expect("journal_full");
	f->limit = 6 * SEGMENT;
	assert_int_equal(journal_open(f), 0);
	last = put(f, 1000);
	WAIT_FOR(5, (has_told(f, 0), journal_stats(f->journal).segments > 3));
	WAIT_FOR(5, (has_told(f, 0), journal_is_full(f->journal)));
	assert_true(f->told < last);

	/* It goes on by itself. */
	WAIT_FOR(20,
		 (journal_applied(f->journal, f->told), has_told(f, last)));
}


static void what_is_too_large_is_refused(void **state)
{
	static char large[JOURNAL_PAYLOAD_MAX + 1];
	struct fixture *f = *state;

	assert_int_equal(journal_put(f->journal, JOURNAL_OPEN, large,
				     sizeof(large), NULL, NULL),
			 EMSGSIZE);
	assert_int_equal(journal_put(f->journal, JOURNAL_OPEN, large, SEGMENT,
				     NULL, NULL),
			 EMSGSIZE);
	assert_int_equal(journal_last(f->journal), 0);
}


/* --- each allocation fails once ------------------------------------------- */

static int a_journal_is_opened_and_read_again(void)
{
	static unsigned n;
	struct fixture f;
	int err;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.dir, sizeof(f.dir), "%s/s%u", t_dir(), n++);
	err = ev_alloc(&f.ev);
	if (err)
		return err;
	for (unsigned round = 0; round < 2 && !err; round++) {
		err = journal_open(&f);
		if (!err)
			err = journal_put(f.journal, JOURNAL_OPEN, "x", 1,
					  on_told, &f);
		f.journal = journal_free(f.journal);
	}
	f.ev = ev_free(f.ev);

	return err;
}


#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit_makes_it_no_record),
		TEST(nobody_is_told_before_it_is_on_disk),
		TEST(what_was_told_is_replayed_in_order),
		TEST(a_repeated_question_is_answered_when_the_first_is_durable),
		TEST(a_full_segment_has_a_successor),
		TEST(a_reader_gets_all_of_them_once),
		TEST(a_reader_goes_on_behind_a_torn_tail),
		TEST(a_torn_tail_is_no_damage),
		TEST(a_hole_below_a_durable_mark_is_damage),
		TEST(a_segment_goes_when_nothing_of_it_is_needed),
		TEST(at_the_limit_it_is_full_and_still_takes_what_runs),
		TEST(without_any_room_nobody_is_told_until_there_is_some),
		TEST(what_is_too_large_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_journal_is_opened_and_read_again),
	};

	return T_MAIN(tests, scenarios);
}
