/**
 * @file regd/bindings.h  The bindings, and whose turn it is
 *
 * Owner of the segments "bindings" and "binding_index": what is put here can
 * be seen by all processes when the call returns, and is found again by a
 * successor whenever this process is killed. Beside the shared memory there
 * are 24 bytes for each binding: when it ends, and its place among the devices
 * behind NAT.
 */
#ifndef TANDEM_REGD_BINDINGS_H
#define TANDEM_REGD_BINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/reg/binding.h"
#include "shared/shm/segment.h"

struct bindings;
struct log;

/** A binding's time was over; it is gone already */
typedef void(bindings_expired_h)(const struct binding *binding, void *arg);

struct bindings_args {
	const struct segment *bindings; /**< Both writable */
	const struct segment *index;
	bool predecessor_crashed;
	const struct log *log;
	bindings_expired_h *expiredh;
	void *arg;
};

/** Adopts what a predecessor left
 *  @return 0, EINVAL: the segments do not fit together, ENOMEM */
int bindings_alloc(struct bindings **bp, const struct bindings_args *args);
struct bindings *bindings_free(struct bindings *b);

/** A device, as it is to be kept. Texts are copied. */
struct binding_facts {
	struct terminal terminal;
	unsigned transport;
	bool is_nat;
	uint32_t listener;
	uint16_t worker;
	uint64_t connection;
	struct addr source;
	uint64_t call_id, request;
	uint32_t cseq;
	uint32_t granted_s;
	struct text contact, path, agent; /**< The last may be cut */
};

/** @return 0, ENOSPC: limits.bindings, EMSGSIZE: a text is too long */
int bindings_add(struct bindings *b, const struct binding_facts *facts);
/** Its age stays. @return also ENOENT; on error nothing has changed */
int bindings_refresh(struct bindings *b, uint64_t id,
		     const struct binding_facts *facts);
/** @return 0, ENOENT */
int bindings_remove(struct bindings *b, uint64_t id);

/** Those of a terminal that live, oldest first; at most max */
size_t bindings_list(const struct bindings *b, struct terminal terminal,
		     struct binding *list, size_t max);
/** They are listed and changed next: have them brought into the cache; at most
 *  BINDINGS_AHEAD_MAX */
void bindings_look_ahead(const struct bindings *b,
			 const struct terminal terminals[], size_t count);
int bindings_read(const struct bindings *b, uint64_t id,
		  struct binding *binding);

/** End what is over; once a second */
void bindings_expire(struct bindings *b);

/** Call h for every slot in turn from the from-th on, until it says false
 *  @return where to go on; 0: that was all */
typedef bool(bindings_walk_h)(const struct binding *binding, void *arg);
uint32_t bindings_walk(const struct bindings *b, uint32_t from,
		       bindings_walk_h *h, void *arg);

uint32_t bindings_count(const struct bindings *b, bool is_nat);
uint32_t bindings_adopted(const struct bindings *b);
uint32_t bindings_quarantined(const struct bindings *b);

/* --- devices behind NAT, by UDP ------------------------------------------- */

/** What a datagram is sent by */
struct binding_path {
	uint32_t listener;
	struct addr source;
};

/** Go back to the oldest */
void bindings_nat_begin(struct bindings *b);
/** The next one. @return false: that was the last */
bool bindings_nat_next(struct bindings *b, struct binding_path *path);
/** Seconds since the last datagram to it; UINT32_MAX: none yet */
uint32_t bindings_nat_ago_s(const struct bindings *b, uint64_t id);

#endif
