/**
 * @file test/unit/billingd/test_record_keep.c  Records outlive their keeper
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "billingd/record_keep.h"
#include "billingd/record_line.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "test/support/capture.h"
#include "test/support/t.h"

struct fixture {
	struct ev *ev;
	struct record_keep *keep;
	char path[256];
	uint64_t told[64]; /* Ids of those that were told, in order */
	size_t toldc;
	off_t size_when_told;
	unsigned failures;
};


static void on_kept(const Tandem__Header *hdr, void *arg)
{
	struct fixture *f = arg;
	struct stat st;

	assert_true(f->toldc < COUNT_OF(f->told));
	assert_int_equal(stat(f->path, &st), 0);
	f->size_when_told = st.st_size;
	f->told[f->toldc++] = hdr->id;
}


static void on_failed(void *arg)
{
	struct fixture *f = arg;

	f->failures++;
}


static int keep_open(struct fixture *f)
{
	const struct record_keep_args args = { .ev = f->ev,
					       .path = f->path,
					       .kepth = on_kept,
					       .failedh = on_failed,
					       .arg = f };

	return record_keep_alloc(&f->keep, &args);
}


static int setup(void **state)
{
	static struct fixture f;
	static unsigned n;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.path, sizeof(f.path), "%s/%u.jsonl", t_dir(), n++);
	capture_begin();
	*state = &f;
	if (ev_alloc(&f.ev))
		return -1;

	return keep_open(&f);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->keep = record_keep_free(f->keep);
	f->ev = ev_free(f->ev);
	capture_end();

	return 0;
}


static const char *line_of(const char *id)
{
	static char line[256];

	(void)snprintf(line, sizeof(line), RECORD_LINE_BEGIN "%s\",\"x\":1}\n",
		       id);

	return line;
}


static int put(struct fixture *f, const char *id, uint64_t request)
{
	Tandem__Header hdr = TANDEM__HEADER__INIT;

	hdr.id = request;

	return record_keep_put(f->keep, id,
			       record_keep_has(f->keep, id) ? NULL
							    : line_of(id),
			       &hdr);
}


static void assert_file(const struct fixture *f, const char *expected)
{
	char text[4096];
	FILE *file = fopen(f->path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	assert_string_equal(text, expected);
}


static void file_write(const struct fixture *f, const char *text)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}


#define UNTIL(f, cond) WAIT_FOR(20, (ev_turn((f)->ev), (cond)))


static void who_asks_is_told_when_it_is_in_the_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "A", 1), 0);
	assert_int_equal(put(f, "B", 2), 0);
	assert_int_equal(f->toldc, 0);
	UNTIL(f, f->toldc == 2);
	assert_int_equal(f->told[0], 1);
	assert_int_equal(f->told[1], 2);
	assert_int_equal(f->size_when_told, 2 * strlen(line_of("A")));
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n" RECORD_LINE_BEGIN
					 "B\",\"x\":1}\n");
}


static void one_that_comes_again_is_told_and_not_written_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "A", 1), 0);
	assert_int_equal(put(f, "A", 2), 0); /* Before it is durable */
	UNTIL(f, f->toldc == 2);
	assert_int_equal(put(f, "A", 3), 0);
	UNTIL(f, f->toldc == 3);
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n");
	assert_int_equal(record_keep_put(f->keep, "A", line_of("A"),
					 &(Tandem__Header){ .id = 4 }),
			 EEXIST);
}


static void a_successor_knows_what_was_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "A", 1), 0);
	UNTIL(f, f->toldc == 1);
	assert_int_equal(put(f, "B", 2), 0); /* Written when it is freed */
	f->keep = record_keep_free(f->keep);
	assert_int_equal(f->toldc, 1);

	assert_int_equal(keep_open(f), 0);
	assert_true(record_keep_has(f->keep, "A"));
	assert_true(record_keep_has(f->keep, "B"));
	assert_false(record_keep_has(f->keep, "C"));
	assert_int_equal(put(f, "B", 3), 0);
	UNTIL(f, f->toldc == 2);
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n" RECORD_LINE_BEGIN
					 "B\",\"x\":1}\n");
}


static void half_a_line_of_a_crash_is_cut_off(void **state)
{
	struct fixture *f = *state;

	f->keep = record_keep_free(f->keep);
	file_write(f, RECORD_LINE_BEGIN "A\"}\nno record\n" RECORD_LINE_BEGIN
					"B\",\"sta");
	capture_expect("records_cut");
	assert_int_equal(keep_open(f), 0);
	assert_true(record_keep_has(f->keep, "A"));
	assert_false(record_keep_has(f->keep, "B"));
	assert_int_equal(put(f, "B", 1), 0);
	UNTIL(f, f->toldc == 1);
	assert_file(f, RECORD_LINE_BEGIN "A\"}\nno record\n" RECORD_LINE_BEGIN
					 "B\",\"x\":1}\n");
}


static void a_file_of_half_a_line_is_emptied(void **state)
{
	struct fixture *f = *state;

	f->keep = record_keep_free(f->keep);
	file_write(f, RECORD_LINE_BEGIN "A\"");
	capture_expect("records_cut");
	assert_int_equal(keep_open(f), 0);
	assert_false(record_keep_has(f->keep, "A"));
	assert_file(f, "");
}


/* So many bytes may the file have; as a disk that is full. */
static void disk_is(rlim_t bytes)
{
	const struct rlimit limit = { bytes, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}


static void what_cannot_be_written_waits_and_is_not_doubled(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "A", 1), 0);
	UNTIL(f, f->toldc == 1);

	/* Half of the next one fits. */
	capture_expect("records_not_written");
	disk_is(strlen(line_of("A")) + 7);
	assert_int_equal(put(f, "B", 2), 0);
	UNTIL(f, f->failures == 1);
	assert_int_equal(f->toldc, 1);
	assert_true(record_keep_has(f->keep, "B"));
	disk_is(RLIM_INFINITY);
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n");

	UNTIL(f, f->toldc == 2);
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n" RECORD_LINE_BEGIN
					 "B\",\"x\":1}\n");
}


static void a_file_that_was_moved_away_is_begun_anew(void **state)
{
	struct fixture *f = *state;
	char moved[300];

	(void)snprintf(moved, sizeof(moved), "%s.1", f->path);
	assert_int_equal(put(f, "A", 1), 0);
	assert_int_equal(record_keep_reopen(f->keep), 0); /* It was not */
	assert_int_equal(rename(f->path, moved), 0);
	assert_int_equal(put(f, "B", 2), 0);
	assert_int_equal(record_keep_reopen(f->keep), 0);
	assert_file(f, "");
	assert_int_equal(put(f, "A", 3), 0);
	assert_int_equal(put(f, "C", 4), 0);
	UNTIL(f, f->toldc == 4);
	assert_file(f, RECORD_LINE_BEGIN "C\",\"x\":1}\n");

	assert_int_equal(rename(moved, f->path), 0);
	assert_file(f, RECORD_LINE_BEGIN "A\",\"x\":1}\n" RECORD_LINE_BEGIN
					 "B\",\"x\":1}\n");
}


static void ids_are_bounded(void **state)
{
	char id[RECORD_ID_SIZE + 1];
	struct fixture *f = *state;
	const Tandem__Header hdr = TANDEM__HEADER__INIT;

	memset(id, 'x', sizeof(id));
	id[RECORD_ID_SIZE] = '\0';
	assert_int_equal(record_keep_put(f->keep, id, "x\n", &hdr), EMSGSIZE);
	assert_int_equal(record_keep_put(f->keep, "", "x\n", &hdr), EMSGSIZE);
	id[RECORD_ID_SIZE - 1] = '\0';
	assert_int_equal(record_keep_put(f->keep, id, "x\n", &hdr), 0);
	UNTIL(f, f->toldc == 1);
}


static void the_oldest_ids_are_forgotten(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	f->keep = record_keep_free(f->keep);
	file = fopen(f->path, "w");
	assert_non_null(file);
	for (int i = 0; i <= RECORD_IDS; i++)
		assert_true(fprintf(file, RECORD_LINE_BEGIN "%d\"}\n", i) > 0);
	assert_int_equal(fclose(file), 0);

	assert_int_equal(keep_open(f), 0);
	assert_false(record_keep_has(f->keep, "0"));
	assert_true(record_keep_has(f->keep, "1"));
	assert_true(record_keep_has(f->keep, "100000"));
	assert_int_equal(put(f, "new", 1), 0);
	assert_false(record_keep_has(f->keep, "1"));
	assert_true(record_keep_has(f->keep, "2"));
}


static void too_many_that_wait_are_refused(void **state)
{
	struct fixture *f = *state;
	const Tandem__Header hdr = TANDEM__HEADER__INIT;

	for (int i = 0; i < RECORD_WAITING; i++)
		assert_int_equal(record_keep_put(f->keep, "", NULL, &hdr), 0);
	assert_int_equal(record_keep_put(f->keep, "A", line_of("A"), &hdr),
			 ENOBUFS);
	assert_false(record_keep_has(f->keep, "A"));
}


static void what_is_no_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char target[300];

	f->keep = record_keep_free(f->keep);
	(void)snprintf(target, sizeof(target), "%s.real", f->path);
	assert_int_equal(rename(f->path, target), 0);
	assert_int_equal(symlink(target, f->path), 0);
	assert_int_equal(keep_open(f), ELOOP);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(keep_open(f), EISDIR);
	assert_null(f->keep);
}


static void ignore(const Tandem__Header *hdr, void *arg)
{
	(void)hdr;
	(void)arg;
}


static int records_are_kept(void)
{
	struct record_keep_args args = { .kepth = ignore };
	const Tandem__Header hdr = TANDEM__HEADER__INIT;
	struct record_keep *keep = NULL;
	char path[256];
	int err;

	(void)snprintf(path, sizeof(path), "%s/malloc.jsonl", t_dir());
	(void)unlink(path);
	args.path = path;
	err = ev_alloc(&args.ev);
	if (err)
		return err;
	err = record_keep_alloc(&keep, &args);
	if (!err)
		err = record_keep_put(keep, "A", line_of("A"), &hdr);
	if (!err)
		assert_true(record_keep_has(keep, "A"));
	else if (keep)
		assert_false(record_keep_has(keep, "A"));
	record_keep_free(keep);
	ev_free(args.ev);

	return err;
}


#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)


int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_asks_is_told_when_it_is_in_the_file),
		TEST(one_that_comes_again_is_told_and_not_written_twice),
		TEST(a_successor_knows_what_was_kept),
		TEST(half_a_line_of_a_crash_is_cut_off),
		TEST(a_file_of_half_a_line_is_emptied),
		TEST(what_cannot_be_written_waits_and_is_not_doubled),
		TEST(a_file_that_was_moved_away_is_begun_anew),
		TEST(ids_are_bounded),
		TEST(the_oldest_ids_are_forgotten),
		TEST(too_many_that_wait_are_refused),
		TEST(what_is_no_file_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(records_are_kept),
	};

	return T_MAIN(tests, scenarios);
}
