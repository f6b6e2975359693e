/**
 * @file test/unit/sipd/invite.h  An INVITE of a few lines
 */
#ifndef TANDEM_TEST_UNIT_SIPD_INVITE_H
#define TANDEM_TEST_UNIT_SIPD_INVITE_H

#include "sipd/message.h"

enum {
	INVITE_MAX = 2048
};

/** Parsed; NULL: "sip:1212@sw.example", "<sip:77@x>", "<sip:99@x>", none
 *  @param more Further header lines, each with its CRLF
 *  @param data Where it lies; the message points into it */
void invite_make(struct message *m, char data[INVITE_MAX], const char *uri,
		 const char *from, const char *to, const char *more);

#endif
