/**
 * @file test/unit/auth/test_client.c  Answers to those who ask us
 *
 * Section 7 of the specification's authentication, and its test 14.
 */
#include "shared/auth/authn.h"
#include "shared/auth/digest_parse.h"
#include "test/support/t.h"

#define CHALLENGE(realm, nonce, rest) \
	"Digest realm=\"" realm "\", nonce=\"" nonce "\"" rest
#define QOP   ", qop=\"auth\""
#define STALE ", stale=TRUE"

static const struct authn_credentials me = {
	.user = { "mufasa", 6 },
	.password = { "circle", 6 },
};

static char heads[AUTHN_HEADS_MAX];


static int challenge(struct authn_client *client, const char *www,
		     const char *proxy)
{
	const struct text w = text_of(www), p = text_of(proxy);

	return authn_client_challenge(client, &w, www ? 1 : 0, &p,
				      proxy ? 1 : 0, 6);
}


static size_t answer(struct authn_client *client)
{
	return authn_client_heads(client, &me, text_of("INVITE"),
				  text_of("sip:1@carrier"), heads,
				  sizeof(heads));
}


/* The value of the header that starts with this; the test fails if there is
 * none */
static struct digest_fields value_of(const char *head)
{
	const char *at = strstr(heads, head);
	struct digest_fields d;

	/* Authorization ends Proxy-Authorization too. */
	while (at && at > heads && at[-1] != '\n')
		at = strstr(at + 1, head);
	if (!at) {
		fail_msg("no %s", head);
		abort(); /* not reached, which the analyzer does not see */
	}
	at += strlen(head);
	assert_int_equal(digest_parse(&d,
				      (struct text){ at, strcspn(at, "\r") }),
			 0);

	return d;
}


static void check_response(const struct digest_fields *d,
			   enum digest_algorithm a)
{
	uint8_t ha1[DIGEST_HA1_MAX];
	char hex[DIGEST_HEX_SIZE];

	digest_ha1(ha1, a, me.user, d->realm, me.password);
	digest_response(hex, a, ha1, d->nonce, d->nc, d->cnonce, d->qop,
			text_of("INVITE"), text_of("sip:1@carrier"));
	assert_true(text_is(d->response, hex));
	assert_true(text_is(d->username, "mufasa"));
	assert_true(text_is(d->uri, "sip:1@carrier"));
}


/* Test 14: 407, then 401 */
static void a_proxy_and_then_the_server_are_answered(void **state)
{
	struct authn_client client = { 0 };
	struct digest_fields d;
	size_t l;
	(void)state;

	assert_int_equal(challenge(&client, NULL, CHALLENGE("c", "n1", QOP)),
			 0);
	l = answer(&client);
	assert_int_equal(l, strlen(heads));
	assert_null(strstr(heads, "\r\nAuthorization"));
	assert_ptr_equal(strstr(heads, "Proxy-Authorization: "), heads);
	d = value_of("Proxy-Authorization: ");
	assert_true(text_is(d.nc, "00000001"));
	check_response(&d, DIGEST_MD5);

	/* The server, by the same realm */
	assert_int_equal(challenge(&client,
				   CHALLENGE("c", "n2",
					     QOP ", algorithm=SHA-256"),
				   NULL),
			 0);
	assert_true(answer(&client) > 0);
	d = value_of("Proxy-Authorization: ");
	assert_true(text_is(d.nc, "00000002"));
	assert_true(text_is(d.nonce, "n1"));
	check_response(&d, DIGEST_MD5);
	d = value_of("Authorization: ");
	assert_true(text_is(d.nc, "00000001"));
	assert_true(text_is(d.nonce, "n2"));
	check_response(&d, DIGEST_SHA256);
	assert_int_equal(client.repeats, 2);
}


static void both_are_answered_if_both_are_asked(void **state)
{
	struct authn_client client = { 0 };
	struct digest_fields d;
	(void)state;

	assert_int_equal(challenge(&client, CHALLENGE("a", "n1", ""),
				   CHALLENGE("b", "n2", "")),
			 0);
	assert_true(answer(&client) > 0);
	d = value_of("Authorization: ");
	assert_true(text_is(d.realm, "a"));
	check_response(&d, DIGEST_MD5);
	d = value_of("Proxy-Authorization: ");
	assert_true(text_is(d.realm, "b"));
	assert_int_equal(client.repeats, 1);
}


static void the_first_algorithm_we_know_is_taken(void **state)
{
	static const struct {
		const char *values[3];
		int err;
		const char *nonce, *algorithm;
	} cases[] = {
		{ { CHALLENGE("r", "n1", ", algorithm=SHA-512-256"),
		    CHALLENGE("r", "n2", ", algorithm=SHA-256"),
		    CHALLENGE("r", "n3", ", algorithm=MD5") },
		  0,
		  "n2",
		  "SHA-256" },
		{ { CHALLENGE("r", "n1", ""),
		    CHALLENGE("r", "n2", ", algorithm=SHA-256"),
		    "Basic realm=\"r\"" },
		  0,
		  "n1",
		  "MD5" },
		{ { CHALLENGE("r", "n1", ", qop=\"auth-int\""),
		    CHALLENGE("r", "n2", ", qop=\"auth-int, auth\""),
		    "Digest nonsense" },
		  0,
		  "n2",
		  "MD5" },
		{ { "Basic realm=\"r\"",
		    CHALLENGE("r", "n2", ", algorithm=AKAv1-MD5"),
		    "Digest realm=\"r\"" },
		  EACCES,
		  NULL,
		  NULL },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authn_client client = { 0 };
		struct digest_fields d;
		struct text values[3];

		for (int n = 0; n < 3; n++)
			values[n] = text_of(cases[i].values[n]);
		assert_int_equal(authn_client_challenge(&client, values, 3,
							NULL, 0, 6),
				 cases[i].err);
		assert_int_equal(client.realmc, cases[i].err ? 0 : 1);
		if (cases[i].err)
			continue;
		assert_true(answer(&client) > 0);
		d = value_of("Authorization: ");
		assert_true(text_is(d.nonce, cases[i].nonce));
		assert_true(text_is(d.algorithm, cases[i].algorithm));
	}
}


static void asked_again_it_has_failed_unless_it_was_stale(void **state)
{
	struct authn_client client = { 0 };
	struct digest_fields d;
	(void)state;

	assert_int_equal(challenge(&client, CHALLENGE("r", "n1", QOP), NULL),
			 0);
	assert_true(answer(&client) > 0);
	assert_int_equal(challenge(&client, CHALLENGE("r", "n2", QOP STALE),
				   NULL),
			 0);
	assert_true(answer(&client) > 0);
	d = value_of("Authorization: ");
	assert_true(text_is(d.nonce, "n2"));
	assert_true(text_is(d.nc, "00000001"));
	assert_int_equal(challenge(&client, CHALLENGE("r", "n3", QOP), NULL),
			 EACCES);
	assert_int_equal(challenge(&client,
				   CHALLENGE("r", "n3", QOP ", stale=false"),
				   NULL),
			 EACCES);
	/* What has failed leaves no trace. */
	assert_int_equal(client.repeats, 2);
	assert_string_equal(client.realms[0].nonce, "n2");
}


static void repeats_are_bounded(void **state)
{
	struct authn_client client = { 0 };
	const struct text stale = text_of(CHALLENGE("r", "n", STALE));
	(void)state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(authn_client_challenge(&client, &stale, 1,
							NULL, 0, 3),
				 0);
	assert_int_equal(authn_client_challenge(&client, &stale, 1, NULL, 0,
						3),
			 EACCES);
}


static void realms_are_bounded(void **state)
{
	struct authn_client client = { 0 };
	char value[64];
	(void)state;

	for (int i = 0; i < 5; i++) {
		snprintf(value, sizeof(value), "Digest realm=r%d, nonce=n", i);
		assert_int_equal(challenge(&client, value, NULL),
				 i < AUTHN_REALMS_MAX ? 0 : EACCES);
	}
	assert_true(answer(&client) > 0);
}


static void a_nonce_that_is_reused_has_a_higher_count(void **state)
{
	struct authn_client client = { 0 };
	struct digest_fields d;
	char cnonce[32] = "";
	(void)state;

	assert_int_equal(challenge(&client,
				   CHALLENGE("r", "n",
					     QOP ", opaque=\"o\\\"p\""),
				   NULL),
			 0);
	for (unsigned i = 1; i < 20; i++) {
		char nc[16];

		assert_true(answer(&client) > 0);
		d = value_of("Authorization: ");
		snprintf(nc, sizeof(nc), "%08x", i);
		assert_true(text_is(d.nc, nc));
		assert_true(text_is(d.opaque, "o\\\"p"));
		assert_false(text_is(d.cnonce, cnonce));
		assert_int_equal(text_copy(cnonce, sizeof(cnonce), d.cnonce),
				 0);
		check_response(&d, DIGEST_MD5);
	}
}


static void without_qop_there_is_no_count(void **state)
{
	struct authn_client client = { 0 };
	(void)state;

	assert_int_equal(challenge(&client, CHALLENGE("r", "n", ""), NULL), 0);
	assert_true(answer(&client) > 0);
	assert_null(strstr(heads, "nc="));
	assert_null(strstr(heads, "qop"));
	assert_null(strstr(heads, "opaque"));
}


static void what_cannot_be_said_is_not_said(void **state)
{
	static const char *const bad[] = { "", "a\r\nVia: x", "a\x01" };
	struct authn_client client = { 0 };
	char shorts[AUTHN_HEADS_MAX];
	size_t l;
	(void)state;

	assert_int_equal(answer(&client), 0); /* nobody asked */
	assert_string_equal(heads, "");
	assert_int_equal(challenge(&client, CHALLENGE("r", "n", QOP),
				   CHALLENGE("p", "n", QOP)),
			 0);
	for (size_t i = 0; i < 3; i++) {
		const struct authn_credentials c = { .user = text_of(bad[i]) };

		assert_int_equal(authn_client_heads(&client, &c,
						    text_of("INVITE"),
						    text_of("sip:x"), heads,
						    sizeof(heads)),
				 0);
	}
	assert_int_equal(authn_client_heads(&client, &me, text_of("INVITE"),
					    text_of("sip:x\"\r\n"), heads,
					    sizeof(heads)),
			 0);
	l = answer(&client);
	assert_true(l > 0);
	for (size_t size = 0; size <= l; size++)
		assert_int_equal(authn_client_heads(&client, &me,
						    text_of("INVITE"),
						    text_of("sip:1@carrier"),
						    shorts, size),
				 0);
}


static void a_quote_in_a_user_name_is_escaped(void **state)
{
	const struct authn_credentials odd = { .user = text_of("a\"b\\c"),
					       .password = text_of("p") };
	struct authn_client client = { 0 };
	(void)state;

	assert_int_equal(challenge(&client, CHALLENGE("r", "n", ""), NULL), 0);
	assert_true(authn_client_heads(&client, &odd, text_of("INVITE"),
				       text_of("sip:x"), heads,
				       sizeof(heads)) > 0);
	assert_non_null(strstr(heads, "username=\"a\\\"b\\\\c\""));
}


static void what_is_too_long_to_keep_is_not_taken(void **state)
{
	struct authn_client client = { 0 };
	char value[512], nonce[300];
	(void)state;

	memset(nonce, 'n', sizeof(nonce));
	nonce[256] = '\0';
	snprintf(value, sizeof(value), "Digest realm=r, nonce=%s", nonce);
	assert_int_equal(challenge(&client, value, NULL), EACCES);
	nonce[255] = '\0';
	snprintf(value, sizeof(value), "Digest realm=r, nonce=%s", nonce);
	assert_int_equal(challenge(&client, value, NULL), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proxy_and_then_the_server_are_answered),
		cmocka_unit_test(both_are_answered_if_both_are_asked),
		cmocka_unit_test(the_first_algorithm_we_know_is_taken),
		cmocka_unit_test(
			asked_again_it_has_failed_unless_it_was_stale),
		cmocka_unit_test(repeats_are_bounded),
		cmocka_unit_test(realms_are_bounded),
		cmocka_unit_test(a_nonce_that_is_reused_has_a_higher_count),
		cmocka_unit_test(without_qop_there_is_no_count),
		cmocka_unit_test(what_cannot_be_said_is_not_said),
		cmocka_unit_test(a_quote_in_a_user_name_is_escaped),
		cmocka_unit_test(what_is_too_long_to_keep_is_not_taken),
	};

	return T_MAIN_ONLY(tests);
}
