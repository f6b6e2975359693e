/**
 * @file sipd/refused.h  Which INVITEs got a 503 that nothing remembers
 *
 * Under load an INVITE is refused without a transaction; what was said is kept
 * here, so that a copy of it that comes when there is room again hears the
 * same, and no call is placed for a caller who was turned away. One look at
 * one place, no allocation, bounded: of too many those that end first go.
 * Pure: the time is handed in.
 */
#ifndef TANDEM_SIPD_REFUSED_H
#define TANDEM_SIPD_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"

struct refused;

int refused_alloc(struct refused **rp);
struct refused *refused_free(struct refused *r);

/** What all copies of a request have in common: its source and its top Via
 *  (RFC 3261 17.2.3); of a request without the cookie, all its bytes */
uint64_t refused_key(const struct addr *source, const char *data, size_t len);

/** It was refused: for 32 s */
void refused_add(struct refused *r, uint64_t key, int64_t now_us);
bool refused_has(const struct refused *r, uint64_t key, int64_t now_us);

/** Is anything remembered at all? If not, no key is needed. */
bool refused_any(const struct refused *r, int64_t now_us);

#endif
