/**
 * @file sipd/media_digit.h  Digits between INFO and the relay (media 7)
 */
#ifndef TANDEM_SIPD_MEDIA_DIGIT_H
#define TANDEM_SIPD_MEDIA_DIGIT_H

#include <stdbool.h>

#include "sipd/call.h"

struct dtmf;

/** Is this INFO a digit that the relay is to send? Then it is answered. */
bool media_digit_receive(struct leg *leg, txn_id txn, const struct message *m);

/** The relay heard one of the other side: INFO to this one */
void media_digit_send(struct leg *leg, const struct dtmf *dtmf);

#endif
