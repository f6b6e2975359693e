/**
 * @file sipd/credit.h  What sipd says to billingd
 */
#ifndef TANDEM_SIPD_CREDIT_H
#define TANDEM_SIPD_CREDIT_H

struct call;

/** May it begin? EV_GRANTED or EV_DENIED follows. @return 0, ENOBUFS ... */
int credit_ask(struct call *call);

/** Answered: the open record. Nothing waits for it; until billingd has it, it
 *  is said again with every checkpoint. */
void credit_answered(struct call *call);

/** Ended: EV_RECORDED when it is on disk, EV_ERROR when not */
int credit_ended(struct call *call);

/** Nothing that was asked for this call comes back any more */
void credit_cancel(struct call *call);

#endif
