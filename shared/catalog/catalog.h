/**
 * @file shared/catalog/catalog.h  What is configured, for those who use it
 *
 * billingd publishes versions; each is three immutable parts in shared memory
 * (core, phones, rates), of which a version that changes one shares the other
 * two with the version before. The control page names the current version:
 * its parts, their sizes and checksums, in one slot, so that no mixture is
 * ever seen.
 *
 * A reader pins a version while it uses it:
 *
 *     const struct catalog *c = catalog_pin(reader);
 *     ... pointers into it are good until ...
 *     catalog_unpin(reader, c);
 *
 * Pinning costs a few loads unless there is a new version, which is mapped
 * then. Nobody waits for anybody: the mapping is the pin, so the kernel takes
 * back what a dead reader held, and a removed part lives as long as somebody
 * has it mapped.
 */
#ifndef TANDEM_CATALOG_CATALOG_H
#define TANDEM_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"
#include "shared/catalog/control.h"
#include "shared/catalog/param.h"
#include "shared/catalog/record.h"
#include "shared/catalog/rows.h"
#include "shared/shm/segment.h"

struct catalog;
struct catalog_reader;

/** @param prefix Of the names in shared memory: the node file's shm_prefix */
int catalog_reader_alloc(struct catalog_reader **readerp,
			 const struct segment *control, const char *prefix);
/** Nothing of it may be pinned */
struct catalog_reader *catalog_reader_free(struct catalog_reader *reader);

/** The current version, or the last that could be mapped; NULL if there never
 *  was one. Pins may nest; versions may be pinned side by side. */
const struct catalog *catalog_pin(struct catalog_reader *reader);
void catalog_unpin(struct catalog_reader *reader, const struct catalog *c);

/** What the control page said of the version that is pinned */
const struct catalog_control *catalog_control(const struct catalog *c);

/** Every offset, count and checksum: for billingd before it publishes, the
 *  copy on disk, and tests. @return 0, or EBADMSG with why in words */
int catalog_verify(const struct catalog *c, char *why, size_t size);

/* --- parameters ----------------------------------------------------------- */

int64_t catalog_int(const struct catalog *c, enum param param);
bool catalog_is_set(const struct catalog *c, enum param param);
const char *catalog_text(const struct catalog *c, enum param param);
/** Of a pair: the second */
int64_t catalog_second(const struct catalog *c, enum param param);
/** Of SECONDS: milliseconds */
const int64_t *catalog_numbers(const struct catalog *c, enum param param,
			       size_t *countp);
size_t catalog_textc(const struct catalog *c, enum param param);
const char *catalog_text_at(const struct catalog *c, enum param param,
			    size_t i);

/** An int32_t field that may be CAT_INHERIT, or else its parameter */
int32_t catalog_effective(const struct catalog *c, int32_t field,
			  enum param param);

/* --- records -------------------------------------------------------------- */

/** All rows of a kind, one behind the other, records[kind].size each. Phones
 *  and list entries by name, rates by table, prefix and time, others by
 *  name. */
const void *catalog_rows(const struct catalog *c, enum record_kind kind,
			 size_t *countp);
/** NULL if there is none. Not for rates. */
const void *catalog_by_id(const struct catalog *c, enum record_kind kind,
			  uint32_t id);
const void *catalog_by_name(const struct catalog *c, enum record_kind kind,
			    struct text name);
/** It is asked for soon: have the way there brought into the cache, and behind
 *  that, has_slot, itself */
void catalog_id_ahead(const struct catalog *c, enum record_kind kind,
		      uint32_t id, bool has_slot);
void catalog_name_ahead(const struct catalog *c, enum record_kind kind,
			struct text name, bool has_slot);

/** Heap of the part a kind lies in, for record_print() */
const uint8_t *catalog_heap(const struct catalog *c, enum record_kind kind,
			    size_t *sizep);
/** "" if the offset is not good */
const char *catalog_str(const struct catalog *c, enum record_kind kind,
			cat_str str);
/** NULL and 0 if the span is not good or empty; else count elements */
const void *catalog_span(const struct catalog *c, enum record_kind kind,
			 struct cat_span span, size_t size, size_t *countp);

/* --- look-ups ------------------------------------------------------------- */

/** Who may be behind a source address, most specific network first */
struct catalog_source {
	enum record_kind kind; /**< RECORD_MAPPING, RECORD_ROUTING */
	uint32_t id;
	uint16_t port; /**< 0: any; else only from this port */
	uint8_t len;   /**< Bits of the network, of 32 or 128 */
};

/**
 * Sources of one port come only if addr has that port, or none. In a network
 * they come before those of any port; routing gateways may use any. Dynamic
 * gateways are where they registered from and are not found here, nor are
 * host names of routing gateways, which somebody has to resolve.
 *
 * @return how many there are; at most max are written
 */
size_t catalog_sources(const struct catalog *c, const struct addr *addr,
		       struct catalog_source *sources, size_t max);

/** Routing gateways with a prefix of this number, longest prefix first, in a
 *  length by id */
struct catalog_candidate {
	const struct cat_routing *gateway;
	uint32_t length; /**< Of the prefix */
};

/** @return how many there are; at most max are written */
size_t catalog_candidates(const struct catalog *c, struct text number,
			  struct catalog_candidate *candidates, size_t max);

const struct cat_phone *catalog_phone(const struct catalog *c,
				      struct text number);

/** By the user name of its credentials: a mapping gateway with a password, or
 *  a dynamic gateway of either kind; NULL if there is none */
const struct cat_gateway *catalog_terminal(const struct catalog *c,
					   struct text username,
					   enum record_kind *kindp);

/** Is the number, or the address, in the list? Not, if it is a list of the
 *  others. */
bool catalog_lists_number(const struct catalog *c, enum cat_list list,
			  struct text number);
bool catalog_lists_source(const struct catalog *c, enum cat_list list,
			  const struct addr *addr);

/** Does one of a parameter's patterns fit the number? */
bool catalog_matches(const struct catalog *c, enum param param,
		     struct text number);

/** The row a call pays by: longest prefix among the rows of the table valid
 *  at that second, of equal ones the latest valid_from; NULL if none, or if
 *  it is locked */
const struct cat_rate *catalog_rate(const struct catalog *c, uint32_t table,
				    struct text number, int64_t at);

#endif
