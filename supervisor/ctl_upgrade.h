/**
 * @file supervisor/ctl_upgrade.h  To what is installed, one after the other
 *
 *     tandemctl upgrade
 *
 * The supervisor first, which adopts the daemons; then, in the order of their
 * start, each daemon whose program on disk is another than the one it runs.
 * The next one follows when all have been well for a second.
 */
#ifndef TANDEM_SUPERVISOR_CTL_UPGRADE_H
#define TANDEM_SUPERVISOR_CTL_UPGRADE_H

#include <stdbool.h>

#include "supervisor/ctl_wire.h"

bool ctl_is_upgrade(int argc, char *const argv[]);

/** @return an exit code; everything was said */
enum ctl_exit ctl_upgrade(const struct ctl_wire *wire);

#endif
