/**
 * @file shared/base/log_value.c  What stands in a line of log, and its bounds
 *
 * The conversions of nearly all lines are printed here; the rest go through
 * snprintf(), one at a time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "shared/base/log_line.h"
#include "shared/base/log_value.h"

enum {
	PRINTED_MAX = 512, /**< Of a conversion that is not printed here */
	SPEC_MAX = 48,     /**< What such a one looks like */
	STARS = 2 * TEXT_DECIMAL_MAX, /**< What its "*" become, at most */
};

/** "%", flags, width and precision, size, letter */
struct conversion {
	const char *size; /**< Where flags, width and precision end */
	const char *end;  /**< Behind it */
	char letter;      /**< '\0': none that is known */
	bool is_bare;     /**< No flags, width or precision */
	bool is_twice;    /**< "hh" or "ll" */
};


bool log_put(struct log_out *out, const char *p, size_t l)
{
	if (out->l + l > out->end) {
		out->cut = true;
		return false;
	}
	memcpy(out->p + out->l, p, l);
	out->l += l;

	return true;
}


/* Of ASCII, and to be put as it is */
static size_t plain_run(struct text t)
{
	size_t n = 0;

	while (n < t.l && t.p[n] >= 0x20 && t.p[n] < 0x7f && t.p[n] != '"' &&
	       t.p[n] != '\\')
		n++;

	return n;
}


static bool is_plain(struct text t)
{
	for (size_t i = 0; i < t.l; i++)
		if ((uint8_t)t.p[i] <= ' ' || (uint8_t)t.p[i] >= 0x7f ||
		    strchr("\"\\=", t.p[i]))
			return false;

	return true;
}


void log_put_escaped(struct log_out *out, struct text t)
{
	const size_t run = plain_run(t);
	bool fits = true;

	if (out->format == LOG_TEXT)
		out->is_plain = out->is_plain && is_plain(t);
	if (run <= out->end - out->l && log_put(out, t.p, run)) {
		t.p += run;
		t.l -= run;
	}
	while (t.l > 0 && fits) {
		const char c = t.p[0];
		size_t l = text_character(t);

		if (l == 0 || (l == 1 && ((uint8_t)c < 0x20 || c == 0x7f))) {
			fits = log_put(out, "_", 1);
			l = 1;
		}
		else if (c == '"' || c == '\\') {
			const char escaped[2] = { '\\', c };

			fits = log_put(out, escaped, 2);
		}
		else {
			fits = log_put(out, t.p, l);
		}
		t.p += l;
		t.l -= l;
	}
}


static bool is_one_of(char c, const char *letters)
{
	return c && strchr(letters, c);
}


static struct conversion conversion_at(const char *p)
{
	const char *const size = p + 1 + strspn(p + 1, "-+ #0123456789.*");
	const char *const letter = size + strspn(size, "hlzjt");
	const bool is_known = is_one_of(*letter, "diuxXo") ||
			      (letter == size &&
			       is_one_of(*letter, "scpfFeEgGaAm%"));
	/* Its "*" have become numbers then. */
	const bool has_room = size - p + STARS + 3 <= SPEC_MAX;

	return (struct conversion){
		.size = size,
		.end = letter + 1,
		.letter = (char)(is_known && has_room ? *letter : '\0'),
		.is_bare = size == p + 1,
		.is_twice = letter - size == 2,
	};
}


/* The analyser does not see where the list began (log_line_print()), and takes
 * types of one width for the same.
 * NOLINTBEGIN(clang-analyzer-valist.Uninitialized,bugprone-branch-clone) */

static intmax_t signed_next(struct log_walk *w, const struct conversion *c)
{
	switch (*c->size) {
	case 'l':
		return c->is_twice ? va_arg(w->ap, long long)
				   : va_arg(w->ap, long);
	case 'z':
		return va_arg(w->ap, ssize_t);
	case 'j':
		return va_arg(w->ap, intmax_t);
	case 't':
		return va_arg(w->ap, ptrdiff_t);
	case 'h': {
		const int v = va_arg(w->ap, int);

		return c->is_twice ? (signed char)v : (short)v;
	}
	default:
		return va_arg(w->ap, int);
	}
}


static uintmax_t unsigned_next(struct log_walk *w, const struct conversion *c)
{
	switch (*c->size) {
	case 'l':
		return c->is_twice ? va_arg(w->ap, unsigned long long)
				   : va_arg(w->ap, unsigned long);
	case 'z':
		return va_arg(w->ap, size_t);
	case 'j':
		return va_arg(w->ap, uintmax_t);
	case 't':
		return (uintmax_t)va_arg(w->ap, ptrdiff_t);
	case 'h': {
		const unsigned v = va_arg(w->ap, unsigned);

		return c->is_twice ? (unsigned char)v : (unsigned short)v;
	}
	default:
		return va_arg(w->ap, unsigned);
	}
}


static uintmax_t magnitude_of(intmax_t v)
{
	return v < 0 ? 0 - (uintmax_t)v : (uintmax_t)v;
}


static size_t integer_print(char *dst, bool is_negative, uintmax_t magnitude)
{
	dst[0] = '-';

	return is_negative + text_decimal(dst + is_negative, magnitude);
}


static void put_integer(struct log_out *out, bool is_negative,
			uintmax_t magnitude)
{
	char text[1 + TEXT_DECIMAL_MAX];
	const size_t l = integer_print(text, is_negative, magnitude);

	(void)log_put(out, text, l);
}


void log_put_unsigned(struct log_out *out, uintmax_t v)
{
	put_integer(out, false, v);
}


/* Flags, width and precision, with the numbers that stand for "*" */
static size_t spec_print(char dst[SPEC_MAX], struct log_walk *w,
			 const struct conversion *c)
{
	size_t l = 0;

	for (const char *p = w->at; p < c->size; p++) {
		const int v = *p == '*' ? va_arg(w->ap, int) : 0;

		if (*p != '*')
			dst[l++] = *p;
		else if (v < 0 && dst[l - 1] == '.')
			l--; /* then it is as if there was none */
		else
			l += integer_print(dst + l, v < 0, magnitude_of(v));
	}

	return l;
}


#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* One that is not printed by hand; an integer is in the widest size. The
 * compiler has checked fmt, which it is a piece of.
 * @return as snprintf(), with what fits in dst */
static int rare_print(char dst[PRINTED_MAX], struct log_walk *w,
		      const struct conversion *c)
{
	char spec[SPEC_MAX];
	size_t l = spec_print(spec, w, c);

	if (strchr("diuxXo", c->letter))
		spec[l++] = 'j';
	spec[l++] = c->letter;
	spec[l] = '\0';

	switch (c->letter) {
	case 'd':
	case 'i':
		return snprintf(dst, PRINTED_MAX, spec, signed_next(w, c));
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		return snprintf(dst, PRINTED_MAX, spec, unsigned_next(w, c));
	case 'c':
		return snprintf(dst, PRINTED_MAX, spec, va_arg(w->ap, int));
	case 's':
		return snprintf(dst, PRINTED_MAX, spec,
				va_arg(w->ap, const char *));
	case 'p':
		return snprintf(dst, PRINTED_MAX, spec, va_arg(w->ap, void *));
	case 'm':
		return snprintf(dst, PRINTED_MAX, "%m");
	default:
		return snprintf(dst, PRINTED_MAX, spec, va_arg(w->ap, double));
	}
}

#pragma GCC diagnostic pop


static void put_rare(struct log_out *out, struct log_walk *w,
		     const struct conversion *c)
{
	char text[PRINTED_MAX];
	const int n = rare_print(text, w, c);

	out->cut = out->cut || n >= PRINTED_MAX;
	if (n > 0)
		log_put_escaped(out,
				(struct text){ text,
					       n < PRINTED_MAX
						       ? (size_t)n
						       : PRINTED_MAX - 1 });
}


/* "%.40s" and "%.*s"; more than a line has room for is as good as all. */
static size_t precision_next(struct log_walk *w)
{
	const char *p = w->at + 2;
	size_t v = 0;

	if (*p == '*') {
		const int l = va_arg(w->ap, int);

		return l < 0 ? LOG_LINE_MAX : (size_t)l;
	}
	for (; *p >= '0' && *p <= '9' && v < LOG_LINE_MAX; p++)
		v = v * 10 + (size_t)(*p - '0');

	return v;
}


static void put_string(struct log_out *out, struct log_walk *w, size_t most)
{
	const char *s = va_arg(w->ap, const char *);

	if (!s)
		s = "(null)";
	log_put_escaped(out, (struct text){ s, strnlen(s, most) });
}


/* NOLINTEND(clang-analyzer-valist.Uninitialized,bugprone-branch-clone) */


void log_put_conversion(struct log_out *out, struct log_walk *w)
{
	const struct conversion c = conversion_at(w->at);

	if (!c.letter) {
		/* What arguments it takes is unknown: the rest is text. */
		log_put_escaped(out, text_of(w->at));
		w->at += strlen(w->at);
		return;
	}

	if (c.letter == '%') {
		log_put_escaped(out, text_of("%"));
	}
	else if (c.letter == 's' && c.is_bare) {
		put_string(out, w, LOG_LINE_MAX);
	}
	else if (c.letter == 's' && w->at[1] == '.') {
		put_string(out, w, precision_next(w));
	}
	else if (c.letter == 'u' && c.is_bare) {
		put_integer(out, false, unsigned_next(w, &c));
	}
	else if (is_one_of(c.letter, "di") && c.is_bare) {
		const intmax_t v = signed_next(w, &c);

		put_integer(out, v < 0, magnitude_of(v));
	}
	else {
		put_rare(out, w, &c);
	}
	w->at = c.end;
}


const char *log_number_end(const char *p)
{
	struct conversion c;

	if (*p != '%')
		return NULL;
	c = conversion_at(p);

	return c.is_bare && is_one_of(c.letter, "diu") ? c.end : NULL;
}
