/**
 * @file shared/media/media_slot.h  A session in shared memory
 *
 * Two segments with one slot per session and the same index in both:
 *
 *     media   who may send and where it goes: struct media_session, published
 *             through the two copies of a slot (shared/shm/slot.h) when sipd
 *             says something or a source is learned
 *     flows   what changes with every packet: struct media_flows, written in
 *             place, a word at a time. Each word stands for itself, so a kill
 *             in between costs at most the counting of one packet.
 *
 * Others may read both: media by slot_read(), flows by media_flow_read().
 */
#ifndef TANDEM_MEDIA_MEDIA_SLOT_H
#define TANDEM_MEDIA_MEDIA_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/util.h"
#include "shared/shm/slot.h"

#define MEDIA_MAGIC   0x4149444d /* "MDIA" */
#define MEDIA_VERSION 1
#define FLOWS_MAGIC   0x574f4c46 /* "FLOW" */
#define FLOWS_VERSION 1
#define RESTS_MAGIC   0x54534552 /* "REST" */
#define RESTS_VERSION 1
#define HELD_MAGIC    0x444c4548 /* "HELD" */
#define HELD_VERSION  1

enum {
	MEDIA_A,         /**< Index of side A; the others are attempts */
	MEDIA_SIDES = 3, /**< A, the B that is heard, and the one being set up
			  */
	MEDIA_LINES = 2, /**< Pairs of ports of a side */
	MEDIA_PAYLOADS = 16,
	MEDIA_GATEWAY_MAX = 64, /**< Bytes of a name */
	MEDIA_TYPEC = 128,      /**< Payload types there can be */
};

enum media_codec {
	MEDIA_OTHER,
	MEDIA_PCMU,
	MEDIA_PCMA,
	MEDIA_G729,
	MEDIA_G723,
	MEDIA_EVENT, /**< telephone-event */
	MEDIA_NOISE, /**< CN */
	MEDIA_CODECC
};

/** Field rtp_learning, in its order */
enum media_learning {
	LEARNING_AUTO,
	LEARNING_SDP,
	LEARNING_ANY,
	LEARNINGC
};

/** Field dtmf_mode, in its order */
enum media_dtmf {
	DTMF_TRANSPARENT,
	DTMF_RFC2833,
	DTMF_INFO,
	DTMF_INBAND,
	DTMF_MODEC
};

/** Who may send to a socket, and where it sends: mediad/latch.h */
struct media_latch {
	struct addr signalled; /**< Family 0: not known */
	struct addr learned;   /**< Family 0: nothing came yet */
	struct addr previous;  /**< Learned before the last SDP */
	int64_t since_us;      /**< The last SDP came, monotonic */
	uint8_t is_fixed;      /**< learned alone may send */
	uint8_t pad[7];
};

/** A pair of ports and what is on it */
struct media_line {
	struct media_latch rtp, rtcp;
	uint16_t port;    /**< Of RTP; RTCP is on the next one */
	uint8_t is_udptl; /**< T.38: what comes is not RTP */
	uint8_t pad[5];
};

struct media_payload {
	uint32_t clock; /**< Hz */
	uint8_t type;   /**< Below 128 */
	uint8_t codec;  /**< enum media_codec */
	uint8_t pad[2];
};

struct media_side {
	struct media_line lines[MEDIA_LINES];
	struct media_payload payloads[MEDIA_PAYLOADS]; /**< It may send */
	struct addr source;                            /**< Its SIP source */
	uint32_t number; /**< 0: A; others: attempts of B */
	uint32_t sdp;    /**< Which of its SDP is in force */
	uint8_t is_used;
	uint8_t is_pointed; /**< Its SDP has come */
	uint8_t linec;
	uint8_t payloadc; /**< 0: any */
	uint8_t direction;
	uint8_t is_nat;
	uint8_t learning; /**< enum media_learning */
	uint8_t is_sdp_first;
	uint8_t dtmf_mode; /**< enum media_dtmf */
	uint8_t event_payload;
	uint8_t is_secure;
	uint8_t ring_back;
	uint8_t pad[4];
	char gateway[MEDIA_GATEWAY_MAX];
};

struct media_session {
	uint64_t session;    /**< Id of the call's slot; never 0 */
	int64_t answered_us; /**< Monotonic; 0: not answered */
	uint32_t nomedia_s;  /**< 0: off */
	uint16_t sipd;       /**< Worker that asked last */
	uint8_t active;      /**< Side that A hears; 0: none */
	uint8_t is_nomedia_any;
	uint8_t lost; /**< No media: 1 a, 2 b, 3 both; stays until release */
	uint8_t pad[7];
	struct media_side sides[MEDIA_SIDES];
};

#define MEDIA_SLOT_SIZE SLOT_SIZE(sizeof(struct media_session))

/** Why an image cannot be trusted; NULL: it can. A slot_fault_h. */
const char *media_slot_fault(const void *image);

/** What was received from one side. A list of words, so that each can be kept
 *  by itself; mediad/flow_count.c says how they come about. */
struct media_flow {
	uint64_t packets; /**< Accepted: RTP and UDPTL */
	uint64_t bytes;
	int64_t last_us; /**< Of these, monotonic; 0: none */
	uint64_t foreign;
	uint64_t received;  /**< RTP, without duplicates */
	uint64_t expected;  /**< Of sequences that are over */
	uint64_t first_seq; /**< Extended; of the sequence that goes on */
	uint64_t last_seq;  /**< Highest, extended; 0: none */
	uint64_t seen;      /**< Bit n: last_seq - n has come */
	uint64_t out_of_order;
	uint64_t duplicates;
	uint64_t ssrc;
	uint64_t ssrc_changes;
	int64_t transit;    /**< Of the last packet, in ticks of its clock */
	uint64_t clock;     /**< Hz, of transit; 0: none */
	uint64_t jitter;    /**< RFC 3550, in 1/16 tick */
	uint64_t jitter_us; /**< Sum over jitterc packets */
	uint64_t jitterc;
	uint64_t jitter_max_us;
	uint64_t rtt_us; /**< 0: none */
	uint64_t codec;  /**< Of the last RTP that was no event and no noise */
	/* telephone-event: the digit that goes on or was the last */
	uint64_t event_time; /**< Its timestamp + 1; 0: none */
	uint64_t event_told; /**< It has been told */
	/* where a stream that we write into was, toward this side */
	uint64_t out; /**< shift << 32 | last sequence number << 16 | flags */
};

enum {
	MEDIA_FLOW_WORDS = sizeof(struct media_flow) / 8,
	/** Whole cache lines per session */
	FLOWS_SLOT_SIZE = (MEDIA_SIDES * sizeof(struct media_flow) + 63) / 64 *
			  64,
};

struct media_flows {
	_Atomic uint64_t words[MEDIA_SIDES][MEDIA_FLOW_WORDS];
};
BUILD_ASSERT(sizeof(struct media_flows) <= FLOWS_SLOT_SIZE);

/** For the writer alone */
void media_flow_write(struct media_flows *flows, unsigned side,
		      const struct media_flow *flow);
void media_flow_read(struct media_flow *flow, const struct media_flows *flows,
		     unsigned side);

/** When each pair of ports was given back, by its number / 2: nothing is heard
 *  by the next call that was sent to the one before. */
enum {
	RESTS_PER_SLOT = 8,
	RESTS_SLOT_SIZE = 64,
	RESTS_SLOTS = 65536 / 2 / RESTS_PER_SLOT,
};

struct media_rests {
	_Atomic int64_t given_us[RESTS_PER_SLOT]; /**< Monotonic; 0: never */
};
BUILD_ASSERT(sizeof(struct media_rests) == RESTS_SLOT_SIZE);

/** Packets that a worker has received and not sent yet: what dies with it goes
 *  out from its successor. mediad/held.h says how. */
enum {
	HELD_DATA = 2048,
	HELD_PER_WORKER = 16,
	HELD_SLOT_SIZE = 128 + HELD_DATA,
	HELD_SLOTS = 16 * HELD_PER_WORKER, /**< Of as many workers as can be */
};

struct media_held {
	_Atomic uint32_t state; /**< enum held_state; written last */
	uint32_t len;           /**< Of data */
	int64_t at_us;          /**< It was received, monotonic */
	uint16_t in, out; /**< Ports of ours: where it came, and leaves */
	uint8_t pad[4];
	struct addr from, to;
	uint8_t pad2[128 - 24 - 2 * sizeof(struct addr)];
	uint8_t data[HELD_DATA];
};
BUILD_ASSERT(sizeof(struct media_held) == HELD_SLOT_SIZE);

#endif
