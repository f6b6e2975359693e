/**
 * @file test/unit/catalog/test_index_addr.c  The networks around an address
 *
 * Against an oracle that looks at every network.
 */
#include "shared/catalog/image.h"
#include "test/support/t.h"

enum {
	NETS_MAX = 2000
};

struct rig {
	struct prefix nets[NETS_MAX]; /**< In order */
	struct net_node nodes[NETS_MAX];
	struct net_set sets[NETSETC];
	uint32_t count;
	struct part part;
};


static struct net_key key_of(const struct prefix *prefix)
{
	return net_key(&prefix->addr, prefix->len);
}


static int cmp_nets(const void *a, const void *b)
{
	const struct net_key x = key_of(a);
	const struct net_key y = key_of(b);

	return net_key_cmp(&x, &y);
}


/* Few different bytes, so that networks lie within each other */
static struct addr random_addr(uint8_t family)
{
	struct addr addr = { .family = family };
	const size_t size = family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < size; i++)
		addr.ip[i] = (uint8_t)(random() % 3 * 127);

	return addr;
}


static struct prefix random_net(uint8_t family)
{
	const uint32_t bits = family == AF_INET ? 32 : 128;
	struct prefix net = { .addr = random_addr(family) };

	net.len = random() % 3 == 0 ? (uint8_t)bits
				    : (uint8_t)(random() % (bits + 1));
	for (uint32_t i = net.len; i < bits; i++)
		net.addr.ip[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));

	return net;
}


static void rig_open(struct rig *rig, uint8_t family, uint32_t wanted)
{
	memset(rig, 0, sizeof(*rig));
	for (uint32_t i = 0; i < wanted; i++)
		rig->nets[i] = random_net(family);
	qsort(rig->nets, wanted, sizeof(rig->nets[0]), cmp_nets);

	for (uint32_t i = 0; i < wanted; i++) {
		const struct net_key key = key_of(&rig->nets[i]);

		if (rig->count > 0 &&
		    cmp_nets(&rig->nets[rig->count - 1], &rig->nets[i]) == 0)
			continue;
		rig->nets[rig->count] = rig->nets[i];
		rig->nodes[rig->count++] = (struct net_node){ .hi = key.hi,
							      .lo = key.lo,
							      .len = key.len };
	}
	net_link(rig->nodes, rig->count);

	rig->sets[NETSET_BLACK + (family == AF_INET6)].count = rig->count;
	rig->part.sections[SECTION_NETSETS] = (struct view){ rig->sets,
							     NETSETC };
	rig->part.sections[SECTION_NETS] = (struct view){ rig->nodes,
							  rig->count };
}


static void check_addr(const struct rig *rig, const struct addr *addr)
{
	const struct net_key key = net_key(addr,
					   addr->family == AF_INET ? 32 : 128);
	struct net_index index;
	uint32_t node;

	assert_true(net_index_of(&index, &rig->part, NETSET_BLACK, addr));
	node = net_find(&index, &key);

	/* Of two that hold an address, the one behind is the smaller. */
	for (uint32_t i = rig->count; i-- > 0;) {
		if (!prefix_has(&rig->nets[i], addr))
			continue;
		assert_int_equal(node, i);
		node = net_up(&index, node);
	}
	assert_int_equal(node, (uint32_t)INDEX_NONE);
}


static void the_smallest_network_and_all_around_it_are_found(void **state)
{
	static const uint32_t counts[] = { 0, 1, 2, 3, 10, 200, NETS_MAX };
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct rig rig;
	(void)state;

	srandom(5);
	for (size_t i = 0; i < COUNT_OF(counts) * 2; i++) {
		const uint8_t family = families[i % 2];

		rig_open(&rig, family, counts[i / 2]);
		for (size_t k = 0; k < 500; k++) {
			const struct addr addr = random_addr(family);

			check_addr(&rig, &addr);
		}
		for (uint32_t k = 0; k < rig.count; k++)
			check_addr(&rig, &rig.nets[k].addr);
	}
}


static void families_do_not_mix(void **state)
{
	const struct addr v4 = { .family = AF_INET };
	const struct addr v6 = { .family = AF_INET6 };
	const struct addr none = { .family = 0 };
	struct net_index index;
	struct rig rig;
	(void)state;

	rig_open(&rig, AF_INET6, 50);
	assert_true(net_index_of(&index, &rig.part, NETSET_BLACK, &v4));
	assert_int_equal(index.nodec, 0);
	assert_true(net_index_of(&index, &rig.part, NETSET_BLACK, &v6));
	assert_int_equal(index.nodec, rig.count);
	assert_false(net_index_of(&index, &rig.part, NETSET_BLACK, &none));
}


static void a_damaged_index_ends_every_search(void **state)
{
	struct rig rig;
	(void)state;

	srandom(6);
	rig_open(&rig, AF_INET, NETS_MAX);
	for (size_t i = 0; i < 20000; i++) {
		const struct addr addr = random_addr(AF_INET);
		const struct net_key key = net_key(&addr, 32);
		struct net_index index;
		size_t steps = 0;

		rig.nodes[(size_t)random() % rig.count].parent =
			(uint32_t)random();
		rig.nodes[(size_t)random() % rig.count].len =
			(uint32_t)random();

		assert_true(
			net_index_of(&index, &rig.part, NETSET_BLACK, &addr));
		for (uint32_t n = net_find(&index, &key);
		     n != (uint32_t)INDEX_NONE; n = net_up(&index, n)) {
			assert_true(n < rig.count);
			assert_true(steps++ < rig.count);
		}
	}

	rig.sets[NETSET_BLACK].count++;
	rig.sets[NETSET_BLACK].first = 1;
	assert_false(net_index_of(&(struct net_index){ 0 }, &rig.part,
				  NETSET_BLACK,
				  &(struct addr){ .family = AF_INET }));
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_smallest_network_and_all_around_it_are_found),
		cmocka_unit_test(families_do_not_mix),
		cmocka_unit_test(a_damaged_index_ends_every_search),
	};

	return T_MAIN_ONLY(tests);
}
