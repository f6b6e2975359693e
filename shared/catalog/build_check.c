/**
 * @file shared/catalog/build_check.c  Do the records agree with each other?
 *
 * Each value was checked when it was parsed; here is what only the whole can
 * tell. All of it is looked at for every version, also what did not change:
 * what it names may have gone. The first fault is told and ends the matter.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/catalog/build_int.h"

enum {
	/* Agents of agents: one step is usual, and nobody has ten */
	AGENTS_MAX = 16
};


/* "mapping gateway \"gw1\": account: 17 does not exist" */
__attribute__((format(printf, 5, 6))) static int refuse(
	char why[BUILD_WHY_MAX], const struct catalog *c,
	enum record_kind kind, const void *row, const char *fmt, ...)
{
	const struct cat_row *head = row;
	char fault[BUILD_WHY_MAX / 2];
	char id[32];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(fault, sizeof(fault), fmt, ap);
	va_end(ap);

	(void)text_print(id, sizeof(id), "id %lu", (unsigned long)head->id);
	(void)text_print(why, BUILD_WHY_MAX, "%s \"%s\": %s",
			 records[kind].title,
			 head->name ? catalog_str(c, kind, head->name) : id,
			 fault);

	return EINVAL;
}


/* --- references
 * ------------------------------------------------------------------ */

static int check_id(const struct catalog *c, enum record_kind kind,
		    const void *row, const struct record_field *field,
		    uint32_t id, char why[BUILD_WHY_MAX])
{
	if (id == 0 || catalog_by_id(c, field->ref, id))
		return 0;

	return refuse(why, c, kind, row, "%s: %s %lu does not exist",
		      field->name, records[field->ref].title,
		      (unsigned long)id);
}


static int check_refs(const struct catalog *c, enum record_kind kind,
		      const void *row, const struct record_field *field,
		      char why[BUILD_WHY_MAX])
{
	const uint32_t *ids;
	struct cat_span span;
	size_t count;
	int err = 0;

	memcpy(&span, (const uint8_t *)row + field->offset, sizeof(span));
	ids = catalog_span(c, kind, span, sizeof(*ids), &count);
	for (size_t i = 0; i < count && !err; i++)
		err = check_id(c, kind, row, field, ids[i], why);

	return err;
}


/* One field of all rows of a kind */
static int check_column(const struct catalog *c, enum record_kind kind,
			const struct record_field *field,
			char why[BUILD_WHY_MAX])
{
	uint32_t good = 0; /* Neighbours often name the same */
	size_t count;
	const uint8_t *row = catalog_rows(c, kind, &count);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++, row += records[kind].size) {
		uint32_t id;

		if (field->type == RECORD_REFS) {
			err = check_refs(c, kind, row, field, why);
			continue;
		}

		memcpy(&id, row + field->offset, sizeof(id));
		if (id != good)
			err = check_id(c, kind, row, field, id, why);
		good = id;
	}

	return err;
}


/* A million rows of a few tables: the index has the tables already */
static int check_tables(const struct catalog *c,
			const struct record_field *field,
			char why[BUILD_WHY_MAX])
{
	const struct part *part = c->parts[CATALOG_RATES];
	const struct view v = part_view(part, SECTION_SETS);
	const struct prefix_node *nodes = part_view(part, SECTION_NODES).p;
	const struct prefix_set *sets = v.p;
	size_t count;
	const struct cat_rate *rates = catalog_rows(c, RECORD_RATE, &count);
	int err = 0;

	for (size_t i = 0; i < v.count && !err; i++)
		err = check_id(c, RECORD_RATE,
			       &rates[nodes[sets[i].first].value], field,
			       sets[i].owner, why);

	return err;
}


static int check_references(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	int err = 0;

	for (size_t k = 0; k < RECORD_KINDC; k++) {
		for (size_t i = 0; i < records[k].fieldc && !err; i++) {
			const struct record_field *f = &records[k].fields[i];

			if (f->type != RECORD_REF && f->type != RECORD_REFS)
				continue;
			err = k == RECORD_RATE ? check_tables(c, f, why)
					       : check_column(c, k, f, why);
		}
	}

	return err;
}


/* --- accounts
 * ---------------------------------------------------------------------- */

static int check_agents(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	size_t count;
	const struct cat_account *a = catalog_rows(c, RECORD_ACCOUNT, &count);

	for (size_t i = 0; i < count; i++) {
		const struct cat_account *at = &a[i];
		int steps = 0;

		while (at && at->agent != 0 && steps++ < AGENTS_MAX)
			at = catalog_by_id(c, RECORD_ACCOUNT, at->agent);
		if (steps > AGENTS_MAX)
			return refuse(why, c, RECORD_ACCOUNT, &a[i],
				      "agent: leads back to itself");
	}

	return 0;
}


/* --- terminals
 * --------------------------------------------------------------------- */

static int check_terminal(const struct catalog *c, enum record_kind kind,
			  const struct cat_gateway *gw,
			  char why[BUILD_WHY_MAX])
{
	const char *name = catalog_str(c, kind, gw->username);
	enum record_kind other_kind;
	const struct cat_gateway *other;

	if (name[0] == '\0')
		return 0;

	if (catalog_phone(c, text_of(name)))
		return refuse(why, c, kind, gw, "username: %s is a phone",
			      name);

	/* The first of two finds itself, the second the first. */
	other = catalog_terminal(c, text_of(name), &other_kind);
	if (other == gw)
		return 0;

	return refuse(why, c, kind, gw, "username: %s is another gateway's",
		      name);
}


static int check_terminals(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	size_t mappingc, routingc;
	const struct cat_mapping *m = catalog_rows(c, RECORD_MAPPING,
						   &mappingc);
	const struct cat_routing *r = catalog_rows(c, RECORD_ROUTING,
						   &routingc);
	int err = 0;

	for (size_t i = 0; i < mappingc && !err; i++) {
		if (gateway_is_mapping_terminal(&m[i]))
			err = check_terminal(c, RECORD_MAPPING, &m[i].gw, why);
	}
	for (size_t i = 0; i < routingc && !err; i++) {
		if (gateway_is_routing_terminal(&r[i]))
			err = check_terminal(c, RECORD_ROUTING, &r[i].gw, why);
	}

	return err;
}


/* --- addresses
 * --------------------------------------------------------------------- */

/* Could a request be from both? */
static bool overlaps(const struct net_source *a, const struct net_source *b)
{
	return a->kind == RECORD_MAPPING && b->kind == RECORD_MAPPING &&
	       a->id != b->id && a->mode == b->mode &&
	       (a->port == b->port || a->port == 0 || b->port == 0);
}


static int refuse_overlap(char why[BUILD_WHY_MAX], const struct catalog *c,
			  const struct net_source *a,
			  const struct net_source *b)
{
	const struct cat_row *x = catalog_by_id(c, RECORD_MAPPING, a->id);
	const struct cat_row *y = catalog_by_id(c, RECORD_MAPPING, b->id);

	assert(x && y);

	return refuse(why, c, RECORD_MAPPING, x,
		      "addresses: some are also those of \"%s\"",
		      catalog_str(c, RECORD_MAPPING, y->name));
}


/* The sources of two networks of which one holds the other */
static int check_pair(const struct catalog *c, const struct net_node *in,
		      const struct net_node *around, char why[BUILD_WHY_MAX])
{
	const struct net_source *all =
		part_view(c->parts[CATALOG_CORE], SECTION_SOURCES).p;

	for (uint32_t i = 0; i < in->sourcec; i++) {
		const struct net_source *a = &all[in->source + i];

		for (uint32_t k = 0; k < around->sourcec; k++) {
			const struct net_source *b = &all[around->source + k];

			if (overlaps(a, b))
				return refuse_overlap(why, c, a, b);
		}
	}

	return 0;
}


/* A network against itself and those around it */
static int check_net(const struct catalog *c, const struct net_index *index,
		     uint32_t i, char why[BUILD_WHY_MAX])
{
	int err = 0;

	for (uint32_t up = i; up != (uint32_t)INDEX_NONE && !err;
	     up = net_up(index, up))
		err = check_pair(c, &index->nodes[i], &index->nodes[up], why);

	return err;
}


static int check_nets(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int err = 0;

	for (size_t f = 0; f < COUNT_OF(families); f++) {
		const struct addr addr = { .family = families[f] };
		struct net_index index;

		if (!net_index_of(&index, c->parts[CATALOG_CORE],
				  NETSET_GATEWAYS, &addr))
			continue;
		for (uint32_t i = 0; i < index.nodec && !err; i++)
			err = check_net(c, &index, i, why);
	}

	return err;
}


static int check_counts(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	size_t count;

	(void)catalog_rows(c, RECORD_ROUTING, &count);
	if (count <= ROUTING_MAX)
		return 0;

	(void)text_print(why, BUILD_WHY_MAX, "%s: %zu are too many (%d)",
			 records[RECORD_ROUTING].title, count, ROUTING_MAX);

	return EINVAL;
}


int build_check(const struct catalog *c, char why[BUILD_WHY_MAX])
{
	static int (*const checks[])(const struct catalog *,
				     char[BUILD_WHY_MAX]) = {
		check_counts,    check_references, check_agents,
		check_terminals, check_nets,
	};
	int err = 0;

	for (size_t i = 0; i < COUNT_OF(checks) && !err; i++)
		err = checks[i](c, why);

	return err;
}
