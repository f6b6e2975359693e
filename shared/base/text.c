/**
 * @file shared/base/text.c  Bounded text and numbers
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "shared/base/text.h"

static const char digits[] = "0123456789abcdef";


static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


#if defined(__SSE2__)

enum {
	STEP = 16,
	HALF = 8
};

/* A bit for each byte that is for control: below 0x20, or DEL. */
static unsigned controls_of(__m128i x)
{
	const __m128i most = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);

	return (unsigned)_mm_movemask_epi8(
		_mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, most), x),
			     _mm_cmpeq_epi8(x, del)));
}


static unsigned controls(const char *p)
{
	return controls_of(_mm_loadu_si128((const __m128i *)(const void *)p));
}


static unsigned controls_half(const char *p)
{
	return controls_of(_mm_loadl_epi64((const __m128i *)(const void *)p)) &
	       0xff;
}


/* Of as many bytes, their hex */
static void hex_half(char *dst, const uint8_t *p)
{
	const __m128i low = _mm_set1_epi8(0xf);
	const __m128i x = _mm_loadl_epi64((const __m128i *)(const void *)p);
	const __m128i values =
		_mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(x, 4), low),
				  _mm_and_si128(x, low));
	const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(values,
							     _mm_set1_epi8(9)),
					      _mm_set1_epi8('a' - '0' - 10));

	_mm_storeu_si128((__m128i *)(void *)dst,
			 _mm_add_epi8(_mm_add_epi8(values, _mm_set1_epi8('0')),
				      letters));
}

#else

enum {
	STEP = 1,
	HALF = 1
};


static unsigned controls(const char *p)
{
	return (uint8_t)*p < 0x20 || *p == 0x7f;
}


static unsigned controls_half(const char *p)
{
	return controls(p);
}


static void hex_half(char *dst, const uint8_t *p)
{
	dst[0] = digits[*p >> 4];
	dst[1] = digits[*p & 15];
}

#endif


/* Less than a step: its halves, which may overlap */
static size_t plain_short(struct text t)
{
	unsigned found;
	size_t n = 0;

	if (t.l < HALF) {
		while (n < t.l && (uint8_t)t.p[n] >= 0x20 && t.p[n] != 0x7f)
			n++;
		return n;
	}
	found = controls_half(t.p);
	if (!found) {
		n = t.l - HALF;
		found = controls_half(t.p + n);
	}

	return found ? n + (unsigned)__builtin_ctz(found) : t.l;
}


size_t text_plain(struct text t)
{
	unsigned found;
	size_t n = 0;

	for (; t.l - n >= STEP; n += STEP) {
		found = controls(t.p + n);
		if (found)
			return n + (unsigned)__builtin_ctz(found);
	}
	if (n == t.l)
		return n;
	if (n == 0)
		return plain_short(t);

	/* The last one overlaps the one before, which is plain. */
	n = t.l - STEP;
	found = controls(t.p + n);

	return found ? n + (unsigned)__builtin_ctz(found) : t.l;
}


struct text text_trim(struct text t)
{
	while (t.l > 0 && is_blank(t.p[0])) {
		t.p++;
		t.l--;
	}
	while (t.l > 0 && is_blank(t.p[t.l - 1]))
		t.l--;

	return t;
}


bool text_cut(struct text t, char sep, struct text *head, struct text *rest)
{
	const char *at = t.l > 0 ? memchr(t.p, sep, t.l) : NULL;

	if (!at) {
		*head = t;
		*rest = (struct text){ .p = t.l ? t.p + t.l : t.p, .l = 0 };
		return false;
	}

	*head = (struct text){ .p = t.p, .l = (size_t)(at - t.p) };
	*rest = (struct text){ .p = at + 1, .l = t.l - head->l - 1 };

	return true;
}


int text_copy(char *dst, size_t size, struct text t)
{
	if (size == 0)
		return EOVERFLOW;

	if (t.l >= size) {
		dst[0] = '\0';
		return EOVERFLOW;
	}

	if (t.l > 0)
		memcpy(dst, t.p, t.l);
	dst[t.l] = '\0';

	return 0;
}


int text_print(char *dst, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(dst, size, fmt, ap);
	va_end(ap);

	return n < 0 || (size_t)n >= size ? EOVERFLOW : 0;
}


int text_u64(uint64_t *vp, struct text t, uint64_t min, uint64_t max)
{
	uint64_t v = 0;

	if (t.l == 0)
		return EBADMSG;

	for (size_t i = 0; i < t.l; i++)
		if (t.p[i] < '0' || t.p[i] > '9')
			return EBADMSG;

	for (size_t i = 0; i < t.l; i++) {
		const unsigned digit = (unsigned)(t.p[i] - '0');

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return ERANGE;
	}

	if (v < min || v > max)
		return ERANGE;

	*vp = v;

	return 0;
}


int text_u32(uint32_t *vp, struct text t, uint32_t min, uint32_t max)
{
	uint64_t v;
	int err;

	err = text_u64(&v, t, min, max);
	if (!err)
		*vp = (uint32_t)v;

	return err;
}


/* Magnitude and sign apart, so that INT64_MIN has its place */
static int signed_of(int64_t *vp, bool negative, uint64_t magnitude,
		     int64_t min, int64_t max)
{
	int64_t v;

	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return ERANGE;

	v = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	if (v < min || v > max)
		return ERANGE;

	*vp = v;

	return 0;
}


static bool take_sign(struct text *t)
{
	const bool negative = t->l > 0 && t->p[0] == '-';

	if (negative) {
		t->p++;
		t->l--;
	}

	return negative;
}


int text_i64(int64_t *vp, struct text t, int64_t min, int64_t max)
{
	const bool negative = take_sign(&t);
	uint64_t magnitude;
	int err;

	err = text_u64(&magnitude, t, 0, UINT64_MAX);
	if (err)
		return err;

	return signed_of(vp, negative, magnitude, min, max);
}


int text_fixed(int64_t *vp, struct text t, unsigned decimals, int64_t min,
	       int64_t max)
{
	const bool negative = take_sign(&t);
	struct text whole, fraction;
	uint64_t magnitude, part = 0;
	int err;

	if (text_cut(t, '.', &whole, &fraction) && fraction.l == 0)
		return EBADMSG;

	err = text_u64(&magnitude, whole, 0, UINT64_MAX);
	if (err)
		return err;

	if (fraction.l > 0) {
		err = text_u64(&part, fraction, 0, UINT64_MAX);
		if (err)
			return err;
		if (fraction.l > decimals)
			return ERANGE;
	}

	for (size_t i = 0; i < decimals; i++)
		if (__builtin_mul_overflow(magnitude, 10, &magnitude))
			return ERANGE;
	for (size_t i = fraction.l; i < decimals; i++)
		if (__builtin_mul_overflow(part, 10, &part))
			return ERANGE;
	if (__builtin_add_overflow(magnitude, part, &magnitude))
		return ERANGE;

	return signed_of(vp, negative, magnitude, min, max);
}


/* From its end, two digits at a time, in place: through a buffer of its own it
 * took twice the time. */
size_t text_decimal(char *dst, uint64_t v)
{
	static const char pairs[] = "00010203040506070809"
				    "10111213141516171819"
				    "20212223242526272829"
				    "30313233343536373839"
				    "40414243444546474849"
				    "50515253545556575859"
				    "60616263646566676869"
				    "70717273747576777879"
				    "80818283848586878889"
				    "90919293949596979899";
	size_t l = 1, at;

	for (uint64_t limit = 10; l < TEXT_DECIMAL_MAX && v >= limit;
	     limit *= 10)
		l++;
	for (at = l; at >= 2; at -= 2, v /= 100)
		memcpy(dst + at - 2, &pairs[v % 100 * 2], 2);
	if (at > 0)
		dst[0] = digits[v];

	return l;
}


int text_print_fixed(char *dst, size_t size, int64_t v, unsigned decimals)
{
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint64_t unit = 1;

	assert(decimals <= TEXT_DECIMALS_MAX);

	for (; decimals > 0 && magnitude % 10 == 0; decimals--)
		magnitude /= 10;
	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;

	if (decimals == 0)
		return text_print(dst, size, "%s%" PRIu64, v < 0 ? "-" : "",
				  magnitude);

	return text_print(dst, size, "%s%" PRIu64 ".%0*" PRIu64,
			  v < 0 ? "-" : "", magnitude / unit, (int)decimals,
			  magnitude % unit);
}


size_t text_character(struct text t)
{
	const uint8_t *b = (const uint8_t *)t.p;
	size_t l;

	if (b[0] < 0x80)
		return 1;
	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		l = 2;
	else if (b[0] >= 0xe0 && b[0] <= 0xef)
		l = 3;
	else if (b[0] >= 0xf0 && b[0] <= 0xf4)
		l = 4;
	else
		return 0;

	if (t.l < l)
		return 0;
	for (size_t i = 1; i < l; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, surrogates, beyond the last plane */
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
	    (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;

	return l;
}


bool text_is_printable(struct text t)
{
	while (t.l > 0) {
		const size_t l = text_character(t);

		if (l == 0 || (uint8_t)t.p[0] < 0x20 || t.p[0] == 0x7f)
			return false;
		t.p += l;
		t.l -= l;
	}

	return true;
}


void text_hex(char *dst, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t i = 0;

	for (; len - i >= HALF; i += HALF, dst += (size_t)2 * HALF)
		hex_half(dst, p + i);
	for (; i < len; i++) {
		*dst++ = digits[p[i] >> 4];
		*dst++ = digits[p[i] & 15];
	}
	*dst = '\0';
}


static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}


int text_unhex(void *dst, size_t size, size_t *lenp, struct text t)
{
	uint8_t *p = dst;

	if (t.l % 2 != 0)
		return EBADMSG;
	if (t.l / 2 > size)
		return EOVERFLOW;

	for (size_t i = 0; i < t.l; i += 2) {
		const int high = hex_value(t.p[i]);
		const int low = hex_value(t.p[i + 1]);

		if (high < 0 || low < 0)
			return EBADMSG;
		p[i / 2] = (uint8_t)(high << 4 | low);
	}

	*lenp = t.l / 2;

	return 0;
}


enum {
	NEAREST_MAX = 64
};


static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}


/* Insertions, deletions, replacements and swaps of neighbours that lead from
 * one to the other, without case; both at most NEAREST_MAX long. */
static unsigned distance(struct text a, struct text b)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.l; j++)
		last[j] = (unsigned)j;

	for (size_t i = 1; i <= a.l; i++) {
		const int ca = tolower((unsigned char)a.p[i - 1]);
		unsigned *spare;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b.l; j++) {
			const int cb = tolower((unsigned char)b.p[j - 1]);
			unsigned d = last[j - 1] + (ca != cb);

			d = least(d, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && ca != cb &&
			    ca == tolower((unsigned char)b.p[j - 2]) &&
			    cb == tolower((unsigned char)a.p[i - 2]))
				d = least(d, before[j - 2] + 1);
			now[j] = d;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}

	return last[b.l];
}


const char *text_nearest(struct text t, const char *const *words, size_t wordc)
{
	const char *nearest = NULL;
	/* Two slips, or one in three letters of a long word */
	unsigned best = t.l / 3 > 2 ? (unsigned)(t.l / 3) : 2;

	if (t.l == 0 || t.l > NEAREST_MAX)
		return NULL;

	for (size_t i = 0; i < wordc; i++) {
		const struct text word = text_of(words[i]);
		unsigned d;

		if (word.l == 0 || word.l > NEAREST_MAX)
			continue;
		d = distance(t, word);
		/* Nothing in common is not near, however short. */
		if (d <= best && d < word.l && d < t.l) {
			nearest = words[i];
			best = d > 0 ? d - 1 : 0;
			if (d == 0)
				break;
		}
	}

	return nearest;
}
