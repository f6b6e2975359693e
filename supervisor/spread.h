/**
 * @file supervisor/spread.h  Which workers a daemon's command is for
 *
 * One row per command: whose it is, whether one worker can answer it or all
 * have to be asked, and how their answers become one. Pure: JSON in, JSON out;
 * forward.c asks.
 */
#ifndef TANDEM_SUPERVISOR_SPREAD_H
#define TANDEM_SUPERVISOR_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "shared/ipc/peer.h"

enum spread_way {
	SPREAD_ONE,  /**< The first worker speaks for all */
	SPREAD_ALL,  /**< All; who has not what is meant does not count */
	SPREAD_LEAD, /**< The first; what it has named, the others take, too */
	SPREAD_CHAIN /**< One after the other, page by page */
};

/** Where a page begins */
enum spread_pages {
	SPREAD_WHOLE,    /**< There are none, but a limit */
	SPREAD_OFFSET,   /**< A number of rows */
	SPREAD_POSITIONS /**< A number of rows of each worker */
};

/** How a column of rows that are one becomes one */
enum spread_op {
	SPREAD_FIRST, /**< What the first says that says something */
	SPREAD_SUM,
	SPREAD_MAX,
	SPREAD_MEAN, /**< Weighed by another column */
	SPREAD_WORD  /**< This word, if anyone says it */
};

enum {
	SPREAD_KEYS = 3,
	SPREAD_COLUMNS = 8,
};

struct spread {
	const char *cmd; /**< Or an object: all its other commands */
	enum peer peer;
	enum spread_way way;
	enum spread_pages pages;
	uint32_t limit;    /**< Rows if nothing is said; 0: all */
	const char *order; /**< SPREAD_POSITIONS: column */
	/** Rows that agree in these are one; "": all are one */
	const char *keys[SPREAD_KEYS];
	struct {
		const char *name;
		enum spread_op op;
		const char *by; /**< Column of SPREAD_MEAN, or the word */
	} columns[SPREAD_COLUMNS];
};

/** NULL: no daemon's */
const struct spread *spread_find(const char *cmd);

/** What one of them is asked; NULL: so far no page goes.
 *  lead: the answer of the first one, for SPREAD_LEAD; may be NULL */
json_t *spread_args(const struct spread *spread, const json_t *args,
		    size_t worker, const json_t *lead);

/** Of SPREAD_CHAIN: who has the page; SIZE_MAX: the cursor is none */
size_t spread_chain(const json_t *args, size_t workerc);

/** One answer of all. NULL among them: it gave none; not all may be.
 *  @return NULL if memory is short */
json_t *spread_merge(const struct spread *spread, const json_t *args,
		     json_t *const answers[], size_t answerc);

#endif
