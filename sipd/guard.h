/**
 * @file sipd/guard.h  Who may be listened to, before anything is parsed
 *
 * Token buckets per source, the dynamic blacklist, scanners, and the age of
 * what lies in the socket. Bounded: a million sources, oldest go first; IPv6
 * counts by /64. Pure but for the tables: the time is handed in.
 */
#ifndef TANDEM_SIPD_GUARD_H
#define TANDEM_SIPD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"

struct catalog;
struct guard;
struct log;

/** What the first bytes of a message give away without a parser */
enum guard_class {
	GUARD_KEEPALIVE, /**< CRLF, or too short to be anything */
	GUARD_RESPONSE,
	GUARD_IN_DIALOG, /**< ACK, BYE, CANCEL, PRACK, or To has a tag */
	GUARD_INITIAL_INVITE,
	GUARD_OTHER, /**< Any other request */
	GUARD_GARBAGE
};
enum guard_class guard_classify(const char *data, size_t len);

/** Label values of tandem_sip_dropped_total, in this order */
enum guard_drop {
	GUARD_DROP_UNKNOWN,
	GUARD_DROP_RATE,
	GUARD_DROP_BLACKLIST,
	GUARD_DROP_SCANNER,
	GUARD_DROP_MALFORMED,
	GUARD_DROP_SUSPENDED,
	GUARD_DROPC
};

enum guard_verdict {
	GUARD_PASS,
	GUARD_DROP, /**< Counted, not answered */
	GUARD_BUSY, /**< Overload: 503 with Retry-After 5, without a parser */
	GUARD_SLOW  /**< A known source beyond its rate: 503, Retry-After 1 */
};

/** What is an offence (security 3) */
enum guard_offence {
	GUARD_UNAUTHORISED_INVITE,
	GUARD_BAD_DIGEST,
	GUARD_MALFORMED,
	GUARD_RATE,
	GUARD_SCANNER, /**< Blacklisted at once */
};

int guard_alloc(struct guard **guardp, const struct log *log);
struct guard *guard_free(struct guard *guard);

/** From now on somebody reads: what lay there before has waited for a
 *  successor, and is no sign of overload */
void guard_began(struct guard *guard, int64_t now_us);

/** Before parsing. age_us: how long the message lay in the socket; c may be
 *  NULL: then nobody is known.  */
enum guard_verdict guard_check(struct guard *guard, const struct catalog *c,
			       const struct addr *source,
			       enum guard_class class, int64_t age_us,
			       int64_t now_us);

/** Is it a source of the catalog, on source_white, or was it within the last
 *  hour authenticated or sent a request by us? */
bool guard_knows(struct guard *guard, const struct catalog *c,
		 const struct addr *source, int64_t now_us);

/** A terminal behind it has authenticated: 100 requests/s from now on */
void guard_authenticated(struct guard *guard, const struct addr *source,
			 int64_t now_us);

/** We send a request there: what answers is known, and never blacklisted. So
 *  are gateways that have a host name, which the catalog has no address of. */
void guard_expect(struct guard *guard, const struct addr *peer,
		  int64_t now_us);

void guard_offend(struct guard *guard, const struct catalog *c,
		  const struct addr *source, enum guard_offence offence,
		  int64_t now_us);

/** User-Agent, display or user of From: does a piece of
 *  SS_SECURITY_SCANNER_AGENTS stand in it? */
bool guard_is_scanner(const struct catalog *c, struct text text);

/** The loop is late by more than 150 ms: new calls are turned away, of
 *  strangers without an answer, until it is late by less than 50 */
void guard_lag(struct guard *guard, int64_t lag_us);
bool guard_is_overloaded(const struct guard *guard);

/* for tandemctl blacklist list|add|remove, list "dynamic" */
struct guard_entry {
	struct addr source; /**< IPv6: of the /64 */
	int64_t since_us, until_us;
	uint64_t hits;
	const char *reason;
};
/** Calls h for each entry of the dynamic blacklist */
typedef void(guard_entry_h)(const struct guard_entry *entry, void *arg);
void guard_list(const struct guard *guard, int64_t now_us, guard_entry_h *h,
		void *arg);
int guard_add(struct guard *guard, const struct addr *source, uint32_t seconds,
	      int64_t now_us);
bool guard_remove(struct guard *guard, const struct addr *source,
		  int64_t now_us);

#endif
