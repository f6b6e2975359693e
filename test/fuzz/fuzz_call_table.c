/**
 * @file test/fuzz/fuzz_call_table.c  Any order of what can happen to a call
 *
 * Each step takes a few bytes: what A or a gateway says, time, what billingd
 * answers, a transport that fails, an operator. After each, what lies in
 * shared memory can be trusted by a successor. When nobody says anything more
 * the timers alone end every call, and nothing is left of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/base/util.h"
#include "sipd/dispatch.h"
#include "sipd/leg.h"
#include "test/unit/sipd/call_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEPS_MAX = 120,
	END_MS = 400000, /* T3b and T4 are 120 s, the cap 30, T 20 */
	END_STEP_MS = 10000,
};

struct fuzz {
	const uint8_t *data;
	size_t size;
	struct play *p;
};

static struct play play;


static uint8_t byte(struct fuzz *f)
{
	if (f->size == 0)
		return 0;
	f->size--;

	return *f->data++;
}


#define PICK(f, list) ((list)[byte(f) % COUNT_OF(list)])

static const char *const sdps[] = {
	"",
	PLAY_SDP,
	PLAY_SDP2,
	PLAY_SDPB,
	PLAY_SDP_OF("9", "2", "6002"),
	PLAY_SDP_OF("9", "3", "0"),
	"v=0\r\no=- 9 4 IN IP4 192.0.2.50\r\ns=-\r\n"
	"c=IN IP4 192.0.2.50\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\n"
	"m=image 4008 udptl t38\r\nm=image 4010 udptl t38\r\n",
	"v=0\r\no=- 9 5 IN IP4 10.0.0.5\r\ns=-\r\n"
	"c=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 4012 RTP/AVP 0 97\r\n"
	"a=rtpmap:97 telephone-event/8000\r\n"
	"m=audio 4014 RTP/AVP 18\r\n",
	"v=0\r\nx",
};

static const char *const sides[] = { CALL_RIG_B1, CALL_RIG_B2, CALL_RIG_A };


static void step_invite(struct fuzz *f)
{
	static const char *const heads[] = {
		"",
		"Supported: timer\r\nAllow: UPDATE\r\n",
		"Supported: timer\r\nSession-Expires: 90\r\n",
		"Require: 100rel\r\nAllow: UPDATE\r\n",
		"Require: 100rel\r\nSupported: timer\r\n",
		"Record-Route: <sip:192.0.2.1>\r\nSupported: 100rel\r\n",
		"Record-Route: <sip:192.0.2.1;lr>\r\nPrivacy: id\r\n",
		"Require: dance\r\n",
	};
	static const char *const numbers[] = { "1212", "2000", "3000", "9",
					       "4000", "5000", "6000" };

	f->p->number = PICK(f, numbers);
	play_invite(f->p, PICK(f, heads), PICK(f, sdps));
}


static void step_a(struct fuzz *f)
{
	static const char *const methods[] = {
		"ACK",  "BYE",    "CANCEL",  "PRACK",
		"INFO", "INVITE", "OPTIONS", "UPDATE",
	};
	const char *method = PICK(f, methods);
	const uint8_t n = byte(f);
	const struct call_sent *sent = play_sent(f->p, CALL_RIG_A,
						 "SIP/2.0 1");
	char rack[120];

	(void)snprintf(rack, sizeof(rack),
		       "RAck: %.20s 1 INVITE\r\nAllow: UPDATE\r\n"
		       "Session-Expires: %u\r\n",
		       n & 1 ? "7"
			     : play_head(sent ? sent->data : NULL, "RSeq"),
		       n & 2 ? 60U : 100U);
	play_a(f->p, method,
	       strcmp(method, "ACK") == 0 || strcmp(method, "CANCEL") == 0
		       ? 1U + (n >> 4) * (n & 4)
		       : n & 8,
	       rack, PICK(f, sdps));
}


static void step_reply(struct fuzz *f)
{
	static const char *const methods[] = {
		"INVITE", "INVITE", "INVITE", "BYE",
		"UPDATE", "PRACK",  "CANCEL", "INFO",
	};
	static const unsigned codes[] = {
		100, 180, 183, 183, 199, 200, 200, 200, 202, 302,
		401, 408, 422, 481, 486, 487, 491, 503, 600,
	};
	static const char *const heads[] = {
		"",
		"Allow: UPDATE\r\n",
		"Require: 100rel\r\nRSeq: 1\r\n",
		"Require: 100rel\r\nRSeq: 2\r\nAllow: UPDATE\r\n",
		"Min-SE: 300\r\nSession-Expires: 300;refresher=uas\r\n",
		"Contact: <sip:3001@192.0.2.99>\r\n",
		"Session-Expires: 5\r\nAllow: INVITE\r\n",
		"Record-Route: <sip:192.0.2.9;lr>, <sip:192.0.2.8>\r\n",
		"WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n",
	};
	const char *side = PICK(f, sides);
	const char *method = PICK(f, methods);
	const unsigned code = PICK(f, codes);

	play_reply(f->p, side, method, code, PICK(f, heads), PICK(f, sdps));
}


static void step_b(struct fuzz *f)
{
	static const char *const methods[] = {
		"BYE", "INFO", "INVITE", "UPDATE", "OPTIONS", "ACK", "PRACK",
	};
	const char *side = PICK(f, sides);

	play_b(f->p, side, PICK(f, methods),
	       byte(f) & 1
		       ? "Session-Expires: 100\r\nReason: Q.850;cause=16\r\n"
		       : "",
	       PICK(f, sdps));
}


static void step_time(struct fuzz *f)
{
	static const uint32_t ms[] = { 1, 2, 10, 100, 600, 2600, 5100, 10000 };

	const uint32_t n = PICK(f, ms);

	call_rig_run(&f->p->rig, n, n > 50 ? 50 : 1);
}


static void step_words(struct fuzz *f)
{
	const uint8_t n = byte(f);

	f->p->rig.credit = (enum call_rig_word)(n % 3);
	f->p->rig.record = n & 4 ? CALL_RIG_SILENCE : CALL_RIG_YES;
	f->p->rig.media = (enum call_rig_word)((n >> 4) % 4);
}


/* mediad by itself: silence, first RTP, a digit */
static void step_media(struct fuzz *f)
{
	static char digits[] = "5*x";
	const uint8_t n = byte(f);
	const struct call *call = play_call(f->p);
	const uint64_t session = call && !(n & 0x80) ? call->id : n;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Header hdr = TANDEM__HEADER__INIT;
	Tandem__MediaLost lost = TANDEM__MEDIA_LOST__INIT;
	Tandem__MediaStarted started = TANDEM__MEDIA_STARTED__INIT;
	Tandem__DigitHeard heard;
	char digit[2] = { digits[n % 3], '\0' };

	tandem__digit_heard__init(&heard);
	env.hdr = &hdr;
	env.media_lost = &lost;
	lost.session = started.session = heard.session = session;
	lost.sides = n >> 2 & 7;
	started.side = heard.side = n >> 2 & 3;
	heard.digit = digit;
	if (n & 1) {
		(void)media_on_lost(f->p->rig.sipd, &env, 0);
	}
	else if (n & 2) {
		env.media_started = &started;
		(void)media_on_started(f->p->rig.sipd, &env, 0);
	}
	else {
		env.digit_heard = &heard;
		(void)media_on_digit(f->p->rig.sipd, &env, 0);
	}
}


static void step_resolved(struct fuzz *f)
{
	call_rig_resolved(&f->p->rig, byte(f) & 1 ? CALL_RIG_B2 : NULL);
}


static void step_transport(struct fuzz *f)
{
	const uint8_t n = byte(f);

	if (n & 1)
		f->p->rig.send_err = n & 2 ? ENOBUFS : 0;
	else
		call_rig_fail(&f->p->rig, PICK(f, sides), ECONNREFUSED);
}


static void cut(struct call *call, void *arg)
{
	(void)arg;
	if (call->i.state == CALL_ENDED)
		return;
	call_end_with(call, END_OPERATOR_DISCONNECT);
	call_handle(call, EV_CUT);
}


static void step_operator(struct fuzz *f)
{
	if (byte(f) & 1)
		calls_walk(f->p->rig.sipd, cut, NULL);
}


static void step_raw(struct fuzz *f)
{
	const char *side = PICK(f, sides);
	size_t len = (size_t)byte(f) * 2;

	if (len > f->size)
		len = f->size;
	call_rig_bytes(&f->p->rig, side, (const char *)f->data, len);
	f->data += len;
	f->size -= len;
}


/* --- what holds always ---------------------------------------------------- */

static void is_named(const struct call_rig *rig, const struct blob *blob)
{
	static char copy[BLOB_BYTES_MAX];

	assert(!blob->unit ||
	       !blob_read(&rig->texts, blob, copy, sizeof(copy)));
}


static void is_trusted(struct call *call, void *arg)
{
	const struct call_rig *rig = arg;
	struct call_image image;

	assert(!slot_read_id(&rig->calls, call->id, &image, sizeof(image)));
	assert(!call_slot_fault(&image));
	is_named(rig, &image.facts);
	is_named(rig, &image.offer);
	is_named(rig, &image.b_sdp);
	is_named(rig, &image.attempts);
	is_named(rig, &image.a.texts);
	is_named(rig, &image.b.texts);
	is_named(rig, &image.a.sdp);
	is_named(rig, &image.b.sdp);
	assert((call->setup == NULL) ==
	       (call->i.state == CALL_ENDED || call->i.answer_us != 0));
	assert(call->i.state != CALL_ENDED ||
	       !(call->i.flags & (CALL_HAS_LINES | CALL_HAS_B_LINES)));
}


static void end(struct fuzz *f)
{
	struct call_rig *rig = &f->p->rig;
	const char *left;

	rig->credit = rig->record = rig->media = CALL_RIG_YES;
	rig->send_err = 0;
	for (unsigned ms = 0; ms < END_MS && call_rig_left(rig);
	     ms += END_STEP_MS)
		call_rig_run(rig, END_STEP_MS, 500);
	left = call_rig_left(rig);
	if (left)
		(void)fprintf(stderr, "left: %s\n", left);
	assert(!left);
}


/* --- the run -------------------------------------------------------------- */

static void be_quiet(const char *line, size_t len, void *arg)
{
	(void)line;
	(void)len;
	(void)arg;
}


static void close_catalog(void)
{
	route_rig_close(&play.catalog);
}


static void open_catalog(void)
{
	if (play.catalog.c)
		return;
	log_writer_set(be_quiet, NULL);
	if (play_open(&play, "fuzz", NULL, 0))
		abort();
	call_rig_close(&play.rig);
	(void)atexit(close_catalog);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct fuzz *) = {
		step_invite, step_a,     step_a,         step_a,
		step_reply,  step_reply, step_reply,     step_reply,
		step_b,      step_time,  step_time,      step_words,
		step_b,      step_raw,   step_transport, step_operator,
		step_media,  step_time,  step_resolved,
	};
	struct fuzz f = { .data = data, .size = size, .p = &play };

	open_catalog();
	if (call_rig_open(&play.rig, play.catalog.rig.reader))
		return 0;
	play.a_cseq = 1;
	play.b_cseq = 100;
	for (unsigned i = 0; f.size && i < STEPS_MAX; i++) {
		PICK(&f, steps)(&f);
		calls_walk(play.rig.sipd, is_trusted, &play.rig);
	}
	end(&f);
	call_rig_close(&play.rig);

	return 0;
}
