/**
 * @file test/bench/bench_call.c  What a call costs without the kernel
 *
 * The calls of sipd alone (call_rig), one after the other: INVITE, 180, 200,
 * ACK, BYE. For a profiler: valgrind --tool=callgrind bench_call 200
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "test/unit/sipd/call_play.h"


/* As the caller would: a Call-ID and branches of its own for each call */
static void ask(struct play *p, const char *method, unsigned call,
		unsigned cseq, const char *sdp)
{
	const struct call *c = play_call(p);

	call_rig_receive(
		&p->rig, CALL_RIG_A,
		"%s sip:1212@192.0.2.100:5060 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-%u-%u-%s\r\n"
		"From: sipp <sip:77@192.0.2.1:5060>;tag=sipp%u\r\n"
		"To: 1212 <sip:1212@192.0.2.100:5060>%s%s\r\n"
		"Call-ID: %u-1@192.0.2.1\r\n"
		"CSeq: %u %s\r\n"
		"Contact: sip:sipp@192.0.2.1:5060\r\n"
		"Max-Forwards: 70\r\n"
		"Subject: Performance Test\r\n"
		"%s"
		"Content-Length: %zu\r\n\r\n%s",
		method, call, cseq, method, call, c ? ";tag=" : "",
		c ? c->a.tag : "", call, cseq, method,
		sdp[0] ? "Content-Type: application/sdp\r\n" : "", strlen(sdp),
		sdp);
}


int main(int argc, char *argv[])
{
	static struct play p;
	const unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10)
					: 200;

	log_level_set(LOG_LEVEL_NOTICE);
	if (play_open(&p, "bench", NULL, 0))
		return 1;
	for (unsigned i = 0; i < calls; i++) {
		play_clear(&p);
		ask(&p, "INVITE", i, 1, PLAY_SDP);
		call_rig_run(&p.rig, 5, 1);
		play_reply(&p, CALL_RIG_B1, "INVITE", 180, "", "");
		play_reply(&p, CALL_RIG_B1, "INVITE", 200, "", PLAY_SDPB);
		ask(&p, "ACK", i, 1, "");
		ask(&p, "BYE", i, 2, "");
		play_reply(&p, CALL_RIG_B1, "BYE", 200, "", "");
		call_rig_run(&p.rig, 5, 1);
		call_rig_run(&p.rig, 1000, 500);
	}
	printf("call: calls=%u records=%u\n", calls, p.rig.records);
	call_rig_run(&p.rig, 60000, 500);
	play_close(&p);

	return p.rig.records == calls ? 0 : 1;
}
