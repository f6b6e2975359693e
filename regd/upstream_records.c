/**
 * @file regd/upstream_records.c  Which registrations there are to be
 *
 * Records of the catalog on one side, slots on the other. A slot keeps what
 * its registration was made of: when the record says something else, or is
 * gone, it is unregistered by what was.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regd/regd.h"
#include "regd/upstream_int.h"
#include "shared/base/clk.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"

static const uint8_t name_secret[16] = "tandem.upstream";


struct upstream *upstreams_find(const struct upstreams *u, uint32_t record)
{
	for (size_t n = 0; n < u->count; n++)
		if (u->list[n]->i.record == record)
			return u->list[n];

	return NULL;
}


/* --- one of them ---------------------------------------------------------- */

static struct upstream *object_of(struct upstreams *u, uint32_t slot,
				  const struct upstream_image *image)
{
	struct upstream *up;

	if (u->count == UPSTREAM_SLOTS)
		return NULL;
	up = calloc(1, sizeof(*up));
	if (!up)
		return NULL;
	up->all = u;
	up->slot = slot;
	up->i = *image;
	up->series = SIZE_MAX;
	u->list[u->count++] = up;

	return up;
}


/* The same for the life of the record, also when all memory is lost. */
static void name_it(struct upstream_image *image, const char *node)
{
	char key[128];
	uint64_t a, b;

	(void)text_print(key, sizeof(key), "%.96s:%u", node, image->record);
	a = siphash(name_secret, key, strlen(key));
	key[0] = (char)~key[0];
	b = siphash(name_secret, key, strlen(key));
	(void)text_print(image->call_id, sizeof(image->call_id),
			 "%016llx%08x@tandem", (unsigned long long)a,
			 (unsigned)b);
	(void)text_print(image->from_tag, sizeof(image->from_tag), "%08x%08x",
			 (unsigned)(b >> 32), (unsigned)image->record);
}


static struct upstream *add(struct upstreams *u, uint32_t record)
{
	struct upstream_image image;
	struct upstream *up;
	uint32_t slot;

	memset(&image, 0, sizeof(image));
	image.record = record;
	name_it(&image, svc_node(u->regd->svc)->node);
	if (slots_take(u->slots, &slot))
		return NULL;
	slots_publish(u->slots, slot, &image);
	up = object_of(u, slot, &image);
	if (!up)
		slots_give(u->slots, slot);

	return up;
}


static void take_out(struct upstreams *u, size_t n)
{
	struct upstream *up = u->list[n];

	upstream_cancel(up);
	ev_timer_stop(&up->timer);
	slots_give(u->slots, up->slot);
	upstream_untell(up);
	u->list[n] = u->list[--u->count];
	free(up);
}


/* --- what a record says --------------------------------------------------- */

static bool take_text(char *dst, size_t size, const struct catalog *c,
		      cat_str str)
{
	return text_copy(dst, size,
			 text_of(catalog_str(c, RECORD_REGISTRATION, str))) ==
	       0;
}


static bool take_account(struct upstream_account *a, const struct catalog *c,
			 const struct cat_registration *r)
{
	static const uint8_t transports[] = {
		[CAT_UDP] = 1,
		[CAT_TCP] = 2,
		[CAT_TLS] = 3,
	};
	size_t n;
	const void *sealed = catalog_span(c, RECORD_REGISTRATION, r->sealed, 1,
					  &n);

	memset(a, 0, sizeof(*a));
	a->port = (uint16_t)r->remote_port;
	a->transport = r->transport >= 0 && (size_t)r->transport <
						    COUNT_OF(transports)
			       ? transports[r->transport]
			       : 1;
	if (n > sizeof(a->sealed))
		return false;
	a->sealed_len = (uint16_t)n;
	if (n > 0)
		memcpy(a->sealed, sealed, n);

	return take_text(a->proxy, sizeof(a->proxy), c, r->sip_proxy) &&
	       take_text(a->domain, sizeof(a->domain), c, r->domain) &&
	       take_text(a->host_name, sizeof(a->host_name), c,
			 r->host_name) &&
	       take_text(a->username, sizeof(a->username), c, r->username) &&
	       take_text(a->auth_user, sizeof(a->auth_user), c,
			 r->auth_user) &&
	       take_text(a->local_port, sizeof(a->local_port), c,
			 r->local_port);
}


/* 0: auto */
static uint32_t period_of(const struct catalog *c,
			  const struct cat_registration *r)
{
	if (r->register_period != CAT_INHERIT)
		return r->register_period > 0 ? (uint32_t)r->register_period
					      : 0;
	if (!catalog_is_set(c, SS_SIP_USER_AGENT_EXPIRE) ||
	    catalog_int(c, SS_SIP_USER_AGENT_EXPIRE) < 0)
		return 0;

	return (uint32_t)catalog_int(c, SS_SIP_USER_AGENT_EXPIRE);
}


static void look_at(struct upstreams *u, const struct catalog *c,
		    const struct cat_registration *r)
{
	struct upstream_account account;
	struct upstream *up = upstreams_find(u, r->row.id);

	if (!r->enabled || !take_account(&account, c, r))
		return;
	if (!up)
		up = add(u, r->row.id);
	if (!up) {
		log_warn(u->regd->log, "upstream_too_many limit=%d",
			 UPSTREAM_SLOTS);
		return;
	}
	up->is_seen = true;
	up->period_s = period_of(c, r);
	(void)take_text(up->name, sizeof(up->name), c, r->row.name);
	up->i.unregisters =
		catalog_effective(c, r->send_unregister,
				  SS_SIP_USER_AGENT_SEND_UNREGISTER) != 0;
	if (up->i.state == UPSTREAM_OFF) {
		up->i.account = account;
		upstream_start(up);
	}
	else if (memcmp(&up->i.account, &account, sizeof(account)) != 0) {
		upstream_end(up); /* and then it begins with the new ones */
	}
}


/* --- all of them ---------------------------------------------------------- */

static void look_through(struct upstreams *u, const struct catalog *c)
{
	size_t n, rowc;
	const struct cat_registration *rows =
		catalog_rows(c, RECORD_REGISTRATION, &rowc);

	u->delay_s = (uint32_t)catalog_int(c, SS_SIP_USER_AGENT_RETRY_DELAY);
	u->privacy = (uint32_t)catalog_int(c, SS_SIP_USER_AGENT_PRIVACY);
	for (n = 0; n < u->count; n++)
		u->list[n]->is_seen = false;
	for (n = 0; n < rowc; n++)
		look_at(u, c, &rows[n]);
	for (n = 0; n < u->count; n++)
		if (!u->list[n]->is_seen)
			upstream_end(u->list[n]);
	/* One that is only off keeps its number: it may be on again at once. */
	for (n = u->count; n-- > 0;)
		if (u->list[n]->i.state == UPSTREAM_OFF &&
		    !catalog_by_id(c, RECORD_REGISTRATION,
				   u->list[n]->i.record))
			take_out(u, n);
}


void upstreams_sync(struct upstreams *u)
{
	const struct catalog *c = catalog_pin(svc_catalog(u->regd->svc));

	if (!c)
		return;
	if (!u->is_leaving &&
	    (u->is_due || catalog_control(c)->version != u->version)) {
		u->version = catalog_control(c)->version;
		u->is_due = false;
		look_through(u, c);
	}
	catalog_unpin(svc_catalog(u->regd->svc), c);
}


static void on_sync(void *arg)
{
	upstreams_sync(arg);
}


void upstreams_sync_soon(struct upstreams *u)
{
	u->is_due = true;
	ev_timer_start(&u->sync, u->regd->ev, 0, on_sync, u);
}


/* --- after a kill --------------------------------------------------------- */

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static const char *fault(const void *p)
{
	const struct upstream_image *i = p;
	const struct upstream_account *a = &i->account;

	if (i->record == 0)
		return "record";
	if (i->state >= UPSTREAM_STATEC)
		return "state";
	if (a->sealed_len > sizeof(a->sealed) || a->transport > 3 ||
	    !is_text(a->proxy, sizeof(a->proxy)) ||
	    !is_text(a->domain, sizeof(a->domain)) ||
	    !is_text(a->host_name, sizeof(a->host_name)) ||
	    !is_text(a->username, sizeof(a->username)) ||
	    !is_text(a->auth_user, sizeof(a->auth_user)) ||
	    !is_text(a->local_port, sizeof(a->local_port)))
		return "account";
	if (!is_text(i->call_id, sizeof(i->call_id)) ||
	    !is_text(i->from_tag, sizeof(i->from_tag)) || !i->call_id[0])
		return "call_id";

	return NULL;
}


static bool on_slot(uint32_t slot, const void *image, void *arg)
{
	const struct upstream_image *i = image;
	struct upstreams *u = arg;

	return !upstreams_find(u, i->record) && object_of(u, slot, image);
}


static bool is_known(uint32_t record, void *arg)
{
	return upstreams_find(arg, record) != NULL;
}


static void name_all(struct upstreams *u)
{
	const struct catalog *c = catalog_pin(svc_catalog(u->regd->svc));

	for (size_t n = 0; c && n < u->count; n++) {
		struct upstream *up = u->list[n];
		const struct cat_registration *r =
			catalog_by_id(c, RECORD_REGISTRATION, up->i.record);

		if (!r)
			continue;
		up->period_s = period_of(c, r);
		(void)take_text(up->name, sizeof(up->name), c, r->row.name);
	}
	if (c)
		catalog_unpin(svc_catalog(u->regd->svc), c);
}


static int adopt(struct upstreams *u)
{
	const struct slots_args args = {
		.segment = u->segment,
		.name = "upstream",
		.image_size = sizeof(struct upstream_image),
		.slotc = u->segment->slotc,
		.predecessor_crashed = svc_predecessor_crashed(u->regd->svc),
		.faulth = fault,
		.log = u->regd->log,
	};
	const int err = slots_alloc(&u->slots, &args);

	if (err)
		return err;
	(void)slots_adopt(u->slots, on_slot, u);
	upstream_bound_sweep(u->bound, is_known, u);
	name_all(u);
	for (size_t n = 0; n < u->count; n++)
		upstream_resume(u->list[n]);

	return 0;
}


int upstreams_alloc(struct upstreams **upp, struct regd *regd)
{
	struct upstreams *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return ENOMEM;
	u->regd = regd;
	u->segment = svc_segment(regd->svc, "upstream");
	u->bound = svc_segment(regd->svc, "upstream_bound");
	u->delay_s = 60;
	u->is_due = true;
	err = adopt(u);
	if (err) {
		upstreams_free(u);
		return err;
	}
	*upp = u;

	return 0;
}


struct upstreams *upstreams_free(struct upstreams *u)
{
	if (!u)
		return NULL;
	ev_timer_stop(&u->sync);
	ev_timer_stop(&u->settle);
	for (size_t n = 0; n < u->count; n++) {
		upstream_cancel(u->list[n]);
		ev_timer_stop(&u->list[n]->timer);
		free(u->list[n]);
	}
	slots_free(u->slots);
	free(u);

	return NULL;
}
