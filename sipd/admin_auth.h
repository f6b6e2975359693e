/**
 * @file sipd/admin_auth.h  suspended list, clear
 */
#ifndef TANDEM_SIPD_ADMIN_AUTH_H
#define TANDEM_SIPD_ADMIN_AUTH_H

#include "shared/svc/admin.h"

admin_h cmd_suspended_list;
admin_h cmd_suspended_clear;

#endif
