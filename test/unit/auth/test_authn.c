/**
 * @file test/unit/auth/test_authn.c  Challenges and sessions
 *
 * Sections 2 to 4 of the specification's authentication, and its tests.
 */
#include "test/unit/auth/auth_rig.h"

#define SECOND_US ((int64_t)1000000)

static const struct ask bare = { .bare = true };
static const struct ask good = { 0 };
static const struct ask wrong = { .password = "wrong" };


static void open_rig(struct auth_rig *r, const char *what)
{
	assert_int_equal(auth_rig_open(r, what), 0);
}


/* --- challenges ----------------------------------------------------------- */

static const struct {
	const char *mode, *code, *method;
	uint16_t want;
	size_t www, proxy; /* lines: two algorithms each */
} challenges[] = {
	{ "1", "401", "REGISTER", 401, 2, 0 },
	{ "1", "407", "REGISTER", 401, 2, 0 },
	{ "1", "401", "INVITE", 401, 2, 0 },
	{ "2", "401", "REGISTER", 401, 2, 0 },
	{ "2", "401", "INVITE", 407, 0, 2 },
	{ "2", "407", "REGISTER", 407, 0, 2 },
	{ "2", "407", "INVITE", 407, 0, 2 },
	{ "3", "401", "REGISTER", 401, 2, 2 },
	{ "3", "407", "REGISTER", 401, 2, 2 },
	{ "3", "401", "INVITE", 407, 2, 2 },
};


/* Tests 1 and 2: code and headers by mode */
static void the_mode_says_code_and_headers(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "mode");
	for (size_t i = 0; i < COUNT_OF(challenges); i++) {
		const struct ask a = { .bare = true,
				       .method = challenges[i].method,
				       .call_id = challenges[i].mode };

		turn_s(&r, 60); /* no session of the case before */
		auth_set(&r, SS_AUTHCHALLENGEMODE, challenges[i].mode);
		auth_set(&r, SS_SIP_AUTHENTICATION_CODE, challenges[i].code);
		assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
		assert_int_equal(r.answer.code, challenges[i].want);
		assert_int_equal(heads_have(&r, "WWW-Authenticate: Digest "),
				 challenges[i].www);
		assert_int_equal(heads_have(&r, "Proxy-Authenticate: Digest "),
				 challenges[i].proxy);
		assert_int_equal(r.answer.headc, strlen(r.answer.heads));
		assert_int_equal(heads_have(&r, "qop=\"auth\""),
				 challenges[i].www + challenges[i].proxy);
		assert_int_equal(heads_have(&r, "realm=\"" REALM "\""),
				 challenges[i].www + challenges[i].proxy);
		assert_int_equal(heads_have(&r, "stale"), 0);
	}
	auth_rig_close(&r);
}


static void both_algorithms_are_offered_the_stronger_first(void **state)
{
	struct auth_rig r;
	const char *sha, *md5;
	(void)state;

	open_rig(&r, "offer");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	sha = strstr(r.answer.heads, "algorithm=SHA-256");
	md5 = strstr(r.answer.heads, "algorithm=MD5");
	assert_non_null(sha);
	assert_non_null(md5);
	assert_true(sha < md5);

	turn_s(&r, 60);
	auth_set(&r, SS_SIP_AUTHENTICATION_ALGORITHM, "MD5");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(heads_have(&r, "algorithm=MD5"), 1);
	assert_int_equal(heads_have(&r, "algorithm=SHA-256"), 0);
	turn_s(&r, 60);
	auth_set(&r, SS_SIP_AUTHENTICATION_ALGORITHM, "SHA-256");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(heads_have(&r, "algorithm=MD5"), 0);
	assert_int_equal(heads_have(&r, "algorithm=SHA-256"), 1);
	/* What was not offered is no answer. */
	assert_int_equal(ask(&r, &(struct ask){ .md5 = true }),
			 AUTHN_CHALLENGE);
	assert_true(r.answer.is_failed);
	auth_rig_close(&r);
}


/* The header that goes with the code counts, in mode 3 both */
static void only_the_header_that_was_asked_for_counts(void **state)
{
	static const struct {
		const char *mode, *method;
		bool www, proxy;
	} cases[] = {
		{ "1", "REGISTER", true, false },
		{ "1", "INVITE", true, false },
		{ "2", "REGISTER", true, false },
		{ "2", "INVITE", false, true },
		{ "3", "REGISTER", true, true },
		{ "3", "INVITE", true, true },
	};
	struct auth_rig r;
	(void)state;

	open_rig(&r, "which");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		auth_set(&r, SS_AUTHCHALLENGEMODE, cases[i].mode);
		for (int proxy = 0; proxy < 2; proxy++) {
			const bool counts = proxy ? cases[i].proxy
						  : cases[i].www;
			struct ask a = { .bare = true,
					 .method = cases[i].method };

			turn_s(&r, 60);
			assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
			a.bare = false;
			a.proxy = proxy;
			assert_int_equal(ask(&r, &a),
					 counts ? AUTHN_ACCEPT
						: AUTHN_CHALLENGE);
			a.password = "wrong"; /* nor does it fail */
			ask(&r, &a);
			assert_int_equal(r.answer.is_failed, counts);
		}
	}
	auth_rig_close(&r);
}


/* Test 3 */
static void each_form_of_a_right_digest_is_accepted(void **state)
{
	static const struct ask forms[] = {
		{ .md5 = true },
		{ .md5 = true, .old_form = true },
		{ .no_algorithm = true },
		{ .no_algorithm = true, .old_form = true },
		{ .old_form = true },
		{ 0 },
	};
	static const char *const claimed[] = { "100", "200", "trunk", "dyn" };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "forms");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "0");
	for (size_t u = 0; u < COUNT_OF(claimed); u++) {
		for (size_t i = 0; i < COUNT_OF(forms); i++) {
			struct ask a = forms[i];

			a.claimed = claimed[u];
			assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
			assert_int_equal(ask(&r, &a), AUTHN_ACCEPT);
			assert_string_equal(r.answer.user, claimed[u]);
			assert_false(r.answer.is_failed);
			a.password = "Secret";
			assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
			assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
			assert_true(r.answer.is_failed);
		}
		turn_s(&r, 60);
	}
	auth_rig_close(&r);
}


/* 3.2 and test 4 */
static void what_is_wrong_is_challenged_with_a_new_nonce(void **state)
{
	static const struct ask asks[] = {
		{ .password = "wrong" },
		{ .realm = "other.example" }, /* he has a digest there */
		{ .user = "200" },            /* not the To user */
		{ .claimed = "101" },         /* nobody */
		{ .uri = "sip:101@sip.example" },
		{ .uri = "sip:sip.example:5070" },
		{ .uri = "sip:sip.exampl" },
		{ .extra = "Digest username=\"100" },
		{ .extra = "Digest username=\"100\", username=\"100\"" },
	};
	struct auth_rig r;
	(void)state;

	open_rig(&r, "wrong");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "0");
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		char nonce[NONCE_SIZE];

		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		memcpy(nonce, r.nonce, sizeof(nonce));
		assert_int_equal(ask(&r, &asks[i]), AUTHN_CHALLENGE);
		assert_true(r.answer.is_failed);
		assert_false(r.answer.is_stale);
		assert_string_not_equal(nonce, r.nonce);
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	}
	auth_rig_close(&r);
}


static void a_uri_is_compared_by_user_host_and_port(void **state)
{
	static const char *const same[] = {
		"sip:SIP.Example",
		"sip:sip.example:5060",
		"sip:sip.example;transport=tcp",
	};
	struct auth_rig r;
	(void)state;

	open_rig(&r, "uri");
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		assert_int_equal(ask(&r, &(struct ask){ .uri = same[i] }),
				 AUTHN_ACCEPT);
	}
	auth_rig_close(&r);
}


/* 3.3 */
static void a_nonce_of_others_is_challenged_and_not_counted(void **state)
{
	struct auth_rig r;
	struct ask a = { .nonce = "0123456789abcdef" };
	(void)state;

	open_rig(&r, "foreign");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "1");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "1");
	assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
	assert_false(r.answer.is_failed);
	assert_false(r.answer.is_stale);
	/* The nonce of another source IP */
	a = (struct ask){ .source = "192.0.2.8:5060" };
	assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
	assert_false(r.answer.is_failed);
	a.password = "wrong";
	a.nonce = "";
	assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
	assert_false(r.answer.is_failed);
	auth_rig_close(&r);
}


/* 3.4, 3.5 and test 5 */
static void an_old_nonce_is_stale_with_a_right_digest_alone(void **state)
{
	struct auth_rig r;
	char old[NONCE_SIZE];
	(void)state;

	open_rig(&r, "stale");
	auth_set(&r, SS_SIP_AUTHENTICATION_NONCE_EXPIRE, "5");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "2");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	memcpy(old, r.nonce, sizeof(old));
	turn_s(&r, 6);
	for (uint32_t nc = 2; nc < 6; nc++) { /* not counted */
		const struct ask a = { .nonce = old, .nc = nc };

		assert_int_equal(ask(&r, &a), AUTHN_CHALLENGE);
		assert_true(r.answer.is_stale);
		assert_false(r.answer.is_failed);
		assert_int_equal(heads_have(&r, ", stale=true"), 2);
	}
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);

	assert_int_equal(ask(&r, &(struct ask){ .nonce = old,
						.password = "wrong" }),
			 AUTHN_CHALLENGE);
	assert_true(r.answer.is_failed);
	assert_false(r.answer.is_stale);
	assert_int_equal(heads_have(&r, "stale"), 0);
	auth_rig_close(&r);
}


static void a_nonce_count_must_rise(void **state)
{
	static const struct {
		uint32_t nc;
		bool accepted;
	} uses[] = {
		{ 1, true },  { 1, false }, { 2, true },          { 7, true },
		{ 7, false }, { 3, false }, { 0xffffffff, true }, { 8, false },
	};
	struct auth_rig r;
	char nonce[NONCE_SIZE];
	(void)state;

	open_rig(&r, "nc");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	memcpy(nonce, r.nonce, sizeof(nonce));
	for (size_t i = 0; i < COUNT_OF(uses); i++) {
		const struct ask a = { .nonce = nonce, .nc = uses[i].nc };

		assert_int_equal(ask(&r, &a), uses[i].accepted
						      ? AUTHN_ACCEPT
						      : AUTHN_CHALLENGE);
		assert_int_equal(r.answer.is_stale, !uses[i].accepted);
		assert_false(r.answer.is_failed);
	}

	/* Without qop it is good for one request. */
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	memcpy(nonce, r.nonce, sizeof(nonce));
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(&r, &(struct ask){ .nonce = nonce,
							.old_form = true }),
				 i == 0 ? AUTHN_ACCEPT : AUTHN_CHALLENGE);
	assert_true(r.answer.is_stale);
	assert_int_equal(ask(&r, &(struct ask){ .nonce = nonce, .nc = 9 }),
			 AUTHN_CHALLENGE);
	assert_true(r.answer.is_stale);
	auth_rig_close(&r);
}


/* A wrong digest must not use up the nonce of somebody else's right one. */
static void a_wrong_digest_does_not_use_a_nonce(void **state)
{
	struct auth_rig r;
	char nonce[NONCE_SIZE];
	(void)state;

	open_rig(&r, "use");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	memcpy(nonce, r.nonce, sizeof(nonce));
	assert_int_equal(ask(&r, &(struct ask){ .nonce = nonce,
						.nc = 100,
						.password = "wrong" }),
			 AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &(struct ask){ .nonce = nonce }),
			 AUTHN_ACCEPT);
	auth_rig_close(&r);
}


/* --- sessions: a row each ------------------------------------------------- */

enum before {
	IN_NONE,
	IN_OPEN,
	IN_OPEN_LAST, /* one failure short of N */
	IN_CLOSED
};
enum coming {
	BARE,
	RIGHT,
	EXPIRED,
	USED,
	FAILED,
	LATE_RIGHT, /* after the timeout */
	LATE_WRONG,
	LATE_BARE,
};

static const struct {
	enum before before;
	enum coming coming;
	const char *retry;
	enum authn_verdict verdict;
	bool is_stale, is_failed;
	enum authn_verdict then; /* a right answer behind it */
} rows[] = {
	{ IN_NONE, BARE, "3", AUTHN_CHALLENGE, false, false, AUTHN_ACCEPT },
	{ IN_NONE, RIGHT, "3", AUTHN_ACCEPT, false, false, AUTHN_ACCEPT },
	{ IN_NONE, EXPIRED, "3", AUTHN_CHALLENGE, true, false, AUTHN_ACCEPT },
	{ IN_NONE, USED, "3", AUTHN_CHALLENGE, true, false, AUTHN_ACCEPT },
	{ IN_NONE, FAILED, "1", AUTHN_REFUSE, false, true, AUTHN_REFUSE },
	{ IN_NONE, FAILED, "2", AUTHN_CHALLENGE, false, true, AUTHN_ACCEPT },
	{ IN_OPEN, BARE, "3", AUTHN_CHALLENGE, false, false, AUTHN_ACCEPT },
	{ IN_OPEN, RIGHT, "3", AUTHN_ACCEPT, false, false, AUTHN_ACCEPT },
	{ IN_OPEN, USED, "3", AUTHN_CHALLENGE, true, false, AUTHN_ACCEPT },
	{ IN_OPEN, FAILED, "3", AUTHN_CHALLENGE, false, true, AUTHN_ACCEPT },
	{ IN_OPEN_LAST, FAILED, "3", AUTHN_REFUSE, false, true, AUTHN_REFUSE },
	{ IN_OPEN_LAST, BARE, "3", AUTHN_CHALLENGE, false, false,
	  AUTHN_ACCEPT },
	{ IN_OPEN, LATE_RIGHT, "3", AUTHN_REFUSE, false, false, AUTHN_REFUSE },
	{ IN_OPEN, LATE_WRONG, "3", AUTHN_REFUSE, false, false, AUTHN_REFUSE },
	{ IN_OPEN, LATE_BARE, "3", AUTHN_CHALLENGE, false, false,
	  AUTHN_ACCEPT },
	{ IN_CLOSED, RIGHT, "3", AUTHN_REFUSE, false, false, AUTHN_REFUSE },
	{ IN_CLOSED, FAILED, "3", AUTHN_REFUSE, false, false, AUTHN_REFUSE },
	{ IN_CLOSED, BARE, "3", AUTHN_CHALLENGE, false, false, AUTHN_ACCEPT },
};


static void prepare(struct auth_rig *r, enum before before)
{
	const struct ask elsewhere = { .bare = true, .call_id = "elsewhere" };
	const int failures = before == IN_OPEN_LAST ? 2
			     : before == IN_CLOSED  ? 3
						    : 0;

	assert_int_equal(ask(r, before == IN_NONE ? &elsewhere : &bare),
			 AUTHN_CHALLENGE);
	for (int i = 0; i < failures; i++)
		assert_int_equal(ask(r, &wrong),
				 i == 2 ? AUTHN_REFUSE : AUTHN_CHALLENGE);
}


static enum authn_verdict come(struct auth_rig *r, enum coming coming)
{
	char nonce[NONCE_SIZE];

	memcpy(nonce, r->nonce, sizeof(nonce));
	if (coming == EXPIRED)
		turn_s(r, 301);
	if (coming >= LATE_RIGHT)
		turn_s(r, 10);
	if (coming == USED)
		assert_int_equal(ask(r, &(struct ask){ .call_id = "used" }),
				 AUTHN_ACCEPT);
	if (coming == BARE || coming == LATE_BARE)
		return ask(r, &bare);
	if (coming == FAILED || coming == LATE_WRONG)
		return ask(r, &wrong);

	return ask(r, &(struct ask){ .nonce = nonce });
}


static void every_row_of_the_sessions_holds(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "rows");
	auth_set(&r, SS_ENDPOINT_REGISTER_RETRY, "0");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "0");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		turn_s(&r, 600);
		auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, rows[i].retry);
		prepare(&r, rows[i].before);
		if (come(&r, rows[i].coming) != rows[i].verdict ||
		    r.answer.is_stale != rows[i].is_stale ||
		    r.answer.is_failed != rows[i].is_failed)
			fail_msg("row %zu: verdict %d", i, r.answer.verdict);
		assert_int_equal(r.answer.code,
				 rows[i].verdict == AUTHN_ACCEPT      ? 0
				 : rows[i].verdict == AUTHN_CHALLENGE ? 401
								      : 403);
		if (ask(&r, &(struct ask){ .nc = 2 }) != rows[i].then)
			fail_msg("behind row %zu: verdict %d", i,
				 r.answer.verdict);
	}
	auth_rig_close(&r);
}


/* Test 7 */
static void the_nth_failure_is_refused(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "nth");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "3");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &wrong), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &wrong), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &wrong), AUTHN_REFUSE);
	assert_int_equal(r.answer.code, 403);
	assert_int_equal(r.answer.headc, 0);
	assert_int_equal(ask(&r, &good), AUTHN_REFUSE);
	auth_rig_close(&r);
}


/* Test 8 */
static void the_clock_ends_a_session(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "clock");
	auth_set(&r, SS_SIP_AUTHENTICATION_TIMEOUT, "5");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	r.now_us += 5 * SECOND_US - 1;
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);

	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	turn_s(&r, 3);
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE); /* same clock */
	turn_s(&r, 3);
	assert_int_equal(ask(&r, &good), AUTHN_REFUSE);
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	auth_rig_close(&r);
}


static void a_wall_clock_that_is_set_costs_nobody_a_challenge(void **state)
{
	static const int64_t hours[] = { 0, 1, -1, 0 };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "steps");
	for (size_t i = 0; i < COUNT_OF(hours); i++) {
		r.stepped_us = hours[i] * 3600 * SECOND_US;
		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		r.stepped_us = -r.stepped_us;
		assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	}
	auth_rig_close(&r);
}


static void a_closed_session_is_over_after_32_seconds(void **state)
{
	struct auth_rig r;
	(void)state;

	open_rig(&r, "closed");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "1");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &wrong), AUTHN_REFUSE);
	turn_s(&r, 20);
	assert_int_equal(ask(&r, &good), AUTHN_REFUSE);
	r.now_us += 12 * SECOND_US - 1; /* 403s do not make it longer */
	assert_int_equal(ask(&r, &good), AUTHN_REFUSE);
	r.now_us += 1;
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	auth_rig_close(&r);
}


static void a_session_is_one_method_call_id_and_source(void **state)
{
	static const struct ask others[] = {
		{ .password = "wrong", .call_id = "another" },
		{ .password = "wrong", .method = "INVITE", .proxy = true },
		{ .password = "wrong", .source = "192.0.2.7:9" },
	};
	struct auth_rig r;
	(void)state;

	open_rig(&r, "session");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "2");
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		turn_s(&r, 60);
		assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
		assert_int_equal(ask(&r, &wrong), AUTHN_CHALLENGE);
		/* The port does not count. */
		assert_int_equal(ask(&r, &others[i]),
				 i == 2 ? AUTHN_REFUSE : AUTHN_CHALLENGE);
	}
	auth_rig_close(&r);
}


/* Test 13, and spec README 4.3 */
static void a_session_keeps_the_parameters_it_began_with(void **state)
{
	struct auth_rig r;
	const struct ask later = { .bare = true, .call_id = "later" };
	(void)state;

	open_rig(&r, "keep");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	auth_set(&r, SS_SIP_AUTHENTICATION_CODE, "407");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "1");
	auth_set(&r, SS_SIP_AUTHENTICATION_TIMEOUT, "1");
	auth_set(&r, SS_SIP_AUTHENTICATION_ALGORITHM, "MD5");
	turn_s(&r, 2);
	assert_int_equal(ask(&r, &wrong), AUTHN_CHALLENGE);
	assert_int_equal(r.answer.code, 401);
	assert_int_equal(heads_have(&r, "WWW-Authenticate"), 2);
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	/* The next begins with those of now. */
	assert_int_equal(ask(&r, &later), AUTHN_CHALLENGE);
	assert_int_equal(r.answer.code, 407);
	assert_int_equal(heads_have(&r, "Proxy-Authenticate"), 1);
	auth_rig_close(&r);
}


/* Section 6: nothing tells a user that there is not from one that is */
static void unknown_users_are_answered_like_wrong_passwords(void **state)
{
	const struct ask fresh = { .bare = true, .call_id = "fresh" };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "alike");
	auth_set(&r, SS_SIP_AUTHENTICATION_RETRY, "3");
	auth_set(&r, SS_AUTHENTICATION_MAX_RETRY, "4");
	for (int i = 0; i < 4; i++) {
		const struct ask phone = { .password = "wrong",
					   .bare = i == 0 };
		const struct ask nobody = { .claimed = "999",
					    .bare = i == 0,
					    .call_id = "nobody" };
		struct authn_answer known;

		assert_int_equal(ask(&r, &fresh), AUTHN_CHALLENGE);
		ask(&r, &phone);
		known = r.answer;
		assert_int_equal(ask(&r, &fresh), AUTHN_CHALLENGE);
		ask(&r, &nobody);
		assert_int_equal(r.answer.verdict, known.verdict);
		assert_int_equal(r.answer.code, known.code);
		assert_int_equal(r.answer.is_failed, known.is_failed);
		assert_int_equal(r.answer.suspended_now, known.suspended_now);
		assert_int_equal(r.answer.headc, known.headc);
		assert_int_equal(known.verdict,
				 i < 3 ? AUTHN_CHALLENGE : AUTHN_REFUSE);
	}
	auth_rig_close(&r);
}


/* Tests 10 to 12: REGISTER of a stranger */
static void strangers_get_silence_if_we_do_not_reply(void **state)
{
	const struct ask unknown = { .claimed = "999", .bare = true };
	struct auth_rig r;
	(void)state;

	open_rig(&r, "silence");
	assert_int_equal(ask(&r, &unknown), AUTHN_CHALLENGE);
	assert_int_equal(r.answer.code, 401);
	auth_set(&r, SS_REPLY_UNAUTHORIZED, "Off");
	assert_int_equal(ask(&r, &unknown), AUTHN_SILENCE);
	assert_int_equal(r.answer.headc, 0);
	assert_int_equal(ask(&r, &(struct ask){ .claimed = "999" }),
			 AUTHN_SILENCE);
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	assert_int_equal(ask(&r, &good), AUTHN_ACCEPT);
	auth_set(&r, SS_REPLY_UNAUTHORIZED, "On");
	assert_int_equal(ask(&r, &unknown), AUTHN_CHALLENGE);
	auth_rig_close(&r);
}


static void credentials_for_others_on_the_way_do_not_count(void **state)
{
	const struct addr source = addr_at("192.0.2.7");
	struct auth_rig r;
	struct text values[3];
	struct authn_request request = {
		.method = text_of("REGISTER"),
		.is_register = true,
		.uri = text_of("sip:" REALM),
		.call_id = text_of("x"),
		.source = &source,
		.realm = REALM,
		.authorizations = values,
		.authorizationc = 3,
		.user = text_of("100"),
	};
	char ours[512], hex[DIGEST_HEX_SIZE];
	uint8_t ha1[DIGEST_HA1_MAX];
	(void)state;

	open_rig(&r, "others");
	assert_int_equal(ask(&r, &bare), AUTHN_CHALLENGE);
	digest_ha1(ha1, DIGEST_MD5, text_of("100"), text_of(REALM),
		   text_of("secret"));
	digest_response(hex, DIGEST_MD5, ha1, text_of(r.nonce), text_of(""),
			text_of(""), text_of(""), request.method, request.uri);
	snprintf(ours, sizeof(ours),
		 "Digest username=100, realm=\"sip\\.example\", nonce=\"%s\", "
		 "uri=\"sip:" REALM "\", response=\"%s\"",
		 r.nonce, hex);
	values[0] = text_of("Basic c2VjcmV0OnNlY3JldA==");
	values[1] = text_of("Digest username=\"u\", realm=\"proxy\", "
			    "nonce=\"1\", uri=\"sip:x\", response=\"0\"");
	values[2] = text_of(ours);
	authn_check(r.authn, r.c, &request, authn_lookup_catalog, unconst(r.c),
		    r.now_us, wall_us(&r), &r.answer);
	assert_int_equal(r.answer.verdict, AUTHN_ACCEPT);

	request.authorizationc = 1; /* another scheme is no credentials */
	authn_check(r.authn, r.c, &request, authn_lookup_catalog, unconst(r.c),
		    r.now_us, wall_us(&r), &r.answer);
	assert_int_equal(r.answer.verdict, AUTHN_CHALLENGE);
	assert_false(r.answer.is_failed);
	auth_rig_close(&r);
}


static int somebody_is_checked(void)
{
	struct auth_rig r;
	int err = auth_rig_open(&r, "failmalloc");

	if (!err) {
		(void)ask(&r, &bare);
		(void)ask(&r, &wrong);
		(void)ask(&r, &good);
		/* Out of memory a right answer may be asked for once more. */
		if (r.answer.verdict != AUTHN_ACCEPT &&
		    r.answer.verdict != AUTHN_CHALLENGE)
			err = EPROTO;
	}
	auth_rig_close(&r);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mode_says_code_and_headers),
		cmocka_unit_test(
			both_algorithms_are_offered_the_stronger_first),
		cmocka_unit_test(only_the_header_that_was_asked_for_counts),
		cmocka_unit_test(each_form_of_a_right_digest_is_accepted),
		cmocka_unit_test(what_is_wrong_is_challenged_with_a_new_nonce),
		cmocka_unit_test(a_uri_is_compared_by_user_host_and_port),
		cmocka_unit_test(
			a_nonce_of_others_is_challenged_and_not_counted),
		cmocka_unit_test(
			an_old_nonce_is_stale_with_a_right_digest_alone),
		cmocka_unit_test(a_nonce_count_must_rise),
		cmocka_unit_test(a_wrong_digest_does_not_use_a_nonce),
		cmocka_unit_test(every_row_of_the_sessions_holds),
		cmocka_unit_test(the_nth_failure_is_refused),
		cmocka_unit_test(the_clock_ends_a_session),
		cmocka_unit_test(
			a_wall_clock_that_is_set_costs_nobody_a_challenge),
		cmocka_unit_test(a_closed_session_is_over_after_32_seconds),
		cmocka_unit_test(a_session_is_one_method_call_id_and_source),
		cmocka_unit_test(a_session_keeps_the_parameters_it_began_with),
		cmocka_unit_test(
			unknown_users_are_answered_like_wrong_passwords),
		cmocka_unit_test(strangers_get_silence_if_we_do_not_reply),
		cmocka_unit_test(
			credentials_for_others_on_the_way_do_not_count),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(somebody_is_checked),
	};

	return T_MAIN(tests, scenarios);
}
