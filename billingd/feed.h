/**
 * @file billingd/feed.h  The catalog keeps up with the database
 *
 * A connection of its own reads what changed, in one read-only transaction
 * that sees one moment, and publishes it. Everything is read at the start and
 * whenever what we know cannot be a beginning of what the database holds; a
 * change is read alone. What cannot be a catalog is refused with a word on
 * the record and field, and the last good version stays in force.
 */
#ifndef TANDEM_BILLINGD_FEED_H
#define TANDEM_BILLINGD_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/catalog/build.h"

struct ev;
struct feed;
struct life;
struct log;

struct feed_args {
	struct ev *ev;
	const char *conninfo;
	const char *password_file;
	struct publisher *publisher;
	struct life *life; /**< Where status learns of the catalog */
	const struct log *log;
	/** Something about the database has changed: feed_schema() */
	void (*changedh)(void *arg);
	void *arg;
};

int feed_alloc(struct feed **fp, const struct feed_args *args);
/** Those who wait are told ECANCELED */
struct feed *feed_free(struct feed *f);

/** The version in force; 0: none of the database's */
uint64_t feed_version(const struct feed *f);

/** Why the newest version is not in force; NULL: it is, or is being read */
const char *feed_refusal(const struct feed *f);

/** What it knows of the database: enum life_database */
int feed_database(const struct feed *f);

/** err 0: the version is in force; EINVAL: it was refused, ETIMEDOUT: not yet
 *  known, for the database is away or slow */
typedef void(feed_wait_h)(int err, void *arg);

/** Look at once, for the schema has changed; h is told when that is done
 *  @return 0, ENOMEM */
int feed_look(struct feed *f, feed_wait_h *h, void *arg);

/** Told once, not from in here. @return 0, ENOMEM */
int feed_wait(struct feed *f, uint64_t version, feed_wait_h *h, void *arg);

#endif
