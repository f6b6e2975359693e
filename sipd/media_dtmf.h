/**
 * @file sipd/media_dtmf.h  A digit as the body of an INFO (media 7.2)
 *
 * Pure.
 */
#ifndef TANDEM_SIPD_MEDIA_DTMF_H
#define TANDEM_SIPD_MEDIA_DTMF_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"

enum {
	DTMF_BODY_MAX = 48,
	DTMF_MS = 160, /**< Of a digit that does not say */
};

struct dtmf {
	char digit;  /**< 0-9 * # A-D */
	uint16_t ms; /**< 40 to 6000 */
};

/** @param type Value of Content-Type
 *  @return 0; ENOTSUP: not a digit by its type; EBADMSG: it should be one */
int dtmf_read(struct dtmf *dtmf, struct text type, struct text body);

/** As application/dtmf-relay. @return its length */
size_t dtmf_print(char dst[DTMF_BODY_MAX], const struct dtmf *dtmf);

/** "5", or what mediad calls it. @return 0, EBADMSG */
int dtmf_digit(char *digitp, struct text t);

#endif
