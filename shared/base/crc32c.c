/**
 * @file shared/base/crc32c.c  CRC-32C (Castagnoli), as in RFC 3720
 *
 * By the processor's own instruction where it has one, else bit by bit.
 */
#include <string.h>

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

__attribute__((target("sse4.2"))) static uint32_t by_instruction(
	uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t c = crc;

	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		c = __builtin_ia32_crc32di(c, word);
	}

	for (; len > 0; len--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);

	return (uint32_t)c;
}

#endif


uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, data, len);
#endif

	return ~portable(~crc, data, len);
}


uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	return ~portable(~crc, data, len);
}
