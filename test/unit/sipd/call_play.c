/**
 * @file test/unit/sipd/call_play.c  A caller and its gateways, as lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "test/unit/sipd/call_play.h"

enum {
	VALUES_MAX = 32,
	VALUE_MAX = 600,
};

static const struct route_row rows[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_MAPPING, 1,
	  "name=CUST|account=1|auth_mode=ip_port|addresses=" CALL_RIG_A
	  "|cause_map=404=480|dtmf_mode=info" },
	{ RECORD_PHONE, 21, "number=7001|account=1|ringing_timeout=3" },
	{ RECORD_PHONE, 22, "number=7002|account=1|line_limit=1" },
	{ RECORD_ROUTING, 11,
	  "name=B1|prefixes=1|priority=1|addresses=" CALL_RIG_B1 },
	{ RECORD_ROUTING, 12,
	  "name=B2|prefixes=1|priority=2|addresses=" CALL_RIG_B2 },
	{ RECORD_ROUTING, 13,
	  "name=NAMED|prefixes=2|addresses=slow.example:5060" },
	{ RECORD_ROUTING, 14,
	  "name=MOVED|prefixes=3|redirects=1|addresses=" CALL_RIG_B1 },
	{ RECORD_ROUTING, 15,
	  "name=EVENTS|prefixes=4|dtmf_mode=rfc2833|addresses=" CALL_RIG_B1 },
	{ RECORD_ROUTING, 16,
	  "name=TONE|prefixes=5|ring_back=183_sdp|addresses=" CALL_RIG_B1 },
	{ RECORD_ROUTING, 17,
	  "name=NOFAX|prefixes=6|t38=off|nomedia_time=5|addresses=" CALL_RIG_B1 },
};

static const struct route_param values_in[] = {
	{ SS_MEDIA_PROXY, "off" },
	{ SS_SIP_RESEND_INTERVAL, "0.5,1" },
	{ SS_SIP_TIMEOUT_INVITE, "2" },
	{ SS_SIP_SESSION_TTL, "20" },
	{ SS_SIP_SESSION_UPDATE_SEGMENT, "2" },
	{ SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP, "0" },
	{ SS_SIP_NO_TIMER_REINVITE_INTERVAL, "30" },
};


int play_open(struct play *p, const char *what, const struct route_param *more,
	      size_t morec)
{
	struct route_param all[VALUES_MAX];
	size_t n = COUNT_OF(values_in);
	int err;

	if (morec > VALUES_MAX - n)
		abort();
	memcpy(all, values_in, sizeof(values_in));
	for (size_t i = 0; i < morec; i++)
		all[n++] = more[i];
	err = route_rig_open(&p->catalog, what, rows, COUNT_OF(rows), all, n);
	if (err)
		return err;
	err = call_rig_open(&p->rig, p->catalog.rig.reader);
	if (err)
		route_rig_close(&p->catalog);
	p->a_cseq = 1;
	p->b_cseq = 100;
	p->number = NULL;

	return err;
}


void play_close(struct play *p)
{
	call_rig_close(&p->rig);
	route_rig_close(&p->catalog);
}


static void count_calls(struct call *call, void *arg)
{
	struct {
		struct call *call;
		unsigned n;
	} *found = arg;

	found->call = call;
	found->n++;
}


struct call *play_call(struct play *p)
{
	struct {
		struct call *call;
		unsigned n;
	} found = { NULL, 0 };

	calls_walk(p->rig.sipd, count_calls, &found);

	return found.n == 1 ? found.call : NULL;
}


/* --- what was sent -------------------------------------------------------- */

static bool is_it(const struct call_sent *sent, const char *to,
		  const char *begin)
{
	char addr[ADDR_TEXT_MAX];

	return strcmp(addr_print(&sent->to.remote, addr), to) == 0 &&
	       strncmp(sent->data, begin, strlen(begin)) == 0;
}


const struct call_sent *play_sent(const struct play *p, const char *to,
				  const char *begin)
{
	for (size_t i = p->rig.sentc; i > 0; i--)
		if (is_it(&p->rig.sent[i - 1], to, begin))
			return &p->rig.sent[i - 1];

	return NULL;
}


unsigned play_count(const struct play *p, const char *to, const char *begin)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->rig.sentc; i++)
		n += is_it(&p->rig.sent[i], to, begin);

	return n;
}


void play_clear(struct play *p)
{
	p->rig.sentc = 0;
}


/* Each call has a place of its own, so that several can be used at once. */
const char *play_head(const char *message, const char *name)
{
	static char values[VALUES_MAX][VALUE_MAX];
	static unsigned next;
	char *value = values[next++ % VALUES_MAX], begin[64];
	const char *at;

	value[0] = '\0';
	(void)snprintf(begin, sizeof(begin), "\r\n%s: ", name);
	at = message ? strstr(message, begin) : NULL;
	if (at)
		(void)snprintf(value, VALUE_MAX, "%.*s",
			       (int)strcspn(at + strlen(begin), "\r"),
			       at + strlen(begin));

	return value;
}


/* --- what is said --------------------------------------------------------- */

void play_invite(struct play *p, const char *heads, const char *sdp)
{
	call_rig_receive(&p->rig, CALL_RIG_A,
			 "INVITE sip:1212@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:77@192.0.2.1>;tag=fa\r\n"
			 "To: <sip:%s@192.0.2.100>\r\n"
			 "Call-ID: ca\r\n"
			 "CSeq: 1 INVITE\r\n"
			 "Contact: <sip:77@192.0.2.1:5060>\r\n"
			 "%s%s"
			 "Content-Length: %zu\r\n\r\n%s",
			 p->number ? p->number : "1212", heads,
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "",
			 strlen(sdp), sdp);
}


static const char *tag_for(const char *to_head)
{
	return strstr(to_head, ";tag=") ? "" : ";tag=tb";
}


void play_reply(struct play *p, const char *b, const char *method,
		unsigned code, const char *heads, const char *sdp)
{
	const struct call_sent *sent = play_sent(p, b, method);
	const char *to;

	if (!sent)
		return;
	to = play_head(sent->data, "To");
	call_rig_receive(&p->rig, b,
			 "SIP/2.0 %u x\r\n"
			 "Via: %s\r\n"
			 "From: %s\r\n"
			 "To: %s%s\r\n"
			 "Call-ID: %s\r\n"
			 "CSeq: %s\r\n"
			 "%s%s%s"
			 "Content-Length: %zu\r\n\r\n%s",
			 code, play_head(sent->data, "Via"),
			 play_head(sent->data, "From"), to,
			 code == 100 ? "" : tag_for(to),
			 play_head(sent->data, "Call-ID"),
			 play_head(sent->data, "CSeq"),
			 strstr(heads, "Contact:") || code == 100
				 ? ""
				 : "Contact: <sip:b@192.0.2.11:5060>\r\n",
			 heads,
			 sdp[0] ? "Content-Type: application/sdp\r\n" : "",
			 strlen(sdp), sdp);
}


void play_a(struct play *p, const char *method, unsigned cseq,
	    const char *heads, const char *sdp)
{
	const struct call *call = play_call(p);

	if (!cseq)
		cseq = ++p->a_cseq;
	call_rig_receive(
		&p->rig, CALL_RIG_A,
		"%s sip:1212@192.0.2.100 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa%s%s\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:77@192.0.2.1>;tag=fa\r\n"
		"To: <sip:1212@192.0.2.100>%s%s\r\n"
		"Call-ID: ca\r\n"
		"CSeq: %u %s\r\n"
		"%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		method, strcmp(method, "CANCEL") == 0 ? "" : method,
		strcmp(method, "CANCEL") == 0
			? "1"
			: (char[]){ (char)('A' + cseq % 26), '\0' },
		call && strcmp(method, "CANCEL") != 0 ? ";tag=" : "",
		call && strcmp(method, "CANCEL") != 0 ? call->a.tag : "", cseq,
		method, heads,
		sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp),
		sdp);
}


void play_b(struct play *p, const char *b, const char *method,
	    const char *heads, const char *sdp)
{
	const struct call *call = play_call(p);
	struct text call_id;

	if (!call)
		return;
	call_id = blob_text(p->rig.sipd->blobs, &call->i.b.texts);
	call_id.l = call->i.b.textl[LEG_CALL_ID];
	p->b_cseq++;
	call_rig_receive(
		&p->rig, b,
		"%s sip:77@192.0.2.100 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bKb%s%u\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:1212@192.0.2.11>;tag=tb\r\n"
		"To: <sip:77@192.0.2.100>;tag=%s\r\n"
		"Call-ID: %.*s\r\n"
		"CSeq: %u %s\r\n"
		"%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		method, method, p->b_cseq, call->b.tag, (int)call_id.l,
		call_id.p, p->b_cseq, method, heads,
		sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp),
		sdp);
}


void play_answered(struct play *p, const char *heads)
{
	play_invite(p, heads, PLAY_SDP);
	call_rig_run(&p->rig, 5, 1);
	play_reply(p, CALL_RIG_B1, "INVITE", 200, "Allow: INVITE, UPDATE\r\n",
		   PLAY_SDPB);
	play_a(p, "ACK", 1, "", "");
	call_rig_run(&p->rig, 1, 1);
}
