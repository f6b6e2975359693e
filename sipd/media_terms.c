/**
 * @file sipd/media_terms.c  Relay or bypass, and what holds for a side
 */
#include <stddef.h>

#include "shared/base/util.h"
#include "shared/catalog/rows.h"
#include "sipd/media_terms.h"


/* What a field cannot say is as if it said nothing. */
static uint8_t word(int32_t field, uint8_t count)
{
	return field >= 0 && field < count ? (uint8_t)field : 0;
}


static void terms_default(struct media_terms *t)
{
	*t = (struct media_terms){
		.proxy = CAT_INHERIT,
		.nomedia_s = CAT_INHERIT,
		.t38 = true,
	};
}


void media_terms_gateway(struct media_terms *t, const struct cat_gateway *gw)
{
	terms_default(t);
	if (!gw)
		return;
	t->proxy = gw->media_proxy;
	t->nomedia_s = gw->nomedia_time;
	t->dtmf = word(gw->dtmf_mode, DTMF_MODEC);
	t->learning = word(gw->rtp_learning, LEARNINGC);
	t->sdp_first = gw->nat_media_sdp_first != 0;
	t->t38 = gw->t38 != 0;
}


void media_terms_phone(struct media_terms *t, const struct cat_phone *phone)
{
	terms_default(t);
	if (!phone)
		return;
	t->proxy = phone->media_proxy;
	t->nomedia_s = phone->nomedia_time;
	t->dtmf = word(phone->dtmf_mode, DTMF_MODEC);
}


/* --- media 1, a function per row ------------------------------------------ */

static bool is_on(const struct media_case *m)
{
	return m->proxy_a == MEDIA_PROXY_ON || m->proxy_b == MEDIA_PROXY_ON;
}


static bool is_behind_nat(const struct media_case *m)
{
	return m->is_nat && m->nat_wants_relay;
}


static bool is_needed(const struct media_case *m)
{
	return m->converts || m->differs;
}


static bool is_auto(const struct media_case *m)
{
	return (m->proxy_a == MEDIA_PROXY_AUTO ||
		m->proxy_b == MEDIA_PROXY_AUTO) &&
	       (m->is_private || m->nomedia_s > 0);
}


bool media_is_relayed(const struct media_case *m)
{
	static bool (*const rows[])(const struct media_case *m) = {
		is_on,
		is_behind_nat,
		is_needed,
		is_auto,
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i](m))
			return true;

	return false;
}


bool media_converts(uint8_t dtmf_a, uint8_t dtmf_b)
{
	return dtmf_a != DTMF_TRANSPARENT && dtmf_b != DTMF_TRANSPARENT &&
	       dtmf_a != dtmf_b;
}


uint32_t media_nomedia(int32_t a, int32_t b, uint32_t param)
{
	if (a == CAT_INHERIT && b == CAT_INHERIT)
		return param;
	if (a == 0 || b == 0)
		return 0;
	if (a == CAT_INHERIT || b > a)
		return (uint32_t)b;

	return (uint32_t)a;
}
