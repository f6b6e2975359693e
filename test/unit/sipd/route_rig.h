/**
 * @file test/unit/sipd/route_rig.h  A catalog, and a view of it to be set
 */
#ifndef TANDEM_TEST_UNIT_SIPD_ROUTE_RIG_H
#define TANDEM_TEST_UNIT_SIPD_ROUTE_RIG_H

#include "sipd/route.h"
#include "test/unit/catalog/rig.h"

/** "name=G1|prefixes=1212|priority=20" */
struct route_row {
	enum record_kind kind;
	uint32_t id;
	const char *fields;
};

struct route_param {
	enum param param;
	const char *value;
};

enum {
	ROUTE_RIG_SET_MAX = 16
};

/** (kind, id) and a number; kind 0 where ids are of one kind */
struct route_set {
	size_t count;
	struct {
		int kind;
		uint32_t id, n;
	} rows[ROUTE_RIG_SET_MAX];
};

struct route_rig {
	struct rig rig;
	const struct catalog *c;
	struct route_view v; /**< All online, nothing in use */
	struct route_set used, no_rate, offline, unbound, unregistered, shorts;
	uint32_t asked; /**< Lines, how often */
};

/** Publish these and pin them. @return 0 or errno; fails on a bad row */
int route_rig_open(struct route_rig *rr, const char *what,
		   const struct route_row *rows, size_t rowc,
		   const struct route_param *values, size_t valuec);
void route_rig_close(struct route_rig *rr);

/** n of (kind, id), whatever it was before */
void route_set_put(struct route_set *set, int kind, uint32_t id, uint32_t n);
void route_set_clear(struct route_set *set);

/** "G1,G2" of a list */
const char *route_rig_names(const struct route_rig *rr,
			    const struct route_list *list, char dst[256]);

#endif
