/**
 * @file regd/register.h  A REGISTER, as sipd tells it
 */
#ifndef TANDEM_REGD_REGISTER_H
#define TANDEM_REGD_REGISTER_H

#include <stdint.h>

struct asking;
struct catalog;
struct regd;

/** Carry it out, by the parameters of a catalog.
 *  @return 200: the bindings are as they should be; else what it is refused
 *          with */
unsigned register_take(struct regd *regd, const struct catalog *c,
		       const struct asking *asking, uint16_t worker);

#endif
