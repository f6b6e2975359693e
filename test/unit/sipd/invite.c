/**
 * @file test/unit/sipd/invite.c  An INVITE of a few lines
 */
#include "test/support/t.h"
#include "test/unit/sipd/invite.h"


void invite_make(struct message *m, char data[INVITE_MAX], const char *uri,
		 const char *from, const char *to, const char *more)
{
	int len;

	len = snprintf(data, INVITE_MAX,
		       "INVITE %s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
		       "From: %s;tag=a\r\n"
		       "To: %s\r\n"
		       "Call-ID: c1\r\n"
		       "CSeq: 1 INVITE\r\n"
		       "%s"
		       "\r\n",
		       uri ? uri : "sip:1212@sw.example",
		       from ? from : "<sip:77@x>", to ? to : "<sip:99@x>",
		       more ? more : "");
	assert_in_range(len, 1, INVITE_MAX - 1);
	if (message_parse(m, data, (size_t)len, false))
		fail_msg("%s: %s", message_faults[m->fault].name, data);
}
