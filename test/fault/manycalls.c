/**
 * @file test/fault/manycalls.c  Both ends of many calls, over a bad line
 *
 * manycalls CALLER TO CALLED PREFIX CALLS RATE LENGTH_MS [FILE]
 *
 * CALLER and CALLED are the two ends' own IPv4 address:port; all that the
 * caller says goes to TO. Call n is for PREFIX and seven digits of n; odd ones
 * are ended by the called side. Each end sends again what is not answered, as
 * RFC 3261 has it, and knows of every call what became of it. When all are
 * over it writes one line of figures; "good" are those that ended while there
 * was load, half a second and the length of a call added. Phantoms are calls
 * that the called side has although their caller was refused.
 *
 * With FILE both ends speak and listen (manycalls_sound.h), and lines say how
 * it goes, by wall time:
 *
 *     second TIME BEGUN UP OVER SENT RECEIVED LOST HOLE_MS LATE_MS
 *     hole TIME MS CALL SIDE       TIME: the last packet before it; MS
 *                                  without how late we were ourselves
 *     deaf TIME CALL SIDE          this end never heard the other
 *     call NUMBER CALL-ID A B MS   outcomes, and how long it was up at A
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/fault/manycalls_heap.h"
#include "test/fault/manycalls_sound.h"
#include "test/fault/manycalls_text.h"

enum {
	BUFFER = 8 << 20,
	T1_US = 500000,
	T2_US = 4000000,
	LINGER_US = 35000000, /**< Copies of it may come so long */
	HANG_US = 90000000,   /**< An end that hears nothing so long */
	RING_US = 50000,
	GOOD_US = 500000,
	DIGITS = 7,
	CALLS_MAX = 9999999,
};

enum state {
	IDLE,
	INVITING,  /**< Caller: INVITE is out */
	WAITING,   /**< A provisional came */
	RINGING,   /**< Called: 200 is to be sent */
	ANSWERING, /**< It was */
	TALKING,
	LEAVING, /**< BYE is out */
	OVER,
	GONE, /**< And no copy is expected any more */
};

enum outcome {
	NONE,
	ENDED,
	REFUSED,
	HUNG,
	OUTCOMEC
};

struct half {
	int64_t due_us; /**< When there is something to do; 0: nothing */
	int64_t give_up_us;
	uint32_t wait_us; /**< To the next copy */
	uint8_t state, outcome;
	uint8_t invites;        /**< Called: different ones */
	uint8_t answers;        /**< Outcomes that came */
	char *said;             /**< What is sent again */
	char *ack;              /**< Caller: of the 200 */
	char *bye;              /**< What will be said */
	char *id;               /**< Called: Call-ID of the first INVITE */
	int64_t up_us, over_us; /**< Caller: answered, and ended */
};

struct ends {
	int fds[2];
	struct sockaddr_in own[2], to[2]; /**< Called: who sent last */
	char names[2][32];
	const char *prefix;
	char run[16]; /**< Two in a row have no call in common */
	uint32_t callc, begun, over, unplaced; /**< Refused, unheard of */
	unsigned rate;
	int64_t length_us, start_us;
	struct half *halves; /**< Caller of n at 2n, called at 2n + 1 */
	struct heap heap;
	uint64_t copies, odd;
	uint32_t good, up;
	FILE *file; /**< NULL: there is no sound */
	struct sound *sound;
};


static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* --- what is due ---------------------------------------------------------- */

static void due(struct ends *e, struct half *h, int64_t in_us)
{
	h->due_us = now_us() + in_us;
	heap_add(&e->heap, h->due_us, (uint32_t)(h - e->halves));
}


/* --- saying --------------------------------------------------------------- */

static void say(struct ends *e, int side, const char *text)
{
	(void)sendto(e->fds[side], text, strlen(text), 0,
		     (const struct sockaddr *)&e->to[side],
		     sizeof(e->to[side]));
}


static void drop(char **textp)
{
	free(*textp);
	*textp = NULL;
}


static void set(char **textp, const char *text)
{
	free(*textp);
	*textp = strdup(text);
	if (!*textp)
		abort();
}


/* Say it until it is answered. */
static void say_on(struct ends *e, struct half *h, int side, const char *text,
		   enum state state)
{
	set(&h->said, text);
	h->state = (uint8_t)state;
	h->wait_us = T1_US;
	say(e, side, h->said);
	due(e, h, h->wait_us);
}


static int64_t load_end_us(const struct ends *e)
{
	return e->start_us + (int64_t)e->callc * 1000000 / e->rate;
}


/* Either end hangs up: nobody speaks any more. */
static void quiet(struct ends *e, const struct half *h)
{
	const uint32_t n = (uint32_t)((h - e->halves) / 2);
	struct half *a = &e->halves[2 * (size_t)n];

	if (e->sound)
		sound_stop(e->sound, n);
	if (!a->up_us || a->over_us)
		return;
	a->over_us = now_us();
	e->up--;
}


static void over(struct ends *e, struct half *h, enum outcome outcome)
{
	quiet(e, h);
	h->answers++;
	if (h->outcome != NONE)
		return;
	h->outcome = (uint8_t)outcome;
	h->state = OVER;
	e->over++;
	e->good += outcome == ENDED && (h - e->halves) % 2 == 0 &&
		   now_us() < load_end_us(e) + e->length_us + GOOD_US;
	drop(&h->said);
	due(e, h, LINGER_US);
}


/* --- the caller ----------------------------------------------------------- */

static const char *address_of(const struct ends *e, int side)
{
	return e->sound ? sound_address(side)
	       : side   ? "192.0.2.97"
			: "192.0.2.98";
}


static void call(struct ends *e, uint32_t n)
{
	struct half *h = &e->halves[2 * (size_t)n];
	char sdp[512], text[BYTES_MAX];

	text_sdp(sdp, sizeof(sdp), e->names[0], address_of(e, 0),
		 sound_port(e->sound, n, 0));
	(void)snprintf(text, sizeof(text),
		       "INVITE sip:%s%07u@%s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bK%sai%u;rport\r\n"
		       "From: <sip:8801711000000@%s>;tag=a%u\r\n"
		       "To: <sip:%s%07u@%s>\r\nCall-ID: call%u@%s\r\n"
		       "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%s",
		       e->prefix, n, e->names[0], e->names[0], e->run, n,
		       e->names[0], n, e->prefix, n, e->names[0], n, e->run,
		       sdp);
	h->give_up_us = now_us() + HANG_US;
	say_on(e, h, 0, text, INVITING);
}


/* A request in the dialog, or the ACK to a refusal, which has the branch of
 * its INVITE */
struct kind {
	const char *method, *branch;
	unsigned cseq;
};

static const struct kind ack_refusal = { "ACK", "ai", 1 };
static const struct kind ack_answer = { "ACK", "aa", 1 };
static const struct kind bye = { "BYE", "ab", 2 };


static void put_request(char *dst, const struct ends *e, uint32_t n,
			const char *m, const char *uri,
			const struct kind *kind)
{
	size_t tol;
	const char *to = text_head(m, "To", &tol);

	(void)snprintf(dst, BYTES_MAX,
		       "%s %s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%s%u;rport\r\n"
		       "From: <sip:8801711000000@%s>;tag=a%u\r\n"
		       "To: %.*s\r\nCall-ID: call%u@%s\r\nCSeq: %u %s\r\n"
		       "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		       kind->method, uri, e->names[0], e->run, kind->branch, n,
		       e->names[0], n, (int)tol, to ? to : "", n, e->run,
		       kind->cseq, kind->method);
}


static void heard_final(struct ends *e, struct half *h, uint32_t n,
			const char *m, unsigned code)
{
	char uri[256], text[BYTES_MAX];

	if (h->ack) { /* a copy: our ACK is lost, or late */
		e->copies++;
		say(e, 0, h->ack);
		return;
	}
	if (h->state != INVITING && h->state != WAITING)
		return;
	if (code >= 300) {
		(void)snprintf(uri, sizeof(uri), "sip:%s%07u@%s", e->prefix, n,
			       e->names[0]);
		put_request(text, e, n, m, uri, &ack_refusal);
		set(&h->ack, text);
		say(e, 0, text);
		over(e, h, REFUSED);
		e->unplaced += h[1].state == IDLE;
		return;
	}

	text_target(m, uri, sizeof(uri));
	put_request(text, e, n, m, uri, &ack_answer);
	set(&h->ack, text);
	say(e, 0, text);
	put_request(text, e, n, m, uri, &bye);
	set(&h->bye, text);
	drop(&h->said);
	h->state = TALKING;
	h->up_us = now_us();
	e->up++;
	sound_point(e->sound, n, 0, m);
	sound_speak(e->sound, n, 0);
	due(e, h, n % 2 ? HANG_US : e->length_us);
}


static void caller_heard(struct ends *e, const char *m, unsigned code)
{
	const uint32_t n = text_number(m, "Call-ID", "call");
	size_t len;
	const char *cseq = text_head(m, "CSeq", &len);
	struct half *h;

	if (n >= e->callc || !cseq) {
		e->odd++;
		return;
	}
	h = &e->halves[2 * (size_t)n];
	if (strstr(cseq, "BYE") && strstr(cseq, "BYE") < cseq + len) {
		if (code >= 200 && h->state == LEAVING)
			over(e, h, ENDED);
	}
	else if (code >= 200) {
		heard_final(e, h, n, m, code);
	}
	else if (h->state == INVITING) {
		h->state = WAITING;
		drop(&h->said);
		due(e, h, HANG_US);
	}
}


/* --- the called side ------------------------------------------------------ */

static void ring(struct ends *e, struct half *h, uint32_t n, const char *m)
{
	char more[512], text[BYTES_MAX], tag[24], uri[256];
	size_t tol, froml, idl;
	const char *to = text_head(m, "To", &tol),
		   *from = text_head(m, "From", &froml);
	const char *id = text_head(m, "Call-ID", &idl);

	(void)snprintf(tag, sizeof(tag), ";tag=b%u", n);
	(void)snprintf(more, sizeof(more),
		       "Contact: <sip:%s>\r\n"
		       "Content-Length: 0\r\n\r\n",
		       e->names[1]);
	text_respond(text, m, "180 Ringing", tag, more);
	say(e, 1, text);

	sound_point(e->sound, n, 1, m);
	text_sdp(more, sizeof(more), e->names[1], address_of(e, 1),
		 sound_port(e->sound, n, 1));
	text_respond(text, m, "200 OK", tag, more);
	set(&h->said, text);

	text_target(m, uri, sizeof(uri));
	(void)snprintf(text, sizeof(text),
		       "BYE %s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bK%sbb%u;rport\r\n"
		       "From: %.*s;tag=b%u\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		       "CSeq: 1 BYE\r\nMax-Forwards: 70\r\n"
		       "Content-Length: 0\r\n\r\n",
		       uri, e->names[1], e->run, n, (int)tol, to, n,
		       (int)froml, from, (int)idl, id);
	set(&h->bye, text);
	h->id = strndup(id, idl);
	h->invites = 1;
	e->unplaced -= h[-1].outcome == REFUSED;
	h->state = RINGING;
	h->give_up_us = now_us() + HANG_US;
	due(e, h, RING_US);
}


static void invited(struct ends *e, const char *m)
{
	const size_t prefixl = strlen(e->prefix);
	const char *user = m + strlen("INVITE sip:");
	size_t idl;
	const char *id = text_head(m, "Call-ID", &idl);
	struct half *h;
	uint32_t n;

	if (strncmp(user, e->prefix, prefixl) != 0 || !id) {
		e->odd++;
		return;
	}
	n = (uint32_t)strtoul(user + prefixl, NULL, 10);
	if (n >= e->callc) {
		e->odd++;
		return;
	}
	h = &e->halves[2 * (size_t)n + 1];
	if (h->state == IDLE) {
		ring(e, h, n, m);
		return;
	}
	e->copies++;
	if (h->id && (strlen(h->id) != idl || memcmp(h->id, id, idl) != 0))
		h->invites++;
	if (h->state == ANSWERING)
		say(e, 1, h->said);
}


static void acked(struct ends *e, uint32_t n)
{
	struct half *h;

	if (n >= e->callc)
		return;
	h = &e->halves[2 * (size_t)n + 1];
	if (h->state != ANSWERING)
		return;
	drop(&h->said);
	h->state = TALKING;
	sound_speak(e->sound, n, 1);
	due(e, h, n % 2 ? e->length_us : HANG_US);
}


static void ended(struct ends *e, int side, const char *m)
{
	const uint32_t n = text_number(m, "To", side ? ";tag=b" : ";tag=a");
	char text[BYTES_MAX];
	struct half *h;

	text_respond(text, m, "200 OK", "", NULL);
	say(e, side, text);
	if (n >= e->callc) {
		e->odd++;
		return;
	}
	h = &e->halves[2 * (size_t)n + (size_t)side];
	if (h->outcome == NONE)
		over(e, h, ENDED);
	else
		e->copies++;
}


static void cancelled(struct ends *e, const char *m)
{
	const uint32_t n = text_number(m, "To", e->prefix);
	char text[BYTES_MAX];

	text_respond(text, m, "200 OK", "", NULL);
	say(e, 1, text);
	if (n < e->callc && e->halves[2 * (size_t)n + 1].outcome == NONE)
		over(e, &e->halves[2 * (size_t)n + 1], REFUSED);
}


static void called_heard(struct ends *e, const char *m, unsigned code)
{
	const uint32_t n = text_number(m, "From", ";tag=b");

	if (n < e->callc && code >= 200 &&
	    e->halves[2 * (size_t)n + 1].state == LEAVING)
		over(e, &e->halves[2 * (size_t)n + 1], ENDED);
}


static void heard(struct ends *e, int side, const char *m)
{
	char text[BYTES_MAX];

	if (strncmp(m, "SIP/2.0 ", 8) == 0)
		(side ? called_heard
		      : caller_heard)(e, m,
				      (unsigned)strtoul(m + 8, NULL, 10));
	else if (side && strncmp(m, "INVITE sip:", 11) == 0)
		invited(e, m);
	else if (strncmp(m, "ACK ", 4) == 0)
		acked(e, text_number(m, "To", ";tag=b"));
	else if (strncmp(m, "BYE ", 4) == 0)
		ended(e, side, m);
	else if (side && strncmp(m, "CANCEL ", 7) == 0)
		cancelled(e, m);
	else {
		e->odd++;
		text_respond(text, m, "200 OK", "", NULL);
		say(e, side, text);
	}
}


/* --- time ----------------------------------------------------------------- */

static void again(struct ends *e, struct half *h, int side)
{
	if (now_us() > h->give_up_us) {
		over(e, h, HUNG);
		return;
	}
	say(e, side, h->said);
	h->wait_us = h->state == INVITING || h->wait_us * 2 < T2_US
			     ? h->wait_us * 2
			     : T2_US;
	due(e, h, h->wait_us);
}


static void act(struct ends *e, struct half *h)
{
	const int side = (int)((h - e->halves) % 2);
	const uint32_t n = (uint32_t)((h - e->halves) / 2);

	switch (h->state) {
	case RINGING:
		h->state = ANSWERING;
		h->wait_us = T1_US;
		say(e, 1, h->said);
		due(e, h, h->wait_us);
		break;
	case INVITING:
	case ANSWERING:
	case LEAVING:
		again(e, h, side);
		break;
	case TALKING:
		if ((n % 2 == 1) != (side == 1)) {
			over(e, h, HUNG);
			break;
		}
		h->give_up_us = now_us() + HANG_US;
		quiet(e, h);
		say_on(e, h, side, h->bye, LEAVING);
		break;
	case WAITING:
		over(e, h, HUNG);
		break;
	case OVER:
		h->state = GONE;
		drop(&h->ack);
		drop(&h->bye);
		drop(&h->id);
		break;
	default:
		break;
	}
}


/* @return ms until there is more to do */
static int work(struct ends *e)
{
	const int64_t now = now_us();
	int64_t next = now + 100000;

	while (e->begun < e->callc &&
	       now >= e->start_us + (int64_t)e->begun * 1000000 / e->rate)
		call(e, e->begun++);
	while (e->heap.entryc && e->heap.entries[0].due_us <= now) {
		const struct entry entry = heap_take(&e->heap);

		if (e->halves[entry.half].due_us == entry.due_us)
			act(e, &e->halves[entry.half]);
	}
	if (e->heap.entryc && e->heap.entries[0].due_us < next)
		next = e->heap.entries[0].due_us;
	if (e->begun < e->callc &&
	    e->start_us + (int64_t)e->begun * 1000000 / e->rate < next)
		next = e->start_us + (int64_t)e->begun * 1000000 / e->rate;

	return next > now ? (int)((next - now + 999) / 1000) : 0;
}


static void take(struct ends *e, int side)
{
	static char m[BYTES_MAX + 1];

	for (int i = 0; i < 256; ++i) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		const ssize_t n = recvfrom(e->fds[side], m, BYTES_MAX,
					   MSG_DONTWAIT,
					   (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		m[n] = '\0';
		if (side)
			e->to[1] = from;
		heard(e, side, m);
	}
}


/* --- main ----------------------------------------------------------------- */

static int parse_address(struct sockaddr_in *sin, const char *text)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return EINVAL;
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	port = strtoul(colon + 1, NULL, 10);
	if (!port || port > UINT16_MAX)
		return EINVAL;
	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port) };

	return inet_pton(AF_INET, host, &sin->sin_addr) == 1 ? 0 : EINVAL;
}


static int end_open(struct ends *e, int side, const char *own)
{
	const int bytes = BUFFER;

	if (strlen(own) >= sizeof(e->names[side]) ||
	    parse_address(&e->own[side], own))
		return EINVAL;
	(void)snprintf(e->names[side], sizeof(e->names[side]), "%s", own);
	e->fds[side] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (e->fds[side] < 0)
		return errno;
	if (setsockopt(e->fds[side], SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		       sizeof(bytes)))
		(void)setsockopt(e->fds[side], SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes));

	return bind(e->fds[side], (const struct sockaddr *)&e->own[side],
		    sizeof(e->own[side]))
		       ? errno
		       : 0;
}


static int ends_open(struct ends *e, char *argv[])
{
	unsigned long callc;
	int err;

	err = end_open(e, 0, argv[1]);
	if (!err)
		err = parse_address(&e->to[0], argv[2]);
	if (!err)
		err = end_open(e, 1, argv[3]);
	if (err)
		return err;

	e->prefix = argv[4];
	(void)snprintf(e->run, sizeof(e->run), "r%d", (int)getpid());
	callc = strtoul(argv[5], NULL, 10);
	e->rate = (unsigned)strtoul(argv[6], NULL, 10);
	e->length_us = (int64_t)strtoul(argv[7], NULL, 10) * 1000;
	if (!callc || callc > CALLS_MAX || !e->rate)
		return EINVAL;
	e->callc = (uint32_t)callc;
	e->halves = calloc(2 * callc, sizeof(*e->halves));

	return e->halves ? 0 : ENOMEM;
}


/* Its ends have the addresses of their SIP. */
static int sound_open(struct ends *e, const char *path)
{
	char hosts[2][INET_ADDRSTRLEN];

	for (int side = 0; side < 2; side++)
		(void)inet_ntop(AF_INET, &e->own[side].sin_addr, hosts[side],
				sizeof(hosts[side]));
	e->file = fopen(path, "we");
	if (!e->file)
		return errno;
	e->sound = sound_alloc(hosts[0], hosts[1], e->callc, e->file);

	return e->sound ? 0 : errno;
}


static void tell_calls(const struct ends *e)
{
	static const char *const names[OUTCOMEC] = { "none", "ended",
						     "refused", "hung" };

	for (uint32_t n = 0; n < e->begun; n++) {
		const struct half *a = &e->halves[2 * (size_t)n], *b = a + 1;

		(void)fprintf(e->file, "call %u call%u@%s %s %s %lld\n", n, n,
			      e->run, names[a->outcome], names[b->outcome],
			      a->up_us ? (long long)(a->over_us - a->up_us) /
						 1000
				       : -1LL);
	}
	(void)fclose(e->file);
}


/* A call without a caller, and none that was taken back */
static bool is_phantom(const struct half *caller)
{
	return caller->outcome == REFUSED && caller[1].invites > 0 &&
	       caller[1].outcome != REFUSED;
}


static int tell(const struct ends *e)
{
	uint32_t outcomes[2][OUTCOMEC] = { { 0 } }, twice = 0, phantoms = 0;

	for (size_t i = 0; i < 2 * (size_t)e->callc; ++i) {
		outcomes[i % 2][e->halves[i].outcome]++;
		twice += e->halves[i].invites > 1;
		phantoms += i % 2 == 1 && is_phantom(&e->halves[i - 1]);
	}
	(void)printf("begun=%u a_ended=%u a_refused=%u a_hung=%u a_none=%u "
		     "b_ended=%u b_refused=%u b_hung=%u b_none=%u twice=%u "
		     "phantoms=%u good=%u copies=%llu odd=%llu\n",
		     e->begun, outcomes[0][ENDED], outcomes[0][REFUSED],
		     outcomes[0][HUNG], outcomes[0][NONE], outcomes[1][ENDED],
		     outcomes[1][REFUSED], outcomes[1][HUNG],
		     outcomes[1][NONE], twice, phantoms, e->good,
		     (unsigned long long)e->copies,
		     (unsigned long long)e->odd);

	return fflush(stdout) ? 1 : 0;
}


/* Until something comes or is due */
static void await(struct ends *e, struct pollfd polls[2])
{
	const int64_t wait_us = (int64_t)work(e) * 1000;
	struct timespec ts = { 0 };
	int64_t sound_us;

	if (!e->sound) {
		(void)poll(polls, 2, (int)(wait_us / 1000));
		return;
	}
	sound_us = sound_turn(e->sound);
	sound_tell(e->sound, e->begun, e->up, e->over);
	if (sound_us > wait_us)
		sound_us = wait_us;
	ts.tv_nsec = sound_us > 0 ? sound_us * 1000 : 0;
	(void)ppoll(polls, 2, &ts, NULL);
}


int main(int argc, char *argv[])
{
	static struct ends ends;
	int64_t end_us = 0;
	int err;

	if (argc != 8 && argc != 9) {
		(void)fprintf(stderr, "usage: manycalls CALLER TO CALLED "
				      "PREFIX CALLS RATE LENGTH_MS [FILE]\n");
		return 2;
	}
	err = ends_open(&ends, argv);
	if (!err && argc == 9)
		err = sound_open(&ends, argv[8]);
	if (err) {
		(void)fprintf(stderr, "manycalls: %s\n", strerror(err));
		return 1;
	}

	ends.start_us = now_us();
	/* A last while for copies, then for what never ends. */
	while (!end_us || now_us() < end_us) {
		struct pollfd polls[2] = {
			{ .fd = ends.fds[0], .events = POLLIN },
			{ .fd = ends.fds[1], .events = POLLIN },
		};

		await(&ends, polls);
		for (int side = 0; side < 2; ++side)
			if (polls[side].revents)
				take(&ends, side);
		if (!end_us && ends.over + ends.unplaced == 2 * ends.callc)
			end_us = now_us() + 2000000;
		if (!end_us && ends.begun == ends.callc &&
		    now_us() > load_end_us(&ends) + 2 * (int64_t)HANG_US)
			end_us = now_us();
	}

	if (ends.file)
		tell_calls(&ends);

	return tell(&ends);
}
