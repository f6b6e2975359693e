/**
 * @file sipd/farewell.c  A BYE that may be asked for credentials
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/auth/authn.h"
#include "shared/auth/secret.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/farewell.h"

enum {
	HEADS_MAX = 256,
};

/** A call with nothing but its B leg, in no slot and in no map */
struct farewell {
	struct farewell *prev, *next;
	struct call call;
	struct authn_client auth;
	bool is_repeated;
	size_t headl;
	char heads[HEADS_MAX];
};


static void farewell_free(struct farewell *f)
{
	struct sipd *sipd = f->call.sipd;

	if (f->prev)
		f->prev->next = f->next;
	else
		sipd->farewells = f->next;
	if (f->next)
		f->next->prev = f->prev;
	blob_give(sipd->blobs, &f->call.i.b.texts);
	free(f);
}


void farewells_free(struct sipd *sipd)
{
	struct farewell *f, *next;

	for (f = sipd->farewells; f; f = next) {
		next = f->next;
		farewell_free(f);
	}
}


static int copy_of(struct farewell **fp, const struct leg *leg)
{
	struct sipd *sipd = leg->call->sipd;
	const struct text texts = blob_text(sipd->blobs, &leg->i->texts);
	struct farewell *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return ENOMEM;
	f->call.sipd = sipd;
	f->call.i.params = leg->call->i.params;
	f->call.i.gateway = leg->call->i.gateway;
	f->call.i.b = *leg->i;
	f->call.i.b.texts = (struct blob){ 0 };
	f->call.b = (struct leg){ .call = &f->call,
				  .i = &f->call.i.b,
				  .is_b = true };
	err = blob_take(sipd->blobs, &f->call.i.b.texts, &texts, 1);
	if (err) {
		free(f);
		return err;
	}

	f->next = sipd->farewells;
	if (f->next)
		f->next->prev = f;
	sipd->farewells = f;
	*fp = f;

	return 0;
}


/* Lines for the repeated BYE; 0: it cannot be repeated */
static size_t credentials(struct farewell *f, const struct message *m,
			  char *dst, size_t size)
{
	struct sipd *sipd = f->call.sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct cat_routing *gateway =
		c ? catalog_by_id(c, RECORD_ROUTING, f->call.i.gateway) : NULL;
	char password[SECRET_PASSWORD_MAX + 1];
	size_t len = 0;

	if (gateway &&
	    !leg_challenged(&f->auth, m, f->call.i.params.auth_retry) &&
	    !sipd_password(sipd, c, gateway->sealed, password,
			   sizeof(password))) {
		const struct authn_credentials with = {
			.user = text_of(catalog_str(c, RECORD_ROUTING,
						    gateway->gw.username)),
			.password = text_of(password),
		};

		len = authn_client_heads(&f->auth, &with, text_of("BYE"),
					 leg_text(&f->call.b, LEG_TARGET), dst,
					 size);
		explicit_bzero(password, sizeof(password));
	}
	if (c)
		catalog_unpin(svc_catalog(sipd->svc), c);

	return len;
}


static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user);


static int send_bye(struct farewell *f, struct text heads)
{
	struct leg_request r = {
		.method = METHOD_BYE,
		.heads = heads,
		.h = on_response,
		.arg = f,
	};
	txn_id txn;

	return leg_send(&f->call.b, &r, &txn);
}


/* Called until the final or the failure, which is the last */
static void on_response(txn_id txn, int err, const struct message *m,
			const struct flow *from, void *arg, uint64_t user)
{
	struct farewell *f = arg;
	char heads[HEADS_MAX + 2048];
	size_t len;

	(void)txn;
	(void)err;
	(void)from;
	(void)user;
	if (m && m->code < 200)
		return;
	if (m && (m->code == 401 || m->code == 407) && !f->is_repeated) {
		memcpy(heads, f->heads, f->headl);
		len = credentials(f, m, heads + f->headl,
				  sizeof(heads) - f->headl);
		f->is_repeated = true;
		if (len &&
		    !send_bye(f, (struct text){ heads, f->headl + len }))
			return;
	}
	farewell_free(f);
}


int farewell_send(struct leg *leg, struct text heads)
{
	struct farewell *f;
	int err;

	if (heads.l > HEADS_MAX)
		return EMSGSIZE;
	err = copy_of(&f, leg);
	if (err)
		return err;

	memcpy(f->heads, heads.p, heads.l);
	f->headl = heads.l;
	if (leg->auth) /* what it was asked for at the INVITE */
		f->auth = *leg->auth;
	err = send_bye(f, heads);
	if (err)
		farewell_free(f);

	return err;
}
