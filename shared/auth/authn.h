/**
 * @file shared/auth/authn.h  Challenges, sessions and suspensions
 *
 * authentication.md 2 to 6, for sipd (INVITE and the rest) and regd
 * (REGISTER). Sessions and nonce counts are private and bounded; counters and
 * suspensions lie in shared memory, where each process writes its own slots
 * and reads the others': a limit counts all of them.
 */
#ifndef TANDEM_AUTH_AUTHN_H
#define TANDEM_AUTH_AUTHN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/auth/digest.h"
#include "shared/catalog/catalog.h"
#include "shared/shm/segment.h"

#define SUSPENDED_MAGIC   0x50535553 /* "SUSP" */
#define SUSPENDED_VERSION 1

enum {
	SUSPENDED_SLOT_SIZE = 192,
	AUTHN_USER_MAX = 64,
	AUTHN_HEADS_MAX = 2048,
};

struct authn;

/** Which counter (authentication 5) */
enum authn_counter {
	AUTHN_PASSWORD,
	AUTHN_REGISTER,
	AUTHN_COUNTERC
};
extern const char *const authn_counters[AUTHN_COUNTERC];

struct authn_args {
	/** "suspended" of this daemon, writable, and this worker's part,
	 * which are all alike and lie one behind the other; of the others what
	 * they let us read, all of it */
	const struct segment *own;
	uint32_t first, slotc;
	const struct segment *const *others;
	size_t otherc;
	/** Of each of others: slots of a part, that is of a worker; NULL:
	 *  each has one writer */
	const uint32_t *other_slotcs;
	uint8_t nonce_key[NONCE_KEY_SIZE]; /**< Outlives every process */
	uint32_t boot;                     /**< Of nonces: struct nonce_time */
};
int authn_alloc(struct authn **authnp, const struct authn_args *args);
struct authn *authn_free(struct authn *authn);

/** A request that has to be authenticated */
struct authn_request {
	struct text method;
	bool is_register;
	struct text uri; /**< Request-URI */
	struct text call_id;
	uint32_t cseq;
	const struct addr *source;
	const char *realm; /**< In force */
	/** Every Authorization and Proxy-Authorization value of it; those that
	 *  do not count by mode are left out here, not by the caller */
	const struct text *authorizations;
	size_t authorizationc;
	const struct text *proxy_authorizations;
	size_t proxy_authorizationc;
	struct text user; /**< Whom it claims to be without credentials:
			   *   of From or To */
};

/** Digests of a user; @return false: nobody has that name, or not for that
 *  realm. An unknown user takes the same time. */
typedef bool(authn_lookup_h)(struct text user, const char *realm,
			     enum digest_algorithm a,
			     uint8_t ha1[DIGEST_HA1_MAX], void *arg);

enum authn_verdict {
	AUTHN_ACCEPT,
	AUTHN_CHALLENGE, /**< code, heads */
	AUTHN_REFUSE,    /**< 403 */
	AUTHN_SUSPENDED, /**< 403 with retry_after_s */
	AUTHN_SILENCE,   /**< Nothing is sent; retry_after_s: suspended */
};
struct authn_answer {
	enum authn_verdict verdict;
	uint16_t code;          /**< 401, 407, 403 */
	uint32_t retry_after_s; /**< 0: none */
	bool is_failed; /**< A failed request: an offence of the source */
	bool is_stale;
	bool suspended_now; /**< Event terminal_suspended, by counter */
	enum authn_counter counter;
	uint32_t seconds;
	char user[AUTHN_USER_MAX + 1]; /**< As whom it was checked */
	size_t headc;                  /**< Bytes of heads */
	char heads[AUTHN_HEADS_MAX];   /**< Lines WWW-Authenticate, Proxy-.. */
};

/** Not for ip and ip_port gateways, nor for OPTIONS and what is within a
 *  dialog: those are never challenged.
 *
 *  @param boot_us clk_boot_us(), for sessions and nonces
 *  @param wall_us For suspensions */
void authn_check(struct authn *authn, const struct catalog *c,
		 const struct authn_request *request, authn_lookup_h *lookuph,
		 void *arg, int64_t boot_us, int64_t wall_us,
		 struct authn_answer *answer);

/** REGISTER's own counter (regd), for what authn_check() did not refuse
 *  itself: ok (200) clears both counters, otherwise (4xx, but for 423) one is
 *  counted. Verdict AUTHN_REFUSE, 403, if that suspends them, else
 *  AUTHN_ACCEPT: the answer stands as it was. */
void authn_register_result(struct authn *authn, const struct catalog *c,
			   struct text user, const struct addr *source,
			   bool ok, int64_t wall_us,
			   struct authn_answer *answer);

/** Seconds for which they are still suspended; 0: not */
uint32_t authn_suspended_s(const struct authn *authn, struct text user,
			   const struct addr *source, int64_t wall_us);

/** The usual lookup: phones, mapping and dynamic routing gateways of a
 *  catalog (arg) */
bool authn_lookup_catalog(struct text user, const char *realm,
			  enum digest_algorithm a, uint8_t ha1[DIGEST_HA1_MAX],
			  void *arg);

/** For suspended list and clear (regd's commands, over both segments) */
struct authn_suspension {
	char user[AUTHN_USER_MAX + 1];
	struct addr source;
	enum authn_counter counter;
	int64_t since_us, until_us; /**< Wall */
	uint32_t failures;
};
typedef void(authn_suspension_h)(const struct authn_suspension *s, void *arg);
void authn_list(const struct authn *authn, int64_t wall_us,
		authn_suspension_h *h, void *arg);
/** Clears what this process wrote; empty user or no source: any.
 *  @return how many had been suspended */
uint32_t authn_clear(struct authn *authn, struct text user,
		     const struct addr *source, int64_t wall_us);

/* --- client (authentication 7) -------------------------------------------- */

enum {
	AUTHN_REALMS_MAX = 4
};
/** What one leg was asked for so far; private memory, small */
struct authn_client {
	uint8_t repeats; /**< Requests repeated with credentials */
	uint8_t realmc;
	struct authn_client_realm {
		char realm[128];
		char nonce[256];
		char opaque[128];
		uint8_t algorithm; /**< enum digest_algorithm */
		bool has_qop;
		bool is_proxy; /**< Proxy-Authorization */
		uint32_t nc;
	} realms[AUTHN_REALMS_MAX];
};

struct authn_credentials {
	struct text user;
	struct text password; /**< Empty user: there are none */
};

/** Take in the challenges of a 401 or 407
 *  @return 0: repeat the request; EACCES: it has failed (asked again without
 *          stale, too many repeats, no algorithm we know) */
int authn_client_challenge(struct authn_client *client, const struct text *www,
			   size_t wwwc, const struct text *proxy,
			   size_t proxyc, uint32_t max_repeats);
/** Lines Authorization and Proxy-Authorization for the next request
 *  @return bytes written; 0: nothing was asked for, or it does not fit */
size_t authn_client_heads(struct authn_client *client,
			  const struct authn_credentials *credentials,
			  struct text method, struct text uri, char *dst,
			  size_t size);

#endif
