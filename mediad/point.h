/**
 * @file mediad/point.h  From the message Point to what a session takes
 */
#ifndef TANDEM_MEDIAD_POINT_H
#define TANDEM_MEDIAD_POINT_H

#include "mediad/session.h"
#include "proto/envelope.pb-c.h"

/** @return 0, EINVAL: what it says makes no sense */
int point_read(struct session_point *point, const Tandem__Point *said);

#endif
