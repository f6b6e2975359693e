/**
 * @file mediad/point.c  From the message Point to what a session takes
 *
 * The peer's SDP stands behind it, so nothing is believed for being ours:
 * every number is checked against what a slot may hold.
 */
#include <errno.h>
#include <string.h>

#include "mediad/point.h"
#include "shared/base/metric.h"
#include "shared/base/text.h"

enum {
	CLOCK = 8000, /* RFC 3551: nearly all audio; the default */
	CLOCK_MAX = 192000,
	DIRECTIONC = 4,
	NOMEDIA_MAX = 3600,
};


/* Empty: nothing is to be sent there */
static int read_addr(struct addr *addr, const char *text)
{
	*addr = (struct addr){ .family = 0 };

	return text[0] ? addr_parse(addr, text_of(text)) : 0;
}


static int read_lines(struct media_side *side, const Tandem__Point *said)
{
	int err = 0;

	for (size_t i = 0; i < MEDIA_LINES && i < said->n_remote && !err;
	     i++) {
		struct media_line *line = &side->lines[i];
		struct addr *rtp = &line->rtp.signalled;
		struct addr *rtcp = &line->rtcp.signalled;

		err = read_addr(rtp, said->remote[i]);
		if (!err && i < said->n_remote_rtcp)
			err = read_addr(rtcp, said->remote_rtcp[i]);
		if (!err && rtp->family && !rtcp->family) {
			*rtcp = *rtp;
			rtcp->port = rtp->port < 65535
					     ? (uint16_t)(rtp->port + 1)
					     : 0;
		}
		line->is_udptl = i < said->n_udptl && said->udptl[i];
	}

	return err;
}


static int read_payloads(struct media_side *side, const Tandem__Point *said)
{
	for (size_t i = 0; i < said->n_payloads; i++) {
		const uint32_t clock = i < said->n_clocks && said->clocks[i]
					       ? said->clocks[i]
					       : CLOCK;
		const uint32_t codec = i < said->n_codecs
					       ? (uint32_t)said->codecs[i]
					       : (uint32_t)MEDIA_OTHER;

		if (side->payloadc == MEDIA_PAYLOADS)
			break; /* the first are the ones that matter */
		if (said->payloads[i] >= MEDIA_TYPEC || clock > CLOCK_MAX)
			return EINVAL;
		side->payloads[side->payloadc++] = (struct media_payload){
			.clock = clock,
			.type = (uint8_t)said->payloads[i],
			.codec = (uint8_t)(codec < MEDIA_CODECC ? codec
								: MEDIA_OTHER),
		};
	}

	return 0;
}


int point_read(struct session_point *point, const Tandem__Point *said)
{
	struct media_side *side = &point->side;
	int err;

	memset(point, 0, sizeof(*point));
	if (said->direction >= DIRECTIONC || said->learning >= LEARNINGC ||
	    said->dtmf_mode >= DTMF_MODEC ||
	    said->event_payload >= MEDIA_TYPEC ||
	    said->nomedia_s > NOMEDIA_MAX)
		return EINVAL;

	err = read_addr(&side->source, said->source);
	if (!err)
		err = read_lines(side, said);
	if (!err)
		err = read_payloads(side, said);
	if (!err)
		err = text_copy(side->gateway, sizeof(side->gateway),
				text_of(said->gateway));
	if (err)
		return EINVAL;

	metric_label_clean(side->gateway);
	side->sdp = said->sdp;
	side->direction = (uint8_t)said->direction;
	side->is_nat = said->is_nat;
	side->learning = (uint8_t)said->learning;
	side->is_sdp_first = said->sdp_first;
	side->dtmf_mode = (uint8_t)said->dtmf_mode;
	side->event_payload = (uint8_t)said->event_payload;
	side->is_secure = said->is_secure;
	side->ring_back = said->ring_back;
	point->nomedia_s = said->nomedia_s;
	point->is_nomedia_any = said->nomedia_any;
	point->is_active = said->is_active;
	point->is_answered = said->is_answered;

	return 0;
}
