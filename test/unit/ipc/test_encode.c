/**
 * @file test/unit/ipc/test_encode.c  The same bytes as protobuf-c's
 */
#include <stdlib.h>

#include "proto/envelope.pb-c.h"
#include "shared/base/util.h"
#include "shared/ipc/encode.h"
#include "test/support/t.h"

enum {
	SIZE = 65536,
	MANY_MAX = 3,
	DEPTH_MAX = 4,
	TEXT_MAX = 300, /* a length of two bytes, too */
};

/* Random messages: the memory of one of them */
struct filler {
	uint64_t state;
	size_t used;
	_Alignas(max_align_t) char bytes[1 << 20];
};

static struct filler filler;
static uint8_t ours[SIZE], theirs[SIZE];


static uint64_t dice(void)
{
	filler.state = filler.state * UINT64_C(6364136223846793005) +
		       UINT64_C(1442695040888963407);

	return filler.state >> 33;
}


static void *take(size_t size)
{
	void *p = filler.bytes + filler.used;

	filler.used += (size + 15) & ~(size_t)15;
	assert_true(filler.used <= sizeof(filler.bytes));
	memset(p, 0, size);

	return p;
}


/* Of every length in bits */
static uint64_t number(void)
{
	const uint64_t v = dice() << 33 ^ dice() << 11 ^ dice();

	return dice() % 4 ? v >> dice() % 64 : 0;
}


static char *text(void)
{
	const size_t len = dice() % 3 ? dice() % TEXT_MAX : 0;
	char *s = take(len + 1);

	for (size_t i = 0; i < len; i++)
		s[i] = (char)('a' + dice() % 26);

	return s;
}


static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *d,
				    unsigned depth);


static size_t fill_value(const ProtobufCFieldDescriptor *field, void *at,
			 unsigned depth)
{
	switch ((int)field->type) {

	case PROTOBUF_C_TYPE_STRING:
		*(char **)at = text();
		return sizeof(char *);

	case PROTOBUF_C_TYPE_BYTES: {
		ProtobufCBinaryData *data = at;

		data->len = dice() % TEXT_MAX;
		data->data = take(data->len + 1);
		return sizeof(*data);
	}

	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)at = message_of(field->descriptor,
						      depth + 1);
		return sizeof(void *);

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		*(uint64_t *)at = number();
		return sizeof(uint64_t);

	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = dice() % 2;
		return sizeof(protobuf_c_boolean);

	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		*(uint32_t *)at = (uint32_t)number();
		return sizeof(uint32_t);

	default:
		fail_msg("%s: encode.c does not know this type", field->name);
		return 0;
	}
}


static void fill_many(const ProtobufCFieldDescriptor *field, char *base,
		      unsigned depth)
{
	const size_t count = dice() % (MANY_MAX + 1);
	char *members = take(count * sizeof(ProtobufCBinaryData)),
	     *at = members;

	for (size_t i = 0; i < count; i++)
		at += fill_value(field, at, depth);
	*(size_t *)(void *)(base + field->quantifier_offset) = count;
	*(char **)(void *)(base + field->offset) = members;
}


static void fill(const ProtobufCFieldDescriptor *field, char *base,
		 unsigned depth)
{
	uint32_t *which = (void *)(base + field->quantifier_offset);

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth == DEPTH_MAX)
		return;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		fill_many(field, base, depth);
		return;
	}

	assert_int_equal(field->label, PROTOBUF_C_LABEL_NONE);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*which || dice() % 8)
			return;
		*which = field->id;
	}
	else if (dice() % 4 == 0)
		return;
	(void)fill_value(field, base + field->offset, depth);
}


static ProtobufCMessage *message_of(const ProtobufCMessageDescriptor *d,
				    unsigned depth)
{
	ProtobufCMessage *m = take(d->sizeof_message);

	d->message_init(m);
	for (unsigned i = 0; i < d->n_fields; i++)
		fill(&d->fields[i], (char *)m, depth);

	return m;
}


static const ProtobufCMessage *random_message(unsigned seed)
{
	filler.state = seed;
	filler.used = 0;

	return message_of(&tandem__envelope__descriptor, 0);
}


static void random_messages_are_the_same_bytes(void **state)
{
	unsigned bodies = 0;
	(void)state;

	for (unsigned seed = 1; seed <= 3000; seed++) {
		const ProtobufCMessage *m = random_message(seed);
		const size_t size = protobuf_c_message_get_packed_size(m);
		const uint8_t *at;

		assert_true(size <= SIZE);
		assert_int_equal(protobuf_c_message_pack(m, theirs), size);
		at = encode(m, ours, SIZE);
		assert_non_null(at);
		assert_int_equal(ours + SIZE - at, size);
		assert_memory_equal(at, theirs, size);
		bodies += size > 1000;
	}
	assert_true(bodies > 100);
}


/* To the byte, and nothing is written before the room that there is */
static void what_does_not_fit_is_refused(void **state)
{
	(void)state;

	for (unsigned seed = 1; seed <= 200; seed++) {
		const ProtobufCMessage *m = random_message(seed);
		const size_t size = protobuf_c_message_get_packed_size(m);

		assert_ptr_equal(encode(m, ours, size), ours);
		for (size_t room = size > 64 ? size - 64 : 0; room < size;
		     room++) {
			memset(ours, 0x5a, SIZE);
			assert_null(encode(m, ours + 1, room));
			assert_int_equal(ours[0], 0x5a);
			assert_int_equal(ours[1 + room], 0x5a);
		}
	}
}


/* What a newer release says beside what we know of goes on as it came. */
static void fields_that_nobody_knows_are_the_same_bytes(void **state)
{
	uint8_t text[] = { 3, 'o', 'd', 'd' }, number[] = { 0x96, 1 };
	ProtobufCMessageUnknownField fields[] = {
		{ 4001, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, sizeof(text),
		  text },
		{ 4002, PROTOBUF_C_WIRE_TYPE_VARINT, sizeof(number), number },
	};
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	size_t size;
	(void)state;

	hdr.epoch = 7;
	env.hdr = &hdr;
	env.base.n_unknown_fields = hdr.base.n_unknown_fields = 2;
	env.base.unknown_fields = hdr.base.unknown_fields = fields;
	size = tandem__envelope__pack(&env, theirs);
	assert_ptr_equal(encode(&env.base, ours, size), ours);
	assert_memory_equal(ours, theirs, size);
}


static void nothing_is_no_bytes(void **state)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	(void)state;

	assert_ptr_equal(encode(&env.base, ours, 0), ours);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_messages_are_the_same_bytes),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(fields_that_nobody_knows_are_the_same_bytes),
		cmocka_unit_test(nothing_is_no_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
