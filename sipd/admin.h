/**
 * @file sipd/admin.h  What tandemctl may ask sipd
 */
#ifndef TANDEM_SIPD_ADMIN_H
#define TANDEM_SIPD_ADMIN_H

#include <stddef.h>

#include "shared/svc/admin.h"

extern const struct admin_command sipd_commands[];
extern const size_t sipd_commandc;

#endif
