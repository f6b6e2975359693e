/**
 * @file regd/upstream_admin.h  upstream list, show, refresh, settle
 */
#ifndef TANDEM_REGD_UPSTREAM_ADMIN_H
#define TANDEM_REGD_UPSTREAM_ADMIN_H

#include "shared/svc/admin.h"

/* handlers of commands; state is the struct regd */
admin_h cmd_upstream_list, cmd_upstream_show, cmd_upstream_refresh,
	cmd_upstream_settle;

#endif
