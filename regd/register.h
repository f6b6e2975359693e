/**
 * @file regd/register.h  A REGISTER, as sipd tells it
 */
#ifndef TANDEM_REGD_REGISTER_H
#define TANDEM_REGD_REGISTER_H

#include <stddef.h>
#include <stdint.h>

#include "shared/reg/binding.h"

struct asking;
struct catalog;
struct regd;

/** Of these, BINDINGS_AHEAD_MAX at most, some are carried out next: have what
 *  that asks for brought into the cache */
void register_look_ahead(const struct regd *regd, const struct catalog *c,
			 const struct terminal terminals[], size_t count);

/** Carry it out, by the parameters of a catalog.
 *  @return 200: the bindings are as they should be; else what it is refused
 *          with */
unsigned register_take(struct regd *regd, const struct catalog *c,
		       const struct asking *asking, uint16_t worker);

#endif
