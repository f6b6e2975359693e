/**
 * @file supervisor/ctl_trace.h  A trace into a file, or as it goes on
 *
 *     tandemctl trace export NUMBER [FILE] [--format pcap|text]
 *     tandemctl trace show NUMBER --follow
 *
 * Without FILE, or with "-", a trace goes to standard output.
 */
#ifndef TANDEM_SUPERVISOR_CTL_TRACE_H
#define TANDEM_SUPERVISOR_CTL_TRACE_H

#include <stdbool.h>

#include "supervisor/ctl_wire.h"

bool ctl_is_trace(int argc, char *const argv[]);

/** @return an exit code; everything was said */
enum ctl_exit ctl_trace(const struct ctl_wire *wire, int argc,
			char *const argv[]);

#endif
