/**
 * @file sipd/resolve_records.c  What the records of an answer say
 */
#include <string.h>

/* clang-format off: each needs those before it. */
#include <re_types.h>
#include <re_fmt.h>
#include <re_mbuf.h>
#include <re_list.h>
#include <re_sa.h>
#include <re_dns.h>
/* clang-format on */

#include "sipd/resolve_parts.h"


static bool on_ttl(struct dnsrr *rr, void *arg)
{
	int64_t *ttl_s = arg;

	if (rr->ttl < *ttl_s)
		*ttl_s = rr->ttl;

	return false;
}


static void addr_add(struct target *t, const struct addr *addr, bool first)
{
	if (addr_is_any(addr) || addr_is_multicast(addr) ||
	    t->addrc == RESOLVE_ADDRS_MAX)
		return;

	if (first)
		memmove(&t->addrs[1], &t->addrs[0],
			t->addrc * sizeof(t->addrs[0]));
	t->addrs[first ? 0 : t->addrc] = *addr;
	t->addrc++;
}


static bool on_a(struct dnsrr *rr, void *arg)
{
	const uint32_t ip = htonl(rr->rdata.a.addr);
	struct addr addr = { .family = AF_INET };

	/* An alias on the way comes here, too. */
	if (rr->type != DNS_TYPE_A)
		return false;
	memcpy(addr.ip, &ip, sizeof(ip));
	addr_add(arg, &addr, true);

	return false;
}


static bool on_aaaa(struct dnsrr *rr, void *arg)
{
	struct addr addr = { .family = AF_INET6 };

	if (rr->type != DNS_TYPE_AAAA)
		return false;
	memcpy(addr.ip, rr->rdata.aaaa.addr, sizeof(addr.ip));
	addr_add(arg, &addr, false);

	return false;
}


/* The best RESOLVE_TARGETS_MAX of them; the root is no host: there is no
 * service. */
static bool on_srv(struct dnsrr *rr, void *arg)
{
	struct entry *e = arg;
	struct target t = {
		.priority = rr->rdata.srv.pri,
		.weight = rr->rdata.srv.weight,
		.port = rr->rdata.srv.port,
	};
	size_t worst = 0;

	if (rr->type != DNS_TYPE_SRV || t.port == 0 ||
	    host_copy(t.host, text_of(rr->rdata.srv.target)) != 0)
		return false;
	if (e->targetc < RESOLVE_TARGETS_MAX) {
		e->targets[e->targetc++] = t;
		return false;
	}
	for (size_t i = 1; i < e->targetc; i++)
		if (e->targets[i].priority > e->targets[worst].priority)
			worst = i;
	if (t.priority < e->targets[worst].priority)
		e->targets[worst] = t;

	return false;
}


static bool on_count(struct dnsrr *rr, void *arg)
{
	size_t *count = arg;

	(void)rr;
	(*count)++;

	return false;
}


size_t records_take(struct entry *e, struct target *t, uint16_t type,
		    struct list *ansl, int64_t *ttl_sp)
{
	dns_rrlist_h *h = type == DNS_TYPE_A ? on_a : on_aaaa;
	size_t count = 0;

	(void)dns_rrlist_apply(ansl, NULL, DNS_QTYPE_ANY, DNS_CLASS_IN, false,
			       on_ttl, ttl_sp);
	if (t) {
		(void)dns_rrlist_apply(ansl, t->host, type, DNS_CLASS_IN, true,
				       h, t);
		return 0;
	}
	(void)dns_rrlist_apply(ansl, NULL, DNS_TYPE_SRV, DNS_CLASS_IN, false,
			       on_srv, e);
	(void)dns_rrlist_apply(ansl, NULL, DNS_TYPE_SRV, DNS_CLASS_IN, false,
			       on_count, &count);

	return count;
}
