/**
 * @file test/unit/catalog/lines.h  A small switch with a bit of everything
 */
#ifndef TANDEM_TEST_UNIT_CATALOG_LINES_H
#define TANDEM_TEST_UNIT_CATALOG_LINES_H

#include "test/unit/catalog/rig.h"

enum {
	CARRIER = 1,
	AGENT,
	GOLD = 11,
	GW1 = 21,
	GW2,
	GW3,
	WAY1 = 31,
	WAY2,
	WAY3,
};

/* Seconds since 1970 */
enum {
	IN_2024 = 1720000000,
	IN_2025 = 1750000000,
	IN_2026 = 1770000000,
};

enum {
	LINE_PAIRS_MAX = 10
};

/** A row, by names of fields and their values */
struct line {
	enum record_kind kind;
	uint32_t id;
	const char *pairs[LINE_PAIRS_MAX];
};

extern const struct line lines[];
extern const size_t linec;

int put_line(struct rig *rig, struct build *b, const struct line *line);

/** All lines as a version */
int publish_lines(struct rig *rig, uint64_t version);

/** The same as version 1, verified and pinned */
const struct catalog *open_lines(struct rig *rig, const char *what);
void close_lines(struct rig *rig, const struct catalog *c);

#endif
