/**
 * @file sipd/admin_gateway.h  gateway status
 */
#ifndef TANDEM_SIPD_ADMIN_GATEWAY_H
#define TANDEM_SIPD_ADMIN_GATEWAY_H

#include "shared/svc/admin.h"

admin_h cmd_gateway_status;

#endif
