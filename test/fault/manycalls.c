/**
 * @file test/fault/manycalls.c  Both ends of many calls, over a bad line
 *
 * manycalls CALLER TO CALLED PREFIX CALLS RATE LENGTH_MS
 *
 * CALLER and CALLED are the two ends' own IPv4 address:port; all that the
 * caller says goes to TO. Call n is for PREFIX and seven digits of n; odd ones
 * are ended by the called side. Each end sends again what is not answered, as
 * RFC 3261 has it, and knows of every call what became of it. When all are
 * over it writes one line of figures.
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

enum {
	BYTES_MAX = 8192,
	BUFFER = 8 << 20,
	T1_US = 500000,
	T2_US = 4000000,
	LINGER_US = 35000000, /**< Copies of it may come so long */
	HANG_US = 90000000,   /**< An end that hears nothing so long */
	RING_US = 50000,
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
	uint8_t invites; /**< Called: different ones */
	uint8_t answers; /**< Outcomes that came */
	char *said;      /**< What is sent again */
	char *ack;       /**< Caller: of the 200 */
	char *bye;       /**< What will be said */
	char *id;        /**< Called: Call-ID of the first INVITE */
};

struct entry {
	int64_t due_us;
	uint32_t half;
};

struct ends {
	int fds[2];
	struct sockaddr_in own[2], to[2]; /**< Called: who sent last */
	char names[2][32];
	const char *prefix;
	uint32_t callc, begun, over;
	unsigned rate;
	int64_t length_us, start_us;
	struct half *halves; /**< Caller of n at 2n, called at 2n + 1 */
	struct entry *heap;
	size_t heapc, heap_size;
	uint64_t copies, odd;
};


static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* --- what is due ---------------------------------------------------------- */

static void heap_add(struct ends *e, int64_t due_us, uint32_t half)
{
	size_t i = e->heapc++;

	if (e->heapc > e->heap_size) {
		e->heap_size = e->heap_size ? e->heap_size * 2 : 65536;
		e->heap = realloc(e->heap, e->heap_size * sizeof(*e->heap));
		if (!e->heap)
			abort();
	}
	for (; i && e->heap[(i - 1) / 2].due_us > due_us; i = (i - 1) / 2)
		e->heap[i] = e->heap[(i - 1) / 2];
	e->heap[i] = (struct entry){ due_us, half };
}


static struct entry heap_take(struct ends *e)
{
	const struct entry first = e->heap[0], last = e->heap[--e->heapc];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < e->heapc; i = child) {
		if (child + 1 < e->heapc &&
		    e->heap[child + 1].due_us < e->heap[child].due_us)
			++child;
		if (e->heap[child].due_us >= last.due_us)
			break;
		e->heap[i] = e->heap[child];
	}
	e->heap[i] = last;

	return first;
}


static void due(struct ends *e, struct half *h, int64_t in_us)
{
	h->due_us = now_us() + in_us;
	heap_add(e, h->due_us, (uint32_t)(h - e->halves));
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


static void over(struct ends *e, struct half *h, enum outcome outcome)
{
	h->answers++;
	if (h->outcome != NONE)
		return;
	h->outcome = (uint8_t)outcome;
	h->state = OVER;
	e->over++;
	drop(&h->said);
	due(e, h, LINGER_US);
}


/* --- reading -------------------------------------------------------------- */

/* The value of a header field, to the end of its line; len 0: none */
static const char *head(const char *m, const char *name, size_t *lenp)
{
	const size_t n = strlen(name);

	*lenp = 0;
	for (m = strstr(m, "\r\n"); m && m[2] != '\r';
	     m = strstr(m + 2, "\r\n")) {
		const char *end = strstr(m + 2, "\r\n");

		if (!end)
			return NULL;
		if (strncasecmp(m + 2, name, n) != 0 || m[2 + n] != ':')
			continue;
		m += 3 + n;
		m += strspn(m, " ");
		*lenp = (size_t)(end - m);
		return m;
	}

	return NULL;
}


/* A number behind a mark in the value of a header field; UINT32_MAX: none */
static uint32_t number(const char *m, const char *name, const char *mark)
{
	size_t len;
	const char *p = head(m, name, &len), *at;

	if (!p)
		return UINT32_MAX;
	at = strstr(p, mark);
	if (!at || at >= p + len)
		return UINT32_MAX;

	return (uint32_t)strtoul(at + strlen(mark), NULL, 10);
}


/* sip:...> of Contact */
static void target(const char *m, char *dst, size_t size)
{
	size_t len;
	const char *p = head(m, "Contact", &len), *end;

	dst[0] = '\0';
	p = p ? strstr(p, "sip:") : NULL;
	end = p ? strpbrk(p, ">\r") : NULL;
	if (end && (size_t)(end - p) < size)
		(void)snprintf(dst, size, "%.*s", (int)(end - p), p);
}


/* A response: what it takes over from the request, and more. */
static void respond(char *dst, const char *m, const char *first,
		    const char *tag, const char *more)
{
	static const char *const names[] = { "Via", "From", "To", "Call-ID",
					     "CSeq" };
	size_t n = (size_t)snprintf(dst, BYTES_MAX, "SIP/2.0 %s\r\n", first);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
		size_t len;
		const char *p = head(m, names[i], &len);

		if (!p || n + len > BYTES_MAX - 1024)
			continue;
		n += (size_t)snprintf(dst + n, BYTES_MAX - n, "%s: %.*s%s\r\n",
				      names[i], (int)len, p,
				      i == 2 ? tag : "");
	}
	(void)snprintf(dst + n, BYTES_MAX - n, "%s",
		       more ? more : "Content-Length: 0\r\n\r\n");
}


static void put_sdp(char *dst, size_t size, const char *contact,
		    const char *address)
{
	char body[256];
	const int len = snprintf(body, sizeof(body),
				 "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\n"
				 "c=IN IP4 %s\r\nt=0 0\r\n"
				 "m=audio 6000 RTP/AVP 0\r\n"
				 "a=rtpmap:0 PCMU/8000\r\n",
				 address, address);

	(void)snprintf(dst, size,
		       "Contact: <sip:%s>\r\nContent-Type: application/sdp\r\n"
		       "Content-Length: %d\r\n\r\n%s",
		       contact, len, body);
}


/* --- the caller ----------------------------------------------------------- */

static void call(struct ends *e, uint32_t n)
{
	struct half *h = &e->halves[2 * (size_t)n];
	char sdp[512], text[BYTES_MAX];

	put_sdp(sdp, sizeof(sdp), e->names[0], "192.0.2.98");
	(void)snprintf(text, sizeof(text),
		       "INVITE sip:%s%07u@%s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bKai%u;rport\r\n"
		       "From: <sip:8801711000000@%s>;tag=a%u\r\n"
		       "To: <sip:%s%07u@%s>\r\nCall-ID: call%u@many\r\n"
		       "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n%s",
		       e->prefix, n, e->names[0], e->names[0], n, e->names[0],
		       n, e->prefix, n, e->names[0], n, sdp);
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
	const char *to = head(m, "To", &tol);

	(void)snprintf(dst, BYTES_MAX,
		       "%s %s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s%u;rport\r\n"
		       "From: <sip:8801711000000@%s>;tag=a%u\r\n"
		       "To: %.*s\r\nCall-ID: call%u@many\r\nCSeq: %u %s\r\n"
		       "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		       kind->method, uri, e->names[0], kind->branch, n,
		       e->names[0], n, (int)tol, to ? to : "", n, kind->cseq,
		       kind->method);
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
		return;
	}

	target(m, uri, sizeof(uri));
	put_request(text, e, n, m, uri, &ack_answer);
	set(&h->ack, text);
	say(e, 0, text);
	put_request(text, e, n, m, uri, &bye);
	set(&h->bye, text);
	drop(&h->said);
	h->state = TALKING;
	due(e, h, n % 2 ? HANG_US : e->length_us);
}


static void caller_heard(struct ends *e, const char *m, unsigned code)
{
	const uint32_t n = number(m, "Call-ID", "call");
	size_t len;
	const char *cseq = head(m, "CSeq", &len);
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
	const char *to = head(m, "To", &tol), *from = head(m, "From", &froml);
	const char *id = head(m, "Call-ID", &idl);

	(void)snprintf(tag, sizeof(tag), ";tag=b%u", n);
	(void)snprintf(more, sizeof(more),
		       "Contact: <sip:%s>\r\n"
		       "Content-Length: 0\r\n\r\n",
		       e->names[1]);
	respond(text, m, "180 Ringing", tag, more);
	say(e, 1, text);

	put_sdp(more, sizeof(more), e->names[1], "192.0.2.97");
	respond(text, m, "200 OK", tag, more);
	set(&h->said, text);

	target(m, uri, sizeof(uri));
	(void)snprintf(text, sizeof(text),
		       "BYE %s SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP %s;branch=z9hG4bKbb%u;rport\r\n"
		       "From: %.*s;tag=b%u\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		       "CSeq: 1 BYE\r\nMax-Forwards: 70\r\n"
		       "Content-Length: 0\r\n\r\n",
		       uri, e->names[1], n, (int)tol, to, n, (int)froml, from,
		       (int)idl, id);
	set(&h->bye, text);
	h->id = strndup(id, idl);
	h->invites = 1;
	h->state = RINGING;
	h->give_up_us = now_us() + HANG_US;
	due(e, h, RING_US);
}


static void invited(struct ends *e, const char *m)
{
	const size_t prefixl = strlen(e->prefix);
	const char *user = m + strlen("INVITE sip:");
	size_t idl;
	const char *id = head(m, "Call-ID", &idl);
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
	due(e, h, n % 2 ? e->length_us : HANG_US);
}


static void ended(struct ends *e, int side, const char *m)
{
	const uint32_t n = number(m, "To", side ? ";tag=b" : ";tag=a");
	char text[BYTES_MAX];
	struct half *h;

	respond(text, m, "200 OK", "", NULL);
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
	const uint32_t n = number(m, "To", e->prefix);
	char text[BYTES_MAX];

	respond(text, m, "200 OK", "", NULL);
	say(e, 1, text);
	if (n < e->callc && e->halves[2 * (size_t)n + 1].outcome == NONE)
		over(e, &e->halves[2 * (size_t)n + 1], REFUSED);
}


static void called_heard(struct ends *e, const char *m, unsigned code)
{
	const uint32_t n = number(m, "From", ";tag=b");

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
		acked(e, number(m, "To", ";tag=b"));
	else if (strncmp(m, "BYE ", 4) == 0)
		ended(e, side, m);
	else if (side && strncmp(m, "CANCEL ", 7) == 0)
		cancelled(e, m);
	else {
		e->odd++;
		respond(text, m, "200 OK", "", NULL);
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
	while (e->heapc && e->heap[0].due_us <= now) {
		const struct entry entry = heap_take(e);

		if (e->halves[entry.half].due_us == entry.due_us)
			act(e, &e->halves[entry.half]);
	}
	if (e->heapc && e->heap[0].due_us < next)
		next = e->heap[0].due_us;
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
	callc = strtoul(argv[5], NULL, 10);
	e->rate = (unsigned)strtoul(argv[6], NULL, 10);
	e->length_us = (int64_t)strtoul(argv[7], NULL, 10) * 1000;
	if (!callc || callc > CALLS_MAX || !e->rate)
		return EINVAL;
	e->callc = (uint32_t)callc;
	e->halves = calloc(2 * callc, sizeof(*e->halves));

	return e->halves ? 0 : ENOMEM;
}


static int tell(const struct ends *e)
{
	uint32_t outcomes[2][OUTCOMEC] = { { 0 } }, twice = 0;

	for (size_t i = 0; i < 2 * (size_t)e->callc; ++i) {
		outcomes[i % 2][e->halves[i].outcome]++;
		twice += e->halves[i].invites > 1;
	}
	(void)printf("begun=%u a_ended=%u a_refused=%u a_hung=%u a_none=%u "
		     "b_ended=%u b_refused=%u b_hung=%u b_none=%u twice=%u "
		     "copies=%llu odd=%llu\n",
		     e->begun, outcomes[0][ENDED], outcomes[0][REFUSED],
		     outcomes[0][HUNG], outcomes[0][NONE], outcomes[1][ENDED],
		     outcomes[1][REFUSED], outcomes[1][HUNG],
		     outcomes[1][NONE], twice, (unsigned long long)e->copies,
		     (unsigned long long)e->odd);

	return fflush(stdout) ? 1 : 0;
}


int main(int argc, char *argv[])
{
	static struct ends ends;
	int64_t end_us = 0;
	int err;

	if (argc != 8) {
		(void)fprintf(stderr, "usage: manycalls CALLER TO CALLED "
				      "PREFIX CALLS RATE LENGTH_MS\n");
		return 2;
	}
	err = ends_open(&ends, argv);
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

		(void)poll(polls, 2, work(&ends));
		for (int side = 0; side < 2; ++side)
			if (polls[side].revents)
				take(&ends, side);
		if (!end_us && ends.over == 2 * ends.callc)
			end_us = now_us() + 2000000;
		if (!end_us && ends.begun == ends.callc &&
		    now_us() >
			    ends.start_us +
				    (int64_t)ends.callc * 1000000 / ends.rate +
				    2 * (int64_t)HANG_US)
			end_us = now_us();
	}

	return tell(&ends);
}
