/**
 * @file mediad/pkt.c  Heads of RTP and RTCP
 */
#include <errno.h>

#include "mediad/pkt.h"

enum {
	VERSION = 2,
	RTCP_HEAD = 8,
	RTCP_FIRST = 192, /* RFC 5761, 4: what a type of RTCP can be */
	RTCP_LAST = 223,
	RTCP_SR = 200,
	RTCP_RR = 201,
	SR_BLOCKS = 28, /* bytes before the report blocks */
	RR_BLOCKS = 8,
	BLOCK = 24,
};


static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}


static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}


static void put16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}


int pkt_parse(struct pkt_head *head, const uint8_t *data, size_t len)
{
	if (len < PKT_HEAD || data[0] >> 6 != VERSION)
		return EBADMSG;

	head->type = data[1] & 0x7f;
	head->marker = data[1] >> 7;
	head->seq = get16(data + 2);
	head->time = get32(data + 4);
	head->ssrc = get32(data + 8);

	return 0;
}


void pkt_print(uint8_t *data, const struct pkt_head *head)
{
	data[0] = VERSION << 6;
	data[1] = (uint8_t)(head->marker << 7 | (head->type & 0x7f));
	put16(data + 2, head->seq);
	put16(data + 4, (uint16_t)(head->time >> 16));
	put16(data + 6, (uint16_t)head->time);
	put16(data + 8, (uint16_t)(head->ssrc >> 16));
	put16(data + 10, (uint16_t)head->ssrc);
}


int pkt_payload(const uint8_t *data, size_t len, const uint8_t **payloadp,
		size_t *lenp)
{
	size_t from = PKT_HEAD, padding = 0;

	if (len < PKT_HEAD)
		return EBADMSG;
	from += (size_t)4 * (data[0] & 0x0f);
	if (data[0] & 0x10) {
		if (len < from + 4)
			return EBADMSG;
		from += 4 + 4u * get16(data + from + 2);
	}
	if (data[0] & 0x20) {
		padding = data[len - 1];
		if (padding == 0)
			return EBADMSG;
	}
	if (from + padding > len)
		return EBADMSG;

	*payloadp = data + from;
	*lenp = len - from - padding;

	return 0;
}


/* The first block alone: a stream of a call has one source. */
static void take_block(struct pkt_reports *reports, const uint8_t *part,
		       size_t len, size_t blocks)
{
	if ((part[0] & 0x1f) == 0 || len < blocks + BLOCK)
		return;

	reports->echoed = get32(part + blocks + 16);
	reports->held = get32(part + blocks + 20);
	reports->has_echo = reports->echoed != 0;
}


int pkt_rtcp_parse(struct pkt_reports *reports, const uint8_t *data,
		   size_t len)
{
	*reports = (struct pkt_reports){ .has_sender = false };
	if (len < RTCP_HEAD || data[0] >> 6 != VERSION ||
	    data[1] < RTCP_FIRST || data[1] > RTCP_LAST)
		return EBADMSG;

	/* What follows may be encrypted, or nonsense: it is read as far as it
	 * makes sense, and goes on as it came. */
	while (len >= RTCP_HEAD && data[0] >> 6 == VERSION) {
		const size_t part = (size_t)4 * (get16(data + 2) + 1u);

		if (part > len)
			break;
		if (data[1] == RTCP_SR && part >= SR_BLOCKS) {
			reports->has_sender = true;
			reports->sent = get32(data + 10);
			take_block(reports, data, part, SR_BLOCKS);
		}
		else if (data[1] == RTCP_RR) {
			take_block(reports, data, part, RR_BLOCKS);
		}
		data += part;
		len -= part;
	}

	return 0;
}
