/**
 * @file test/unit/catalog/test_heap.c  Text and lists of a part
 */
#include "shared/catalog/heap.h"
#include "test/support/t.h"


static int setup(void **state)
{
	return heap_alloc((struct heap **)state);
}


static int teardown(void **state)
{
	heap_free(*state);

	return 0;
}


static const char *at(const struct heap *heap, cat_str str)
{
	size_t size;
	const uint8_t *bytes = heap_bytes(heap, &size);

	assert_true(str < size);
	assert_non_null(memchr(bytes + str, '\0', size - str));

	return (const char *)bytes + str;
}


static void offset_0_is_the_empty_text(void **state)
{
	static const uint8_t zero[8];
	struct heap *heap = *state;
	cat_str str = 1;
	size_t size;

	assert_memory_equal(heap_bytes(heap, &size), zero, sizeof(zero));
	assert_int_equal(size, sizeof(zero));
	assert_int_equal(heap_text(heap, &str, (struct text){ 0 }), 0);
	assert_int_equal(str, 0);
	assert_string_equal(at(heap, str), "");
}


static void every_text_is_read_back_when_it_has_grown(void **state)
{
	static cat_str strs[20000];
	struct heap *heap = *state;
	char text[16];

	for (int i = 0; i < 20000; i++) {
		(void)snprintf(text, sizeof(text), "text %d", i);
		assert_int_equal(heap_text(heap, &strs[i], text_of(text)), 0);
	}
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(text, sizeof(text), "text %d", i);
		assert_string_equal(at(heap, strs[i]), text);
	}
}


static void a_text_repeated_is_stored_once(void **state)
{
	struct heap *heap = *state;
	cat_str first, again, other;
	size_t before, after;

	assert_int_equal(heap_text(heap, &first, text_of("auto")), 0);
	assert_int_equal(heap_text(heap, &other, text_of("aut")), 0);
	(void)heap_bytes(heap, &before);
	assert_int_equal(heap_text(heap, &again, text_of("auto")), 0);
	(void)heap_bytes(heap, &after);

	assert_int_equal(first, again);
	assert_int_not_equal(first, other);
	assert_int_equal(before, after);
}


static void a_text_with_a_nul_is_refused(void **state)
{
	struct heap *heap = *state;
	cat_str str = 77;

	assert_int_equal(heap_text(heap, &str, (struct text){ "a\0b", 3 }),
			 EINVAL);
	assert_int_equal(str, 77);
}


static void lists_are_aligned_and_zero_whatever_lies_before(void **state)
{
	static const uint8_t zero[13];
	struct heap *heap = *state;

	for (size_t i = 1; i < sizeof(zero); i++) {
		struct cat_span span;
		const uint8_t *bytes;
		cat_str str;
		size_t size;
		void *p;

		assert_int_equal(heap_text(heap, &str,
					   (struct text){ "abcdefghijklmn",
							  i }),
				 0);
		assert_int_equal(heap_span(heap, &span, &p, i, 1), 0);
		bytes = heap_bytes(heap, &size);
		assert_int_equal(span.off % 8, 0);
		assert_int_equal(span.count, i);
		assert_int_equal(span.off + i, size);
		assert_ptr_equal(p, bytes + span.off);
		assert_memory_equal(p, zero, i);
		memset(p, 0xff, i);
	}
}


static void a_list_of_nothing_takes_no_room(void **state)
{
	struct heap *heap = *state;
	struct cat_span span = { 9, 9 };
	size_t before, after;
	void *p = heap;

	(void)heap_bytes(heap, &before);
	assert_int_equal(heap_span(heap, &span, &p, 0, 12), 0);
	(void)heap_bytes(heap, &after);

	assert_null(p);
	assert_int_equal(span.off, 0);
	assert_int_equal(span.count, 0);
	assert_int_equal(before, after);
}


static void more_than_its_bound_is_refused_and_leaves_it_as_it_was(void **state)
{
	static const struct {
		size_t count, size;
	} rows[] = {
		{ HEAP_SIZE_MAX, 1 },          { HEAP_SIZE_MAX / 8, 8 },
		{ (size_t)UINT32_MAX + 1, 1 }, { SIZE_MAX, 1 },
		{ SIZE_MAX / 2, 3 },           { SIZE_MAX / 12 + 1, 12 },
	};
	struct heap *heap = *state;
	struct cat_span span = { 9, 9 };
	size_t before, after;
	cat_str str = 9;
	void *p = NULL;

	(void)heap_bytes(heap, &before);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(heap_span(heap, &span, &p, rows[i].count,
					   rows[i].size),
				 EOVERFLOW);
	(void)heap_bytes(heap, &after);

	assert_int_equal(before, after);
	assert_int_equal(span.off, 9);
	assert_null(p);
	assert_int_equal(heap_text(heap, &str, text_of("still")), 0);
	assert_string_equal(at(heap, str), "still");
}


static int a_heap_is_filled(void)
{
	struct heap *heap;
	struct cat_span span;
	cat_str str;
	void *p;
	int err;

	err = heap_alloc(&heap);
	if (err)
		return err;

	err = heap_span(heap, &span, &p, 3000, 12);
	if (!err)
		memset(p, 1, span.count);
	if (!err)
		err = heap_text(heap, &str, text_of("behind it"));
	if (!err)
		err = heap_span(heap, &span, &p, 10000, 8);
	heap_free(heap);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(offset_0_is_the_empty_text),
		T(every_text_is_read_back_when_it_has_grown),
		T(a_text_repeated_is_stored_once),
		T(a_text_with_a_nul_is_refused),
		T(lists_are_aligned_and_zero_whatever_lies_before),
		T(a_list_of_nothing_takes_no_room),
		T(more_than_its_bound_is_refused_and_leaves_it_as_it_was),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_heap_is_filled),
	};

	return T_MAIN(tests, scenarios);
}
