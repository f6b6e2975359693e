/**
 * @file test/bench/rtpload.h  What the parts of rtpload share
 */
#ifndef TANDEM_TEST_BENCH_RTPLOAD_H
#define TANDEM_TEST_BENCH_RTPLOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

enum {
	ENDS_MAX = 8192,
	WINDOWS_MAX = 512,
	SPRAYS_MAX = 8,
	TARGETS_MAX = 2 * ENDS_MAX,

	HEADER_BYTES = 12,
	PACKET_BYTES = 172, /**< 20 ms of G.711 */
	LATENCY_STEP_US = 5,
	LATENCY_STEPS = 4000, /**< Up to 20 ms; then a millisecond each */
	LATENCY_MORE = 1000,
	SEEN_BITS = 64,
	LINE_SIZE = 1 << 17,
};

/** What a packet says of itself, behind the RTP header */
struct stamp {
	uint32_t magic;
	uint32_t end; /**< That sent it */
	uint64_t number;
	int64_t sent_ns; /**< CLOCK_REALTIME: as the kernel stamps arrivals */
	int64_t gap_ns;  /**< Since the one before it was sent */
};

/** Between two marks */
struct window {
	uint64_t received;
	int64_t lost; /**< Missing when a later one came, late ones taken off */
	uint64_t doubled;
	int64_t hole_ns; /**< Worst: arrivals apart, less what they were apart
			  *   when they were sent */
	int64_t gap_ns;  /**< Worst: arrivals apart */
};

struct stats {
	struct window windows[WINDOWS_MAX];
	size_t windowc;
	uint64_t latency[LATENCY_STEPS + LATENCY_MORE];
	uint64_t latencyc;
	int64_t latency_worst_ns;
	uint64_t strange; /**< Not from the other end of the pair */
	uint64_t foreign; /**< Of an attacker */
};

/** What one end has had from the other */
struct hearing {
	uint64_t first; /**< What was sent before is not looked at */
	uint64_t next;  /**< Number behind the highest */
	uint64_t seen;  /**< Bit n: next - 1 - n came */
	uint64_t unique, doubled, late;
	int64_t last_ns; /**< 0: nothing came yet */
};

/** A packet came; 0 ns: the kernel said no time */
void stats_heard(struct stats *stats, struct hearing *h,
		 const struct stamp *stamp, int64_t arrived_ns);
int64_t stats_latency_ns(const struct stats *stats, double quantile);
void stats_reset(struct stats *stats);
void stats_mark(struct stats *stats);
void stats_print(const struct stats *stats);

/** Ports that are sprayed from addresses that have no business there */
struct spray {
	int fd;
	struct sockaddr_in targets[TARGETS_MAX];
	uint32_t ends[TARGETS_MAX]; /**< Whose stream is imitated */
	size_t targetc, next;
	double rate;      /**< Packets a second */
	bool is_guessing; /**< SSRC, number and payload type are right */
	bool is_running;
	int64_t begun_ns;
	uint64_t sent, back;
};

struct end {
	int fd;
	bool is_pointed, is_mute;
	uint32_t ssrc;
	uint64_t sent, skipped;
	uint64_t first; /**< Of those that are counted */
	int64_t last_sent_ns;
	struct hearing hearing;
};

struct load {
	struct end ends[ENDS_MAX];
	size_t endc;
	size_t next; /**< End whose turn it is */
	int64_t due_ns;
	int64_t step_ns; /**< Between two ends; 0: stopped */
	unsigned drop_every;
	uint64_t drops; /**< Packets of all ends, to be counted */
	struct stats stats;
	struct spray sprays[SPRAYS_MAX];
	size_t sprayc;
	uint64_t errors; /**< Of send() */
	char line[LINE_SIZE];
	size_t len;
	char *words; /**< Rest of the command */
	bool is_over;
};

int64_t now_ns(clockid_t id);
bool address_parse(struct sockaddr_in *sin, const char *host,
		   const char *port);
/** Not connected, with the kernel's times; -1: errno */
int socket_open(const struct sockaddr_in *own, uint16_t *portp);
void end_send(struct load *load, size_t i);
void end_read(struct load *load, size_t i);
void spray_turn(struct load *load, struct spray *spray);

#endif
