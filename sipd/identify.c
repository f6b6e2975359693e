/**
 * @file sipd/identify.c  Whose request is this?
 *
 * call-setup 1, a row per function; the first that knows the sender decides.
 * What is taken from the message is a claim: it chooses whose digest is asked
 * for and proves nothing.
 */
#include <stdlib.h>

#include "shared/base/util.h"
#include "sipd/identify.h"

/* Words of the field auth_mode, in their order */
enum {
	AUTH_IP,
	AUTH_IP_PORT,
	AUTH_PASSWORD
};

enum {
	SOURCES_MAX = 64
};

/* What the rows look at */
struct question {
	const struct catalog *c;
	const struct addr *source;
	const struct identify_bound *bound;
	const struct catalog_source *sources;
	size_t sourcec;
	struct text from;  /* User of From */
	struct text claim; /* User of the credentials, else of From */
	bool (*resolves)(const struct addr *source, void *arg);
	void *arg;
};


/* A phone's number in a user part, as written or cleaned up; 0: none */
static uint32_t phone_of(const struct catalog *c, struct text user)
{
	const struct cat_phone *phone = catalog_phone(c, user);
	struct number number;

	if (!phone) {
		number_clean(&number, user);
		phone = catalog_phone(c, text_of(number.text));
	}

	return phone ? phone->row.id : 0;
}


/* The mapping gateway of that mode that is nearest to the source; 0: none */
static uint32_t mapping_of(const struct question *q, int32_t mode)
{
	for (size_t i = 0; i < q->sourcec; i++) {
		const struct catalog_source *s = &q->sources[i];
		const struct cat_mapping *gw;

		if (s->kind != RECORD_MAPPING ||
		    (mode == AUTH_IP_PORT && s->port == 0))
			continue;
		gw = catalog_by_id(q->c, RECORD_MAPPING, s->id);
		if (gw && gw->auth_mode == mode)
			return s->id;
	}

	return 0;
}


static bool by_ip_port(struct identified *out, const struct question *q)
{
	out->kind = RECORD_MAPPING;
	out->id = mapping_of(q, AUTH_IP_PORT);

	return out->id != 0;
}


/* A routing gateway that registered here is no caller: row 5. */
static bool by_binding(struct identified *out, const struct question *q)
{
	const struct cat_mapping *gw;

	if (!q->bound || q->bound->id == 0)
		return false;

	out->kind = q->bound->kind;
	out->id = q->bound->id;
	if (out->kind == RECORD_PHONE) {
		out->username = q->from;
		return phone_of(q->c, q->from) == out->id;
	}

	gw = catalog_by_id(q->c, RECORD_MAPPING, out->id);
	if (out->kind != RECORD_MAPPING || !gw)
		return false;
	out->username = text_of(
		catalog_str(q->c, RECORD_MAPPING, gw->gw.username));

	return true;
}


static bool by_ip(struct identified *out, const struct question *q)
{
	out->kind = RECORD_MAPPING;
	out->id = mapping_of(q, AUTH_IP);

	return out->id != 0;
}


static bool by_credentials(struct identified *out, const struct question *q)
{
	const struct cat_gateway *gw;
	enum record_kind kind;

	out->username = q->claim;
	out->kind = RECORD_PHONE;
	out->id = phone_of(q->c, q->claim);
	if (out->id)
		return true;

	out->kind = RECORD_MAPPING;
	gw = catalog_terminal(q->c, q->claim, &kind);
	if (gw && kind == RECORD_MAPPING) {
		out->id = gw->row.id;
		return true;
	}

	/* The address is known, the credentials will say whose. */
	return mapping_of(q, AUTH_PASSWORD) != 0;
}


static bool by_routing(struct identified *out, const struct question *q)
{
	out->kind = RECORD_ROUTING;
	if (q->bound && q->bound->id && q->bound->kind == RECORD_ROUTING)
		return true;
	for (size_t i = 0; i < q->sourcec; i++) {
		if (q->sources[i].kind == RECORD_ROUTING)
			return true;
	}

	return q->resolves && q->resolves(q->source, q->arg);
}


static bool by_nothing(struct identified *out, const struct question *q)
{
	(void)out;
	(void)q;

	return true;
}


static void ask(struct identified *out, const struct question *q)
{
	static const struct {
		enum identify_row row;
		bool is_challenged;
		bool (*h)(struct identified *out, const struct question *q);
	} rows[] = {
		{ IDENTIFY_IP_PORT, false, by_ip_port },
		{ IDENTIFY_BINDING, true, by_binding },
		{ IDENTIFY_IP, false, by_ip },
		{ IDENTIFY_CREDENTIALS, true, by_credentials },
		{ IDENTIFY_ROUTING_ONLY, false, by_routing },
		{ IDENTIFY_UNKNOWN, false, by_nothing },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		*out = (struct identified){
			.row = rows[i].row,
			.is_challenged = rows[i].is_challenged,
		};
		if (rows[i].h(out, q))
			return;
	}
}


void identify(struct identified *out, const struct catalog *c,
	      const struct message *m, const struct addr *source,
	      const struct identify_bound *bound, struct text auth,
	      bool (*resolves)(const struct addr *source, void *arg),
	      void *arg)
{
	struct catalog_source few[SOURCES_MAX], *many = NULL;
	struct question q = {
		.c = c,
		.source = source,
		.bound = bound,
		.sources = few,
		.from = m->from.uri.user,
		.resolves = resolves,
		.arg = arg,
	};
	size_t count;

	q.claim = auth.l > 0 ? auth : q.from;
	count = catalog_sources(c, source, few, COUNT_OF(few));
	q.sourcec = count < COUNT_OF(few) ? count : COUNT_OF(few);

	/* Many routing gateways may share an address, and stand before the
	 * wider networks. Without memory the nearest must do. */
	if (count > COUNT_OF(few))
		many = calloc(count, sizeof(*many));
	if (many) {
		q.sources = many;
		q.sourcec = catalog_sources(c, source, many, count);
	}
	ask(out, &q);
	free(many);
}
