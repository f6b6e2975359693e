/**
 * @file test/unit/auth/auth_rig.c  A switch that is asked who somebody is
 */
#include "test/unit/auth/auth_rig.h"
#include "shared/auth/secret.h"

#define SECOND_US ((int64_t)1000000)

static const uint8_t key[NONCE_KEY_SIZE] = "a key that outlives processes";

static const struct {
	enum record_kind kind;
	uint32_t id;
	const char *user;
	const char *pairs[8];
} users[] = {
	{ RECORD_PHONE, 1, "100", { "number", "100", "account", "1" } },
	{ RECORD_PHONE,
	  2,
	  "200",
	  { "number", "200", "account", "1", "enabled", "Off" } },
	{ RECORD_MAPPING,
	  3,
	  "trunk",
	  { "name", "pbx", "account", "1", "auth_mode", "password", "username",
	    "trunk" } },
	{ RECORD_ROUTING,
	  4,
	  "dyn",
	  { "name", "dyn", "type", "dynamic", "username", "dyn" } },
};


static int put_users(struct auth_rig *r, struct build *b)
{
	const char *const realms[] = { "other.example", REALM };
	int err = rig_row(&r->rig, b, RECORD_ACCOUNT, 1, "name", "a", NULL);

	for (size_t i = 0; i < COUNT_OF(users) && !err; i++) {
		const char *const *p = users[i].pairs;
		char *ha1;

		err = secret_ha1(&ha1, users[i].user, "secret", realms, 2);
		if (err)
			return err;
		err = rig_row(&r->rig, b, users[i].kind, users[i].id, "ha1",
			      ha1, p[0], p[1], p[2], p[3], p[4], p[5], p[6],
			      p[7], NULL);
		free(ha1);
	}

	return err;
}


static int publish(struct auth_rig *r, struct build *b)
{
	const int err = rig_publish(&r->rig, b, ++r->version);

	if (err)
		return err;
	if (r->c)
		catalog_unpin(r->rig.reader, r->c);
	r->c = catalog_pin(r->rig.reader);

	return r->c ? 0 : ENOMEM;
}


static int open_catalog(struct auth_rig *r, const char *what)
{
	struct build *b = NULL;
	int err = rig_open(&r->rig, what);

	if (!err)
		err = build_alloc(&b, NULL);
	if (!err)
		err = put_users(r, b);
	if (err) {
		build_free(b);
		return err;
	}

	return publish(r, b);
}


static int make_segment(struct segment *segment, bool writable)
{
	memset(segment, 0, sizeof(*segment));
	segment->slot_size = SUSPENDED_SLOT_SIZE;
	segment->slotc = RIG_SLOTC;
	segment->size = (size_t)RIG_SLOTC * SUSPENDED_SLOT_SIZE;
	segment->slots = calloc(RIG_SLOTC, SUSPENDED_SLOT_SIZE);
	segment->writable = writable;

	return segment->slots ? 0 : ENOMEM;
}


static int make_authn(struct authn **authnp, const struct segment *own,
		      const struct segment *other)
{
	const struct segment *const others[] = { other };
	struct authn_args args = {
		.own = own,
		.first = 0,
		.slotc = own->slotc,
		.others = others,
		.otherc = 1,
	};

	memcpy(args.nonce_key, key, sizeof(args.nonce_key));

	return authn_alloc(authnp, &args);
}


int auth_again(struct auth_rig *r)
{
	r->authn = authn_free(r->authn);

	return make_authn(&r->authn, &r->own, &r->other);
}


int auth_peer(struct auth_rig *r, struct authn **peerp)
{
	return make_authn(peerp, &r->other, &r->own);
}


int auth_rig_open(struct auth_rig *r, const char *what)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = open_catalog(r, what);
	if (!err)
		err = make_segment(&r->own, true);
	if (!err)
		err = make_segment(&r->other, true);
	if (!err)
		err = auth_again(r);

	return err;
}


void auth_rig_close(struct auth_rig *r)
{
	r->authn = authn_free(r->authn);
	if (r->c)
		catalog_unpin(r->rig.reader, r->c);
	free(r->own.slots);
	free(r->other.slots);
	rig_close(&r->rig);
}


void auth_set(struct auth_rig *r, enum param param, const char *value)
{
	char why[BUILD_WHY_MAX] = "";
	struct build *b = NULL;

	assert_int_equal(rig_begin(&r->rig, &b), 0);
	if (build_param(b, param, value, why))
		fail_msg("%s", why);
	assert_int_equal(publish(r, b), 0);
}


void turn_s(struct auth_rig *r, int64_t seconds)
{
	r->now_us += seconds * SECOND_US;
}


int64_t wall_us(const struct auth_rig *r)
{
	return (int64_t)START_S * SECOND_US + r->now_us + r->stepped_us;
}


struct addr addr_at(const char *s)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(s)), 0);

	return addr;
}


size_t heads_have(const struct auth_rig *r, const char *text)
{
	const char *at = r->answer.heads;
	size_t n = 0;

	while ((at = strstr(at, text)) != NULL) {
		n++;
		at++;
	}

	return n;
}


/* --- requests ------------------------------------------------------------- */

static const char * or (const char *s, const char *usual)
{
	return s ? s : usual;
}


static void print_value(const struct auth_rig *r, const struct ask *a,
			char *dst, size_t size)
{
	const char *user = or (a->user, or (a->claimed, "100"));
	const char *realm = or (a->realm, REALM);
	const char *uri = or (a->uri, "sip:" REALM);
	const char *nonce = or (a->nonce, r->nonce);
	const enum digest_algorithm alg = a->md5 || a->no_algorithm
						  ? DIGEST_MD5
						  : DIGEST_SHA256;
	char hex[DIGEST_HEX_SIZE], nc[16], tail[128] = "";
	uint8_t ha1[DIGEST_HA1_MAX];

	snprintf(nc, sizeof(nc), "%08x", a->nc ? a->nc : 1);
	digest_ha1(ha1, alg, text_of(user), text_of(realm),
		   text_of(or (a->password, "secret")));
	digest_response(hex, alg, ha1, text_of(nonce), text_of(nc),
			text_of("c0"), text_of(a->old_form ? "" : "auth"),
			text_of(or (a->method, "REGISTER")), text_of(uri));
	if (!a->old_form)
		snprintf(tail, sizeof(tail),
			 ", qop=auth, nc=%s, cnonce=\"c0\"", nc);
	snprintf(dst, size,
		 "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
		 "uri=\"%s\", response=\"%s\"%s%s%s",
		 user, realm, nonce, uri, hex,
		 a->no_algorithm ? "" : ", algorithm=",
		 a->no_algorithm ? "" : digest_algorithm_name(alg), tail);
}


static void take_nonce(struct auth_rig *r)
{
	const char *at = strstr(r->answer.heads, "nonce=\"");

	if (at)
		(void)text_copy(r->nonce, sizeof(r->nonce),
				(struct text){ at + 7,
					       strcspn(at + 7, "\"") });
}


enum authn_verdict ask_at(struct auth_rig *r, struct authn *authn,
			  const struct ask *a)
{
	const struct addr source = addr_at(or (a->source, "192.0.2.7:5060"));
	struct authn_request request = {
		.method = text_of(or (a->method, "REGISTER")),
		.is_register = !a->method ||
			       strcmp(a->method, "REGISTER") == 0,
		.uri = text_of("sip:" REALM),
		.call_id = text_of(or (a->call_id, "call")),
		.cseq = ++r->asked,
		.source = &source,
		.realm = REALM,
		.user = text_of(or (a->claimed, "100")),
	};
	char value[2048];
	struct text text;

	if (a->extra)
		snprintf(value, sizeof(value), "%s", a->extra);
	else
		print_value(r, a, value, sizeof(value));
	text = text_of(value);
	if (a->proxy) {
		request.proxy_authorizations = &text;
		request.proxy_authorizationc = a->bare ? 0 : 1;
	}
	else {
		request.authorizations = &text;
		request.authorizationc = a->bare ? 0 : 1;
	}
	authn_check(authn, r->c, &request, authn_lookup_catalog, unconst(r->c),
		    r->now_us, wall_us(r), &r->answer);
	take_nonce(r);

	return r->answer.verdict;
}


enum authn_verdict ask(struct auth_rig *r, const struct ask *a)
{
	return ask_at(r, r->authn, a);
}
