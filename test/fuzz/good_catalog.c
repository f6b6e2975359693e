/**
 * @file test/fuzz/good_catalog.c  Good parts of a catalog, to be damaged
 *
 * Made by the builder, without shared memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test/fuzz/fuzz_catalog.h"

enum {
	FIELDS_MAX = 64,
	PAIRS_MAX = 12
};

struct line {
	enum record_kind kind;
	uint32_t id;
	const char *pairs[PAIRS_MAX];
};

/* clang-format off */
static const struct line lines[] = {
	{ RECORD_ACCOUNT, 1, { "name", "a" } },
	{ RECORD_RATE_TABLE, 1, { "name", "t" } },
	{ RECORD_GROUP, 1, { "name", "g",
		"calendar", "mon-fri 08:00-20:00 400" } },
	{ RECORD_MAPPING, 1, { "name", "m", "account", "1", "group", "1",
		"addresses", "192.0.2.0/24,2001:db8::/32",
		"cause_map", "486=480" } },
	{ RECORD_MAPPING, 2, { "name", "n", "account", "1",
		"auth_mode", "password", "username", "u" } },
	{ RECORD_ROUTING, 1, { "name", "r", "prefixes", "1,12,123,",
		"callee_rules", "0*=44*,00*=*", "mapping_names", "1,2",
		"stop_codes", "486,600", "addresses", "198.51.100.1:5060" } },
	{ RECORD_ROUTING, 2, { "name", "s", "prefixes", "12,44",
		"type", "dynamic", "username", "dyn" } },
	{ RECORD_LIST, 1, { "entry", "90*", "list", "callee_black" } },
	{ RECORD_LIST, 2, { "entry", "198.51.0.0/16",
		"list", "source_black" } },
	{ RECORD_LIST, 3, { "entry", "1234567890123456789012345678",
		"list", "callee_black" } },
	{ RECORD_PHONE, 1, { "number", "100", "account", "1",
		"codecs", "PCMA,PCMU" } },
	{ RECORD_PHONE, 2, { "number", "12", "account", "1",
		"forward_no_answer", "100" } },
	{ RECORD_RATE, 1, { "table", "1", "prefix", "", "rate", "1" } },
	{ RECORD_RATE, 2, { "table", "1", "prefix", "1", "rate", "2" } },
	{ RECORD_RATE, 3, { "table", "1", "prefix", "12", "rate", "3" } },
	{ RECORD_RATE, 4, { "table", "1", "prefix", "12", "rate", "4",
		"valid_from", "2026-01-01T00:00:00Z" } },
};
/* clang-format on */


static void die(const char *why)
{
	(void)fprintf(stderr, "good_catalog: %s\n", why);
	abort();
}


static void put(struct build *b, const struct line *line)
{
	const struct record_def *def = &records[line->kind];
	const char *values[FIELDS_MAX] = { NULL };
	char why[BUILD_WHY_MAX] = "";

	for (size_t p = 0; p < PAIRS_MAX && line->pairs[p]; p += 2) {
		for (size_t i = 0; i < def->fieldc; i++) {
			if (strcmp(def->fields[i].name, line->pairs[p]) == 0)
				values[i] = line->pairs[p + 1];
		}
	}

	if (build_row(b, line->kind, line->id, values, why))
		die(why);
}


static struct good_part bytes_of(struct part *part)
{
	struct good_part good;
	int fd;

	fd = memfd_create("part", MFD_CLOEXEC);
	if (fd < 0 || part_seal(part) || part_write(part, fd, 1))
		die("write");

	good.size = part->size;
	good.bytes = malloc(good.size);
	if (!good.bytes ||
	    pread(fd, good.bytes, good.size, 0) != (ssize_t)good.size)
		die("read");
	(void)close(fd);

	return good;
}


void good_parts(struct good_part parts[CATALOG_PARTC])
{
	char why[BUILD_WHY_MAX] = "";
	struct build *b = NULL;

	if (build_alloc(&b, NULL))
		die("memory");
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		put(b, &lines[i]);

	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		struct part *part = NULL;

		if (build_part(&part, b, i, why))
			die(why);
		parts[i] = bytes_of(part);
		part_unref(part);
	}
	build_free(b);
}
