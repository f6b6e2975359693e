/**
 * @file test/unit/billingd/test_charge.c  What one call means in money
 */
#include <string.h>

#include "billingd/charge.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

enum {
	CUSTOMER = 1,
	AGENT,
	VENDOR,
	POSTPAID,
	GW_IN = 21,
	GW_OUT = 31,
	GW_UNRATED,
	SECOND_US = 1000000,
};

/* 2025-06-15 */
static const int64_t summer_us = 1750000000000000;

struct fixture {
	struct rig rig;
	const struct catalog *c;
};

/** A parameter that a test sets; NULL ends them */
struct setting {
	enum param param;
	const char *value;
};


static int put_accounts(struct rig *rig, struct build *b)
{
	int err = 0;

	err |= rig_row(rig, b, RECORD_RATE_TABLE, 11, "name", "gold", NULL);
	err |= rig_row(rig, b, RECORD_RATE_TABLE, 12, "name", "cost", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, AGENT, "name", "agent", "kind",
		       "agent", "commission_percent", "10", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, CUSTOMER, "name", "customer",
		       "rate_table", "11", "agent", "2", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, VENDOR, "name", "vendor",
		       "kind", "clearing", "rate_table", "12", NULL);
	err |= rig_row(rig, b, RECORD_ACCOUNT, POSTPAID, "name", "postpaid",
		       "overdraft", "unlimited", "rate_table", "11",
		       "daily_cap", "5", NULL);

	return err;
}


static int put_gateways(struct rig *rig, struct build *b)
{
	int err = 0;

	err |= rig_row(rig, b, RECORD_MAPPING, GW_IN, "name", "in", "account",
		       "1", "addresses", "192.0.2.1", NULL);
	err |= rig_row(rig, b, RECORD_ROUTING, GW_OUT, "name", "out",
		       "account", "3", "addresses", "192.0.2.9", "prefixes",
		       "0", "route_prefix_digits", "3", NULL);
	err |= rig_row(rig, b, RECORD_ROUTING, GW_UNRATED, "name", "unrated",
		       "account", "3", "addresses", "192.0.2.8", "prefixes",
		       "0", NULL);
	err |= rig_row(rig, b, RECORD_RATE, 61, "table", "11", "prefix", "44",
		       "rate", "0.02", "first_increment", "60",
		       "next_increment", "60", NULL);
	err |= rig_row(rig, b, RECORD_RATE, 62, "table", "12", "prefix", "44",
		       "rate", "0.01", "first_increment", "1",
		       "next_increment", "1", NULL);

	return err;
}


static const struct catalog *publish(struct fixture *f,
				     const struct setting *settings)
{
	static uint64_t version;
	struct build *b;
	int err;

	assert_int_equal(build_alloc(&b, NULL), 0);
	err = put_accounts(&f->rig, b) | put_gateways(&f->rig, b);
	err |= build_param(b, SERVER_BILLING_FREE_E164S, "5000*,7000",
			   f->rig.why);
	err |= build_param(b, SERVER_BILLING_NO_CDR_E164S, "112,7000",
			   f->rig.why);
	err |= build_param(b, SERVER_BILLING_GATEWAY_ROUTE_PREFIX, "2",
			   f->rig.why);
	for (; settings && settings->value; settings++)
		err |= build_param(b, settings->param, settings->value,
				   f->rig.why);
	if (err || rig_publish(&f->rig, b, ++version))
		fail_msg("%s", f->rig.why);
	if (f->c)
		catalog_unpin(f->rig.reader, f->c);
	f->c = catalog_pin(f->rig.reader);

	return f->c;
}


static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	*state = &f;

	return rig_open(&f.rig, "charge");
}


static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->c)
		catalog_unpin(f->rig.reader, f->c);
	rig_close(&f->rig);

	return 0;
}


static struct tariff tariff_for(const struct catalog *c, uint32_t account,
				const char *called)
{
	const struct tariff_call call = { account, GW_IN, text_of(called),
					  summer_us };
	struct tariff tariff;

	tariff_of(&tariff, c, &call);

	return tariff;
}


/* An answered call of so many milliseconds over GW_OUT. */
static Tandem__Record record_of(const char *called, int64_t ms)
{
	Tandem__Record r;

	tandem__record__init(&r);
	r.cdr_id = unconst("1");
	r.called = unconst(called);
	r.called_sent = unconst("00044123456789");
	r.start_us = summer_us;
	r.answer_us = summer_us + SECOND_US;
	r.duration_us = ms * 1000;
	r.account = CUSTOMER;
	r.routing_gateway = GW_OUT;
	r.end_reason = END_NORMAL_RELEASE;
	r.end_side = END_SIDE_CALLER;

	return r;
}


static struct charge charged(const struct catalog *c, uint32_t account,
			     const Tandem__Record *r, uint32_t granted_s)
{
	const struct tariff tariff = tariff_for(c, account, r->called);
	struct tariff vendor;
	const bool is_paid = vendor_of(&vendor, c, r);
	struct charge charge;

	charge_of(&charge, &tariff, is_paid ? &vendor : NULL, r, granted_s);

	return charge;
}


static void fee_cost_margin_and_commission(void **state)
{
	static const struct setting fine[] = {
		{ SERVER_BILLING_FEE_PRECISTION, "3" },
		{ SERVER_BILLING_FEE_UNIT, "0.001" },
		{ 0, NULL },
	};
	const struct catalog *c = publish(*state, fine);
	const Tandem__Record r = record_of("0044123456789", 60000);
	const struct charge charge = charged(c, CUSTOMER, &r, 0);

	assert_int_equal(charge.rule, RECORD_IS_KEPT);
	assert_int_equal(charge.mode, BILLING_RATED);
	assert_int_equal(charge.fee, 20000);
	assert_int_equal(charge.vendor_cost, 10000);
	assert_int_equal(charge.margin, 10000);
	assert_int_equal(charge.commission, 2000);
	assert_int_equal(charge.account, CUSTOMER);
	assert_int_equal(charge.agent, AGENT);
	assert_int_equal(charge.clearing, VENDOR);
	assert_string_equal(charge.account_name, "customer");
	assert_string_equal(charge.agent_name, "agent");
	assert_string_equal(charge.clearing_name, "vendor");
	assert_string_equal(charge.called_rated, "44123456789");
	assert_string_equal(charge.called_rated_vendor, "44123456789");
	assert_string_equal(charge.rate_table, "gold");
	assert_string_equal(charge.rate_prefix, "44");
	assert_int_equal(charge.rate, 20000);
	assert_string_equal(charge.vendor_rate_prefix, "44");
	assert_int_equal(charge.vendor_rate, 10000);
	assert_false(charge.vendor_rate_missing);
	assert_int_equal(charge.duration_s, 60);
	assert_int_equal(charge.billed_duration, 60);
	assert_int_equal(charge.why, CHARGE_WHY_NONE);
}


static void a_vendor_without_a_rate_costs_nothing_and_is_told(void **state)
{
	const struct catalog *c = publish(*state, NULL);
	Tandem__Record r = record_of("0044123456789", 60000);
	struct charge charge;

	/* It takes two digits off: 044... has no rate. */
	r.routing_gateway = GW_UNRATED;
	charge = charged(c, CUSTOMER, &r, 0);
	assert_string_equal(charge.called_rated_vendor, "044123456789");
	assert_true(charge.vendor_rate_missing);
	assert_int_equal(charge.vendor_cost, 0);
	assert_int_equal(charge.margin, charge.fee);

	/* A phone answered: there is no vendor. */
	r.routing_gateway = 0;
	charge = charged(c, CUSTOMER, &r, 0);
	assert_false(charge.vendor_rate_missing);
	assert_int_equal(charge.clearing, 0);
}


static void free_time_is_the_customers_not_the_vendors(void **state)
{
	static const struct setting free6[] = {
		{ SERVER_BILLING_FREE_TIME, "6" },
		{ 0, NULL },
	};
	const struct catalog *c = publish(*state, free6);
	Tandem__Record r = record_of("0044123456789", 5000);
	struct charge charge = charged(c, CUSTOMER, &r, 0);

	assert_int_equal(charge.fee, 0);
	assert_int_equal(charge.duration_s, 5);
	assert_int_equal(charge.free_seconds, 5);
	assert_int_equal(charge.billed_duration, 0);
	assert_int_equal(charge.why, CHARGE_FREE_TIME);
	assert_int_equal(charge.vendor_cost, 10000);

	r.duration_us = INT64_C(67) * SECOND_US;
	charge = charged(c, CUSTOMER, &r, 0);
	assert_int_equal(charge.free_seconds, 6);
	assert_int_equal(charge.charged_s, 61);
	assert_int_equal(charge.billed_duration, 120);
	assert_int_equal(charge.fee, 40000);
}


static void what_was_not_granted_costs_nothing(void **state)
{
	const struct catalog *c = publish(*state, NULL);
	const Tandem__Record r = record_of("0044123456789", 60400);

	assert_int_equal(charged(c, CUSTOMER, &r, 0).fee, 40000);
	assert_int_equal(charged(c, CUSTOMER, &r, 60).fee, 20000);
	assert_int_equal(charged(c, CUSTOMER, &r, 60).duration_s, 61);
}


static void free_numbers_cost_nothing_and_vendors_are_paid(void **state)
{
	const struct catalog *c = publish(*state, NULL);
	const Tandem__Record free = record_of("50001", 60000);
	const Tandem__Record none = record_of("112", 60000);
	const Tandem__Record both = record_of("7000", 60000);
	struct charge charge = charged(c, CUSTOMER, &free, 0);

	assert_int_equal(charge.rule, RECORD_IS_KEPT);
	assert_int_equal(charge.mode, BILLING_FREE);
	assert_int_equal(charge.fee, 0);
	assert_int_equal(charge.why, CHARGE_FREE_NUMBER);
	assert_int_equal(charge.vendor_cost, 10000);
	assert_int_equal(charge.margin, -10000);

	charge = charged(c, CUSTOMER, &none, 0);
	assert_int_equal(charge.rule, RECORD_NO_CDR);
	assert_int_equal(charge.why, CHARGE_FREE_NUMBER);
	assert_int_equal(charge.vendor_cost, 0);
	assert_int_equal(charged(c, CUSTOMER, &both, 0).rule, RECORD_NO_CDR);
}


static void a_silent_tail_is_charged_if_it_is_to_be(void **state)
{
	static const struct setting off[] = {
		{ SERVER_BILLING_NOMEDIA_TAIL, "0" },
		{ 0, NULL },
	};
	const struct catalog *c = publish(*state, NULL);
	Tandem__Record r = record_of("0044123456789", 70000);

	r.silent_tail_us = INT64_C(10) * SECOND_US;
	r.end_reason = END_NO_MEDIA_TIMEOUT;
	assert_int_equal(charged(c, CUSTOMER, &r, 0).charged_s, 70);

	c = publish(*state, off);
	assert_int_equal(charged(c, CUSTOMER, &r, 0).charged_s, 60);
	assert_int_equal(charged(c, CUSTOMER, &r, 0).duration_s, 70);
	assert_int_equal(charged(c, CUSTOMER, &r, 0).silent_tail_ms, 10000);
	/* The vendor's without the deduction */
	assert_int_equal(charged(c, CUSTOMER, &r, 0).vendor_cost, 10000);

	/* Another end: the tail is not for that. */
	r.end_reason = END_NORMAL_RELEASE;
	assert_int_equal(charged(c, CUSTOMER, &r, 0).charged_s, 70);

	r.end_reason = END_NO_MEDIA_TIMEOUT;
	r.silent_tail_us = r.duration_us + SECOND_US;
	assert_int_equal(charged(c, CUSTOMER, &r, 0).fee, 0);
	assert_int_equal(charged(c, CUSTOMER, &r, 0).why, CHARGE_SILENCE);
}


static void the_first_rule_that_fits_decides_on_the_record(void **state)
{
	static const struct setting none[] = {
		{ SERVER_BILLING_RECORD_ILLEGAL_CALL, "0" },
		{ SERVER_BILLING_RECORD_ZERO_HOLD_TIME, "0" },
		{ SERVER_BILLING_RECORD_SERVER_HANG_UP, "0" },
		{ 0, NULL },
	};
	/* clang-format off */
	static const struct {
		const char *called;
		bool is_illegal;
		int64_t ms;
		enum end_side side;
		enum record_rule off; /* And with all switches on, but NO_CDR,
				       * it is kept */
		enum billing_mode mode;
	} rows[] = {
		{ "112",  true,  0,    END_SIDE_SERVER, RECORD_NO_CDR,          BILLING_ILLEGAL },
		{ "0044", true,  0,    END_SIDE_SERVER, RECORD_ILLEGAL,         BILLING_ILLEGAL },
		{ "0044", false, 0,    END_SIDE_SERVER, RECORD_ZERO_HOLD_TIME,  BILLING_ZERO },
		{ "0044", false, 50,   END_SIDE_CALLER, RECORD_ZERO_HOLD_TIME,  BILLING_ZERO },
		{ "0044", false, 51,   END_SIDE_SERVER, RECORD_SERVER_HANG_UP,  BILLING_RATED },
		{ "0044", false, 5000, END_SIDE_CALLER, RECORD_IS_KEPT,         BILLING_RATED },
		{ "5000", false, 5000, END_SIDE_SERVER, RECORD_SERVER_HANG_UP,  BILLING_FREE },
	};
	/* clang-format on */

	for (size_t on = 0; on < 2; on++) {
		const struct catalog *c = publish(*state, on ? NULL : none);

		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			Tandem__Record r = record_of(rows[i].called,
						     rows[i].ms);
			struct charge charge;

			r.is_illegal = rows[i].is_illegal;
			r.end_side = rows[i].side;
			charge = charged(c, CUSTOMER, &r, 0);
			if (charge.mode != rows[i].mode ||
			    charge.rule != (on && rows[i].off != RECORD_NO_CDR
						    ? RECORD_IS_KEPT
						    : rows[i].off))
				fail_msg("row %zu: %d %d", i, charge.rule,
					 charge.mode);
			if (charge.rule != RECORD_IS_KEPT)
				assert_int_equal(charge.fee |
							 charge.vendor_cost |
							 charge.commission,
						 0);
			/* Charged, or there is a reason. */
			assert_true((charge.fee > 0) ^
				    (charge.why != CHARGE_WHY_NONE));
		}
	}
}


static void a_call_of_nobody_has_a_charge_of_nothing(void **state)
{
	const struct catalog *c = publish(*state, NULL);
	Tandem__Record r = record_of("0044123456789", 0);
	struct charge charge;

	r.answer_us = 0;
	r.is_illegal = true;
	charge = charged(c, 0, &r, 0);
	assert_int_equal(charge.mode, BILLING_ILLEGAL);
	assert_int_equal(charge.fee | charge.vendor_cost, 0);
	assert_int_equal(charge.account, 0);
	assert_int_equal(charge.why, CHARGE_WHY_NONE);
}


static void the_tariff_is_that_of_the_beginning(void **state)
{
	static const struct setting later[] = {
		{ SERVER_BILLING_FEE_UNIT, "1" },
		{ SERVER_BILLING_FREE_TIME, "3600" },
		{ SERVER_BILLING_FREE_E164S, "0044*" },
		{ 0, NULL },
	};
	const struct catalog *c = publish(*state, NULL);
	const struct tariff tariff = tariff_for(c, CUSTOMER, "0044123456789");
	const Tandem__Record r = record_of("0044123456789", 60000);
	struct charge charge;

	(void)publish(*state, later);
	charge_of(&charge, &tariff, NULL, &r, 0);
	assert_int_equal(charge.fee, 20000);
}


static void unlimited_accounts_are_told_from_others(void **state)
{
	const struct catalog *c = publish(*state, NULL);

	assert_true(tariff_for(c, POSTPAID, "0044").flags &
		    TARIFF_IS_UNLIMITED);
	assert_false(tariff_for(c, CUSTOMER, "0044").flags &
		     TARIFF_IS_UNLIMITED);
	assert_true(tariff_for(c, POSTPAID, "0044").flags & TARIFF_IS_CAPPED);
	assert_false(tariff_for(c, CUSTOMER, "0044").flags & TARIFF_IS_CAPPED);
	assert_false(tariff_for(c, CUSTOMER, "0033").flags & TARIFF_HAS_RATE);
}


static void assert_packed_equal(const ProtobufCMessage *a,
				const ProtobufCMessage *b)
{
	uint8_t bytes[2][1024];
	const size_t l = protobuf_c_message_get_packed_size(a);

	assert_true(l > 0 && l <= sizeof(bytes[0]));
	assert_int_equal(protobuf_c_message_get_packed_size(b), l);
	(void)protobuf_c_message_pack(a, bytes[0]);
	(void)protobuf_c_message_pack(b, bytes[1]);
	assert_memory_equal(bytes[0], bytes[1], l);
}


static void tariffs_and_charges_come_back_as_they_went(void **state)
{
	const struct catalog *c = publish(*state, NULL);
	const struct tariff tariff = tariff_for(c, CUSTOMER, "0044123456789");
	const Tandem__Record r = record_of("0044123456789", 60000);
	struct charge charge = charged(c, CUSTOMER, &r, 0), charge2;
	Tandem__Tariff message, message2;
	Tandem__Charge paid, paid2;
	struct tariff again;

	tariff_put(&message, &tariff);
	assert_int_equal(tariff_take(&again, &message), 0);
	tariff_put(&message2, &again);
	assert_packed_equal(&message.base, &message2.base);

	charge.settled = 5;
	charge_put(&paid, &charge);
	assert_int_equal(charge_take(&charge2, &paid), 0);
	charge_put(&paid2, &charge2);
	assert_packed_equal(&paid.base, &paid2.base);
}


static void what_cannot_be_ours_is_refused(void **state)
{
	static char longest[CHARGE_NAME_SIZE + 1];
	Tandem__Tariff t;
	Tandem__Charge p;
	struct tariff tariff;
	struct charge charge;
	(void)state;

	tandem__tariff__init(&t);
	assert_int_equal(tariff_take(&tariff, &t), EBADMSG);
	t.step = t.unit = t.first_increment = t.next_increment = 1;
	t.reserve_first_s = 60;
	assert_int_equal(tariff_take(&tariff, &t), 0);
	t.rate = -1;
	assert_int_equal(tariff_take(&tariff, &t), EBADMSG);
	t.rate = 0;
	memset(longest, 'x', CHARGE_NAME_SIZE);
	t.agent_name = longest;
	assert_int_equal(tariff_take(&tariff, &t), EBADMSG);

	tandem__charge__init(&p);
	assert_int_equal(charge_take(&charge, &p), 0);
	p.rate_prefix = longest;
	assert_int_equal(charge_take(&charge, &p), EBADMSG);
	tandem__charge__init(&p);
	p.rule = RECORD_RULEC;
	assert_int_equal(charge_take(&charge, &p), EBADMSG);
	p.rule = 0;
	p.fee = -1;
	assert_int_equal(charge_take(&charge, &p), EBADMSG);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fee_cost_margin_and_commission),
		cmocka_unit_test(
			a_vendor_without_a_rate_costs_nothing_and_is_told),
		cmocka_unit_test(free_time_is_the_customers_not_the_vendors),
		cmocka_unit_test(what_was_not_granted_costs_nothing),
		cmocka_unit_test(
			free_numbers_cost_nothing_and_vendors_are_paid),
		cmocka_unit_test(a_silent_tail_is_charged_if_it_is_to_be),
		cmocka_unit_test(
			the_first_rule_that_fits_decides_on_the_record),
		cmocka_unit_test(a_call_of_nobody_has_a_charge_of_nothing),
		cmocka_unit_test(the_tariff_is_that_of_the_beginning),
		cmocka_unit_test(unlimited_accounts_are_told_from_others),
		cmocka_unit_test(tariffs_and_charges_come_back_as_they_went),
		cmocka_unit_test(what_cannot_be_ours_is_refused),
	};

	return cmocka_run_group_tests_name("charge", tests, setup, teardown);
}
