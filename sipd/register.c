/**
 * @file sipd/register.c  A REGISTER, from its arrival to its answer
 *
 * Who it is is found out first, and with the same answers and the same work
 * whether there is such a user or not; only then anything else of it is
 * looked at (authentication 6).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/id.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/authenticate.h"
#include "sipd/guard.h"
#include "sipd/intake.h"
#include "sipd/metrics.h"
#include "sipd/register_int.h"
#include "sipd/resolve.h"
#include "sipd/sipd.h"

enum {
	AGAIN_S = 5, /**< Retry-After of a 503 */
	PENDING_MAX = 32768,
	NAMES_MAX = 4, /**< Looked up for one REGISTER */
	CALL_ID_MAX = 512,
};


/* --- those under way ------------------------------------------------------ */

int registrar_alloc(struct registrar **registrarp, struct sipd *sipd)
{
	struct registrar *x = calloc(1, sizeof(*x));

	if (!x)
		return ENOMEM;
	x->sipd = sipd;
	id_random(&x->epoch, sizeof(x->epoch));
	x->epoch |= 1;
	*registrarp = x;

	return 0;
}


static struct registering *registering_take(struct registrar *x)
{
	struct registering *r = x->pool;
	uint32_t generation;

	if (x->count >= PENDING_MAX)
		return NULL;
	if (r)
		x->pool = r->next;
	else
		r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;

	generation = r->generation + 1;
	memset(r, 0, offsetof(struct registering, user));
	r->user[0] = r->path[0] = '\0';
	r->copy = NULL;
	r->sipd = x->sipd;
	r->generation = generation;
	r->next = x->pending;
	if (r->next)
		r->next->prev = r;
	x->pending = r;
	x->count++;

	return r;
}


void registering_give(struct registering *r)
{
	struct registrar *x = r->sipd->registrar;

	free(r->copy);
	r->copy = NULL;
	r->generation++;
	if (r->prev)
		r->prev->next = r->next;
	else
		x->pending = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = NULL;
	r->next = x->pool;
	x->pool = r;
	x->count--;
}


struct registrar *registrar_free(struct registrar *x)
{
	struct registering *r, *next;

	if (!x)
		return NULL;
	register_ask_end(x);
	while (x->pending)
		registering_give(x->pending);
	for (r = x->pool; r; r = next) {
		next = r->next;
		free(r);
	}
	free(x);

	return NULL;
}


uint64_t register_connection(const struct sipd *sipd, const struct flow *flow)
{
	if (!flow->conn)
		return 0;

	return (uint64_t)sipd->registrar->epoch << 32 | flow->conn;
}


uint32_t register_conn(const struct sipd *sipd, uint64_t connection)
{
	return sipd->registrar && connection >> 32 == sipd->registrar->epoch
		       ? (uint32_t)connection
		       : 0;
}


/* --- what is answered ----------------------------------------------------- */

void register_later(struct sipd *sipd, txn_id txn)
{
	char seconds[16];

	(void)text_print(seconds, sizeof(seconds), "%d", AGAIN_S);
	intake_reply_head(sipd, txn, 503, "Retry-After", seconds);
}


void register_count(struct sipd *sipd, const char *user,
		    const struct flow *from, bool ok,
		    struct authn_answer *answer)
{
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));

	answer->verdict = AUTHN_ACCEPT;
	metric_inc_at(M_REG_REQUESTS,
		      ok ? METRICS_REGISTER_OK : METRICS_REGISTER_REFUSED);
	if (!c)
		return;
	authn_register_result(sipd->authn, c, text_of(user), &from->remote, ok,
			      clk_wall_us(), answer);
	authenticate_log(sipd, from, answer);
	catalog_unpin(svc_catalog(sipd->svc), c);
}


/* Authentication 5 */
void register_refuse(struct sipd *sipd, txn_id txn, const char *user,
		     const struct flow *from, unsigned code)
{
	struct authn_answer answer;

	register_count(sipd, user, from, false, &answer);
	(void)txn_reply_code(sipd->txns, txn,
			     answer.verdict == AUTHN_REFUSE ? 403 : code);
}


/* --- NAT (registration 4) ------------------------------------------------- */

static void on_resolved(const struct resolved *resolved, void *arg,
			uint64_t user);


static int copy_of(struct registering *r, const struct message *m)
{
	if (r->copy)
		return 0;
	r->copy = malloc(m->whole.l);
	if (!r->copy)
		return ENOMEM;
	memcpy(r->copy, m->whole.p, m->whole.l);
	r->copyl = m->whole.l;

	return 0;
}


/* Of a name. @return 0: *behindp says it; EAGAIN: on_resolved() comes */
static int look_there(bool *behindp, struct registering *r,
		      const struct register_place *place)
{
	const enum transport transport = (enum transport)r->from.transport;
	struct resolved resolved;
	int err;

	*behindp = true;
	if (r->names++ == NAMES_MAX)
		return 0;
	err = resolve(r->sipd->resolver, place->host, place->port, transport,
		      &resolved, on_resolved, r, r->generation);
	if (err)
		return err == EAGAIN ? EAGAIN : 0;
	*behindp = !register_is_there(&r->from.remote, resolved.addrs,
				      resolved.addrc, place->port);

	return 0;
}


/* Addresses say it at once: names are looked up only if these agree. */
static int is_behind(bool *behindp, struct registering *r,
		     const struct message *m, const struct register_ask *ask)
{
	struct register_place places[REGISTER_PLACES_MAX];
	const size_t n = register_places(places, m, ask);
	bool is_name[REGISTER_PLACES_MAX];
	struct addr addr;
	int err = 0;

	*behindp = false;
	for (size_t i = 0; i < n && !*behindp; i++) {
		is_name[i] = head_host_addr(&addr, places[i].host,
					    places[i].port) != 0;
		*behindp = !is_name[i] &&
			   !register_is_there(&r->from.remote, &addr, 1,
					      places[i].port);
	}
	for (size_t i = 0; i < n && !err && !*behindp; i++)
		if (is_name[i])
			err = look_there(behindp, r, &places[i]);

	return err;
}


/* --- who, and what -------------------------------------------------------- */

/* It has proved who it is: what does it want? Once more when a name is known. */
static void go_on(struct registering *r, const struct message *m)
{
	struct sipd *sipd = r->sipd;
	struct register_ask ask;
	bool is_nat;
	unsigned code = register_parse(&ask, m);
	int err = 0;

	if (m->call_id.l > CALL_ID_MAX ||
	    register_path(r->path, sizeof(r->path), m))
		code = 400;
	if (code) {
		register_refuse(sipd, r->txn, r->user, &r->from, code);
		registering_give(r);
		return;
	}
	r->echoes_path = r->path[0] &&
			 message_lists(m, HEAD_SUPPORTED, "path");
	if (is_behind(&is_nat, r, m, &ask) == EAGAIN) {
		if (!copy_of(r, m))
			return;
		is_nat = true; /* unresolvable differs */
		r->generation++;
	}
	err = register_ask(r, m, &ask, is_nat);
	if (err) {
		register_later(sipd, r->txn);
		registering_give(r);
	}
}


/* The cache knows it by now. */
static void on_resolved(const struct resolved *resolved, void *arg,
			uint64_t user)
{
	struct registering *r = arg;
	struct message *m = &r->sipd->message;

	(void)resolved;
	if (r->generation != user || !r->copy)
		return;
	if (message_parse(m, r->copy, r->copyl, false) == MESSAGE_OK) {
		go_on(r, m);
		return;
	}
	(void)txn_reply_code(r->sipd->txns, r->txn, 500);
	registering_give(r);
}


/* Of a record that may register (authentication 1); 0: it may not */
static bool terminal_of(struct registering *r, const struct catalog *c)
{
	const struct text user = text_of(r->user);
	const struct cat_phone *phone = catalog_phone(c, user);
	const struct cat_gateway *gw;
	enum record_kind kind;

	if (phone) {
		r->terminal = (struct terminal){ TERMINAL_PHONE,
						 phone->row.id };
		return phone->enabled != 0;
	}
	gw = catalog_terminal(c, user, &kind);
	if (!gw || !gw->type || gw->lock)
		return false;
	r->terminal.kind = kind == RECORD_MAPPING ? TERMINAL_MAPPING
						  : TERMINAL_ROUTING;
	r->terminal.id = gw->row.id;

	return true;
}


static void accepted(struct sipd *sipd, txn_id txn, const struct message *m,
		     const struct flow *from, const struct catalog *c,
		     const char *user)
{
	struct registering *r = registering_take(sipd->registrar);
	struct text lacks;
	char name[64];

	if (!r) {
		register_later(sipd, txn);
		return;
	}
	r->txn = txn;
	r->from = *from;
	(void)text_copy(r->user, sizeof(r->user), text_of(user));
	if (!terminal_of(r, c)) {
		register_refuse(sipd, txn, r->user, from, 403);
	}
	else if (register_lacks(m, &lacks)) {
		if (text_copy(name, sizeof(name), lacks))
			(void)text_copy(name, sizeof(name), text_of("?"));
		intake_reply_head(sipd, txn, 420, "Unsupported", name);
	}
	else {
		go_on(r, m);
		return;
	}
	registering_give(r);
}


/* @return false: it is answered otherwise, or not at all, by *codep */
static bool check(struct sipd *sipd, const struct message *m,
		  const struct flow *from, const struct catalog *c,
		  struct authn_answer *answer, unsigned *codep)
{
	const bool is_black = catalog_lists_source(c, CAT_SOURCE_BLACK,
						   &from->remote);
	struct text user;

	*codep = 0;
	if (register_terminal(&user, m)) {
		*codep = 400;
		return false;
	}
	if (is_black && !catalog_int(c, SS_REPLY_UNAUTHORIZED))
		return false;
	catalog_name_ahead(c, RECORD_PHONE, user, true);
	authenticate(sipd, c, m, from, user,
		     is_black ? NULL : authn_lookup_catalog, answer);
	if (answer->verdict != AUTHN_ACCEPT)
		metric_inc_at(M_REG_REQUESTS,
			      answer->verdict == AUTHN_CHALLENGE
				      ? METRICS_REGISTER_CHALLENGED
				      : METRICS_REGISTER_REFUSED);

	return true;
}


/* Until it is asked who it is the transaction is made. */
void register_ahead(const struct sipd *sipd, const struct message *m)
{
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	struct text user;

	if (!c)
		return;
	if (!register_terminal(&user, m))
		catalog_name_ahead(c, RECORD_PHONE, user, false);
	catalog_unpin(svc_catalog(sipd->svc), c);
}


void register_receive(struct sipd *sipd, txn_id txn, const struct message *m,
		      const struct flow *from, const struct catalog *c)
{
	struct authn_answer answer;
	unsigned code;

	if (!check(sipd, m, from, c, &answer, &code))
		intake_unknown(sipd, txn, c, code);
	else if (answer.verdict == AUTHN_ACCEPT)
		accepted(sipd, txn, m, from, c, answer.user);
	else
		authenticate_refuse(sipd, txn, &answer);
}


bool register_is_bare(const struct message *m)
{
	return m->is_request && m->method == METHOD_REGISTER &&
	       m->to_tag.l == 0 && m->first[HEAD_AUTHORIZATION] == 255 &&
	       m->first[HEAD_PROXY_AUTHORIZATION] == 255;
}


void register_challenge(struct sipd *sipd, const struct message *m,
			const struct flow *from, const struct catalog *c)
{
	struct authn_answer answer;
	unsigned code;

	if (check(sipd, m, from, c, &answer, &code))
		authenticate_answer(sipd, m, from, &answer);
	else if (!catalog_int(c, SS_REPLY_UNAUTHORIZED))
		metric_inc_at(M_SIP_DROPPED, GUARD_DROP_UNKNOWN);
	else
		(void)txn_answer(sipd->txns, m, from, code, text_of(""));
}
