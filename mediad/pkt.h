/**
 * @file mediad/pkt.h  Heads of RTP and RTCP
 *
 * RFC 3550, 5.1 and 6. Only what a relay must know; nothing is believed that
 * lies outside of the bytes that came. Pure.
 */
#ifndef TANDEM_MEDIAD_PKT_H
#define TANDEM_MEDIAD_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PKT_HEAD = 12, /**< Bytes of the fixed head of RTP */
	PKT_MAX = 2048,
};

struct pkt_head {
	uint8_t type; /**< Payload type */
	bool marker;
	uint16_t seq;
	uint32_t time;
	uint32_t ssrc;
};

/** @return 0, EBADMSG: it is no RTP */
int pkt_parse(struct pkt_head *head, const uint8_t *data, size_t len);

/** Where the payload is, behind contributing sources and extension, without
 *  padding. @return 0, EBADMSG */
int pkt_payload(const uint8_t *data, size_t len, const uint8_t **payloadp,
		size_t *lenp);

/** Write a head without anything optional: PKT_HEAD bytes */
void pkt_print(uint8_t *data, const struct pkt_head *head);

/** What a compound of RTCP says of delay */
struct pkt_reports {
	bool has_sender; /**< A sender report, and ... */
	uint32_t sent;   /**< ... the middle of its NTP time */
	bool has_echo;   /**< A report of what was received ... */
	uint32_t echoed; /**< ... LSR of it, and ... */
	uint32_t held;   /**< ... DLSR: 1/65536 s since then */
};

/** @return 0, EBADMSG: it is no RTCP */
int pkt_rtcp_parse(struct pkt_reports *reports, const uint8_t *data,
		   size_t len);

#endif
