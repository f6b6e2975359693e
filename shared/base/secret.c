/**
 * @file shared/base/secret.c  Handling what must not leak
 */
#include <stdint.h>
#include <string.h>

#include "shared/base/secret.h"


bool secret_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];

	return differ == 0;
}


void secret_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}
