/**
 * @file shared/shm/life.h  What a daemon says about itself, in shared memory
 *
 * One page per daemon and worker. The daemon writes it and the supervisor
 * reads it, also a supervisor that did not start it: a loop that turns shows
 * as a beat that moves, and a death explains itself although its parent is
 * gone. Plain atomic fields: each stands for itself, so none can be torn.
 */
#ifndef TANDEM_SHM_LIFE_H
#define TANDEM_SHM_LIFE_H

#include <stdatomic.h>
#include <stdint.h>

#include "shared/base/util.h"

#define LIFE_MAGIC   0x4546494c /* "LIFE" */
#define LIFE_VERSION 1

/** The page of a process's metrics, as metric_attach() lays it out */
#define COUNTERS_MAGIC   0x52544e43 /* "CNTR" */
#define COUNTERS_VERSION 2
#define COUNTERS_SERIES  10240
#define COUNTERS_SIZE    (64 + COUNTERS_SERIES * 192)

enum life_state {
	LIFE_NONE,
	LIFE_STARTING,
	LIFE_READY,
	LIFE_DRAINING,
	LIFE_ENDED,
};

/** What a daemon says of its database */
enum life_database {
	LIFE_DATABASE_NONE, /**< It has none */
	LIFE_DATABASE_UP,
	LIFE_DATABASE_DOWN,
	LIFE_DATABASE_OLD, /**< To be migrated */
	LIFE_DATABASEC
};

struct life {
	_Atomic int64_t beat_us; /**< CLOCK_MONOTONIC of the last loop turn */
	_Atomic int64_t started_us; /**< CLOCK_MONOTONIC of this generation */
	_Atomic int64_t start_time; /**< Of the pid: clock ticks since boot */
	_Atomic int32_t pid;
	_Atomic uint32_t generation; /**< Starts of this daemon since boot */
	_Atomic uint32_t state;      /**< enum life_state */
	_Atomic int32_t exit_code;   /**< Once ended: what it exits with */
	_Atomic int32_t exit_signal; /**< The fatal signal that ended it; 0 */
	_Atomic uint32_t owner;      /**< The thread that works (svc/heir.h) */
	char version[24]; /**< Release, NUL-terminated; written before READY */
	/* 0: nothing to say */
	_Atomic uint32_t calls;         /**< Calls there are, and 1 */
	_Atomic uint32_t journal_depth; /**< Records that wait, and 1 */
	_Atomic uint32_t database;      /**< enum life_database */
	_Atomic uint32_t catalog;       /**< Origin of it, and 1 */
	uint8_t pad[40];
};
BUILD_ASSERT(sizeof(struct life) == 128);

#endif
