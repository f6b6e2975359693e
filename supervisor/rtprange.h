/**
 * @file supervisor/rtprange.h  RTP ports that the catalog wants
 *
 * mediad says them (RtpRange); they win over the node file's. A file in the
 * run directory keeps them for the supervisor's successor, which must not
 * close the sockets that it is given back.
 */
#ifndef TANDEM_SUPERVISOR_RTPRANGE_H
#define TANDEM_SUPERVISOR_RTPRANGE_H

#include <stdint.h>

#include "supervisor/config.h"

/** What is kept goes into the configuration that was read */
void rtprange_apply(struct config *config);

/** Keep it; 0, 0: nothing. @return 0, ERANGE: no such range, otherwise
 *  errorcode */
int rtprange_keep(const struct config *config, uint32_t first, uint32_t last);

#endif
