/**
 * @file test/unit/catalog/record_rig.c  A row that is being made
 */
#include "test/support/t.h"
#include "test/unit/catalog/record_rig.h"

const char *const record_type_names[RECORD_TYPEC] = {
	[RECORD_NAME] = "name",         [RECORD_NUMBER] = "number",
	[RECORD_TEXT] = "text",         [RECORD_HOST] = "host",
	[RECORD_INT] = "int",           [RECORD_SWITCH] = "switch",
	[RECORD_ENUM] = "enum",         [RECORD_MONEY] = "money",
	[RECORD_PERCENT] = "percent",   [RECORD_REF] = "ref",
	[RECORD_REFS] = "refs",         [RECORD_PREFIX] = "prefix",
	[RECORD_PREFIXES] = "prefixes", [RECORD_TEXTS] = "texts",
	[RECORD_CODES] = "codes",       [RECORD_CAUSES] = "causes",
	[RECORD_PLAN] = "plan",         [RECORD_SOURCES] = "sources",
	[RECORD_TARGETS] = "targets",   [RECORD_CALENDAR] = "calendar",
	[RECORD_TIME] = "time",         [RECORD_ENTRY] = "entry",
	[RECORD_HA1] = "ha1",           [RECORD_SEALED] = "sealed",
};


int made_setup(void **state)
{
	struct made *made = calloc(1, sizeof(*made));

	*state = made;

	return made ? heap_alloc(&made->heap) : ENOMEM;
}


int made_teardown(void **state)
{
	struct made *made = *state;

	heap_free(made->heap);
	free(made);

	return 0;
}


const struct record_field *field_of(enum record_kind kind, const char *name)
{
	const struct record_field *field = record_field_find(kind,
							     text_of(name));

	if (!field)
		fail_msg("no field %s", name);

	return field;
}


static uint32_t resolve(enum record_kind kind, struct text name, void *arg)
{
	(void)kind;
	(void)arg;

	return text_is(name, "alpha")   ? 7
	       : text_is(name, "beta")  ? 8
	       : text_is(name, "gamma") ? 9
					: 0;
}


static const char *name_of(enum record_kind kind, uint32_t id, void *arg)
{
	static const char *const names[] = { "alpha", "beta", "gamma" };
	(void)kind;
	(void)arg;

	return id >= 7 && id <= 9 ? names[id - 7] : NULL;
}


int made_put(struct made *made, const struct record_field *field,
	     const char *text, char why[RECORD_WHY_MAX])
{
	return record_put(field, &made->row, made->heap, text_of(text),
			  resolve, NULL, why);
}


int made_print(struct made *made, const struct record_field *field,
	       char **textp)
{
	size_t size;
	const uint8_t *heap = heap_bytes(made->heap, &size);

	return record_print(field, &made->row, heap, size, name_of, NULL,
			    textp);
}
