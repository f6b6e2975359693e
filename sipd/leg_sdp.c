/**
 * @file sipd/leg_sdp.c  The SDP that one side is told of the other's
 */
#include <errno.h>

#include "shared/base/id.h"
#include "shared/base/util.h"
#include "shared/svc/svc.h"
#include "sipd/leg.h"
#include "sipd/leg_sdp.h"
#include "sipd/media_point.h"
#include "sipd/route.h"
#include "sipd/sdp_line.h"


struct text leg_sdp(const struct leg *leg)
{
	return blob_text(leg->call->sipd->blobs, &leg->i->sdp);
}


bool leg_was_told(const struct leg *leg)
{
	return leg->i->sdp.unit != 0;
}


int leg_sdp_read(struct sdp *sdp, const struct leg *leg)
{
	const struct text told = leg_sdp(leg);

	/* It names addresses of ours, which no peer may. */
	return told.l ? sdp_read(sdp, told) : ENOENT;
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


/* only: what may be in it besides; NULL: what the other side may use */
static int edit(struct leg *to, const struct catalog *c, struct text body,
		const struct sdp_codecs *only, size_t *lenp)
{
	struct call *call = to->call;
	struct sipd *sipd = call->sipd;
	const struct wire_listener *l = wire_listener(sipd->wire,
						      to->i->flow.listener);
	const char *names[2][LEG_CODECS_MAX];
	char host[ADDR_TEXT_MAX];
	struct sdp_edit how = {
		.is_read = true,
		.session = to->i->o_session,
		.version = to->i->o_version,
		.origin_host = l->host,
	};
	struct addr bare = l->advertised;

	bare.port = 0; /* an address is told without brackets */
	if (bare.family)
		how.origin_host = addr_print(&bare, host);
	leg_codecs(&how.a, names[0], c, call, false);
	if (only)
		how.b = *only;
	else
		leg_codecs(&how.b, names[1], c, call, true);
	media_edit(&how, to, host);

	return sdp_edit(sipd->body, sizeof(sipd->body), lenp, body, &how);
}


static int make(struct leg *to, struct text body,
		const struct sdp_codecs *only, struct text *outp,
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
	err = edit(to, c, body, only, &made.l);
	if (!err && last.l && !sdp_same(last, made)) {
		to->i->o_version++;
		err = edit(to, c, body, only, &made.l);
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


int leg_sdp_make(struct leg *to, struct text body, struct text *outp,
		 struct blob *beforep)
{
	return make(to, body, NULL, outp, beforep);
}


static bool can_hear_tone(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->mediac; i++) {
		const struct sdp_media *media = &sdp->media[i];

		if (media->kind == SDP_AUDIO && media->remote.port)
			return media->is_rtp && !media->is_secure &&
			       !media->is_held &&
			       media->direction == SDP_SENDRECV;
	}

	return false;
}


int leg_sdp_tone(struct leg *to, struct text offer)
{
	static const char *const names[] = { "PCMU", "PCMA" };
	static const struct sdp_codecs g711 = { names, COUNT_OF(names) };
	struct text made;
	struct sdp sdp;

	if (sdp_parse(&sdp, offer, NULL, NULL) || !can_hear_tone(&sdp))
		return ENOTSUP;

	return make(to, offer, &g711, &made, NULL) ? ENOTSUP : 0;
}


bool leg_sdp_is_own(const struct addr *addr, void *arg)
{
	const struct sipd *sipd = arg;

	/* While calls are adopted there is no wire yet, and what they hold was
	 * looked at when it came. */
	return sipd->wire && wire_is_own(sipd->wire, addr);
}


int leg_sdp_parse(struct sdp *sdp, const struct leg *leg, struct text body)
{
	/* Between two calls of ours it is the relay's address. */
	return sdp_parse(sdp, body,
			 leg->i->flow.is_loop ? NULL : leg_sdp_is_own,
			 leg->call->sipd);
}


bool leg_sdp_heard(struct leg *leg, struct text body, bool is_offer, int *errp)
{
	struct sdp sdp;
	bool same;

	*errp = leg_sdp_parse(&sdp, leg, body);
	if (*errp == EADDRNOTAVAIL)
		*errp = 0; /* all off, within a dialog: a hold, or an end */
	if (*errp)
		return false;

	same = leg->i->peer_session == sdp.session &&
	       leg->i->peer_version == sdp.version && leg->i->peer_session;
	/* A refresh: nothing comes of it. */
	if (!is_offer || !same || leg->call->i.state != CALL_ANSWERED)
		*errp = media_heard(leg, &sdp, is_offer, same);
	if (*errp)
		return false;
	leg->i->peer_session = sdp.session;
	leg->i->peer_version = sdp.version;

	return same;
}
