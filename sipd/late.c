/**
 * @file sipd/late.c  Is there more to do than can be done?
 */
#include "sipd/late.h"

enum {
	/* S has to send 100 within 200 ms; the rest of that is for the work. */
	AGE_MAX_US = 150000,
	/* What waited for us to start has waited, but not for a slow one. */
	WAITED_MAX_US = 2000000,
	LATE_MAX_US = 100000, /* so long in a row may they be late */
	BUSY_US = 1000000,    /* is busy at once, if it was that long ago */
	LAG_ON_US = 150000,
	LAG_OFF_US = 50000,
	LAGS_ON = 2,
};


static bool is_late(const struct late *late, int64_t age_us, int64_t now_us)
{
	const bool was_first = now_us - age_us <= late->began_us;

	return age_us > (was_first ? WAITED_MAX_US : AGE_MAX_US);
}


bool late_is_busy(struct late *late, int64_t age_us, int64_t now_us)
{
	if (!is_late(late, age_us, now_us)) {
		late->since_us = 0;
		return late->is_lagging;
	}
	if (!late->since_us)
		late->since_us = now_us;
	if (now_us - late->since_us < LATE_MAX_US &&
	    (!late->busy_us || now_us - late->busy_us > BUSY_US))
		return late->is_lagging;
	late->busy_us = now_us;

	return true;
}


void late_lag(struct late *late, int64_t lag_us)
{
	late->lags = lag_us > LAG_ON_US ? late->lags + 1 : 0;
	if (late->lags >= LAGS_ON)
		late->is_lagging = true;
	else if (lag_us < LAG_OFF_US)
		late->is_lagging = false;
}
