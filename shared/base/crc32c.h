/**
 * @file shared/base/crc32c.h  CRC-32C (Castagnoli), as in RFC 3720
 */
#ifndef TANDEM_BASE_CRC32C_H
#define TANDEM_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** Of data behind what crc already covers; 0 to begin with */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/** The same without the processor's instruction; for machines that lack it,
 *  and for tests */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
