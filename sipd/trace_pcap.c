/**
 * @file sipd/trace_pcap.c  A file for Wireshark
 *
 * The format of libpcap 2.4, microseconds, with raw IP packets. What was kept
 * are messages, not packets: each is put into a UDP datagram between the ends
 * it travelled, whatever carried it, so that every message can be opened on
 * its own. One too long for a datagram is cut.
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/trace_parts.h"

enum {
	PCAP_RAW = 101, /* LINKTYPE_RAW */
	SNAP = 65535,
	IP4 = 20,
	IP6 = 40,
	UDP = 8,
	HOPS = 64,
	PROTO_UDP = 17,
};
BUILD_ASSERT(TRACE_PCAP_RECORD == 16 + IP6 + UDP);


/* The file's numbers: little endian, as its magic says */
static uint8_t *put_le(uint8_t *p, uint32_t v, unsigned bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		*p++ = (uint8_t)v;

	return p;
}


static uint8_t *put_be16(uint8_t *p, uint32_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;

	return p;
}


static uint8_t *put_bytes(uint8_t *p, const void *data, size_t len)
{
	memcpy(p, data, len);

	return p + len;
}


void trace_pcap_head(uint8_t dst[TRACE_PCAP_HEAD])
{
	uint8_t *p = put_le(dst, 0xa1b2c3d4, 4);

	p = put_le(p, 2, 2);
	p = put_le(p, 4, 2);
	p = put_le(p, 0, 4);
	p = put_le(p, 0, 4);
	p = put_le(p, SNAP, 4);
	(void)put_le(p, PCAP_RAW, 4);
}


/* RFC 1071: 16-bit words, as if a zero followed an odd byte */
static uint32_t sum(uint32_t s, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s += (uint32_t)data[i] << (i % 2 ? 0 : 8);
		s = (s & 0xffff) + (s >> 16);
	}

	return s;
}


/* Over addresses, protocol, length and the datagram (RFC 768, RFC 8200 8.1) */
static uint16_t checksum(const uint8_t *src, const uint8_t *dst, size_t iplen,
			 const uint8_t *udp, size_t len)
{
	uint32_t s = sum(PROTO_UDP + (uint32_t)len, src, iplen);
	uint16_t c;

	s = sum(s, dst, iplen);
	s = sum(s, udp, len);
	s = (s & 0xffff) + (s >> 16);
	c = (uint16_t)~s;

	return c ? c : 0xffff;
}


static uint8_t *put_ip4(uint8_t *p, const uint8_t *src, const uint8_t *dst,
			size_t len)
{
	uint8_t *const head = p;

	*p++ = 0x45;
	*p++ = 0;
	p = put_be16(p, (uint32_t)(IP4 + len));
	p = put_be16(p, 0);
	p = put_be16(p, 0x4000); /* do not fragment */
	*p++ = HOPS;
	*p++ = PROTO_UDP;
	p = put_be16(p, 0);
	p = put_bytes(p, src, 4);
	p = put_bytes(p, dst, 4);
	(void)put_be16(head + 10, (uint16_t)~sum(0, head, IP4));

	return p;
}


static uint8_t *put_ip6(uint8_t *p, const uint8_t *src, const uint8_t *dst,
			size_t len)
{
	p = put_le(p, 0x60, 4);
	p = put_be16(p, (uint32_t)len);
	*p++ = PROTO_UDP;
	*p++ = HOPS;
	p = put_bytes(p, src, 16);

	return put_bytes(p, dst, 16);
}


size_t trace_pcap_record(uint8_t *dst, const struct trace_record *record,
			 struct text data)
{
	const bool is_in = record->direction == TRACE_IN;
	const bool is_ip6 = record->remote.family == AF_INET6;
	const size_t ip_len = is_ip6 ? IP6 : IP4;
	const size_t len = UDP + (data.l < SNAP - ip_len - UDP
					  ? data.l
					  : SNAP - ip_len - UDP);
	struct addr local = record->local;
	const struct addr *src, *to;
	uint8_t *p = dst, *udp;

	/* A listener of all addresses of the other family */
	if (local.family != record->remote.family)
		memset(local.ip, 0, sizeof(local.ip));
	src = is_in ? &record->remote : &local;
	to = is_in ? &local : &record->remote;

	p = put_le(p, (uint32_t)(record->wall_us / 1000000), 4);
	p = put_le(p, (uint32_t)(record->wall_us % 1000000), 4);
	p = put_le(p, (uint32_t)(ip_len + len), 4);
	p = put_le(p, (uint32_t)(ip_len + len), 4);
	p = is_ip6 ? put_ip6(p, src->ip, to->ip, len)
		   : put_ip4(p, src->ip, to->ip, len);
	udp = p;
	p = put_be16(p, src->port);
	p = put_be16(p, to->port);
	p = put_be16(p, (uint32_t)len);
	p = put_be16(p, 0);
	p = put_bytes(p, data.p, len - UDP);
	(void)put_be16(udp + 6,
		       checksum(src->ip, to->ip, is_ip6 ? 16 : 4, udp, len));

	return (size_t)(p - dst);
}
