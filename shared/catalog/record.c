/**
 * @file shared/catalog/record.c  The tables of kinds and fields
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/record.h"

/* --- words of records.def ------------------------------------------------- */

/* Below these, no sum the switch makes can leave its type. Lines and calls:
 * what a node could ever carry. Money: a rate by the seconds of 30 days, and
 * an overdraft beside any balance, have room in 63 bits. */
#define LINES_MOST     1000000
#define RATE_MOST      (INT64_C(1000000) * 1000000)
#define OVERDRAFT_MOST (INT64_C(1000000000000) * 1000000)
#define TIME_MOST      INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Bytes: of a host name (RFC 1035 has 253, the specification 255), of a user
 * name, of a sealed password in base64. */
#define HOST_MOST   255
#define USER_MOST   128
#define SEALED_MOST 4096

/* Elements: each is looked at for every call, so these lists stay short. */
#define PLAN_MOST   1000
#define CODECS_MOST 32

#define RANGE(least, most) .min = (least), .max = (most)
#define MOST(most)         .min = 0, .max = (most)
#define NEEDED             .min = 1 /* a reference that may not be none */
#define DEFAULT(text)      .def = (text)
#define WORDS(list)        .words = (list)
#define TO(kind)           .ref = RECORD_##kind
#define OWN                .inherits = false, .param = PARAMC
#define UNLIMITED          .inherits = true, .param = PARAMC
#define INHERITS(which)    .def = "inherit", .inherits = true, .param = (which)
#define HELP(sentence)     .help = (sentence)

#define FIELD(row, word, member, kind, ...)      \
	{                                        \
		.name = #word,                   \
		.type = RECORD_##kind,           \
		.offset = offsetof(row, member), \
		__VA_ARGS__,                     \
	},

/* --- fields --------------------------------------------------------------- */

static const struct record_field rate_table_fields[] = {
#define RATE_TABLE(...) FIELD(struct cat_rate_table, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field account_fields[] = {
#define ACCOUNT(...) FIELD(struct cat_account, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field group_fields[] = {
#define GROUP(...) FIELD(struct cat_group, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field mapping_fields[] = {
#define GATEWAY(...) FIELD(struct cat_mapping, __VA_ARGS__)
#define MAPPING(...) FIELD(struct cat_mapping, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field registration_fields[] = {
#define REGISTRATION(...) FIELD(struct cat_registration, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field routing_fields[] = {
#define GATEWAY(...) FIELD(struct cat_routing, __VA_ARGS__)
#define ROUTING(...) FIELD(struct cat_routing, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field phone_fields[] = {
#define PHONE(...) FIELD(struct cat_phone, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field rate_fields[] = {
#define RATE(...) FIELD(struct cat_rate, __VA_ARGS__)
#include "shared/catalog/records.def"
};

static const struct record_field list_fields[] = {
#define LIST(...) FIELD(struct cat_list_entry, __VA_ARGS__)
#include "shared/catalog/records.def"
};

/* --- kinds ---------------------------------------------------------------- */

#define KIND(in_ctl, in_sql, for_people, row, list)                         \
	{                                                                   \
		.word = (in_ctl), .table = (in_sql), .title = (for_people), \
		.size = sizeof(struct row), .fields = (list),               \
		.fieldc = COUNT_OF(list),                                   \
	}

/* clang-format off */
const struct record_def records[RECORD_KINDC] = {
	[RECORD_RATE_TABLE] = KIND("rate-table", "rate_table", "rate table",
				   cat_rate_table, rate_table_fields),
	[RECORD_ACCOUNT] = KIND("account", "account", "account",
				cat_account, account_fields),
	[RECORD_GROUP] = KIND("group", "gateway_group", "group",
			      cat_group, group_fields),
	[RECORD_MAPPING] = KIND("mapping", "mapping", "mapping gateway",
				cat_mapping, mapping_fields),
	[RECORD_REGISTRATION] = KIND("registration", "registration",
				     "outbound registration",
				     cat_registration, registration_fields),
	[RECORD_ROUTING] = KIND("routing", "routing", "routing gateway",
				cat_routing, routing_fields),
	[RECORD_PHONE] = KIND("phone", "phone", "phone",
			      cat_phone, phone_fields),
	[RECORD_RATE] = KIND("rate", "rate", "rate",
			     cat_rate, rate_fields),
	[RECORD_LIST] = KIND("list", "list", "number list entry",
			     cat_list_entry, list_fields),
};
/* clang-format on */


int record_kind_find(enum record_kind *kindp, struct text word)
{
	for (size_t i = 0; i < RECORD_KINDC; i++) {
		if (text_is(word, records[i].word)) {
			*kindp = (enum record_kind)i;
			return 0;
		}
	}

	return ENOENT;
}


const struct record_field *record_field_find(enum record_kind kind,
					     struct text name)
{
	const struct record_def *def = &records[kind];

	for (size_t i = 0; i < def->fieldc; i++)
		if (text_is(name, def->fields[i].name))
			return &def->fields[i];

	return NULL;
}
