/**
 * @file sipd/call_slot.c  May an image of a call be trusted?
 */
#include <string.h>

#include "sipd/call_fsm.h"
#include "sipd/call_slot.h"
#include "sipd/media_terms.h"
#include "sipd/verdict.h"


enum {
	REQUEST_ADDRESS_MAX = 2, /* socket, contact_port, contact */
	PAYLOAD_MAX = 127,
};


static bool terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}


static const char *leg_fault(const struct leg_image *leg)
{
	size_t sum = 0;

	for (size_t i = 0; i < LEG_TEXTC; i++)
		sum += leg->textl[i];
	if (leg->state > LEG_ENDED)
		return "state of a leg";
	if (sum != leg->texts.len)
		return "texts of a leg";
	if (leg->timer.state >= TIMER_STATEC)
		return "timer of a leg";
	if (leg->flow.transport >= TRANSPORTC)
		return "transport of a leg";
	if (leg->refresher > REFRESHER_UAS)
		return "refresher of a leg";
	if (leg->request_address > REQUEST_ADDRESS_MAX)
		return "address of a leg";

	return NULL;
}


const char *call_slot_fault(const void *image)
{
	const struct call_image *i = image;
	const char *fault;
	size_t facts = 0;

	for (size_t f = 0; f < FACTC; f++)
		facts += i->factl[f];
	if (facts != i->facts.len)
		return "facts";
	if (i->state == CALL_NONE || i->state >= CALL_STATEC)
		return "state";
	if (i->reason >= END_REASONC || i->side >= END_SIDEC ||
	    i->cap_reason >= END_REASONC)
		return "end";
	if (i->media > CALL_MEDIA_RELAY)
		return "media";
	for (size_t s = 0; s < MEDIA_SIDEC; s++)
		if (i->relay.dtmf[s] >= DTMF_MODEC ||
		    i->relay.learning[s] >= LEARNINGC ||
		    i->relay.event[s] > PAYLOAD_MAX)
			return "relay";
	if (i->transport >= TRANSPORTC)
		return "transport";
	if (!i->cdr_id[0] || !terminated(i->cdr_id, sizeof(i->cdr_id)) ||
	    !terminated(i->parent_cdr_id, sizeof(i->parent_cdr_id)) ||
	    !terminated(i->detail, sizeof(i->detail)) ||
	    !terminated(i->codec, sizeof(i->codec)))
		return "text";
	if (i->params.resend.count > TXN_WAITS_MAX ||
	    !i->params.resend.waits_ms[0])
		return "resend list";
	if (i->attempts.len != i->attemptc * sizeof(struct attempt_image))
		return "attempts";
	fault = leg_fault(&i->a);

	return fault ? fault : leg_fault(&i->b);
}
