/**
 * @file mediad/portpool.h  Pairs of ports, and what is known of each
 *
 * RTP on the even port, RTCP on the next one (RFC 3550, 11). A pair that was
 * given back rests for two seconds: what is still on its way to the call that
 * ended must not be heard by the next one. Among the rested ones a random one
 * of the older half is taken: nobody guesses it, and the last is used last.
 *
 * Pairs are known by their number here, which stays theirs.
 */
#ifndef TANDEM_MEDIAD_PORTPOOL_H
#define TANDEM_MEDIAD_PORTPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct portpool;

enum {
	PORTPOOL_REST_US = 2000000
};

int portpool_alloc(struct portpool **poolp, uint32_t pairc);
struct portpool *portpool_free(struct portpool *pool);

/** A pair there is, free since given_us; not yet used: any time long ago. In
 *  any order: portpool_sort() once all are there. */
void portpool_add(struct portpool *pool, uint32_t pair, int64_t given_us);
/** Random order among those that have rested */
void portpool_sort(struct portpool *pool, int64_t now_us);

/** @return 0, EADDRNOTAVAIL */
int portpool_take(struct portpool *pool, uint32_t *pairp, int64_t now_us);

/** This pair, wherever it is: a session has it already, or it is retired
 *  @return 0, ENOENT: it is not free */
int portpool_take_this(struct portpool *pool, uint32_t pair);

void portpool_give(struct portpool *pool, uint32_t pair, int64_t now_us);

/** Free pairs, those that rest among them */
uint32_t portpool_left(const struct portpool *pool);

#endif
