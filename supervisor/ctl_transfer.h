/**
 * @file supervisor/ctl_transfer.h  Records from and to files
 *
 *     tandemctl KIND import FILE [--replace] [--dry-run] [--table T]
 *     tandemctl KIND export [--format json] [field=value ...]
 *
 * FILE is CSV with the names of fields in its first line, or a JSON array of
 * objects; "-" is standard input. What export writes import takes.
 */
#ifndef TANDEM_SUPERVISOR_CTL_TRANSFER_H
#define TANDEM_SUPERVISOR_CTL_TRANSFER_H

#include <stdbool.h>

#include "supervisor/ctl_wire.h"

bool ctl_is_transfer(int argc, char *const argv[]);

/** @return an exit code; everything was said */
enum ctl_exit ctl_transfer(const struct ctl_wire *wire, int argc,
			   char *const argv[]);

#endif
