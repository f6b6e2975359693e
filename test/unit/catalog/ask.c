/**
 * @file test/unit/catalog/ask.c  Ask a version everything there is to ask
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "test/unit/catalog/ask.h"

enum {
	FOUND_MAX = 4,
	IDS_MAX = 4
};

static const char *const words[] = { "",
				     "1",
				     "12",
				     "1239",
				     "90",
				     "100",
				     "dyn",
				     "u",
				     "4420",
				     "m",
				     "12345678901234567890123456" };

static const char *const addrs[] = { "192.0.2.1", "198.51.100.1:5060",
				     "2001:db8::1" };


static uintptr_t ask_number(const struct catalog *c, struct text number)
{
	struct catalog_candidate found[FOUND_MAX];
	enum record_kind kind;
	uintptr_t sum = 0;

	sum += catalog_candidates(c, number, found, FOUND_MAX);
	sum += (uintptr_t)catalog_phone(c, number);
	sum += (uintptr_t)catalog_terminal(c, number, &kind);
	sum += (uintptr_t)catalog_rate(c, 1, number, 1000);
	for (int list = 0; list < CAT_LISTC; list++)
		sum += catalog_lists_number(c, list, number);
	for (int k = 0; k < RECORD_KINDC; k++)
		sum += (uintptr_t)catalog_by_name(c, k, number);

	return sum;
}


static uintptr_t ask_addr(const struct catalog *c, const char *text)
{
	struct catalog_source found[FOUND_MAX];
	struct addr addr;
	uintptr_t sum;

	if (addr_parse(&addr, text_of(text)))
		abort();

	sum = catalog_sources(c, &addr, found, FOUND_MAX);
	for (int list = 0; list < CAT_LISTC; list++)
		sum += catalog_lists_source(c, list, &addr);

	return sum;
}


static uintptr_t ask_param(const struct catalog *c, enum param param)
{
	uintptr_t sum = strlen(catalog_text(c, param));
	const int64_t *numbers;
	size_t count;

	numbers = catalog_numbers(c, param, &count);
	for (size_t i = 0; i < count && i < FOUND_MAX; i++)
		sum += (uintptr_t)numbers[i];
	count = catalog_textc(c, param);
	for (size_t i = 0; i <= count && i < FOUND_MAX; i++)
		sum += strlen(catalog_text_at(c, param, i));

	return sum + catalog_matches(c, param, text_of("123")) +
	       (uintptr_t)catalog_int(c, param) +
	       (uintptr_t)catalog_second(c, param) + catalog_is_set(c, param);
}


static uintptr_t print_rows(const struct catalog *c, enum record_kind kind)
{
	size_t count, heap_size;
	const uint8_t *rows = catalog_rows(c, kind, &count);
	const uint8_t *heap = catalog_heap(c, kind, &heap_size);
	uintptr_t sum = 0;

	for (size_t i = 0; i < count && i < IDS_MAX; i++) {
		for (size_t k = 0; k < records[kind].fieldc; k++) {
			char *text = NULL;

			if (record_print(&records[kind].fields[k],
					 rows + i * records[kind].size, heap,
					 heap_size, NULL, NULL, &text))
				continue;
			sum += strlen(text);
			free(text);
		}
	}

	return sum;
}


uintptr_t ask_everything(const struct catalog *c)
{
	uintptr_t sum = 0;

	for (size_t i = 0; i < COUNT_OF(words); i++)
		sum += ask_number(c, text_of(words[i]));
	for (size_t i = 0; i < COUNT_OF(addrs); i++)
		sum += ask_addr(c, addrs[i]);
	for (int param = 0; param < PARAMC; param++)
		sum += ask_param(c, param);
	for (int kind = 0; kind < RECORD_KINDC; kind++) {
		for (uint32_t id = 0; id < IDS_MAX; id++)
			sum += (uintptr_t)catalog_by_id(c, kind, id);
		sum += print_rows(c, kind);
	}

	return sum;
}
