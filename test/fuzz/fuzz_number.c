/**
 * @file test/fuzz/fuzz_number.c  Any number through any dial plan
 *
 * A line is a user part, the rest a dial plan. What the clean-up leaves can be
 * shown, and a number it calls valid stays as it is. What the plan makes of it
 * is what a slow reading of the plan's text makes of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/heap.h"
#include "shared/catalog/number.h"
#include "shared/catalog/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PLAN_MAX = 4096
};


static void check_clean(const struct number *number)
{
	const struct text t = text_of(number->text);
	struct number again;

	assert(t.l == number->len && t.l <= CAT_NUMBER_MAX);
	assert(text_is_printable(t));
	if (!number->is_valid)
		return;
	assert(number_is_valid(t));
	number_clean(&again, t);
	assert(again.is_valid && strcmp(again.text, number->text) == 0);
}


/* How well "00*" or "0_1" fits; -1: not at all. A character is worth more
 * than to be exact. */
static int score(struct text pattern, struct text number)
{
	const int is_exact = pattern.p[pattern.l - 1] != '*';
	const size_t len = pattern.l - (is_exact ? 0 : 1);

	if (number.l < len || (is_exact && number.l != len))
		return -1;
	for (size_t i = 0; i < len; i++)
		if (pattern.p[i] != '_' && pattern.p[i] != number.p[i])
			return -1;

	return (int)(2 * len) + is_exact;
}


static void expect(char dst[PLAN_MAX], struct text plan, struct text number)
{
	struct text row, pattern, replacement, best = { 0 }, head, rest, tail;
	int most = -1;

	while (plan.l > 0) {
		(void)text_cut(plan, ',', &row, &plan);
		(void)text_cut(row, '=', &pattern, &replacement);
		if (score(pattern, number) <= most)
			continue;
		most = score(pattern, number);
		best = replacement;
	}
	if (most < 0) {
		(void)text_copy(dst, PLAN_MAX, number);
		return;
	}

	tail = number;
	tail.p += most / 2;
	tail.l -= (size_t)most / 2;
	if (!text_cut(best, '*', &head, &rest))
		tail.l = 0;
	(void)text_print(dst, PLAN_MAX, "%.*s%.*s%.*s", (int)head.l, head.p,
			 (int)tail.l, tail.p, (int)rest.l, rest.p);
}


static void check_plan(const struct record_field *field, struct text canon,
		       struct text number)
{
	static struct cat_routing row;
	char why[RECORD_WHY_MAX], dst[CAT_NUMBER_MAX + 1], want[PLAN_MAX];
	struct number_plan plan;
	struct heap *heap;
	int err;

	err = heap_alloc(&heap);
	assert(!err);
	err = record_put(field, &row, heap, canon, NULL, NULL, why);
	assert(!err);
	plan.heap = heap_bytes(heap, &plan.heap_size);
	plan.rows = (const void *)(plan.heap + row.gw.callee_rules.off);
	plan.rowc = row.gw.callee_rules.count;

	err = number_rewrite(dst, sizeof(dst), &plan, number);
	expect(want, canon, number);
	if (err)
		assert(err == EOVERFLOW && strlen(want) > CAT_NUMBER_MAX);
	else
		assert(strcmp(dst, want) == 0);
	heap_free(heap);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct record_field *field =
		record_field_find(RECORD_ROUTING, text_of("callee_rules"));
	struct text user, plan;
	struct number number;
	char why[RECORD_WHY_MAX], *canon;

	if (size > PLAN_MAX)
		return 0;
	(void)text_cut((struct text){ (const char *)data, size }, '\n', &user,
		       &plan);
	number_clean(&number, user);
	check_clean(&number);
	if (number_pattern_is_valid(user))
		assert(number_pattern_fits(user, user));

	assert(field);
	if (record_check(field, plan, &canon, why))
		return 0;
	check_plan(field, text_of(canon), text_of(number.text));
	free(canon);

	return 0;
}
