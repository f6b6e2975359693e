/**
 * @file shared/base/clk.h  The only place that asks what time it is
 *
 * Durations and deadlines are monotonic; wall time is for records and logs.
 * A test freezes the clock and turns it by hand; nothing else may. A fault
 * (shared/svc/fault.c) shifts wall time, as whoever sets a machine's clock.
 */
#ifndef TANDEM_BASE_CLK_H
#define TANDEM_BASE_CLK_H

#include <stdint.h>

/** CLOCK_MONOTONIC in microseconds: intervals within one boot */
int64_t clk_mono_us(void);

/** CLOCK_BOOTTIME in microseconds: deadlines kept in shared memory */
int64_t clk_boot_us(void);

/** CLOCK_REALTIME in microseconds since 1970: records and logs only */
int64_t clk_wall_us(void);

/** The clock that the kernel stamps packets with: wall time, never shifted */
int64_t clk_stamp_us(void);

/** From now on wall time is off by so much; 0: as it was */
void clk_shift_wall(int64_t us);

/* For tests: the three clocks stand still and are turned together. */
void clk_freeze(int64_t mono_us, int64_t wall_us);
void clk_turn(int64_t by_us);
void clk_step_wall(int64_t by_us);
void clk_thaw(void);

#endif
