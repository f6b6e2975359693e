/**
 * @file sipd/resolve_parts.h  Names and what is known of them
 *
 * Not for users: resolve.h is. Nothing of libre is in here.
 */
#ifndef TANDEM_SIPD_RESOLVE_PARTS_H
#define TANDEM_SIPD_RESOLVE_PARTS_H

#include "shared/base/map.h"
#include "sipd/resolve.h"

enum {
	RESOLVE_NAMES_MAX = 10000,
	RESOLVE_HOST_SIZE = 254, /**< RFC 1035 2.3.4, and a NUL */
	RESOLVE_KEY_SIZE = RESOLVE_HOST_SIZE + 2,
	RESOLVE_TARGETS_MAX = 8,
};

struct list;
struct lookup;

/** A host that answers for the name; without SRV the name itself */
struct target {
	char host[RESOLVE_HOST_SIZE];
	uint16_t priority, weight;
	uint16_t port; /**< 0: the one that is asked for */
	size_t addrc;  /**< A before AAAA: most peers are reached by it */
	struct addr addrs[RESOLVE_ADDRS_MAX];
};

/** A question (the name and, if SRV is to be asked, a transport) and what is
 *  known of it, or who waits for it */
struct entry {
	struct map_link link;
	char key[RESOLVE_KEY_SIZE];
	struct entry *older, *newer; /**< Of those that are known */
	struct lookup *lookup;       /**< NULL: it is known */
	int64_t until_us;
	int err;
	size_t targetc;
	struct target targets[RESOLVE_TARGETS_MAX];
};

/** All entries; those that are known in the order they came to be */
struct names {
	struct map *map;
	struct entry *oldest, *newest;
};

/** In lower case, without the root's dot
 *  @return 0, or EINVAL: that can be no host */
int host_copy(char dst[RESOLVE_HOST_SIZE], struct text host);

/** host as host_copy() made it */
void names_key(char key[RESOLVE_KEY_SIZE], const char host[RESOLVE_HOST_SIZE],
	       uint16_t port, enum transport transport);
/** Whose SRV records are to be asked for; NONE: of nobody */
enum transport entry_transport(const struct entry *e);
const char *entry_host(const struct entry *e);

struct entry *names_find(const struct names *names, const char *key);
/** The oldest that is known gives way. @return 0, ENOBUFS, ENOMEM */
int names_add(struct names *names, struct entry **ep, const char *key);
/** One that nobody waits for and that is not known */
void names_remove(struct names *names, struct entry *e);

void entry_known(struct names *names, struct entry *e);
void entry_unknown(struct names *names, struct entry *e);

/** An address needs no look-up: is it one? */
bool answer_of_address(struct text host, uint16_t port,
		       enum transport transport, struct resolved *r);
/** In the order of RFC 2782, of equals at random by weight */
void answer_make(const struct entry *e, uint16_t port,
		 enum transport transport, struct resolved *r);

/** What an answer says: addresses of t, or (t NULL) the servers of e; its
 *  least time to live, if that is less. resolve_records.c
 *  @return how many servers there are, good or not */
size_t records_take(struct entry *e, struct target *t, uint16_t type,
		    struct list *ansl, int64_t *ttl_sp);

#endif
