/**
 * @file test/unit/catalog/test_publish.c  Parts, their page, their readers
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "test/support/capture.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"


/* A version in which one phone has this number */
static int publish_phone(struct rig *rig, const char *number, uint64_t version)
{
	struct build *b;
	int err;

	err = rig_begin(rig, &b);
	if (err)
		return err;

	err = rig_row(rig, b, RECORD_ACCOUNT, 1, "name", "a", NULL);
	if (!err)
		err = rig_row(rig, b, RECORD_PHONE, 1, "number", number,
			      "account", "1", NULL);
	if (err) {
		build_free(b);
		return err;
	}

	return rig_publish(rig, b, version);
}


static uint64_t generation(const struct catalog *c, enum catalog_part part)
{
	return catalog_control(c)->parts[part].generation;
}


static void a_pinned_version_stays_as_it_is(void **state)
{
	static const char *const numbers[] = { "1", "2", "3", "4", "5" };
	const struct catalog *pinned[COUNT_OF(numbers)];
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "pinned"), 0);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		assert_int_equal(publish_phone(&rig, numbers[i], i + 1), 0);
		pinned[i] = catalog_pin(rig.reader);
		assert_ptr_equal(catalog_pin(rig.reader), pinned[i]);
		catalog_unpin(rig.reader, pinned[i]);
	}

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char why[256];

		assert_int_equal(catalog_control(pinned[i])->version, i + 1);
		assert_int_equal(catalog_verify(pinned[i], why, sizeof(why)),
				 0);
		for (size_t k = 0; k < COUNT_OF(numbers); k++)
			assert_int_equal(catalog_phone(pinned[i],
						       text_of(numbers[k])) !=
						 NULL,
					 i == k);
		catalog_unpin(rig.reader, pinned[i]);
	}
	rig_close(&rig);
}


static void parts_of_this_and_the_last_version_are_there(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "unlink"), 0);
	for (uint64_t v = 1; v <= 5; v++) {
		assert_int_equal(publish_phone(&rig, v % 2 ? "1" : "2", v), 0);
		c = publisher_current(rig.publisher);
		assert_int_equal(generation(c, CATALOG_PHONES), v);
		/* Nothing of the rates ever changes. */
		assert_int_equal(generation(c, CATALOG_RATES), 1);
		assert_true(rig_has_part(&rig, "rates", 1));
		for (uint64_t g = 1; g <= v; g++)
			assert_int_equal(rig_has_part(&rig, "phones", g),
					 g + 1 >= v);
	}
	rig_close(&rig);
}


static void only_the_group_may_read_a_part(void **state)
{
	char name[128];
	struct stat st;
	struct rig rig;
	int fd;
	(void)state;

	assert_int_equal(rig_open(&rig, "mode"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	(void)snprintf(name, sizeof(name), "/%s.catalog.core.1", rig.prefix);
	fd = shm_open(name, O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0440);
	(void)close(fd);
	rig_close(&rig);
}


static int restart_for(struct rig *rig, const char *group)
{
	const struct publisher_args args = { .control = &rig->control,
					     .prefix = rig->prefix,
					     .group = group };

	rig->publisher = publisher_free(rig->publisher);

	return publisher_alloc(&rig->publisher, &args);
}


static void a_part_is_the_group_s(void **state)
{
	const struct group *own = getgrgid(getegid());
	char path[160];
	struct stat st;
	struct rig rig;
	(void)state;

	assert_non_null(own);
	assert_int_equal(rig_open(&rig, "group"), 0);
	assert_int_equal(restart_for(&rig, own->gr_name), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	(void)snprintf(path, sizeof(path), "/dev/shm/%s.catalog.core.1",
		       rig.prefix);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_gid, getegid());

	capture_begin();
	capture_expect("catalog_group_unknown");
	assert_int_equal(restart_for(&rig, "no such group"), 0);
	assert_int_equal(capture_count("catalog_group_unknown"), 1);
	capture_end();
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	rig_close(&rig);
}


/* As if shared memory were full: no file may become this long */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}


static void where_there_is_no_room_the_old_version_stays(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "full"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	limit_files(1024);
	assert_int_equal(publish_phone(&rig, "2", 2), EFBIG);
	limit_files(RLIM_INFINITY);
	assert_true(rig.why[0] != '\0');
	assert_false(rig_has_part(&rig, "core", 2));
	assert_false(rig_has_part(&rig, "phones", 2));

	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->version, 1);
	catalog_unpin(rig.reader, c);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->version, 2);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
}


static void a_successor_takes_over_what_is_published(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "adopt"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	assert_true(rig_has_part(&rig, "phones", 1));

	assert_int_equal(rig_restart(&rig), 0);
	c = publisher_current(rig.publisher);
	assert_non_null(c);
	assert_int_equal(catalog_control(c)->version, 2);
	assert_non_null(catalog_phone(c, text_of("2")));
	assert_true(rig_has_part(&rig, "phones", 2));
	assert_false(rig_has_part(&rig, "phones", 1));

	/* And goes on from there. */
	assert_int_equal(publish_phone(&rig, "3", 3), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->publication, 3);
	assert_int_equal(generation(c, CATALOG_RATES), 1);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
}


static void what_a_killed_publisher_left_is_removed(void **state)
{
	struct rig rig;
	char name[128];
	int fd;
	(void)state;

	assert_int_equal(rig_open(&rig, "stray"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	(void)snprintf(name, sizeof(name), "/%s.catalog.core.7", rig.prefix);
	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);

	assert_int_equal(rig_restart(&rig), 0);
	assert_false(rig_has_part(&rig, "core", 7));
	assert_true(rig_has_part(&rig, "core", 1));

	/* Its name does not come again. */
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	assert_int_equal(
		catalog_control(publisher_current(rig.publisher))->publication,
		8);
	rig_close(&rig);
}


/* A byte of a part that is published, through the back door */
static void damage(const struct rig *rig, const char *part, uint64_t gen,
		   off_t at)
{
	char path[160];
	uint8_t byte;
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/shm/%s.catalog.%s.%llu",
		       rig->prefix, part, (unsigned long long)gen);
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}


static void a_damaged_version_is_not_taken_over(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "damaged"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	damage(&rig, "phones", 1, 800);

	capture_begin();
	capture_expect("catalog_not_adopted");
	assert_int_equal(rig_restart(&rig), 0);
	assert_int_equal(capture_count("catalog_not_adopted"), 1);
	assert_non_null(strstr(capture_last(), "checksum"));
	capture_end();
	assert_null(publisher_current(rig.publisher));

	/* All of it anew, under new names */
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(generation(c, CATALOG_RATES), 2);
	assert_non_null(catalog_phone(c, text_of("2")));
	catalog_unpin(rig.reader, c);
	assert_int_equal(publish_phone(&rig, "3", 3), 0);
	assert_false(rig_has_part(&rig, "phones", 1));
	rig_close(&rig);
}


static void a_damaged_page_is_written_anew(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "page"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	for (size_t i = sizeof(struct slot_head); i < CATALOG_SLOT_SIZE; i++)
		rig.control.slots[i] ^= 1;
	assert_null(catalog_pin(rig.reader));

	capture_begin();
	capture_expect("catalog_page_damaged");
	assert_int_equal(rig_restart(&rig), 0);
	assert_int_equal(capture_count("catalog_page_damaged"), 1);
	capture_end();
	assert_null(publisher_current(rig.publisher));
	assert_false(rig_has_part(&rig, "core", 1));

	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	c = catalog_pin(rig.reader);
	assert_non_null(c);
	assert_int_equal(catalog_control(c)->publication, 2);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
}


static void a_version_that_cannot_be_mapped_leaves_the_old_one(void **state)
{
	const struct catalog *first, *c;
	struct rig rig;
	char name[128];
	(void)state;

	clk_freeze(1000000, 0);
	assert_int_equal(rig_open(&rig, "unmapped"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	first = catalog_pin(rig.reader);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	(void)snprintf(name, sizeof(name), "/%s.catalog.phones.2", rig.prefix);
	assert_int_equal(shm_unlink(name), 0);

	c = catalog_pin(rig.reader);
	assert_ptr_equal(c, first);
	catalog_unpin(rig.reader, c);

	/* The next one that can be is taken at once. */
	assert_int_equal(publish_phone(&rig, "3", 3), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->version, 3);
	catalog_unpin(rig.reader, c);
	catalog_unpin(rig.reader, first);
	rig_close(&rig);
	clk_thaw();
}


static void what_could_not_be_mapped_is_tried_again(void **state)
{
	const struct catalog *c;
	struct rig rig;
	char from[160], to[160];
	(void)state;

	clk_freeze(1000000, 0);
	assert_int_equal(rig_open(&rig, "again"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	(void)snprintf(from, sizeof(from), "/dev/shm/%s.catalog.phones.1",
		       rig.prefix);
	(void)snprintf(to, sizeof(to), "/dev/shm/%s.aside", rig.prefix);
	assert_int_equal(rename(from, to), 0);
	assert_null(catalog_pin(rig.reader));
	assert_int_equal(rename(to, from), 0);

	assert_null(catalog_pin(rig.reader));
	clk_turn(1000000);
	c = catalog_pin(rig.reader);
	assert_non_null(c);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
	clk_thaw();
}


/* Someone else's part under the right name */
static void a_part_that_is_not_the_one_named_is_refused(void **state)
{
	struct rig rig;
	char from[160], to[160];
	(void)state;

	assert_int_equal(rig_open(&rig, "swapped"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	(void)snprintf(from, sizeof(from), "/dev/shm/%s.catalog.phones.1",
		       rig.prefix);
	(void)snprintf(to, sizeof(to), "/dev/shm/%s.catalog.phones.2",
		       rig.prefix);
	assert_int_equal(rename(from, to), 0);
	assert_null(catalog_pin(rig.reader));
	rig_close(&rig);
}


static void what_is_too_small_or_too_long_is_refused(void **state)
{
	static const char longest[] =
		"a-prefix-that-is-far-longer-than-any-name-in-shared-memory-"
		"can-ever-be";
	struct catalog_reader *reader;
	struct publisher *publisher;
	struct segment small;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "args"), 0);
	small = rig.view;
	small.slot_size = 64;
	assert_int_equal(catalog_reader_alloc(&reader, &small, "x"), EINVAL);
	assert_int_equal(catalog_reader_alloc(&reader, &rig.view, longest),
			 EINVAL);
	assert_int_equal(publisher_alloc(&publisher,
					 &(struct publisher_args){
						 .control = &rig.control,
						 .prefix = longest }),
			 EINVAL);
	assert_int_equal(publisher_alloc(&publisher,
					 &(struct publisher_args){
						 .control = &rig.view,
						 .prefix = "x" }),
			 EINVAL);
	rig_close(&rig);
}


/* Built on a version that is no longer the published one: nothing of it may
 * be named that is gone. */
static void an_old_version_can_be_built_on(void **state)
{
	const struct catalog *old, *c;
	struct build *b;
	struct rig rig;
	char why[256];
	(void)state;

	assert_int_equal(rig_open(&rig, "stale"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	old = catalog_pin(rig.reader);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	assert_int_equal(publish_phone(&rig, "3", 3), 0);

	assert_int_equal(build_alloc(&b, old), 0);
	assert_int_equal(build_param(b, SS_MAX_CPS, "20", rig.why), 0);
	assert_int_equal(rig_publish(&rig, b, 4), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->version, 4);
	assert_non_null(catalog_phone(c, text_of("1")));
	assert_null(catalog_phone(c, text_of("3")));
	assert_int_equal(catalog_verify(c, why, sizeof(why)), 0);
	catalog_unpin(rig.reader, c);
	catalog_unpin(rig.reader, old);
	rig_close(&rig);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pinned_version_stays_as_it_is),
		cmocka_unit_test(parts_of_this_and_the_last_version_are_there),
		cmocka_unit_test(only_the_group_may_read_a_part),
		cmocka_unit_test(a_part_is_the_group_s),
		cmocka_unit_test(where_there_is_no_room_the_old_version_stays),
		cmocka_unit_test(a_successor_takes_over_what_is_published),
		cmocka_unit_test(what_a_killed_publisher_left_is_removed),
		cmocka_unit_test(a_damaged_version_is_not_taken_over),
		cmocka_unit_test(a_damaged_page_is_written_anew),
		cmocka_unit_test(
			a_version_that_cannot_be_mapped_leaves_the_old_one),
		cmocka_unit_test(what_could_not_be_mapped_is_tried_again),
		cmocka_unit_test(a_part_that_is_not_the_one_named_is_refused),
		cmocka_unit_test(what_is_too_small_or_too_long_is_refused),
		cmocka_unit_test(an_old_version_can_be_built_on),
	};

	return T_MAIN_ONLY(tests);
}
