/**
 * @file billingd/unpack.c  Messages that were kept
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "billingd/unpack.h"


static void *allocate(void *is_short, size_t size)
{
	void *p = malloc(size);

	if (!p)
		*(bool *)is_short = true;

	return p;
}


static void release(void *is_short, void *p)
{
	(void)is_short;
	free(p);
}


void *unpack(const ProtobufCMessageDescriptor *kind, const void *data,
	     size_t len, int *errp)
{
	bool is_short = false;
	ProtobufCAllocator allocator = { allocate, release, &is_short };
	void *message = protobuf_c_message_unpack(kind, &allocator, len, data);

	if (!message)
		*errp = is_short ? ENOMEM : EBADMSG;

	return message;
}
