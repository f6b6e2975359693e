/**
 * @file test/bench/bench_message.c  What it costs to parse a message
 *
 * An INVITE as carriers send it: 17 headers and an SDP, 1 KiB in all. And what
 * is sent to keep a parser busy: 64 KiB of whatever it might look at more than
 * once; the bound is per byte. Each figure is the best of several runs: the
 * machine may be busy with something else in the others.
 */
#include <stdio.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "sipd/message.h"

enum {
	ROUNDS = 9,
	TIMES = 50000,
	HOSTILE_TIMES = 50,
	BOUND_NS = 1500,
	BOUND_BYTE_NS = 20,
};

static char invite[] =
	"INVITE sip:+4930123456789@198.51.100.7:5060;user=phone SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK4b43c2ff8.1;rport\r\n"
	"Max-Forwards: 69\r\n"
	"From: \"+49301112223\" <sip:+49301112223@203.0.113.9>;tag=1c1826\r\n"
	"To: <sip:+4930123456789@198.51.100.7;user=phone>\r\n"
	"Call-ID: 1c0a8b3e7f5d2c4a9b6e1d@203.0.113.9\r\n"
	"CSeq: 102 INVITE\r\n"
	"Contact: <sip:+49301112223@203.0.113.9:5060;transport=udp>\r\n"
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO\r\n"
	"Supported: timer, 100rel, replaces\r\n"
	"Session-Expires: 1800;refresher=uac\r\n"
	"Min-SE: 90\r\n"
	"P-Asserted-Identity: <sip:+49301112223@203.0.113.9>\r\n"
	"Privacy: none\r\n"
	"User-Agent: Carrier gateway 7.2\r\n"
	"X-Correlation: 5e1c-33f0-91ab\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 234\r\n"
	"\r\n"
	"v=0\r\n"
	"o=- 1756041 1756041 IN IP4 203.0.113.9\r\n"
	"s=session\r\n"
	"c=IN IP4 203.0.113.10\r\n"
	"t=0 0\r\n"
	"m=audio 20044 RTP/AVP 8 0 18 101\r\n"
	"a=rtpmap:8 PCMA/8000\r\n"
	"a=rtpmap:0 PCMU/8000\r\n"
	"a=rtpmap:18 G729/8000\r\n"
	"a=rtpmap:101 telephone-event/8000\r\n"
	"a=ptime:20\r\n";


#define HEADS                             \
	"Via: SIP/2.0/UDP h;branch=z\r\n" \
	"To: <sip:b@h>\r\nCall-ID: c\r\n"

/** Begins with head, then piece until it is full */
static const struct hostile {
	const char *name, *head, *piece;
} hostiles[] = {
	{ "words", "", "A " },
	{ "first line", "INVITE ", " " },
	{ "digits", "X sip:h SIP/2.0\r\n" HEADS "CSeq: ", "9" },
	{ "folds", "X sip:h SIP/2.0\r\n" HEADS "Via: ", "\n " },
	{ "carriage returns", "X sip:h SIP/2.0\r\n" HEADS "X: ", "\r" },
	{ "quotes", "X sip:h SIP/2.0\r\n" HEADS "From: ", "\"\\" },
	{ "angles", "X sip:h SIP/2.0\r\n" HEADS "From: ", "<" },
	{ "parameters", "X sip:h SIP/2.0\r\n" HEADS "From: sip:a@h", ";a" },
	{ "Via list", "X sip:h SIP/2.0\r\nVia: ", "," },
	{ "lines", "X sip:h SIP/2.0\r\n" HEADS, "f:\n" },
	{ "names", "X sip:h SIP/2.0\r\n" HEADS, "Proxy-Authorizatiox" },
};


static double parse_ns(struct message *m, char *data, size_t len,
		       unsigned times)
{
	double best = 1e12;

	for (unsigned round = 0; round < ROUNDS; round++) {
		const int64_t start = clk_mono_us();
		double ns;

		for (unsigned i = 0; i < times; i++)
			(void)message_parse(m, data, len, false);
		ns = 1000.0 * (double)(clk_mono_us() - start) / times;
		best = ns < best ? ns : best;
	}

	return best;
}


static int bench_invite(struct message *m)
{
	const double ns = parse_ns(m, invite, sizeof(invite) - 1, TIMES);

	if (m->fault != MESSAGE_OK || m->rowc != 17) {
		(void)fprintf(stderr, "not parsed: %s\n",
			      message_faults[m->fault].name);
		return 1;
	}
	printf("INVITE: %.0f ns, %zu bytes, %u headers (bound %d)\n", ns,
	       sizeof(invite) - 1, m->rowc, BOUND_NS);

	return ns > BOUND_NS;
}


static int bench_hostile(struct message *m, const struct hostile *hostile)
{
	static char data[MESSAGE_BYTES_MAX];
	const size_t head = strlen(hostile->head);
	const size_t piece = strlen(hostile->piece);
	double ns;

	memcpy(data, hostile->head, head);
	for (size_t i = head; i < sizeof(data); i++)
		data[i] = hostile->piece[(i - head) % piece];
	ns = parse_ns(m, data, sizeof(data), HOSTILE_TIMES) / sizeof(data);
	printf("%s: %.2f ns per byte, %s (bound %d)\n", hostile->name, ns,
	       message_faults[m->fault].name, BOUND_BYTE_NS);

	return ns > BOUND_BYTE_NS;
}


int main(void)
{
	static struct message m;
	int bad = bench_invite(&m);

	for (size_t i = 0; i < COUNT_OF(hostiles); i++)
		bad += bench_hostile(&m, &hostiles[i]);

	return bad > 0;
}
