/**
 * @file shared/auth/authn.c  Checks: who is it, and what is answered
 *
 * A request is first weighed without its digest (is its terminal suspended,
 * is it known), then it becomes an event of its session, whose row says what
 * is answered, then what failed is counted, which may suspend.
 *
 * Whether a user exists shows neither in the answer nor in the time it takes:
 * of an unknown one the digest is computed from a secret of ours.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn_int.h"
#include "shared/base/id.h"
#include "shared/base/secret.h"
#include "shared/base/util.h"

enum {
	CODE_WWW = 401,
	CODE_PROXY = 407,
	CODE_FORBIDDEN = 403,
	NC_DIGITS = 8,
	ALL_COUNTERS = (1 << AUTHN_COUNTERC) - 1,
	/* Values of one request that are looked at; more are nobody's need. */
	VALUES_MAX = 8,
};

#define SECOND_US 1000000

const char *const authn_counters[AUTHN_COUNTERC] = {
	[AUTHN_PASSWORD] = "password",
	[AUTHN_REGISTER] = "register",
};

/* clang-format off */
static const struct {
	enum param limit, seconds;
} limits[AUTHN_COUNTERC] = {
	[AUTHN_PASSWORD] = { SS_AUTHENTICATION_MAX_RETRY, SS_AUTHENTICATION_FAILED_SUSPEND },
	[AUTHN_REGISTER] = { SS_ENDPOINT_REGISTER_RETRY,  SS_ENDPOINT_REGISTER_SUSPEND },
};
/* clang-format on */

struct authn {
	struct nonce_key nonce_key;
	uint8_t nobody[DIGEST_HA1_MAX]; /**< Secret: HA1 of unknown users */
	uint32_t boot;
	struct authn_sessions *sessions;
	struct authn_nonces *nonces;
	struct suspended *suspended;
};


int authn_alloc(struct authn **authnp, const struct authn_args *args)
{
	struct authn *authn = calloc(1, sizeof(*authn));
	int err;

	if (!authn)
		return ENOMEM;

	nonce_key_set(&authn->nonce_key, args->nonce_key);
	authn->boot = args->boot;
	id_random(authn->nobody, sizeof(authn->nobody));
	err = authn_sessions_alloc(&authn->sessions);
	if (!err)
		err = authn_nonces_alloc(&authn->nonces, AUTHN_NONCES_MAX);
	if (!err)
		err = suspended_alloc(&authn->suspended, args);
	if (err) {
		authn_free(authn);
		return err;
	}
	*authnp = authn;

	return 0;
}


struct authn *authn_free(struct authn *authn)
{
	if (authn) {
		authn_sessions_free(authn->sessions);
		authn_nonces_free(authn->nonces);
		suspended_free(authn->suspended);
		secret_wipe(authn, sizeof(*authn));
		free(authn);
	}

	return NULL;
}


/* --- parameters ----------------------------------------------------------- */

/* SS_AUTHCHALLENGEMODE is "1 2 3", so its number is one less; the code "401
 * 407" and the algorithms "both MD5 SHA-256" are indexes too. */
void authn_params_read(struct authn_params *p, const struct catalog *c,
		       bool is_register)
{
	static const uint16_t codes[] = { CODE_WWW, CODE_PROXY };
	static const uint8_t offers[] = {
		1u << DIGEST_MD5 | 1u << DIGEST_SHA256,
		1u << DIGEST_MD5,
		1u << DIGEST_SHA256,
	};
	const size_t mode = (size_t)catalog_int(c, SS_AUTHCHALLENGEMODE);
	const size_t code = (size_t)catalog_int(c, SS_SIP_AUTHENTICATION_CODE);
	const size_t offer =
		(size_t)catalog_int(c, SS_SIP_AUTHENTICATION_ALGORITHM);

	assert(mode < 3 && code < COUNT_OF(codes) && offer < COUNT_OF(offers));
	p->mode = (uint8_t)(mode + 1);
	p->offer = offers[offer];
	p->code = is_register ? CODE_WWW : CODE_PROXY;
	if (p->mode == 1)
		p->code = CODE_WWW;
	if (p->mode == 2 && is_register)
		p->code = codes[code];
	p->expire_s =
		(uint32_t)catalog_int(c, SS_SIP_AUTHENTICATION_NONCE_EXPIRE);
	p->retry = (uint32_t)catalog_int(c, SS_SIP_AUTHENTICATION_RETRY);
	p->timeout_s = (uint32_t)catalog_int(c, SS_SIP_AUTHENTICATION_TIMEOUT);
}


/* --- credentials ---------------------------------------------------------- */

/** What a request came with, of the header fields that count */
struct credentials {
	bool is_given;
	bool is_malformed; /**< Nothing could be read */
	struct digest_fields fields;
	char user[AUTHN_USER_MAX + 1]; /**< "": too long for any user */
};

/** A request on its way through here */
struct check {
	struct authn *authn;
	const struct authn_request *request;
	authn_lookup_h *lookuph;
	void *arg;
	int64_t boot_us, wall_us;
	struct authn_params params; /**< Of the session, or those of now */
	const char *realm;
	struct credentials credentials;
};


/* @return is it for our realm? */
static bool take_value(struct credentials *c, struct text value,
		       struct text realm)
{
	struct digest_fields d;

	if (digest_parse(&d, value)) {
		c->is_malformed = c->is_malformed || !c->is_given;
		c->is_given = true;
		return false;
	}
	if (!d.is_digest)
		return false;
	if (!c->is_given || c->is_malformed ||
	    digest_text_is(d.realm, realm)) {
		c->is_given = true;
		c->is_malformed = false;
		c->fields = d;
	}

	return digest_text_is(d.realm, realm);
}


/* The first for our realm, else the first: a request may carry credentials
 * for others on its way. */
static void take_credentials(struct check *k)
{
	const struct authn_request *r = k->request;
	const struct text realm = text_of(k->realm);
	struct credentials *c = &k->credentials;
	const bool both = k->params.mode == 3;
	bool is_ours = false;

	memset(c, 0, sizeof(*c));
	if (both || k->params.code == CODE_WWW)
		for (size_t i = 0;
		     i < r->authorizationc && i < VALUES_MAX && !is_ours; i++)
			is_ours = take_value(c, r->authorizations[i], realm);
	if (both || k->params.code == CODE_PROXY)
		for (size_t i = 0;
		     i < r->proxy_authorizationc && i < VALUES_MAX && !is_ours;
		     i++)
			is_ours = take_value(c, r->proxy_authorizations[i],
					     realm);
	if (c->is_given && !c->is_malformed)
		(void)digest_text_copy(c->user, sizeof(c->user),
				       c->fields.username);
}


/* Eight hex digits (RFC 7616 3.4), from 1 on; 0: none */
static uint32_t take_count(struct text nc)
{
	uint8_t bytes[NC_DIGITS / 2];
	size_t l;

	if (nc.l != NC_DIGITS || text_unhex(bytes, sizeof(bytes), &l, nc))
		return 0;

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}


/* All but the digest: realm, user, URI, and what belongs to qop */
static bool is_consistent(const struct check *k, enum digest_algorithm a)
{
	const struct digest_fields *d = &k->credentials.fields;
	const struct authn_request *r = k->request;

	if (!(k->params.offer & 1u << a) || !k->credentials.user[0])
		return false;
	if (d->has_qop && (!text_is_nocase(d->qop, "auth") ||
			   d->cnonce.l == 0 || take_count(d->nc) == 0))
		return false;
	/* The To user decides whose REGISTER it is (authentication 1). */
	if (r->is_register && !text_is(r->user, k->credentials.user))
		return false;

	return digest_text_is(d->realm, text_of(k->realm)) &&
	       digest_uri_same(d->uri, r->uri);
}


/* It takes the same steps whatever is wrong. */
static bool is_right(struct check *k)
{
	const struct digest_fields *d = &k->credentials.fields;
	const enum digest_algorithm given = digest_algorithm_find(
		d->algorithm);
	const enum digest_algorithm a = given == DIGEST_NONE ? DIGEST_SHA256
							     : given;
	const bool consistent = is_consistent(k, given);
	uint8_t ha1[DIGEST_HA1_MAX];
	char hex[DIGEST_HEX_SIZE];
	bool known, equal;

	memcpy(ha1, k->authn->nobody, sizeof(ha1));
	known = k->lookuph(text_of(k->credentials.user), k->realm, a, ha1,
			   k->arg);
	if (!known)
		memcpy(ha1, k->authn->nobody, sizeof(ha1));
	digest_response(hex, a, ha1, d->nonce, d->nc, d->cnonce, d->qop,
			k->request->method, d->uri);
	secret_wipe(ha1, sizeof(ha1));
	equal = digest_equal(d->response, hex);

	return consistent && known && equal;
}


static struct nonce_time time_of(const struct check *k)
{
	return (struct nonce_time){ k->authn->boot, k->boot_us / SECOND_US };
}


static enum authn_event judge(struct check *k, uint32_t failed)
{
	const enum authn_event ev_failed = failed + 1 < k->params.retry
						   ? AUTHN_EV_FAILED
						   : AUTHN_EV_LAST;
	const struct digest_fields *d = &k->credentials.fields;
	const struct nonce_time now = time_of(k);
	enum nonce_verdict nonce;

	if (!k->credentials.is_given)
		return AUTHN_EV_BARE;
	if (k->credentials.is_malformed)
		return ev_failed;
	authn_nonce_ahead(k->authn->nonces, d->nonce);
	nonce = nonce_check(d->nonce, &k->authn->nonce_key, k->request->source,
			    now, k->params.expire_s);
	if (nonce == NONCE_FOREIGN)
		return AUTHN_EV_BARE;
	if (!is_right(k))
		return ev_failed;
	if (nonce == NONCE_EXPIRED ||
	    !authn_nonce_use(k->authn->nonces, d->nonce,
			     d->has_qop ? take_count(d->nc) : 0, now.boot_s,
			     k->params.expire_s))
		return AUTHN_EV_STALE;

	return AUTHN_EV_RIGHT;
}


/* --- suspension ----------------------------------------------------------- */

/* @param counted Bit per counter that this request counts for */
static void count(struct authn *authn, const struct catalog *c,
		  const struct suspended_key *key, unsigned counted,
		  int64_t wall_us, struct authn_answer *answer)
{
	struct suspended_limit of[AUTHN_COUNTERC] = { { 0 } };
	unsigned reached;

	for (size_t i = 0; i < AUTHN_COUNTERC; i++)
		if (counted & 1u << i) {
			of[i].failures =
				(uint32_t)catalog_int(c, limits[i].limit);
			of[i].seconds =
				(uint32_t)catalog_int(c, limits[i].seconds);
		}
	reached = suspended_count(authn->suspended, key, of, wall_us);
	if (!reached)
		return;

	answer->verdict = AUTHN_REFUSE;
	answer->code = CODE_FORBIDDEN;
	answer->is_stale = false;
	answer->suspended_now = true;
	for (size_t i = 0; i < AUTHN_COUNTERC; i++)
		if (reached & 1u << i && of[i].seconds > answer->seconds) {
			answer->counter = (enum authn_counter)i;
			answer->seconds = of[i].seconds;
		}
}


/* The row of 5 for an event of 4: a success is of both counters, but a
 * REGISTER succeeds when it is answered 200. */
static void count_event(struct check *k, const struct catalog *c,
			enum authn_event event,
			const struct suspended_key *key,
			struct authn_answer *answer)
{
	const bool failed = event == AUTHN_EV_FAILED || event == AUTHN_EV_LAST;
	const bool is_register = k->request->is_register;
	unsigned counted = 0;

	answer->is_failed = failed;
	if (event == AUTHN_EV_RIGHT)
		suspended_success(k->authn->suspended, key,
				  is_register ? 1u << AUTHN_PASSWORD
					      : ALL_COUNTERS,
				  k->wall_us);
	if (failed)
		counted |= 1u << AUTHN_PASSWORD;
	if (is_register && (failed || event == AUTHN_EV_CREDENTIALS))
		counted |= 1u << AUTHN_REGISTER;
	if (counted)
		count(k->authn, c, key, counted, k->wall_us, answer);
}


/* --- a request ------------------------------------------------------------ */

static void answer_init(struct authn_answer *answer, struct text user)
{
	memset(answer, 0, offsetof(struct authn_answer, heads));
	answer->heads[0] = '\0';
	if (user.l > AUTHN_USER_MAX)
		user.l = AUTHN_USER_MAX;
	(void)text_copy(answer->user, sizeof(answer->user), user);
}


/* Whose record it is: by the credentials, else as it says. That of a REGISTER
 * is To's. */
static struct text terminal_of(const struct check *k)
{
	return k->credentials.user[0] ? text_of(k->credentials.user)
				      : k->request->user;
}


static void key_set(struct suspended_key *key, const struct check *k,
		    struct text user)
{
	suspended_key_set(key, k->authn->suspended, user, k->request->source);
	suspended_ahead(k->authn->suspended, key);
}


/* Suspended, or a stranger when we do not speak to strangers
 * @return is that the answer? */
static bool is_turned_away(struct check *k, const struct catalog *c,
			   const struct suspended_key *key,
			   struct authn_answer *answer)
{
	const bool replies = catalog_int(c, SS_REPLY_UNAUTHORIZED) != 0;
	const uint32_t left_s = suspended_left_s(k->authn->suspended, key,
						 k->wall_us);
	uint8_t ha1[DIGEST_HA1_MAX];
	bool is_known = true;

	if (left_s > 0) {
		answer->verdict = replies ? AUTHN_SUSPENDED : AUTHN_SILENCE;
		answer->code = replies ? CODE_FORBIDDEN : 0;
		answer->retry_after_s = left_s;
		return true;
	}
	if (!replies && k->request->is_register) {
		is_known = k->lookuph(k->request->user, k->realm, DIGEST_MD5,
				      ha1, k->arg);
		secret_wipe(ha1, sizeof(ha1));
		answer->verdict = is_known ? answer->verdict : AUTHN_SILENCE;
	}

	return !is_known;
}


static void challenge(const struct check *k, struct authn_answer *answer)
{
	char nonce[NONCE_SIZE];

	answer->code = k->params.code;
	nonce_make(nonce, &k->authn->nonce_key, k->request->source,
		   time_of(k));
	authn_challenge_print(answer, &k->params, k->realm, nonce);
}


/* The parameters of a session are those of its first challenge; one that is
 * closed is over when there are no credentials. */
static enum authn_state begin(struct check *k, const struct catalog *c,
			      const struct authn_session_key *key,
			      uint32_t *failedp, int64_t now_us)
{
	const struct authn_session *session;
	const enum authn_state state =
		authn_session_find(k->authn->sessions, &session, key, now_us);

	authn_params_read(&k->params, c, k->request->is_register);
	k->realm = k->request->realm;
	*failedp = 0;
	if (session) {
		k->params = session->params;
		k->realm = session->realm;
		*failedp = session->failed;
	}
	take_credentials(k);
	if (state == AUTHN_CLOSED && !k->credentials.is_given) {
		authn_params_read(&k->params, c, k->request->is_register);
		k->realm = k->request->realm;
		*failedp = 0;
	}

	return state;
}


static void act(struct check *k, const struct catalog *c,
		const struct authn_session_key *session_key,
		enum authn_state state, enum authn_event event,
		const struct suspended_key *key, int64_t now_us,
		struct authn_answer *answer)
{
	const struct authn_row *row = &authn_rows[state][event];
	enum authn_state next = row->next;

	assert(row->exists);
	answer->verdict = row->verdict;
	answer->is_stale = row->is_stale;
	if (row->verdict == AUTHN_REFUSE)
		answer->code = CODE_FORBIDDEN;
	count_event(k, c, event, key, answer);
	if (answer->suspended_now)
		next = AUTHN_CLOSED; /* it was answered 403 */
	if (answer->verdict == AUTHN_CHALLENGE)
		challenge(k, answer);

	/* Last: k->realm may be the session's. */
	authn_session_move(k->authn->sessions, session_key, next,
			   answer->is_failed, &k->params, k->realm, now_us);
}


void authn_check(struct authn *authn, const struct catalog *c,
		 const struct authn_request *request, authn_lookup_h *lookuph,
		 void *arg, int64_t boot_us, int64_t wall_us,
		 struct authn_answer *answer)
{
	struct check k = {
		.authn = authn,
		.request = request,
		.lookuph = lookuph,
		.arg = arg,
		.boot_us = boot_us,
		.wall_us = wall_us,
	};
	struct authn_session_key session_key;
	struct text user = request->user;
	struct suspended_key key;
	enum authn_state state;
	enum authn_event event;
	uint32_t failed;

	/* Whose REGISTER it is does not hang on what it comes with. */
	if (request->is_register)
		key_set(&key, &k, user);
	authn_session_key_set(&session_key, authn->sessions, request->method,
			      request->call_id, request->source);
	state = begin(&k, c, &session_key, &failed, boot_us);
	if (!request->is_register) {
		user = terminal_of(&k);
		key_set(&key, &k, user);
	}
	answer_init(answer, user);
	if (is_turned_away(&k, c, &key, answer))
		return;

	event = state == AUTHN_CLOSED && k.credentials.is_given
			? AUTHN_EV_CREDENTIALS
			: judge(&k, failed);
	act(&k, c, &session_key, state, event, &key, boot_us, answer);
}


/* --- the rest ------------------------------------------------------------- */

void authn_register_result(struct authn *authn, const struct catalog *c,
			   struct text user, const struct addr *source,
			   bool ok, int64_t wall_us,
			   struct authn_answer *answer)
{
	struct suspended_key key;

	answer_init(answer, user);
	suspended_key_set(&key, authn->suspended, user, source);
	if (!ok) {
		count(authn, c, &key, 1u << AUTHN_REGISTER, wall_us, answer);
		return;
	}
	suspended_success(authn->suspended, &key, ALL_COUNTERS, wall_us);
}


uint32_t authn_suspended_s(const struct authn *authn, struct text user,
			   const struct addr *source, int64_t wall_us)
{
	struct suspended_key key;

	suspended_key_set(&key, authn->suspended, user, source);

	return suspended_left_s(authn->suspended, &key, wall_us);
}


void authn_list(const struct authn *authn, int64_t wall_us,
		authn_suspension_h *h, void *arg)
{
	suspended_list(authn->suspended, wall_us, h, arg);
}


uint32_t authn_clear(struct authn *authn, struct text user,
		     const struct addr *source, int64_t wall_us)
{
	return suspended_clear(authn->suspended, user, source, wall_us);
}
