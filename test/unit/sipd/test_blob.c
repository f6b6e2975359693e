/**
 * @file test/unit/sipd/test_blob.c  Texts are kept, given back and found again
 */
#include "shared/base/crc32c.h"
#include "sipd/blob.h"
#include "test/support/t.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	SLOTC = 64, /* 256 KB */
	FIRST = 3,  /* Of our part; others' slots lie around it */
	PARTC = 50, /* No multiple of the largest blob */
	PART_BYTES = PARTC * BLOB_SLOT_SIZE,
	MODEL_MAX = 512,
};

static const struct segment_layout layout = {
	.magic = TEXTS_MAGIC,
	.version = TEXTS_VERSION,
	.slot_size = BLOB_SLOT_SIZE,
	.slotc = SLOTC,
};

struct fixture {
	struct segment_rig rig;
	struct blobs *blobs;
};


static int setup(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	segment_rig_open(&fixture.rig, "blob", &layout);
	*state = &fixture;

	return blobs_alloc(&fixture.blobs, &fixture.rig.segment, FIRST, PARTC);
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	f->blobs = blobs_free(f->blobs);
	segment_rig_close(&f->rig);

	return 0;
}


/* As a new process would: it knows nothing but the memory. */
static void restart(struct fixture *f)
{
	blobs_free(f->blobs);
	f->blobs = NULL;
	assert_int_equal(blobs_alloc(&f->blobs, &f->rig.segment, FIRST, PARTC),
			 0);
}


/* A text of its own for each seed. */
static struct text text_made(char *dst, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		dst[i] = (char)(31 * (size_t)seed + i * 7 + i / 256);

	return (struct text){ dst, len };
}


static int take(struct blobs *blobs, struct blob *blob, size_t len,
		unsigned seed)
{
	static char bytes[BLOB_BYTES_MAX + 1];
	const struct text t = text_made(bytes, len, seed);

	return blob_take(blobs, blob, &t, 1);
}


static void assert_holds(const struct fixture *f, const struct blob *blob,
			 size_t len, unsigned seed)
{
	static char expected[BLOB_BYTES_MAX], got[BLOB_BYTES_MAX];
	const struct text t = blob_text(f->blobs, blob);

	(void)text_made(expected, len, seed);
	assert_int_equal(t.l, len);
	assert_memory_equal(t.p, expected, len);
	assert_int_equal(blob_read(&f->rig.view, blob, got, len), 0);
	assert_memory_equal(got, expected, len);
}


static void parts_are_kept_one_behind_the_other(void **state)
{
	const struct text parts[] = { text_of("INVITE "), text_of(""),
				      text_of("sip:a@b") };
	struct fixture *f = *state;
	struct blob blob;

	assert_int_equal(blob_take(f->blobs, &blob, parts, 3), 0);
	assert_true(text_is(blob_text(f->blobs, &blob), "INVITE sip:a@b"));
	assert_int_equal(blobs_used(f->blobs), BLOB_UNIT);

	blob_give(f->blobs, &blob);
	assert_int_equal(blobs_used(f->blobs), 0);
	assert_int_equal(blob.unit, 0);
	assert_int_equal(blob.len, 0);
	assert_int_equal(blob_text(f->blobs, &blob).l, 0);
}


static void nothing_is_no_blob_and_takes_no_room(void **state)
{
	const struct text parts[] = { { NULL, 0 }, { "", 0 } };
	struct fixture *f = *state;
	struct blob blob = { 7, 7, 7 };
	char dst[1];

	assert_int_equal(blob_take(f->blobs, &blob, parts, 2), 0);
	assert_int_equal(blob.unit, 0);
	assert_int_equal(blob.len, 0);
	assert_int_equal(blobs_used(f->blobs), 0);
	assert_int_equal(blob_adopt(f->blobs, &blob), 0);
	assert_int_equal(blob_read(&f->rig.view, &blob, dst, 0), 0);
	blob_give(f->blobs, &blob);
}


static void the_largest_is_taken_and_a_byte_more_is_refused(void **state)
{
	struct fixture *f = *state;
	struct blob blob = { 0 };

	assert_int_equal(take(f->blobs, &blob, BLOB_BYTES_MAX + 1, 1),
			 EMSGSIZE);
	assert_int_equal(blob.unit, 0);
	assert_int_equal(take(f->blobs, &blob, BLOB_BYTES_MAX, 1), 0);
	assert_holds(f, &blob, BLOB_BYTES_MAX, 1);
	assert_int_equal(blobs_used(f->blobs), BLOB_BYTES_MAX);
}


static void what_is_renewed_stays_where_it_is_if_it_fits(void **state)
{
	struct fixture *f = *state;
	char bytes[4 * BLOB_UNIT];
	struct blob blob = { 0 }, before;
	struct text t;

	t = text_made(bytes, BLOB_UNIT + 1, 1);
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), 0);
	assert_holds(f, &blob, BLOB_UNIT + 1, 1);

	before = blob;
	t = text_made(bytes, 2 * BLOB_UNIT, 2);
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), 0);
	assert_int_equal(blob.unit, before.unit);
	assert_holds(f, &blob, 2 * BLOB_UNIT, 2);
	assert_int_equal(blobs_used(f->blobs), 2 * BLOB_UNIT);

	t = text_made(bytes, 3 * BLOB_UNIT, 3);
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), 0);
	assert_holds(f, &blob, 3 * BLOB_UNIT, 3);
	assert_int_equal(blobs_used(f->blobs), 3 * BLOB_UNIT);

	t = text_made(bytes, 4 * BLOB_UNIT, 4);
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), 0);
	assert_holds(f, &blob, 4 * BLOB_UNIT, 4);
	assert_int_equal(blobs_used(f->blobs), 4 * BLOB_UNIT);

	t.l = BLOB_BYTES_MAX + 1;
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), EMSGSIZE);
	t = text_made(bytes, 4 * BLOB_UNIT, 4);
	assert_holds(f, &blob, 4 * BLOB_UNIT, 4);

	t.l = 0;
	assert_int_equal(blob_renew(f->blobs, &blob, &t, 1), 0);
	assert_int_equal(blob.unit, 0);
	assert_int_equal(blobs_used(f->blobs), 0);
}


static void the_last_quarter_of_a_short_one_is_anothers(void **state)
{
	struct fixture *f = *state;
	struct blob three, one;

	assert_int_equal(take(f->blobs, &three, 3 * BLOB_UNIT, 1), 0);
	assert_int_equal(take(f->blobs, &one, BLOB_UNIT, 2), 0);
	assert_int_equal(one.unit, three.unit + 3);
	assert_holds(f, &three, 3 * BLOB_UNIT, 1);

	restart(f);
	assert_int_equal(blob_adopt(f->blobs, &one), 0);
	assert_int_equal(blob_adopt(f->blobs, &three), 0);
	assert_int_equal(blob_adopt(f->blobs, &three), EBADMSG);
	assert_int_equal(blobs_used(f->blobs), 4 * BLOB_UNIT);
	blob_give(f->blobs, &three);
	blob_give(f->blobs, &one);
	assert_int_equal(take(f->blobs, &three, BLOB_BYTES_MAX, 3), 0);
}


static void lengths_that_overflow_a_sum_are_refused(void **state)
{
	const struct text parts[] = { { "a", 1 }, { "b", SIZE_MAX } };
	struct fixture *f = *state;
	struct blob blob;

	assert_int_equal(blob_take(f->blobs, &blob, parts, 2), EMSGSIZE);
	assert_int_equal(blobs_used(f->blobs), 0);
}


static void all_of_the_part_can_be_taken_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct blob blob;
	size_t n = 0;

	while (take(f->blobs, &blob, BLOB_UNIT, (unsigned)n) == 0)
		n++;
	assert_int_equal(n, PART_BYTES / BLOB_UNIT);
	assert_int_equal(take(f->blobs, &blob, 1, 0), ENOSPC);

	/* Not a byte of the neighbours'. */
	for (size_t i = 0; i < (size_t)SLOTC * BLOB_SLOT_SIZE; i++) {
		const size_t slot = i / BLOB_SLOT_SIZE;

		if (slot < FIRST || slot >= FIRST + PARTC)
			assert_int_equal(f->rig.segment.slots[i], 0);
	}
}


static void halves_given_back_are_whole_again(void **state)
{
	static struct blob blobs[PART_BYTES / BLOB_UNIT];
	struct fixture *f = *state;
	struct blob large;
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(blobs); i++)
		assert_int_equal(take(f->blobs, &blobs[i], 1, 0), 0);
	for (size_t i = 0; i < COUNT_OF(blobs); i += 2)
		blob_give(f->blobs, &blobs[i]);
	assert_int_equal(take(f->blobs, &large, BLOB_UNIT + 1, 0), ENOSPC);
	for (size_t i = 1; i < COUNT_OF(blobs); i += 2)
		blob_give(f->blobs, &blobs[i]);
	assert_int_equal(blobs_used(f->blobs), 0);

	while (take(f->blobs, &large, BLOB_BYTES_MAX, 0) == 0)
		n++;
	assert_int_equal(n, PART_BYTES / BLOB_BYTES_MAX);
}


static void what_was_given_back_last_is_taken_first(void **state)
{
	struct fixture *f = *state;
	struct blob first, second, shorter, again;
	uint32_t unit;

	assert_int_equal(take(f->blobs, &first, 4 * BLOB_UNIT, 1), 0);
	assert_int_equal(take(f->blobs, &shorter, 3 * BLOB_UNIT, 1), 0);
	assert_int_equal(take(f->blobs, &second, 4 * BLOB_UNIT, 1), 0);
	unit = second.unit;
	blob_give(f->blobs, &first);
	blob_give(f->blobs, &second);
	blob_give(f->blobs, &shorter);

	assert_int_equal(take(f->blobs, &again, 4 * BLOB_UNIT, 2), 0);
	assert_int_equal(again.unit, unit);
	assert_int_equal(blobs_used(f->blobs), 4 * BLOB_UNIT);
}


/* What the model knows of a blob. */
struct known {
	struct blob blob;
	size_t len;
	unsigned seed;
};


static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;

	return *seed >> 8;
}


static size_t room_of(size_t len)
{
	size_t room = BLOB_UNIT;

	while (room < len)
		room *= 2;
	if (room >= 4 * (size_t)BLOB_UNIT && len <= room / 4 * 3)
		room = room / 4 * 3;

	return room;
}


static void none_overlap(const struct known *known, size_t knownc)
{
	static uint8_t owned[SLOTC * BLOB_SLOT_SIZE / BLOB_UNIT];

	memset(owned, 0, sizeof(owned));
	for (size_t i = 0; i < knownc; i++) {
		const size_t first = known[i].blob.unit - 1;
		const size_t unitc = room_of(known[i].len) / BLOB_UNIT;

		assert_true(first >= FIRST * BLOB_SLOT_SIZE / BLOB_UNIT);
		for (size_t u = 0; u < unitc; u++) {
			assert_int_equal(owned[first + u], 0);
			owned[first + u] = 1;
		}
	}
}


/* Anything taken and given at random, with a new process now and then. */
static void what_is_taken_stays_whole_whatever_else_comes_and_goes(void **state)
{
	static struct known known[MODEL_MAX];
	struct fixture *f = *state;
	uint32_t seed = 1;
	size_t knownc = 0, used = 0;

	for (unsigned turn = 0; turn < 20000; turn++) {
		const size_t len = 1 +
				   (next(&seed) % (1u << (next(&seed) % 15)));
		struct known *k = &known[knownc];

		if (knownc < MODEL_MAX && next(&seed) % 16 < 9 &&
		    take(f->blobs, &k->blob, len, turn) == 0) {
			k->len = len;
			k->seed = turn;
			knownc++;
			used += room_of(len);
		}
		else if (knownc > 0) {
			k = &known[next(&seed) % knownc];
			assert_holds(f, &k->blob, k->len, k->seed);
			blob_give(f->blobs, &k->blob);
			used -= room_of(k->len);
			*k = known[--knownc];
		}
		assert_int_equal(blobs_used(f->blobs), used);

		if (turn % 1000 != 999)
			continue;
		restart(f);
		for (size_t i = 0; i < knownc; i++)
			assert_int_equal(blob_adopt(f->blobs, &known[i].blob),
					 0);
		assert_int_equal(blobs_used(f->blobs), used);
		none_overlap(known, knownc);
		for (size_t i = 0; i < knownc; i++)
			assert_holds(f, &known[i].blob, known[i].len,
				     known[i].seed);
	}

	while (knownc > 0)
		blob_give(f->blobs, &known[--knownc].blob);
	assert_int_equal(blobs_used(f->blobs), 0);
	assert_int_equal(take(f->blobs, &known[0].blob, BLOB_BYTES_MAX, 0), 0);
}


static void what_no_slot_names_is_free_after_a_crash(void **state)
{
	struct fixture *f = *state;
	struct blob kept, lost, again;

	assert_int_equal(take(f->blobs, &lost, 100, 1), 0);
	assert_int_equal(take(f->blobs, &kept, 100, 2), 0);
	restart(f);
	assert_int_equal(blob_adopt(f->blobs, &kept), 0);
	assert_int_equal(blobs_used(f->blobs), 128);

	assert_int_equal(take(f->blobs, &again, 100, 3), 0);
	assert_int_equal(again.unit, lost.unit);
	assert_holds(f, &kept, 100, 2);
}


static void what_is_taken_is_not_adopted_again_nor_a_part_of_it(void **state)
{
	struct fixture *f = *state;
	struct blob blob, part;

	assert_int_equal(take(f->blobs, &blob, 4096, 1), 0);
	part.unit = blob.unit + 1;
	part.len = BLOB_UNIT;
	part.crc = crc32c(0, blob_text(f->blobs, &blob).p + BLOB_UNIT,
			  BLOB_UNIT);
	restart(f);
	assert_int_equal(blob_adopt(f->blobs, &part), 0);
	blob_give(f->blobs, &(struct blob){ part.unit, part.len, part.crc });

	assert_int_equal(blob_adopt(f->blobs, &blob), 0);
	assert_int_equal(blob_adopt(f->blobs, &blob), EBADMSG);
	assert_int_equal(blob_adopt(f->blobs, &part), EBADMSG);
	assert_int_equal(blobs_used(f->blobs), 4096);
}


static void one_that_holds_a_smaller_one_is_not_adopted(void **state)
{
	struct fixture *f = *state;
	struct blob small, large;

	assert_int_equal(take(f->blobs, &large, 4096, 1), 0);
	restart(f); /* the large one lies there, and nobody's */
	assert_int_equal(take(f->blobs, &small, 64, 1), 0);
	assert_int_equal(small.unit, large.unit);

	/* Text 1 of 64 bytes is how text 1 of 4096 begins: both are whole. */
	restart(f);
	assert_int_equal(blob_adopt(f->blobs, &small), 0);
	assert_int_equal(blob_adopt(f->blobs, &large), EBADMSG);
}


static void a_damaged_one_is_neither_adopted_nor_read(void **state)
{
	struct fixture *f = *state;
	struct blob blob;
	char got[100];

	assert_int_equal(take(f->blobs, &blob, sizeof(got), 1), 0);
	((uint8_t *)f->rig.segment.slots)[(blob.unit - 1) * BLOB_UNIT + 99] ^=
		1;
	restart(f);
	assert_int_equal(blob_adopt(f->blobs, &blob), EBADMSG);
	assert_int_equal(blobs_used(f->blobs), 0);
	assert_int_equal(blob_read(&f->rig.view, &blob, got, sizeof(got)),
			 EBADMSG);
}


static void one_that_lies_elsewhere_is_refused(void **state)
{
	enum {
		BEGIN = FIRST * BLOB_SLOT_SIZE / BLOB_UNIT,
		END = BEGIN + PART_BYTES / BLOB_UNIT
	};
	/* Zeros everywhere, so that only the place can be wrong. */
	static const struct blob odd[] = {
		{ BEGIN, 64, 0 },     /* A unit before our part */
		{ END + 1, 64, 0 },   /* Behind it */
		{ END, 65, 0 },       /* Over its end */
		{ BEGIN + 2, 65, 0 }, /* Not where such a block begins */
		{ BEGIN + 1, 0, 0 },
		{ 0, 64, 0 },
		{ BEGIN + 1, BLOB_BYTES_MAX + 1, 0 },
		{ UINT32_MAX, UINT32_MAX, 0 },
		{ END - 63, 4097, 0 }, /* Its block would not be whole */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		assert_int_equal(blob_adopt(f->blobs, &odd[i]), EBADMSG);
		assert_int_equal(blobs_used(f->blobs), 0);
	}
}


static void what_is_read_is_bounded_by_segment_and_room(void **state)
{
	const uint32_t units = SLOTC * BLOB_SLOT_SIZE / BLOB_UNIT;
	const struct blob odd[] = {
		{ units + 1, 1, 0 },
		{ units, 65, 0 },
		{ UINT32_MAX, BLOB_BYTES_MAX, 0 },
		{ 1, BLOB_BYTES_MAX + 1, 0 },
		{ 1, 0, 0 },
	};
	static char got[2 * BLOB_BYTES_MAX];
	struct fixture *f = *state;
	struct blob blob;

	for (size_t i = 0; i < COUNT_OF(odd); i++)
		assert_int_equal(blob_read(&f->rig.view, &odd[i], got,
					   sizeof(got)),
				 EBADMSG);

	assert_int_equal(take(f->blobs, &blob, 100, 1), 0);
	assert_int_equal(blob_read(&f->rig.view, &blob, got, 99), EMSGSIZE);
	assert_int_equal(blob_read(&f->rig.view, &blob, got, 100), 0);
}


static void a_part_that_is_none_of_the_segment_is_refused(void **state)
{
	struct blobs *blobs = NULL;
	struct fixture *f = *state;

	assert_int_equal(blobs_alloc(&blobs, &f->rig.segment, 0, 0), EINVAL);
	assert_int_equal(blobs_alloc(&blobs, &f->rig.segment, 1, SLOTC),
			 EINVAL);
	assert_int_equal(blobs_alloc(&blobs, &f->rig.segment, UINT32_MAX,
				     SLOTC),
			 EINVAL);
	assert_int_equal(blobs_alloc(&blobs, &f->rig.view, 0, SLOTC), EINVAL);
	assert_null(blobs);
}


static int a_text_is_kept(void)
{
	struct segment_rig rig;
	struct blobs *blobs = NULL;
	struct blob blob;
	int err;

	segment_rig_open(&rig, "blob-malloc", &layout);
	err = blobs_alloc(&blobs, &rig.segment, 0, SLOTC);
	if (!err)
		err = take(blobs, &blob, 1000, 1);
	blobs_free(blobs);
	segment_rig_close(&rig);

	return err;
}


#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)


int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parts_are_kept_one_behind_the_other),
		TEST(nothing_is_no_blob_and_takes_no_room),
		TEST(the_largest_is_taken_and_a_byte_more_is_refused),
		TEST(what_is_renewed_stays_where_it_is_if_it_fits),
		TEST(the_last_quarter_of_a_short_one_is_anothers),
		TEST(lengths_that_overflow_a_sum_are_refused),
		TEST(all_of_the_part_can_be_taken_and_no_more),
		TEST(halves_given_back_are_whole_again),
		TEST(what_was_given_back_last_is_taken_first),
		TEST(what_is_taken_stays_whole_whatever_else_comes_and_goes),
		TEST(what_no_slot_names_is_free_after_a_crash),
		TEST(what_is_taken_is_not_adopted_again_nor_a_part_of_it),
		TEST(one_that_holds_a_smaller_one_is_not_adopted),
		TEST(a_damaged_one_is_neither_adopted_nor_read),
		TEST(one_that_lies_elsewhere_is_refused),
		TEST(what_is_read_is_bounded_by_segment_and_room),
		TEST(a_part_that_is_none_of_the_segment_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_text_is_kept),
	};

	return T_MAIN(tests, scenarios);
}
