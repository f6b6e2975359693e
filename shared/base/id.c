/**
 * @file shared/base/id.c  Ids and random numbers
 *
 * The pool and the last ULID are the process's own, and wiped by the kernel in
 * a forked child (MADV_WIPEONFORK), so that two processes never draw the same
 * bytes and never count on from the same id. They are writable state outside
 * of any object (rule zero): random bytes are asked for from everywhere, and
 * there is nothing in it a test would want to set.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "shared/base/id.h"

enum {
	POOL_BYTES = 4096,
	TOKEN_DIGITS = 8, /**< Out of one word */
};

/** One page, so that the kernel can wipe it alone */
static struct pool {
	_Alignas(POOL_BYTES) uint8_t bytes[POOL_BYTES - 5 * sizeof(uint64_t)];
	uint64_t left;    /**< Bytes not yet given out, from the front */
	uint64_t marked;  /**< The kernel knows the page; 0 again in a child */
	int64_t ulid_ms;  /**< Of the last ULID, if there was one */
	uint64_t ulid_lo; /**< Its 80 bits, which ascend within a millisecond */
	uint64_t ulid_hi; /**< Bit 16 is set: there was one */
} pool;

_Static_assert(sizeof(pool) == POOL_BYTES, "exactly one page");


/* Random bytes or none at all: a switch whose tokens can be guessed is worse
 * than one that is down. */
static void from_kernel(void *dst, size_t len)
{
	uint8_t *p = dst;

	while (len > 0) {
		const ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		p += n;
		len -= (size_t)n;
	}
}


static void refill(void)
{
	if (!pool.marked) {
		/* Without it a child would draw its parent's bytes. */
		if (madvise(&pool, sizeof(pool), MADV_WIPEONFORK) != 0)
			abort();
		pool.marked = 1;
	}

	from_kernel(pool.bytes, sizeof(pool.bytes));
	pool.left = sizeof(pool.bytes);
}


void id_random(void *dst, size_t len)
{
	uint8_t *p;

	if (len > sizeof(pool.bytes)) {
		from_kernel(dst, len);
		return;
	}

	if (pool.left < len)
		refill();

	p = pool.bytes + sizeof(pool.bytes) - pool.left;
	memcpy(dst, p, len);
	memset(p, 0, len); /* what was given out is nobody else's to find */
	pool.left -= len;
}


uint64_t id_random_u64(void)
{
	uint64_t v;

	id_random(&v, sizeof(v));

	return v;
}


/* Crockford's base 32: no I, L, O, U */
static const char ulid_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";


void id_ulid(char dst[ID_ULID_SIZE], int64_t wall_us)
{
	const int64_t ms = wall_us / 1000;
	unsigned __int128 v;

	if (pool.ulid_hi && ms == pool.ulid_ms) {
		if (++pool.ulid_lo == 0)
			pool.ulid_hi++;
	}
	else {
		pool.ulid_ms = ms;
		pool.ulid_lo = id_random_u64();
		/* The top bit stays free: no carry runs into the time. */
		pool.ulid_hi = 0x10000 | (id_random_u64() & 0x7fff);
	}

	v = (unsigned __int128)(uint64_t)ms << 80 |
	    (unsigned __int128)(uint16_t)pool.ulid_hi << 64 | pool.ulid_lo;

	for (int i = ID_ULID_SIZE - 2; i >= 0; i--) {
		dst[i] = ulid_digits[(unsigned)v & 31];
		v >>= 5;
	}
	dst[ID_ULID_SIZE - 1] = '\0';
}


/* A word is a fraction below one: times 36, its whole part is a digit and the
 * rest goes on as the fraction. After seven digits 27 bits are left, so that
 * none of the eight is likelier than another by more than a part in a million;
 * nothing is thrown away, and nothing branches on what is random. */
void id_token(char *dst, size_t chars)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint64_t word = 0;

	for (size_t i = 0; i < chars; i++) {
		unsigned __int128 v;

		if (i % TOKEN_DIGITS == 0)
			word = id_random_u64();
		v = (unsigned __int128)word * (sizeof(digits) - 1);
		dst[i] = digits[(size_t)(v >> 64)];
		word = (uint64_t)v;
	}
	dst[chars] = '\0';
}
