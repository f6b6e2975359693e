/**
 * @file shared/auth/suspended.h  Who has failed too often, and from where
 *
 * For authn.c. A terminal and a source IP have a slot in the part of each
 * process that counted something of them; what holds is what all of them say
 * together. Only the owner of a part writes it.
 */
#ifndef TANDEM_AUTH_SUSPENDED_H
#define TANDEM_AUTH_SUSPENDED_H

#include "shared/auth/authn.h"

struct suspended;

int suspended_alloc(struct suspended **sp, const struct authn_args *args);
struct suspended *suspended_free(struct suspended *s);

struct suspended_key {
	uint64_t hash;
	char user[AUTHN_USER_MAX]; /**< Padded with NUL; longer ones are cut */
	struct addr source;        /**< Without port */
};
void suspended_key_set(struct suspended_key *key, const struct suspended *s,
		       struct text user, const struct addr *source);

/** It is asked for soon: have its place brought into the cache */
void suspended_ahead(const struct suspended *s,
		     const struct suspended_key *key);

/** Seconds left, rounded up; 0: free */
uint32_t suspended_left_s(struct suspended *s, const struct suspended_key *key,
			  int64_t wall_us);

struct suspended_limit {
	uint32_t failures; /**< 0: this one is not counted */
	uint32_t seconds;
};
/** Count one failure by each counter with a limit, unless they are suspended
 *  @return bit per counter: has it reached its limit, are they suspended now?
 */
unsigned suspended_count(struct suspended *s, const struct suspended_key *key,
			 const struct suspended_limit limits[AUTHN_COUNTERC],
			 int64_t wall_us);

/** Counters are 0 from now on; counters: bit for each */
void suspended_success(struct suspended *s, const struct suspended_key *key,
		       unsigned counters, int64_t wall_us);

void suspended_list(const struct suspended *s, int64_t wall_us,
		    authn_suspension_h *h, void *arg);
/** @return how many had been suspended */
uint32_t suspended_clear(struct suspended *s, struct text user,
			 const struct addr *source, int64_t wall_us);

#endif
