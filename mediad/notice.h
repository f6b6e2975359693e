/**
 * @file mediad/notice.h  What mediad says unasked
 *
 * To the sipd that asked last for a session; and to the log.
 */
#ifndef TANDEM_MEDIAD_NOTICE_H
#define TANDEM_MEDIAD_NOTICE_H

#include "mediad/session.h"

struct mediad;

/** The first media of a side */
void notice_started(struct mediad *mediad, struct session *s, unsigned side);

/** A digit of this side, for the other one in INFO */
void notice_digit(const struct mediad *mediad, const struct session *s,
		  unsigned side, const struct digit *digit);

/** 1000 packets of strangers within a minute */
void notice_flood(const struct mediad *mediad, const struct session *s,
		  unsigned side);

/** sides: 1 a, 2 b, 3 both; 0: does anybody still know this session? */
void notice_lost(const struct mediad *mediad, const struct session *s,
		 unsigned sides);

#endif
