/**
 * @file shared/base/text.h  Bounded text and numbers
 *
 * Text is a pointer and a length; parsing takes all of it or refuses it with
 * EBADMSG (malformed) or ERANGE (well formed, too large or too small).
 */
#ifndef TANDEM_BASE_TEXT_H
#define TANDEM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/** Text that belongs to somebody else, not NUL-terminated */
struct text {
	const char *p;
	size_t l;
};

static inline struct text text_of(const char *s)
{
	return (struct text){ .p = s, .l = s ? strlen(s) : 0 };
}

/* Inline: s is nearly always a literal, and the length tells most apart. */
static inline bool text_is(struct text t, const char *s)
{
	const size_t len = strlen(s);

	return t.l == len && (len == 0 || memcmp(t.p, s, len) == 0);
}

/* ASCII's letters only; inline, since most differ in their first byte. */
static inline bool text_same_nocase(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const uint8_t differ = (uint8_t)(a[i] ^ b[i]);

		if (differ && (differ != 0x20 ||
			       (uint8_t)((a[i] | 0x20) - 'a') > 'z' - 'a'))
			return false;
	}

	return true;
}

static inline bool text_is_nocase(struct text t, const char *s)
{
	const size_t len = strlen(s);

	return t.l == len && text_same_nocase(t.p, s, len);
}

struct text text_trim(struct text t);

/** How many bytes at its front are neither controls (a tab is one) nor DEL */
size_t text_plain(struct text t);

/** Cut off what stands before sep; rest gets what follows it
 *  @return false and all of it in head if there is no sep */
bool text_cut(struct text t, char sep, struct text *head, struct text *rest);

/** Copy with a NUL
 *  @return 0, or EOVERFLOW: nothing is copied but the NUL */
int text_copy(char *dst, size_t size, struct text t);

/** snprintf() that says when it did not fit
 *  @return 0, or EOVERFLOW: dst holds what fitted */
int text_print(char *dst, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int text_u32(uint32_t *vp, struct text t, uint32_t min, uint32_t max);
int text_u64(uint64_t *vp, struct text t, uint64_t min, uint64_t max);
int text_i64(int64_t *vp, struct text t, int64_t min, int64_t max);

/** Decimal with at most decimals digits after the point, as an integer of
 *  that unit: "0.25" with 3 is 250. No rounding: more digits are ERANGE. */
int text_fixed(int64_t *vp, struct text t, unsigned decimals, int64_t min,
	       int64_t max);

enum {
	TEXT_DECIMAL_MAX = 20 /**< Digits of the largest */
};

/** Its digits, TEXT_DECIMAL_MAX at most, without a NUL
 *  @return how many they are */
size_t text_decimal(char *dst, uint64_t v);

enum {
	TEXT_DECIMALS_MAX = 18 /**< 10^18 is the last power an int64_t holds */
};

/** The reverse, without needless zeros: 250 with 3 is "0.25"
 *  @return 0, or EOVERFLOW */
int text_print_fixed(char *dst, size_t size, int64_t v, unsigned decimals);

/** Bytes of the first character, 0 if it is none of UTF-8 (RFC 3629); t is
 *  not empty */
size_t text_character(struct text t);

/** All of it is UTF-8, and no character is for control */
bool text_is_printable(struct text t);

/** Bytes as lower-case hex; dst holds 2 * len + 1 */
void text_hex(char *dst, const void *data, size_t len);
int text_unhex(void *dst, size_t size, size_t *lenp, struct text t);

/** The table's entry that is most like it, for "did you mean"; NULL if none
 *  is near */
const char *text_nearest(struct text t, const char *const *words,
			 size_t wordc);

#endif
