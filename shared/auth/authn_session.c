/**
 * @file shared/auth/authn_session.c  Sessions (authentication 4)
 *
 * A session is what a source was challenged for: requests of one method with
 * one Call-ID from one IP. It ends by itself, when it is looked for: OPEN
 * becomes CLOSED, CLOSED is none. There are AUTHN_SESSIONS_MAX at most, and
 * the oldest goes first; whose session went starts anew.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn_int.h"
#include "shared/base/id.h"
#include "shared/base/map.h"
#include "shared/base/util.h"

#define SECOND_US ((int64_t)1000000)
#define CLOSED_US (32 * SECOND_US)

enum {
	SECRET_SIZE = 16,
	SWEEP = 2, /* removed for one that comes: faster than they grow */
};

/* clang-format off */
const struct authn_row authn_rows[AUTHN_STATEC][AUTHN_EVENTC] = {
	/*                            verdict          next          stale  */
	[AUTHN_NONE] = {
		[AUTHN_EV_BARE]   = { AUTHN_CHALLENGE, AUTHN_OPEN,   false, true },
		[AUTHN_EV_RIGHT]  = { AUTHN_ACCEPT,    AUTHN_NONE,   false, true },
		[AUTHN_EV_STALE]  = { AUTHN_CHALLENGE, AUTHN_OPEN,   true,  true },
		[AUTHN_EV_FAILED] = { AUTHN_CHALLENGE, AUTHN_OPEN,   false, true },
		[AUTHN_EV_LAST]   = { AUTHN_REFUSE,    AUTHN_CLOSED, false, true },
	},
	[AUTHN_OPEN] = {
		[AUTHN_EV_BARE]   = { AUTHN_CHALLENGE, AUTHN_OPEN,   false, true },
		[AUTHN_EV_RIGHT]  = { AUTHN_ACCEPT,    AUTHN_NONE,   false, true },
		[AUTHN_EV_STALE]  = { AUTHN_CHALLENGE, AUTHN_OPEN,   true,  true },
		[AUTHN_EV_FAILED] = { AUTHN_CHALLENGE, AUTHN_OPEN,   false, true },
		[AUTHN_EV_LAST]   = { AUTHN_REFUSE,    AUTHN_CLOSED, false, true },
	},
	[AUTHN_CLOSED] = {
		[AUTHN_EV_BARE]        = { AUTHN_CHALLENGE, AUTHN_OPEN,   false, true },
		[AUTHN_EV_CREDENTIALS] = { AUTHN_REFUSE,    AUTHN_CLOSED, false, true },
	},
};
/* clang-format on */

struct entry {
	struct map_link link;
	struct entry *older, *newer;
	struct authn_session_id id;
	struct authn_session session;
	bool is_closed;
	int64_t first_us;  /**< First challenge */
	int64_t closed_us; /**< If closed */
	char realm[];
};

struct authn_sessions {
	struct map *map;
	struct entry *oldest, *newest;
	uint8_t secrets[3][SECRET_SIZE];
};


int authn_sessions_alloc(struct authn_sessions **sp)
{
	struct authn_sessions *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ENOMEM;

	err = map_alloc(&s->map, 0);
	if (err) {
		free(s);
		return err;
	}
	id_random(s->secrets, sizeof(s->secrets));
	*sp = s;

	return 0;
}


static void drop(struct authn_sessions *s, struct entry *e)
{
	assert((e->older == NULL) == (s->oldest == e));
	assert((e->newer == NULL) == (s->newest == e));
	*(e->older ? &e->older->newer : &s->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &s->newest) = e->older;
	map_remove(s->map, &e->link);
	free(e);
}


struct authn_sessions *authn_sessions_free(struct authn_sessions *s)
{
	if (s) {
		while (s->oldest)
			drop(s, s->oldest);
		map_free(s->map);
		free(s);
	}

	return NULL;
}


size_t authn_session_count(const struct authn_sessions *s)
{
	return map_count(s->map);
}


/* A Call-ID has any length and is a stranger's, so its hashes stand for it,
 * 128 bits with a secret. */
void authn_session_key_set(struct authn_session_key *key,
			   const struct authn_sessions *s, struct text method,
			   struct text call_id, const struct addr *source)
{
	memset(key, 0, sizeof(*key));
	for (int i = 0; i < 2; i++)
		key->id.call_id[i] = siphash(s->secrets[i],
					     call_id.p ? call_id.p : "",
					     call_id.l);
	key->id.method = siphash(s->secrets[2], method.p ? method.p : "",
				 method.l);
	key->id.source = *source;
	key->id.source.port = 0;
	key->id.source.pad = 0;
	key->hash = map_hash(&key->id, sizeof(key->id));
}


/* The clock may end it, and end its end. */
static enum authn_state turn(struct entry *e, int64_t now_us)
{
	const int64_t timeout_us = e->session.params.timeout_s * SECOND_US;

	if (!e->is_closed && now_us - e->first_us >= timeout_us) {
		e->is_closed = true;
		e->closed_us = e->first_us + timeout_us;
	}
	if (!e->is_closed)
		return AUTHN_OPEN;

	return now_us - e->closed_us < CLOSED_US ? AUTHN_CLOSED : AUTHN_NONE;
}


static struct entry *find(const struct authn_sessions *s,
			  const struct authn_session_key *key)
{
	struct map_link *link = map_find_hashed(s->map, key->hash, &key->id,
						sizeof(key->id));

	return link ? CONTAINER_OF(link, struct entry, link) : NULL;
}


enum authn_state authn_session_find(struct authn_sessions *s,
				    const struct authn_session **sessionp,
				    const struct authn_session_key *key,
				    int64_t now_us)
{
	struct entry *e = find(s, key);
	enum authn_state state;

	*sessionp = NULL;
	if (!e)
		return AUTHN_NONE;
	state = turn(e, now_us);
	if (state == AUTHN_NONE)
		drop(s, e);
	else
		*sessionp = &e->session;

	return state;
}


static void make_room(struct authn_sessions *s, int64_t now_us)
{
	for (int i = 0; i < SWEEP && s->oldest; i++) {
		if (map_count(s->map) < AUTHN_SESSIONS_MAX &&
		    turn(s->oldest, now_us) != AUTHN_NONE)
			return;
		drop(s, s->oldest);
	}
}


static struct entry *begin(struct authn_sessions *s,
			   const struct authn_session_key *key,
			   const struct authn_params *p, const char *realm,
			   int64_t now_us)
{
	const size_t size = strlen(realm) + 1;
	struct entry *e;

	make_room(s, now_us);
	e = malloc(sizeof(*e) + size); /* of what was freed last: calloc()
					  of glibc never takes that */
	if (!e)
		return NULL;

	memset(e, 0, sizeof(*e));
	memcpy(e->realm, realm, size);
	e->id = key->id;
	e->session.params = *p;
	e->session.realm = e->realm;
	e->first_us = now_us;
	if (map_add_hashed(s->map, &e->link, key->hash, &e->id,
			   sizeof(e->id))) {
		free(e);
		return NULL;
	}
	e->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = e;
	s->newest = e;

	return e;
}


void authn_session_move(struct authn_sessions *s,
			const struct authn_session_key *key,
			enum authn_state next, bool is_failed,
			const struct authn_params *p, const char *realm,
			int64_t now_us)
{
	struct entry *e = find(s, key);

	/* NONE is no entry, and out of CLOSED a session begins anew. */
	if (e &&
	    (next == AUTHN_NONE || (next == AUTHN_OPEN && e->is_closed))) {
		drop(s, e);
		e = NULL;
	}
	if (next == AUTHN_NONE)
		return;
	if (!e)
		e = begin(s, key, p, realm, now_us);
	if (!e)
		return;

	e->session.failed += is_failed ? 1 : 0;
	if (next == AUTHN_CLOSED && !e->is_closed) {
		e->is_closed = true;
		e->closed_us = now_us;
	}
}
