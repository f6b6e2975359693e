/**
 * @file sipd/gateway_test.h  Does a gateway answer, and how fast?
 *
 * `gateway test`: OPTIONS to each of its addresses, one after another, without
 * copies, so that a lost one is seen as lost. What health knows of the
 * addresses does not change.
 */
#ifndef TANDEM_SIPD_GATEWAY_TEST_H
#define TANDEM_SIPD_GATEWAY_TEST_H

#include "shared/svc/admin.h"

struct gateway_tests;
struct sipd;

int gateway_tests_alloc(struct gateway_tests **testsp, struct sipd *sipd);
/** Nobody is answered any more; transactions and the resolver are gone, or do
 *  not call back */
struct gateway_tests *gateway_tests_free(struct gateway_tests *tests);

admin_h cmd_gateway_test;

#endif
