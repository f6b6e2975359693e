/**
 * @file sipd/enrol_parse.h  What a registrar has granted
 */
#ifndef TANDEM_SIPD_ENROL_PARSE_H
#define TANDEM_SIPD_ENROL_PARSE_H

#include <stdint.h>

#include "sipd/message.h"

/** Neither our Contact nor the header said it */
#define ENROL_NO_EXPIRES UINT32_MAX

/** Of our Contact in a 200, else of its Expires header; unreadable ones do not
 *  count. Ours: the same user, host and port. */
uint32_t enrol_granted(const struct message *m, struct text contact_uri);

#endif
