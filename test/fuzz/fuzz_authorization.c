/**
 * @file test/fuzz/fuzz_authorization.c  Any credentials, any challenge
 *
 * The first byte says what kind of request it is; each line that follows is
 * the value of a header of it, where byte 1 stands for a nonce of ours and
 * byte 2 for the right response to it. Whoever does not send that response is
 * not accepted, whatever else is sent, and what we say to them can be read.
 * The same lines are then a carrier's challenges: what we answer is whole
 * lines. Meanwhile a phone elsewhere is served.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/auth/digest_parse.h"
#include "test/fuzz/fuzz_catalog.h"

#define REALM  "r.example"
#define NOW_US ((int64_t)1790000000 * 1000000)

enum {
	IS_INVITE = 1,
	IS_PROXY = 2,
	IS_OPEN = 4, /* a challenge went before */
	IS_TWICE = 8,
	VALUES_MAX = 12,
	SLOTC = 8,
	INPUT_MAX = 4096,
	EXPANDED_MAX = 3 * INPUT_MAX,
	NONCE_BYTE = 1,
	RESPONSE_BYTE = 2,
};

struct fuzz {
	const struct catalog *c;
	struct authn *authn;
	char nonce[NONCE_SIZE];
	bool has_response; /**< The right one is among the values */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const struct catalog *make_catalog(void)
{
	const struct catalog_control control = { .publication = 1 };
	struct good_part good[CATALOG_PARTC];
	struct part *parts[CATALOG_PARTC] = { NULL };
	struct catalog *c = NULL;
	char why[256] = "";
	int err;

	good_parts(good);
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		err = part_attach(&parts[i], i, good[i].bytes, good[i].size,
				  why, sizeof(why));
		assert(!err);
	}
	err = catalog_alloc(&c, &control, parts);
	assert(!err);

	return c;
}


/* The one user there is: 100, with the password "p" */
static bool find_user(struct text user, const char *realm,
		      enum digest_algorithm a, uint8_t ha1[DIGEST_HA1_MAX],
		      void *arg)
{
	(void)arg;

	digest_ha1(ha1, a, text_of("100"), text_of(realm), text_of("p"));

	return text_is(user, "100");
}


static struct authn_request request_of(bool is_invite,
				       const struct addr *source)
{
	return (struct authn_request){
		.method = text_of(is_invite ? "INVITE" : "REGISTER"),
		.is_register = !is_invite,
		.uri = text_of("sip:" REALM),
		.call_id = text_of("call"),
		.cseq = 1,
		.source = source,
		.realm = REALM,
		.user = text_of("100"),
	};
}


/* --- what we answer ------------------------------------------------------- */

/* Each line is one of these headers with a value that can be read.
 * @return how many */
static size_t check_lines(const char *heads, size_t headc, bool is_answer,
			  char nonce[NONCE_SIZE])
{
	static const char *const names[] = { "WWW-Authenticate",
					     "Proxy-Authenticate",
					     "Authorization",
					     "Proxy-Authorization" };
	struct text rest = { heads, headc };
	size_t n = 0;

	while (rest.l > 0) {
		struct text line, name, value;
		struct digest_fields d;
		bool known = false, whole;

		whole = text_cut(rest, '\n', &line, &rest);
		assert(whole && line.l > 0 && line.p[line.l - 1] == '\r');
		line.l--;
		whole = text_cut(line, ':', &name, &value);
		assert(whole);
		for (size_t i = is_answer ? 2 : 0; i < (is_answer ? 4 : 2);
		     i++)
			known = known || text_is(name, names[i]);
		assert(known);
		if (value.l <= DIGEST_VALUE_MAX) {
			assert(digest_parse(&d, value) == 0);
			assert(d.is_digest && d.nonce.l > 0);
			assert(is_answer || text_is(d.realm, REALM));
			if (nonce)
				(void)text_copy(nonce, NONCE_SIZE, d.nonce);
		}
		n++;
	}

	return n;
}


static void check_answer(struct fuzz *f, const struct authn_answer *a)
{
	assert(strlen(a->heads) == a->headc);
	if (a->verdict == AUTHN_CHALLENGE) {
		assert(a->code == 401 || a->code == 407);
		assert(check_lines(a->heads, a->headc, false, f->nonce) == 2);
	}
	else {
		assert(a->headc == 0);
	}
	if (a->verdict == AUTHN_ACCEPT)
		assert(f->has_response && !a->is_failed && !a->suspended_now);
	if (a->verdict == AUTHN_REFUSE)
		assert(a->code == 403);
	assert(!a->suspended_now || a->verdict == AUTHN_REFUSE);
}


/* --- what we are sent ----------------------------------------------------- */

static const char *right_response(const struct fuzz *f, bool is_invite,
				  char hex[DIGEST_HEX_SIZE])
{
	uint8_t ha1[DIGEST_HA1_MAX];

	(void)find_user(text_of("100"), REALM, DIGEST_SHA256, ha1, NULL);
	digest_response(hex, DIGEST_SHA256, ha1, text_of(f->nonce),
			text_of("00000001"), text_of("c"), text_of("auth"),
			text_of(is_invite ? "INVITE" : "REGISTER"),
			text_of("sip:" REALM));

	return hex;
}


static size_t expand(struct fuzz *f, bool is_invite, char *dst,
		     const uint8_t *data, size_t size)
{
	char hex[DIGEST_HEX_SIZE];
	size_t l = 0;

	f->has_response = false;
	for (size_t i = 0; i < size && l + DIGEST_HEX_SIZE < EXPANDED_MAX;
	     i++) {
		const char *piece = NULL;

		if (data[i] == NONCE_BYTE)
			piece = f->nonce;
		if (data[i] == RESPONSE_BYTE) {
			piece = right_response(f, is_invite, hex);
			f->has_response = true;
		}
		if (!piece) {
			dst[l++] = (char)data[i];
			continue;
		}
		for (; *piece; piece++)
			dst[l++] = *piece;
	}

	return l;
}


static size_t split(struct text values[VALUES_MAX], struct text t)
{
	size_t n = 0;

	while (t.l > 0 && n < VALUES_MAX)
		(void)text_cut(t, '\n', &values[n++], &t);

	return n;
}


static void ask(struct fuzz *f, unsigned flags, const uint8_t *data,
		size_t size)
{
	const struct addr source = { .ip = { 192, 0, 2, 7 },
				     .family = AF_INET };
	const bool is_invite = flags & IS_INVITE;
	struct authn_request request = request_of(is_invite, &source);
	struct text values[VALUES_MAX];
	struct authn_answer answer;
	char text[EXPANDED_MAX];
	size_t valuec;

	if (flags & IS_OPEN) {
		authn_check(f->authn, f->c, &request, find_user, NULL, 1000,
			    NOW_US, &answer);
		f->has_response = false;
		check_answer(f, &answer);
	}
	valuec = split(values, (struct text){ text, expand(f, is_invite, text,
							   data, size) });
	request.authorizations = values;
	request.authorizationc = flags & IS_PROXY ? 0 : valuec;
	request.proxy_authorizations = values;
	request.proxy_authorizationc = flags & IS_PROXY ? valuec : 0;
	for (int i = 0; i < (flags & IS_TWICE ? 2 : 1); i++) {
		authn_check(f->authn, f->c, &request, find_user, NULL, 1000,
			    NOW_US, &answer);
		check_answer(f, &answer);
		f->has_response = false; /* a nonce count is good once */
	}
}


/* Another source: challenged, then accepted, by our own client */
static void serve_phone(const struct fuzz *f)
{
	static const struct authn_credentials credentials = {
		.user = { "100", 3 },
		.password = { "p", 1 },
	};
	const struct addr source = { .ip = { 192, 0, 2, 8 },
				     .family = AF_INET };
	struct authn_request request = request_of(false, &source);
	struct authn_client client = { 0 };
	struct authn_answer answer;
	char line[AUTHN_HEADS_MAX];
	struct text value, rest;
	size_t n;

	authn_check(f->authn, f->c, &request, find_user, NULL, 2000, NOW_US,
		    &answer);
	assert(answer.verdict == AUTHN_CHALLENGE);
	(void)text_cut(text_of(answer.heads), '\r', &value, &rest);
	(void)text_cut(value, ':', &rest, &value);
	assert(authn_client_challenge(&client, &value, 1, NULL, 0, 1) == 0);
	n = authn_client_heads(&client, &credentials, request.method,
			       request.uri, line, sizeof(line));
	assert(check_lines(line, n, true, NULL) == 1);
	(void)text_cut((struct text){ line, n - 2 }, ':', &rest, &value);
	request.authorizations = &value;
	request.authorizationc = 1;
	authn_check(f->authn, f->c, &request, find_user, NULL, 3000, NOW_US,
		    &answer);
	assert(answer.verdict == AUTHN_ACCEPT);
}


static void be_asked(unsigned flags, const uint8_t *data, size_t size)
{
	static const struct authn_credentials credentials = {
		.user = { "u\"", 2 },
		.password = { "p", 1 },
	};
	struct text values[VALUES_MAX];
	struct authn_client client = { 0 };
	char heads[AUTHN_HEADS_MAX];
	const size_t valuec = split(values,
				    (struct text){ (const char *)data, size });
	const bool is_proxy = flags & IS_PROXY;

	for (uint8_t i = 0; i < 3; i++) {
		const int err = authn_client_challenge(&client, values,
						       is_proxy ? 0 : valuec,
						       values,
						       is_proxy ? valuec : 0,
						       2);
		size_t n;

		assert(client.repeats == (err ? client.repeats : i + 1));
		assert(i < 2 || err);
		n = authn_client_heads(&client, &credentials,
				       text_of("INVITE"), text_of("sip:x"),
				       heads, sizeof(heads));
		assert(n == strlen(heads));
		assert(n == 0 ||
		       check_lines(heads, n, true, NULL) == client.realmc);
	}
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct catalog *c; /* the same each time */
	static uint8_t slots[SLOTC * SUSPENDED_SLOT_SIZE]
		__attribute__((aligned(64)));
	const struct segment segment = { .slots = slots,
					 .size = sizeof(slots),
					 .slot_size = SUSPENDED_SLOT_SIZE,
					 .slotc = SLOTC,
					 .writable = true };
	const struct authn_args args = { .own = &segment,
					 .slotc = SLOTC,
					 .nonce_key = { 1 } };
	struct fuzz f = { 0 };
	int err;

	if (!c)
		c = make_catalog();
	if (size < 1 || size > INPUT_MAX)
		return 0;

	f.c = c;
	memset(slots, 0, sizeof(slots));
	err = authn_alloc(&f.authn, &args);
	assert(!err);
	ask(&f, data[0], data + 1, size - 1);
	serve_phone(&f);
	be_asked(data[0], data + 1, size - 1);
	authn_free(f.authn);

	return 0;
}
