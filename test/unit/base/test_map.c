/**
 * @file test/unit/base/test_map.c  The map against an array
 */
#include "shared/base/map.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	ITEMC = 5000,
	ROUNDS = 100000,
};

struct item {
	struct map_link link;
	char key[16];
	bool is_in;
	uint32_t seen;
};

struct fixture {
	struct map *map;
	struct item items[ITEMC];
	size_t in;
};


static int setup(void **state)
{
	static struct fixture fx;

	memset(&fx, 0, sizeof(fx));
	*state = &fx;
	for (int i = 0; i < ITEMC; i++)
		(void)snprintf(fx.items[i].key, sizeof(fx.items[i].key),
			       "key%d", i);

	return map_alloc(&fx.map, 0);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	fx->map = map_free(fx->map);

	return 0;
}


static struct item *find(struct fixture *fx, const char *key)
{
	struct map_link *link = map_find(fx->map, key, strlen(key));

	return link ? CONTAINER_OF(link, struct item, link) : NULL;
}


static int add(struct fixture *fx, struct item *item)
{
	const int err = map_add(fx->map, &item->link, item->key,
				strlen(item->key));

	if (!err) {
		item->is_in = true;
		fx->in++;
	}

	return err;
}


static void take_out(struct fixture *fx, struct item *item)
{
	map_remove(fx->map, &item->link);
	item->is_in = false;
	fx->in--;
}


static int on_seen(struct map_link *link, void *arg)
{
	(void)arg;
	CONTAINER_OF(link, struct item, link)->seen++;

	return 0;
}


static void compare(struct fixture *fx)
{
	assert_int_equal(map_count(fx->map), fx->in);
	for (int i = 0; i < ITEMC; i++)
		fx->items[i].seen = 0;
	assert_int_equal(map_walk(fx->map, on_seen, NULL), 0);

	for (int i = 0; i < ITEMC; i++) {
		struct item *item = &fx->items[i];

		assert_int_equal(item->seen, item->is_in);
		assert_ptr_equal(find(fx, item->key),
				 item->is_in ? item : NULL);
	}
}


static void it_holds_what_an_array_holds(void **state)
{
	struct fixture *fx = *state;
	uint32_t seed = 1;

	for (int round = 0; round < ROUNDS; round++) {
		struct item *item;

		seed = seed * 1664525 + 1013904223;
		/* Fuller and emptier, so that it grows in every state */
		item = &fx->items[(seed >> 8) % (round % 20000 / 4 + 1)];
		if (!item->is_in)
			assert_int_equal(add(fx, item), 0);
		else if (seed >> 30 == 0)
			take_out(fx, item);
		else
			assert_int_equal(add(fx, item), EEXIST);
		if (round % 9973 == 0)
			compare(fx);
	}
	compare(fx);
}


/* While the larger table is filled: what is still in the old one is found,
 * refused a second time, walked and removed. */
static void each_step_of_growth_holds_all(void **state)
{
	struct fixture *fx = *state;

	for (int i = 0; i < 300; i++) {
		assert_int_equal(add(fx, &fx->items[i]), 0);
		compare(fx);
	}
	for (int i = 0; i < 300; i++)
		take_out(fx, &fx->items[i]);
	compare(fx);
}


static int on_remove_even(struct map_link *link, void *arg)
{
	struct fixture *fx = arg;
	struct item *item = CONTAINER_OF(link, struct item, link);

	if ((item - fx->items) % 2 == 0)
		take_out(fx, item);

	return 0;
}


static void a_walk_may_remove_what_it_is_given(void **state)
{
	struct fixture *fx = *state;

	/* 17 and a few: two tables at once */
	for (int i = 0; i < 19; i++)
		assert_int_equal(add(fx, &fx->items[i]), 0);
	assert_int_equal(map_walk(fx->map, on_remove_even, fx), 0);
	assert_int_equal(map_count(fx->map), 9);
	compare(fx);

	for (int i = 100; i < 3000; i++)
		assert_int_equal(add(fx, &fx->items[i]), 0);
	assert_int_equal(map_walk(fx->map, on_remove_even, fx), 0);
	compare(fx);
}


static int on_third(struct map_link *link, void *arg)
{
	int *calls = arg;

	(void)link;

	return ++*calls == 3 ? 42 : 0;
}


static void a_walk_ends_when_told(void **state)
{
	struct fixture *fx = *state;
	int calls = 0;

	for (int i = 0; i < 19; i++)
		assert_int_equal(add(fx, &fx->items[i]), 0);
	assert_int_equal(map_walk(fx->map, on_third, &calls), 42);
	assert_int_equal(calls, 3);
}


static void keys_are_bytes_of_any_length(void **state)
{
	static const char zeros[3];
	struct fixture *fx = *state;
	struct map_link links[4];

	memset(links, 0, sizeof(links));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(map_add(fx->map, &links[i], i ? zeros : NULL,
					 i),
				 0);
	for (size_t i = 0; i < 4; i++)
		assert_ptr_equal(map_find(fx->map, zeros, i), &links[i]);
	assert_null(map_find(fx->map, "\0\1", 2));
}


/* Aumasson, Bernstein: reference vectors of SipHash-2-4, 64 bits; key 00..0f,
 * input 00, 01, 02 ... */
static void siphash_gives_the_vectors_of_its_authors(void **state)
{
	static const uint8_t vectors[][8] = {
		{ 0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72 },
		{ 0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74 },
		{ 0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d },
		{ 0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85 },
		{ 0xb7, 0x87, 0x71, 0x27, 0xe0, 0x94, 0x27, 0xcf },
		{ 0x8d, 0xa6, 0x99, 0xcd, 0x64, 0x55, 0x76, 0x18 },
		{ 0xce, 0xe3, 0xfe, 0x58, 0x6e, 0x46, 0xc9, 0xcb },
		{ 0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab },
		{ 0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93 },
	};
	uint8_t secret[16], data[16];
	(void)state;

	for (uint8_t i = 0; i < 16; i++)
		secret[i] = data[i] = i;
	for (size_t len = 0; len < COUNT_OF(vectors); len++) {
		const uint64_t hash = siphash(secret, data, len);

		assert_memory_equal(&hash, vectors[len], 8);
	}

	/* The example of their paper: 15 bytes */
	assert_true(siphash(secret, data, 15) == 0xa129ca6149be45e5u);
}


static void the_hash_of_the_process_stays(void **state)
{
	(void)state;
	assert_true(map_hash("gateway", 7) == map_hash("gateway", 7));
	assert_true(map_hash("gateway", 7) != map_hash("gatewaz", 7));
}


/* Growth that is refused only makes chains longer: adding does not fail. */
static int a_map_is_filled(void)
{
	static struct item items[200];
	struct map *map = NULL;
	int err;

	memset(items, 0, sizeof(items));
	err = map_alloc(&map, 16);
	if (err)
		return err;

	for (size_t i = 0; i < COUNT_OF(items) && !err; i++) {
		(void)snprintf(items[i].key, sizeof(items[i].key), "%zu", i);
		err = map_add(map, &items[i].link, items[i].key,
			      strlen(items[i].key));
		if (err)
			err = EINVAL;
	}
	for (size_t i = 0; i < COUNT_OF(items) && !err; i++)
		if (map_find(map, items[i].key, strlen(items[i].key)) !=
		    &items[i].link)
			err = EINVAL;
	map_free(map);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(it_holds_what_an_array_holds),
		T(each_step_of_growth_holds_all),
		T(a_walk_may_remove_what_it_is_given),
		T(a_walk_ends_when_told),
		T(keys_are_bytes_of_any_length),
		cmocka_unit_test(siphash_gives_the_vectors_of_its_authors),
		cmocka_unit_test(the_hash_of_the_process_stays),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_map_is_filled),
	};

	return T_MAIN(tests, scenarios);
}
