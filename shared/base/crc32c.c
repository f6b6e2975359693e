/**
 * @file shared/base/crc32c.c  CRC-32C (Castagnoli), as in RFC 3720
 *
 * By the processor's own instruction where it has one, else bit by bit. The
 * instruction can begin every cycle but takes three: long data is cut into
 * three streams that are worked on at once.
 */
#include <string.h>

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

#include "shared/base/crc32c.h"

/* The polynomial of RFC 3720, bits reversed */
#define POLY 0x82f63b78u

/* Remainder of one byte: eight steps of long division */
#define STEP(c)  (((c) >> 1) ^ (POLY & (0u - ((c)&1u))))
#define STEP4(c) STEP(STEP(STEP(STEP(c))))


static uint32_t byte_remainder(uint32_t c)
{
	c = STEP4(c);

	return STEP4(c);
}


/* Slow and without a table: only machines without SSE 4.2 come here, and the
 * tests, to compare. */
static uint32_t portable(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len-- > 0)
		crc = (crc >> 8) ^ byte_remainder((crc ^ *p++) & 0xff);

	return crc;
}


#if defined(__x86_64__)

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));

	return word;
}


__attribute__((target("sse4.2"))) static uint32_t by_instruction(
	uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = crc;

	for (; len >= 32; len -= 32, p += 32) {
		c = __builtin_ia32_crc32di(c, word_at(p));
		c = __builtin_ia32_crc32di(c, word_at(p + 8));
		c = __builtin_ia32_crc32di(c, word_at(p + 16));
		c = __builtin_ia32_crc32di(c, word_at(p + 24));
	}
	for (; len >= 8; len -= 8, p += 8)
		c = __builtin_ia32_crc32di(c, word_at(p));

	for (; len > 0; len--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);

	return (uint32_t)c;
}


enum {
	STREAM = 192 /**< Bytes */
};

/* x^(8n - 33) modulo the polynomial, bits reversed, for n bytes: a product
 * with it, reduced by the instruction, is the remainder n bytes later. */
static const uint32_t past_one = 0xab7aff2a, past_two = 0xd270f1a2;


__attribute__((target("sse4.2,pclmul"))) static uint64_t product(uint64_t c,
								 uint32_t past)
{
	return (uint64_t)_mm_cvtsi128_si64(
		_mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)c),
				     _mm_cvtsi64_si128((int64_t)past), 0));
}


__attribute__((target("sse4.2,pclmul"))) static uint32_t by_streams(
	uint32_t crc, const uint8_t *p, size_t len)
{
	for (; len >= (size_t)3 * STREAM;
	     len -= (size_t)3 * STREAM, p += (size_t)3 * STREAM) {
		uint64_t a = crc, b = 0, c = 0;

		for (size_t i = 0; i < STREAM; i += 8) {
			a = __builtin_ia32_crc32di(a, word_at(p + i));
			b = __builtin_ia32_crc32di(b, word_at(p + i + STREAM));
			c = __builtin_ia32_crc32di(
				c, word_at(p + i + (size_t)2 * STREAM));
		}
		a = product(a, past_two) ^ product(b, past_one);
		crc = (uint32_t)(__builtin_ia32_crc32di(0, a) ^ c);
	}

	return by_instruction(crc, p, len);
}

#endif


uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (len >= (size_t)3 * STREAM && __builtin_cpu_supports("sse4.2") &&
	    __builtin_cpu_supports("pclmul"))
		return ~by_streams(~crc, data, len);
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, data, len);
#endif

	return ~portable(~crc, data, len);
}


uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	return ~portable(~crc, data, len);
}
