/**
 * @file test/unit/regd/test_bindings.c  Bindings: kept, found, ended, adopted
 */
#include <pthread.h>

#include "regd/bindings.h"
#include "shared/base/clk.h"
#include "shared/reg/binding_index.h"
#include "test/support/t.h"
#include "test/unit/sipd/segment_rig.h"

enum {
	SLOTC = 256,
	UDP = 1,
	TCP = 2,
	SECOND_US = 1000000,
	START_S = 1000,
};

struct fixture {
	struct segment_rig bindings, index;
	struct bindings *b;
	struct binding_reader reader; /* Another process */
	uint32_t expiredc;
	char expired[BINDING_CONTACT_MAX + 1];
};

static struct binding list[BINDINGS_PER_TERMINAL];


static void on_expired(const struct binding *binding, void *arg)
{
	struct fixture *f = arg;

	f->expiredc++;
	assert_int_equal(text_copy(f->expired, sizeof(f->expired),
				   binding->contact),
			 0);
}


static int start(struct fixture *f)
{
	const struct bindings_args args = {
		.bindings = &f->bindings.segment,
		.index = &f->index.segment,
		.expiredh = on_expired,
		.arg = f,
	};

	return bindings_alloc(&f->b, &args);
}


static void rig_open(struct fixture *f)
{
	struct segment_layout layout = {
		.magic = BINDINGS_MAGIC,
		.version = BINDINGS_VERSION,
		.slot_size = BINDINGS_SLOT_SIZE,
		.slotc = SLOTC,
	};

	memset(f, 0, sizeof(*f));
	segment_rig_open(&f->bindings, "bindings", &layout);
	layout.magic = BINDING_INDEX_MAGIC;
	layout.slot_size = BINDING_INDEX_SLOT_SIZE;
	layout.slotc = (SLOTC / 16 + 1) * BINDING_INDEX_SLOTS +
		       BINDING_INDEX_SLOTS;
	segment_rig_open(&f->index, "index", &layout);
	f->reader = (struct binding_reader){ &f->bindings.view,
					     &f->index.view };
	clk_freeze(START_S * (int64_t)SECOND_US,
		   INT64_C(1700000000) * SECOND_US);
}


static void rig_close(struct fixture *f)
{
	bindings_free(f->b);
	segment_rig_close(&f->bindings);
	segment_rig_close(&f->index);
	clk_thaw();
}


static int setup(void **state)
{
	static struct fixture fixture;

	rig_open(&fixture);
	*state = &fixture;

	return start(&fixture);
}


static int teardown(void **state)
{
	rig_close(*state);

	return 0;
}


/* A successor; what was private is lost. */
static void restart(struct fixture *f)
{
	f->b = bindings_free(f->b);
	assert_int_equal(start(f), 0);
}


static struct binding_facts facts(uint32_t phone, const char *contact,
				  const char *source)
{
	struct binding_facts n = {
		.terminal = { TERMINAL_PHONE, phone },
		.transport = UDP,
		.is_nat = true,
		.listener = 77,
		.cseq = 3,
		.call_id = 5,
		.granted_s = 300,
		.contact = text_of(contact),
		.agent = text_of("phone/1"),
	};

	assert_int_equal(addr_parse(&n.source, text_of(source)), 0);

	return n;
}


static size_t of(const struct fixture *f, uint32_t phone)
{
	return bindings_of(&f->reader,
			   (struct terminal){ TERMINAL_PHONE, phone },
			   clk_boot_us(), list, BINDINGS_PER_TERMINAL);
}


static size_t from(const struct fixture *f, const char *source)
{
	struct addr addr;

	assert_int_equal(addr_parse(&addr, text_of(source)), 0);

	return bindings_at(&f->reader, &addr, UDP, clk_boot_us(), list,
			   BINDINGS_PER_TERMINAL);
}


static void others_find_it_by_terminal_and_by_source(void **state)
{
	struct fixture *f = *state;
	const struct binding_facts n = facts(7, "sip:7@10.0.0.5",
					     "192.0.2.7:40001");

	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 7), 1);
	assert_true(text_is(list[0].contact, "sip:7@10.0.0.5"));
	assert_true(text_is(list[0].agent, "phone/1"));
	assert_int_equal(list[0].path.l, 0);
	assert_true(list[0].is_nat);
	assert_int_equal(list[0].listener, 77);
	assert_int_equal(list[0].cseq, 3);
	assert_int_equal(list[0].granted_s, 300);

	assert_int_equal(from(f, "192.0.2.7:40001"), 1);
	assert_int_equal(list[0].terminal.id, 7);
	assert_int_equal(from(f, "192.0.2.7:40002"), 0);
	assert_int_equal(of(f, 8), 0);
	assert_int_equal(bindings_count(f->b, true), 1);
}


static void a_look_ahead_says_where_it_may_lie_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct terminal terminals[] = { { TERMINAL_PHONE, 7 },
					      { TERMINAL_PHONE, 8 } };
	const struct binding_facts n = facts(7, "sip:7@10.0.0.5",
					     "192.0.2.7:40001");
	uint32_t slots[COUNT_OF(terminals)] = { 0 };

	bindings_ahead(&f->reader, terminals, 2, slots);
	assert_int_equal(slots[0], UINT32_MAX);
	assert_int_equal(bindings_add(f->b, &n), 0);
	bindings_ahead(&f->reader, terminals, 2, slots);
	assert_int_equal(of(f, 7), 1);
	assert_int_equal(slots[0], (uint32_t)list[0].id);

	bindings_ahead(&f->reader, terminals, 2, NULL);
	bindings_look_ahead(f->b, terminals, 2);
	bindings_look_ahead(f->b, terminals, 0);
	assert_int_equal(of(f, 7), 1);
	assert_int_equal(of(f, 8), 0);
}


static void kinds_of_terminals_do_not_mix(void **state)
{
	struct fixture *f = *state;
	struct binding_facts n = facts(7, "sip:7@10.0.0.5", "192.0.2.7:1");

	n.terminal.kind = TERMINAL_ROUTING;
	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 7), 0);
	n.transport = TCP;
	n.terminal = (struct terminal){ TERMINAL_PHONE, 8 };
	n.source.port = 2;
	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 8), 1);
	assert_int_equal(from(f, "192.0.2.7:2"), 0);
}


static void long_texts_are_whole(void **state)
{
	struct fixture *f = *state;
	char contact[BINDING_CONTACT_MAX + 2], path[BINDING_PATH_MAX + 1];
	struct binding_facts n = facts(7, "", "192.0.2.7:1");

	for (size_t i = 0; i < sizeof(contact); i++)
		contact[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = (char)('A' + i % 26);
	n.contact = (struct text){ contact, BINDING_CONTACT_MAX };
	n.path = (struct text){ path, BINDING_PATH_MAX };
	assert_int_equal(bindings_add(f->b, &n), 0);
	restart(f);
	assert_int_equal(of(f, 7), 1);
	assert_int_equal(list[0].contact.l, BINDING_CONTACT_MAX);
	assert_memory_equal(list[0].contact.p, contact, BINDING_CONTACT_MAX);
	assert_int_equal(list[0].path.l, BINDING_PATH_MAX);
	assert_memory_equal(list[0].path.p, path, BINDING_PATH_MAX);

	n.contact.l++;
	assert_int_equal(bindings_refresh(f->b, list[0].id, &n), EMSGSIZE);
	n.contact.l = 0;
	assert_int_equal(bindings_add(f->b, &n), EMSGSIZE);
}


static void texts_go_with_their_binding(void **state)
{
	struct fixture *f = *state;
	char contact[400];
	struct binding_facts n = facts(7, "", "192.0.2.7:1");

	memset(contact, 'x', sizeof(contact));
	n.contact = (struct text){ contact, sizeof(contact) };
	for (int i = 0; i < 3 * SLOTC; i++) {
		assert_int_equal(bindings_add(f->b, &n), 0);
		assert_int_equal(of(f, 7), 1);
		assert_int_equal(bindings_refresh(f->b, list[0].id, &n), 0);
		assert_int_equal(of(f, 7), 1);
		assert_int_equal(bindings_remove(f->b, list[0].id), 0);
	}
	assert_int_equal(bindings_remove(f->b, list[0].id), ENOENT);
	assert_int_equal(bindings_refresh(f->b, list[0].id, &n), ENOENT);
}


static void what_is_full_says_so_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	char contact[400];
	struct binding_facts n = facts(7, "sip:7", "192.0.2.7:1");
	struct binding_facts l = n;
	uint64_t id;

	memset(contact, 'x', sizeof(contact));
	l.contact = (struct text){ contact, sizeof(contact) };
	for (uint32_t i = 1; i < SLOTC; i++) {
		n.terminal.id = i;
		assert_int_equal(bindings_add(f->b, &n), 0);
	}
	assert_int_equal(bindings_add(f->b, &l), ENOSPC);
	assert_int_equal(of(f, 7), 1);
	id = list[0].id;
	assert_int_equal(bindings_refresh(f->b, id, &l), ENOSPC);
	assert_int_equal(of(f, 7), 1);
	assert_true(text_is(list[0].contact, "sip:7"));
	assert_int_equal(bindings_add(f->b, &n), 0); /* the last one */
	assert_int_equal(bindings_add(f->b, &n), ENOSPC);
}


static void a_refresh_keeps_its_age_and_moves(void **state)
{
	struct fixture *f = *state;
	struct binding_facts n = facts(7, "sip:a", "192.0.2.7:1");
	const struct binding_facts other = facts(7, "sip:b", "192.0.2.7:2");
	uint64_t id;

	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 7), 1);
	id = list[0].id;
	clk_turn(10 * SECOND_US);
	assert_int_equal(bindings_add(f->b, &other), 0);
	n = facts(7, "sip:c", "192.0.2.9:3");
	n.is_nat = false;
	assert_int_equal(bindings_refresh(f->b, id, &n), 0);

	assert_int_equal(of(f, 7), 2);
	assert_true(text_is(list[0].contact, "sip:c"));
	assert_true(text_is(list[1].contact, "sip:b"));
	assert_int_equal(list[0].id, id);
	assert_int_equal(from(f, "192.0.2.7:1"), 0);
	assert_int_equal(from(f, "192.0.2.9:3"), 1);
	assert_int_equal(bindings_count(f->b, true), 1);
	assert_int_equal(bindings_count(f->b, false), 1);
}


static void it_ends_at_its_second_whether_regd_runs_or_not(void **state)
{
	struct fixture *f = *state;
	struct binding_facts n = facts(7, "sip:a", "192.0.2.7:1");

	n.granted_s = 15;
	assert_int_equal(bindings_add(f->b, &n), 0);
	n.granted_s = BINDINGS_SLOT_SIZE * 20; /* more than a round */
	n.terminal.id = 8;
	assert_int_equal(bindings_add(f->b, &n), 0);
	clk_turn(15 * SECOND_US - 1);
	bindings_expire(f->b);
	assert_int_equal(of(f, 7), 1);
	clk_turn(1);
	assert_int_equal(of(f, 7), 0);
	assert_int_equal(f->expiredc, 0);

	clk_turn(SECOND_US);
	bindings_expire(f->b);
	assert_int_equal(f->expiredc, 1);
	assert_string_equal(f->expired, "sip:a");
	assert_int_equal(bindings_count(f->b, true), 1);

	for (uint32_t i = 16; i < n.granted_s; i++) {
		clk_turn(SECOND_US);
		bindings_expire(f->b);
	}
	assert_int_equal(f->expiredc, 1);
	clk_turn(SECOND_US);
	bindings_expire(f->b);
	assert_int_equal(f->expiredc, 2);
	assert_int_equal(bindings_count(f->b, true), 0);
}


static void what_ended_while_regd_was_away_ends_at_once(void **state)
{
	struct fixture *f = *state;
	const struct binding_facts n = facts(7, "sip:a", "192.0.2.7:1");

	assert_int_equal(bindings_add(f->b, &n), 0);
	f->b = bindings_free(f->b);
	clk_turn(400 * (int64_t)SECOND_US);
	assert_int_equal(of(f, 7), 0);
	assert_int_equal(start(f), 0);
	bindings_expire(f->b);
	assert_int_equal(f->expiredc, 1);
	assert_int_equal(bindings_count(f->b, true), 0);
}


static void a_refresh_puts_off_the_end(void **state)
{
	struct fixture *f = *state;
	const struct binding_facts n = facts(7, "sip:a", "192.0.2.7:1");

	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 7), 1);
	clk_turn(200 * SECOND_US);
	assert_int_equal(bindings_refresh(f->b, list[0].id, &n), 0);
	clk_turn(200 * SECOND_US);
	bindings_expire(f->b);
	assert_int_equal(f->expiredc, 0);
	assert_int_equal(of(f, 7), 1);
}


static void devices_behind_nat_come_oldest_first_also_after_a_kill(void **state)
{
	static const char *const sources[] = { "192.0.2.1:1", "192.0.2.2:1",
					       "192.0.2.3:1" };
	struct fixture *f = *state;
	struct binding_path path;
	struct binding_facts n = facts(9, "sip:plain", "192.0.2.9:1");
	char text[ADDR_TEXT_MAX];

	n.is_nat = false;
	assert_int_equal(bindings_add(f->b, &n), 0);
	n.is_nat = true;
	n.transport = TCP;
	assert_int_equal(bindings_add(f->b, &n), 0);
	for (uint32_t i = 0; i < 3; i++) {
		n = facts(i + 1, "sip:a", sources[i]);
		assert_int_equal(bindings_add(f->b, &n), 0);
		clk_turn(SECOND_US);
	}
	for (int round = 0; round < 2; round++) {
		bindings_nat_begin(f->b);
		for (size_t i = 0; i < 3; i++) {
			assert_true(bindings_nat_next(f->b, &path));
			assert_string_equal(addr_print(&path.source, text),
					    sources[i]);
			assert_int_equal(path.listener, 77);
		}
		assert_false(bindings_nat_next(f->b, &path));
		restart(f);
	}
}


static void one_that_goes_while_it_is_next_is_skipped(void **state)
{
	struct fixture *f = *state;
	struct binding_path path;

	for (uint32_t i = 1; i <= 3; i++) {
		const struct binding_facts n = facts(i, "sip:a",
						     "192.0.2.1:1");

		assert_int_equal(bindings_add(f->b, &n), 0);
	}
	bindings_nat_begin(f->b);
	assert_true(bindings_nat_next(f->b, &path));
	assert_int_equal(of(f, 2), 1);
	assert_int_equal(bindings_nat_ago_s(f->b, list[0].id), UINT32_MAX);
	assert_int_equal(bindings_remove(f->b, list[0].id), 0);
	assert_true(bindings_nat_next(f->b, &path));
	assert_false(bindings_nat_next(f->b, &path));
	assert_int_equal(of(f, 3), 1);
	clk_turn(4 * SECOND_US);
	assert_int_equal(bindings_nat_ago_s(f->b, list[0].id), 4);
}


static void torn_chains_are_mended(void **state)
{
	struct fixture *f = *state;
	struct binding_index index;

	for (uint32_t i = 1; i <= 200; i++) {
		const struct binding_facts n = facts(i, "sip:a",
						     "192.0.2.1:1");

		assert_int_equal(bindings_add(f->b, &n), 0);
	}
	assert_int_equal(binding_index_view(&index, &f->index.segment, SLOTC),
			 0);
	for (uint32_t seed = 1; seed < 50; seed++) {
		uint32_t x = seed * 2654435761u;

		for (size_t i = 0; i < index.wordc; i++) {
			x = x * 1664525 + 1013904223;
			if (x >> 28 == 0) /* anything, a ring too */
				atomic_store(&index.words[i],
					     (x >> 8) % (2 * SLOTC));
			else if (x >> 28 == 1)
				atomic_store(&index.words[i],
					     index.words[x % index.wordc]);
		}
		(void)of(f, 7); /* whatever it finds, it comes back */
		restart(f);
		for (uint32_t i = 1; i <= 200; i++)
			assert_int_equal(of(f, i), 1);
		assert_int_equal(from(f, "192.0.2.1:1"),
				 BINDINGS_PER_TERMINAL);
	}
}


static void what_is_no_binding_is_set_aside(void **state)
{
	struct fixture *f = *state;
	char contact[300];
	struct binding_facts n = facts(7, "", "192.0.2.1:1");
	uint8_t *bytes;
	uint64_t id;

	memset(contact, 'x', sizeof(contact));
	n.contact = (struct text){ contact, sizeof(contact) };
	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(of(f, 7), 1);
	id = list[0].id;
	/* Of its texts, in a slot of their own. */
	for (uint32_t i = 0; i < SLOTC; i++) {
		if (i == (uint32_t)id)
			continue;
		bytes = segment_slot(&f->bindings.segment, i);
		for (size_t at = 64; at < BINDINGS_SLOT_SIZE; at++)
			bytes[at] ^= 0x55;
	}
	assert_int_equal(of(f, 7), 0);
	restart(f);
	assert_int_equal(of(f, 7), 0);
	assert_true(bindings_quarantined(f->b) >= 1);
	assert_int_equal(bindings_count(f->b, true), 0);
}


/* --- anything in any order ------------------------------------------------ */

struct model {
	bool is_there;
	uint32_t phone, port;
	size_t len;
};

static size_t model_count(const struct model *m, size_t n, uint32_t phone)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += m[i].is_there && m[i].phone == phone;

	return count;
}


static void whatever_is_done_others_see_it(void **state)
{
	struct fixture *f = *state;
	static struct model m[20];
	char contact[400];
	uint32_t x = 12345;

	memset(m, 0, sizeof(m));
	memset(contact, 'x', sizeof(contact));
	for (int step = 0; step < 20000; step++) {
		char source[32];
		struct binding_facts n;
		struct model *one;

		x = x * 1664525 + 1013904223;
		one = &m[(x >> 8) % 20];
		if ((x >> 28) == 0 && step % 16 == 0)
			restart(f);
		if (!one->is_there || (x >> 30) == 1) {
			one->port = 1 + (x >> 16) % 50;
			one->len = 4 + (x >> 4) % 390;
		}
		if (!one->is_there)
			one->phone = 1 + (x >> 20) % 5;
		(void)snprintf(source, sizeof(source), "192.0.2.1:%u",
			       one->port);
		n = facts(one->phone, "", source);
		n.call_id = (uint64_t)(one - m);
		n.contact = (struct text){ contact, one->len };

		if (!one->is_there) {
			if (model_count(m, 20, one->phone) ==
			    BINDINGS_PER_TERMINAL)
				continue;
			assert_int_equal(bindings_add(f->b, &n), 0);
			one->is_there = true;
		}
		else {
			const size_t count = of(f, one->phone);
			size_t i = 0;

			assert_int_equal(count,
					 model_count(m, 20, one->phone));
			while (i < count && list[i].call_id != n.call_id)
				i++;
			assert_true(i < count);
			if (x >> 31) {
				assert_int_equal(bindings_remove(f->b,
								 list[i].id),
						 0);
				one->is_there = false;
			}
			else {
				assert_int_equal(bindings_refresh(f->b,
								  list[i].id,
								  &n),
						 0);
				assert_true(from(f, source) > 0);
			}
		}
	}
}


/* --- while others read ---------------------------------------------------- */

struct churn {
	struct fixture *f;
	_Atomic bool is_over;
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	uint32_t x = 99;

	for (int i = 0; i < 30000; i++) {
		struct binding_facts n;
		struct binding mine[4];

		x = x * 1664525 + 1013904223;
		n = facts(2 + (x >> 8) % 100, "sip:other", "192.0.2.1:9");
		if (bindings_list(c->f->b, n.terminal, mine, 4) == 0)
			(void)bindings_add(c->f->b, &n);
		else
			(void)bindings_remove(c->f->b, mine[0].id);
	}
	atomic_store(&c->is_over, true);

	return NULL;
}


static void one_that_stays_is_always_found(void **state)
{
	struct fixture *f = *state;
	struct churn c = { .f = f };
	const struct binding_facts n = facts(1, "sip:stays", "192.0.2.1:1");
	pthread_t thread;
	uint32_t misses = 0;

	assert_int_equal(bindings_add(f->b, &n), 0);
	assert_int_equal(pthread_create(&thread, NULL, churn, &c), 0);
	while (!atomic_load(&c.is_over)) {
		misses += of(f, 1) != 1;
		misses += from(f, "192.0.2.1:1") != 1;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(misses, 0);
}


static int bindings_come_and_are_adopted(void)
{
	static struct fixture f;
	int err;

	rig_open(&f);
	err = start(&f);
	if (!err) {
		const struct binding_facts n = facts(7, "sip:a",
						     "192.0.2.1:1");

		assert_int_equal(bindings_add(f.b, &n), 0);
		f.b = bindings_free(f.b);
		err = start(&f);
	}
	rig_close(&f);

	return err;
}

#define TEST(h) cmocka_unit_test_setup_teardown(h, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_find_it_by_terminal_and_by_source),
		TEST(a_look_ahead_says_where_it_may_lie_and_changes_nothing),
		TEST(kinds_of_terminals_do_not_mix),
		TEST(long_texts_are_whole),
		TEST(texts_go_with_their_binding),
		TEST(what_is_full_says_so_and_changes_nothing),
		TEST(a_refresh_keeps_its_age_and_moves),
		TEST(it_ends_at_its_second_whether_regd_runs_or_not),
		TEST(what_ended_while_regd_was_away_ends_at_once),
		TEST(a_refresh_puts_off_the_end),
		TEST(devices_behind_nat_come_oldest_first_also_after_a_kill),
		TEST(one_that_goes_while_it_is_next_is_skipped),
		TEST(torn_chains_are_mended),
		TEST(what_is_no_binding_is_set_aside),
		TEST(whatever_is_done_others_see_it),
		TEST(one_that_stays_is_always_found),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(bindings_come_and_are_adopted),
	};

	return T_MAIN(tests, scenarios);
}
