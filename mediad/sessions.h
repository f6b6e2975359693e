/**
 * @file mediad/sessions.h  All sessions of this worker
 *
 * Reserve, point and release, by the id of the call and the number of the
 * side: each may be asked for again and answers the same. What a successor
 * must know is in shared memory before the answer.
 */
#ifndef TANDEM_MEDIAD_SESSIONS_H
#define TANDEM_MEDIAD_SESSIONS_H

#include "mediad/ports.h"
#include "mediad/session.h"

struct log;
struct segment;
struct sessions;

struct sessions_args {
	const struct segment *media; /**< Writable, of struct media_session */
	const struct segment *flows; /**< Writable, of struct media_flows */
	uint32_t first, slotc;       /**< This worker's part of both */
	uint16_t worker;
	bool predecessor_crashed;
	struct ports *ports;
	const struct log *log;
};

/** Adopts what a predecessor left, and opens the ports: ports_open() */
int sessions_alloc(struct sessions **sp, const struct sessions_args *args,
		   int64_t now_us);

/** What lies in shared memory stays, for the successor */
struct sessions *sessions_free(struct sessions *ss);

uint32_t sessions_count(const struct sessions *ss);
uint32_t sessions_quarantined(const struct sessions *ss);

/** By index, below sessions_slots(); NULL: none */
uint32_t sessions_slots(const struct sessions *ss);
struct session *sessions_at(const struct sessions *ss, uint32_t index);
/** By the call's id; NULL: none */
struct session *sessions_find(const struct sessions *ss, uint64_t id);

struct sessions_ask {
	uint64_t session; /**< Not 0 */
	uint32_t number;  /**< Of the side */
	uint32_t lines;   /**< More than there can be are cut off */
	bool wants_a;     /**< Side A's ports too */
	uint16_t sipd;    /**< Worker that asks */
};

/** Ports for a side; the ones it has, if it has them
 *  @return 0, EADDRNOTAVAIL: none is free, or no slot is, with everything as
 *          before */
int sessions_reserve(struct sessions *ss, const struct sessions_ask *ask,
		     struct session **sp, int64_t now_us);

/** @return 0, ENOENT: no such session or side */
int sessions_point(struct sessions *ss, uint64_t session, uint32_t number,
		   uint16_t sipd, const struct session_point *point,
		   int64_t now_us);

void sessions_release_side(struct sessions *ss, struct session *s,
			   unsigned side, int64_t now_us);
void sessions_release(struct sessions *ss, struct session *s, int64_t now_us);

/* For the relay */
/** Its packet is about to come: into the cache with what it needs */
void sessions_fetch(const struct sessions *ss, uint32_t index,
		    struct session_at at);
/** The image has changed: into shared memory with it */
void sessions_publish(struct sessions *ss, struct session *s);
void sessions_count_flow(struct sessions *ss, const struct session *s,
			 unsigned side);
void sessions_work_begin(struct sessions *ss, const struct session *s);
void sessions_work_end(struct sessions *ss, const struct session *s);

#endif
