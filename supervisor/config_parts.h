/**
 * @file supervisor/config_parts.h  Words of the node file
 *
 * Not for users: config.h is.
 */
#ifndef TANDEM_SUPERVISOR_CONFIG_PARTS_H
#define TANDEM_SUPERVISOR_CONFIG_PARTS_H

#include "supervisor/config.h"

enum {
	CONFIG_TRANSPORTC = 4,
	CONFIG_FORMATC = 2,
	CONFIG_DAEMONC = 5,
};

extern const char *const config_transports[CONFIG_TRANSPORTC];
extern const Tandem__SocketUse config_transport_uses[CONFIG_TRANSPORTC];
extern const char *const config_formats[CONFIG_FORMATC]; /**< By log_format */

struct config_daemon {
	enum peer peer;
	const char *name;
};
/** Our own first */
extern const struct config_daemon config_daemons[CONFIG_DAEMONC];

#endif
