/**
 * @file sipd/leg_sdp.c  The SDP that one side is told of the other's
 */
#include <errno.h>

#include "shared/base/id.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/route.h"


struct text leg_sdp(const struct leg *leg)
{
	return blob_text(leg->call->sipd->blobs, &leg->i->sdp);
}


void leg_codecs(struct sdp_codecs *codecs, const char **names,
		const struct catalog *c, const struct call *call, bool of_b)
{
	const uint32_t phone = of_b ? call->i.phone_b : call->i.phone;
	const uint32_t id = of_b ? call->i.gateway : call->i.mapping;
	const enum record_kind kind = phone  ? RECORD_PHONE
				      : of_b ? RECORD_ROUTING
					     : RECORD_MAPPING;
	const void *row = catalog_by_id(c, kind, phone ? phone : id);

	*codecs = (struct sdp_codecs){ NULL, 0 };
	if (!row)
		return;
	route_codecs(codecs, names, LEG_CODECS_MAX, c, kind,
		     phone ? ((const struct cat_phone *)row)->codecs
			   : ((const struct cat_gateway *)row)->codecs);
}


static int edit(struct leg *to, const struct catalog *c, struct text body,
		size_t *lenp)
{
	struct call *call = to->call;
	struct sipd *sipd = call->sipd;
	const struct wire_listener *l = wire_listener(sipd->wire,
						      to->i->flow.listener);
	const char *names[2][LEG_CODECS_MAX];
	char host[ADDR_TEXT_MAX];
	struct sdp_edit how = {
		.session = to->i->o_session,
		.version = to->i->o_version,
		.origin_host = l->host,
	};
	struct addr bare = l->advertised;

	bare.port = 0; /* an address is told without brackets */
	if (bare.family)
		how.origin_host = addr_print(&bare, host);
	leg_codecs(&how.a, names[0], c, call, false);
	leg_codecs(&how.b, names[1], c, call, true);

	return sdp_edit(sipd->body, sizeof(sipd->body), lenp, body, &how);
}


int leg_sdp_make(struct leg *to, struct text body, struct text *outp,
		 struct blob *beforep)
{
	struct sipd *sipd = to->call->sipd;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	const struct text last = leg_sdp(to);
	struct text made;
	struct blob blob = { 0 };
	int err;

	if (!c)
		return ENOENT;
	if (!to->i->o_session) {
		/* fits what peers read into 32 bits */
		to->i->o_session = id_random_u64() % 0x7fffffff + 1;
		to->i->o_version = 1;
	}
	made.p = sipd->body;
	err = edit(to, c, body, &made.l);
	if (!err && last.l && !sdp_same(last, made)) {
		to->i->o_version++;
		err = edit(to, c, body, &made.l);
	}
	catalog_unpin(svc_catalog(sipd->svc), c);
	if (err)
		return err;

	if (last.l == made.l && sdp_same(last, made)) {
		*outp = last;
		return 0;
	}
	err = blob_take(sipd->blobs, &blob, &made, 1);
	if (err)
		return err;
	if (beforep)
		*beforep = to->i->sdp;
	else
		call_blob_drop(to->call, &to->i->sdp);
	to->i->sdp = blob;
	*outp = leg_sdp(to);

	return 0;
}


bool leg_sdp_is_own(const struct addr *addr, void *arg)
{
	const struct sipd *sipd = arg;

	return wire_is_own(sipd->wire, addr);
}


bool leg_sdp_heard(struct leg *leg, struct text body, int *errp)
{
	struct sdp sdp;
	bool same;

	*errp = sdp_parse(&sdp, body, leg_sdp_is_own, leg->call->sipd);
	if (*errp == EADDRNOTAVAIL)
		*errp = 0; /* all off, within a dialog: a hold, or an end */
	if (*errp)
		return false;

	same = leg->i->peer_session == sdp.session &&
	       leg->i->peer_version == sdp.version && leg->i->peer_session;
	leg->i->peer_session = sdp.session;
	leg->i->peer_version = sdp.version;

	return same;
}
