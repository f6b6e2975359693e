/**
 * @file shared/auth/authn_int.h  Between the files of authn
 */
#ifndef TANDEM_AUTH_AUTHN_INT_H
#define TANDEM_AUTH_AUTHN_INT_H

#include "shared/auth/authn.h"
#include "shared/auth/digest_parse.h"
#include "shared/auth/suspended.h"

enum {
	/** security 2: what a stranger can make us remember is bounded */
	AUTHN_SESSIONS_MAX = 100000,
	AUTHN_NONCES_MAX = 100000,
	AUTHN_REALM_MAX = 255,
};

/** What a session keeps from its first challenge (spec README 4.3) */
struct authn_params {
	uint8_t mode;  /**< 1-3 */
	uint8_t offer; /**< Bit per enum digest_algorithm */
	uint16_t code; /**< Of the challenge, by mode and method */
	uint32_t expire_s;
	uint32_t retry; /**< N */
	uint32_t timeout_s;
};
void authn_params_read(struct authn_params *p, const struct catalog *c,
		       bool is_register);

/* --- sessions (authn_session.c) ------------------------------------------- */

enum authn_state {
	AUTHN_NONE,
	AUTHN_OPEN,
	AUTHN_CLOSED,
	AUTHN_STATEC
};

enum authn_event {
	AUTHN_EV_BARE,  /**< No credentials, or a nonce that is not ours */
	AUTHN_EV_RIGHT, /**< Right credentials, nonce alive and not used */
	AUTHN_EV_STALE, /**< Right credentials, nonce expired or used */
	AUTHN_EV_FAILED,
	AUTHN_EV_LAST,        /**< Failed, and it is the N-th */
	AUTHN_EV_CREDENTIALS, /**< Any; not looked at in CLOSED */
	AUTHN_EVENTC
};

struct authn_row {
	enum authn_verdict verdict;
	enum authn_state next;
	bool is_stale;
	bool exists; /**< Else the event cannot be in this state */
};
extern const struct authn_row authn_rows[AUTHN_STATEC][AUTHN_EVENTC];

struct authn_sessions;
struct authn_session {
	struct authn_params params;
	uint32_t failed; /**< n */
	const char *realm;
};

struct authn_session_key {
	struct authn_session_id {
		uint64_t call_id[2]; /**< Keyed hashes */
		uint64_t method;
		struct addr source; /**< Without port */
	} id;
	uint64_t hash; /**< Of id: it is looked for more than once */
};

int authn_sessions_alloc(struct authn_sessions **sp);
struct authn_sessions *authn_sessions_free(struct authn_sessions *s);

void authn_session_key_set(struct authn_session_key *key,
			   const struct authn_sessions *s, struct text method,
			   struct text call_id, const struct addr *source);

/** Its state now; *sessionp is NULL in NONE */
enum authn_state authn_session_find(struct authn_sessions *s,
				    const struct authn_session **sessionp,
				    const struct authn_session_key *key,
				    int64_t now_us);

/** Go to the state that a row says; one that begins takes params and realm.
 *  Without memory there is none, and each request stands alone. */
void authn_session_move(struct authn_sessions *s,
			const struct authn_session_key *key,
			enum authn_state next, bool is_failed,
			const struct authn_params *p, const char *realm,
			int64_t now_us);
size_t authn_session_count(const struct authn_sessions *s);

/* --- nonce counts (authn_nonce_count.c) ----------------------------------- */

struct authn_nonces;
/** @param most Remembered at most: AUTHN_NONCES_MAX */
int authn_nonces_alloc(struct authn_nonces **np, size_t most);
struct authn_nonces *authn_nonces_free(struct authn_nonces *n);

/** It may be used soon: have its place brought into the cache */
void authn_nonce_ahead(const struct authn_nonces *n, struct text nonce);
/** Use a nonce of ours, with its count; 0: without one
 *  @return false if it was used so, or with a higher one, before */
bool authn_nonce_use(struct authn_nonces *n, struct text nonce, uint32_t nc,
		     int64_t boot_s, uint32_t expire_s);
size_t authn_nonce_count(const struct authn_nonces *n);

/* --- challenges (authn_challenge.c) --------------------------------------- */

void authn_challenge_print(struct authn_answer *answer,
			   const struct authn_params *p, const char *realm,
			   const char *nonce);

#endif
