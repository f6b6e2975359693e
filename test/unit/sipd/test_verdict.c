/**
 * @file test/unit/sipd/test_verdict.c  call-setup 7 and 8, row by row
 */
#include "shared/base/util.h"
#include "sipd/verdict.h"
#include "test/support/t.h"

/* --- section 8 ------------------------------------------------------------ */

enum {
	CODE_FIRST = 300,
	CODE_LAST = 699,
	CODES_MAX = 8
};

/* Rows of the specification that name codes */
static const struct {
	uint16_t codes[CODES_MAX];
	uint16_t code; /* 0: same */
	const char *reason;
	const char *side;
} named[] = {
	{ { 486, 600 }, 0, "CalleeBusy", "callee" },
	{ { 480 }, 0, "NoAnswer", "callee" },
	{ { 404, 410, 484, 485, 604 }, 0, "NumberInvalid", "callee" },
	{ { 408, 504 }, 0, "GatewayTimeout", "callee" },
	{ { 488, 606 }, 0, "MediaFailure", "callee" },
	{ { 503 }, 0, "CalleeRejected", "callee" },
	{ { 401, 407 }, 503, "AuthenticationFailed", "server" },
	{ { 402, 420, 421, 422, 423, 481, 482, 491 },
	  503,
	  "CalleeRejected",
	  "callee" },
};


static struct verdict final_verdict(uint16_t code, bool all_503)
{
	const struct attempt_result result = { .end = ATTEMPT_FINAL,
					       .code = code };

	return verdict_of(&result, all_503);
}


static void check_verdict(struct verdict v, uint16_t code, const char *reason,
			  const char *side)
{
	assert_int_equal(v.code, code);
	assert_string_equal(end_defs[v.reason].token, reason);
	assert_string_equal(end_sides[v.side], side);
}


static size_t named_row(uint16_t code)
{
	size_t found = COUNT_OF(named);

	for (size_t i = 0; i < COUNT_OF(named); i++) {
		for (size_t k = 0; k < CODES_MAX; k++) {
			if (named[i].codes[k] != code)
				continue;
			/* One row per code, or the table is wrong */
			assert_int_equal(found, COUNT_OF(named));
			found = i;
		}
	}

	return found;
}


static void every_final_code_has_its_one_row(void **state)
{
	(void)state;

	for (int c = CODE_FIRST; c <= CODE_LAST; c++) {
		const uint16_t code = (uint16_t)c;
		const struct verdict v = final_verdict(code, false);
		const size_t i = named_row(code);

		if (i < COUNT_OF(named))
			check_verdict(v, named[i].code ? named[i].code : code,
				      named[i].reason, named[i].side);
		else
			check_verdict(v, code < 400 ? 480 : code,
				      "CalleeRejected", "callee");
	}
}


static void all_503_matters_to_503_alone(void **state)
{
	(void)state;

	for (int c = CODE_FIRST; c <= CODE_LAST; c++) {
		const uint16_t code = (uint16_t)c;
		const struct verdict one = final_verdict(code, false);
		const struct verdict all = final_verdict(code, true);

		if (code == 503)
			check_verdict(all, 503, "AllGatewayBusy", "server");
		else
			assert_memory_equal(&one, &all, sizeof(one));
	}
}


static void ends_without_a_response_have_their_rows(void **state)
{
	static const struct {
		enum attempt_end end;
		uint16_t code;
		const char *reason;
		const char *side;
	} rows[] = {
		{ ATTEMPT_T1, 408, "InviteTimeout", "server" },
		{ ATTEMPT_T2, 408, "TryingTimeout", "server" },
		{ ATTEMPT_T3A, 408, "SessionProgressTimeout", "server" },
		{ ATTEMPT_T3B, 408, "EarlyMediaTimeout", "server" },
		{ ATTEMPT_T4, 480, "NoAnswer", "server" },
		{ ATTEMPT_RESENDS, 408, "GatewayTimeout", "server" },
		{ ATTEMPT_TRANSPORT, 408, "GatewayTimeout", "server" },
		{ ATTEMPT_AUTH, 503, "AuthenticationFailed", "server" },
		{ ATTEMPT_ANSWERED, 200, "", "" },
		{ ATTEMPT_NONE, 500, "InternalError", "server" },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct attempt_result result = { .end = rows[i].end,
						       .code = 407 };

		check_verdict(verdict_of(&result, false), rows[i].code,
			      rows[i].reason, rows[i].side);
	}
	/* and FINAL, above */
	assert_int_equal(COUNT_OF(rows), ATTEMPT_ENDC - 1);
}


static void a_code_that_is_no_failure_is_an_internal_error(void **state)
{
	static const uint16_t codes[] = { 0, 100, 200, 299, 700, 65535 };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		check_verdict(final_verdict(codes[i], true), 500,
			      "InternalError", "server");
}


static void a_plain_reason_has_code_and_side_of_its_row(void **state)
{
	(void)state;

	check_verdict(verdict_plain(END_NUMBER_INVALID), 484, "NumberInvalid",
		      "server");
	check_verdict(verdict_plain(END_CALLER_CANCEL), 487, "CallerCancel",
		      "caller");
	check_verdict(verdict_plain(END_NORMAL_RELEASE), 0, "NormalRelease",
		      "");
	for (enum end_reason r = END_NONE; r < END_REASONC; r++)
		assert_int_equal(verdict_plain(r).reason, r);
}


static void a_cause_map_changes_the_codes_it_names(void **state)
{
	static const struct cat_cause map[] = {
		{ 486, 480 }, { 486, 600 }, { 404, 7 }, { 503, 70000 }
	};
	(void)state;

	assert_int_equal(cause_map(map, COUNT_OF(map), 486), 480);
	assert_int_equal(cause_map(map, COUNT_OF(map), 487), 487);
	/* What is not a final code is not taken */
	assert_int_equal(cause_map(map, COUNT_OF(map), 404), 404);
	assert_int_equal(cause_map(map, COUNT_OF(map), 503), 503);
	assert_int_equal(cause_map(NULL, 0, 486), 486);
}


static void a_reason_header_names_the_cause(void **state)
{
	char dst[32];
	(void)state;

	assert_string_equal(reason_q850(END_NORMAL_RELEASE, dst),
			    "Q.850;cause=16");
	assert_string_equal(reason_q850(END_INVITE_TIMEOUT, dst),
			    "Q.850;cause=102");
	assert_int_equal(verdict_q850(END_MEDIA_FAILURE, 488), 88);
	assert_int_equal(verdict_q850(END_MEDIA_FAILURE, 503), 47);
	assert_int_equal(verdict_q850(END_ALL_GATEWAY_BUSY, 503), 34);
}


/* --- section 7 ------------------------------------------------------------ */

enum {
	COLUMNC = 6
};

static const struct switch_rules columns[COLUMNC] = {
	{ .stop_after_sdp = true,
	  .stop_after_rtp = true,
	  .stop_after_busy = true,
	  .limit = -1 },
	{ .stop_after_sdp = true,
	  .stop_after_rtp = true,
	  .stop_after_busy = true,
	  .stop_after_invite_timeout = true,
	  .limit = -1 },
	{ .stop_after_rtp = true, .stop_after_busy = true, .limit = -1 },
	{ .stop_after_sdp = true, .stop_after_busy = true, .limit = -1 },
	{ .stop_after_sdp = true, .stop_after_rtp = true, .limit = -1 },
	{ .stop_after_sdp = true,
	  .stop_after_rtp = true,
	  .stop_after_busy = true,
	  .until_connect = true,
	  .limit = -1 },
};

/* n: next, e: end; a letter per column */
static const struct {
	struct attempt_result result;
	const char *cells;
} matrix[] = {
	/* clang-format off */
	{ { .end = ATTEMPT_T1 },                                  "nennnn" },
	{ { .end = ATTEMPT_RESENDS },                             "nennnn" },
	{ { .end = ATTEMPT_TRANSPORT },                           "nnnnnn" },
	{ { .end = ATTEMPT_T2 },                                  "nnnnnn" },
	{ { .end = ATTEMPT_T3A },                                 "nnnnnn" },
	{ { .end = ATTEMPT_T4 },                                  "eeeeen" },
	{ { .end = ATTEMPT_T3B, .had_sdp = true },                "eeneen" },
	{ { .end = ATTEMPT_T4, .had_sdp = true },                 "eeeeen" },
	{ { .end = ATTEMPT_T3B, .had_sdp = true,
	    .had_rtp = true },                                    "eeeeen" },
	{ { .end = ATTEMPT_FINAL, .code = 486 },                  "eeeene" },
	{ { .end = ATTEMPT_FINAL, .code = 600 },                  "eeeene" },
	{ { .end = ATTEMPT_FINAL, .code = 486, .had_sdp = true }, "eeeeee" },
	{ { .end = ATTEMPT_FINAL, .code = 404 },                  "nnnnnn" },
	{ { .end = ATTEMPT_FINAL, .code = 302 },                  "nnnnnn" },
	{ { .end = ATTEMPT_AUTH, .code = 407 },                   "nnnnnn" },
	{ { .end = ATTEMPT_FINAL, .code = 503, .had_sdp = true }, "eeneen" },
	{ { .end = ATTEMPT_FINAL, .code = 503, .had_sdp = true,
	    .had_rtp = true },                                    "eeeeen" },
	/* RTP alone locks by rule 9 alone */
	{ { .end = ATTEMPT_FINAL, .code = 503, .had_rtp = true }, "eeenen" },
	{ { .end = ATTEMPT_ANSWERED },                            "eeeeee" },
	/* clang-format on */
};


static void the_matrix_holds_cell_by_cell(void **state)
{
	(void)state;

	for (size_t i = 0; i < COUNT_OF(matrix); i++) {
		for (size_t k = 0; k < COLUMNC; k++) {
			const bool is_next = switch_allowed(&columns[k],
							    &matrix[i].result,
							    1000);

			if (is_next != (matrix[i].cells[k] == 'n'))
				fail_msg("row %zu, column %zu", i, k);
		}
	}
}


static void off_stop_codes_and_limit_end_every_cell(void **state)
{
	static const int32_t codes[] = { 404, 302, 407, 486, 600, 503 };
	(void)state;

	for (size_t i = 0; i < COUNT_OF(matrix); i++) {
		const struct attempt_result *result = &matrix[i].result;

		for (size_t k = 0; k < COLUMNC; k++) {
			struct switch_rules rules = columns[k];

			rules.is_off = true;
			assert_false(switch_allowed(&rules, result, 0));

			rules = columns[k];
			rules.limit = 2;
			assert_false(switch_allowed(&rules, result, 2));
			assert_false(switch_allowed(&rules, result, 3));
			assert_int_equal(switch_allowed(&rules, result, 1),
					 matrix[i].cells[k] == 'n');
			rules.limit = 0;
			assert_false(switch_allowed(&rules, result, 0));

			rules = columns[k];
			rules.stop_codes = codes;
			rules.stop_codec = COUNT_OF(codes);
			assert_int_equal(switch_allowed(&rules, result, 0),
					 result->code == 0 &&
						 matrix[i].cells[k] == 'n');
		}
	}
}


static void a_code_that_is_not_a_stop_code_does_not_stop(void **state)
{
	static const int32_t codes[] = { 403, 503 };
	struct switch_rules rules = columns[0];
	struct attempt_result result = { .end = ATTEMPT_FINAL, .code = 404 };
	(void)state;

	rules.stop_codes = codes;
	rules.stop_codec = COUNT_OF(codes);
	assert_true(switch_allowed(&rules, &result, 0));
	result.code = 503;
	assert_false(switch_allowed(&rules, &result, 0));
	/* The code of an earlier response is not how it ended */
	result.end = ATTEMPT_T2;
	assert_true(switch_allowed(&rules, &result, 0));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_final_code_has_its_one_row),
		cmocka_unit_test(all_503_matters_to_503_alone),
		cmocka_unit_test(ends_without_a_response_have_their_rows),
		cmocka_unit_test(
			a_code_that_is_no_failure_is_an_internal_error),
		cmocka_unit_test(a_plain_reason_has_code_and_side_of_its_row),
		cmocka_unit_test(a_cause_map_changes_the_codes_it_names),
		cmocka_unit_test(a_reason_header_names_the_cause),
		cmocka_unit_test(the_matrix_holds_cell_by_cell),
		cmocka_unit_test(off_stop_codes_and_limit_end_every_cell),
		cmocka_unit_test(a_code_that_is_not_a_stop_code_does_not_stop),
	};

	return T_MAIN_ONLY(tests);
}
