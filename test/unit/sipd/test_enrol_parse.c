/**
 * @file test/unit/sipd/test_enrol_parse.c  What a registrar has granted
 */
#include "shared/base/util.h"
#include "sipd/enrol_parse.h"
#include "test/support/t.h"


static uint32_t granted(const char *heads)
{
	static struct message m;
	static char data[2048];
	const int len = snprintf(data, sizeof(data),
				 "SIP/2.0 200 OK\r\n"
				 "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
				 "From: <sip:us@x>;tag=a\r\n"
				 "To: <sip:us@x>;tag=b\r\n"
				 "Call-ID: c1\r\n"
				 "CSeq: 1 REGISTER\r\n"
				 "%s\r\n",
				 heads);

	if (message_parse(&m, data, (size_t)len, false))
		fail_msg("%s", message_faults[m.fault].name);

	return enrol_granted(&m, text_of("sip:us@192.0.2.9:5060"));
}


static void our_contact_counts_before_the_header(void **state)
{
	static const struct {
		const char *heads;
		uint32_t seconds;
	} rows[] = {
		{ "", ENROL_NO_EXPIRES },
		{ "Expires: 120\r\n", 120 },
		{ "Contact: <sip:us@192.0.2.9:5060>;expires=60\r\n"
		  "Expires: 120\r\n",
		  60 },
		{ "Contact: <sip:us@192.0.2.9>;expires=60\r\n", 60 },
		{ "Contact: <sip:us@192.0.2.9;transport=udp>;q=1;expires=7, "
		  "<sip:us@192.0.2.8>;expires=9\r\n",
		  7 },
		{ "Contact: <sip:us@192.0.2.8>;expires=9, "
		  "<sip:us@192.0.2.9>;expires=60\r\n",
		  60 },
		{ "Contact: <sip:us@192.0.2.9:5061>;expires=60\r\n",
		  ENROL_NO_EXPIRES },
		{ "Contact: <sip:them@192.0.2.9>;expires=60\r\n"
		  "Expires: 120\r\n",
		  120 },
		{ "Contact: <sip:us@192.0.2.9>;expires=soon\r\n"
		  "Expires: 120\r\n",
		  120 },
		{ "Contact: <sip:us@192.0.2.9>\r\nExpires: 0\r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (granted(rows[i].heads) != rows[i].seconds)
			fail_msg("%u: %s", granted(rows[i].heads),
				 rows[i].heads);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_contact_counts_before_the_header),
	};

	return T_MAIN_ONLY(tests);
}
