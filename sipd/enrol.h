/**
 * @file sipd/enrol.h  REGISTERs of ours, for regd
 *
 * regd decides when and with what; here one REGISTER is sent, its challenges
 * are answered, and what came of it is told (registration 6 and 7). Each
 * record has one under way at most: another request for it takes its place.
 */
#ifndef TANDEM_SIPD_ENROL_H
#define TANDEM_SIPD_ENROL_H

struct sipd;

/** Those under way are forgotten: regd asks again */
void enrols_free(struct sipd *sipd);

#endif
