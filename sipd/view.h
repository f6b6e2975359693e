/**
 * @file sipd/view.h  What routing may look at: lines, health, money
 */
#ifndef TANDEM_SIPD_VIEW_H
#define TANDEM_SIPD_VIEW_H

#include "sipd/route.h"

struct call;
struct sipd;

struct view {
	struct route_view route; /**< For the functions of route.h */
	struct sipd *sipd;
	const struct call *call; /**< NULL: nobody's */
};

/** Pins the catalog until view_done(); @return false: there is none */
bool view_init(struct view *view, struct sipd *sipd, const struct call *call);
void view_done(struct view *view);

#endif
