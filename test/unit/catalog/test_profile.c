/**
 * @file test/unit/catalog/test_profile.c  Profiles set what they say
 */
#include "shared/base/util.h"
#include "shared/catalog/param.h"
#include "test/support/t.h"


static const char *value_in(const struct param_profile *profile,
			    enum param param)
{
	for (size_t i = 0; i < profile->setc; i++)
		if (profile->sets[i].param == param)
			return profile->sets[i].value;

	return NULL;
}


static bool names(const struct param_profile *profile, enum param param)
{
	for (size_t i = 0; i < profile->setc; i++)
		if (profile->sets[i].param == param)
			return true;

	return false;
}


static const struct param_profile *get(const char *name)
{
	const struct param_profile *profile = param_profile_find(
		text_of(name));

	if (!profile)
		fail_msg("no profile %s", name);

	return profile;
}


static void assert_canonical(const struct param_set *set)
{
	struct param_value *value = NULL;
	char why[PARAM_WHY_MAX];

	if (param_parse(&value, set->param, text_of(set->value), why))
		fail_msg("%s", why);
	assert_string_equal(value->text, set->value);
	free(value);
}


static void every_value_is_allowed_and_canonical(void **state)
{
	(void)state;

	for (size_t i = 0; i < param_profilec; i++) {
		const struct param_profile *profile = &param_profiles[i];

		assert_true(profile->setc > 0 && profile->help[0]);
		for (size_t j = 0; j < profile->setc; j++)
			if (profile->sets[j].value)
				assert_canonical(&profile->sets[j]);
	}
}


static void no_profile_names_a_parameter_twice(void **state)
{
	(void)state;

	for (size_t i = 0; i < param_profilec; i++) {
		bool seen[PARAMC] = { false };

		for (size_t j = 0; j < param_profiles[i].setc; j++) {
			const enum param p = param_profiles[i].sets[j].param;

			assert_false(seen[p]);
			seen[p] = true;
		}
	}
}


static void standard_takes_back_what_any_profile_sets(void **state)
{
	const struct param_profile *standard = get("standard");
	bool set_by_others[PARAMC] = { false };
	(void)state;

	for (size_t i = 0; i < param_profilec; i++)
		for (size_t j = 0; j < param_profiles[i].setc; j++)
			if (&param_profiles[i] != standard)
				set_by_others[param_profiles[i].sets[j].param] =
					true;
	for (int p = 0; p < PARAMC; p++) {
		if (names(standard, (enum param)p) != set_by_others[p])
			fail_msg("%s", params[p].name);
		assert_null(value_in(standard, (enum param)p));
	}
}


static void wholesale_sets_its_ten_values(void **state)
{
	static const struct param_set rows[] = {
		{ SS_SIP_SESSION_TTL, "300" },
		{ SS_SIP_SESSION_UPDATE_SEGMENT, "2" },
		{ SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP, "0" },
		{ SS_SIP_NO_TIMER_REINVITE_INTERVAL, "3600" },
		{ SS_NOMEDIAHANGUPTIME, "60" },
		{ SS_SIP_RESEND_INTERVAL, "0.5,1,2,4,4,4" },
		{ SS_GATEWAY_SWITCH_LIMIT, "4" },
		{ SS_SIP_E164_DISPLAY_FROM, "e164" },
		{ SERVER_BILLING_FEE_PRECISTION, "3" },
		{ SERVER_BILLING_FEE_UNIT, "0.001" },
	};
	const struct param_profile *wholesale = get("wholesale");
	(void)state;

	assert_int_equal(wholesale->setc, COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(value_in(wholesale, rows[i].param),
				    rows[i].value);
	assert_false(names(wholesale, SS_SIP_TIMEOUT_INVITE));
}


static void wholesale_thin_differs_in_two_values(void **state)
{
	const struct param_profile *wholesale = get("wholesale");
	const struct param_profile *thin = get("wholesale-thin");
	unsigned differ = 0;
	(void)state;

	assert_int_equal(thin->setc, wholesale->setc);
	for (size_t i = 0; i < thin->setc; i++)
		differ += strcmp(thin->sets[i].value,
				 value_in(wholesale, thin->sets[i].param)) !=
			  0;
	assert_int_equal(differ, 2);
	assert_string_equal(value_in(thin, SERVER_BILLING_FEE_PRECISTION),
			    "4");
	assert_string_equal(value_in(thin, SERVER_BILLING_FEE_UNIT), "0.0001");
}


static void the_profiles_operators_know_are_there(void **state)
{
	static const char *const known[] = {
		"standard",
		"enterprise",
		"wholesale",
		"wholesale-thin",
		"premium",
		"legacy-gateways",
		"call-centre",
		"retail",
		"sip-trunk",
		"mobile-termination",
		"international",
		"fast-failover",
		"slow-gateways",
		"aggressive-retry",
		"satellite",
		"unstable-network",
		"long-calls",
		"max-protection",
		"public-internet",
		"private-lan",
		"phones",
		"mixed-estate",
		"vad",
		"intercom",
		"emergency",
		"nat-small",
		"nat-large",
		"nat-strict",
		"nat-narrow",
		"upstream-nat",
		"under-attack",
	};
	(void)state;

	assert_int_equal(param_profilec, COUNT_OF(known));
	for (size_t i = 0; i < COUNT_OF(known); i++)
		assert_ptr_equal(get(known[i]), &param_profiles[i]);
	assert_null(param_profile_find(text_of("Standard")));
	assert_null(param_profile_find(text_of("")));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_allowed_and_canonical),
		cmocka_unit_test(no_profile_names_a_parameter_twice),
		cmocka_unit_test(standard_takes_back_what_any_profile_sets),
		cmocka_unit_test(wholesale_sets_its_ten_values),
		cmocka_unit_test(wholesale_thin_differs_in_two_values),
		cmocka_unit_test(the_profiles_operators_know_are_there),
	};

	return T_MAIN_ONLY(tests);
}
