/**
 * @file shared/base/addr.c  IPv4 and IPv6 addresses and prefixes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "shared/base/addr.h"


/* ::ffff:a.b.c.d is IPv4 that came through an IPv6 socket. */
static void unmap(struct addr *addr)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t v4[4];

	if (addr->family != AF_INET6 ||
	    memcmp(addr->ip, mapped, sizeof(mapped)) != 0)
		return;

	memcpy(v4, addr->ip + 12, sizeof(v4));
	memset(addr->ip, 0, sizeof(addr->ip));
	memcpy(addr->ip, v4, sizeof(v4));
	addr->family = AF_INET;
	addr->scope = 0;
}


static int scope_parse(uint32_t *scopep, struct text zone)
{
	char name[IF_NAMESIZE];
	unsigned index;

	if (text_u32(scopep, zone, 1, UINT32_MAX) == 0)
		return 0;
	/* Up to a NUL only, it would be the name of another interface. */
	if (zone.l == 0 || memchr(zone.p, '\0', zone.l) ||
	    text_copy(name, sizeof(name), zone))
		return EBADMSG;

	index = if_nametoindex(name);
	if (index == 0)
		return EBADMSG;
	*scopep = index;

	return 0;
}


/* As inet_pton() takes it: four numbers, no zero before another digit */
int addr_parse_ip4(struct addr *addrp, struct text t)
{
	struct addr addr = { .family = AF_INET };
	size_t at = 0;

	for (size_t part = 0; part < 4; part++) {
		const size_t start = at;
		unsigned v = 0;

		for (; at < t.l && at < start + 3; at++) {
			const unsigned digit = (unsigned)t.p[at] - '0';

			if (digit > 9)
				break;
			v = v * 10 + digit;
		}
		if (at == start || v > 255 ||
		    (at > start + 1 && t.p[start] == '0'))
			return EBADMSG;
		addr.ip[part] = (uint8_t)v;
		if (part < 3 && (at == t.l || t.p[at++] != '.'))
			return EBADMSG;
	}
	if (at < t.l)
		return EBADMSG;
	*addrp = addr;

	return 0;
}


static int ip_parse(struct addr *addr, struct text t)
{
	char text[INET6_ADDRSTRLEN];
	struct text ip, zone;
	bool zoned;

	if (!addr_parse_ip4(addr, t))
		return 0;

	zoned = text_cut(t, '%', &ip, &zone);
	if (ip.l == 0 || memchr(ip.p, '\0', ip.l) ||
	    text_copy(text, sizeof(text), ip))
		return EBADMSG;

	if (inet_pton(AF_INET6, text, addr->ip) != 1)
		return EBADMSG;
	addr->family = AF_INET6;
	if (zoned &&
	    (!addr_is_linklocal(addr) || scope_parse(&addr->scope, zone)))
		return EBADMSG;
	unmap(addr);

	return 0;
}


static int port_parse(struct addr *addr, struct text t)
{
	uint32_t port;
	int err;

	err = text_u32(&port, t, 1, 65535);
	if (!err)
		addr->port = (uint16_t)port;

	return err;
}


int addr_parse(struct addr *addrp, struct text t)
{
	struct addr addr = { .family = 0 };
	struct text head, rest;
	int err;

	if (!addr_parse_ip4(addrp, t)) /* most are */
		return 0;
	if (t.l > 0 && t.p[0] == '[') {
		const struct text inner = { .p = t.p + 1, .l = t.l - 1 };

		if (!text_cut(inner, ']', &head, &rest))
			return EBADMSG;
		err = ip_parse(&addr, head);
		/* brackets are for what has colons */
		if (err || !memchr(head.p, ':', head.l))
			return EBADMSG;
		if (rest.l > 0) {
			if (rest.p[0] != ':')
				return EBADMSG;
			err = port_parse(&addr, (struct text){ rest.p + 1,
							       rest.l - 1 });
		}
	}
	else if (text_cut(t, ':', &head, &rest) &&
		 !(rest.l > 0 && memchr(rest.p, ':', rest.l))) {
		err = ip_parse(&addr, head);
		if (!err)
			err = port_parse(&addr, rest);
	}
	else {
		err = ip_parse(&addr, t);
	}

	if (!err)
		*addrp = addr;

	return err;
}


/* The most frequent one, and it stands in every message. */
static void print_ip4(const struct addr *addr, char *at)
{
	for (size_t i = 0; i < 4; i++) {
		at += text_decimal(at, addr->ip[i]);
		if (i < 3)
			*at++ = '.';
	}
	if (addr->port) {
		*at++ = ':';
		at += text_decimal(at, addr->port);
	}
	*at = '\0';
}


const char *addr_print(const struct addr *addr, char dst[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	char zone[16] = "";

	if (addr->family != AF_INET && addr->family != AF_INET6) {
		(void)text_print(dst, ADDR_TEXT_MAX, "none");
		return dst;
	}

	if (addr->family == AF_INET) {
		print_ip4(addr, dst);
		return dst;
	}

	(void)inet_ntop(addr->family, addr->ip, ip, sizeof(ip));
	if (addr->scope)
		(void)text_print(zone, sizeof(zone), "%%%u", addr->scope);

	if (addr->port == 0)
		(void)text_print(dst, ADDR_TEXT_MAX, "%s%s", ip, zone);
	else
		(void)text_print(dst, ADDR_TEXT_MAX, "[%s%s]:%u", ip, zone,
				 addr->port);

	return dst;
}


bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_ip(a, b);
}


bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}


int addr_from_sockaddr(struct addr *addrp, const struct sockaddr *sa,
		       socklen_t len)
{
	struct addr addr = { .family = 0 };

	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(addr.ip, &in.sin_addr, 4);
		addr.port = ntohs(in.sin_port);
	}
	else if (sa->sa_family == AF_INET6 &&
		 len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		memcpy(addr.ip, &in6.sin6_addr, 16);
		addr.port = ntohs(in6.sin6_port);
		addr.scope = in6.sin6_scope_id;
	}
	else {
		return EAFNOSUPPORT;
	}

	addr.family = (uint8_t)sa->sa_family;
	unmap(&addr);
	*addrp = addr;

	return 0;
}


socklen_t addr_to_sockaddr(const struct addr *addr,
			   struct sockaddr_storage *sa)
{
	memset(sa, 0, sizeof(*sa));

	if (addr->family == AF_INET6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

		memcpy(&in6.sin6_addr, addr->ip, 16);
		in6.sin6_port = htons(addr->port);
		in6.sin6_scope_id = addr->scope;
		memcpy(sa, &in6, sizeof(in6));
		return sizeof(in6);
	}
	if (addr->family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET };

		memcpy(&in.sin_addr, addr->ip, 4);
		in.sin_port = htons(addr->port);
		memcpy(sa, &in, sizeof(in));
		return sizeof(in);
	}

	return 0;
}


/* The kinds below are prefixes: a table says which. */
struct kind {
	uint8_t family;
	uint8_t len;
	uint8_t ip[16];
};


static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned len)
{
	const unsigned whole = len / 8, left = len % 8;

	if (memcmp(a, b, whole) != 0)
		return false;

	return left == 0 || ((a[whole] ^ b[whole]) >> (8 - left)) == 0;
}


static bool is_of(const struct addr *addr, const struct kind *kinds,
		  size_t kindc)
{
	for (size_t i = 0; i < kindc; i++)
		if (addr->family == kinds[i].family &&
		    bits_equal(addr->ip, kinds[i].ip, kinds[i].len))
			return true;

	return false;
}


bool addr_is_any(const struct addr *addr)
{
	static const struct kind kinds[] = {
		{ AF_INET, 32, { 0 } },
		{ AF_INET6, 128, { 0 } },
	};

	return is_of(addr, kinds, sizeof(kinds) / sizeof(kinds[0]));
}


bool addr_is_loopback(const struct addr *addr)
{
	static const struct kind kinds[] = {
		{ AF_INET, 8, { 127 } },
		{ AF_INET6, 128, { [15] = 1 } },
	};

	return is_of(addr, kinds, sizeof(kinds) / sizeof(kinds[0]));
}


bool addr_is_multicast(const struct addr *addr)
{
	static const struct kind kinds[] = {
		{ AF_INET, 4, { 224 } },
		{ AF_INET6, 8, { 0xff } },
	};

	return is_of(addr, kinds, sizeof(kinds) / sizeof(kinds[0]));
}


bool addr_is_linklocal(const struct addr *addr)
{
	static const struct kind kinds[] = {
		{ AF_INET, 16, { 169, 254 } },
		{ AF_INET6, 10, { 0xfe, 0x80 } },
	};

	return is_of(addr, kinds, sizeof(kinds) / sizeof(kinds[0]));
}


bool addr_is_private(const struct addr *addr)
{
	static const struct kind kinds[] = {
		{ AF_INET, 8, { 10 } },        /* RFC 1918 */
		{ AF_INET, 12, { 172, 16 } },  /* RFC 1918 */
		{ AF_INET, 16, { 192, 168 } }, /* RFC 1918 */
		{ AF_INET, 10, { 100, 64 } },  /* RFC 6598 */
		{ AF_INET6, 7, { 0xfc } },     /* RFC 4193 */
	};

	return is_of(addr, kinds, sizeof(kinds) / sizeof(kinds[0]));
}


static unsigned width(const struct addr *addr)
{
	return addr->family == AF_INET ? 32 : 128;
}


int prefix_parse(struct prefix *prefixp, struct text t)
{
	struct prefix prefix;
	struct text ip, len;
	uint32_t bits;
	int err;

	const bool has_len = text_cut(t, '/', &ip, &len);

	err = ip.l > 0 && ip.p[0] == '[' ? EBADMSG
					 : addr_parse(&prefix.addr, ip);
	if (err)
		return err;
	if (prefix.addr.port != 0)
		return EBADMSG;

	bits = width(&prefix.addr);
	if (has_len) {
		err = text_u32(&bits, len, 0, bits);
		if (err)
			return err;
	}
	prefix.len = (uint8_t)bits;

	for (unsigned i = 0; i < sizeof(prefix.addr.ip); i++) {
		if (8 * i >= bits)
			prefix.addr.ip[i] = 0;
		else if (8 * i + 8 > bits)
			prefix.addr.ip[i] &= (uint8_t)(0xff00u >> (bits % 8));
	}

	*prefixp = prefix;

	return 0;
}


const char *prefix_print(const struct prefix *prefix, char dst[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	(void)addr_print(&prefix->addr, ip);
	if (prefix->len == width(&prefix->addr))
		(void)text_print(dst, ADDR_TEXT_MAX, "%s", ip);
	else
		(void)text_print(dst, ADDR_TEXT_MAX, "%.*s/%u",
				 ADDR_TEXT_MAX - 5, ip, prefix->len);

	return dst;
}


bool prefix_has(const struct prefix *prefix, const struct addr *addr)
{
	return prefix->addr.family == addr->family &&
	       bits_equal(prefix->addr.ip, addr->ip, prefix->len);
}


bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return a->len <= b->len ? prefix_has(a, &b->addr)
				: prefix_has(b, &a->addr);
}
