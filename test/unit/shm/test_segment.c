/**
 * @file test/unit/shm/test_segment.c  Segments are made, found and refused
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "shared/base/crc32c.h"
#include "shared/shm/segment.h"
#include "test/support/t.h"
#include "test/unit/shm/rig.h"

struct fixture {
	char name[SEGMENT_NAME_MAX];
	char why[200];
	struct segment segment;
	int fd;
	bool found;
};

static const struct segment_layout layout = {
	.magic = 0x54534554,
	.version = 2,
	.slot_size = 640,
	.slotc = 32,
};


static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.fd = -1;
	rig_name(fixture.name, "segment");
	(void)segment_unlink(fixture.name);
	*state = &fixture;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	segment_unmap(&f->segment);
	if (f->fd >= 0)
		(void)close(f->fd);
	(void)segment_unlink(f->name);

	return 0;
}


static int create(struct fixture *f, const struct segment_layout *like)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;

	return segment_create(&f->fd, &f->found, f->name, like, "n1", f->why,
			      sizeof(f->why));
}


static int map(struct fixture *f, const struct segment_layout *like,
	       bool writable)
{
	segment_unmap(&f->segment);

	return segment_map(&f->segment, f->fd, like, writable, f->why,
			   sizeof(f->why));
}


/* Change the header and make its CRC right again. */
static void head_edit(struct fixture *f,
		      void (*edit)(struct segment_head *head))
{
	struct segment_head head;

	assert_int_equal(pread(f->fd, &head, sizeof(head), 0), sizeof(head));
	edit(&head);
	head.crc = crc32c(0, &head, offsetof(struct segment_head, crc));
	assert_int_equal(pwrite(f->fd, &head, sizeof(head), 0), sizeof(head));
}


static void a_new_segment_is_zero_and_ours_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(create(f, &layout), 0);
	assert_false(f->found);
	assert_int_equal(fcntl(f->fd, F_GETFD), FD_CLOEXEC);

	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, segment_size(&layout));
	/* Allocated, not only promised: in blocks of 512 bytes. */
	assert_true((size_t)st.st_blocks * 512 >= segment_size(&layout));

	assert_int_equal(map(f, &layout, true), 0);
	for (size_t i = 0; i < (size_t)layout.slot_size * layout.slotc; i++)
		assert_int_equal(f->segment.slots[i], 0);
}


static void what_was_written_is_found_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(map(f, &layout, true), 0);
	memset(segment_slot(&f->segment, 31), 0x5a, layout.slot_size);

	assert_int_equal(create(f, &layout), 0);
	assert_true(f->found);
	assert_int_equal(map(f, &layout, false), 0);
	assert_int_equal(((uint8_t *)segment_slot(&f->segment, 31))[639],
			 0x5a);
	assert_int_equal(((uint8_t *)segment_slot(&f->segment, 30))[639], 0);
}


static void another_layout_is_refused_in_words(void **state)
{
	struct segment_layout old = layout;
	struct fixture *f = *state;
	char expected[200];

	old.version = 1;
	old.slot_size = 512;
	assert_int_equal(create(f, &old), 0);

	assert_int_equal(create(f, &layout), EPROTO);
	assert_int_equal(f->fd, -1);
	(void)snprintf(expected, sizeof(expected),
		       "segment %s has layout 1 of slots of 512 bytes, this "
		       "release needs layout 2 of 640 bytes",
		       f->name);
	assert_string_equal(f->why, expected);

	/* It is still there, and its layout can be asked for. */
	assert_int_equal(segment_open(&f->fd, f->name), 0);
	assert_int_equal(map(f, &layout, true), EPROTO);
	assert_null(f->segment.head);
	memset(&old, 0, sizeof(old));
	assert_int_equal(segment_peek(&old, f->fd), 0);
	assert_int_equal(old.version, 1);
	assert_int_equal(old.slot_size, 512);
	assert_int_equal(old.slotc, 32);
	assert_int_equal(old.magic, layout.magic);
	assert_int_equal(map(f, &old, true), 0);
}


static void another_kind_of_segment_is_refused(void **state)
{
	struct segment_layout other = layout;
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	other.magic++;
	assert_int_equal(create(f, &other), EPROTO);
	assert_non_null(strstr(f->why, "another kind of segment"));
}


static void another_nodes_segment_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(segment_create(&fd, &f->found, f->name, &layout, "n2",
					f->why, sizeof(f->why)),
			 EPROTO);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(f->why, "another node's, not of n2"));
}


static void a_changed_number_of_slots_is_refused_in_words(void **state)
{
	struct segment_layout more = layout;
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	more.slotc = 64;
	assert_int_equal(create(f, &more), EPROTO);
	assert_non_null(strstr(f->why, "has 32 slots, 64 are configured"));

	assert_int_equal(segment_open(&f->fd, f->name), 0);
	assert_int_equal(map(f, &more, true), EPROTO);
	more.slotc = 16;
	assert_int_equal(map(f, &more, true), EPROTO);
	assert_non_null(strstr(f->why, "has 32 slots, 16 are configured"));
}


static void growing_keeps_what_is_there_and_adds_zeros(void **state)
{
	struct segment_layout more = layout;
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(map(f, &layout, true), 0);
	memset(segment_slot(&f->segment, 31), 0x5a, layout.slot_size);

	more.slotc = 64;
	assert_int_equal(segment_grow(f->fd, &more, f->why, sizeof(f->why)),
			 0);
	assert_int_equal(create(f, &more), 0);
	assert_true(f->found);
	assert_int_equal(map(f, &more, true), 0);
	assert_int_equal(((uint8_t *)segment_slot(&f->segment, 31))[0], 0x5a);
	for (uint32_t i = 0; i < more.slot_size * 32; i++)
		assert_int_equal(((uint8_t *)segment_slot(&f->segment, 32))[i],
				 0);
}


static void a_segment_never_shrinks(void **state)
{
	struct segment_layout less = layout;
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	less.slotc = 31;
	assert_int_equal(segment_grow(f->fd, &less, f->why, sizeof(f->why)),
			 EPROTO);
	assert_int_equal(map(f, &layout, false), 0);
}


static void growing_cut_short_leaves_the_segment_as_it_was(void **state)
{
	struct fixture *f = *state;

	/* Longer, and the header not written yet. */
	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(ftruncate(f->fd, (off_t)segment_size(&layout) * 2),
			 0);

	assert_int_equal(create(f, &layout), 0);
	assert_true(f->found);
	assert_int_equal(map(f, &layout, true), 0);
	assert_int_equal(f->segment.size, segment_size(&layout));
}


static void a_segment_cut_short_while_it_was_made_is_made_anew(void **state)
{
	struct fixture *f = *state;
	const off_t sizes[] = { 0, 10, 64, 4096,
				(off_t)segment_size(&layout) };

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		const int fd = shm_open(f->name, O_RDWR | O_CREAT, 0600);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, sizes[i]), 0);
		/* The rest of the header may be there, its magic not. */
		if (sizes[i] > 64)
			assert_int_equal(pwrite(fd, "\x40", 1, 6), 1);
		(void)close(fd);

		assert_int_equal(create(f, &layout), 0);
		assert_false(f->found);
		assert_int_equal(map(f, &layout, true), 0);
		assert_int_equal(segment_unlink(f->name), 0);
	}
}


static void a_segment_that_lost_its_header_is_not_wiped(void **state)
{
	static const uint8_t zero[64];
	struct fixture *f = *state;
	uint8_t byte = 0;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(pwrite(f->fd, "x", 1, 4000), 1);
	assert_int_equal(pwrite(f->fd, zero, 64, 0), 64);

	assert_int_equal(create(f, &layout), EBADMSG);
	assert_non_null(strstr(f->why, "has lost its header"));
	assert_int_equal(segment_open(&f->fd, f->name), 0);
	assert_int_equal(pread(f->fd, &byte, 1, 4000), 1);
	assert_int_equal(byte, 'x');
	assert_int_equal(map(f, &layout, true), EBADMSG);
}


static void every_flipped_bit_of_a_header_is_noticed(void **state)
{
	struct segment_head head, bad;
	struct segment_layout seen;
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(pread(f->fd, &head, sizeof(head), 0), sizeof(head));

	for (size_t bit = 0; bit < sizeof(head) * 8; bit++) {
		bad = head;
		((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(pwrite(f->fd, &bad, sizeof(bad), 0),
				 sizeof(bad));
		assert_int_equal(map(f, &layout, true), EBADMSG);
		assert_int_equal(segment_peek(&seen, f->fd), EBADMSG);
	}
}


static void lie_size(struct segment_head *head)
{
	head->size *= 2;
}


static void lie_less(struct segment_head *head)
{
	head->size -= head->slot_size;
}


static void lie_slotc(struct segment_head *head)
{
	head->slotc = UINT32_MAX;
	head->size = sizeof(*head) + (uint64_t)UINT32_MAX * head->slot_size;
}


static void lie_slot_size(struct segment_head *head)
{
	head->slot_size = 1;
	head->size = sizeof(*head) + head->slotc;
}


static void lie_head_size(struct segment_head *head)
{
	head->head_size = 128;
}


static void a_header_with_a_right_crc_is_not_believed_either(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	head_edit(f, lie_size);
	assert_int_equal(map(f, &layout, true), EBADMSG);
	assert_int_equal(create(f, &layout), EBADMSG);

	assert_int_equal(segment_unlink(f->name), 0);
	assert_int_equal(create(f, &layout), 0);
	head_edit(f, lie_less);
	assert_int_equal(map(f, &layout, true), EBADMSG);

	assert_int_equal(segment_unlink(f->name), 0);
	assert_int_equal(create(f, &layout), 0);
	head_edit(f, lie_slotc);
	assert_int_equal(map(f, &layout, true), EBADMSG);

	assert_int_equal(segment_unlink(f->name), 0);
	assert_int_equal(create(f, &layout), 0);
	head_edit(f, lie_slot_size);
	assert_int_equal(map(f, &layout, true), EBADMSG);

	assert_int_equal(segment_unlink(f->name), 0);
	assert_int_equal(create(f, &layout), 0);
	head_edit(f, lie_head_size);
	assert_int_equal(map(f, &layout, true), EPROTO);
}


static void a_file_shorter_than_its_header_says_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(ftruncate(f->fd, (off_t)segment_size(&layout) - 1),
			 0);
	assert_int_equal(map(f, &layout, true), EBADMSG);
	assert_non_null(strstr(f->why, "shorter"));

	assert_int_equal(ftruncate(f->fd, 63), 0);
	assert_int_equal(map(f, &layout, true), EBADMSG);
	assert_int_equal(ftruncate(f->fd, 0), 0);
	assert_int_equal(map(f, &layout, true), EBADMSG);
}


static void a_readonly_descriptor_cannot_be_mapped_for_writing(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(segment_readonly_fd(&fd, f->name), 0);
	assert_int_equal(segment_map(&f->segment, fd, &layout, true, f->why,
				     sizeof(f->why)),
			 EACCES);
	assert_int_equal(segment_map(&f->segment, fd, &layout, false, f->why,
				     sizeof(f->why)),
			 0);
	(void)close(fd);
}


static void a_file_that_others_can_write_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = -1;

	assert_int_equal(create(f, &layout), 0);
	assert_int_equal(fchmod(f->fd, 0666), 0);

	assert_int_equal(create(f, &layout), EPERM);
	assert_non_null(strstr(f->why, "belongs to user"));
	assert_int_equal(segment_open(&fd, f->name), EPERM);
	assert_int_equal(segment_readonly_fd(&fd, f->name), EPERM);
}


/* Then asking for 16 TB would take all the memory of the machine. */
static bool room_is_unlimited(void)
{
	struct statvfs fs;

	return statvfs("/dev/shm", &fs) != 0 || fs.f_blocks == 0 ||
	       (uint64_t)fs.f_blocks * fs.f_frsize > (uint64_t)1 << 43;
}


static void more_than_shared_memory_holds_is_refused_at_once(void **state)
{
	/* 16 TB */
	const struct segment_layout huge = { .magic = 1,
					     .version = 1,
					     .slot_size = 4096,
					     .slotc = UINT32_MAX };
	struct fixture *f = *state;
	int err;

	if (room_is_unlimited())
		skip();

	err = create(f, &huge);
	/* Which of these depends on where the room ends first. */
	assert_true(err == ENOSPC || err == ENOMEM || err == EFBIG);
	assert_true(strlen(f->why) > 0);

	/* Nothing half-made stays behind. */
	assert_int_equal(segment_open(&f->fd, f->name), ENOENT);
}


static void growing_beyond_shared_memory_changes_nothing(void **state)
{
	struct segment_layout huge = layout;
	struct fixture *f = *state;
	struct stat st;

	if (room_is_unlimited())
		skip();

	assert_int_equal(create(f, &layout), 0);
	huge.slotc = UINT32_MAX;
	assert_int_not_equal(segment_grow(f->fd, &huge, f->why,
					  sizeof(f->why)),
			     0);
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_int_equal(st.st_size, segment_size(&layout));
	assert_int_equal(map(f, &layout, true), 0);
}


static void bad_names_and_layouts_are_refused(void **state)
{
	static const char *const names[] = {
		"",       "/",
		"tandem", "/a/b",
		"/../x",  "/0123456789012345678901234567890123456789012345678",
	};
	struct segment_layout bad = layout;
	struct fixture *f = *state;
	int fd = -1;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(segment_create(&fd, &f->found, names[i],
						&layout, "n1", f->why,
						sizeof(f->why)),
				 EINVAL);
		assert_int_equal(segment_open(&fd, names[i]), EINVAL);
		assert_int_equal(segment_unlink(names[i]), EINVAL);
	}

	bad.slot_size = 100;
	assert_int_equal(create(f, &bad), EINVAL);
	bad = layout;
	bad.slotc = 0;
	assert_int_equal(create(f, &bad), EINVAL);
	bad = layout;
	bad.magic = 0;
	assert_int_equal(create(f, &bad), EINVAL);
}


static void the_reason_is_cut_to_the_room_there_is(void **state)
{
	struct segment_layout other = layout;
	struct fixture *f = *state;
	char why[8] = "unused";
	int fd = -1;

	assert_int_equal(create(f, &layout), 0);
	other.version = 9;
	assert_int_equal(segment_create(&fd, &f->found, f->name, &other, "n1",
					why, sizeof(why)),
			 EPROTO);
	assert_string_equal(why, "segment");
	assert_int_equal(segment_create(&fd, &f->found, f->name, &other, "n1",
					NULL, 0),
			 EPROTO);
}


int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_segment_is_zero_and_ours_alone),
		TEST(what_was_written_is_found_again),
		TEST(another_layout_is_refused_in_words),
		TEST(another_kind_of_segment_is_refused),
		TEST(another_nodes_segment_is_refused),
		TEST(a_changed_number_of_slots_is_refused_in_words),
		TEST(growing_keeps_what_is_there_and_adds_zeros),
		TEST(a_segment_never_shrinks),
		TEST(growing_cut_short_leaves_the_segment_as_it_was),
		TEST(a_segment_cut_short_while_it_was_made_is_made_anew),
		TEST(a_segment_that_lost_its_header_is_not_wiped),
		TEST(every_flipped_bit_of_a_header_is_noticed),
		TEST(a_header_with_a_right_crc_is_not_believed_either),
		TEST(a_file_shorter_than_its_header_says_is_refused),
		TEST(a_readonly_descriptor_cannot_be_mapped_for_writing),
		TEST(a_file_that_others_can_write_is_refused),
		TEST(more_than_shared_memory_holds_is_refused_at_once),
		TEST(growing_beyond_shared_memory_changes_nothing),
		TEST(bad_names_and_layouts_are_refused),
		TEST(the_reason_is_cut_to_the_room_there_is),
	};

	return T_MAIN_ONLY(tests);
}
