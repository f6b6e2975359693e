/**
 * @file shared/base/addr.h  IPv4 and IPv6 addresses and prefixes
 */
#ifndef TANDEM_BASE_ADDR_H
#define TANDEM_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/base/text.h"

/** Address and port. IPv4 uses the first 4 bytes; the rest is zero, so that
 *  two equal addresses are equal bytes. Fit for shared memory. */
struct addr {
	uint8_t ip[16]; /**< Network order */
	uint16_t port;  /**< Host order; 0: none */
	uint8_t family; /**< AF_INET, AF_INET6; 0: none */
	uint8_t pad;
	uint32_t scope; /**< Of a link-local IPv6 address */
};
_Static_assert(sizeof(struct addr) == 24, "lies in shared memory");

struct prefix {
	struct addr addr; /**< Host bits and port are zero */
	uint8_t len;
};

enum {
	ADDR_TEXT_MAX = 64
};

/** "192.0.2.1", "192.0.2.1:5060", "::1", "[::1]:5060"; v4-mapped IPv6 becomes
 *  IPv4 */
int addr_parse(struct addr *addrp, struct text t);

/** "192.0.2.1", nothing else: family, ip, and all the rest zero */
int addr_parse_ip4(struct addr *addrp, struct text t);

/** The reverse; without the port if it is 0. Returns dst. */
const char *addr_print(const struct addr *addr, char dst[ADDR_TEXT_MAX]);

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);

int addr_from_sockaddr(struct addr *addrp, const struct sockaddr *sa,
		       socklen_t len);
socklen_t addr_to_sockaddr(const struct addr *addr,
			   struct sockaddr_storage *sa);

bool addr_is_any(const struct addr *addr);
bool addr_is_loopback(const struct addr *addr);
bool addr_is_multicast(const struct addr *addr);
bool addr_is_linklocal(const struct addr *addr);
/** RFC 1918, RFC 6598, RFC 4193 */
bool addr_is_private(const struct addr *addr);

/** "192.0.2.0/24", "2001:db8::/32", or an address: all its bits */
int prefix_parse(struct prefix *prefixp, struct text t);
const char *prefix_print(const struct prefix *prefix, char dst[ADDR_TEXT_MAX]);
bool prefix_has(const struct prefix *prefix, const struct addr *addr);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);

#endif
