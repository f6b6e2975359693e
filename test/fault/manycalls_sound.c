/**
 * @file test/fault/manycalls_sound.c  What both ends of many calls hear
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/fault/manycalls_sound.h"

#define NS_PER_S INT64_C(1000000000)
#define STEP_NS  INT64_C(20000000)

enum {
	TICKS = 80, /**< Of one step: 250 us */
	TICK_NS = STEP_NS / TICKS,
	PACKET_BYTES = 172,
	HEADER_BYTES = 12,
	TIMESTAMP_STEP = 160,
	MAGIC = 0x52545033,
	BATCH = 8,
	READ_EVERY = 2, /**< Packets sent between two looks at a socket */
	BUFFER = 1 << 18,
	NOBODYS_PORT = 6000,
	TOLD_NS = 10000000,       /**< A hole worth a line */
	SLOW_NS = 500000,         /**< From looking at the clock to sent */
	TAIL_NS = 3 * STEP_NS,    /**< Silence before the end that is none */
	ONE_SIDED_NS = 500000000, /**< A call so short may be */
};

/** What a packet says of itself, behind the RTP header */
struct stamp {
	uint32_t magic;
	uint32_t call;
	uint32_t side;
	uint32_t number;
	int64_t sent_ns; /**< CLOCK_REALTIME, as the kernel stamps arrivals */
	int64_t gap_ns;  /**< Since the one before it was sent */
};

struct mouth {
	int fd;
	uint16_t port;
	bool is_pointed;
	struct sockaddr_in to;
	uint32_t sent;
	int64_t began_ns, last_sent_ns;
	/* The last one that was long on its way out, and how long */
	uint32_t slow;
	int64_t slow_ns;
	/* What it hears of the other */
	uint32_t next;    /**< Number behind the highest */
	int64_t heard_ns; /**< When; 0: nothing came yet */
};

struct pair {
	uint32_t call; /**< UINT32_MAX: free */
	struct mouth mouths[2];
};

/** Of a second */
struct totals {
	uint64_t sent, received, doubled, strange, errors;
	int64_t lost;       /**< Between the first and the last that came */
	uint64_t one_sided; /**< An end that never heard anything */
	int64_t hole_ns;    /**< The longest */
	int64_t late_ns;    /**< We ourselves, at most */
};

struct sound {
	struct pair *pairs;
	uint32_t pairc, next;
	uint32_t *pair_of; /**< By call, and 1; 0: none */
	int64_t due_ns;    /**< CLOCK_MONOTONIC */
	unsigned tick;
	FILE *file;
	struct totals totals;
	int64_t told_ns;
};


static int64_t now_ns(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);

	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}


static int mouth_open(struct mouth *mouth, const char *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	socklen_t len = sizeof(own);
	const int on = 1, buffer = BUFFER;

	if (inet_pton(AF_INET, address, &own.sin_addr) != 1)
		return EINVAL;
	mouth->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   0);
	if (mouth->fd < 0)
		return errno;
	(void)setsockopt(mouth->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on,
			 sizeof(on));
	(void)setsockopt(mouth->fd, SOL_SOCKET, SO_RCVBUF, &buffer,
			 sizeof(buffer));
	if (bind(mouth->fd, (const struct sockaddr *)&own, sizeof(own)) ||
	    getsockname(mouth->fd, (struct sockaddr *)&own, &len))
		return errno;
	mouth->port = ntohs(own.sin_port);

	return 0;
}


struct sound *sound_alloc(const char *a, const char *b, uint32_t calls,
			  FILE *file)
{
	enum {
		PAIRS = 1500,
	};
	const struct rlimit files = { 8192, 8192 };
	struct sound *sound = calloc(1, sizeof(*sound));

	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
	if (!sound)
		return NULL;
	sound->file = file;
	sound->pairs = calloc(PAIRS, sizeof(*sound->pairs));
	sound->pair_of = calloc(calls, sizeof(*sound->pair_of));
	for (; sound->pairs && sound->pair_of && sound->pairc < PAIRS;
	     sound->pairc++) {
		struct pair *pair = &sound->pairs[sound->pairc];

		pair->call = UINT32_MAX;
		if (mouth_open(&pair->mouths[0], a) ||
		    mouth_open(&pair->mouths[1], b))
			break;
	}
	sound->due_ns = now_ns(CLOCK_MONOTONIC);

	if (sound->pairc == PAIRS)
		return sound;
	free(sound->pairs);
	free(sound->pair_of);
	free(sound);

	return NULL;
}


/* --- places --------------------------------------------------------------- */

static struct pair *pair_find(const struct sound *sound, uint32_t n)
{
	return sound && sound->pair_of[n]
		       ? &sound->pairs[sound->pair_of[n] - 1]
		       : NULL;
}


/* In turn, so that what is on its way to one that ended comes to nobody new */
static struct pair *pair_take(struct sound *sound, uint32_t n)
{
	for (uint32_t i = 0; i < sound->pairc; i++) {
		struct pair *pair = &sound->pairs[sound->next];

		sound->next = (sound->next + 1) % sound->pairc;
		if (pair->call != UINT32_MAX)
			continue;
		pair->call = n;
		for (int side = 0; side < 2; side++) {
			struct mouth *mouth = &pair->mouths[side];

			*mouth = (struct mouth){ .fd = mouth->fd,
						 .port = mouth->port };
		}
		sound->pair_of[n] = (uint32_t)(pair - sound->pairs) + 1;
		return pair;
	}

	return NULL;
}


const char *sound_address(int side)
{
	return side ? "10.0.0.6" : "10.0.0.5";
}


uint16_t sound_port(struct sound *sound, uint32_t n, int side)
{
	const struct pair *pair = pair_find(sound, n);

	if (!pair && sound && side == 0)
		pair = pair_take(sound, n);

	return pair ? pair->mouths[side].port : NOBODYS_PORT;
}


void sound_point(struct sound *sound, uint32_t n, int side, const char *sdp)
{
	struct pair *pair = pair_find(sound, n);
	const char *c = pair ? strstr(sdp, "\r\nc=IN IP4 ") : NULL;
	const char *m = c ? strstr(sdp, "\r\nm=audio ") : NULL;
	char host[INET_ADDRSTRLEN] = "";
	struct mouth *mouth;

	if (!m || sscanf(c + 11, "%15[0-9.]", host) != 1)
		return;
	mouth = &pair->mouths[side];
	mouth->to = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(m + 10, NULL, 10)),
	};
	mouth->is_pointed = inet_pton(AF_INET, host, &mouth->to.sin_addr) == 1;
}


void sound_speak(struct sound *sound, uint32_t n, int side)
{
	struct pair *pair = pair_find(sound, n);
	struct mouth *mouth = pair ? &pair->mouths[side] : NULL;

	if (mouth && mouth->is_pointed && !mouth->began_ns)
		mouth->began_ns = now_ns(CLOCK_REALTIME);
}


/* --- hearing -------------------------------------------------------------- */

static void hole(struct sound *sound, uint32_t call, int side, int64_t ns,
		 int64_t at_ns)
{
	if (ns > sound->totals.hole_ns)
		sound->totals.hole_ns = ns;
	if (ns >= TOLD_NS)
		(void)fprintf(sound->file, "hole %.6f %.3f %" PRIu32 " %d\n",
			      (double)at_ns / 1e9, (double)ns / 1e6, call,
			      side);
}


static void heard(struct sound *sound, struct pair *pair, int side,
		  const uint8_t *data, size_t len, int64_t at_ns)
{
	struct mouth *mouth = &pair->mouths[side];
	const struct mouth *other = &pair->mouths[side ^ 1];
	struct stamp stamp;

	if (len != PACKET_BYTES) {
		sound->totals.strange++;
		return;
	}
	memcpy(&stamp, data + HEADER_BYTES, sizeof(stamp));
	if (stamp.magic != MAGIC || stamp.call != pair->call ||
	    stamp.side != (side ^ 1u)) {
		/* What was under way when the call before ended is no harm. */
		sound->totals.strange += stamp.magic != MAGIC ||
					 stamp.call > pair->call;
		return;
	}
	sound->totals.received++;
	if (mouth->heard_ns && stamp.number < mouth->next) {
		sound->totals.doubled++;
		return;
	}
	if (mouth->heard_ns) {
		sound->totals.lost += stamp.number - mouth->next;
		if (other->slow_ns && stamp.number == other->slow)
			stamp.gap_ns += other->slow_ns;
		hole(sound, pair->call, side,
		     at_ns - mouth->heard_ns - stamp.gap_ns, mouth->heard_ns);
	}
	mouth->next = stamp.number + 1;
	mouth->heard_ns = at_ns;
}


static int64_t arrival_ns(struct msghdr *hdr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c;
	     c = CMSG_NXTHDR(hdr, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
	}

	return now_ns(CLOCK_REALTIME);
}


static void mouth_read(struct sound *sound, struct pair *pair, int side)
{
	static uint8_t data[BATCH][PACKET_BYTES + 1];
	static char controls[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct mmsghdr headers[BATCH];
	struct iovec iov[BATCH];
	int n;

	do {
		memset(headers, 0, sizeof(headers));
		for (size_t k = 0; k < BATCH; k++) {
			struct msghdr *hdr = &headers[k].msg_hdr;

			iov[k] = (struct iovec){ data[k], sizeof(data[k]) };
			hdr->msg_iov = &iov[k];
			hdr->msg_iovlen = 1;
			hdr->msg_control = controls[k];
			hdr->msg_controllen = sizeof(controls[k]);
		}
		n = recvmmsg(pair->mouths[side].fd, headers, BATCH,
			     MSG_DONTWAIT, NULL);
		for (int k = 0; k < n; k++)
			heard(sound, pair, side, data[k], headers[k].msg_len,
			      arrival_ns(&headers[k].msg_hdr));
	} while (n == BATCH || (n < 0 && errno == ECONNREFUSED));
}


/* --- speaking ------------------------------------------------------------- */

static void late(struct sound *sound, int64_t ns)
{
	if (ns > sound->totals.late_ns)
		sound->totals.late_ns = ns;
}


/* We may have been kept from our processor between the clock and the wire:
 * that is no hole of the other's. */
static void slow(struct sound *sound, struct mouth *mouth, uint32_t number,
		 int64_t ns)
{
	if (ns < SLOW_NS)
		return;
	mouth->slow = number;
	mouth->slow_ns = ns;
	late(sound, ns);
}


static void speak(struct sound *sound, struct pair *pair, int side)
{
	struct mouth *mouth = &pair->mouths[side];
	uint8_t packet[PACKET_BYTES];
	const int64_t now = now_ns(CLOCK_REALTIME);
	const uint16_t sequence = htons((uint16_t)mouth->sent);
	const uint32_t timestamp = htonl(mouth->sent * TIMESTAMP_STEP);
	const uint32_t source = htonl(pair->call * 2 + (uint32_t)side + 1);
	const struct stamp stamp = {
		.magic = MAGIC,
		.call = pair->call,
		.side = (uint32_t)side,
		.number = mouth->sent++,
		.sent_ns = now,
		.gap_ns = mouth->last_sent_ns ? now - mouth->last_sent_ns : 0,
	};

	mouth->last_sent_ns = now;
	memset(packet, 0xd5, sizeof(packet));
	packet[0] = 0x80;
	packet[1] = 0; /* PCMU */
	memcpy(packet + 2, &sequence, sizeof(sequence));
	memcpy(packet + 4, &timestamp, sizeof(timestamp));
	memcpy(packet + 8, &source, sizeof(source));
	memcpy(packet + HEADER_BYTES, &stamp, sizeof(stamp));
	sound->totals.sent++;
	if (sendto(mouth->fd, packet, sizeof(packet), 0,
		   (const struct sockaddr *)&mouth->to, sizeof(mouth->to)) < 0)
		sound->totals.errors++;
	slow(sound, mouth, stamp.number, now_ns(CLOCK_REALTIME) - now);
}


/* Silent at the end is a hole, too; and who was never heard is told. */
static void last_words(struct sound *sound, struct pair *pair, int side)
{
	const struct mouth *mouth = &pair->mouths[side];
	const struct mouth *other = &pair->mouths[side ^ 1];
	const int64_t now = now_ns(CLOCK_REALTIME);

	mouth_read(sound, pair, side);
	if (!other->began_ns)
		return;
	if (!mouth->heard_ns) {
		if (now - other->began_ns < ONE_SIDED_NS)
			return;
		sound->totals.one_sided++;
		(void)fprintf(sound->file, "deaf %.6f %" PRIu32 " %d\n",
			      (double)now / 1e9, pair->call, side);
	}
	else if (other->last_sent_ns - mouth->heard_ns > TAIL_NS) {
		hole(sound, pair->call, side,
		     other->last_sent_ns - mouth->heard_ns - STEP_NS,
		     mouth->heard_ns);
	}
}


void sound_stop(struct sound *sound, uint32_t n)
{
	struct pair *pair = pair_find(sound, n);

	if (!pair)
		return;
	for (int side = 0; side < 2; side++)
		last_words(sound, pair, side);
	pair->call = UINT32_MAX;
	sound->pair_of[n] = 0;
}


static void tick(struct sound *sound)
{
	for (uint32_t i = sound->tick; i < sound->pairc; i += TICKS) {
		struct pair *pair = &sound->pairs[i];

		for (int side = 0; side < 2 && pair->call != UINT32_MAX;
		     side++) {
			struct mouth *mouth = &pair->mouths[side];

			if (mouth->began_ns)
				speak(sound, pair, side);
			if (mouth->sent % READ_EVERY == 0)
				mouth_read(sound, pair, side);
		}
	}
	sound->tick = (sound->tick + 1) % TICKS;
}


int64_t sound_turn(struct sound *sound)
{
	const int64_t now = now_ns(CLOCK_MONOTONIC);

	late(sound, now - sound->due_ns);
	for (int i = 0; i < TICKS && sound->due_ns <= now; i++) {
		tick(sound);
		sound->due_ns += TICK_NS;
	}
	if (sound->due_ns <= now) /* nobody catches up with so much */
		sound->due_ns = now + TICK_NS;

	return (sound->due_ns - now_ns(CLOCK_MONOTONIC)) / 1000;
}


void sound_tell(struct sound *sound, uint32_t begun, uint32_t up,
		uint32_t over)
{
	const int64_t now = now_ns(CLOCK_MONOTONIC);
	const struct totals *t = &sound->totals;

	if (now < sound->told_ns)
		return;
	sound->told_ns = now + NS_PER_S;
	(void)fprintf(sound->file,
		      "second %.3f %" PRIu32 " %" PRIu32 " %" PRIu32
		      " %" PRIu64 " %" PRIu64 " %" PRId64 " %.3f %.3f\n",
		      (double)now_ns(CLOCK_REALTIME) / 1e9, begun, up, over,
		      t->sent, t->received, t->lost, (double)t->hole_ns / 1e6,
		      (double)t->late_ns / 1e6);
	if (t->strange || t->doubled || t->errors)
		(void)fprintf(sound->file,
			      "odd %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
			      t->strange, t->doubled, t->errors);
	(void)fflush(sound->file);
	sound->totals = (struct totals){ 0 };
}
