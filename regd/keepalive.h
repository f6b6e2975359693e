/**
 * @file regd/keepalive.h  Datagrams that keep paths through NAT open
 */
#ifndef TANDEM_REGD_KEEPALIVE_H
#define TANDEM_REGD_KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KEEPALIVE_BYTES_MAX = 64,
	KEEPALIVE_BATCH = 256, /**< Of one system call */
};

/* --- pacing: pure --------------------------------------------------------- */

struct keepalive_params {
	uint32_t period_ms;
	uint32_t interval_ms; /**< Between bursts */
	uint32_t burst;       /**< Most datagrams of one */
};

struct keepalive_pace {
	int64_t cycle_us;   /**< When the cycle of now was due; 0: none yet */
	int64_t burst_us;   /**< When the next burst is due */
	uint32_t period_ms; /**< In force */
	bool is_busy;       /**< The cycle is not finished */
};

struct keepalive_turn {
	bool begins;     /**< A cycle begins: back to the oldest */
	bool cut;        /**< ... and the one before it was not finished */
	uint32_t burst;  /**< Datagrams to send now; 0: none */
	int64_t wait_us; /**< Until the next turn */
};

/** Cycles are due at multiples of the period since boot, so that a restart
 *  moves none. */
struct keepalive_turn keepalive_turn(struct keepalive_pace *pace,
				     const struct keepalive_params *params,
				     int64_t now_boot_us);
/** The burst of this turn was the last one of its cycle */
void keepalive_finished(struct keepalive_pace *pace);

/* --- sending -------------------------------------------------------------- */

struct bindings;
struct keepalive;
struct svc;

int keepalive_alloc(struct keepalive **kp, struct svc *svc,
		    struct bindings *bindings);
struct keepalive *keepalive_free(struct keepalive *k);
/** Sockets came or went */
int keepalive_reload(struct keepalive *k);

#endif
