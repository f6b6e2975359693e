/**
 * @file test/unit/catalog/test_index_prefix.c  The longest of many prefixes
 *
 * Against an oracle that asks of each length whether that start is a key.
 */
#include "shared/catalog/image.h"
#include "test/support/t.h"

enum {
	KEYS_MAX = 40000,
	OWNER = 7,
};

static const char few[] = "12";
static const char digits[] = "0123456789";
static const char all[] = "0123456789azAZ*#_";

/* Keys in order, and the part that indexes them */
struct rig {
	char (*keys)[CAT_PREFIX_MAX + 1];
	size_t count;
	struct prefix_node *nodes;
	uint32_t *buckets;
	struct prefix_set set;
	struct part part;
};


static int cmp_keys(const void *a, const void *b)
{
	return strcmp(a, b);
}


static struct text random_number(char text[41], const char *alphabet,
				 size_t max)
{
	const size_t len = (size_t)random() % (max + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[(size_t)random() % strlen(alphabet)];
	text[len] = '\0';

	return (struct text){ .p = text, .l = len };
}


static void rig_fill(struct rig *rig, size_t wanted, const char *alphabet,
		     size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < wanted; i++) {
		char text[41];

		(void)random_number(text, alphabet, max);
		memcpy(rig->keys[i], text, sizeof(rig->keys[i]));
	}
	qsort(rig->keys, wanted, sizeof(rig->keys[0]), cmp_keys);

	for (size_t i = 0; i < wanted; i++) {
		if (count > 0 &&
		    strcmp(rig->keys[count - 1], rig->keys[i]) == 0)
			continue;
		memmove(rig->keys[count++], rig->keys[i],
			sizeof(rig->keys[0]));
	}
	rig->count = count;
}


static void rig_index(struct rig *rig)
{
	const unsigned chars = prefix_chars(rig->count);

	rig->nodes = calloc(rig->count + 1, sizeof(*rig->nodes));
	rig->buckets = calloc(prefix_buckets(chars) + 1,
			      sizeof(*rig->buckets));
	assert_non_null(rig->nodes);
	assert_non_null(rig->buckets);

	for (size_t i = 0; i < rig->count; i++)
		rig->nodes[i] = (struct prefix_node){
			.key = prefix_key(text_of(rig->keys[i])),
			.value = (uint32_t)i,
		};
	prefix_link(rig->nodes, (uint32_t)rig->count);
	prefix_fill(rig->buckets, chars, rig->nodes, (uint32_t)rig->count);

	rig->set = (struct prefix_set){ .owner = OWNER,
					.count = (uint32_t)rig->count,
					.chars = chars };
	rig->part.sections[SECTION_SETS] = (struct view){ &rig->set, 1 };
	rig->part.sections[SECTION_NODES] = (struct view){ rig->nodes,
							   rig->count };
	rig->part.sections[SECTION_BUCKETS] =
		(struct view){ rig->buckets, prefix_buckets(chars) };
}


static void rig_open(struct rig *rig, size_t wanted, const char *alphabet,
		     size_t max)
{
	memset(rig, 0, sizeof(*rig));
	rig->keys = calloc(wanted + 1, sizeof(*rig->keys));
	assert_non_null(rig->keys);
	rig_fill(rig, wanted, alphabet, max);
	rig_index(rig);
}


static void rig_close(struct rig *rig)
{
	free(rig->keys);
	free(rig->nodes);
	free(rig->buckets);
}


/* The key that is the first len characters of a number; NONE */
static uint32_t oracle(const struct rig *rig, struct text number, size_t len)
{
	char start[CAT_PREFIX_MAX + 1] = "";
	const char *found;

	memcpy(start, number.p, len);
	found = bsearch(start, rig->keys, rig->count, sizeof(rig->keys[0]),
			cmp_keys);
	if (!found)
		return (uint32_t)INDEX_NONE;

	return (uint32_t)((size_t)(found - rig->keys[0]) /
			  sizeof(rig->keys[0]));
}


/* Every prefix of a number, longest first, is what the index finds */
static void check_number(const struct rig *rig, struct text number)
{
	const struct prefix_key key = prefix_key(number);
	size_t len = number.l < CAT_PREFIX_MAX ? number.l : CAT_PREFIX_MAX;
	struct prefix_index index;
	uint32_t node;

	assert_true(prefix_index_of(&index, &rig->part, OWNER));
	node = prefix_find(&index, &key);

	for (;; len--) {
		const uint32_t right = oracle(rig, number, len);

		if (right != (uint32_t)INDEX_NONE) {
			if (node != right)
				fail_msg("%s: found %d, not %s", number.p,
					 (int)node, rig->keys[right]);
			assert_int_equal(prefix_key_len(
						 &index.nodes[node].key),
					 len);
			node = prefix_up(&index, node);
		}
		if (len == 0)
			break;
	}

	assert_int_equal(node, (uint32_t)INDEX_NONE);
}


static void the_longest_prefix_and_all_shorter_ones_are_found(void **state)
{
	static const struct {
		size_t count;
		const char *alphabet;
		size_t max;
	} rows[] = {
		/* clang-format off */
		{ 0,        digits, 8 }, { 1,     digits, 8 },
		{ 2,        all,    3 }, { 30,    few,    24 },
		{ 30,       all,    2 }, { 500,   few,    24 },
		{ 500,      digits, 3 }, { 3000,  all,    4 },
		{ 3000,     few,    16 }, { 20000, digits, 6 },
		{ KEYS_MAX, all,    5 }, { KEYS_MAX, digits, 24 },
		/* clang-format on */
	};
	(void)state;

	srandom(3);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rig rig;

		rig_open(&rig, rows[i].count, rows[i].alphabet, rows[i].max);
		for (size_t k = 0; k < 3000; k++) {
			char text[41];

			check_number(&rig,
				     random_number(text, rows[i].alphabet,
						   k % 2 ? 40 : 8));
			check_number(&rig, random_number(text, all, 40));
		}
		for (size_t k = 0; k < rig.count; k++)
			check_number(&rig, text_of(rig.keys[k]));
		rig_close(&rig);
	}
}


/* Strangers to each other in every bit */
static void a_damaged_index_ends_every_search(void **state)
{
	struct rig rig;
	(void)state;

	srandom(4);
	rig_open(&rig, 20000, digits, 6);
	for (size_t i = 0; i < 20000; i++) {
		struct prefix_index index;
		struct prefix_key key;
		char text[41];
		uint32_t node;
		size_t steps = 0;

		rig.nodes[(size_t)random() % rig.count].parent =
			(uint32_t)random();
		rig.buckets[(size_t)random() % prefix_buckets(rig.set.chars)] =
			(uint32_t)random() % (uint32_t)(2 * rig.count);

		assert_true(prefix_index_of(&index, &rig.part, OWNER));
		key = prefix_key(random_number(text, digits, 12));
		for (node = prefix_find(&index, &key);
		     node != (uint32_t)INDEX_NONE;
		     node = prefix_up(&index, node)) {
			assert_true(node < rig.count);
			assert_true(steps++ < rig.count);
		}
	}
	rig_close(&rig);
}


static void a_set_that_points_outside_is_none(void **state)
{
	struct prefix_index index;
	struct prefix_set good;
	struct rig rig;
	(void)state;

	rig_open(&rig, 100, digits, 6);
	good = rig.set;
	assert_true(prefix_index_of(&index, &rig.part, OWNER));
	assert_false(prefix_index_of(&index, &rig.part, OWNER + 1));

	rig.set.first = 1;
	assert_false(prefix_index_of(&index, &rig.part, OWNER));
	rig.set = good;
	rig.set.count++;
	assert_false(prefix_index_of(&index, &rig.part, OWNER));
	rig.set = good;
	rig.set.chars++;
	assert_false(prefix_index_of(&index, &rig.part, OWNER));
	rig.set = good;
	rig.set.chars = PREFIX_CHARS_MAX + 1;
	assert_false(prefix_index_of(&index, &rig.part, OWNER));
	rig.set = good;
	rig.set.bucket = 1;
	assert_false(prefix_index_of(&index, &rig.part, OWNER));
	rig_close(&rig);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_longest_prefix_and_all_shorter_ones_are_found),
		cmocka_unit_test(a_damaged_index_ends_every_search),
		cmocka_unit_test(a_set_that_points_outside_is_none),
	};

	return T_MAIN_ONLY(tests);
}
