/**
 * @file test/unit/catalog/test_copy.c  The copy on disk
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/catalog/image.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

enum {
	CALLS_MAX = 1000
};


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


static int save(struct rig *rig)
{
	int err = EAGAIN;

	for (int i = 0; i < CALLS_MAX && err == EAGAIN; i++)
		err = publisher_save_copy(rig->publisher);

	return err;
}


/* As after a restart of the machine: no page, no parts, only the copy */
static void lose_memory(struct rig *rig)
{
	memset(rig->control.slots, 0, CATALOG_SLOT_SIZE);
	rig->reader = catalog_reader_free(rig->reader);
	assert_int_equal(catalog_reader_alloc(&rig->reader, &rig->view,
					      rig->prefix),
			 0);
	assert_int_equal(rig_restart(rig), 0);
	assert_null(publisher_current(rig->publisher));
}


static void a_version_comes_back_from_the_copy(void **state)
{
	const struct catalog *c;
	struct stat st;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "comesback"), 0);
	assert_int_equal(publish_phone(&rig, "1", 7), 0);
	assert_int_equal(save(&rig), 0);
	assert_int_equal(stat(rig.copy, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	lose_memory(&rig);

	assert_null(catalog_pin(rig.reader));
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), 0);
	c = catalog_pin(rig.reader);
	assert_non_null(c);
	assert_int_equal(catalog_control(c)->version, 7);
	assert_int_equal(catalog_control(c)->origin, CATALOG_DISK);
	assert_non_null(catalog_phone(c, text_of("1")));
	catalog_unpin(rig.reader, c);

	/* It is there already. */
	assert_int_equal(publisher_save_copy(rig.publisher), 0);

	/* The next version shares what is in it. */
	assert_int_equal(publish_phone(&rig, "2", 8), 0);
	c = catalog_pin(rig.reader);
	assert_int_equal(catalog_control(c)->parts[CATALOG_RATES].generation,
			 catalog_control(c)->publication - 1);
	catalog_unpin(rig.reader, c);
	rig_close(&rig);
}


static void without_a_copy_there_is_none(void **state)
{
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "none"), 0);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), ENOENT);
	assert_non_null(strstr(rig.why, rig.copy));
	assert_int_equal(publisher_save_copy(rig.publisher), 0);
	assert_int_equal(access(rig.copy, F_OK), -1);
	rig.copy[0] = '\0';
	assert_int_equal(rig_restart(&rig), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(publisher_save_copy(rig.publisher), 0);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), ENOENT);
	rig_close(&rig);
}


static void the_old_copy_holds_until_the_new_one_is_whole(void **state)
{
	const struct catalog *c;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "beside"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(save(&rig), 0);

	/* Killed at any call of the next: the first one is there. */
	for (int calls = 0;; calls++) {
		int err = EAGAIN;

		assert_true(calls < CALLS_MAX);
		assert_int_equal(publish_phone(&rig, "2", 2), 0);
		for (int i = 0; i < calls && err == EAGAIN; i++)
			err = publisher_save_copy(rig.publisher);
		if (err == 0)
			break;

		lose_memory(&rig);
		assert_int_equal(publisher_load_copy(rig.publisher, rig.why),
				 0);
		c = publisher_current(rig.publisher);
		assert_int_equal(catalog_control(c)->version, 1);
	}

	lose_memory(&rig);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), 0);
	assert_int_equal(
		catalog_control(publisher_current(rig.publisher))->version, 2);
	rig_close(&rig);
}


static void a_version_that_comes_meanwhile_is_written_next(void **state)
{
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "meanwhile"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(publisher_save_copy(rig.publisher), EAGAIN);
	assert_int_equal(publisher_save_copy(rig.publisher), EAGAIN);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);
	assert_int_equal(save(&rig), 0);

	lose_memory(&rig);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), 0);
	assert_int_equal(
		catalog_control(publisher_current(rig.publisher))->version, 2);
	rig_close(&rig);
}


/* As if the disk were full: no file may become this long */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}


static void on_a_full_disk_the_old_copy_stays(void **state)
{
	char path[300];
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "diskfull"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(save(&rig), 0);
	assert_int_equal(publish_phone(&rig, "2", 2), 0);

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	limit_files(1024);
	assert_int_equal(save(&rig), EFBIG);
	limit_files(RLIM_INFINITY);
	(void)snprintf(path, sizeof(path), "%s.new", rig.copy);
	assert_int_equal(access(path, F_OK), -1);

	lose_memory(&rig);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), 0);
	assert_int_equal(
		catalog_control(publisher_current(rig.publisher))->version, 1);
	rig_close(&rig);
}


static void flip(const char *path, off_t at)
{
	const int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x20;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}


/* A part gets a new generation when it is published: the old one is not part
 * of what it says. */
static bool is_generation(const struct catalog_control *control, off_t at)
{
	off_t part = 128;

	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		if (at >= part + 8 && at < part + 16)
			return true;
		part += (off_t)control->parts[i].size;
	}

	return false;
}


static void a_damaged_copy_is_refused(void **state)
{
	struct catalog_control control;
	struct stat st;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "damaged"), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(save(&rig), 0);
	assert_int_equal(stat(rig.copy, &st), 0);
	control = *catalog_control(publisher_current(rig.publisher));
	lose_memory(&rig);

	for (off_t at = 0; at < st.st_size; at += 1 + at / 40) {
		if (is_generation(&control, at))
			continue;
		flip(rig.copy, at);
		if (publisher_load_copy(rig.publisher, rig.why) != EBADMSG)
			fail_msg("byte %ld", (long)at);
		assert_true(rig.why[0] != '\0');
		flip(rig.copy, at);
	}

	assert_int_equal(truncate(rig.copy, st.st_size - 1), 0);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), EBADMSG);
	assert_int_equal(truncate(rig.copy, 100), 0);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), EBADMSG);
	assert_int_equal(truncate(rig.copy, 0), 0);
	assert_int_equal(publisher_load_copy(rig.publisher, rig.why), EBADMSG);
	assert_null(publisher_current(rig.publisher));
	rig_close(&rig);
}


static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "nofolder"), 0);
	(void)snprintf(rig.copy, sizeof(rig.copy), "%s/no/such", t_dir());
	assert_int_equal(rig_restart(&rig), 0);
	assert_int_equal(publish_phone(&rig, "1", 1), 0);
	assert_int_equal(publisher_save_copy(rig.publisher), ENOENT);
	assert_int_equal(publisher_save_copy(rig.publisher), ENOENT);
	rig_close(&rig);
}


static int a_copy_is_written_and_read(void)
{
	struct rig rig;
	int err;

	err = rig_open(&rig, "nomem");
	if (!err)
		err = publish_phone(&rig, "1", 1);
	if (!err)
		err = save(&rig);
	if (!err)
		err = publisher_load_copy(rig.publisher, rig.why);
	rig_close(&rig);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_comes_back_from_the_copy),
		cmocka_unit_test(without_a_copy_there_is_none),
		cmocka_unit_test(
			the_old_copy_holds_until_the_new_one_is_whole),
		cmocka_unit_test(
			a_version_that_comes_meanwhile_is_written_next),
		cmocka_unit_test(on_a_full_disk_the_old_copy_stays),
		cmocka_unit_test(a_damaged_copy_is_refused),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_copy_is_written_and_read),
	};

	return T_MAIN(tests, scenarios);
}
