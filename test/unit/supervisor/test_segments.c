/**
 * @file test/unit/supervisor/test_segments.c  Made, found, put aside, refused
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "supervisor/processes.h"
#include "supervisor/segments.h"
#include "test/fault/echod.h"
#include "test/support/t.h"

static char error[CONFIG_ERROR_MAX], why[SEGMENTS_WHY_MAX];
static struct config config;


static int setup(void **state)
{
	char text[256];
	(void)state;

	snprintf(text, sizeof(text),
		 "node = \"n\" shm_prefix = \"tu%d\" workers { sipd = 2 }",
		 getpid());

	return config_parse(&config, "t", text, error);
}


static int teardown(void **state)
{
	(void)state;
	segments_remove(&config);

	return 0;
}


static struct segments *opened(void)
{
	struct segments *s;

	if (segments_open(&s, &config, why) != 0)
		fail_msg("%s", why);

	return s;
}


static const Tandem__Segment *row_of(const Tandem__Segment *rows, size_t n,
				     const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];

	return NULL;
}


static void a_process_gets_its_own_to_write_and_shared_ones_to_read(
	void **state)
{
	Tandem__Segment rows[SEGMENTS_PER_PEER];
	struct segments *s = opened();
	size_t n;
	(void)state;

	n = segments_of(s, (struct peer_id){ PEER_ECHOD, 0 }, rows);
	assert_int_equal(n, 14); /* and what is shared: catalog, calls, texts,
				  * lines, media, flows, suspended, those of
				  * regd */
	assert_true(row_of(rows, n, "echo")->writable);
	assert_true(row_of(rows, n, "life")->writable);
	assert_true(row_of(rows, n, "counters")->writable);

	n = segments_of(s, (struct peer_id){ PEER_SIPD, 1 }, rows);
	assert_false(row_of(rows, n, "echo")->writable);
	assert_true(row_of(rows, n, "texts")->writable);
	assert_int_equal(fcntl(row_of(rows, n, "echo")->fd, F_GETFL) &
				 O_ACCMODE,
			 O_RDONLY);
	assert_null(row_of(rows, n, "processes")); /* nobody else's business */
	segments_free(s);
}


static void what_lay_there_lies_there_again(void **state)
{
	const struct peer_id who = { PEER_SIPD, 0 };
	struct segments *s = opened();
	const struct segment *own = segments_own(s, "processes");
	(void)state;

	assert_int_equal(segments_missing_bytes(&config), 0);
	assert_true(segments_bytes(&config) > 65536);
	memcpy(segment_slot(own, 3), "still here", 10);
	assert_non_null(segments_life(s, who));
	segments_free(s);

	s = opened();
	own = segments_own(s, "processes");
	assert_memory_equal(segment_slot(own, 3), "still here", 10);
	segments_free(s);
}


static void more_workers_get_theirs_later(void **state)
{
	struct segments *s = opened();
	(void)state;

	assert_null(segments_life(s, (struct peer_id){ PEER_SIPD, 2 }));
	config.workers[PEER_SIPD] = 3;
	assert_int_equal(segments_reach(s, &config, why), 0);
	assert_non_null(segments_life(s, (struct peer_id){ PEER_SIPD, 2 }));
	segments_free(s);
}


/* The echo segment as another release would have left it */
static void leave_echo_of(uint16_t version)
{
	const struct segment_layout layout = {
		.magic = ECHO_MAGIC,
		.version = version,
		.slot_size = 64,
		.slotc = ECHO_SLOTS,
	};
	char name[64];
	bool found;
	int fd;

	segments_remove(&config);
	snprintf(name, sizeof(name), "/%s.echo", config.shm_prefix);
	assert_int_equal(segment_create(&fd, &found, name, &layout, "n", why,
					sizeof(why)),
			 0);
	close(fd);
}


static const struct peer_id echod = { PEER_ECHOD, 0 };


static struct layout_row echo_row(uint16_t version)
{
	return (struct layout_row){ .name = "echo",
				    .magic = ECHO_MAGIC,
				    .layout = { version, 64 },
				    .writes = true };
}


static int fit_of(const struct segments *s, uint16_t version)
{
	const struct layout_row row = echo_row(version);
	struct layout found;

	return segments_fit(s, echod, &row, &found);
}


static uint16_t version_of(const struct segments *s)
{
	Tandem__Segment rows[SEGMENTS_PER_PEER];
	const size_t n = segments_of(s, echod, rows);
	struct segment_layout layout = { 0 };

	assert_int_equal(segment_peek(&layout, row_of(rows, n, "echo")->fd),
			 0);

	return layout.version;
}


/* What layout it is to have is for the program that writes it to say. */
static void a_daemons_segment_is_taken_as_it_lies_there(void **state)
{
	const struct layout_row row = { .name = "nobody's" };
	struct segments *s;
	struct layout found;
	(void)state;

	leave_echo_of(ECHO_VERSION + 1);
	s = opened();
	assert_int_equal(version_of(s), ECHO_VERSION + 1);
	assert_int_equal(fit_of(s, ECHO_VERSION + 1), SEGMENT_FITS);
	assert_int_equal(fit_of(s, ECHO_VERSION), SEGMENT_OTHER);
	assert_int_equal(segments_fit(s, echod, &row, &found),
			 SEGMENT_STRANGE);
	segments_free(s);
}


static void change(struct segments *s, uint16_t version)
{
	const struct layout_row row = echo_row(version);
	int fds[2];

	assert_int_equal(segments_new(s, echod, &row, &config, fds, why), 0);
	assert_int_equal(segments_switch(s, echod, "echo"), 0);
}


static void a_new_layout_takes_the_name_and_the_old_one_is_aside(void **state)
{
	struct segments *s;
	(void)state;

	leave_echo_of(1);
	s = opened();
	change(s, 2);
	assert_int_equal(version_of(s), 2);
	assert_int_equal(fit_of(s, 2), SEGMENT_FITS);
	assert_int_equal(fit_of(s, 1), SEGMENT_FITS_ASIDE);
	segments_free(s);

	/* The next supervisor finds it so, and brings it back. */
	s = opened();
	assert_int_equal(version_of(s), 2);
	assert_int_equal(fit_of(s, 1), SEGMENT_FITS_ASIDE);
	assert_int_equal(segments_switch_back(s, echod, "echo"), 0);
	assert_int_equal(version_of(s), 1);
	assert_int_equal(fit_of(s, 1), SEGMENT_FITS);
	assert_int_equal(fit_of(s, 2), SEGMENT_OTHER);

	change(s, 2);
	segments_aside_drop(s, echod, "echo");
	assert_int_equal(fit_of(s, 1), SEGMENT_OTHER);
	segments_free(s);
	s = opened();
	assert_int_equal(version_of(s), 2);
	assert_int_equal(fit_of(s, 1), SEGMENT_OTHER);
	segments_free(s);
}


/* A supervisor that is killed while it is being filled */
static void one_that_was_not_filled_is_thrown_away(void **state)
{
	const struct layout_row row = echo_row(2);
	char path[96];
	struct segments *s;
	int fds[2];
	(void)state;

	leave_echo_of(1);
	s = opened();
	assert_int_equal(segments_new(s, echod, &row, &config, fds, why), 0);
	segments_free(s);
	s = opened();
	assert_int_equal(version_of(s), 1);
	assert_int_equal(fit_of(s, 2), SEGMENT_OTHER);
	snprintf(path, sizeof(path), "/dev/shm/%s.echo.new",
		 config.shm_prefix);
	assert_int_equal(access(path, F_OK), -1);
	segments_free(s);
}


/* A page of one process: it gets both, and the old one goes when it is ready.
 */
static void a_page_of_the_layout_before_is_handed_over_beside_the_new(
	void **state)
{
	struct layout_row row = { .name = "counters",
				  .magic = COUNTERS_MAGIC,
				  .layout = { COUNTERS_VERSION + 1,
					      COUNTERS_SIZE },
				  .writes = true };
	const struct peer_id who = { PEER_SIPD, 0 };
	Tandem__Segment rows[SEGMENTS_PER_PEER];
	struct segments *s;
	struct layout found;
	size_t n;
	(void)state;

	segments_remove(&config);
	s = opened();
	assert_int_equal(segments_fit(s, who, &row, &found), SEGMENT_TO_RENEW);
	assert_int_equal(segments_renew(s, who, &row, &config, why), 0);
	assert_int_equal(segments_fit(s, who, &row, &found), SEGMENT_FITS);
	n = segments_of(s, who, rows);
	assert_true(row_of(rows, n, "counters")->old_fd >= 0);
	segments_free(s);

	s = opened();
	n = segments_of(s, who, rows);
	assert_true(row_of(rows, n, "counters")->old_fd >= 0);
	segments_old_done(s, who);
	n = segments_of(s, who, rows);
	assert_int_equal(row_of(rows, n, "counters")->old_fd, -1);
	segments_free(s);
}


/* Our own */
static void any_other_layout_is_refused_and_left_alone(void **state)
{
	const struct segment_layout layout = { PROCESSES_MAGIC,
					       PROCESSES_VERSION + 1, 128,
					       PROCESSES_SLOTS };
	struct segments *s;
	char name[64];
	bool found;
	int fd;
	(void)state;

	segments_remove(&config);
	snprintf(name, sizeof(name), "/%s.processes", config.shm_prefix);
	assert_int_equal(segment_create(&fd, &found, name, &layout, "n", why,
					sizeof(why)),
			 0);
	close(fd);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(segments_open(&s, &config, why), EPROTO);
		assert_non_null(strstr(why, "--remove-shm"));
		assert_non_null(strstr(why, "processes"));
	}
}


static void removal_takes_this_prefix_and_no_other(void **state)
{
	struct segments *s = opened();
	char other[64];
	int fd;
	(void)state;

	snprintf(other, sizeof(other), "/%sx.echo", config.shm_prefix);
	fd = shm_open(other, O_CREAT | O_RDWR, 0600);
	close(fd);
	segments_free(s);
	assert_true(segments_remove(&config) > 5);
	assert_int_equal(segments_remove(&config), 0);
	assert_int_equal(shm_unlink(other), 0);
}


static int segments_are_made(void)
{
	struct segments *s = NULL;
	int err;

	err = segments_open(&s, &config, why);
	if (!err)
		segments_free(s);
	segments_remove(&config);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_process_gets_its_own_to_write_and_shared_ones_to_read,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_lay_there_lies_there_again, setup, teardown),
		cmocka_unit_test_setup_teardown(more_workers_get_theirs_later,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_daemons_segment_is_taken_as_it_lies_there, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_new_layout_takes_the_name_and_the_old_one_is_aside,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			one_that_was_not_filled_is_thrown_away, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_page_of_the_layout_before_is_handed_over_beside_the_new,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			any_other_layout_is_refused_and_left_alone, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			removal_takes_this_prefix_and_no_other, setup,
			teardown),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(segments_are_made),
	};

	/* What a scenario makes: the parser's own memory is not the matter. */
	if (setup(NULL))
		return 1;

	return T_MAIN(tests, scenarios);
}
