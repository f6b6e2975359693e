/**
 * @file sipd/guard.c  Who may be listened to, before anything is parsed
 *
 * One entry per source, in a hash map and in a list by last use; the oldest
 * goes when there are too many. Entries are made when a source is first
 * counted, out of chunks that are never given back: a flood costs a bounded
 * amount of memory once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/bucket.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "sipd/guard.h"
#include "sipd/late.h"
#include "sipd/metrics.h"

enum {
	SOURCES_MAX = 1000000,
	CHUNK = 1024,
	CHUNKS_MAX = SOURCES_MAX / CHUNK + 1,
	AUTHENTICATED_RATE = 100, /**< security 2 */
	KNOWN_RATE = 1000,
	WINDOW_S = 60,
	AUTHENTICATED_S = 3600,
	EXPECTED_S = 3600,
};

/** Sources are counted by this: IPv6 by its first 64 bits */
struct key {
	uint8_t ip[16];
	uint8_t family;
};

struct source {
	struct map_link link;
	struct source *older, *newer; /**< By last use; or the free list */
	struct key key;
	struct bucket rate;
	int64_t authenticated_us;   /**< When; 0: never */
	int64_t expected_us;        /**< Asked something last; 0: never */
	int64_t window_us;          /**< Began then */
	uint32_t offences;          /**< In it */
	int64_t since_us, until_us; /**< On the blacklist; 0: not */
	uint64_t hits;
	const char *reason;
};

struct guard {
	const struct log *log;
	struct map *map;
	struct source *oldest, *newest, *free;
	struct source *chunks[CHUNKS_MAX];
	size_t chunkc;
	struct late late;
};

/* Words of the field auth_mode */
enum {
	AUTH_IP,
	AUTH_IP_PORT,
	AUTH_PASSWORD
};

static const char *const offences[] = {
	[GUARD_UNAUTHORISED_INVITE] = "unauthorised",
	[GUARD_BAD_DIGEST] = "digest",
	[GUARD_MALFORMED] = "malformed",
	[GUARD_RATE] = "rate",
	[GUARD_SCANNER] = "scanner",
};


/* --- sources
 * ----------------------------------------------------------------------- */

static struct key key_of(const struct addr *addr)
{
	struct key key = { .family = addr->family };

	memcpy(key.ip, addr->ip, addr->family == AF_INET6 ? 8 : 4);

	return key;
}


static struct source *find(const struct guard *guard, const struct addr *addr)
{
	const struct key key = key_of(addr);
	struct map_link *link = map_find(guard->map, &key, sizeof(key));

	return link ? CONTAINER_OF(link, struct source, link) : NULL;
}


static void unlist(struct guard *guard, struct source *s)
{
	*(s->older ? &s->older->newer : &guard->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &guard->newest) = s->older;
	s->older = s->newer = NULL;
}


static void list_newest(struct guard *guard, struct source *s)
{
	s->older = guard->newest;
	s->newer = NULL;
	*(guard->newest ? &guard->newest->newer : &guard->oldest) = s;
	guard->newest = s;
}


static struct source *chunk(struct guard *guard)
{
	struct source *rows;

	if (guard->chunkc == CHUNKS_MAX)
		return NULL;
	rows = calloc(CHUNK, sizeof(*rows));
	if (!rows)
		return NULL;

	guard->chunks[guard->chunkc++] = rows;
	for (size_t i = 0; i < CHUNK; i++) {
		rows[i].newer = guard->free;
		guard->free = &rows[i];
	}

	return guard->free;
}


static struct source *fresh(struct guard *guard)
{
	struct source *s = guard->free ? guard->free : chunk(guard);

	if (s) {
		guard->free = s->newer;
	}
	else {
		s = guard->oldest;
		if (!s)
			return NULL;
		unlist(guard, s);
		map_remove(guard->map, &s->link);
	}
	memset(s, 0, sizeof(*s));

	return s;
}


static void touch(struct guard *guard, struct source *s)
{
	unlist(guard, s);
	list_newest(guard, s);
}


/* @param s     As it was found; NULL: it is new
 * @return NULL: memory is short. Then nothing is counted, and nobody refused. */
static struct source *keep(struct guard *guard, const struct addr *addr,
			   struct source *s)
{
	if (s) {
		touch(guard, s);
		return s;
	}

	s = fresh(guard);
	if (!s)
		return NULL;
	s->key = key_of(addr);
	if (map_add(guard->map, &s->link, &s->key, sizeof(s->key))) {
		s->newer = guard->free;
		guard->free = s;
		return NULL;
	}
	list_newest(guard, s);

	return s;
}


static struct source *get(struct guard *guard, const struct addr *addr)
{
	return keep(guard, addr, find(guard, addr));
}


/* --- who is known
 * -------------------------------------------------------------------- */

static bool in_catalog(const struct catalog *c, const struct addr *source)
{
	struct catalog_source one;

	return c && catalog_sources(c, source, &one, 1) > 0;
}


static bool is_white(const struct catalog *c, const struct addr *source)
{
	return c && catalog_lists_source(c, CAT_SOURCE_WHITE, source);
}


static bool is_authenticated(const struct source *s, int64_t now_us)
{
	return s && s->authenticated_us &&
	       now_us - s->authenticated_us <
		       (int64_t)AUTHENTICATED_S * 1000000;
}


static bool is_expected(const struct source *s, int64_t now_us)
{
	return s && s->expected_us &&
	       now_us - s->expected_us < (int64_t)EXPECTED_S * 1000000;
}


bool guard_knows(struct guard *guard, const struct catalog *c,
		 const struct addr *source, int64_t now_us)
{
	const struct source *s = find(guard, source);

	return in_catalog(c, source) || is_white(c, source) ||
	       is_expected(s, now_us) || is_authenticated(s, now_us);
}


/* Known by its address alone: a routing gateway, or a mapping gateway that is
 * not challenged */
static bool is_trusted(const struct catalog *c, const struct addr *source)
{
	struct catalog_source found[16];
	size_t n;

	if (!c)
		return false;
	n = catalog_sources(c, source, found, COUNT_OF(found));
	for (size_t i = 0; i < n && i < COUNT_OF(found); i++) {
		const struct cat_mapping *m;

		if (found[i].kind != RECORD_MAPPING)
			return true;
		m = catalog_by_id(c, RECORD_MAPPING, found[i].id);
		if (m && m->auth_mode != AUTH_PASSWORD)
			return true;
	}

	return false;
}


/* Never blacklisted: security 3. A routing gateway with a host name is where
 * we send requests to. */
static bool is_spared(const struct source *s, const struct catalog *c,
		      const struct addr *source, int64_t now_us)
{
	return is_expected(s, now_us) || is_white(c, source) ||
	       is_trusted(c, source);
}


/* Who is not limited like a stranger. A gateway that is challenged is one
 * until it has succeeded (security 2). */
static bool is_one_of_ours(const struct source *s, const struct catalog *c,
			   const struct addr *source, int64_t now_us)
{
	return is_spared(s, c, source, now_us) ||
	       (is_authenticated(s, now_us) && in_catalog(c, source));
}


/* --- the verdict
 * ---------------------------------------------------------------------- */

static enum guard_verdict drop(enum guard_drop why)
{
	metric_inc_at(M_SIP_DROPPED, why);

	return GUARD_DROP;
}


static bool has_token(struct guard *guard, struct source *s,
		      const struct addr *source, uint32_t rate, int64_t now_us)
{
	s = keep(guard, source, s);

	return !s || bucket_take(&s->rate, now_us, rate, 2 * rate, 1);
}


static enum guard_verdict check_unknown(struct guard *guard, struct source *s,
					const struct catalog *c,
					const struct addr *source,
					int64_t now_us)
{
	uint32_t rate = c ? (uint32_t)catalog_int(c, SS_SECURITY_UNKNOWN_RATE)
			  : 20;

	s = keep(guard, source, s);
	if (is_authenticated(s, now_us))
		rate = AUTHENTICATED_RATE;
	if (!s || bucket_take(&s->rate, now_us, rate, 2 * rate, 1))
		return GUARD_PASS;

	guard_offend(guard, c, source, GUARD_RATE, now_us);

	return drop(GUARD_DROP_RATE);
}


/* What lies in wait is for those first whom we know (security 2). */
static enum guard_verdict check_late(const struct source *s, bool is_known,
				     int64_t now_us)
{
	return is_known || is_authenticated(s, now_us) ? GUARD_BUSY
						       : drop(GUARD_DROP_RATE);
}


static void release(const struct guard *guard, struct source *s,
		    const struct addr *source)
{
	struct addr bare = *source;
	char ip[ADDR_TEXT_MAX];

	bare.port = 0;
	s->until_us = 0;
	log_notice(guard->log, "source_released ip=%s", addr_print(&bare, ip));
}


/* It stays among the newest as long as it goes on. */
static bool is_blacklisted(struct guard *guard, struct source *s,
			   const struct catalog *c, const struct addr *source,
			   int64_t now_us)
{
	if (!s || !s->until_us)
		return false;
	if (s->until_us <= now_us) {
		release(guard, s, source);
		return false;
	}
	if (is_spared(s, c, source, now_us))
		return false;
	s->hits++;
	touch(guard, s);

	return true;
}


void guard_began(struct guard *guard, int64_t now_us)
{
	guard->late.began_us = now_us;
}


enum guard_verdict guard_check(struct guard *guard, const struct catalog *c,
			       const struct addr *source,
			       enum guard_class class, int64_t age_us,
			       int64_t now_us)
{
	struct source *s = find(guard, source);
	const bool is_known = is_one_of_ours(s, c, source, now_us);

	if (is_blacklisted(guard, s, c, source, now_us))
		return drop(GUARD_DROP_BLACKLIST);
	if (class == GUARD_INITIAL_INVITE &&
	    late_is_busy(&guard->late, age_us, now_us))
		return check_late(s, is_known, now_us);
	if (!is_known)
		return check_unknown(guard, s, c, source, now_us);
	if (class == GUARD_OTHER && !is_white(c, source) &&
	    !has_token(guard, s, source, KNOWN_RATE, now_us))
		return drop(GUARD_DROP_RATE);

	return GUARD_PASS;
}


void guard_expect(struct guard *guard, const struct addr *peer, int64_t now_us)
{
	struct source *s = get(guard, peer);

	if (s)
		s->expected_us = now_us;
}


void guard_authenticated(struct guard *guard, const struct addr *source,
			 int64_t now_us)
{
	struct source *s = get(guard, source);

	if (s)
		s->authenticated_us = now_us;
}


static void blacklist(struct guard *guard, struct source *s,
		      const struct addr *source, uint32_t seconds,
		      const char *reason, int64_t now_us)
{
	char ip[ADDR_TEXT_MAX];
	struct addr bare = *source;

	bare.port = 0;
	if (s->until_us <= now_us) {
		s->since_us = now_us;
		s->hits = 0;
		log_notice(guard->log,
			   "source_blacklisted ip=%s reason=%s seconds=%u",
			   addr_print(&bare, ip), reason, seconds);
	}
	s->until_us = now_us + (int64_t)seconds * 1000000;
	s->reason = reason;
	s->offences = 0; /* afterwards it begins anew */
}


void guard_offend(struct guard *guard, const struct catalog *c,
		  const struct addr *source, enum guard_offence offence,
		  int64_t now_us)
{
	const uint32_t limit =
		c ? (uint32_t)catalog_int(c, SS_SECURITY_BLACKLIST_THRESHOLD)
		  : 0;
	struct source *s;

	if (!limit && offence != GUARD_SCANNER)
		return;
	s = get(guard, source);
	if (!s || is_spared(s, c, source, now_us))
		return;

	if (now_us - s->window_us >= (int64_t)WINDOW_S * 1000000) {
		s->window_us = now_us;
		s->offences = 0;
	}
	s->offences++;
	if (offence != GUARD_SCANNER && s->offences < limit)
		return;
	blacklist(guard, s, source,
		  c ? (uint32_t)catalog_int(c, SS_SECURITY_BLACKLIST_TIME)
		    : 600,
		  offences[offence], now_us);
}


/* --- scanners
 * ----------------------------------------------------------------------------
 */

static bool has_nocase(struct text text, struct text piece)
{
	for (size_t i = 0; piece.l && i + piece.l <= text.l; i++)
		if (strncasecmp(text.p + i, piece.p, piece.l) == 0)
			return true;

	return false;
}


bool guard_is_scanner(const struct catalog *c, struct text text)
{
	const size_t n = catalog_textc(c, SS_SECURITY_SCANNER_AGENTS);

	if (!text.p)
		return false;
	for (size_t i = 0; i < n; i++)
		if (has_nocase(text,
			       text_of(catalog_text_at(
				       c, SS_SECURITY_SCANNER_AGENTS, i))))
			return true;

	return false;
}


/* --- overload
 * ------------------------------------------------------------------------------
 */

void guard_lag(struct guard *guard, int64_t lag_us)
{
	late_lag(&guard->late, lag_us);
}


bool guard_is_overloaded(const struct guard *guard)
{
	return guard->late.is_lagging;
}


/* --- for operators
 * --------------------------------------------------------------------------- */

void guard_list(const struct guard *guard, int64_t now_us, guard_entry_h *h,
		void *arg)
{
	for (const struct source *s = guard->newest; s; s = s->older) {
		struct guard_entry entry = {
			.since_us = s->since_us,
			.until_us = s->until_us,
			.hits = s->hits,
			.reason = s->reason,
		};

		if (s->until_us <= now_us)
			continue;
		entry.source.family = s->key.family;
		memcpy(entry.source.ip, s->key.ip, sizeof(s->key.ip));
		h(&entry, arg);
	}
}


int guard_add(struct guard *guard, const struct addr *source, uint32_t seconds,
	      int64_t now_us)
{
	struct source *s = get(guard, source);

	if (!s)
		return ENOMEM;
	blacklist(guard, s, source, seconds, "operator", now_us);

	return 0;
}


bool guard_remove(struct guard *guard, const struct addr *source,
		  int64_t now_us)
{
	struct source *s = find(guard, source);

	if (!s || s->until_us <= now_us)
		return false;
	release(guard, s, source);
	s->offences = 0;

	return true;
}


int guard_alloc(struct guard **guardp, const struct log *log)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int err;

	if (!guard)
		return ENOMEM;

	guard->log = log;
	err = map_alloc(&guard->map, CHUNK);
	if (err)
		guard_free(guard);
	else
		*guardp = guard;

	return err;
}


struct guard *guard_free(struct guard *guard)
{
	if (!guard)
		return NULL;

	map_free(guard->map);
	for (size_t i = 0; i < guard->chunkc; i++)
		free(guard->chunks[i]);
	free(guard);

	return NULL;
}
