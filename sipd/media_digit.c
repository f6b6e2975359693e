/**
 * @file sipd/media_digit.c  Digits between INFO and the relay (media 7)
 *
 * INFOs of one side go out one after the other: two under way at once may
 * arrive in the wrong order, and then the older one is refused.
 */
#include <errno.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/leg.h"
#include "sipd/media.h"
#include "sipd/media_digit.h"
#include "sipd/media_dtmf.h"
#include "sipd/media_terms.h"
#include "sipd/metrics.h"

#define OF_B (1ull << 63) /* In the user of our requests: which leg */

enum {
	SEND_MS = 1000, /**< Later a digit is none any more */
};


static bool is_alive(const struct leg *leg)
{
	return leg->i->state == LEG_EARLY || leg->i->state == LEG_CONFIRMED;
}


static struct digit_queue *digits_of(const struct leg *leg)
{
	return &leg->call->sound->digits[leg->is_b];
}


/* --- INFO in -------------------------------------------------------------- */

static void to_relay(struct leg *to, const struct dtmf *dtmf)
{
	struct call *call = to->call;
	char digit[] = { dtmf->digit, '\0' };
	struct bus_request request;
	Tandem__Envelope env;
	Tandem__SendDigit send;

	media_request(&request, call);
	request.deadline_ms = SEND_MS;
	tandem__envelope__init(&env);
	tandem__send_digit__init(&send);
	send.session = call->id;
	send.side = to->is_b ? call->i.relay.attempt : 0;
	send.digit = digit;
	send.ms = dtmf->ms;
	env.body_case = BUS_BODY(SEND_DIGIT);
	env.send_digit = &send;
	if (bus_send(svc_bus(call->sipd->svc), &request, &env, NULL))
		metric_inc(M_DIGITS_LOST);
}


bool media_digit_receive(struct leg *leg, txn_id txn, const struct message *m)
{
	struct call *call = leg->call;
	struct leg *to = leg->is_b ? &call->a : &call->b;
	struct dtmf dtmf;
	int err;

	if (m->method != METHOD_INFO || !media_has_relay(call) ||
	    !(call->i.relay.flags & MEDIA_CONVERTS) ||
	    call->i.relay.dtmf[to->is_b] == DTMF_INFO)
		return false;
	err = dtmf_read(&dtmf, message_head(m, HEAD_CONTENT_TYPE), m->body);
	if (err == ENOTSUP)
		return false;

	(void)txn_reply_code(call->sipd->txns, txn, err ? 400 : 200);
	if (!err)
		to_relay(to, &dtmf);

	return true;
}


/* --- INFO out ------------------------------------------------------------- */

static void send_first(struct leg *leg);


static void on_final(txn_id txn, int err, const struct message *m,
		     const struct flow *from, void *arg, uint64_t user)
{
	struct sipd *sipd = arg;
	struct call *call = call_find(sipd, user & ~OF_B);
	struct leg *leg;

	(void)err; /* it has said what it says: a digit is not repeated */
	if (!call)
		return;
	leg = user & OF_B ? &call->b : &call->a;
	if (leg->info != txn || (m && m->code < 200))
		return;
	if (m)
		leg_heard(leg, from);
	leg->info = 0;
	if (digits_of(leg)->count)
		send_first(leg);
}


static void send_first(struct leg *leg)
{
	struct call *call = leg->call;
	struct digit_queue *q = digits_of(leg);
	const struct dtmf dtmf = { q->digits[q->first], q->ms[q->first] };
	char body[DTMF_BODY_MAX];
	struct leg_request r = {
		.method = METHOD_INFO,
		.type = "application/dtmf-relay",
		.h = on_final,
		.user = call->id | (leg->is_b ? OF_B : 0),
	};

	r.body = (struct text){ body, dtmf_print(body, &dtmf) };
	q->first = (uint8_t)((q->first + 1) % DIGITS_MAX);
	q->count--;
	if (!is_alive(leg) || leg_send(leg, &r, &leg->info)) {
		metric_inc(M_DIGITS_LOST);
		return;
	}
	call_publish(call); /* a successor's CSeq must be higher */
}


void media_digit_send(struct leg *leg, const struct dtmf *dtmf)
{
	struct digit_queue *q = digits_of(leg);
	const size_t at = (size_t)(q->first + q->count) % DIGITS_MAX;

	if (!is_alive(leg) || q->count == DIGITS_MAX) {
		metric_inc(M_DIGITS_LOST);
		return;
	}
	q->digits[at] = dtmf->digit;
	q->ms[at] = dtmf->ms;
	q->count++;
	if (!leg->info)
		send_first(leg);
}
