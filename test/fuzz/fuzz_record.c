/**
 * @file test/fuzz/fuzz_record.c  Any text as the value of any field
 *
 * Two bytes name kind and field, the rest is typed. What the check takes is
 * put into a row and printed as the canonical text, and that is taken as it
 * is; what it refuses is refused by the name of the field, in words that can
 * be printed, and cannot be put either.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/heap.h"
#include "shared/catalog/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NAMES_MAX = 1024,
	VALUE_MAX = 2 * NAMES_MAX, /* so there are not more names than that */
	ROW_MAX = 512
};

/* Every name is that of a record: its id is its place here, from 1. */
struct names {
	char names[NAMES_MAX][CAT_NAME_MAX + 1];
	uint32_t count;
};


static uint32_t on_resolve(enum record_kind kind, struct text name, void *arg)
{
	struct names *names = arg;
	int err;

	assert(kind < RECORD_KINDC && names->count < NAMES_MAX);
	err = text_copy(names->names[names->count], CAT_NAME_MAX + 1, name);
	assert(!err);

	return ++names->count;
}


static const char *on_name(enum record_kind kind, uint32_t id, void *arg)
{
	const struct names *names = arg;

	(void)kind;
	assert(id >= 1 && id <= names->count);

	return names->names[id - 1];
}


static char *put_and_print(const struct record_field *field, struct text value)
{
	static struct names names;
	static union {
		uint64_t align;
		uint8_t bytes[ROW_MAX];
	} row;
	char why[RECORD_WHY_MAX], *text;
	const uint8_t *bytes;
	struct heap *heap;
	size_t size;
	int err;

	names.count = 0;
	err = heap_alloc(&heap);
	assert(!err);
	err = record_put(field, &row, heap, value, on_resolve, &names, why);
	assert(!err);
	bytes = heap_bytes(heap, &size);
	err = record_print(field, &row, bytes, size, on_name, &names, &text);
	assert(!err);
	heap_free(heap);

	return text;
}


static void check_refusal(const struct record_field *field, struct text value,
			  const char *why)
{
	uint8_t row[ROW_MAX] __attribute__((aligned(8)));
	char again[RECORD_WHY_MAX];
	struct heap *heap;
	int err;

	assert(strncmp(why, field->name, strlen(field->name)) == 0);
	assert(strstr(why, "not allowed"));
	assert(text_is_printable(text_of(why)));

	err = heap_alloc(&heap);
	assert(!err);
	err = record_put(field, row, heap, value, NULL, NULL, again);
	assert(err == EINVAL);
	heap_free(heap);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct record_def *def;
	const struct record_field *field;
	char why[RECORD_WHY_MAX] = "", *canon, *again, *text;
	struct text value;
	int err;

	if (size < 2 || size - 2 > VALUE_MAX)
		return 0;
	def = &records[data[0] % RECORD_KINDC];
	field = &def->fields[data[1] % def->fieldc];
	value = (struct text){ (const char *)data + 2, size - 2 };

	err = record_check(field, value, &canon, why);
	if (err) {
		assert(err == EINVAL);
		check_refusal(field, value, why);
		return 0;
	}

	err = record_check(field, text_of(canon), &again, why);
	assert(!err);
	assert(strcmp(canon, again) == 0);
	free(again);

	text = put_and_print(field, value);
	if (field->type == RECORD_HA1 || field->type == RECORD_SEALED)
		assert(strcmp(text, canon[0] ? "set" : "none") == 0);
	else
		assert(strcmp(text, canon) == 0);
	free(text);
	free(canon);

	return 0;
}
