/**
 * @file supervisor/segments_int.h  What the files of the segments share
 *
 * Not for users: segments.h is.
 */
#ifndef TANDEM_SUPERVISOR_SEGMENTS_INT_H
#define TANDEM_SUPERVISOR_SEGMENTS_INT_H

#include "supervisor/segments.h"

enum {
	HELD_MAX = 256,
	SUFFIX_MAX = 6, /* ".old", ".aside" */
};

#define SHM_DIR "/dev/shm"

struct held {
	const struct segment_def *def;
	struct peer_id owner;
	char name[SEGMENT_NAME_MAX + SUFFIX_MAX];
	int fd;                       /**< For its writer */
	int read_fd;                  /**< For readers; -1: nobody else may */
	int old_fd;                   /**< Layout before; -1: none */
	int new_fd;                   /**< Being filled; -1: none */
	int aside_fd;                 /**< What was before; -1: none */
	struct segment_layout layout; /**< Of what has the name */
	struct segment_layout aside, coming;
	struct segment mapped; /**< Of life pages and our own; size 0: not */
};

struct segments {
	struct held rows[HELD_MAX];
	size_t rowc;
};

/** The version before goes aside as NAME.old, and its descriptor is kept */
int segments_put_aside(struct held *held, const struct segment_layout *want);

/** Map it if it is one that we read or write ourselves, in our layout */
int segments_held_map(struct held *held, char *why, size_t size);

/** Its name with something behind it */
int segments_name_with(char name[SEGMENT_NAME_MAX + SUFFIX_MAX + 1],
		       const struct held *held, const char *suffix);
void segments_unlink_with(const struct held *held, const char *suffix);

/** A descriptor for readers, of what has the name now */
int segments_open_readers(struct held *held);

/** -1: none */
void segments_close(int fd);

#endif
