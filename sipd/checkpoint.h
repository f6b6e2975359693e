/**
 * @file sipd/checkpoint.h  Every 5 s billingd is told which calls live
 *
 * After a loss of the whole machine each call that was up is closed at the
 * last time it was told to live (cdr 3.5).
 */
#ifndef TANDEM_SIPD_CHECKPOINT_H
#define TANDEM_SIPD_CHECKPOINT_H

struct sipd;

void checkpoint_start(struct sipd *sipd);
void checkpoint_stop(struct sipd *sipd);

#endif
