/**
 * @file shared/catalog/record_check.c  Is a value allowed, and how is it said
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/record_form.h"

enum {
	SHOWN_MAX = 64
};

/* --- words ---------------------------------------------------------------- */

const char *record_open_word(const struct record_field *field)
{
	if (field->type == RECORD_MONEY)
		return "unlimited";
	if (field->type == RECORD_TIME)
		return "none";

	return "inherit";
}


int64_t record_open_number(const struct record_field *field)
{
	return field->type == RECORD_MONEY || field->type == RECORD_TIME
		       ? CAT_NEVER
		       : CAT_INHERIT;
}


struct text record_word(const struct record_field *field, int64_t n)
{
	struct text word, rest = text_of(field->words);

	do {
		(void)text_cut(rest, ' ', &word, &rest);
	} while (n-- > 0 && word.l > 0);

	return word;
}


/* --- what is allowed ------------------------------------------------------ */

static void append(char *dst, size_t size, struct text t)
{
	const size_t len = strlen(dst);

	(void)text_print(dst + len, size - len, "%s%.*s", len ? ", " : "",
			 (int)t.l, t.p);
}


static void append_words(char *dst, size_t size,
			 const struct record_field *field)
{
	for (int64_t i = 0; record_word(field, i).l > 0; i++)
		append(dst, size, record_word(field, i));
}


/* What a type's own row does not say: it follows from the field's */
static void append_range(char *dst, size_t size,
			 const struct record_field *field)
{
	char text[SHOWN_MAX] = "";
	int64_t unit = 1;

	switch ((int)field->type) {

	case RECORD_MONEY:
		unit = 1000000;
		break;

	case RECORD_PERCENT:
		unit = 10000;
		break;

	default:
		break;
	}

	(void)text_print(text, sizeof(text), "%" PRId64 "-%" PRId64 "%s",
			 field->min / unit, field->max / unit,
			 field->type == RECORD_MONEY ? " with up to 6 decimals"
			 : field->type == RECORD_PERCENT
				 ? " with up to 4 decimals"
			 : field->type == RECORD_TEXT ? " bytes"
						      : "");
	append(dst, size, text_of(text));
}


static void append_form(char *dst, size_t size,
			const struct record_field *field)
{
	char text[SHOWN_MAX];

	switch ((int)field->type) {

	case RECORD_SWITCH:
		append(dst, size, text_of("On, Off"));
		break;

	case RECORD_HOST:
		if (!field->words && field->min == 0)
			append(dst, size, text_of("empty"));
		append(dst, size,
		       text_of(field->words ? "an address"
					    : "a host name or an address"));
		break;

	case RECORD_TIME:
		append(dst, size, text_of("like 2026-01-31T08:00:00Z"));
		break;

	case RECORD_REF:
		if (field->min == 0)
			append(dst, size, text_of("none"));
		(void)text_print(text, sizeof(text), "name of %s %s",
				 strchr("aeiou", records[field->ref].title[0])
					 ? "an"
					 : "a",
				 records[field->ref].title);
		append(dst, size, text_of(text));
		break;

	case RECORD_REFS:
		(void)text_print(text, sizeof(text), "names of %ss",
				 records[field->ref].title);
		append(dst, size, text_of(text));
		break;

	case RECORD_ENUM:
		break;

	default:
		append_range(dst, size, field);
		break;
	}
}


void record_allowed(const struct record_field *field,
		    char allowed[RECORD_ALLOWED_MAX])
{
	allowed[0] = '\0';
	if (field->inherits)
		append(allowed, RECORD_ALLOWED_MAX,
		       text_of(record_open_word(field)));
	if (field->type == RECORD_NUMBER && field->min == 0)
		append(allowed, RECORD_ALLOWED_MAX, text_of("none"));
	append_words(allowed, RECORD_ALLOWED_MAX, field);

	if (record_parsers[field->type].allowed)
		append(allowed, RECORD_ALLOWED_MAX,
		       text_of(record_parsers[field->type].allowed));
	else
		append_form(allowed, RECORD_ALLOWED_MAX, field);
}


static bool has_range(const struct record_field *field)
{
	return field->type == RECORD_INT || field->type == RECORD_MONEY ||
	       field->type == RECORD_PERCENT || field->type == RECORD_TEXT;
}


/* --- refusals ------------------------------------------------------------- */

/* The start of a value, without what would harm a terminal or a log */
static void show(char dst[SHOWN_MAX], struct text value)
{
	size_t len = 0;

	if (value.l == 0)
		(void)text_copy(dst, SHOWN_MAX, text_of("an empty value"));

	while (value.l > 0) {
		const size_t known = text_character(value);
		const size_t taken = known ? known : 1;

		if (len + taken > SHOWN_MAX - sizeof("...")) {
			memcpy(dst + len, "...", sizeof("..."));
			return;
		}
		if (known &&
		    text_is_printable((struct text){ value.p, known }))
			memcpy(dst + len, value.p, taken);
		else
			memset(dst + len, '?', taken);
		len += taken;
		value.p += taken;
		value.l -= taken;
		dst[len] = '\0';
	}
}


int record_refuse(const struct record_field *field, struct text value, int err,
		  char why[RECORD_WHY_MAX])
{
	char allowed[RECORD_ALLOWED_MAX] = "", shown[SHOWN_MAX];

	if (record_parsers[field->type].is_secret)
		(void)text_copy(shown, sizeof(shown), text_of("this value"));
	else
		show(shown, value);
	/* Whoever is out of a range wants to know that. */
	if (err == ERANGE && has_range(field))
		append_range(allowed, sizeof(allowed), field);
	else
		record_allowed(field, allowed);
	(void)text_print(why, RECORD_WHY_MAX, "%s: %s is not allowed (%s)",
			 field->name, shown, allowed);

	return EINVAL;
}


static int refuse_count(const struct record_field *field, const char *what,
			uint64_t most, char why[RECORD_WHY_MAX])
{
	(void)text_print(why, RECORD_WHY_MAX,
			 "%s: more than %" PRIu64 " %s are not allowed",
			 field->name, most, what);

	return EINVAL;
}


/* --- taking apart --------------------------------------------------------- */

static int each_element(const struct record_field *field, struct text value,
			record_item_h *h, void *arg, char why[RECORD_WHY_MAX])
{
	const struct record_parser *parser = &record_parsers[field->type];
	struct text element, rest = value;
	int64_t count = 0;
	bool more;
	int err;

	do {
		struct record_item item = { .number = 0 };

		more = text_cut(rest, parser->separator, &element, &rest);
		element = text_trim(element);
		if (++count > field->max)
			return refuse_count(field, "elements",
					    (uint64_t)field->max, why);
		err = parser->h(&item, field, element);
		if (err)
			return record_refuse(field, element, err, why);
		err = h(&item, arg);
	} while (more && !err);

	return err;
}


/* No text is a list without elements, unless an element may be no text. */
static bool is_no_list(const struct record_field *field, struct text value)
{
	const struct record_parser *parser = &record_parsers[field->type];

	if (value.l == 0)
		return field->type != RECORD_PREFIXES;

	return parser->none && text_is_nocase(value, parser->none);
}


int record_each(const struct record_field *field, struct text value,
		record_item_h *h, void *arg, char why[RECORD_WHY_MAX])
{
	const struct record_parser *parser = &record_parsers[field->type];
	struct record_item item = { .number = 0 };
	int err;

	if (value.l > RECORD_VALUE_MAX)
		return refuse_count(field, "bytes", RECORD_VALUE_MAX, why);

	value = text_trim(value);
	if (parser->separator)
		return is_no_list(field, value)
			       ? 0
			       : each_element(field, value, h, arg, why);

	err = parser->h(&item, field, value);
	if (err)
		return record_refuse(field, value, err, why);

	return h(&item, arg);
}


/* --- check ---------------------------------------------------------------- */

struct check {
	const struct record_field *field;
	struct record_out out;
	size_t itemc;
};


static int print_item(const struct record_item *item, void *arg)
{
	struct check *check = arg;
	const char separator = record_parsers[check->field->type].separator;

	if (check->itemc++ > 0)
		record_out_text(&check->out, (struct text){ &separator, 1 });
	record_out_item(&check->out, check->field, item);

	return check->out.err;
}


int record_check(const struct record_field *field, struct text value,
		 char **canonp, char why[RECORD_WHY_MAX])
{
	struct check check = { .field = field };
	char *canon;
	int err;

	err = record_each(field, value, print_item, &check, why);
	if (err) {
		free(check.out.p);
		return err;
	}
	err = record_out_take(&check.out, &canon);
	if (err)
		return err;

	if (canonp)
		*canonp = canon;
	else
		free(canon);

	return 0;
}
