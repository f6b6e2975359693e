/**
 * @file shared/catalog/build.h  Make a version and publish it
 *
 * For billingd alone. A version is made from rows in text form, or from the
 * version before with some rows changed; what does not change is taken over
 * as it lies there. Everything is checked before anything is published; a
 * version that is wrong is refused with the record, field and value named.
 *
 *     build_alloc(&b, previous);            (previous NULL: from nothing)
 *     build_forget(b, RECORD_PHONE, id);    (changed or removed: not kept)
 *     build_row(b, RECORD_PHONE, id, values);
 *     build_param(b, SS_MAX_CPS, "20");
 *     build_publish(b, publisher, version, origin, why);
 */
#ifndef TANDEM_CATALOG_BUILD_H
#define TANDEM_CATALOG_BUILD_H

#include "shared/catalog/catalog.h"
#include "shared/shm/slot.h"

enum {
	BUILD_WHY_MAX = 512
};

struct build;

/** @param previous Pinned until build_free(); NULL: from nothing */
int build_alloc(struct build **bp, const struct catalog *previous);
struct build *build_free(struct build *b);

/** Nothing of this kind is kept from the previous version */
int build_forget_all(struct build *b, enum record_kind kind);
int build_forget(struct build *b, enum record_kind kind, uint32_t id);

/**
 * A row, one text per field in the order of records[kind].fields; NULL is the
 * default. References are ids in decimal, not names ("0" or NULL: none): what
 * the database holds. In any order; each id once.
 *
 * @return 0, EINVAL (why), ENOMEM
 */
int build_row(struct build *b, enum record_kind kind, uint32_t id,
	      const char *const *values, char why[BUILD_WHY_MAX]);

/** @param text NULL: the default */
int build_param(struct build *b, enum param param, const char *text,
		char why[BUILD_WHY_MAX]);

/** Would it be published? Parts that nothing was changed of are taken for
 *  granted. @return 0, EINVAL (why), ENOMEM */
int build_try(struct build *b, char why[BUILD_WHY_MAX]);

/** Where versions go: the control page, and parts in shared memory */
struct publisher;

struct publisher_args {
	const struct segment *control; /**< Writable */
	const char *prefix;            /**< Of the names in shared memory */
	const char *group;     /**< Group that may read; NULL or "": the own */
	const char *copy_path; /**< Of the copy on disk; NULL: none */
	const struct log *log;
};

/** Adopts the version that is there, if there is one and it is sound; removes
 *  parts nobody names. */
int publisher_alloc(struct publisher **pp, const struct publisher_args *args);
struct publisher *publisher_free(struct publisher *p);

/** What is published now, pinned until the publisher says otherwise: NULL if
 *  nothing is */
const struct catalog *publisher_current(const struct publisher *p);

/**
 * Check the whole, make the parts that changed, name them in the control page
 *
 * Killed at any instant, the version before is in force and whole, or this
 * one is.
 *
 * @return 0, EINVAL (why: it is refused and nothing has changed), ENOMEM,
 *         ENOSPC
 */
int build_publish(struct build *b, struct publisher *p, uint64_t version,
		  enum catalog_origin origin, char why[BUILD_WHY_MAX]);

/** Publish the copy on disk, with origin CATALOG_DISK. @return 0, ENOENT,
 *  EBADMSG (it is damaged, or of another release), or what open(2) says */
int publisher_load_copy(struct publisher *p, char why[BUILD_WHY_MAX]);

/** Write the copy on disk, a piece per call so that nobody waits: beside, then
 *  rename. @return EAGAIN: call again; 0: it is there, or was; else why not */
int publisher_save_copy(struct publisher *p);

#endif
