/**
 * @file sipd/head.h  Values of SIP headers, taken apart
 *
 * Pure: text in, texts within it out. Each takes all of its input or refuses
 * it with EBADMSG. Linear, and no recursion.
 */
#ifndef TANDEM_SIPD_HEAD_H
#define TANDEM_SIPD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"

enum transport {
	TRANSPORT_NONE,
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
	TRANSPORTC
};

enum scheme {
	SCHEME_OTHER,
	SCHEME_SIP,
	SCHEME_SIPS,
	SCHEME_TEL
};

/** sip:user:password@host:port;params?headers */
struct head_uri {
	enum scheme scheme;
	struct text scheme_text;
	struct text user; /**< Of tel: the number. Still escaped. */
	struct text password;
	struct text host;   /**< IPv6 without brackets */
	uint16_t port;      /**< 0: none */
	struct text params; /**< Without the first ';' */
	struct text heads;  /**< Without the '?' */
};

/** "Display" <uri>;params */
struct head_addr {
	struct text display; /**< Without quotes; escapes as written */
	struct text uri_text;
	struct head_uri uri;
	struct text params; /**< Of the header, without the first ';' */
	bool is_star;       /**< Contact: * */
};

/** SIP/2.0/UDP host:port;branch=...;rport */
struct head_via {
	enum transport transport; /**< NONE: one we do not know */
	struct text transport_text;
	struct text host; /**< IPv6 without brackets */
	uint16_t port;    /**< 0: none */
	struct text branch;
	bool has_rport; /**< Without value, or with */
	struct text params;
};

/** Digest username="...", realm="..." ...: a challenge or its answer; absent
 *  ones are empty. Quotes are taken off; escapes stay. */
struct head_digest {
	bool is_digest; /**< Scheme is Digest */
	struct text username, realm, nonce, uri, response, cnonce, nc, qop,
		algorithm, opaque;
	bool stale;
};

/** The From, To, Contact, Route ... value. Without <> what follows ';' are
 *  the header's parameters. */
int head_addr_parse(struct head_addr *a, struct text value);
int head_uri_parse(struct head_uri *u, struct text value);
int head_via_parse(struct head_via *v, struct text value);
/** "7 INVITE". @return 0, EBADMSG; ERANGE: the number is above 31 bits */
int head_cseq_parse(uint32_t *numberp, struct text *methodp,
		    struct text value);
/** "776656 1 INVITE" */
int head_rack_parse(uint32_t *rseqp, uint32_t *cseqp, struct text *methodp,
		    struct text value);
int head_digest_parse(struct head_digest *d, struct text value);

/** A parameter of ;a=b;c: name without case. valuep may be NULL; a quoted
 *  value comes without quotes. @return is it there? */
bool head_param(struct text params, const char *name, struct text *valuep);

/** The next element of a list cut by commas, outside "" and <>; rest shrinks.
 *  @return false if nothing is left */
bool head_list_next(struct text *rest, struct text *elementp);

/** The address of a URI or Via host, if it is one and not a name */
int head_host_addr(struct addr *addrp, struct text host, uint16_t port);

enum transport transport_find(struct text name);
/** "UDP" ... as in a Via; "udp" ... as in a URI */
const char *transport_via(enum transport transport);
const char *transport_uri(enum transport transport);

#endif
