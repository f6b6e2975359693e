/**
 * @file billingd/args.c  Arguments and answers between JSON and text
 */
#include <string.h>

#include "billingd/args.h"
#include "shared/svc/admin.h"
#include "shared/base/text.h"


const char *args_text(const json_t *value, char buf[ARGS_NUMBER_MAX])
{
	switch ((int)json_typeof(value)) {

	case JSON_STRING:
		return json_string_value(value);

	case JSON_TRUE:
		return "On";

	case JSON_FALSE:
		return "Off";

	case JSON_NULL:
		return "None";

	case JSON_INTEGER:
		(void)text_print(buf, ARGS_NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
		return buf;

	default: /* a real would be a rounded one */
		return NULL;
	}
}


const char *args_get(const json_t *args, const char *name,
		     char buf[ARGS_NUMBER_MAX])
{
	const json_t *value = json_object_get(args, name);

	return value ? args_text(value, buf) : NULL;
}


size_t args_limit(const json_t *args, size_t usual, size_t most,
		  struct admin_answer *answer)
{
	const json_t *wanted = json_object_get(args, "limit");
	char buf[ARGS_NUMBER_MAX];
	const char *text = wanted ? args_text(wanted, buf) : NULL;
	uint32_t limit;

	if (!wanted)
		return usual;
	if (text && !text_u32(&limit, text_of(text), 1, (uint32_t)most))
		return limit;
	(void)admin_refuse(answer, "invalid_value", "limit: not within 1-%zu",
			   most);

	return 0;
}


json_t *args_json(const struct record_field *field, const char *canonical)
{
	int64_t number;

	switch ((int)field->type) {

	case RECORD_INT:
		if (text_i64(&number, text_of(canonical), INT64_MIN,
			     INT64_MAX) == 0)
			return json_integer(number);
		break;

	case RECORD_SWITCH:
		return strcmp(canonical, "inherit") == 0
			       ? json_string(canonical)
			       : json_boolean(strcmp(canonical, "On") == 0);

	case RECORD_REF:
	case RECORD_TIME:
		if (strcmp(canonical, "none") == 0)
			return json_null();
		break;

	default:
		break;
	}

	return json_string(canonical);
}
