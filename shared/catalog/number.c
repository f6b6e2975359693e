/**
 * @file shared/catalog/number.c  Numbers, dial plans, number patterns
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/number.h"


static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}


bool number_has_char(char c)
{
	return is_alnum(c) || c == '*' || c == '#' || c == '_';
}


bool number_is_valid(struct text number)
{
	for (size_t i = 0; i < number.l; i++)
		if (!number_has_char(number.p[i]))
			return false;

	return number.l >= 1 && number.l <= CAT_NUMBER_MAX;
}


/* --- clean-up ------------------------------------------------------------- */

/* The next byte, decoded (RFC 3986 2.1); a '%' that starts no code is itself */
static char take_byte(struct text *t)
{
	char c = t->p[0];
	size_t taken = 1, len;
	uint8_t byte;

	if (c == '%' && t->l >= 3 &&
	    text_unhex(&byte, 1, &len, (struct text){ t->p + 1, 2 }) == 0) {
		c = (char)byte;
		taken = 3;
	}
	t->p += taken;
	t->l -= taken;

	return c;
}


static bool is_dropped(char c)
{
	static const char signs[] = { ' ', '\t', '-', '.', '(', ')' };

	return memchr(signs, c, sizeof(signs)) != NULL;
}


/* Whole characters, as many as have room; others than UTF-8 are '?' */
static void take_text(struct number *number, struct text t)
{
	number->is_valid = number_is_valid(t);
	number->len = 0;

	while (t.l > 0) {
		const size_t len = text_character(t);
		const size_t taken = len ? len : 1;

		if (number->len + taken > CAT_NUMBER_MAX)
			break;
		if (text_is_printable((struct text){ t.p, len }) && len > 0)
			memcpy(number->text + number->len, t.p, len);
		else
			memset(number->text + number->len, '?', taken);
		number->len = (uint8_t)(number->len + taken);
		t.p += taken;
		t.l -= taken;
	}
	number->text[number->len] = '\0';
}


void number_clean(struct number *number, struct text user)
{
	/* Room to see that it is too long, and for a character of 4 bytes
	 * across the cut */
	char kept[CAT_NUMBER_MAX + 4];
	bool has_plus = false;
	size_t len = 0;

	while (user.l > 0 && len < sizeof(kept)) {
		const char c = take_byte(&user);

		if (c == ';')
			break;
		if (is_dropped(c))
			continue;
		if (c == '+' && len == 0 && !has_plus)
			has_plus = true;
		else
			kept[len++] = c;
	}

	take_text(number, (struct text){ kept, len });
}


/* --- dial plans ----------------------------------------------------------- */

/* A text of the heap; false if it does not end in there */
static bool heap_has(struct text *t, const struct number_plan *plan,
		     cat_str str)
{
	const uint8_t *end;

	if (str == 0) {
		*t = (struct text){ .p = "", .l = 0 };
		return true;
	}
	if (str >= plan->heap_size)
		return false;
	end = memchr(plan->heap + str, '\0', plan->heap_size - str);
	if (!end)
		return false;

	*t = (struct text){ (const char *)plan->heap + str,
			    (size_t)(end - (plan->heap + str)) };

	return true;
}


static bool fits(struct text pattern, bool is_open, struct text number)
{
	if (is_open ? number.l < pattern.l : number.l != pattern.l)
		return false;

	for (size_t i = 0; i < pattern.l; i++)
		if (pattern.p[i] != '_' && pattern.p[i] != number.p[i])
			return false;

	return true;
}


static bool is_better(const struct cat_dial *row, struct text pattern,
		      const struct cat_dial *best, struct text best_pattern)
{
	if (!best || pattern.l != best_pattern.l)
		return !best || pattern.l > best_pattern.l;

	return best->open && !row->open;
}


static int put_text(char *dst, size_t size, const struct text parts[3])
{
	size_t len = 0;

	for (size_t i = 0; i < 3; i++)
		len += parts[i].l;
	if (len >= size)
		return EOVERFLOW;

	for (size_t i = 0; i < 3; i++) {
		if (parts[i].l > 0)
			memcpy(dst, parts[i].p, parts[i].l);
		dst += parts[i].l;
	}
	*dst = '\0';

	return 0;
}


/* The row that wins; NULL if none fits */
static const struct cat_dial *find_best(const struct number_plan *plan,
					struct text number,
					struct text *patternp,
					struct text *replacementp)
{
	const struct cat_dial *best = NULL;
	struct text pattern, replacement;

	for (size_t i = 0; i < plan->rowc; i++) {
		const struct cat_dial *row = &plan->rows[i];

		if (!heap_has(&pattern, plan, row->pattern) ||
		    !heap_has(&replacement, plan, row->replacement) ||
		    !fits(pattern, row->open, number) ||
		    !is_better(row, pattern, best, *patternp))
			continue;
		best = row;
		*patternp = pattern;
		*replacementp = replacement;
	}

	return best;
}


int number_rewrite(char *dst, size_t size, const struct number_plan *plan,
		   struct text number)
{
	struct text pattern = { 0 }, to = { 0 };
	const struct cat_dial *best = find_best(plan, number, &pattern, &to);
	struct text parts[3] = { number };

	if (best && best->rest_at > to.l) {
		parts[0] = to;
	}
	else if (best) {
		parts[0] = (struct text){ to.p, best->rest_at };
		parts[1] = (struct text){ number.p + pattern.l,
					  number.l - pattern.l };
		parts[2] = (struct text){ to.p + best->rest_at,
					  to.l - best->rest_at };
	}

	return put_text(dst, size, parts);
}


/* --- patterns ------------------------------------------------------------- */

static bool take_star(struct text *pattern)
{
	const bool has = pattern->l > 0 && pattern->p[pattern->l - 1] == '*';

	if (has)
		pattern->l--;

	return has;
}


bool number_pattern_is_valid(struct text pattern)
{
	const bool is_open = take_star(&pattern);

	for (size_t i = 0; i < pattern.l; i++) {
		const char c = pattern.p[i];

		if (c == '*' || (!number_has_char(c) && c != '+'))
			return false;
	}

	return (is_open || pattern.l > 0) && pattern.l <= CAT_NUMBER_MAX;
}


bool number_pattern_fits(struct text pattern, struct text number)
{
	const bool is_open = take_star(&pattern);

	if (is_open ? number.l < pattern.l : number.l != pattern.l)
		return false;

	return pattern.l == 0 || memcmp(pattern.p, number.p, pattern.l) == 0;
}
