/**
 * @file shared/catalog/record_print.c  From a row to an item, and to its text
 *
 * A row may lie in memory somebody else wrote: every offset and every index
 * is checked before it is followed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/record_form.h"

enum {
	OUT_FIRST = 64
};

/* --- text that grows ------------------------------------------------------ */

/* Room for the text and a NUL, doubling */
static int out_grow(struct record_out *out, size_t len)
{
	size_t size = out->size ? out->size : OUT_FIRST;
	char *p;

	while (size - 1 - out->len < len)
		if (__builtin_mul_overflow(size, 2, &size))
			return ENOMEM;
	if (out->p && size == out->size)
		return 0;

	p = realloc(out->p, size);
	if (!p)
		return ENOMEM;
	out->p = p;
	out->size = size;

	return 0;
}


void record_out_text(struct record_out *out, struct text t)
{
	if (!out->err)
		out->err = out_grow(out, t.l);
	if (out->err)
		return;

	if (t.l > 0)
		memcpy(out->p + out->len, t.p, t.l);
	out->len += t.l;
	out->p[out->len] = '\0';
}


static void out_word(struct record_out *out, const char *word)
{
	record_out_text(out, text_of(word));
}


__attribute__((format(printf, 2, 3))) static void out_print(
	struct record_out *out, const char *fmt, ...)
{
	char text[160]; /* numbers, hashes and words of ours */
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(text));
	record_out_text(out, (struct text){ text, (size_t)n });
}


int record_out_take(struct record_out *out, char **textp)
{
	record_out_text(out, (struct text){ 0 });
	if (out->err) {
		free(out->p);
		return out->err;
	}
	*textp = out->p;

	return 0;
}


/* --- items ---------------------------------------------------------------- */

typedef void(print_h)(struct record_out *out, const struct record_field *field,
		      const struct record_item *item);


static void print_text(struct record_out *out,
		       const struct record_field *field,
		       const struct record_item *item)
{
	(void)field;
	record_out_text(out, item->text);
}


static void print_or_none(struct record_out *out,
			  const struct record_field *field,
			  const struct record_item *item)
{
	(void)field;
	record_out_text(out, item->text.l ? item->text : text_of("none"));
}


static bool is_open(const struct record_field *field,
		    const struct record_item *item)
{
	return field->inherits && item->number == record_open_number(field);
}


static void print_int(struct record_out *out, const struct record_field *field,
		      const struct record_item *item)
{
	if (is_open(field, item))
		out_word(out, record_open_word(field));
	else if (field->words && item->number == 0)
		record_out_text(out, record_word(field, 0));
	else
		out_print(out, "%" PRId64, item->number);
}


static void print_switch(struct record_out *out,
			 const struct record_field *field,
			 const struct record_item *item)
{
	if (is_open(field, item))
		out_word(out, record_open_word(field));
	else
		out_word(out, item->number ? "On" : "Off");
}


static void print_enum(struct record_out *out,
		       const struct record_field *field,
		       const struct record_item *item)
{
	if (is_open(field, item))
		out_word(out, record_open_word(field));
	else
		record_out_text(out, record_word(field, item->number));
}


static void print_fixed(struct record_out *out, int64_t number,
			unsigned decimals)
{
	char text[32]; /* 20 digits, sign, point */

	if (text_print_fixed(text, sizeof(text), number, decimals) == 0)
		out_word(out, text);
}


static void print_money(struct record_out *out,
			const struct record_field *field,
			const struct record_item *item)
{
	if (is_open(field, item))
		out_word(out, record_open_word(field));
	else
		print_fixed(out, item->number, MONEY_DECIMALS);
}


static void print_percent(struct record_out *out,
			  const struct record_field *field,
			  const struct record_item *item)
{
	(void)field;
	print_fixed(out, item->number, PERCENT_DECIMALS);
}


static void print_cause(struct record_out *out,
			const struct record_field *field,
			const struct record_item *item)
{
	(void)field;
	out_print(out, "%" PRId32 "=%" PRId32, item->u.cause.from,
		  item->u.cause.to);
}


/* The date of a day since 1970. Years of 400 begin on 1 March here, so that
 * the leap day is their last and a month has no exception. */
static void date_of(int64_t day, int64_t *year, int *month, int *mday)
{
	enum {
		DAYS_400 = 146097,
		DAYS_100 = 36524,
		DAYS_4 = 1461
	};
	static const int lengths[] = { 31, 30, 31, 30, 31, 31,
				       30, 31, 30, 31, 31, 29 };
	int64_t left = day + 719468; /* since 0000-03-01 */
	int64_t n;
	int m = 0;

	*year = left / DAYS_400 * 400;
	left %= DAYS_400;
	n = left / DAYS_100 < 3 ? left / DAYS_100 : 3;
	*year += n * 100;
	left -= n * DAYS_100;
	*year += left / DAYS_4 * 4;
	left %= DAYS_4;
	n = left / 365 < 3 ? left / 365 : 3;
	*year += n;
	left -= n * 365;

	for (; left >= lengths[m]; m++)
		left -= lengths[m];
	*month = m < 10 ? m + 3 : m - 9;
	*year += *month <= 2;
	*mday = (int)left + 1;
}


static void print_time(struct record_out *out,
		       const struct record_field *field,
		       const struct record_item *item)
{
	int64_t year;
	int month, mday, second;

	if (is_open(field, item)) {
		out_word(out, record_open_word(field));
		return;
	}
	date_of(item->number / 86400, &year, &month, &mday);
	second = (int)(item->number % 86400);
	out_print(out, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ", year, month,
		  mday, second / 3600, second / 60 % 60, second % 60);
}


static const char *const days[] = { "mon", "tue", "wed", "thu",
				    "fri", "sat", "sun" };
#define DAYS_ALL 0x7fu


/* The one day that is set while the day before is not; all days begin on
 * Monday. -1: none, or more than one run */
static int first_day(unsigned bits)
{
	int first = -1;

	if (bits == DAYS_ALL)
		return 0;
	for (int i = 0; i < 7; i++) {
		if (!(bits >> i & 1) || (bits >> (i + 6) % 7 & 1))
			continue;
		if (first >= 0)
			return -1;
		first = i;
	}

	return first;
}


static void print_hours(struct record_out *out,
			const struct record_field *field,
			const struct record_item *item)
{
	const struct cat_hours *hours = &item->u.hours;
	const int first = first_day(hours->days);
	int last = first;
	(void)field;

	while ((last + 1) % 7 != first && hours->days >> (last + 1) % 7 & 1)
		last = (last + 1) % 7;
	out_word(out, days[first]);
	if (last != first)
		out_print(out, "-%s", days[last]);
	out_print(out, " %02d:%02d-%02d:%02d %" PRIu32, hours->from / 60,
		  hours->from % 60, hours->to / 60, hours->to % 60,
		  hours->lines);
}


static void print_source(struct record_out *out,
			 const struct record_field *field,
			 const struct record_item *item)
{
	const struct cat_source *source = &item->u.source;
	const struct prefix network = { source->addr, source->len };
	char text[ADDR_TEXT_MAX];
	(void)field;

	out_word(out, source->addr.port ? addr_print(&source->addr, text)
					: prefix_print(&network, text));
}


static void print_target(struct record_out *out,
			 const struct record_field *field,
			 const struct record_item *item)
{
	static const char *const transports[] = {
		[CAT_UDP] = "", [CAT_TCP] = ";tcp", [CAT_TLS] = ";tls"
	};
	const struct cat_target *target = &item->u.target;
	const bool is_ip6 = item->text.l > 0 &&
			    memchr(item->text.p, ':', item->text.l);
	(void)field;

	out_word(out, is_ip6 ? "[" : "");
	record_out_text(out, item->text);
	out_word(out, is_ip6 ? "]" : "");
	if (target->port)
		out_print(out, ":%u", target->port);
	out_word(out, transports[target->transport]);
}


static void print_dial(struct record_out *out,
		       const struct record_field *field,
		       const struct record_item *item)
{
	(void)field;
	record_out_text(out, item->text);
	out_word(out, item->u.dial.open ? "*=" : "=");
	record_out_text(out, item->second);
}


static void print_ha1(struct record_out *out, const struct record_field *field,
		      const struct record_item *item)
{
	char md5[2 * sizeof(item->u.ha1.md5) + 1];
	char sha256[2 * sizeof(item->u.ha1.sha256) + 1];
	(void)field;

	text_hex(md5, item->u.ha1.md5, sizeof(item->u.ha1.md5));
	text_hex(sha256, item->u.ha1.sha256, sizeof(item->u.ha1.sha256));
	record_out_text(out, item->text);
	out_print(out, "\t%s\t%s", md5, sha256);
}


void record_out_item(struct record_out *out, const struct record_field *field,
		     const struct record_item *item)
{
	/* clang-format off */
	static print_h *const handlers[RECORD_TYPEC] = {
		[RECORD_NAME]     = print_text,
		[RECORD_NUMBER]   = print_or_none,
		[RECORD_TEXT]     = print_text,
		[RECORD_HOST]     = print_text,
		[RECORD_INT]      = print_int,
		[RECORD_SWITCH]   = print_switch,
		[RECORD_ENUM]     = print_enum,
		[RECORD_MONEY]    = print_money,
		[RECORD_PERCENT]  = print_percent,
		[RECORD_REF]      = print_or_none,
		[RECORD_REFS]     = print_text,
		[RECORD_PREFIX]   = print_text,
		[RECORD_PREFIXES] = print_text,
		[RECORD_TEXTS]    = print_text,
		[RECORD_CODES]    = print_int,
		[RECORD_CAUSES]   = print_cause,
		[RECORD_PLAN]     = print_dial,
		[RECORD_SOURCES]  = print_source,
		[RECORD_TARGETS]  = print_target,
		[RECORD_CALENDAR] = print_hours,
		[RECORD_TIME]     = print_time,
		[RECORD_ENTRY]    = print_text,
		[RECORD_HA1]      = print_ha1,
		[RECORD_SEALED]   = print_text,
	};
	/* clang-format on */

	handlers[field->type](out, field, item);
}


/* --- from the row --------------------------------------------------------- */

struct load {
	const struct record_field *field;
	const uint8_t *heap;
	size_t heap_size;
	record_name_h *name;
	void *arg;
};

/** @param at A member, or an element of a list. @return 0, EBADMSG */
typedef int(load_h)(struct record_item *item, const struct load *load,
		    const void *at);


static int load_at(struct text *t, const struct load *load, cat_str str)
{
	const uint8_t *end;

	if (str == 0)
		return 0;
	if (str >= load->heap_size)
		return EBADMSG;
	end = memchr(load->heap + str, '\0', load->heap_size - str);
	if (!end)
		return EBADMSG;

	t->p = (const char *)load->heap + str;
	t->l = (size_t)(end - (load->heap + str));

	return 0;
}


static int load_str(struct record_item *item, const struct load *load,
		    const void *at)
{
	cat_str str;

	memcpy(&str, at, sizeof(str));

	return load_at(&item->text, load, str);
}


static int load_i32(struct record_item *item, const struct load *load,
		    const void *at)
{
	int32_t number;
	(void)load;

	memcpy(&number, at, sizeof(number));
	item->number = number;

	return 0;
}


static int load_i64(struct record_item *item, const struct load *load,
		    const void *at)
{
	(void)load;
	memcpy(&item->number, at, sizeof(item->number));

	return 0;
}


static int load_enum(struct record_item *item, const struct load *load,
		     const void *at)
{
	(void)load_i32(item, load, at);
	if (is_open(load->field, item))
		return 0;

	return item->number >= 0 &&
			       record_word(load->field, item->number).l > 0
		       ? 0
		       : EBADMSG;
}


/* Only what print_time() has four digits for */
static int load_time(struct record_item *item, const struct load *load,
		     const void *at)
{
	(void)load_i64(item, load, at);

	return is_open(load->field, item) ||
			       (item->number >= load->field->min &&
				item->number <= load->field->max)
		       ? 0
		       : EBADMSG;
}


static int load_ref(struct record_item *item, const struct load *load,
		    const void *at)
{
	const char *name;
	uint32_t id;

	memcpy(&id, at, sizeof(id));
	if (id == 0)
		return 0;
	if (!load->name) {
		(void)text_print(item->addr, sizeof(item->addr), "%" PRIu32,
				 id);
		item->text = text_of(item->addr);
		return 0;
	}

	name = load->name(load->field->ref, id, load->arg);
	if (!name)
		return EBADMSG;
	item->text = text_of(name);

	return 0;
}


static int load_prefix(struct record_item *item, const struct load *load,
		       const void *at)
{
	(void)load;
	item->text.p = at;
	item->text.l = strnlen(at, CAT_PREFIX_MAX);

	return 0;
}


static int load_cause(struct record_item *item, const struct load *load,
		      const void *at)
{
	(void)load;
	memcpy(&item->u.cause, at, sizeof(item->u.cause));

	return 0;
}


static int load_source(struct record_item *item, const struct load *load,
		       const void *at)
{
	struct cat_source *source = &item->u.source;
	(void)load;

	memcpy(source, at, sizeof(*source));

	switch (source->addr.family) {

	case AF_INET:
		return source->len <= 32 ? 0 : EBADMSG;

	case AF_INET6:
		return source->len <= 128 ? 0 : EBADMSG;

	default:
		return EBADMSG;
	}
}


static int load_target(struct record_item *item, const struct load *load,
		       const void *at)
{
	struct cat_target *target = &item->u.target;

	memcpy(target, at, sizeof(*target));
	if (target->transport > CAT_TLS)
		return EBADMSG;

	return load_at(&item->text, load, target->host);
}


static int load_hours(struct record_item *item, const struct load *load,
		      const void *at)
{
	struct cat_hours *hours = &item->u.hours;
	(void)load;

	memcpy(hours, at, sizeof(*hours));

	return hours->days <= DAYS_ALL && first_day(hours->days) >= 0 &&
			       hours->from <= 1440 && hours->to <= 1440
		       ? 0
		       : EBADMSG;
}


/* With the '*' in its place again, in room of the item */
static int load_dial(struct record_item *item, const struct load *load,
		     const void *at)
{
	struct cat_dial *dial = &item->u.dial;
	struct text t = { 0 };
	int err;

	memcpy(dial, at, sizeof(*dial));
	err = load_at(&item->text, load, dial->pattern);
	if (!err)
		err = load_at(&t, load, dial->replacement);
	if (err)
		return err;
	item->second = t;
	if (dial->rest_at == REST_NOWHERE)
		return 0;
	if (dial->rest_at > t.l || t.l + 1 > sizeof(item->addr))
		return EBADMSG;

	if (t.l > 0) {
		memcpy(item->addr, t.p, dial->rest_at);
		memcpy(item->addr + dial->rest_at + 1, t.p + dial->rest_at,
		       t.l - dial->rest_at);
	}
	item->addr[dial->rest_at] = '*';
	item->second = (struct text){ item->addr, t.l + 1 };

	return 0;
}


struct loader {
	load_h *h;
	size_t size; /**< Of an element of a list; 0: a single value */
};

/* clang-format off */
static const struct loader loaders[RECORD_TYPEC] = {
	[RECORD_NAME]     = { load_str, 0 },
	[RECORD_NUMBER]   = { load_str, 0 },
	[RECORD_TEXT]     = { load_str, 0 },
	[RECORD_HOST]     = { load_str, 0 },
	[RECORD_INT]      = { load_i32, 0 },
	[RECORD_SWITCH]   = { load_i32, 0 },
	[RECORD_ENUM]     = { load_enum, 0 },
	[RECORD_MONEY]    = { load_i64, 0 },
	[RECORD_PERCENT]  = { load_i32, 0 },
	[RECORD_REF]      = { load_ref, 0 },
	[RECORD_REFS]     = { load_ref, sizeof(uint32_t) },
	[RECORD_PREFIX]   = { load_prefix, 0 },
	[RECORD_PREFIXES] = { load_str, sizeof(cat_str) },
	[RECORD_TEXTS]    = { load_str, sizeof(cat_str) },
	[RECORD_CODES]    = { load_i32, sizeof(int32_t) },
	[RECORD_CAUSES]   = { load_cause, sizeof(struct cat_cause) },
	[RECORD_PLAN]     = { load_dial, sizeof(struct cat_dial) },
	[RECORD_SOURCES]  = { load_source, sizeof(struct cat_source) },
	[RECORD_TARGETS]  = { load_target, sizeof(struct cat_target) },
	[RECORD_CALENDAR] = { load_hours, sizeof(struct cat_hours) },
	[RECORD_TIME]     = { load_time, 0 },
	[RECORD_ENTRY]    = { load_str, 0 },
	[RECORD_HA1]      = { NULL, sizeof(struct cat_ha1) },
	[RECORD_SEALED]   = { NULL, 1 },
};
/* clang-format on */


size_t record_element_size(enum record_type type)
{
	return loaders[type].size;
}


/* Elements of a list; NULL if it has none. Spans of bytes need no place of
 * their own, others are aligned for what reads them in place. */
static int load_span(const uint8_t **p, size_t *countp,
		     const struct load *load, const void *at, size_t size)
{
	struct cat_span span;
	size_t len;

	memcpy(&span, at, sizeof(span));
	*countp = span.count;
	*p = NULL;
	if (span.count == 0)
		return 0;
	if (__builtin_mul_overflow((size_t)span.count, size, &len) ||
	    span.off % 8 != 0 || span.off > load->heap_size ||
	    len > load->heap_size - span.off)
		return EBADMSG;
	*p = load->heap + span.off;

	return 0;
}


static int print_one(struct record_out *out, const struct load *load,
		     const void *at)
{
	struct record_item item = { .number = 0 };
	int err;

	err = loaders[load->field->type].h(&item, load, at);
	if (!err)
		record_out_item(out, load->field, &item);

	return err ? err : out->err;
}


static int print_span(struct record_out *out, const struct load *load,
		      const void *at)
{
	const struct record_parser *parser =
		&record_parsers[load->field->type];
	const size_t size = loaders[load->field->type].size;
	const uint8_t *p;
	size_t count;
	int err;

	err = load_span(&p, &count, load, at, size);
	if (err)
		return err;
	if (parser->is_secret) {
		out_word(out, count > 0 ? "set" : "none");
		return out->err;
	}

	for (size_t i = 0; i < count && !err; i++) {
		if (i > 0)
			record_out_text(out, (struct text){ &parser->separator,
							    1 });
		err = print_one(out, load, p + i * size);
	}

	return err;
}


int record_print(const struct record_field *field, const void *row,
		 const uint8_t *heap, size_t heap_size, record_name_h *name,
		 void *arg, char **textp)
{
	const struct load load = { .field = field,
				   .heap = heap,
				   .heap_size = heap_size,
				   .name = name,
				   .arg = arg };
	const void *at = (const uint8_t *)row + field->offset;
	struct record_out out = { .p = NULL };
	int err;

	err = loaders[field->type].size ? print_span(&out, &load, at)
					: print_one(&out, &load, at);
	if (err) {
		free(out.p);
		return err;
	}

	return record_out_take(&out, textp);
}
