/**
 * @file sipd/gateway_test.c  Does a gateway answer, and how fast?
 *
 * A test is a place of a small table, so that what comes late of an answer or
 * an address cannot reach what is freed: its number is part of what they are
 * asked with.
 */
#include <errno.h>
#include <stdlib.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"
#include "sipd/gateway_test.h"
#include "sipd/health.h"
#include "sipd/params.h"
#include "sipd/resolve.h"
#include "sipd/sipd.h"
#include "sipd/txn.h"

enum {
	TESTS_MAX = 8,
	TARGETS_MAX = 32,
	COUNT = 5, /**< operations 2 */
	COUNT_MAX = 20,
	WAIT_MS = 2000, /**< One without an answer is lost then */
	TARGET_BITS = 8,
};

struct target {
	struct health_peer peer;
	enum health_state health;
	struct addr addr; /**< Family 0: not found */
	unsigned sent, answered, code;
	int64_t sent_us, min_us, max_us, sum_us;
	bool is_done;
};

struct test {
	struct admin_ticket ticket;
	uint32_t number; /**< 0: the place is free */
	unsigned count;
	size_t targetc;
	struct target targets[TARGETS_MAX];
};

struct gateway_tests {
	struct sipd *sipd;
	uint32_t number;
	struct test tests[TESTS_MAX];
};


/* --- the answer ----------------------------------------------------------- */

static json_t *seconds(const struct target *t, int64_t us)
{
	return t->answered ? json_real((double)us / 1000000) : json_null();
}


static json_t *row_of(const struct target *t)
{
	static const char *const healths[] = {
		[HEALTH_UNCHECKED] = "unchecked",
		[HEALTH_ONLINE] = "online",
		[HEALTH_OFFLINE] = "offline",
	};
	const unsigned lost = t->sent ? 100 - 100 * t->answered / t->sent
				      : 100;
	char address[96], resolved[ADDR_TEXT_MAX];

	(void)text_print(address, sizeof(address),
			 t->peer.port ? "%s:%u" : "%s", t->peer.host,
			 t->peer.port);

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:i,s:s,s:s}", "address",
			 address, "resolved",
			 t->addr.family
				 ? json_string(addr_print(&t->addr, resolved))
				 : json_null(),
			 "sip_answer",
			 t->code ? json_integer(t->code) : json_null(),
			 "rtt_min", seconds(t, t->min_us), "rtt_avg",
			 seconds(t, t->answered ? t->sum_us / t->answered : 0),
			 "rtt_max", seconds(t, t->max_us), "loss_pct",
			 (int)lost, "transport",
			 transport_uri(t->peer.transport), "health",
			 healths[t->health]);
}


static void finish(struct gateway_tests *tests, struct test *test)
{
	struct admin_answer answer = { .rows = json_array() };

	for (size_t i = 0; i < test->targetc; i++)
		if (!test->targets[i].is_done)
			goto out;
	for (size_t i = 0; i < test->targetc; i++)
		(void)json_array_append_new(answer.rows,
					    row_of(&test->targets[i]));
	test->number = 0;
	svc_answer(tests->sipd->svc, test->ticket, &answer);
out:
	json_decref(answer.rows);
}


/* --- asking --------------------------------------------------------------- */

static uint64_t user_of(const struct test *test, const struct target *t)
{
	return (uint64_t)test->number << TARGET_BITS |
	       (uint64_t)(t - test->targets);
}


static struct target *target_find(struct gateway_tests *tests, uint64_t user,
				  struct test **testp)
{
	const uint32_t number = (uint32_t)(user >> TARGET_BITS);

	for (size_t i = 0; i < TESTS_MAX; i++) {
		if (!number || tests->tests[i].number != number)
			continue;
		*testp = &tests->tests[i];
		return &tests->tests[i]
				.targets[user & ((1 << TARGET_BITS) - 1)];
	}

	return NULL;
}


static void on_answer(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user);


static int ask(struct gateway_tests *tests, const struct test *test,
	       struct target *t)
{
	static const struct txn_resend once = { .waits_ms = { WAIT_MS } };
	struct txn_send send = {
		.method = METHOD_OPTIONS,
		.resend = &once,
		.timeout_ms = WAIT_MS,
		.h = on_answer,
		.arg = tests,
		.user = user_of(test, t),
	};

	t->sent++;
	t->sent_us = clk_mono_us();

	return health_ask(tests->sipd, &t->peer, &t->addr, &send);
}


/* The next one; what cannot be sent is lost at once. */
static void go_on(struct gateway_tests *tests, struct test *test,
		  struct target *t)
{
	while (t->sent < test->count)
		if (ask(tests, test, t) == 0)
			return;

	t->is_done = true;
	finish(tests, test);
}


static void on_answer(txn_id txn, int err, const struct message *m,
		      const struct flow *from, void *arg, uint64_t user)
{
	struct gateway_tests *tests = arg;
	struct test *test;
	struct target *t = target_find(tests, user, &test);
	int64_t took_us;

	(void)txn;
	(void)err;
	(void)from;
	if (!t || t->is_done || (m && m->code < 200))
		return;
	if (m) {
		took_us = clk_mono_us() - t->sent_us;
		t->min_us = t->answered && t->min_us < took_us ? t->min_us
							       : took_us;
		t->max_us = t->max_us > took_us ? t->max_us : took_us;
		t->sum_us += took_us;
		t->answered++;
		t->code = m->code;
	}
	go_on(tests, test, t);
}


static void resolved(struct gateway_tests *tests, struct test *test,
		     struct target *t, const struct resolved *r)
{
	if (r->err || !r->addrc) {
		t->is_done = true;
		finish(tests, test);
		return;
	}
	t->addr = r->addrs[0];
	go_on(tests, test, t);
}


static void on_resolved(const struct resolved *r, void *arg, uint64_t user)
{
	struct test *test;
	struct target *t = target_find(arg, user, &test);

	if (t && !t->addr.family && !t->is_done)
		resolved(arg, test, t, r);
}


static void begin(struct gateway_tests *tests, struct test *test,
		  struct target *t)
{
	struct resolved r = { .addrc = 0 };
	const int err = resolve(tests->sipd->resolver, text_of(t->peer.host),
				t->peer.port, t->peer.transport, &r,
				on_resolved, tests, user_of(test, t));

	if (err == EAGAIN)
		return;
	if (err)
		r = (struct resolved){ .err = err };
	resolved(tests, test, t, &r);
}


/* --- the command ---------------------------------------------------------- */

static int take_count(const json_t *args, unsigned *countp,
		      struct admin_answer *answer)
{
	const json_t *value = json_object_get(args, "count");
	uint32_t count = COUNT;
	int err = 0;

	if (json_is_string(value))
		err = text_u32(&count, text_of(json_string_value(value)), 1,
			       COUNT_MAX);
	else if (json_is_integer(value) && json_integer_value(value) >= 1 &&
		 json_integer_value(value) <= COUNT_MAX)
		count = (uint32_t)json_integer_value(value);
	else if (value)
		err = EINVAL;
	if (err)
		return admin_refuse(answer, "invalid_value", "count: 1 to %d",
				    COUNT_MAX);
	*countp = count;

	return 0;
}


static int take_targets(struct test *test, const struct sipd *sipd,
			const struct catalog *c, const char *name)
{
	const struct cat_routing *gateway =
		catalog_by_name(c, RECORD_ROUTING, text_of(name ? name : ""));
	const struct cat_target *targets;
	size_t n;

	if (!gateway)
		return ENOENT;
	targets = catalog_span(c, RECORD_ROUTING, gateway->addresses,
			       sizeof(*targets), &n);
	for (size_t i = 0; i < n && i < TARGETS_MAX; i++) {
		struct target *t = &test->targets[test->targetc++];

		*t = (struct target){ .health = health_of(sipd->health,
							  gateway->gw.row.id,
							  i) };
		health_peer_of(&t->peer, c, gateway, &targets[i]);
	}

	return 0;
}


static struct test *place_find(struct gateway_tests *tests)
{
	for (size_t i = 0; i < TESTS_MAX; i++)
		if (!tests->tests[i].number)
			return &tests->tests[i];

	return NULL;
}


static int prepare(struct test *test, const struct sipd *sipd,
		   const json_t *args, struct admin_answer *answer)
{
	const char *name = json_string_value(json_object_get(args, "name"));
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	int err;

	if (!c)
		return admin_refuse(answer, "unavailable",
				    "there is no configuration yet");
	*test = (struct test){ .ticket = answer->asker->ticket };
	err = take_targets(test, sipd, c, name);
	catalog_unpin(svc_catalog(sipd->svc), c);
	if (err)
		return admin_refuse(answer, "not_found",
				    "%.64s: there is no such routing gateway",
				    name ? name : "");

	return take_count(args, &test->count, answer);
}


int cmd_gateway_test(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	struct sipd *sipd = state;
	struct gateway_tests *tests = sipd->gateway_tests;
	struct test *test = place_find(tests);

	if (!test)
		return admin_refuse(answer, "busy", "%d tests are running",
				    TESTS_MAX);
	if (prepare(test, sipd, args, answer))
		return EINVAL;
	if (!test->targetc) {
		answer->rows = json_array();
		return 0;
	}

	if (++tests->number == 0)
		tests->number = 1;
	test->number = tests->number;
	answer->later = true;
	log_notice(sipd->log, "command cmd=gateway.test operator=%s",
		   answer->asker->name);
	for (size_t i = 0; i < test->targetc; i++)
		begin(tests, test, &test->targets[i]);

	return 0;
}


int gateway_tests_alloc(struct gateway_tests **testsp, struct sipd *sipd)
{
	struct gateway_tests *tests = calloc(1, sizeof(*tests));

	if (!tests)
		return ENOMEM;

	tests->sipd = sipd;
	*testsp = tests;

	return 0;
}


struct gateway_tests *gateway_tests_free(struct gateway_tests *tests)
{
	free(tests);

	return NULL;
}
