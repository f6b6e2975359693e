/**
 * @file test/unit/auth/test_nonce.c  Nonces that need no memory
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/auth/digest.h"
#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	NOW = 3600,
	BOOT = 0x7a12b34c, /* more than a nonce has room for */
	LIFE = 300,
};

static const uint8_t key[NONCE_KEY_SIZE] = { 1, 2, 3 };


static void make(char nonce[NONCE_SIZE], const struct addr *source,
		 struct nonce_time now)
{
	struct nonce_key k;

	nonce_key_set(&k, key);
	nonce_make(nonce, &k, source, now);
}


static enum nonce_verdict check(struct text nonce, const uint8_t *bytes,
				const struct addr *source,
				struct nonce_time now)
{
	struct nonce_key k;

	nonce_key_set(&k, bytes);

	return nonce_check(nonce, &k, source, now, LIFE);
}


static struct addr addr_of(const char *s)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(s)), 0);

	return addr;
}


static struct nonce_time at(int64_t boot_s)
{
	return (struct nonce_time){ BOOT, boot_s };
}


static enum nonce_verdict check_at(const char *nonce, const char *source,
				   int64_t now)
{
	const struct addr addr = addr_of(source);

	return check(text_of(nonce), key, &addr, at(now));
}


static void a_nonce_is_good_until_it_is_too_old(void **state)
{
	const struct addr source = addr_of("192.0.2.7:5060");
	char nonce[NONCE_SIZE];
	(void)state;

	make(nonce, &source, at(NOW));
	assert_int_equal(check_at(nonce, "192.0.2.7:5060", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW + LIFE), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW + LIFE + 1),
			 NONCE_EXPIRED);
	/* Nobody sets this clock back. */
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW - 1), NONCE_EXPIRED);
}


static void a_nonce_of_an_earlier_boot_is_ours_but_over(void **state)
{
	const struct addr source = addr_of("192.0.2.7:5060");
	const struct nonce_time then = { BOOT + 1, NOW };
	char nonce[NONCE_SIZE];
	(void)state;

	make(nonce, &source, then);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW), NONCE_EXPIRED);
	assert_int_equal(check_at(nonce, "192.0.2.8", NOW), NONCE_FOREIGN);
	assert_int_equal(check(text_of(nonce), key, &source, then),
			 NONCE_GOOD);
}


static void a_nonce_belongs_to_the_address_it_was_given_to(void **state)
{
	const struct addr four = addr_of("192.0.2.7:5060");
	const struct addr six = addr_of("[2001:db8::7]:5060");
	char nonce[NONCE_SIZE];
	(void)state;

	make(nonce, &four, at(NOW));
	assert_int_equal(check_at(nonce, "192.0.2.7:9", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "192.0.2.8", NOW), NONCE_FOREIGN);
	assert_int_equal(check_at(nonce, "c000:207::", NOW), NONCE_FOREIGN);
	make(nonce, &six, at(NOW));
	assert_int_equal(check_at(nonce, "2001:db8::7", NOW), NONCE_GOOD);
	assert_int_equal(check_at(nonce, "2001:db8::8", NOW), NONCE_FOREIGN);
}


static void a_changed_nonce_is_not_ours(void **state)
{
	const struct addr source = addr_of("192.0.2.7");
	const uint8_t other[NONCE_KEY_SIZE] = { 1, 2, 4 };
	char nonce[NONCE_SIZE];
	size_t l;
	(void)state;

	make(nonce, &source, at(NOW));
	l = strlen(nonce);
	assert_int_equal(check(text_of(nonce), other, &source, at(NOW)),
			 NONCE_FOREIGN);
	for (size_t i = 0; i < l; i++) {
		const char was = nonce[i];

		nonce[i] = was == '0' ? '1' : '0';
		assert_int_equal(check_at(nonce, "192.0.2.7", NOW),
				 NONCE_FOREIGN);
		nonce[i] = was;
		if (was >= 'a') { /* one spelling only */
			nonce[i] = (char)(was - 'a' + 'A');
			assert_int_equal(check_at(nonce, "192.0.2.7", NOW),
					 NONCE_FOREIGN);
			nonce[i] = was;
		}
	}
	assert_int_equal(check((struct text){ nonce, l - 2 }, key, &source,
			       at(NOW)),
			 NONCE_FOREIGN);
	assert_int_equal(check_at("", "192.0.2.7", NOW), NONCE_FOREIGN);
	assert_int_equal(check_at(nonce, "192.0.2.7", NOW), NONCE_GOOD);
}


/* Those of an earlier release, and of other nodes, are ours. */
static void its_mac_is_the_hmac_of_the_rfc(void **state)
{
	const struct addr source = addr_of("192.0.2.7");
	uint8_t bytes[29], data[13 + 1 + sizeof(source.ip)], mac[32];
	char nonce[NONCE_SIZE];
	size_t l;
	(void)state;

	make(nonce, &source, at(NOW));
	assert_int_equal(text_unhex(bytes, sizeof(bytes), &l, text_of(nonce)),
			 0);
	memcpy(data, bytes, 13);
	data[13] = source.family;
	memcpy(data + 14, source.ip, sizeof(source.ip));
	if (!HMAC(EVP_sha256(), key, sizeof(key), data, sizeof(data), mac,
		  NULL))
		return; /* no memory */
	assert_memory_equal(bytes + 13, mac, 16);
}


static void no_two_nonces_are_alike(void **state)
{
	const struct addr source = addr_of("192.0.2.7");
	char a[NONCE_SIZE], b[NONCE_SIZE];
	(void)state;

	make(a, &source, at(NOW));
	make(b, &source, at(NOW));
	assert_string_not_equal(a, b);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_nonce_is_good_until_it_is_too_old),
		cmocka_unit_test(a_nonce_of_an_earlier_boot_is_ours_but_over),
		cmocka_unit_test(
			a_nonce_belongs_to_the_address_it_was_given_to),
		cmocka_unit_test(a_changed_nonce_is_not_ours),
		cmocka_unit_test(its_mac_is_the_hmac_of_the_rfc),
		cmocka_unit_test(no_two_nonces_are_alike),
	};

	return T_MAIN_ONLY(tests);
}
