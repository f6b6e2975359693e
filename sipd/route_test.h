/**
 * @file sipd/route_test.h  Route analysis: where a call would go, and why not
 *
 * `route test` of operations 2: the functions that route calls, run dry over
 * the same catalog and the same view. Sends nothing, takes nothing.
 */
#ifndef TANDEM_SIPD_ROUTE_TEST_H
#define TANDEM_SIPD_ROUTE_TEST_H

#include <jansson.h>

#include "shared/svc/admin.h"
#include "sipd/route.h"

/**
 * Answer "route.test"
 *
 * @param args from, caller, called, at, account: texts
 *
 * @return 0 with rows and more (steps, final), or with a refusal; ENOMEM
 */
int route_test(const struct route_view *v, const json_t *args,
	       struct admin_answer *answer);

#endif
