/**
 * @file test/unit/sipd/test_identify.c  call-setup 1, row by row
 */
#include "sipd/identify.h"
#include "test/support/t.h"
#include "test/unit/sipd/invite.h"
#include "test/unit/sipd/route_rig.h"

enum {
	BY_PORT = 1, /* 192.0.2.7:5060 */
	BY_NET,      /* 192.0.2.0/24 */
	BY_WIDE,     /* Password, 192.0.0.0/16 */
	DYNAMIC,     /* Registers here, by address */
	PASSWORD,    /* No address */
	NO_PORT,     /* By port, but its address has none */
	PHONE = 51,
	PHONE2,
	WAY = 31, /* 203.0.113.1, and the dynamic one */
	WAY_DYNAMIC,
	WAY_MANY = 100, /* And on: in the network of BY_NET */
	WAYC = 200
};

static const struct route_row rows_in[] = {
	{ RECORD_ACCOUNT, 1, "name=a" },
	{ RECORD_MAPPING, BY_PORT,
	  "name=by_port|account=1|auth_mode=ip_port"
	  "|addresses=192.0.2.7:5060,198.51.100.1:5070" },
	{ RECORD_MAPPING, BY_NET,
	  "name=by_net|account=1|addresses=192.0.2.0/24,2001:db8::/32" },
	{ RECORD_MAPPING, BY_WIDE,
	  "name=by_wide|account=1|auth_mode=password|username=wide"
	  "|addresses=192.0.0.0/16" },
	{ RECORD_MAPPING, DYNAMIC,
	  "name=dynamic|account=1|type=dynamic|username=dyn" },
	{ RECORD_MAPPING, PASSWORD,
	  "name=password|account=1|auth_mode=password|username=pbx" },
	{ RECORD_MAPPING, NO_PORT,
	  "name=no_port|account=1|auth_mode=ip_port|addresses=10.9.9.9" },
	{ RECORD_PHONE, PHONE, "number=1001|account=1" },
	{ RECORD_PHONE, PHONE2, "number=1002|account=1|enabled=Off" },
	{ RECORD_ROUTING, WAY,
	  "name=way|addresses=203.0.113.1:5060,192.0.2.9:5060,"
	  "192.0.9.9:5060" },
	{ RECORD_ROUTING, WAY_DYNAMIC,
	  "name=way_dynamic|type=dynamic|username=waydyn" },
};


static void open_rig(struct route_rig *rr, const char *what)
{
	assert_int_equal(route_rig_open(rr, what, rows_in, COUNT_OF(rows_in),
					NULL, 0),
			 0);
}


/* A host name of a routing gateway stands for 203.0.113.77 */
static bool resolves(const struct addr *source, void *arg)
{
	struct addr addr;
	int *asked = arg;

	(*asked)++;
	assert_int_equal(addr_parse(&addr, text_of("203.0.113.77")), 0);

	return addr_same_ip(source, &addr);
}


static void take(struct identified *out, const struct route_rig *rr,
		 const char *source, const char *from,
		 struct identify_bound bound, const char *auth)
{
	static char data[INVITE_MAX]; /* What username points into */
	struct message m;
	struct addr addr;
	int asked = 0;

	assert_int_equal(addr_parse(&addr, text_of(source)), 0);
	invite_make(&m, data, NULL, from, NULL, NULL);
	identify(out, rr->c, &m, &addr, &bound, text_of(auth), resolves,
		 &asked);
	if (out->row < IDENTIFY_ROUTING_ONLY)
		assert_int_equal(asked, 0);
}


static void the_first_row_that_knows_the_sender_decides(void **state)
{
	/* clang-format off */
	static const struct {
		const char *source, *from;
		struct identify_bound bound;
		const char *auth;
		enum identify_row row;
		bool is_challenged;
		enum record_kind kind;
		uint32_t id;
		const char *username;
	} rows[] = {
		/* 1, before a phone's binding there and the network around it */
		{ "192.0.2.7:5060", "<sip:1001@x>", { RECORD_PHONE, PHONE }, "1001",
		  IDENTIFY_IP_PORT, false, RECORD_MAPPING, BY_PORT, "" },
		{ "198.51.100.1:5070", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_IP_PORT, false, RECORD_MAPPING, BY_PORT, "" },
		/* Another port is somebody else */
		{ "192.0.2.7:5061", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_IP, false, RECORD_MAPPING, BY_NET, "" },
		{ "198.51.100.1:5071", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },

		{ "10.9.9.9:5060", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },

		/* 2, before the network */
		{ "192.0.2.8:5060", "<sip:1001@x>", { RECORD_PHONE, PHONE }, "",
		  IDENTIFY_BINDING, true, RECORD_PHONE, PHONE, "1001" },
		{ "192.0.2.8:5060", "<sip:%2B1001@x>", { RECORD_PHONE, PHONE }, "",
		  IDENTIFY_BINDING, true, RECORD_PHONE, PHONE, "%2B1001" },
		{ "192.0.2.8:5060", "<sip:1002@x>", { RECORD_PHONE, PHONE }, "",
		  IDENTIFY_IP, false, RECORD_MAPPING, BY_NET, "" },
		{ "10.0.0.1:5060", "<sip:12125@x>", { RECORD_MAPPING, DYNAMIC }, "",
		  IDENTIFY_BINDING, true, RECORD_MAPPING, DYNAMIC, "dyn" },
		{ "10.0.0.1:5060", "<sip:1001@x>", { RECORD_MAPPING, 999 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_PHONE, PHONE, "1001" },

		/* 3, before credentials and a routing gateway's address */
		{ "192.0.2.8:5060", "<sip:1001@x>", { 0 }, "1001",
		  IDENTIFY_IP, false, RECORD_MAPPING, BY_NET, "" },
		{ "192.0.2.9:5060", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_IP, false, RECORD_MAPPING, BY_NET, "" },
		{ "[2001:db8::1]:5060", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_IP, false, RECORD_MAPPING, BY_NET, "" },

		/* 4, by credentials, else From, else the address */
		{ "10.0.0.1:5060", "<sip:1001@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_PHONE, PHONE, "1001" },
		{ "10.0.0.1:5060", "<sip:1002@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_PHONE, PHONE2, "1002" },
		{ "10.0.0.1:5060", "<sip:1001@x>", { 0 }, "pbx",
		  IDENTIFY_CREDENTIALS, true, RECORD_MAPPING, PASSWORD, "pbx" },
		{ "10.0.0.1:5060", "<sip:pbx@x>", { 0 }, "1001",
		  IDENTIFY_CREDENTIALS, true, RECORD_PHONE, PHONE, "1001" },
		{ "10.0.0.1:5060", "<sip:dyn@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_MAPPING, DYNAMIC, "dyn" },
		{ "192.0.3.1:5060", "<sip:12125@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_MAPPING, 0, "12125" },
		{ "192.0.3.1:5060", "<sip:12125@x>", { 0 }, "pbx",
		  IDENTIFY_CREDENTIALS, true, RECORD_MAPPING, PASSWORD, "pbx" },
		{ "192.0.9.9:5060", "<sip:12125@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_MAPPING, 0, "12125" },
		/* Credentials that name nobody: From does not help */
		{ "10.0.0.1:5060", "<sip:1001@x>", { 0 }, "nobody",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },

		/* 5 */
		{ "203.0.113.1:40000", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_ROUTING_ONLY, false, RECORD_ROUTING, 0, "" },
		{ "203.0.113.1:40000", "<sip:1001@x>", { 0 }, "",
		  IDENTIFY_CREDENTIALS, true, RECORD_PHONE, PHONE, "1001" },
		{ "203.0.113.77:40000", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_ROUTING_ONLY, false, RECORD_ROUTING, 0, "" },
		{ "10.0.0.1:5060", "<sip:waydyn@x>", { RECORD_ROUTING, WAY_DYNAMIC }, "",
		  IDENTIFY_ROUTING_ONLY, false, RECORD_ROUTING, 0, "" },

		/* 6: nor is the name of a routing gateway a caller's */
		{ "10.0.0.1:5060", "<sip:waydyn@x>", { 0 }, "waydyn",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },
		{ "10.0.0.1:5060", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },
		{ "10.0.0.1:5060", "<sip:x>", { 0 }, "",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },
		{ "203.0.113.78:40000", "<sip:7@x>", { 0 }, "",
		  IDENTIFY_UNKNOWN, false, 0, 0, "" },
	};
	/* clang-format on */
	struct route_rig rr;
	(void)state;

	open_rig(&rr, "idrows");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct identified out;

		take(&out, &rr, rows[i].source, rows[i].from, rows[i].bound,
		     rows[i].auth);
		if (out.row != rows[i].row)
			fail_msg("case %zu: row %d", i, (int)out.row);
		assert_int_equal(out.is_challenged, rows[i].is_challenged);
		assert_int_equal(out.id, rows[i].id);
		if (rows[i].id || rows[i].row == IDENTIFY_ROUTING_ONLY)
			assert_int_equal(out.kind, rows[i].kind);
		if (!text_is(out.username, rows[i].username))
			fail_msg("case %zu: %.*s", i, (int)out.username.l,
				 out.username.p);
	}
	route_rig_close(&rr);
}


static void nobody_need_be_asked_to_resolve(void **state)
{
	char data[INVITE_MAX];
	struct identified out;
	struct route_rig rr;
	struct message m;
	struct addr addr;
	(void)state;

	open_rig(&rr, "idnull");
	invite_make(&m, data, NULL, NULL, NULL, NULL);
	assert_int_equal(addr_parse(&addr, text_of("203.0.113.77:1")), 0);
	identify(&out, rr.c, &m, &addr, NULL, text_of(""), NULL, NULL);
	assert_int_equal(out.row, IDENTIFY_UNKNOWN);
	route_rig_close(&rr);
}


/* Carriers put many routing gateways on one address; it may lie in the
 * network of a customer. */
static int open_crowd(struct route_rig *rr, const char *what)
{
	static char fields[WAYC][64];
	static struct route_row crowd[WAYC + COUNT_OF(rows_in)];

	memcpy(crowd, rows_in, sizeof(rows_in));
	for (size_t i = 0; i < WAYC; i++) {
		(void)snprintf(fields[i], sizeof(fields[i]),
			       "name=w%zu|addresses=192.0.2.9:5060", i);
		crowd[COUNT_OF(rows_in) + i] = (struct route_row){
			RECORD_ROUTING, WAY_MANY + (uint32_t)i, fields[i]
		};
	}

	return route_rig_open(rr, what, crowd, COUNT_OF(crowd), NULL, 0);
}


static void a_crowd_of_routing_gateways_hides_nobody(void **state)
{
	struct identified out;
	struct route_rig rr;
	(void)state;

	assert_int_equal(open_crowd(&rr, "idcrowd"), 0);
	take(&out, &rr, "192.0.2.9:5060", "<sip:7@x>",
	     (struct identify_bound){ 0 }, "");
	assert_int_equal(out.row, IDENTIFY_IP);
	assert_int_equal(out.id, BY_NET);
	route_rig_close(&rr);
}


/* Without memory it is a routing gateway: who may not call */
static int somebody_is_identified_without_memory(void)
{
	struct identified out;
	struct route_rig rr;
	int err;

	err = open_crowd(&rr, "idnomem");
	if (err)
		return err;
	take(&out, &rr, "192.0.2.9:5060", "<sip:7@x>",
	     (struct identify_bound){ 0 }, "");
	if (out.row == IDENTIFY_ROUTING_ONLY)
		err = ENOMEM;
	else if (out.row != IDENTIFY_IP)
		err = EPROTO;
	route_rig_close(&rr);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_knows_the_sender_decides),
		cmocka_unit_test(nobody_need_be_asked_to_resolve),
		cmocka_unit_test(a_crowd_of_routing_gateways_hides_nobody),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(somebody_is_identified_without_memory),
	};

	return T_MAIN(tests, scenarios);
}
