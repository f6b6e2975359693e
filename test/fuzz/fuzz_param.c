/**
 * @file test/fuzz/fuzz_param.c  Any text as a parameter's value
 *
 * The first byte names the parameter, the rest is typed. What is taken is
 * shown in a form that is taken as the same value; what is refused is refused
 * by name, in words that can be printed.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void assert_same(const struct param_value *a,
			const struct param_value *b)
{
	assert(strcmp(a->text, b->text) == 0);
	assert(a->is_set == b->is_set);
	assert(a->number == b->number && a->second == b->second);
	assert(a->count == b->count);
	assert(!a->numbers == !b->numbers && !a->texts == !b->texts);
	for (size_t i = 0; i < a->count; i++) {
		assert(!a->numbers || a->numbers[i] == b->numbers[i]);
		assert(!a->texts || strcmp(a->texts[i], b->texts[i]) == 0);
	}
}


static void assert_in_range(const struct param_def *def,
			    const struct param_value *value)
{
	switch (def->type) {
	case PARAM_PAIR:
		assert(value->number >= def->min &&
		       value->second <= def->max &&
		       value->number <= value->second);
		break;
	case PARAM_SECONDS:
		assert(value->count >= 1 && value->count <= def->list_max);
		for (size_t i = 0; i < value->count; i++)
			assert(value->numbers[i] >= def->min &&
			       value->numbers[i] <= def->max);
		break;
	case PARAM_INT:
	case PARAM_DECIMAL:
	case PARAM_MONEY:
		assert(value->number == 0 || (value->number >= def->min &&
					      value->number <= def->max));
		break;
	case PARAM_SWITCH:
	case PARAM_SWITCH01:
	case PARAM_ENUM:
	case PARAM_TEXT:
	case PARAM_HOST:
	case PARAM_PATTERNS:
	case PARAM_TEXTS:
		assert(text_is_printable(text_of(value->text)));
		break;
	}
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct param_value *value = NULL, *again = NULL;
	char why[PARAM_WHY_MAX];
	const struct param_def *def;
	enum param param;

	if (size == 0)
		return 0;

	param = (enum param)(data[0] % PARAMC);
	def = &params[param];
	if (param_parse(&value, param,
			(struct text){ (const char *)data + 1, size - 1 },
			why)) {
		assert(strncmp(why, def->name, strlen(def->name)) == 0);
		assert(strstr(why, def->allowed));
		assert(text_is_printable(text_of(why)));
		return 0;
	}

	assert_in_range(def, value);
	if (param_parse(&again, param, text_of(value->text), why))
		abort();
	assert_same(value, again);
	free(value);
	free(again);

	return 0;
}
