/**
 * @file test/unit/catalog/lines.c  A small switch with a bit of everything
 */
#include "test/support/t.h"
#include "test/unit/catalog/lines.h"

#define FROM_2025 "2025-01-01T00:00:00Z"
#define FROM_2026 "2026-01-01T00:00:00Z"

/* clang-format off */
const struct line lines[] = {
	{ RECORD_ACCOUNT, CARRIER, { "name", "carrier", "agent", "2" } },
	{ RECORD_ACCOUNT, AGENT, { "name", "agent", "kind", "agent" } },
	{ RECORD_RATE_TABLE, GOLD, { "name", "gold" } },
	{ RECORD_RATE_TABLE, GOLD + 1, { "name", "empty" } },
	{ RECORD_GROUP, 5, { "name", "trunk", "line_limit", "10" } },
	{ RECORD_MAPPING, GW1, { "name", "gw1", "account", "1",
		"addresses", "192.0.2.0/24,2001:db8::/32", "group", "5" } },
	{ RECORD_MAPPING, GW2, { "name", "gw2", "account", "1",
		"auth_mode", "ip_port",
		"addresses", "192.0.2.7:5060,198.51.100.1:5070" } },
	{ RECORD_MAPPING, GW3, { "name", "gw3", "account", "1",
		"auth_mode", "password", "username", "pbx",
		"addresses", "192.0.0.0/16" } },
	{ RECORD_ROUTING, WAY1, { "name", "way1", "prefixes", "1,1212,44",
		"addresses", "203.0.113.1:5060;udp,carrier.example" } },
	{ RECORD_ROUTING, WAY2, { "name", "way2", "prefixes", "1212,",
		"mapping_names", "21,23", "mapping_mode", "allow" } },
	{ RECORD_ROUTING, WAY3, { "name", "way3", "prefixes", "12",
		"type", "dynamic", "username", "dyn", "registration", "41" } },
	{ RECORD_REGISTRATION, 41, { "name", "reg", "sip_proxy",
		"proxy.example", "gateway", "31" } },
	{ RECORD_PHONE, 51, { "number", "1001", "account", "1",
		"codecs", "PCMA,PCMU" } },
	{ RECORD_PHONE, 52, { "number", "100", "account", "1",
		"forward_no_answer", "1001" } },
	{ RECORD_RATE, 61, { "table", "11", "prefix", "", "rate", "0.5" } },
	{ RECORD_RATE, 62, { "table", "11", "prefix", "12", "rate", "0.2",
		"valid_from", FROM_2025 } },
	{ RECORD_RATE, 63, { "table", "11", "prefix", "12", "rate", "0.3",
		"valid_from", FROM_2026 } },
	{ RECORD_RATE, 64, { "table", "11", "prefix", "1212", "rate", "0.1",
		"valid_from", FROM_2025, "valid_to", FROM_2026 } },
	{ RECORD_RATE, 65, { "table", "11", "prefix", "900", "rate", "9",
		"locked", "On" } },
	{ RECORD_LIST, 71, { "entry", "900*", "list", "callee_black" } },
	{ RECORD_LIST, 72, { "entry", "123", "list", "callee_black" } },
	{ RECORD_LIST, 73, { "entry", "900*", "list", "caller_black" } },
	{ RECORD_LIST, 74, { "entry", "198.51.100.0/24",
		"list", "source_black" } },
	{ RECORD_LIST, 75, { "entry", "2001:db8::1", "list",
		"source_white" } },
	{ RECORD_LIST, 76, { "entry", "1234567890123456789012345678*",
		"list", "callee_black" } },
};
/* clang-format on */

const size_t linec = COUNT_OF(lines);


int put_line(struct rig *rig, struct build *b, const struct line *line)
{
	const char *const *p = line->pairs;

	return rig_row(rig, b, line->kind, line->id, p[0], p[1], p[2], p[3],
		       p[4], p[5], p[6], p[7], p[8], p[9], NULL);
}


int publish_lines(struct rig *rig, uint64_t version)
{
	struct build *b = NULL;
	int err;

	err = build_alloc(&b, NULL);
	for (size_t i = 0; i < linec && !err; i++)
		err = put_line(rig, b, &lines[i]);
	if (err) {
		build_free(b);
		return err;
	}

	return rig_publish(rig, b, version);
}


const struct catalog *open_lines(struct rig *rig, const char *what)
{
	const struct catalog *c;
	char why[256] = "";

	assert_int_equal(rig_open(rig, what), 0);
	if (publish_lines(rig, 1))
		fail_msg("%s", rig->why);

	c = catalog_pin(rig->reader);
	assert_non_null(c);
	if (catalog_verify(c, why, sizeof(why)))
		fail_msg("%s", why);

	return c;
}


void close_lines(struct rig *rig, const struct catalog *c)
{
	catalog_unpin(rig->reader, c);
	rig_close(rig);
}
