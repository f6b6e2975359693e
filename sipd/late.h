/**
 * @file sipd/late.h  Is there more to do than can be done?
 *
 * A machine that stood still for a moment is late once, and then serves what
 * came meanwhile; one that has too much to do stays late. Only the second
 * turns new calls away. Without I/O or clock.
 */
#ifndef TANDEM_SIPD_LATE_H
#define TANDEM_SIPD_LATE_H

#include <stdbool.h>
#include <stdint.h>

/** All 0: nothing was late yet */
struct late {
	int64_t began_us; /**< Nobody was there to read before; 0: unknown */
	int64_t since_us; /**< New calls are late since then; 0: in time */
	int64_t busy_us;  /**< One was turned away for it last; 0: never */
	unsigned lags;    /**< Turns of the loop in a row that took too long */
	bool is_lagging;
};

/** A new call lay in the socket for so long: is it to be turned away? */
bool late_is_busy(struct late *late, int64_t age_us, int64_t now_us);

/** The longest turn of the loop since the last time */
void late_lag(struct late *late, int64_t lag_us);

#endif
