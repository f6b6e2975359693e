/**
 * @file billingd/lost.h  Calls that were up when the machine went down
 */
#ifndef TANDEM_BILLINGD_LOST_H
#define TANDEM_BILLINGD_LOST_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/envelope.pb-c.h"

/** Has the machine begun anew since boot_note()? No, if there is no note. */
bool boot_is_new(const char *path);
void boot_note(const char *path);

/** A record of an answered call is closed: SystemRecovery, at its last sign of
 *  life (cdr 3.5) */
void lost_end(Tandem__Record *record, int64_t at_us);

#endif
