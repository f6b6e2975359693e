/**
 * @file shared/ipc/encode.c  Messages as bytes, in one walk
 *
 * Knows what our .proto files use: numbers as varints, text, bytes, messages,
 * many of each, one of several. test_encode.c sees that they use nothing else.
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/ipc/encode.h"

enum {
	WIRE_VARINT = 0,
	WIRE_BYTES = 2,
	WIRE_BITS = 3,
	VARINT_BITS = 7,
	VARINT_MORE = 1 << VARINT_BITS,
	VARINT_MAX = 10,
};

/** What is written grows towards the beginning */
struct end {
	uint8_t *begin;
	uint8_t *at; /**< NULL: it did not fit */
};


static void put(struct end *end, const void *data, size_t len)
{
	if (!end->at || (size_t)(end->at - end->begin) < len) {
		end->at = NULL;
		return;
	}
	end->at -= len;
	memcpy(end->at, data, len);
}


static void put_varint(struct end *end, uint64_t v)
{
	uint8_t bytes[VARINT_MAX];
	size_t n = 0;

	while (v >= VARINT_MORE) {
		bytes[n++] = (uint8_t)(v | VARINT_MORE);
		v >>= VARINT_BITS;
	}
	bytes[n++] = (uint8_t)v;
	put(end, bytes, n);
}


static void put_tag(struct end *end, const ProtobufCFieldDescriptor *field,
		    unsigned wire)
{
	put_varint(end, (uint64_t)field->id << WIRE_BITS | wire);
}


static void put_bytes(struct end *end, const ProtobufCFieldDescriptor *field,
		      const void *data, size_t len)
{
	if (len > 0)
		put(end, data, len);
	put_varint(end, len);
	put_tag(end, field, WIRE_BYTES);
}


/* As deep as the messages of our .proto files lie in each other, which is no
 * stranger's choice.
 * NOLINTBEGIN(misc-no-recursion) */
static void put_message(struct end *end, const ProtobufCMessage *message);


static void put_nested(struct end *end, const ProtobufCFieldDescriptor *field,
		       const ProtobufCMessage *message)
{
	const uint8_t *after = end->at;

	put_message(end, message);
	if (!end->at)
		return;
	put_varint(end, (uint64_t)(after - end->at));
	put_tag(end, field, WIRE_BYTES);
}


static uint64_t number_of(ProtobufCType type, const void *member)
{
	switch ((int)type) {

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		return *(const uint64_t *)member;

	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return (uint64_t)(int64_t) * (const int32_t *)member;

	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)member != 0;

	default:
		assert(type == PROTOBUF_C_TYPE_UINT32);
		return *(const uint32_t *)member;
	}
}


/* What holds nothing is left out, unless it has to be said: one of many, or
 * that of several which is there. */
static void put_field(struct end *end, const ProtobufCFieldDescriptor *field,
		      const void *member, bool is_said)
{
	switch ((int)field->type) {

	case PROTOBUF_C_TYPE_STRING: {
		const char *text = *(const char *const *)member;
		const size_t len = text ? strlen(text) : 0;

		if (len > 0 || is_said)
			put_bytes(end, field, text, len);
		break;
	}

	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *bytes = member;

		if (bytes->len > 0 || is_said)
			put_bytes(end, field, bytes->data, bytes->len);
		break;
	}

	case PROTOBUF_C_TYPE_MESSAGE: {
		const ProtobufCMessage *message = *(
			const ProtobufCMessage *const *)member;

		if (message)
			put_nested(end, field, message);
		break;
	}

	default: {
		const uint64_t v = number_of(field->type, member);

		if (v == 0 && !is_said)
			break;
		put_varint(end, v);
		put_tag(end, field, WIRE_VARINT);
		break;
	}
	}
}


static size_t size_of(ProtobufCType type)
{
	switch ((int)type) {

	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);

	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		return sizeof(uint64_t);

	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);

	default:
		return sizeof(uint32_t);
	}
}


static void put_many(struct end *end, const ProtobufCFieldDescriptor *field,
		     const char *members, size_t count)
{
	const bool is_packed = field->flags & PROTOBUF_C_FIELD_FLAG_PACKED;
	const size_t size = size_of(field->type);
	const uint8_t *after = end->at;

	if (count == 0)
		return;
	for (size_t i = count; i-- > 0;) {
		if (is_packed)
			put_varint(end,
				   number_of(field->type, members + i * size));
		else
			put_field(end, field, members + i * size, true);
	}
	if (!is_packed || !end->at)
		return;
	put_varint(end, (uint64_t)(after - end->at));
	put_tag(end, field, WIRE_BYTES);
}


static void put_message(struct end *end, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *d = message->descriptor;
	const char *base = (const char *)message;

	for (unsigned i = message->n_unknown_fields; i-- > 0;) {
		const ProtobufCMessageUnknownField *f =
			&message->unknown_fields[i];

		put(end, f->data, f->len);
		put_varint(end, (uint64_t)f->tag << WIRE_BITS |
					(unsigned)f->wire_type);
	}
	for (unsigned i = d->n_fields; i-- > 0;) {
		const ProtobufCFieldDescriptor *field = &d->fields[i];
		const char *member = base + field->offset;
		const void *how = base + field->quantifier_offset;

		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			put_many(end, field, *(const char *const *)member,
				 *(const size_t *)how);
		else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
			put_field(end, field, member, false);
		else if (*(const uint32_t *)how == field->id)
			put_field(end, field, member, true);
	}
}
/* NOLINTEND(misc-no-recursion) */


/* NOLINTNEXTLINE(readability-non-const-parameter): it is written to */
uint8_t *encode(const ProtobufCMessage *message, uint8_t *data, size_t size)
{
	struct end end = { .begin = data, .at = data + size };

	put_message(&end, message);

	return end.at;
}
