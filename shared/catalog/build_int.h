/**
 * @file shared/catalog/build_int.h  What the files of the builder share
 *
 * Not for users: build.h is.
 */
#ifndef TANDEM_CATALOG_BUILD_INT_H
#define TANDEM_CATALOG_BUILD_INT_H

#include "shared/catalog/build.h"
#include "shared/catalog/image.h"

/** What is to change in a kind of record */
struct build_kind {
	uint8_t *rows; /**< New ones, in the order they came */
	size_t count, room;
	uint32_t *gone; /**< Ids that are not kept: forgotten or replaced */
	size_t gonec, gone_room;
	bool is_all_gone;
};

struct build {
	const struct catalog *previous; /**< NULL: none */
	struct heap *heap;              /**< Of the new rows */
	struct build_kind kinds[RECORD_KINDC];
	struct param_value *params[PARAMC]; /**< NULL: as it was */
};

/** Is there anything in this part that is not the previous version's? */
bool build_part_changes(const struct build *b, enum catalog_part which);

/** Make a part with all rows and indexes
 *  @return 0, EINVAL (why), ENOMEM, EOVERFLOW */
int build_part(struct part **partp, const struct build *b,
	       enum catalog_part which, char why[BUILD_WHY_MAX]);

/** Rows of a kind: what is kept and what is new, in order, their texts and
 *  lists in the part's heap */
int build_merge(struct part *part, const struct build *b,
		enum record_kind kind, char why[BUILD_WHY_MAX]);

/** What finds the rows of a part */
int build_index(struct part *part);
int build_index_prefixes(struct part *part);
int build_index_rates(struct part *part);
int build_index_nets(struct part *part);

/** Does every record agree with the others? @return 0, EINVAL (why) */
int build_check(const struct catalog *c, char why[BUILD_WHY_MAX]);

/** As calloc(), and quick to fill when it is large */
void *build_array(size_t count, size_t size);

/** An array of a part: zeroed, part_section_give()n. *p NULL for none. */
int build_section(struct part *part, enum section section, size_t count,
		  void *p);

/** Publish parts: those that are the current version's own are shared, others
 *  written under new names
 *  @return 0, ENOMEM, ENOSPC, or what open(2) says */
int publisher_put(struct publisher *p, struct part *const parts[CATALOG_PARTC],
		  uint64_t version, enum catalog_origin origin,
		  char why[BUILD_WHY_MAX]);

/** The copy on disk, as far as it is written */
struct copy {
	char path[256]; /**< Empty: none is kept */
	int fd;         /**< -1: none is being written */
	const struct catalog *catalog;
	size_t part; /**< What comes next */
	uint64_t at;
	uint64_t saved; /**< Publication that the file holds; 0: not known */
};

void copy_init(struct copy *copy);
void copy_done(struct copy *copy);

struct publisher {
	struct segment control;
	struct slots *slots;
	uint32_t index;
	bool has_slot;
	bool has_gid;
	uint32_t gid;
	char prefix[64];
	const struct log *log;
	const struct catalog *current;
	struct catalog_control page;   /**< What the page names; or zeros */
	struct catalog_control before; /**< What it named before that */
	uint64_t publication;          /**< The last that was ever used */
	struct copy copy;
};

#endif
