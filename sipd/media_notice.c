/**
 * @file sipd/media_notice.c  What mediad says by itself
 */
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "sipd/call.h"
#include "sipd/dispatch.h"
#include "sipd/media.h"
#include "sipd/media_digit.h"
#include "sipd/media_dtmf.h"
#include "sipd/media_terms.h"

enum {
	MS_MAX = 6000,
};


static bool is_of_b(const struct call *call, uint32_t side)
{
	return side != 0 && side == call->i.relay.attempt;
}


/* Silence (media 9), or with no side: is this call still there? What is not
 * is given up. A call that has ended does that itself. */
int media_on_lost(void *state, const Tandem__Envelope *env, int tag)
{
	static const char *const details[] = { "", "a", "b", "both" };
	struct sipd *sipd = state;
	const Tandem__MediaLost *lost = env->media_lost;
	struct call *call = call_find(sipd, lost->session);

	(void)tag;
	if (!call || !media_has_relay(call)) {
		media_disown(sipd, lost->session, (uint16_t)env->hdr->worker);
		return 0;
	}
	if (!lost->sides || lost->sides >= COUNT_OF(details) ||
	    call->i.state != CALL_ANSWERED)
		return 0;

	(void)text_copy(call->i.detail, sizeof(call->i.detail),
			text_of(details[lost->sides]));
	call_end_with(call, END_NO_MEDIA_TIMEOUT);
	call_handle(call, EV_CUT);

	return 0;
}


int media_on_started(void *state, const Tandem__Envelope *env, int tag)
{
	const Tandem__MediaStarted *started = env->media_started;
	struct call *call = call_find(state, started->session);

	(void)tag;
	if (call && call->setup && is_of_b(call, started->side))
		call->setup->result.had_rtp = true;

	return 0;
}


int media_on_digit(void *state, const Tandem__Envelope *env, int tag)
{
	const Tandem__DigitHeard *heard = env->digit_heard;
	struct call *call = call_find(state, heard->session);
	struct dtmf dtmf = { .ms = DTMF_MS };
	const bool of_b = call && is_of_b(call, heard->side);

	(void)tag;
	if (!call || !media_has_relay(call) || (heard->side && !of_b) ||
	    call->i.relay.dtmf[!of_b] != DTMF_INFO ||
	    dtmf_digit(&dtmf.digit, text_of(heard->digit)))
		return 0;
	if (heard->ms)
		dtmf.ms = (uint16_t)(heard->ms < MS_MAX ? heard->ms : MS_MAX);
	media_digit_send(of_b ? &call->a : &call->b, &dtmf);

	return 0;
}
