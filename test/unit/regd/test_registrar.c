/**
 * @file test/unit/regd/test_registrar.c  What a REGISTER does to bindings
 */
#include "regd/registrar.h"
#include "shared/base/util.h"
#include "test/support/t.h"

#define URI(s)                     \
	{                          \
		(s), sizeof(s) - 1 \
	}

enum {
	SAME = 1,  /* Call-ID of the device that asks */
	OTHER = 2, /* ... of another one */
};

static const struct registrar_params params = {
	.min_s = 300,
	.max_s = 3600,
	.nat_s = 200,
	.max_contacts = 1,
	.replace = true,
};


static struct addr at(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(text)), 0);

	return addr;
}


static struct registrar_held holds(const char *uri, uint64_t call_id,
				   uint32_t cseq, const char *source)
{
	return (struct registrar_held){ .uri = text_of(uri),
					.call_id = call_id,
					.cseq = cseq,
					.request = cseq,
					.source = at(source),
					.transport = REGISTRAR_UDP };
}


/* A plan as text: "add 0 300, replace 1" or a code. */
static const char *planned(const struct registrar_params *p,
			   const struct registrar_request *request,
			   const struct registrar_held *held, size_t heldc)
{
	static const char *const names[] = { "add", "refresh", "remove",
					     "replace" };
	static char line[512];
	struct registrar_plan plan;
	size_t at = 0;

	registrar_plan(&plan, p, request, held, heldc);
	if (plan.code != 200) {
		assert_int_equal(plan.stepc, 0);
		(void)snprintf(line, sizeof(line), "%u", plan.code);
		return line;
	}
	line[0] = '\0';
	for (size_t i = 0; i < plan.stepc; i++) {
		const struct registrar_step *s = &plan.steps[i];
		const char *sep = i ? ", " : "";

		if (s->what == REGISTRAR_ADD)
			at += (size_t)snprintf(line + at, sizeof(line) - at,
					       "%sadd c%zu %u", sep,
					       s->contact, s->granted_s);
		else if (s->what == REGISTRAR_REFRESH)
			at += (size_t)snprintf(line + at, sizeof(line) - at,
					       "%srefresh h%zu c%zu %u", sep,
					       s->held, s->contact,
					       s->granted_s);
		else
			at += (size_t)snprintf(line + at, sizeof(line) - at,
					       "%s%s h%zu", sep,
					       names[s->what], s->held);
	}

	return line;
}


/* A REGISTER of one device, as most are. */
static struct registrar_request asks(const struct registrar_contact *contacts,
				     size_t contactc)
{
	return (struct registrar_request){
		.contacts = contacts,
		.contactc = contactc,
		.expires = REGISTRAR_UNSAID,
		.call_id = SAME,
		.cseq = 10,
		.request = 10,
		.source = at("192.0.2.7:5060"),
		.transport = REGISTRAR_UDP,
	};
}


static void expiry_is_what_the_table_says(void **state)
{
	static const struct {
		uint32_t contact, header;
		bool is_nat;
		uint32_t granted_s;
	} rows[] = {
		{ 60, REGISTRAR_UNSAID, false, 300 },
		{ 600, REGISTRAR_UNSAID, false, 600 },
		{ 7200, REGISTRAR_UNSAID, false, 3600 },
		{ 300, REGISTRAR_UNSAID, false, 300 },
		{ 3600, REGISTRAR_UNSAID, false, 3600 },
		{ REGISTRAR_UNSAID, 600, false, 600 },
		{ 900, 600, false, 900 },
		{ REGISTRAR_UNSAID, REGISTRAR_UNSAID, false, 3600 },
		{ 60, REGISTRAR_UNSAID, true, 200 },
		{ 7200, REGISTRAR_UNSAID, true, 200 },
		{ REGISTRAR_UNSAID, REGISTRAR_UNSAID, true, 200 },
		{ 0, 600, false, 0 },
		{ 0, 600, true, 0 },
		{ REGISTRAR_UNSAID, 0, true, 0 },
		{ 600, 0, false, 600 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(registrar_granted(&params, rows[i].contact,
						   rows[i].header,
						   rows[i].is_nat),
				 rows[i].granted_s);
}


static void a_first_device_is_added(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 600 };
	const struct registrar_request r = asks(&c, 1);

	(void)state;
	assert_string_equal(planned(&params, &r, NULL, 0), "add c0 600");
}


static void without_contact_nothing_is_done(void **state)
{
	const struct registrar_request r = asks(NULL, 0);
	const struct registrar_held h = holds("sip:a@1", SAME, 99,
					      "192.0.2.7:5060");

	(void)state;
	assert_string_equal(planned(&params, &r, &h, 1), "");
}


static void the_same_device_is_known_by_any_of_three(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 600 };
	const struct registrar_request r = asks(&c, 1);
	const struct registrar_held by_uri = holds("sip:a@1", OTHER, 99,
						   "192.0.2.8:5060");
	const struct registrar_held by_call_id = holds("sip:a@2", SAME, 9,
						       "192.0.2.8:5060");
	const struct registrar_held by_source = holds("sip:a@2", OTHER, 99,
						      "192.0.2.7:5060");

	(void)state;
	assert_string_equal(planned(&params, &r, &by_uri, 1),
			    "refresh h0 c0 600");
	assert_string_equal(planned(&params, &r, &by_call_id, 1),
			    "refresh h0 c0 600");
	assert_string_equal(planned(&params, &r, &by_source, 1),
			    "refresh h0 c0 600");
}


static void a_stream_from_the_same_source_is_another_device(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 600 };
	struct registrar_request r = asks(&c, 1);
	struct registrar_held h = holds("sip:a@2", OTHER, 1, "192.0.2.7:5060");

	(void)state;
	h.transport = 2;
	assert_string_equal(planned(&params, &r, &h, 1),
			    "replace h0, add c0 600");
	h.transport = REGISTRAR_UDP;
	r.transport = 2;
	assert_string_equal(planned(&params, &r, &h, 1),
			    "replace h0, add c0 600");
	r.transport = REGISTRAR_UDP;
	r.source = at("192.0.2.7:5061");
	assert_string_equal(planned(&params, &r, &h, 1),
			    "replace h0, add c0 600");
}


static void another_device_is_added_replaces_or_is_refused(void **state)
{
	const struct registrar_contact c = { URI("sip:a@9"), 600 };
	const struct registrar_request r = asks(&c, 1);
	const struct registrar_held h[] = {
		holds("sip:a@2", OTHER, 1, "192.0.2.8:5060"),
		holds("sip:a@3", OTHER + 1, 1, "192.0.2.9:5060"),
	};
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 3;
	assert_string_equal(planned(&p, &r, h, 2), "add c0 600");
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, h, 2), "replace h0, add c0 600");
	p.max_contacts = 1; /* it was 2 before */
	assert_string_equal(planned(&p, &r, h, 2),
			    "replace h0, replace h1, add c0 600");
	p.replace = false;
	assert_string_equal(planned(&p, &r, h, 2), "403");
	p.max_contacts = 3;
	assert_string_equal(planned(&p, &r, h, 2), "add c0 600");
}


static void a_refresh_is_never_refused(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 600 };
	const struct registrar_request r = asks(&c, 1);
	const struct registrar_held h = holds("sip:a@1", SAME, 9,
					      "192.0.2.7:5060");
	struct registrar_params p = params;

	(void)state;
	p.replace = false;
	assert_string_equal(planned(&p, &r, &h, 1), "refresh h0 c0 600");
}


static void an_old_cseq_of_the_same_call_id_is_500(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 600 };
	const struct registrar_contact gone = { URI("sip:a@1"), 0 };
	struct registrar_request r = asks(&c, 1);
	struct registrar_held h = holds("sip:a@1", SAME, 11, "192.0.2.7:5060");

	(void)state;
	assert_string_equal(planned(&params, &r, &h, 1), "500");
	h.cseq = 10;
	h.request = 77; /* another one with the same number */
	assert_string_equal(planned(&params, &r, &h, 1), "500");
	r.contacts = &gone;
	assert_string_equal(planned(&params, &r, &h, 1), "500");
	h.cseq = 9;
	assert_string_equal(planned(&params, &r, &h, 1), "remove h0");
	h.cseq = 11;
	h.call_id = OTHER;
	assert_string_equal(planned(&params, &r, &h, 1), "remove h0");
}


static void the_same_request_again_does_nothing_more(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@1"), 600 },
					       { URI("sip:a@2"), 600 } };
	const struct registrar_request r = asks(c, 2);
	const struct registrar_held h[] = {
		holds("sip:a@1", SAME, 10, "192.0.2.7:5060"),
		holds("sip:a@2", SAME, 10, "192.0.2.7:5060"),
	};
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, h, 2), "");
	/* Cut short after the first. */
	assert_string_equal(planned(&p, &r, h, 1), "add c1 600");
}


static void an_old_cseq_of_one_contact_changes_none(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@1"), 600 },
					       { URI("sip:a@2"), 600 } };
	const struct registrar_request r = asks(c, 2);
	const struct registrar_held h[] = {
		holds("sip:a@1", SAME, 9, "192.0.2.7:5060"),
		holds("sip:a@2", SAME, 12, "192.0.2.7:5060"),
	};
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, h, 2), "500");
}


static void contacts_of_one_request_are_devices_of_their_own(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@1"), 600 },
					       { URI("sip:a@2"), 900 } };
	const struct registrar_request r = asks(c, 2);
	const struct registrar_held crossed[] = {
		holds("sip:a@2", SAME, 9, "192.0.2.7:5060"),
		holds("sip:a@1", SAME, 9, "192.0.2.7:5060"),
	};
	const struct registrar_held one = holds("sip:a@3", SAME, 9,
						"192.0.2.7:5060");
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, NULL, 0),
			    "add c0 600, add c1 900");
	assert_string_equal(planned(&p, &r, crossed, 2),
			    "refresh h1 c0 600, refresh h0 c1 900");
	assert_string_equal(planned(&p, &r, &one, 1),
			    "refresh h0 c0 600, add c1 900");
	p.max_contacts = 1;
	assert_string_equal(planned(&p, &r, &one, 1), "403");
}


static void the_same_contact_twice_is_400(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@1"), 600 },
					       { URI("sip:a@1"), 0 } };
	const struct registrar_request r = asks(c, 2);
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, NULL, 0), "400");
}


static void one_contact_goes_and_another_comes(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@1"), 0 },
					       { URI("sip:a@2"), 600 } };
	const struct registrar_contact late[] = { c[1], c[0] };
	const struct registrar_held h[] = {
		holds("sip:a@1", OTHER, 9, "192.0.2.8:5060"),
		holds("sip:a@4", OTHER + 1, 9, "192.0.2.9:5060"),
	};
	struct registrar_request r = asks(c, 2);
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, h, 2), "remove h0, add c1 600");
	r.contacts = late;
	assert_string_equal(planned(&p, &r, h, 2), "replace h0, add c0 600");
}


static void a_device_that_takes_its_old_contact_back_stays(void **state)
{
	const struct registrar_contact c[] = { { URI("sip:a@2"), 600 },
					       { URI("sip:a@1"), 0 } };
	const struct registrar_held h = holds("sip:a@1", SAME, 9,
					      "192.0.2.7:5060");
	const struct registrar_request r = asks(c, 2);
	struct registrar_params p = params;

	(void)state;
	p.max_contacts = 2;
	assert_string_equal(planned(&p, &r, &h, 1), "refresh h0 c0 600");
}


static void removing_what_is_not_there_is_no_error(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 0 };
	const struct registrar_request r = asks(&c, 1);
	const struct registrar_held h = holds("sip:a@2", SAME, 9,
					      "192.0.2.7:5060");

	(void)state;
	assert_string_equal(planned(&params, &r, &h, 1), "");
	assert_string_equal(planned(&params, &r, NULL, 0), "");
}


static void a_star_removes_all_and_only_with_expires_0(void **state)
{
	const struct registrar_contact c = { URI("sip:a@1"), 0 };
	const struct registrar_held h[] = {
		holds("sip:a@1", SAME, 9, "192.0.2.7:5060"),
		holds("sip:a@2", OTHER, 99, "192.0.2.8:5060"),
	};
	struct registrar_request r = asks(NULL, 0);

	(void)state;
	r.is_star = true;
	assert_string_equal(planned(&params, &r, h, 2), "400");
	r.expires = 600;
	assert_string_equal(planned(&params, &r, h, 2), "400");
	r.expires = 0;
	assert_string_equal(planned(&params, &r, h, 2),
			    "remove h0, remove h1");
	assert_string_equal(planned(&params, &r, NULL, 0), "");
	r.cseq = 9;
	assert_string_equal(planned(&params, &r, h, 2), "500");
	r.cseq = 10;
	r.contacts = &c;
	r.contactc = 1;
	assert_string_equal(planned(&params, &r, h, 2), "400");
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expiry_is_what_the_table_says),
		cmocka_unit_test(a_first_device_is_added),
		cmocka_unit_test(without_contact_nothing_is_done),
		cmocka_unit_test(the_same_device_is_known_by_any_of_three),
		cmocka_unit_test(
			a_stream_from_the_same_source_is_another_device),
		cmocka_unit_test(
			another_device_is_added_replaces_or_is_refused),
		cmocka_unit_test(a_refresh_is_never_refused),
		cmocka_unit_test(an_old_cseq_of_the_same_call_id_is_500),
		cmocka_unit_test(the_same_request_again_does_nothing_more),
		cmocka_unit_test(an_old_cseq_of_one_contact_changes_none),
		cmocka_unit_test(
			contacts_of_one_request_are_devices_of_their_own),
		cmocka_unit_test(the_same_contact_twice_is_400),
		cmocka_unit_test(one_contact_goes_and_another_comes),
		cmocka_unit_test(
			a_device_that_takes_its_old_contact_back_stays),
		cmocka_unit_test(removing_what_is_not_there_is_no_error),
		cmocka_unit_test(a_star_removes_all_and_only_with_expires_0),
	};

	return T_MAIN_ONLY(tests);
}
