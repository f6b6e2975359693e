/**
 * @file test/unit/catalog/test_image.c  Parts that are not as they were made
 *
 * Three promises: what is attached can be asked anything and faults never,
 * whatever it holds; a checksum that is wrong is noticed; and bytes that were
 * written to deceive, with a checksum that is right, are too, when they point
 * outside.
 */
#include "shared/base/crc32c.h"
#include "shared/catalog/image.h"
#include "test/support/t.h"
#include "test/unit/catalog/ask.h"
#include "test/unit/catalog/rig.h"

struct copy_of_part {
	uint8_t *bytes;
	size_t size;
};


static void fill(struct rig *rig)
{
	struct build *b;

	assert_int_equal(build_alloc(&b, NULL), 0);
	assert_int_equal(rig_row(rig, b, RECORD_ACCOUNT, 1, "name", "a", NULL),
			 0);
	assert_int_equal(rig_row(rig, b, RECORD_RATE_TABLE, 1, "name", "t",
				 NULL),
			 0);
	assert_int_equal(rig_row(rig, b, RECORD_MAPPING, 1, "name", "m",
				 "account", "1", "addresses",
				 "192.0.2.0/24,198.51.100.1", "username", "u",
				 "type", "static", NULL),
			 0);
	assert_int_equal(rig_row(rig, b, RECORD_ROUTING, 1, "name", "r",
				 "prefixes", "1,12,123", "callee_rules",
				 "0*=44*", "mapping_names", "1", "type",
				 "dynamic", "username", "dyn", NULL),
			 0);
	assert_int_equal(rig_row(rig, b, RECORD_LIST, 1, "entry", "90*",
				 "list", "callee_black", NULL),
			 0);
	assert_int_equal(rig_row(rig, b, RECORD_LIST, 2, "entry",
				 "1234567890123456789012345678", "list",
				 "callee_black", NULL),
			 0);
	for (uint32_t i = 1; i <= 40; i++) {
		char number[16];

		(void)snprintf(number, sizeof(number), "1%u", i * 3);
		assert_int_equal(rig_row(rig, b, RECORD_PHONE, i, "number",
					 number, "account", "1", "codecs",
					 "PCMA,PCMU", NULL),
				 0);
		assert_int_equal(rig_row(rig, b, RECORD_RATE, i, "table", "1",
					 "prefix", number, "rate", "1", NULL),
				 0);
	}
	assert_int_equal(rig_publish(rig, b, 1), 0);
}


static struct copy_of_part copy_part(const struct rig *rig,
				     enum catalog_part which)
{
	const struct part *part =
		publisher_current(rig->publisher)->parts[which];
	struct copy_of_part copy = { .size = part->size };

	copy.bytes = malloc(copy.size);
	assert_non_null(copy.bytes);
	memcpy(copy.bytes, part->map, copy.size);

	return copy;
}


/* The checksum is right again: a deceiver can count */
static void seal(const struct copy_of_part *copy)
{
	struct part_head head;

	memcpy(&head, copy->bytes, sizeof(head));
	head.crc = crc32c(0, copy->bytes + PART_CRC_FROM,
			  copy->size - PART_CRC_FROM);
	memcpy(copy->bytes, &head, sizeof(head));
}


/* One bit of a part is wrong: it is refused, or can be asked and fails the
 * look at the whole. @return was it refused? */
static bool try_part(const struct rig *rig, enum catalog_part which,
		     const struct copy_of_part *copy, bool is_sealed)
{
	const struct catalog *good = publisher_current(rig->publisher);
	struct part *parts[CATALOG_PARTC];
	struct part *part = NULL;
	struct catalog *c = NULL;
	char why[256] = "";
	int err;

	err = part_attach(&part, which, copy->bytes, copy->size, why,
			  sizeof(why));
	if (err) {
		assert_true(err == EBADMSG || err == EPROTO);
		assert_true(why[0] != '\0');
		return true;
	}

	for (int i = 0; i < CATALOG_PARTC; i++)
		parts[i] = i == (int)which ? part : good->parts[i];
	assert_int_equal(catalog_alloc(&c, &good->control, parts), 0);
	part_unref(part);

	(void)ask_everything(c);
	err = catalog_verify(c, why, sizeof(why));
	if (!is_sealed)
		assert_int_equal(err, EBADMSG);
	catalog_unref(c);

	return false;
}


static void a_flipped_bit_is_noticed_and_harms_nobody(void **state)
{
	struct rig rig;
	(void)state;

	srandom(8);
	assert_int_equal(rig_open(&rig, "flip"), 0);
	fill(&rig);

	for (int which = 0; which < CATALOG_PARTC; which++) {
		struct copy_of_part copy = copy_part(&rig, which);
		size_t refused = 0;

		for (size_t i = 0; i < 3000; i++) {
			const size_t at = i < sizeof(struct part_head)
						  ? i
						  : (size_t)random() %
							    copy.size;
			const uint8_t bit = (uint8_t)(1u << random() % 8);

			/* The generation is compared with the page. */
			if (at >= 8 && at < PART_CRC_FROM)
				continue;
			copy.bytes[at] ^= bit;
			refused += try_part(&rig, which, &copy, false);
			copy.bytes[at] ^= bit;
		}
		assert_true(refused > 0);
		free(copy.bytes);
	}
	rig_close(&rig);
}


static void what_lies_with_a_right_checksum_harms_nobody(void **state)
{
	struct rig rig;
	(void)state;

	srandom(9);
	assert_int_equal(rig_open(&rig, "lies"), 0);
	fill(&rig);

	for (int which = 0; which < CATALOG_PARTC; which++) {
		struct copy_of_part copy = copy_part(&rig, which);
		uint8_t *was = malloc(copy.size);

		assert_non_null(was);
		memcpy(was, copy.bytes, copy.size);
		for (size_t i = 0; i < 3000; i++) {
			for (long n = random() % 16; n >= 0; n--)
				copy.bytes[(size_t)random() % copy.size] =
					(uint8_t)random();
			seal(&copy);
			(void)try_part(&rig, which, &copy, true);
			memcpy(copy.bytes, was, copy.size);
		}
		free(was);
		free(copy.bytes);
	}
	rig_close(&rig);
}


/* A word of a section of its own, written over; the checksum is right */
static void check_lie(const struct rig *rig, enum catalog_part which,
		      enum section section, size_t at, uint32_t word)
{
	const struct catalog *good = publisher_current(rig->publisher);
	struct copy_of_part copy = copy_part(rig, which);
	struct part *parts[CATALOG_PARTC];
	struct part *part = NULL;
	struct catalog *c = NULL;
	struct part_head head;
	char why[256] = "";

	memcpy(&head, copy.bytes, sizeof(head));
	assert_true(head.sections[section].count > 0);
	memcpy(copy.bytes + head.sections[section].off + at, &word,
	       sizeof(word));
	seal(&copy);

	assert_int_equal(part_attach(&part, which, copy.bytes, copy.size, why,
				     sizeof(why)),
			 0);
	for (int i = 0; i < CATALOG_PARTC; i++)
		parts[i] = i == (int)which ? part : good->parts[i];
	assert_int_equal(catalog_alloc(&c, &good->control, parts), 0);
	part_unref(part);
	(void)ask_everything(c);
	if (catalog_verify(c, why, sizeof(why)) != EBADMSG)
		fail_msg("section %d: not noticed", (int)section);
	catalog_unref(c);
	free(copy.bytes);
}


static void what_points_outside_is_noticed(void **state)
{
	static const struct {
		enum catalog_part which;
		enum section section;
		size_t at;
		uint32_t word;
	} rows[] = {
		/* clang-format off */
		{ CATALOG_PHONES, SECTION_ROWS + RECORD_PHONE,
		  offsetof(struct cat_row, name), 1u << 30 },
		{ CATALOG_PHONES, SECTION_ROWS + RECORD_PHONE,
		  offsetof(struct cat_phone, codecs), 4 },
		{ CATALOG_PHONES, SECTION_ROWS + RECORD_PHONE,
		  offsetof(struct cat_phone, codecs.count), 1u << 31 },
		{ CATALOG_PHONES, SECTION_ROWS + RECORD_PHONE,
		  offsetof(struct cat_row, id), 99 },
		{ CATALOG_CORE, SECTION_PARAMS,
		  offsetof(struct cat_param, text), UINT32_MAX },
		{ CATALOG_CORE, SECTION_SETS,
		  offsetof(struct prefix_set, first), 1000 },
		{ CATALOG_CORE, SECTION_NODES,
		  offsetof(struct prefix_node, parent), 1 },
		{ CATALOG_CORE, SECTION_NODES,
		  offsetof(struct prefix_node, value), 1000 },
		{ CATALOG_CORE, SECTION_NODES,
		  offsetof(struct prefix_node, key), UINT32_MAX },
		{ CATALOG_CORE, SECTION_POSTINGS, 0, 1000 },
		{ CATALOG_CORE, SECTION_POSTINGS, 4, 1000 },
		{ CATALOG_CORE, SECTION_NETSETS,
		  offsetof(struct net_set, count), 1000 },
		{ CATALOG_CORE, SECTION_NETS,
		  offsetof(struct net_node, parent), 7 },
		{ CATALOG_CORE, SECTION_NETS,
		  offsetof(struct net_node, source), 1000 },
		{ CATALOG_RATES, SECTION_NODES,
		  offsetof(struct prefix_node, value), 1 },
		{ CATALOG_RATES, SECTION_SETS,
		  offsetof(struct prefix_set, owner), 2 },
		/* clang-format on */
	};
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "outside"), 0);
	fill(&rig);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_lie(&rig, rows[i].which, rows[i].section, rows[i].at,
			  rows[i].word);
	rig_close(&rig);
}


static void what_is_too_short_is_no_part(void **state)
{
	struct copy_of_part copy;
	struct rig rig;
	(void)state;

	assert_int_equal(rig_open(&rig, "short"), 0);
	fill(&rig);
	copy = copy_part(&rig, CATALOG_PHONES);
	for (size_t size = 0; size < copy.size; size += 1 + size / 8) {
		struct part *part;
		char why[256];

		assert_int_equal(part_attach(&part, CATALOG_PHONES, copy.bytes,
					     size, why, sizeof(why)),
				 EBADMSG);
	}
	free(copy.bytes);
	rig_close(&rig);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flipped_bit_is_noticed_and_harms_nobody),
		cmocka_unit_test(what_lies_with_a_right_checksum_harms_nobody),
		cmocka_unit_test(what_points_outside_is_noticed),
		cmocka_unit_test(what_is_too_short_is_no_part),
	};

	return T_MAIN_ONLY(tests);
}
