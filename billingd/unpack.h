/**
 * @file billingd/unpack.h  Messages that were kept
 *
 * What cannot be understood is passed over; what there was no memory for must
 * not be, or a call would be lost with it. protobuf-c says NULL to both.
 */
#ifndef TANDEM_BILLINGD_UNPACK_H
#define TANDEM_BILLINGD_UNPACK_H

#include <stddef.h>

#include "proto/billing.pb-c.h"

/** Of that kind, to be freed as protobuf-c's are; NULL: *errp is ENOMEM or
 *  EBADMSG */
void *unpack(const ProtobufCMessageDescriptor *kind, const void *data,
	     size_t len, int *errp);

#endif
