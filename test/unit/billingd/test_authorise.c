/**
 * @file test/unit/billingd/test_authorise.c  Who may begin a call
 */
#include "billingd/authorise.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

#define FROM_2025 "2025-01-01T00:00:00Z"

enum {
	CUSTOMER = 1,
	LOCKED,
	POOR, /* Without a rate table */
	EMPTY,
	GW_PLAIN = 21,
	GW_TWO,
};

/* 2025-06-15 */
static const int64_t summer_us = 1750000000000000;

struct fixture {
	struct rig rig;
	const struct catalog *c;
};


static int put_rows(struct rig *rig, struct build *b)
{
	int err = 0;

	err |= rig_row(rig, b, RECORD_RATE_TABLE, 11, "name", "gold", NULL);
	err |= rig_row(rig, b, RECORD_RATE_TABLE, 12, "name", "empty", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, CUSTOMER, "name", "customer",
		       "rate_table", "11", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, LOCKED, "name", "locked",
		       "rate_table", "11", "status", "locked", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, POOR, "name", "poor", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, EMPTY, "name", "bare",
		       "rate_table", "12", NULL);
	err |= rig_row(rig, b, RECORD_MAPPING, GW_PLAIN, "name", "plain",
		       "account", "1", "addresses", "192.0.2.1", NULL);
	err |= rig_row(rig, b, RECORD_MAPPING, GW_TWO, "name", "two",
		       "account", "1", "addresses", "192.0.2.2",
		       "route_prefix_digits", "2", NULL);
	err |= rig_row(rig, b, RECORD_RATE, 61, "table", "11", "prefix", "44",
		       "rate", "0.1", NULL);
	err |= rig_row(rig, b, RECORD_RATE, 62, "table", "11", "prefix", "49",
		       "rate", "0.1", "valid_from", FROM_2025, NULL);
	err |= rig_row(rig, b, RECORD_RATE, 63, "table", "11", "prefix", "900",
		       "rate", "9", "locked", "On", NULL);
	err |= build_param(b, SERVER_BILLING_FREE_E164S, "5000*,7000",
			   rig->why);
	err |= build_param(b, SERVER_BILLING_NO_CDR_E164S, "112", rig->why);
	err |= build_param(b, SERVER_BILLING_GATEWAY_ROUTE_PREFIX, "1",
			   rig->why);

	return err;
}


static int setup(void **state)
{
	static struct fixture f;
	struct build *b;

	memset(&f, 0, sizeof(f));
	assert_int_equal(rig_open(&f.rig, "authorise"), 0);
	assert_int_equal(build_alloc(&b, NULL), 0);
	if (put_rows(&f.rig, b) || rig_publish(&f.rig, b, 1))
		fail_msg("%s", f.rig.why);
	f.c = catalog_pin(f.rig.reader);
	*state = &f;

	return f.c ? 0 : -1;
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	catalog_unpin(f->rig.reader, f->c);
	rig_close(&f->rig);

	return 0;
}


static struct authorised ask(const struct fixture *f, uint32_t account,
			     uint32_t mapping, const char *called,
			     int64_t start_us)
{
	Tandem__Authorise call;
	char number[64];

	tandem__authorise__init(&call);
	(void)snprintf(number, sizeof(number), "%s", called);
	call.account = account;
	call.mapping = mapping;
	call.called = number;
	call.start_us = start_us;

	return authorise(f->c, &call);
}


static void one_with_a_rate_may_call(void **state)
{
	const struct authorised a = ask(*state, CUSTOMER, GW_TWO, "0044123",
					summer_us);

	assert_int_equal(a.why, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE);
	assert_int_equal(a.mode, BILLING_RATED);
}


static void what_decides_is_what_the_spec_says(void **state)
{
	/* clang-format off */
	static const struct {
		uint32_t account, mapping;
		const char *called;
		int64_t start_us;
		Tandem__CreditWhy why;
		enum billing_mode mode;
	} rows[] = {
		/* the gateway's digits come off, else the parameter's */
		{ CUSTOMER, GW_TWO,   "9944123", 0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_RATED },
		{ CUSTOMER, GW_TWO,   "44123",   0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		{ CUSTOMER, GW_PLAIN, "944123",  0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_RATED },
		{ CUSTOMER, 0,        "944123",  0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_RATED },
		{ CUSTOMER, 0,        "9944123", 0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		/* a number of so many characters stays whole */
		{ CUSTOMER, GW_TWO,   "44",      0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_RATED },
		/* valid when the INVITE came, and not locked */
		{ CUSTOMER, GW_PLAIN, "0491",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		{ CUSTOMER, GW_PLAIN, "0491",    1, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_RATED },
		{ CUSTOMER, GW_PLAIN, "09001",   1, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		{ POOR,     GW_PLAIN, "0441",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		{ EMPTY,    GW_PLAIN, "0441",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		/* free by the whole number; without a rate, too */
		{ CUSTOMER, GW_TWO,   "50001",   0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_FREE },
		{ POOR,     0,        "5000",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_FREE },
		{ POOR,     0,        "7000",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_FREE },
		{ POOR,     0,        "70001",   0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
		{ POOR,     0,        "112",     0, TANDEM__CREDIT_WHY__CREDIT_WHY_NONE,    BILLING_FREE },
		/* locked is locked */
		{ LOCKED,   GW_PLAIN, "0441",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_LOCKED,  BILLING_RATED },
		{ LOCKED,   GW_PLAIN, "7000",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_LOCKED,  BILLING_RATED },
		/* an account that is not known */
		{ 99,       GW_PLAIN, "0441",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR,   BILLING_RATED },
		{ 0,        GW_PLAIN, "7000",    0, TANDEM__CREDIT_WHY__CREDIT_WHY_ERROR,   BILLING_RATED },
		{ CUSTOMER, GW_PLAIN, "",        0, TANDEM__CREDIT_WHY__CREDIT_WHY_NO_RATE, BILLING_RATED },
	};
	/* clang-format on */

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct authorised a = ask(*state, rows[i].account,
						rows[i].mapping,
						rows[i].called,
						rows[i].start_us * summer_us);

		if (a.why != rows[i].why || a.mode != rows[i].mode)
			fail_msg("row %zu: %d %d", i, a.why, a.mode);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_with_a_rate_may_call),
		cmocka_unit_test(what_decides_is_what_the_spec_says),
	};

	return cmocka_run_group_tests_name("authorise", tests, setup,
					   teardown);
}
