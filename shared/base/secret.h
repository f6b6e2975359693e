/**
 * @file shared/base/secret.h  Handling what must not leak
 */
#ifndef TANDEM_BASE_SECRET_H
#define TANDEM_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/** Equal? In a time that depends on len alone. */
bool secret_equal(const void *a, const void *b, size_t len);

/** Zero that the compiler may not leave out */
void secret_wipe(void *p, size_t len);

#endif
