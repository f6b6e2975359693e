/**
 * @file sipd/wire_order.h  In which order datagrams of a batch are handled
 *
 * The code that a call needs from INVITE to BYE is several times what the
 * processor's caches hold. Of calls that are at the same step, one handled
 * behind the other, only the first has to fetch it. So what came together is
 * sorted by what it is, as far as that is how calls begin and end. What has
 * the same Call-ID stays in its order; and what two legs say of each other may
 * depend on theirs: requests within a dialog, CANCEL and their responses stay
 * between what came before and what came after them.
 */
#ifndef TANDEM_SIPD_WIRE_ORDER_H
#define TANDEM_SIPD_WIRE_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"

enum {
	WIRE_ORDER_MAX = 64
};

/** Indices of messages, at most WIRE_ORDER_MAX, each once */
void wire_order(uint8_t order[], const struct text messages[], size_t count);

#endif
