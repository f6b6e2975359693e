/**
 * @file sipd/admin_call.h  call list, show, disconnect
 */
#ifndef TANDEM_SIPD_ADMIN_CALL_H
#define TANDEM_SIPD_ADMIN_CALL_H

#include "shared/svc/admin.h"

admin_h cmd_call_list;
admin_h cmd_call_show;
admin_h cmd_call_disconnect;

#endif
