/**
 * @file sipd/resolve.c  Names to addresses
 *
 * What is known is in resolve_names.c, what records say in resolve_records.c;
 * here it is found out.
 *
 * libre's DNS client has one source port for its life and tells answers by
 * their 16-bit id, so each look-up has a client, and with it a port, of its
 * own: a forged answer has to guess both. A client is let go in a turn of its
 * own, for its handlers run within it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: each needs those before it. All of re.h would not go with
 * jansson, which svc.h has in tow. */
#include <re_types.h>
#include <re_fmt.h>
#include <re_mbuf.h>
#include <re_list.h>
#include <re_mem.h>
#include <re_sa.h>
#include <re_dns.h>
/* clang-format on */

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "sipd/resolve_parts.h"

enum {
	LOOKUPS_MAX = 128,  /* At once: each has sockets of its own */
	ASKERS_MAX = 65536, /* That wait */
	SERVERS_MAX = 4,
	SERVERS_S = 60, /* resolv.conf is read again after so long */
	TTL_MIN_S = 5,
	TTL_MAX_S = 3600,
	TTL_NEGATIVE_S = 5,
	SECOND_US = 1000000,
};

struct asker {
	struct asker *next;
	uint16_t port;
	enum transport transport;
	resolve_h *h;
	void *arg;
	uint64_t user;
};

/* One question under way: for the SRV records, A or AAAA of one target */
struct question {
	struct lookup *lookup;
	struct dns_query *query; /* libre clears it when it is answered */
	struct target *target;   /* NULL: SRV */
	uint16_t type;
};

struct lookup {
	struct resolver *resolver;
	struct entry *entry;
	struct dnsc *client;
	struct ev_timer timer;
	struct asker *askers;
	size_t pending; /* Questions */
	int64_t ttl_s;
	int err; /* What went wrong, if nothing is found */
	struct question srv;
	struct question questions[2 * RESOLVE_TARGETS_MAX];
};

struct resolver {
	struct svc *svc;
	struct names names;
	size_t lookupc, askerc;
	bool is_fixed; /* The server is not the system's */
	int64_t servers_us;
	struct sa servers[SERVERS_MAX];
	uint32_t serverc;
};

static const char *const srv_prefixes[TRANSPORTC] = {
	[TRANSPORT_NONE] = "",
	[TRANSPORT_UDP] = "_sip._udp.",
	[TRANSPORT_TCP] = "_sip._tcp.",
	[TRANSPORT_TLS] = "_sips._tcp.",
};


/* --- look-ups ------------------------------------------------------------- */

static void lookup_free(struct lookup *l)
{
	struct resolver *resolver = l->resolver;

	ev_timer_stop(&l->timer);
	mem_deref(l->srv.query);
	for (size_t i = 0; i < COUNT_OF(l->questions); i++)
		mem_deref(l->questions[i].query);
	mem_deref(l->client);
	while (l->askers) {
		struct asker *a = l->askers;

		l->askers = a->next;
		resolver->askerc--;
		free(a);
	}
	resolver->lookupc--;
	free(l);
}


static int64_t ttl_clamp(int64_t ttl_s)
{
	if (ttl_s < TTL_MIN_S)
		return TTL_MIN_S;

	return ttl_s < TTL_MAX_S ? ttl_s : TTL_MAX_S;
}


/* Hosts without addresses are no use to anybody. */
static void targets_tidy(struct entry *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->targetc; i++)
		if (e->targets[i].addrc > 0)
			e->targets[n++] = e->targets[i];
	e->targetc = n;
}


/* Those who waited may ask again at once, and then find it known. */
static void askers_tell(struct resolver *resolver, const struct entry *e,
			struct asker *askers)
{
	const struct entry copy = *e;

	while (askers) {
		struct asker *a = askers;
		struct resolved r;

		askers = a->next;
		resolver->askerc--;
		answer_make(&copy, a->port, a->transport, &r);
		a->h(&r, a->arg, a->user);
		free(a);
	}
}


static void lookup_end(struct lookup *l, int err)
{
	struct resolver *resolver = l->resolver;
	struct asker *askers = l->askers;
	struct entry *e = l->entry;
	int64_t ttl_s;

	targets_tidy(e);
	e->err = e->targetc > 0 ? 0 : err;
	ttl_s = e->targetc > 0 ? ttl_clamp(l->ttl_s) : TTL_NEGATIVE_S;
	e->until_us = clk_mono_us() + ttl_s * SECOND_US;
	entry_known(&resolver->names, e);
	l->askers = NULL;
	lookup_free(l);

	askers_tell(resolver, e, askers);
}


static void on_deadline(void *arg)
{
	lookup_end(arg, ETIMEDOUT);
}


static void on_done(void *arg)
{
	struct lookup *l = arg;

	lookup_end(l, l->err ? l->err : ENOENT);
}


/* Not from within a handler of the client. */
static void lookup_look(struct lookup *l)
{
	if (l->pending == 0)
		ev_timer_start(&l->timer, svc_ev(l->resolver->svc), 0, on_done,
			       l);
}


static void on_answer(int err, const struct dnshdr *hdr, struct list *ansl,
		      struct list *authl, struct list *addl, void *arg);


static void question_ask(struct question *q, struct lookup *l,
			 struct target *target, uint16_t type,
			 const char *name)
{
	int err;

	q->lookup = l;
	q->target = target;
	q->type = type;
	err = dnsc_query(&q->query, l->client, name, type, DNS_CLASS_IN, true,
			 on_answer, q);
	if (err)
		l->err = err;
	else
		l->pending++;
}


static void hosts_ask(struct lookup *l)
{
	struct entry *e = l->entry;

	for (size_t i = 0; i < e->targetc; i++) {
		struct target *t = &e->targets[i];

		question_ask(&l->questions[2 * i], l, t, DNS_TYPE_A, t->host);
		question_ask(&l->questions[2 * i + 1], l, t, DNS_TYPE_AAAA,
			     t->host);
	}
}


/* Without SRV records it is the name itself, at the usual port (RFC 3263
 * 4.2); a service that is said not to be there is not asked for. */
static void srv_answered(struct lookup *l, size_t recordc)
{
	struct entry *e = l->entry;

	if (recordc == 0) {
		(void)text_copy(e->targets[0].host, sizeof(e->targets[0].host),
				text_of(entry_host(e)));
		e->targetc = 1;
	}
	hosts_ask(l);
}


static void on_answer(int err, const struct dnshdr *hdr, struct list *ansl,
		      struct list *authl, struct list *addl, void *arg)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;
	size_t recordc = 0;

	(void)authl;
	(void)addl;
	l->pending--;
	if (err)
		l->err = err;
	else if (hdr->rcode == DNS_RCODE_OK)
		recordc = records_take(l->entry, q->target, q->type, ansl,
				       &l->ttl_s);
	else if (hdr->rcode != DNS_RCODE_NAME_ERR)
		l->err = EHOSTUNREACH;

	if (!q->target)
		srv_answered(l, recordc);
	lookup_look(l);
}


/* --- servers -------------------------------------------------------------- */

static void servers_read(struct resolver *resolver)
{
	const int64_t now_us = clk_mono_us();
	char domain[256];

	if (resolver->is_fixed || now_us < resolver->servers_us)
		return;

	resolver->servers_us = now_us + (int64_t)SERVERS_S * SECOND_US;
	resolver->serverc = SERVERS_MAX;
	if (dns_srv_get(domain, sizeof(domain), resolver->servers,
			&resolver->serverc))
		resolver->serverc = 0;
}


static int server_set(struct resolver *resolver, const char *server)
{
	struct sockaddr_storage ss;
	struct addr addr;

	if (!server[0])
		return 0;
	if (addr_parse(&addr, text_of(server)) != 0)
		return EINVAL;

	if (addr.port == 0)
		addr.port = DNS_PORT;
	resolver->is_fixed = true;
	resolver->serverc = 1;
	(void)addr_to_sockaddr(&addr, &ss);

	return sa_set_sa(&resolver->servers[0], (struct sockaddr *)&ss);
}


/* --- asking --------------------------------------------------------------- */

static int asker_add(struct lookup *l, const struct asker *asker)
{
	struct asker *a;

	if (l->resolver->askerc >= ASKERS_MAX)
		return ENOBUFS;
	a = malloc(sizeof(*a));
	if (!a)
		return ENOMEM;

	*a = *asker;
	a->next = l->askers;
	l->askers = a;
	l->resolver->askerc++;

	return 0;
}


static void lookup_ask(struct lookup *l)
{
	const enum transport transport = entry_transport(l->entry);
	char name[RESOLVE_HOST_SIZE + 16];

	if (transport == TRANSPORT_NONE) {
		srv_answered(l, 0);
		return;
	}
	(void)text_print(name, sizeof(name), "%s%s", srv_prefixes[transport],
			 entry_host(l->entry));
	/* A name with no room for the prefix has no SRV records. */
	if (strlen(name) < RESOLVE_HOST_SIZE)
		question_ask(&l->srv, l, NULL, DNS_TYPE_SRV, name);
	if (l->pending == 0)
		srv_answered(l, 0);
}


static int lookup_start(struct lookup **lp, struct resolver *resolver,
			struct entry *e)
{
	struct lookup *l;
	int err;

	if (resolver->lookupc >= LOOKUPS_MAX)
		return ENOBUFS;
	servers_read(resolver);
	if (resolver->serverc == 0)
		return EHOSTUNREACH;

	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	l->resolver = resolver;
	l->entry = e;
	l->ttl_s = TTL_MAX_S;
	resolver->lookupc++;
	err = dnsc_alloc(&l->client, NULL, resolver->servers,
			 resolver->serverc);
	if (err) {
		lookup_free(l);
		return err;
	}

	*lp = l;

	return 0;
}


/* The name is asked for anew, or for the first time. */
static int entry_ask(struct resolver *resolver, struct entry *e, bool is_new,
		     const struct asker *asker)
{
	struct lookup *l = NULL;
	int err;

	err = lookup_start(&l, resolver, e);
	if (!err)
		err = asker_add(l, asker);
	if (err) {
		if (l)
			lookup_free(l);
		if (is_new)
			names_remove(&resolver->names, e);
		return err;
	}

	if (!is_new)
		entry_unknown(&resolver->names, e);
	e->lookup = l;
	e->targetc = 0;
	memset(e->targets, 0, sizeof(e->targets));
	ev_timer_start(&l->timer, svc_ev(resolver->svc), RESOLVE_DEADLINE_MS,
		       on_deadline, l);
	lookup_ask(l);
	lookup_look(l);

	return 0;
}


static bool is_known(const struct entry *e)
{
	return e && !e->lookup && clk_mono_us() < e->until_us;
}


int resolve(struct resolver *resolver, struct text host, uint16_t port,
	    enum transport transport, struct resolved *r, resolve_h *h,
	    void *arg, uint64_t user)
{
	const struct asker asker = { NULL, port, transport, h, arg, user };
	char name[RESOLVE_HOST_SIZE], key[RESOLVE_KEY_SIZE];
	bool is_new = false;
	struct entry *e;
	int err;

	if (answer_of_address(host, port, transport, r))
		return 0;
	err = host_copy(name, host);
	if (err)
		return err;

	names_key(key, name, port, transport);
	e = names_find(&resolver->names, key);
	if (is_known(e)) {
		answer_make(e, port, transport, r);
		return 0;
	}

	if (!e) {
		err = names_add(&resolver->names, &e, key);
		is_new = true;
	}
	if (!err)
		err = e->lookup ? asker_add(e->lookup, &asker)
				: entry_ask(resolver, e, is_new, &asker);

	return err ? err : EAGAIN;
}


int resolve_known(const struct resolver *resolver, struct text host,
		  uint16_t port, enum transport transport, struct resolved *r)
{
	char name[RESOLVE_HOST_SIZE], key[RESOLVE_KEY_SIZE];
	const struct entry *e;

	if (answer_of_address(host, port, transport, r))
		return 0;
	if (host_copy(name, host) != 0)
		return ENOENT;

	names_key(key, name, port, transport);
	e = names_find(&resolver->names, key);
	if (!is_known(e) || e->err)
		return ENOENT;
	answer_make(e, port, transport, r);

	return 0;
}


/* --- its life ------------------------------------------------------------- */

int resolver_alloc(struct resolver **resolverp, struct svc *svc,
		   const char *server)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int err;

	if (!resolver)
		return ENOMEM;

	resolver->svc = svc;
	resolver->servers_us = INT64_MIN;
	err = server_set(resolver, server);
	if (!err)
		err = map_alloc(&resolver->names.map, 64);
	if (err)
		resolver_free(resolver);
	else
		*resolverp = resolver;

	return err;
}


static int entry_drop(struct map_link *link, void *arg)
{
	struct entry *e = CONTAINER_OF(link, struct entry, link);
	struct resolver *resolver = arg;

	if (e->lookup)
		lookup_free(e->lookup);
	names_remove(&resolver->names, e);

	return 0;
}


/* Nobody is told any more. */
struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;

	if (resolver->names.map)
		(void)map_walk(resolver->names.map, entry_drop, resolver);
	map_free(resolver->names.map);
	free(resolver);

	return NULL;
}
