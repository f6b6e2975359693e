/**
 * @file supervisor/segments.h  The shared-memory segments the supervisor holds
 *
 * Made from the rows of topology.c, or found as a predecessor left them. Each
 * is handed to its writer for writing and to the others, if the row says so,
 * for reading. None is ever removed but by segments_remove().
 */
#ifndef TANDEM_SUPERVISOR_SEGMENTS_H
#define TANDEM_SUPERVISOR_SEGMENTS_H

#include <stddef.h>

#include "shared/shm/life.h"
#include "shared/shm/segment.h"
#include "supervisor/config.h"
#include "supervisor/layouts.h"
#include "supervisor/topology.h"

enum {
	SEGMENTS_WHY_MAX = 512,
	SEGMENTS_PER_PEER = 32,
};

struct segments;

int segments_open(struct segments **segmentsp, const struct config *config,
		  char why[SEGMENTS_WHY_MAX]);
struct segments *segments_free(struct segments *segments);

/** More workers than before need more pages */
int segments_reach(struct segments *segments, const struct config *config,
		   char why[SEGMENTS_WHY_MAX]);

/** What a process gets in its Setup; fds are ours and stay open. The names
 *  point into rows of the topology. @return number of rows */
size_t segments_of(const struct segments *segments, struct peer_id who,
		   Tandem__Segment rows[SEGMENTS_PER_PEER]);

/** The layout before has been converted by its writer: gone with it */
void segments_old_done(struct segments *segments, struct peer_id who);

/** What lies there, against what a program wants */
enum segment_fit {
	SEGMENT_FITS,
	SEGMENT_FITS_ASIDE, /**< What was before the last switch does */
	SEGMENT_TO_RENEW,   /**< One process's own: segments_renew() */
	SEGMENT_OTHER,      /**< To be migrated */
	SEGMENT_STRANGE     /**< We have no such segment */
};

/** @param foundp What it has now; not with SEGMENT_STRANGE */
enum segment_fit segments_fit(const struct segments *segments,
			      struct peer_id who, const struct layout_row *row,
			      struct layout *foundp);

/** Make an empty one of that layout, to be filled, beside what lies there
 *  @param fds What lies there, and the new one: they stay ours */
int segments_new(struct segments *segments, struct peer_id who,
		 const struct layout_row *row, const struct config *config,
		 int fds[2], char why[SEGMENTS_WHY_MAX]);

/** The new one gets the name in one step, and the old one is aside; no process
 *  may have it mapped */
int segments_switch(struct segments *segments, struct peer_id who,
		    const char *name);

/** What is aside gets its name again, in one step */
int segments_switch_back(struct segments *segments, struct peer_id who,
			 const char *name);

/** What is aside will not be needed any more; there may be none */
void segments_aside_drop(struct segments *segments, struct peer_id who,
			 const char *name);

/** A new page for a process, the old one beside it until
 *  segments_old_done() */
int segments_renew(struct segments *segments, struct peer_id who,
		   const struct layout_row *row, const struct config *config,
		   char why[SEGMENTS_WHY_MAX]);

/** A process's own page; NULL if there is none */
const struct life *segments_life(const struct segments *segments,
				 struct peer_id who);

/** A segment of the supervisor itself, mapped for writing; NULL: none */
const struct segment *segments_own(const struct segments *segments,
				   const char *name);

/** What the release before left of it, open; -1: nothing. Until
 *  segments_old_done() of the supervisor */
int segments_own_old(const struct segments *segments, const char *name);

/** Bytes that segments_open() would have to make */
size_t segments_missing_bytes(const struct config *config);

/** Bytes of all of them */
size_t segments_bytes(const struct config *config);

/** Remove all segments of this node's prefix; everything must be stopped
 *  @return how many were removed */
size_t segments_remove(const struct config *config);

#endif
