/**
 * @file test/unit/auth/test_remembered.c  What is remembered of strangers
 *
 * Sessions and nonce counts: bounded, the oldest go, and nothing that was
 * used comes back.
 */
#include "shared/auth/authn_int.h"
#include "shared/base/util.h"
#include "test/support/t.h"

#define SECOND_US ((int64_t)1000000)

enum {
	NOW_S = 1790000000,
	LIFE_S = 300,
};

static const uint8_t key[NONCE_KEY_SIZE] = { 7 };
static const struct authn_params usual = {
	.mode = 2,
	.code = 401,
	.expire_s = LIFE_S,
	.retry = 6,
	.timeout_s = 10,
};


static struct addr source_of(uint32_t n)
{
	struct addr addr = { .family = AF_INET };

	memcpy(addr.ip, &n, sizeof(n));

	return addr;
}


static void open_one(struct authn_sessions *s, uint32_t n, int64_t now_us)
{
	const struct addr source = source_of(n);
	struct authn_session_key k;

	authn_session_key_set(&k, s, text_of("REGISTER"), text_of("x"),
			      &source);
	authn_session_move(s, &k, AUTHN_OPEN, false, &usual, "realm", now_us);
}


static enum authn_state state_of(struct authn_sessions *s, uint32_t n,
				 int64_t now_us)
{
	const struct addr source = source_of(n);
	const struct authn_session *session;
	struct authn_session_key k;

	authn_session_key_set(&k, s, text_of("REGISTER"), text_of("x"),
			      &source);

	return authn_session_find(s, &session, &k, now_us);
}


static void sessions_are_bounded_and_the_oldest_go(void **state)
{
	struct authn_sessions *s;
	(void)state;

	assert_int_equal(authn_sessions_alloc(&s), 0);
	for (uint32_t i = 0; i < AUTHN_SESSIONS_MAX + 1000; i++)
		open_one(s, i, 0);
	assert_int_equal(authn_session_count(s), AUTHN_SESSIONS_MAX);
	assert_int_equal(state_of(s, 0, 0), AUTHN_NONE);
	assert_int_equal(state_of(s, 999, 0), AUTHN_NONE);
	assert_int_equal(state_of(s, 1000, 0), AUTHN_OPEN);
	assert_int_equal(state_of(s, AUTHN_SESSIONS_MAX + 999, 0), AUTHN_OPEN);
	authn_sessions_free(s);
}


static void sessions_that_are_over_make_room(void **state)
{
	struct authn_sessions *s;
	(void)state;

	assert_int_equal(authn_sessions_alloc(&s), 0);
	for (uint32_t i = 0; i < 100; i++)
		open_one(s, i, 0);
	assert_int_equal(state_of(s, 5, 10 * SECOND_US), AUTHN_CLOSED);
	assert_int_equal(state_of(s, 5, 42 * SECOND_US - 1), AUTHN_CLOSED);
	assert_int_equal(state_of(s, 5, 42 * SECOND_US), AUTHN_NONE);
	for (uint32_t i = 100; i < 200; i++)
		open_one(s, i, 42 * SECOND_US);
	assert_int_equal(authn_session_count(s), 100);
	authn_sessions_free(s);
}


static void a_session_is_forgotten_when_it_ends(void **state)
{
	const struct addr source = source_of(1);
	const struct authn_session *session;
	struct authn_session_key k;
	struct authn_sessions *s;
	(void)state;

	assert_int_equal(authn_sessions_alloc(&s), 0);
	authn_session_key_set(&k, s, text_of("INVITE"), text_of("x"), &source);
	authn_session_move(s, &k, AUTHN_OPEN, true, &usual, "realm", 0);
	assert_int_equal(authn_session_find(s, &session, &k, 0), AUTHN_OPEN);
	assert_int_equal(session->failed, 1);
	assert_string_equal(session->realm, "realm");
	authn_session_move(s, &k, AUTHN_CLOSED, true, &usual, "realm", 0);
	assert_int_equal(authn_session_find(s, &session, &k, 0), AUTHN_CLOSED);
	authn_session_move(s, &k, AUTHN_OPEN, false, &usual, "other", 5);
	assert_int_equal(authn_session_find(s, &session, &k, 5), AUTHN_OPEN);
	assert_int_equal(session->failed, 0);
	assert_string_equal(session->realm, "other");
	authn_session_move(s, &k, AUTHN_NONE, false, &usual, "other", 6);
	assert_int_equal(authn_session_count(s), 0);
	authn_sessions_free(s);
}


/* A row for every event that can be in a state, and for no other */
static void each_state_has_its_rows(void **state)
{
	(void)state;

	for (int s = 0; s < AUTHN_STATEC; s++)
		for (int e = 0; e < AUTHN_EVENTC; e++) {
			const bool can =
				s == AUTHN_CLOSED
					? e == AUTHN_EV_BARE ||
						  e == AUTHN_EV_CREDENTIALS
					: e != AUTHN_EV_CREDENTIALS;

			assert_int_equal(authn_rows[s][e].exists, can);
		}
}


static void make(char nonce[NONCE_SIZE], int64_t boot_s)
{
	const struct addr source = source_of(1);
	const struct nonce_time now = { 1, boot_s };
	struct nonce_key k;

	nonce_key_set(&k, key);
	nonce_make(nonce, &k, &source, now);
}


static void nonces_are_bounded_and_do_not_come_back(void **state)
{
	char first[NONCE_SIZE], nonce[NONCE_SIZE], unused[NONCE_SIZE];
	struct authn_nonces *n;
	(void)state;

	assert_int_equal(authn_nonces_alloc(&n, 8), 0);
	make(first, NOW_S);
	make(unused, NOW_S + 50);
	assert_true(authn_nonce_use(n, text_of(first), 1, NOW_S, LIFE_S));
	for (int i = 1; i < 20; i++) {
		make(nonce, NOW_S + i);
		assert_true(authn_nonce_use(n, text_of(nonce), 1, NOW_S + i,
					    LIFE_S));
	}
	assert_int_equal(authn_nonce_count(n), 8);
	assert_false(authn_nonce_use(n, text_of(first), 1, NOW_S, LIFE_S));
	assert_false(authn_nonce_use(n, text_of(first), 9, NOW_S, LIFE_S));
	assert_false(authn_nonce_use(n, text_of(nonce), 1, NOW_S, LIFE_S));
	assert_true(authn_nonce_use(n, text_of(nonce), 2, NOW_S, LIFE_S));
	assert_true(authn_nonce_use(n, text_of(unused), 1, NOW_S, LIFE_S));
	authn_nonces_free(n);
}


/* What is too old is forgotten, and a longer life does not bring it back. */
static void nonces_that_expired_make_room(void **state)
{
	char old[NONCE_SIZE], nonce[NONCE_SIZE];
	struct authn_nonces *n;
	(void)state;

	assert_int_equal(authn_nonces_alloc(&n, 100), 0);
	make(old, NOW_S);
	assert_true(authn_nonce_use(n, text_of(old), 1, NOW_S, LIFE_S));
	make(nonce, NOW_S + LIFE_S + 1);
	assert_true(authn_nonce_use(n, text_of(nonce), 1, NOW_S + LIFE_S + 1,
				    LIFE_S));
	assert_int_equal(authn_nonce_count(n), 1);
	assert_false(authn_nonce_use(n, text_of(old), 2, NOW_S + LIFE_S + 1,
				     100 * LIFE_S));
	authn_nonces_free(n);
}


static int strangers_are_remembered(void)
{
	struct authn_sessions *s = NULL;
	struct authn_nonces *n = NULL;
	char nonce[NONCE_SIZE];
	int err;

	err = authn_sessions_alloc(&s);
	if (!err)
		err = authn_nonces_alloc(&n, 4);
	if (!err) {
		open_one(s, 1, 0);
		if (state_of(s, 1, 0) != AUTHN_OPEN)
			err = ENOMEM;
		make(nonce, NOW_S);
		if (!authn_nonce_use(n, text_of(nonce), 1, NOW_S, LIFE_S))
			err = ENOMEM;
	}
	authn_sessions_free(s);
	authn_nonces_free(n);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_bounded_and_the_oldest_go),
		cmocka_unit_test(sessions_that_are_over_make_room),
		cmocka_unit_test(a_session_is_forgotten_when_it_ends),
		cmocka_unit_test(each_state_has_its_rows),
		cmocka_unit_test(nonces_are_bounded_and_do_not_come_back),
		cmocka_unit_test(nonces_that_expired_make_room),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(strangers_are_remembered),
	};

	return T_MAIN(tests, scenarios);
}
