/**
 * @file test/unit/sipd/test_trace_mask.c  Secrets of a message
 */
#include "sipd/trace.h"
#include "test/support/t.h"

#define MSG "INVITE sip:1@h SIP/2.0\r\n"


static void check(const char *in, const char *want)
{
	const size_t len = strlen(in);
	char *data = malloc(len + 1); /* so that asan sees the end */

	assert_non_null(data);
	assert_int_equal(strlen(want), len);
	memcpy(data, in, len + 1);
	trace_mask(data, len);
	assert_string_equal(data, want);
	free(data);
}


static void digests_lose_response_cnonce_and_nonce(void **state)
{
	(void)state;
	check(MSG "Authorization: Digest username=\"2001\", realm=\"r\", "
		  "nonce=\"abc==\", uri=\"sip:h\", response=\"0123\", "
		  "cnonce=\"xy\", nc=00000001, qop=auth\r\n\r\n",
	      MSG "Authorization: Digest username=\"2001\", realm=\"r\", "
		  "nonce=\"*****\", uri=\"sip:h\", response=\"****\", "
		  "cnonce=\"**\", nc=00000001, qop=auth\r\n\r\n");
	check("proxy-authorization : digest RESPONSE = ab,Nonce=cd\n",
	      "proxy-authorization : digest RESPONSE = **,Nonce=**\n");
}


static void challenges_lose_their_nonce(void **state)
{
	(void)state;
	check(MSG "WWW-Authenticate: Digest realm=\"r\", nonce=\"abc\"\r\n"
		  "Proxy-Authenticate: Digest nonce=\"abc\", qop=\"auth\"\r\n"
		  "Authentication-Info: nextnonce=\"abc\", rspauth=\"d\", "
		  "cnonce=\"e\"\r\n",
	      MSG "WWW-Authenticate: Digest realm=\"r\", nonce=\"***\"\r\n"
		  "Proxy-Authenticate: Digest nonce=\"***\", qop=\"auth\"\r\n"
		  "Authentication-Info: nextnonce=\"***\", rspauth=\"*\", "
		  "cnonce=\"*\"\r\n");
}


static void credentials_of_another_scheme_are_masked_whole(void **state)
{
	(void)state;
	check("Authorization: Basic dTpw, x\r\nVia: a b\r\n",
	      "Authorization: Basic ***** *\r\nVia: a b\r\n");
	check("Authorization: Digest2 nonce=\"x\"\r\n",
	      "Authorization: Digest2 *********\r\n");
}


static void credentials_without_scheme_are_masked_too(void **state)
{
	(void)state;
	check("Authorization:response=\"abc\"\r\n",
	      "Authorization:response=\"***\"\r\n");
	check("Authorization: response = abc\r\n",
	      "Authorization: response = ***\r\n");
}


static void folded_lines_are_one(void **state)
{
	(void)state;
	check("Authorization\r\n : Digest nonce=\"a\",\r\n\tresponse=\r\n "
	      "\"b c\r\n d\"\r\nnonce=x\r\n",
	      "Authorization\r\n : Digest nonce=\"*\",\r\n\tresponse=\r\n "
	      "\"* *\r\n *\"\r\nnonce=x\r\n");
}


static void quotes_and_escapes_hide_nothing(void **state)
{
	(void)state;
	check("Authorization: Digest response=\"a\\\"b,c\", qop=auth\r\n",
	      "Authorization: Digest response=\"******\", qop=auth\r\n");
	check("Authorization: Digest realm=\"x, response=\"abc\"\r\n",
	      "Authorization: Digest realm=\"x, response=\"***\"\r\n");
	check("Authorization: Digest response=\"abc\r\nVia: d\r\n",
	      "Authorization: Digest response=\"***\r\nVia: d\r\n");
	check("Authorization: Digest response=ab\"c\"d, qop=auth\r\n",
	      "Authorization: Digest response=**\"*\"*, qop=auth\r\n");
	check("Authorization: Digest response=\"ab\\\r\n c\"\r\n",
	      "Authorization: Digest response=\"***\r\n *\"\r\n");
}


static void names_that_only_look_alike_stay(void **state)
{
	(void)state;
	check("Authorization: Digest xnonce=\"a\", nonces=b, "
	      "opaque=\"nonce\"\r\n",
	      "Authorization: Digest xnonce=\"a\", nonces=b, "
	      "opaque=\"nonce\"\r\n");
	check("X-Authorization: Digest nonce=\"a\"\r\n",
	      "X-Authorization: Digest nonce=\"a\"\r\n");
	check("Authorizations: nonce=\"a\"\r\n",
	      "Authorizations: nonce=\"a\"\r\n");
	check("Contact: <sip:h>;response=1\r\n",
	      "Contact: <sip:h>;response=1\r\n");
}


static void keys_of_sdp_are_masked_whole(void **state)
{
	(void)state;
	check(MSG "Content-Length: 9\r\n\r\nv=0\r\n"
		  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
		  "a=cryptos:1\r\nA=CRYPTO:x\nk=clear:pw\r\na=x",
	      MSG "Content-Length: 9\r\n\r\nv=0\r\n"
		  "a=crypto:************************************\r\n"
		  "a=cryptos:1\r\nA=CRYPTO:*\nk=********\r\na=x");
}


static void a_bare_cr_hides_nothing(void **state)
{
	(void)state;
	check("v=0\ra=crypto:1 inline:x\ry\nz",
	      "v=0\ra=crypto:**********\r*\nz");
	check("a: b\rAuthorization: Digest nonce=a\rb, c\n",
	      "a: b\rAuthorization: Digest nonce=*\r*, c\n");
}


static void what_is_cut_off_is_masked_to_its_end(void **state)
{
	static const char whole[] =
		"Authorization: Digest response = \"a\\\"b\", nonce=x\r\n "
		",cnonce=\"y";

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *data = malloc(len ? len : 1);

		assert_non_null(data);
		memcpy(data, whole, len);
		trace_mask(data, len);
		for (size_t i = 0; i < len; i++)
			assert_true(data[i] == whole[i] || data[i] == '*');
		free(data);
	}
	check("Authorization: Digest response=\"abc",
	      "Authorization: Digest response=\"***");
	check("a=crypto:abc", "a=crypto:***");
}


static void bytes_that_are_no_text_are_masked(void **state)
{
	char data[] = "Authorization: Digest nonce=\"a\0b\xff\", qop=auth\r\n";

	(void)state;
	trace_mask(data, sizeof(data) - 1);
	assert_memory_equal(data,
			    "Authorization: Digest nonce=\"****\", qop=auth",
			    44);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_lose_response_cnonce_and_nonce),
		cmocka_unit_test(challenges_lose_their_nonce),
		cmocka_unit_test(
			credentials_of_another_scheme_are_masked_whole),
		cmocka_unit_test(credentials_without_scheme_are_masked_too),
		cmocka_unit_test(folded_lines_are_one),
		cmocka_unit_test(quotes_and_escapes_hide_nothing),
		cmocka_unit_test(names_that_only_look_alike_stay),
		cmocka_unit_test(keys_of_sdp_are_masked_whole),
		cmocka_unit_test(a_bare_cr_hides_nothing),
		cmocka_unit_test(what_is_cut_off_is_masked_to_its_end),
		cmocka_unit_test(bytes_that_are_no_text_are_masked),
	};

	return T_MAIN_ONLY(tests);
}
