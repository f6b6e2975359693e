/**
 * @file test/unit/base/test_recent.c  What happened lately
 */
#include <errno.h>

#include "shared/base/recent.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	MOST = 3000,
	MANY = 20000,
};

struct row {
	struct recent_row row;
	uint64_t n;
};


static struct recent *make(uint32_t most)
{
	struct recent *r = NULL;

	assert_int_equal(recent_alloc(&r, sizeof(struct row), most), 0);

	return r;
}


static struct row *add(struct recent *r, uint64_t hash, uint64_t n)
{
	struct row *row = recent_add(r, hash);

	assert_non_null(row);
	assert_int_equal(row->row.value, 0);
	assert_int_equal(row->n, 0);
	row->n = n;

	return row;
}


/* Spread, as a hash is */
static uint64_t hash_of(uint64_t n)
{
	return (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
}


static void what_is_added_is_found_until_it_is_let_go(void **state)
{
	struct recent *r = make(MOST);

	(void)state;
	for (uint64_t n = 0; n < MANY; n++) {
		if (recent_count(r) == MOST) {
			const struct row *first = recent_oldest(r);

			assert_int_equal(first->n, n - MOST);
			assert_null(recent_add(r, 1));
			recent_drop(r);
			assert_null(recent_find(r, hash_of(n - MOST), NULL));
		}
		assert_null(recent_find(r, hash_of(n), NULL));
		(void)add(r, hash_of(n), n);
	}
	assert_int_equal(recent_count(r), MOST);
	for (uint64_t n = MANY - MOST; n < MANY; n++) {
		const struct row *row = recent_find(r, hash_of(n), NULL);

		assert_non_null(row);
		assert_int_equal(row->n, n);
	}
	recent_free(r);
}


static void those_that_hash_alike_are_found_youngest_first(void **state)
{
	struct recent *r = make(16);
	const struct row *row = NULL;

	(void)state;
	for (uint64_t n = 0; n < 5; n++) {
		(void)add(r, 7, n);
		(void)add(r, 7 + 16, n + 100); /* in the same bucket */
	}
	recent_drop(r);
	for (uint64_t n = 5; n-- > 1;) {
		row = recent_find(r, 7, row);
		assert_non_null(row);
		assert_int_equal(row->n, n);
	}
	assert_null(recent_find(r, 7, row));
	recent_free(r);
}


static void a_row_stays_where_it_is(void **state)
{
	struct recent *r = make(MOST);
	struct row *row = add(r, 1, 42);

	(void)state;
	for (uint64_t n = 1; n < MOST; n++)
		(void)add(r, hash_of(n), n);
	assert_ptr_equal(recent_oldest(r), row);
	assert_int_equal(row->n, 42);
	recent_free(r);
}


static void what_was_let_go_is_used_again(void **state)
{
	enum {
		CHUNK = 1024 /* Rows that are allocated together */
	};
	const void *rows[2 * CHUNK + 2];
	struct recent *r;
	(void)state;

	assert_int_equal(recent_alloc(&r, sizeof(struct row), 1 << 20), 0);
	for (size_t i = 1; i < COUNT_OF(rows); i++) {
		rows[i] = recent_add(r, i);
		assert_non_null(rows[i]);
		if (i == CHUNK + 10)
			while (recent_count(r) > 10)
				recent_drop(r);
	}
	assert_ptr_equal(rows[2 * CHUNK + 1], rows[1]);
	assert_ptr_not_equal(rows[CHUNK + 1], rows[1]);
	assert_ptr_equal(recent_find(r, CHUNK + 5, NULL), rows[CHUNK + 5]);
	recent_free(r);
}


static void nothing_is_there_in_an_empty_one(void **state)
{
	struct recent *r = make(1);

	(void)state;
	assert_null(recent_oldest(r));
	assert_null(recent_find(r, 0, NULL));
	assert_null(recent_find(r, 1, NULL));
	(void)add(r, 0, 1);
	assert_null(recent_add(r, 0));
	recent_drop(r);
	assert_int_equal(recent_count(r), 0);
	assert_null(recent_find(r, 0, NULL));
	recent_free(r);
}


static void sizes_that_make_no_sense_are_refused(void **state)
{
	struct recent *r = NULL;

	(void)state;
	assert_int_equal(recent_alloc(&r, 8, 1), EINVAL);
	assert_int_equal(recent_alloc(&r, 20, 1), EINVAL);
	assert_int_equal(recent_alloc(&r, 16, 0), EINVAL);
	assert_int_equal(recent_alloc(&r, 16, UINT32_MAX), EINVAL);
	assert_null(r);
}


static int many_are_added(void)
{
	struct recent *r = NULL;
	int err = recent_alloc(&r, sizeof(struct row), MOST);

	if (err)
		return err;
	for (uint64_t n = 0; n < MOST && !err; n++)
		err = recent_add(r, hash_of(n)) ? 0 : ENOMEM;
	recent_free(r);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_found_until_it_is_let_go),
		cmocka_unit_test(
			those_that_hash_alike_are_found_youngest_first),
		cmocka_unit_test(a_row_stays_where_it_is),
		cmocka_unit_test(what_was_let_go_is_used_again),
		cmocka_unit_test(nothing_is_there_in_an_empty_one),
		cmocka_unit_test(sizes_that_make_no_sense_are_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(many_are_added),
	};

	return T_MAIN(tests, scenarios);
}
