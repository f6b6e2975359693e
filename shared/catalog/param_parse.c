/**
 * @file shared/catalog/param_parse.c  Text becomes a value, or is refused
 *
 * A function per type brings the text into canonical form in a work area on
 * the stack; what comes out is copied into one block. A refusal names what is
 * wrong and what is allowed: the element of a list if it is one, else the
 * whole.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/base/addr.h"
#include "shared/base/util.h"
#include "shared/catalog/param.h"
#include "shared/catalog/rows.h"

enum {
	MICROS = 6,      /* Decimals of DECIMAL and MONEY as numbers */
	MILLIS = 3,      /* Of SECONDS */
	NUMBER_MAX = 32, /* Bytes of a number as text */
	LABEL_MAX = 63,  /* RFC 1035 2.3.4 */
	SHOWN_MAX = 64,  /* Bytes of a refused value that are shown */
};

struct work {
	const struct param_def *def;
	struct text bad; /**< What is to blame */
	bool is_unset;
	int64_t number;
	int64_t second;
	int64_t numbers[PARAM_LIST_MAX];
	struct text elements[PARAM_LIST_MAX]; /**< In canon */
	size_t count;
	size_t canon_len;
	char canon[PARAM_TEXT_MAX + 1];
};

typedef int(parse_h)(struct work *work, struct text t);
typedef int(element_h)(struct work *work, struct text element);


/* --- canonical text ------------------------------------------------------- */

static int put(struct work *work, struct text t)
{
	if (text_copy(work->canon + work->canon_len,
		      sizeof(work->canon) - work->canon_len, t))
		return EINVAL;
	work->canon_len += t.l;

	return 0;
}


static int put_fixed(struct work *work, int64_t v, unsigned decimals)
{
	char number[NUMBER_MAX];

	return text_print_fixed(number, sizeof(number), v, decimals)
		       ? EINVAL
		       : put(work, text_of(number));
}


/* --- words ---------------------------------------------------------------- */

/* "shown|also|also": the word that is shown if t is any of them */
static bool word_is(struct text word, struct text t, struct text *shown)
{
	struct text form;
	bool more;

	(void)text_cut(word, '|', shown, &form);
	do {
		more = text_cut(word, '|', &form, &word);
		if (form.l == t.l && strncasecmp(form.p, t.p, t.l) == 0)
			return true;
	} while (more);

	return false;
}


static bool word_find(const char *words, struct text t, int64_t *indexp,
		      struct text *shown)
{
	struct text rest = text_of(words), word;

	for (int64_t i = 0; rest.l > 0 && t.l > 0; i++) {
		(void)text_cut(rest, ' ', &word, &rest);
		if (word_is(word, t, shown)) {
			*indexp = i;
			return true;
		}
	}

	return false;
}


/* --- one thing ------------------------------------------------------------ */

static int parse_enum(struct work *work, struct text t)
{
	struct text shown;

	if (!word_find(work->def->words, t, &work->number, &shown))
		return EINVAL;

	return put(work, shown);
}


/* A word beside a range: a number, or that there is none */
static int parse_word(struct work *work, struct text t)
{
	struct text shown;
	int64_t index;

	if (!word_find(work->def->words, t, &index, &shown))
		return EINVAL;

	work->is_unset = text_i64(&work->number, shown, 0, INT64_MAX) != 0;

	return put(work, shown);
}


static int parse_number(struct work *work, struct text t, unsigned decimals)
{
	const struct param_def *def = work->def;
	char number[NUMBER_MAX];
	int64_t v;

	if (text_fixed(&v, t, def->decimals, INT64_MIN, INT64_MAX))
		return parse_word(work, t);
	for (unsigned i = def->decimals; i < decimals; i++)
		if (__builtin_mul_overflow(v, 10, &v))
			return EINVAL;

	if (v >= def->min && v <= def->max) {
		work->number = v;
		return put_fixed(work, v, decimals);
	}
	/* "00" is the word "0" */
	if (text_print_fixed(number, sizeof(number), v, decimals))
		return EINVAL;

	return parse_word(work, text_of(number));
}


static int parse_int(struct work *work, struct text t)
{
	return parse_number(work, t, 0);
}


static int parse_micros(struct work *work, struct text t)
{
	return parse_number(work, t, MICROS);
}


static bool switch_find(struct work *work, struct text t)
{
	static const char forms[] = "0|off|false 1|on|true";
	struct text shown;

	return word_find(forms, t, &work->number, &shown);
}


static int parse_switch(struct work *work, struct text t)
{
	if (!switch_find(work, t))
		return EINVAL;

	return put(work, text_of(work->number ? "On" : "Off"));
}


static int parse_switch01(struct work *work, struct text t)
{
	if (!switch_find(work, t))
		return EINVAL;

	return put(work, text_of(work->number ? "1" : "0"));
}


static int parse_pair(struct work *work, struct text t)
{
	const struct param_def *def = work->def;
	struct text a, b;

	if (!text_cut(t, '/', &a, &b) ||
	    text_i64(&work->number, text_trim(a), def->min, def->max) ||
	    text_i64(&work->second, text_trim(b), def->min, def->max) ||
	    work->second - work->number + 1 < def->span)
		return EINVAL;

	return put_fixed(work, work->number, 0) || put(work, text_of("/")) ||
			       put_fixed(work, work->second, 0)
		       ? EINVAL
		       : 0;
}


/* --- text ----------------------------------------------------------------- */

static bool has_length(const struct param_def *def, struct text t)
{
	return (int64_t)t.l >= def->min && (int64_t)t.l <= def->max;
}


static int parse_text(struct work *work, struct text t)
{
	if (!has_length(work->def, t) || !text_is_printable(t))
		return EINVAL;

	return put(work, t);
}


/* RFC 1123 2.1; "_" too, which names of services have */
static bool is_label(struct text label)
{
	if (label.l == 0 || label.l > LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.l - 1] == '-')
		return false;

	for (size_t i = 0; i < label.l; i++)
		if (!isalnum((unsigned char)label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_')
			return false;

	return true;
}


static size_t digits_of(struct text t)
{
	size_t n = 0;

	while (n < t.l && isdigit((unsigned char)t.p[n]))
		n++;

	return n;
}


static bool is_host_name(struct text t)
{
	struct text label;
	bool more;

	do {
		more = text_cut(t, '.', &label, &t);
		if (!is_label(label))
			return false;
	} while (more);

	/* The last label of a name is never a number: that is an address. */
	return digits_of(label) < label.l;
}


static int parse_host(struct work *work, struct text t)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (!has_length(work->def, t))
		return EINVAL;
	if (t.l == 0 || is_host_name(t))
		return put(work, t);

	/* A zone names an interface of one machine: no host for others */
	if (memchr(t.p, '%', t.l) || addr_parse(&addr, t) || addr.port)
		return EINVAL;

	return put(work, text_of(addr_print(&addr, text)));
}


/* --- lists ---------------------------------------------------------------- */

static int parse_list(struct work *work, struct text t, element_h *element)
{
	const struct text whole = t;
	struct text part;
	bool more;

	do {
		size_t start;

		more = text_cut(t, ',', &part, &t);
		part = text_trim(part);
		if (work->count == work->def->list_max) {
			work->bad = whole;
			return EINVAL;
		}
		if (work->count > 0 && put(work, text_of(",")))
			return EINVAL;

		work->bad = part.l > 0 ? part : whole;
		start = work->canon_len;
		if (element(work, part))
			return EINVAL;
		work->elements[work->count++] = (struct text){
			.p = work->canon + start, .l = work->canon_len - start
		};
	} while (more);

	return 0;
}


static int seconds_element(struct work *work, struct text t)
{
	const struct param_def *def = work->def;
	int64_t *ms = &work->numbers[work->count];

	if (text_fixed(ms, t, MILLIS, def->min, def->max))
		return EINVAL;

	return put_fixed(work, *ms, MILLIS);
}


static int parse_seconds(struct work *work, struct text t)
{
	return parse_list(work, t, seconds_element);
}


/* Digits, then "*" if more may follow */
static int pattern_element(struct work *work, struct text t)
{
	const size_t digits = digits_of(t);

	if (t.l == 0 || (int64_t)digits > work->def->max ||
	    (digits != t.l && (digits != t.l - 1 || t.p[digits] != '*')))
		return EINVAL;

	return put(work, t);
}


static int parse_patterns(struct work *work, struct text t)
{
	return t.l == 0 ? 0 : parse_list(work, t, pattern_element);
}


static int text_element(struct work *work, struct text t)
{
	return parse_text(work, t);
}


static int parse_texts(struct work *work, struct text t)
{
	return t.l == 0 ? 0 : parse_list(work, t, text_element);
}


/* --- the whole ------------------------------------------------------------ */

static parse_h *const parsers[] = {
	[PARAM_INT] = parse_int,           [PARAM_SWITCH] = parse_switch,
	[PARAM_SWITCH01] = parse_switch01, [PARAM_ENUM] = parse_enum,
	[PARAM_DECIMAL] = parse_micros,    [PARAM_MONEY] = parse_micros,
	[PARAM_TEXT] = parse_text,         [PARAM_HOST] = parse_host,
	[PARAM_PAIR] = parse_pair,         [PARAM_SECONDS] = parse_seconds,
	[PARAM_PATTERNS] = parse_patterns, [PARAM_TEXTS] = parse_texts,
};


/* What is shown goes to a terminal and into a log: no control, no half of a
 * character. */
static int refuse(const struct param_def *def, struct text bad,
		  char why[PARAM_WHY_MAX])
{
	char shown[SHOWN_MAX + 1];
	size_t l = bad.l < SHOWN_MAX ? bad.l : SHOWN_MAX;

	for (size_t i = 0; i < l; i++) {
		shown[i] = bad.p[i];
		if (shown[i] < 0x20 || shown[i] >= 0x7f)
			shown[i] = '?';
	}
	shown[l] = '\0';

	(void)text_print(why, PARAM_WHY_MAX, "%s: %s%s is not allowed (%s)",
			 def->name, l ? shown : "an empty value",
			 l < bad.l ? "..." : "", def->allowed);

	return EINVAL;
}


static char *copy(char *to, struct text t)
{
	(void)text_copy(to, t.l + 1, t);

	return to + t.l + 1;
}


/* The value, its numbers, its pointers to texts, the texts: most aligned
 * first, one block */
static int value_alloc(struct param_value **valuep, const struct work *work)
{
	const bool has_numbers = work->def->type == PARAM_SECONDS;
	const size_t numberc = has_numbers ? work->count : 0;
	const size_t textc = has_numbers ? 0 : work->count;
	struct param_value *value;
	const char **texts;
	int64_t *numbers;
	char *p;

	/* The texts of the elements are no longer than the whole. */
	value = calloc(1, sizeof(*value) + numberc * sizeof(*numbers) +
				  textc * sizeof(*texts) +
				  2 * (work->canon_len + 1));
	if (!value)
		return ENOMEM;

	numbers = (int64_t *)(void *)(value + 1);
	texts = (const char **)(void *)(numbers + numberc);
	p = (char *)(texts + textc);

	value->is_set = !work->is_unset;
	value->number = work->is_unset ? 0 : work->number;
	value->second = work->second;
	value->count = work->count;
	value->text = p;
	p = copy(p, (struct text){ work->canon, work->canon_len });
	if (numberc > 0) {
		memcpy(numbers, work->numbers, numberc * sizeof(*numbers));
		value->numbers = numbers;
	}
	for (size_t i = 0; i < textc; i++) {
		texts[i] = p;
		p = copy(p, work->elements[i]);
	}
	if (textc > 0)
		value->texts = texts;
	*valuep = value;

	return 0;
}


int param_parse(struct param_value **valuep, enum param param,
		struct text text, char why[PARAM_WHY_MAX])
{
	const struct param_def *def = &params[param];
	struct work work = { .def = def };

	/* The blanks of a text are its own. */
	if (def->type != PARAM_TEXT)
		text = text_trim(text);
	work.bad = text;

	if (text.l > PARAM_TEXT_MAX || parsers[def->type](&work, text))
		return refuse(def, work.bad, why);

	return value_alloc(valuep, &work);
}
