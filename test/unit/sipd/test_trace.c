/**
 * @file test/unit/sipd/test_trace.c  Messages kept for an operator
 */
#include <netinet/in.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/svc/admin.h"
#include "sipd/trace_parts.h"
#include "test/support/t.h"

#define SECOND INT64_C(1000000)

static const char invite[] =
	"INVITE sip:+4420@203.0.113.1 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
	"f: \"One\" <sip:1801@192.0.2.9>;tag=1\r\n"
	"To: <sip:4420@203.0.113.1;user=phone>\r\n"
	"i: abc@192.0.2.9\r\n"
	"CSeq: 1 INVITE\r\n"
	"Authorization: Digest username=\"u\", nonce=\"NONCE\", "
	"response=\"RESPONSE\"\r\n"
	"Content-Length: 0\r\n\r\n";
static const char trying[] = "SIP/2.0 100 Trying\r\n"
			     "From: <sip:1801@192.0.2.9>;tag=1\r\n"
			     "To: <sip:4420@203.0.113.1>\r\n"
			     "Call-ID: abc@192.0.2.9\r\n"
			     "CSeq: 1 INVITE\r\n\r\n";
static const char reg[] = "REGISTER sip:h SIP/2.0\r\n"
			  "From: <sip:2001@h>;tag=1\r\n"
			  "To: <sip:2001@h>\r\n"
			  "Call-ID: r\r\n"
			  "CSeq: 7 REGISTER\r\n\r\n";


static struct addr addr_of(const char *s)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(s)), 0);

	return addr;
}


static void keep_from(struct trace *trace, const char *remote,
		      const char *message)
{
	const struct addr local = addr_of("203.0.113.1:5060");
	const struct addr peer = addr_of(remote);

	if (trace_is_on(trace))
		trace_keep(trace, TRACE_IN, TRANSPORT_UDP, &local, &peer,
			   message, strlen(message));
}


static void keep(struct trace *trace, const char *message)
{
	keep_from(trace, "192.0.2.9:5070", message);
}


static void done(struct admin_answer *answer)
{
	json_decref(answer->rows);
	json_decref(answer->more);
	json_decref(answer->next);
	*answer = (struct admin_answer){ .tag = 0 };
}


typedef int(cmd_h)(struct trace *trace, const json_t *args,
		   struct admin_answer *answer);


/* Arguments as JSON with ' for " */
static struct admin_answer ask(struct trace *trace, cmd_h *h, const char *args)
{
	const struct admin_asker asker = { .name = "ann" };
	struct admin_answer answer = { .asker = &asker };
	char text[512];
	json_t *json;

	assert_int_equal(text_print(text, sizeof(text), "%s", args), 0);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	(void)h(trace, json, &answer);
	json_decref(json);

	return answer;
}


static void start(struct trace *trace, const char *args)
{
	struct admin_answer answer = ask(trace, trace_cmd_start, args);

	assert_null(answer.code);
	done(&answer);
}


static void check_refused(struct trace *trace, cmd_h *h, const char *args,
			  const char *code)
{
	struct admin_answer answer = ask(trace, h, args);

	assert_non_null(answer.code);
	assert_string_equal(answer.code, code);
	assert_true(answer.error[0] != '\0');
	done(&answer);
}


static const char *column(const struct admin_answer *answer, size_t row,
			  const char *key)
{
	const char *s = json_string_value(
		json_object_get(json_array_get(answer->rows, row), key));

	return s ? s : "";
}


static json_int_t figure(const struct admin_answer *answer, size_t row,
			 const char *key)
{
	return json_integer_value(
		json_object_get(json_array_get(answer->rows, row), key));
}


/* How many messages a trace with these filters keeps of the three */
static uint64_t kept_with(const char *args)
{
	struct trace *trace = NULL;
	uint64_t n;

	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, args);
	keep(trace, invite);
	keep(trace, trying);
	keep_from(trace, "[2001:db8::5]:5080", reg);
	n = trace->ones[0]->records;
	trace_free(trace);

	return n;
}


static void each_filter_keeps_what_fits_it(void **state)
{
	(void)state;
	assert_int_equal(kept_with("{}"), 3);
	assert_int_equal(kept_with("{'type':'sip'}"), 3);
	assert_int_equal(kept_with("{'type':'registration'}"), 1);
	assert_int_equal(kept_with("{'ip':'192.0.2.9'}"), 2);
	assert_int_equal(kept_with("{'ip':'192.0.2.0/24'}"), 2);
	assert_int_equal(kept_with("{'ip':'203.0.113.1'}"), 3);
	assert_int_equal(kept_with("{'ip':'2001:db8::/32'}"), 1);
	assert_int_equal(kept_with("{'ip':'192.0.2.8'}"), 0);
	assert_int_equal(kept_with("{'method':'invite'}"), 2);
	assert_int_equal(kept_with("{'call_id':'abc@192.0.2.9'}"), 2);
	assert_int_equal(kept_with("{'call_id':'abc@192.0.2.'}"), 0);
	assert_int_equal(kept_with("{'number':'4420'}"), 2);
	assert_int_equal(kept_with("{'number':4420}"), 2);
	assert_int_equal(kept_with("{'number':'+4420'}"), 2);
	assert_int_equal(kept_with("{'number':'1801'}"), 2);
	assert_int_equal(kept_with("{'number':'18*'}"), 2);
	assert_int_equal(kept_with("{'number':'180'}"), 0);
	assert_int_equal(kept_with("{'phone':'2001'}"), 1);
}


static void filters_combine_with_and(void **state)
{
	(void)state;
	assert_int_equal(kept_with("{'ip':'192.0.2.9','method':'REGISTER'}"),
			 0);
	assert_int_equal(kept_with("{'number':'1801','call_id':'r'}"), 0);
	assert_int_equal(kept_with("{'number':'1801','ip':'192.0.2.9',"
				   "'method':'INVITE'}"),
			 2);
}


static size_t resolve(bool is_phone, const char *name, struct addr *addrs,
		      size_t max, void *arg)
{
	const struct addr *known = arg;

	if (max == 0 || strcmp(name, is_phone ? "2001" : "GW1") != 0)
		return 0;
	addrs[0] = *known;

	return 1;
}


static void a_gateway_is_its_addresses(void **state)
{
	struct addr known = addr_of("192.0.2.9");
	struct trace *trace = NULL;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	trace_resolver(trace, resolve, &known);
	start(trace, "{'gateway':'GW1'}");
	known.port = 5070;
	start(trace, "{'gateway':'GW1'}");
	known.port = 5071;
	start(trace, "{'gateway':'GW1'}");
	keep(trace, invite);
	keep_from(trace, "192.0.2.8:5070", invite);
	assert_int_equal(trace->ones[0]->records, 1);
	assert_int_equal(trace->ones[1]->records, 1);
	assert_int_equal(trace->ones[2]->records, 0);
	check_refused(trace, trace_cmd_start, "{'gateway':'GW2'}",
		      "not_found");
	trace_free(trace);
}


static void a_phone_is_its_addresses_and_its_number(void **state)
{
	struct addr known = addr_of("192.0.2.9");
	struct trace *trace = NULL;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	trace_resolver(trace, resolve, &known);
	start(trace, "{'phone':'2001'}");
	keep(trace, invite);
	keep_from(trace, "192.0.2.8:1", reg);
	keep_from(trace, "192.0.2.8:1", invite);
	assert_int_equal(trace->ones[0]->records, 2);
	trace_free(trace);
}


static void nothing_is_on_until_a_trace_runs(void **state)
{
	struct trace *trace = NULL;

	(void)state;
	assert_false(trace_is_on(NULL));
	assert_int_equal(trace_alloc(&trace), 0);
	assert_false(trace_is_on(trace));
	start(trace, "{}");
	assert_true(trace_is_on(trace));
	trace_end(trace, trace->ones[0], TRACE_STOPPED);
	assert_false(trace_is_on(trace));
	trace_free(trace);
}


static void a_trace_ends_by_itself(void **state)
{
	struct trace *trace = NULL;

	(void)state;
	clk_freeze(SECOND, SECOND);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{'seconds':5}");
	start(trace, "{}");
	clk_turn(5 * SECOND - 1);
	keep(trace, invite);
	clk_turn(1);
	keep(trace, invite);
	assert_int_equal(trace->ones[0]->records, 1);
	assert_int_equal(trace->ones[0]->state, TRACE_OVER);
	assert_int_equal(trace->ones[1]->records, 2);
	clk_turn((TRACE_SECONDS - 5) * SECOND);
	trace_expire(trace);
	assert_false(trace_is_on(trace));
	trace_free(trace);
	clk_thaw();
}


static void sixteen_run_at_once_and_no_more(void **state)
{
	struct trace *trace = NULL;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	for (int i = 0; i < TRACES_MAX; i++)
		start(trace, "{}");
	check_refused(trace, trace_cmd_start, "{}", "busy");
	trace_end(trace, trace->ones[3], TRACE_STOPPED);
	start(trace, "{}"); /* the stopped one makes room */
	assert_null(trace_find(trace, 4));
	assert_non_null(trace_find(trace, 17));
	assert_int_equal(trace->onec, TRACES_MAX);
	trace_free(trace);
}


static void a_full_trace_stops(void **state)
{
	static char big[60000];
	struct trace *trace = NULL;
	size_t n = 0;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	memcpy(big, reg, sizeof(reg) - 1);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	start(trace, "{'method':'INVITE'}");
	for (; trace->running == 2 && n < 5000; n++)
		keep(trace, big);
	assert_int_equal(trace->ones[0]->state, TRACE_FULL);
	assert_int_equal(trace->ones[1]->state, TRACE_RUNNING);
	assert_true(trace->ones[0]->bytes <= TRACE_BYTES_MAX);
	assert_true(trace->ones[0]->bytes > TRACE_BYTES_MAX / 10 * 9);
	keep(trace, big);
	assert_int_equal(trace->ones[0]->records, n - 1);
	trace_free(trace);
}


static void what_is_shown_is_what_was_on_the_wire(void **state)
{
	struct admin_answer answer;
	struct trace *trace = NULL;
	const char *message;

	(void)state;
	clk_freeze(SECOND, 1767225600123456);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	keep(trace, invite);
	keep(trace, trying);

	answer = ask(trace, trace_cmd_show, "{'name':'1'}");
	assert_null(answer.code);
	assert_int_equal(json_array_size(answer.rows), 2);
	assert_string_equal(column(&answer, 0, "time"),
			    "2026-01-01T00:00:00.123Z");
	assert_string_equal(column(&answer, 0, "direction"), "in");
	assert_string_equal(column(&answer, 0, "transport"), "udp");
	assert_string_equal(column(&answer, 0, "local"), "203.0.113.1:5060");
	assert_string_equal(column(&answer, 0, "remote"), "192.0.2.9:5070");
	assert_string_equal(column(&answer, 0, "method"), "INVITE");
	assert_string_equal(column(&answer, 0, "call_id"), "abc@192.0.2.9");
	message = column(&answer, 0, "message");
	assert_int_equal(strlen(message), sizeof(invite) - 1);
	assert_null(strstr(message, "NONCE"));
	assert_null(strstr(message, "RESPONSE"));
	assert_non_null(strstr(message, "username=\"u\""));
	assert_int_equal(figure(&answer, 1, "code"), 100);
	assert_string_equal(column(&answer, 1, "message"), trying);
	assert_null(answer.next);
	done(&answer);
	trace_free(trace);
	clk_thaw();
}


static void no_secret_lies_in_memory(void **state)
{
	struct trace *trace = NULL;
	const struct trace_chunk *chunk;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	keep(trace, invite);
	chunk = trace->ones[0]->chunks[0];
	assert_null(memmem(chunk->data, chunk->used, "NONCE", 5));
	assert_null(memmem(chunk->data, chunk->used, "RESPONSE", 8));
	trace_free(trace);
}


static void what_is_no_text_is_shown_as_such(void **state)
{
	static const char odd[] = "X\x01\xff\0Y\r\n\r\n";
	const struct addr a = addr_of("192.0.2.9:1");
	struct admin_answer answer;
	struct trace *trace = NULL;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	trace_keep(trace, TRACE_OUT, TRANSPORT_TLS, &a, &a, odd,
		   sizeof(odd) - 1);
	answer = ask(trace, trace_cmd_show, "{'name':1}");
	assert_string_equal(column(&answer, 0, "message"),
			    "X\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdY\r\n\r\n");
	assert_string_equal(column(&answer, 0, "direction"), "out");
	assert_string_equal(column(&answer, 0, "transport"), "tls");
	assert_string_equal(column(&answer, 0, "call_id"), "");
	done(&answer);
	trace_free(trace);
}


static void pages_hold_every_message_once(void **state)
{
	struct trace *trace = NULL;
	char message[3000], args[96], want[16];
	uint64_t n = 0;
	bool more = true;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	for (int i = 0; i < 500; i++) {
		assert_int_equal(text_print(message, sizeof(message),
					    "BYE %d x\r\n%2500s", i, ""),
				 0);
		keep(trace, message);
	}
	(void)text_print(args, sizeof(args), "{'name':1,'limit':1000}");
	while (more) {
		struct admin_answer answer = ask(trace, trace_cmd_show, args);
		char *line;

		assert_null(answer.code);
		for (size_t i = 0; i < json_array_size(answer.rows); i++) {
			(void)text_print(want, sizeof(want), "BYE %d ",
					 (int)n++);
			assert_memory_equal(column(&answer, i, "message"),
					    want, strlen(want));
		}
		more = answer.next != NULL;
		if (more)
			(void)text_print(args, sizeof(args),
					 "{'name':1,'cursor':'%s',"
					 "'limit':1000}",
					 json_string_value(answer.next));
		line = admin_print(&answer);
		assert_non_null(line);
		assert_true(strlen(line) < 1 << 20);
		free(line);
	}
	assert_int_equal(n, 500);
	trace_free(trace);
}


static void a_page_of_the_worst_bytes_fits_a_line(void **state)
{
	static char worst[65001];
	struct trace *trace = NULL;
	struct admin_answer answer;
	char *line;

	(void)state;
	memset(worst, 1, sizeof(worst) - 1);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	for (int i = 0; i < 20; i++)
		keep(trace, worst);
	for (int i = 0; i < 3; i++) {
		static const char *const args[] = {
			"{'name':1,'limit':1000}",
			"{'name':1,'format':'text'}",
			"{'name':1,'format':'pcap'}",
		};

		answer = ask(trace, i ? trace_cmd_export : trace_cmd_show,
			     args[i]);
		assert_null(answer.code);
		assert_non_null(answer.next);
		line = admin_print(&answer);
		assert_non_null(line);
		assert_true(strlen(line) < 1000000);
		free(line);
	}
	trace_free(trace);
}


static void a_running_trace_says_where_to_go_on(void **state)
{
	struct trace *trace = NULL;
	struct admin_answer answer;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	keep(trace, invite);
	answer = ask(trace, trace_cmd_show, "{'name':1}");
	assert_null(answer.next);
	assert_string_equal(json_string_value(
				    json_object_get(answer.more, "position")),
			    "1");
	assert_string_equal(json_string_value(
				    json_object_get(answer.more, "state")),
			    "running");
	done(&answer);
	keep(trace, trying);
	answer = ask(trace, trace_cmd_show, "{'name':1,'cursor':'1'}");
	assert_int_equal(json_array_size(answer.rows), 1);
	assert_int_equal(figure(&answer, 0, "code"), 100);
	done(&answer);
	trace_free(trace);
}


static void a_list_says_what_each_is_for(void **state)
{
	struct trace *trace = NULL;
	struct admin_answer answer;

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{'ip':'192.0.2.0/24','number':'1801','seconds':'60'}");
	keep(trace, invite);
	answer = ask(trace, trace_cmd_stop, "{'name':1}");
	assert_string_equal(column(&answer, 0, "state"), "stopped");
	done(&answer);
	keep(trace, invite);
	answer = ask(trace, trace_cmd_list, "{}");
	assert_int_equal(json_array_size(answer.rows), 1);
	assert_int_equal(figure(&answer, 0, "trace"), 1);
	assert_string_equal(column(&answer, 0, "state"), "stopped");
	assert_string_equal(column(&answer, 0, "type"), "sip");
	assert_string_equal(column(&answer, 0, "ip"), "192.0.2.0/24");
	assert_string_equal(column(&answer, 0, "number"), "1801");
	assert_string_equal(column(&answer, 0, "operator"), "ann");
	assert_int_equal(figure(&answer, 0, "messages"), 1);
	assert_int_equal(figure(&answer, 0, "bytes"), sizeof(invite) - 1);
	assert_int_equal(figure(&answer, 0, "left"), 0);
	done(&answer);

	answer = ask(trace, trace_cmd_stop, "{'name':1,'discard':true}");
	done(&answer);
	assert_int_equal(trace->onec, 0);
	trace_free(trace);
}


static void bad_arguments_are_refused(void **state)
{
	static const char *const bad[] = {
		"{'type':'rtp'}",     "{'type':1}",      "{'ip':'h'}",
		"{'ip':1}",           "{'seconds':0}",   "{'seconds':86401}",
		"{'seconds':'soon'}", "{'number':true}", "{'number':''}",
		"{'gateway':[]}",
	};
	struct trace *trace = NULL;
	char args[256];

	(void)state;
	assert_int_equal(trace_alloc(&trace), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(trace, trace_cmd_start, bad[i], "invalid_value");
	(void)text_print(args, sizeof(args), "{'method':'%040d'}", 0);
	check_refused(trace, trace_cmd_start, args, "invalid_value");
	assert_int_equal(trace->onec, 0);

	start(trace, "{'seconds':86400}");
	check_refused(trace, trace_cmd_show, "{'name':2}", "not_found");
	check_refused(trace, trace_cmd_stop, "{}", "not_found");
	check_refused(trace, trace_cmd_show, "{'name':1,'limit':0}",
		      "invalid_value");
	check_refused(trace, trace_cmd_show, "{'name':1,'cursor':'x'}",
		      "invalid_value");
	check_refused(trace, trace_cmd_export, "{'name':1,'format':'csv'}",
		      "invalid_value");
	trace_free(trace);
}


/* --- files ----------------------------------------------------------------- */

static size_t unbase64(uint8_t *dst, const char *s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t v = 0;
	size_t n = 0;

	for (unsigned bits = 0; *s && *s != '='; s++) {
		v = v << 6 | (uint32_t)(strchr(digits, *s) - digits);
		bits += 6;
		if (bits >= 8)
			dst[n++] = (uint8_t)(v >> (bits -= 8));
	}

	return n;
}


/* A page of pcap begins where the one before ended. */
static void a_pcap_holds_packets(void **state)
{
	static uint8_t file[8192];
	const struct addr local = addr_of("203.0.113.1:5060");
	struct trace *trace = NULL;
	struct admin_answer answer;
	const uint8_t *p = file;
	size_t n;

	(void)state;
	clk_freeze(SECOND, 1767225600123456);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	trace_keep(trace, TRACE_OUT, TRANSPORT_TCP, &local,
		   &(struct addr){ { 192, 0, 2, 9 }, 5070, AF_INET, 0, 0 },
		   trying, sizeof(trying) - 1);
	keep_from(trace, "[2001:db8::5]:5080", reg);

	answer = ask(trace, trace_cmd_export, "{'name':1,'limit':1}");
	n = unbase64(file, column(&answer, 0, "data"));
	assert_string_equal(json_string_value(answer.next), "1");
	done(&answer);
	answer = ask(trace, trace_cmd_export, "{'name':1,'cursor':'1'}");
	n += unbase64(file + n, column(&answer, 0, "data"));
	assert_null(answer.next);
	done(&answer);

	assert_int_equal(n, 24 + 16 + 28 + sizeof(trying) - 1 + 16 + 48 +
				    sizeof(reg) - 1);
	assert_memory_equal(p, "\xd4\xc3\xb2\xa1\2\0\4\0", 8);
	assert_int_equal(p[20], 101);
	p += 24;
	assert_memory_equal(p + 4, "\x40\xe2\x01\0", 4); /* 123456 us */
	assert_int_equal(p[16], 0x45);
	assert_memory_equal(p + 16 + 12, "\xcb\0\x71\1\xc0\0\2\x09", 8);
	assert_memory_equal(p + 16 + 20, "\x13\xc4\x13\xce", 4);
	assert_memory_equal(p + 16 + 28, trying, sizeof(trying) - 1);
	p += 16 + 28 + sizeof(trying) - 1;
	assert_int_equal(p[16], 0x60);
	assert_memory_equal(p + 16 + 48, reg, sizeof(reg) - 1);
	trace_free(trace);
	clk_thaw();
}


static uint32_t word_sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i < len; i++)
		s += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);

	return s;
}


/* With its checksum the sum over everything is all ones (RFC 1071). */
static void checksums_are_right(void **state)
{
	static uint8_t out[TRACE_PCAP_RECORD + 65536];
	static const char *const ends[] = { "192.0.2.9:5070",
					    "[2001:db8::5]:5080" };
	struct trace_record r = { .direction = TRACE_IN };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const size_t ip = i ? 40 : 20, addrs = i ? 32 : 8;
		uint8_t *udp = out + 16 + ip;
		uint32_t s;
		size_t n;

		r.remote = r.local = addr_of(ends[i]);
		n = trace_pcap_record(out, &r, text_of("abcde"));
		assert_int_equal(n, 16 + ip + 8 + 5);
		if (!i)
			assert_int_equal(word_sum(out + 16, ip), 0xffff);
		s = word_sum(udp - addrs, addrs) + word_sum(udp, 13) + 17 + 13;
		while (s >> 16)
			s = (s & 0xffff) + (s >> 16);
		assert_int_equal(s, 0xffff);
	}
}


static void what_no_datagram_can_carry_is_cut(void **state)
{
	static uint8_t out[TRACE_PCAP_RECORD + MESSAGE_BYTES_MAX];
	static char data[MESSAGE_BYTES_MAX];
	struct trace_record r = { .direction = TRACE_OUT };
	const struct text t = { data, sizeof(data) };

	(void)state;
	r.remote = addr_of("192.0.2.9:1");
	r.local = addr_of("[::]:5060"); /* listens to both */
	assert_int_equal(trace_pcap_record(out, &r, t), 16 + 65535);
	assert_memory_equal(out + 16 + 12, "\0\0\0\0\xc0\0\2\x09", 8);
	r.remote = addr_of("[2001:db8::5]:1");
	assert_int_equal(trace_pcap_record(out, &r, t), 16 + 65535);
}


static void a_text_is_for_people(void **state)
{
	struct trace *trace = NULL;
	struct admin_answer answer;

	(void)state;
	clk_freeze(SECOND, 1767225600123456);
	assert_int_equal(trace_alloc(&trace), 0);
	start(trace, "{}");
	keep(trace, "BYE sip:1 SIP/2.0\r\n\r\n");
	answer = ask(trace, trace_cmd_export, "{'name':1,'format':'text'}");
	assert_string_equal(
		column(&answer, 0, "data"),
		"2026-01-01T00:00:00.123Z in udp 203.0.113.1:5060 <- "
		"192.0.2.9:5070 (21 bytes)\nBYE sip:1 SIP/2.0\r\n\r\n\n");
	done(&answer);
	trace_free(trace);
	clk_thaw();
}


static int messages_are_kept_and_exported(void)
{
	struct trace_filter filter = { .is_registration = false };
	struct trace *trace = NULL;
	struct trace_one *one;
	struct admin_answer answer = { .tag = 0 };
	json_t *args;
	int err;

	err = trace_alloc(&trace);
	if (err)
		return err;
	err = trace_add(trace, &one, &filter, 10, 0);
	if (!err) {
		keep(trace, invite);
		err = one->state == TRACE_NO_MEMORY ? ENOMEM : 0;
	}
	if (!err) {
		args = json_pack("{s:i,s:s}", "name", 1, "format", "text");
		(void)trace_cmd_export(trace, args, &answer);
		json_decref(args);
		err = answer.code ? ENOMEM : 0;
		done(&answer);
	}
	if (!err) {
		args = json_pack("{s:i}", "name", 1);
		(void)trace_cmd_show(trace, args, &answer);
		err = answer.code ? ENOMEM : 0;
		done(&answer);
		(void)trace_cmd_export(trace, args, &answer);
		err = err || answer.code ? ENOMEM : 0;
		done(&answer);
		(void)trace_cmd_start(trace, args, &answer);
		err = err || answer.code ? ENOMEM : 0;
		done(&answer);
		json_decref(args);
	}
	trace_free(trace);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_filter_keeps_what_fits_it),
		cmocka_unit_test(filters_combine_with_and),
		cmocka_unit_test(a_gateway_is_its_addresses),
		cmocka_unit_test(a_phone_is_its_addresses_and_its_number),
		cmocka_unit_test(nothing_is_on_until_a_trace_runs),
		cmocka_unit_test(a_trace_ends_by_itself),
		cmocka_unit_test(sixteen_run_at_once_and_no_more),
		cmocka_unit_test(a_full_trace_stops),
		cmocka_unit_test(what_is_shown_is_what_was_on_the_wire),
		cmocka_unit_test(no_secret_lies_in_memory),
		cmocka_unit_test(what_is_no_text_is_shown_as_such),
		cmocka_unit_test(pages_hold_every_message_once),
		cmocka_unit_test(a_page_of_the_worst_bytes_fits_a_line),
		cmocka_unit_test(a_running_trace_says_where_to_go_on),
		cmocka_unit_test(a_list_says_what_each_is_for),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(a_pcap_holds_packets),
		cmocka_unit_test(checksums_are_right),
		cmocka_unit_test(what_no_datagram_can_carry_is_cut),
		cmocka_unit_test(a_text_is_for_people),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(messages_are_kept_and_exported),
	};

	return T_MAIN(tests, scenarios);
}
