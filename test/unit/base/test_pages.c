/**
 * @file test/unit/base/test_pages.c  Memory is there before it is touched
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/pages.h"
#include "test/support/t.h"

enum {
	PAGES = 8
};


static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}


static uint8_t *map(void)
{
	uint8_t *p = mmap(NULL, PAGES * page(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	(void)madvise(p, PAGES * page(), MADV_NOHUGEPAGE);

	return p;
}


static size_t there(uint8_t *p)
{
	unsigned char is[PAGES];
	size_t n = 0;

	assert_int_equal(mincore(p, PAGES * page(), is), 0);
	for (size_t i = 0; i < PAGES; i++)
		n += is[i] & 1;

	return n;
}


/* An older kernel does not know how. */
static bool can(void)
{
	uint8_t *p = map();
	const bool is = madvise(p, page(), MADV_POPULATE_WRITE) == 0;

	(void)munmap(p, PAGES * page());

	return is;
}


static void what_is_asked_for_is_there_and_no_more(void **state)
{
	uint8_t *p = map();
	(void)state;

	pages_write(p + page() + 100, 2 * page());
	assert_int_equal(there(p), can() ? 3 : 0);
	pages_read(p, 0);
	assert_int_equal(there(p), can() ? 3 : 0);
	(void)munmap(p, PAGES * page());
}


static void what_it_holds_stays(void **state)
{
	uint8_t *p = map();
	(void)state;

	memset(p, 'x', page());
	pages_write(p, PAGES * page());
	pages_read(p, PAGES * page());
	assert_int_equal(p[0], 'x');
	assert_int_equal(p[page() - 1], 'x');
	assert_int_equal(p[page()], 0);
	(void)munmap(p, PAGES * page());
}


static void what_is_not_ours_does_no_harm(void **state)
{
	uint8_t *p = map();
	(void)state;

	(void)munmap(p, PAGES * page());
	pages_read(p, PAGES * page());
	pages_write(p, PAGES * page());
}


static void the_heap_goes_on_after_it(void **state)
{
	uint8_t *small, *large;
	(void)state;

	pages_heap(1 << 20);
	small = calloc(1, 100000);
	large = calloc(1, 8 << 20);
	assert_non_null(small);
	assert_non_null(large);
	assert_int_equal(small[99999], 0);
	assert_int_equal(large[(8 << 20) - 1], 0);
	free(small);
	free(large);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_there_and_no_more),
		cmocka_unit_test(what_it_holds_stays),
		cmocka_unit_test(what_is_not_ours_does_no_harm),
		cmocka_unit_test(the_heap_goes_on_after_it),
	};

	return T_MAIN_ONLY(tests);
}
