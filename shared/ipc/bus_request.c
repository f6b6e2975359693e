/**
 * @file shared/ipc/bus_request.c  Requests: sent, repeated, answered, given up
 *
 * What cannot be sent because the peer is away or does not read waits in the
 * list of its link, in order, and within its deadline. Whatever happens, a
 * request's handler is called once, and it may send the next request.
 */
#include <assert.h>
#include <errno.h>

#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"


static void wait_append(struct dealer *dealer, struct pending *p)
{
	p->next = NULL;
	p->prev = dealer->last;
	if (dealer->last)
		dealer->last->next = p;
	else
		dealer->first = p;
	dealer->last = p;

	p->is_waiting = true;
	dealer->waitingc++;
}


static void wait_remove(struct dealer *dealer, struct pending *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		dealer->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		dealer->last = p->prev;

	p->is_waiting = false;
	dealer->waitingc--;
}


static void pending_end(struct pending *p)
{
	ev_timer_stop(&p->timer);
	if (p->is_waiting)
		wait_remove(p->dealer, p);
	if (p->dealer)
		p->dealer->pendingc--;

	pendings_give(p->bus->pendings, p);
}


/* The place in the table is free before the handler takes it again. */
static void pending_finish(struct pending *p, int err,
			   const Tandem__Envelope *reply)
{
	bus_reply_h *h = p->h;
	void *arg = p->arg;

	pending_end(p);
	if (h)
		h(err, reply, arg);
}


static void on_due(void *arg);


static void timer_set(struct pending *p)
{
	int64_t due_us = p->deadline_us;
	int64_t left_us;

	if (p->retry_ms > 0 && !p->is_waiting && p->retry_us < due_us)
		due_us = p->retry_us;

	left_us = due_us - ev_now_us(p->bus->ev);
	if (left_us < 0)
		left_us = 0;

	ev_timer_start(&p->timer, p->bus->ev,
		       (uint32_t)((left_us + 999) / 1000), on_due, p);
}


/* @return 0 if it is under way, EAGAIN if it is to wait, otherwise errorcode */
static int pending_send(struct pending *p, const uint8_t *data, size_t len)
{
	struct port *port = p->dealer ? &p->dealer->port : &p->bus->router;
	int err;

	p->retry_us = ev_now_us(p->bus->ev) + (int64_t)p->retry_ms * 1000;

	/* Those that wait already go first. */
	if (p->dealer && p->dealer->first && !p->is_waiting)
		return EAGAIN;

	err = port_send(port, p->to, data, len);

	/* Whether that peer has connected to us is known now or not at all. */
	return err || p->dealer ? err : port_flush(port);
}


static void on_due(void *arg)
{
	struct pending *p = arg;
	const int64_t now_us = ev_now_us(p->bus->ev);

	if (now_us >= p->deadline_us) {
		metric_inc(p->h ? M_BUS_TIMEOUT : M_BUS_QUEUE_FULL);
		pending_finish(p, ETIMEDOUT, NULL);
		return;
	}

	if (p->retry_ms > 0 && !p->is_waiting && now_us >= p->retry_us) {
		const int err = pending_send(p, p->data, p->len);

		if (err == EAGAIN && p->dealer)
			wait_append(p->dealer, p);
		else if (err)
			metric_inc(M_BUS_QUEUE_FULL);
		else
			metric_inc(M_BUS_RETRY);
	}

	timer_set(p);
}


uint32_t dealer_flush(struct dealer *dealer, uint32_t budget)
{
	while (budget > 0 && dealer->first) {
		struct pending *p = dealer->first;

		if (pending_send(p, p->data, p->len))
			break;

		budget--;
		wait_remove(dealer, p);
		if (p->h)
			timer_set(p);
		else
			pending_end(p);
	}

	return budget;
}


/* The first attempt.
 * @return 0 if it is under way or waits, otherwise errorcode */
static int pending_begin(struct pending *p, const uint8_t *data, size_t len)
{
	bool waits = false;
	int err;

	err = pending_send(p, data, len);
	if (err == EAGAIN) {
		waits = p->dealer && p->dealer->waitingc < BUS_QUEUE_MAX;
		err = waits ? 0 : ENOBUFS;
	}
	if (err) {
		metric_inc(M_BUS_QUEUE_FULL);
		return err;
	}

	if (!waits && !p->h) {
		pending_end(p);
		return 0;
	}

	if (waits || p->retry_ms > 0)
		err = pending_keep(p->bus->pendings, p, data, len);

	/* Under way, but it cannot be repeated: better than not at all. */
	if (err && !waits) {
		p->retry_ms = 0;
		err = 0;
	}
	if (err)
		return err;

	if (waits)
		wait_append(p->dealer, p);
	timer_set(p);

	return 0;
}


static void header_of(const struct bus *bus, Tandem__Header *hdr,
		      uint64_t call)
{
	tandem__header__init(hdr);
	hdr->call = call;
	hdr->peer = bus->self.peer;
	hdr->worker = bus->self.worker;
	hdr->epoch = bus->epoch;
}


int bus_send(struct bus *bus, const struct bus_request *req,
	     Tandem__Envelope *env, uint64_t *idp)
{
	struct pending *p;
	Tandem__Header hdr;
	const uint8_t *data;
	uint64_t id;
	size_t len;
	int err;

	if (!bus || !req || !env || req->deadline_ms == 0)
		return EINVAL;
	if (bus->is_closing)
		return ECANCELED;

	err = pendings_take(bus->pendings, &p);
	if (err) {
		metric_inc(M_BUS_QUEUE_FULL);
		return err;
	}

	id = p->id;
	p->bus = bus;
	p->dealer = bus_dealer(bus, req->to);
	p->to = req->to;
	p->deadline_us = ev_now_us(bus->ev) + (int64_t)req->deadline_ms * 1000;
	p->retry_ms = req->h ? req->retry_ms : 0;
	p->h = req->h;
	p->arg = req->arg;
	if (p->dealer)
		p->dealer->pendingc++;

	/* A notice has no id: it is not answered, and not repeated. */
	header_of(bus, &hdr, req->call);
	hdr.id = req->h ? id : 0;
	hdr.deadline_us = p->deadline_us;

	err = bus_encode(bus, env, &hdr, &data, &len);
	if (!err)
		err = pending_begin(p, data, len);
	if (err) {
		pending_end(p);
		return err;
	}

	if (idp)
		*idp = req->h ? id : 0;

	return 0;
}


void bus_cancel(struct bus *bus, uint64_t id)
{
	struct pending *p = pendings_find(bus->pendings, id);

	if (p)
		pending_end(p);
}


bool bus_answered(struct bus *bus, struct peer_id sender,
		  const Tandem__Envelope *env)
{
	struct pending *p = pendings_find(bus->pendings, env->hdr->reply_to);

	/* A third party must not answer for the one that was asked. */
	if (!p || !p->h || !peer_id_equal(p->to, sender))
		return false;

	pending_finish(p, 0, env);

	return true;
}


int bus_answer(struct bus *bus, struct peer_id to, const uint8_t *data,
	       size_t len)
{
	const int err = port_send(&bus->router, to, data, len);

	/* The asker will repeat its request, and find the answer kept. */
	if (err) {
		metric_inc(M_BUS_QUEUE_FULL);
		return err == EAGAIN ? ENOBUFS : err;
	}

	return 0;
}


int bus_reply(struct bus *bus, const Tandem__Header *hdr,
	      Tandem__Envelope *env)
{
	const struct peer_id to = { (uint16_t)hdr->peer,
				    (uint16_t)hdr->worker };
	Tandem__Header own;
	const uint8_t *data;
	size_t len;
	int err;

	if (hdr->id == 0)
		return EINVAL;

	header_of(bus, &own, hdr->call);
	own.reply_to = hdr->id;

	err = bus_encode(bus, env, &own, &data, &len);
	if (err)
		return err;

	if (replay_answer(bus->replay, hdr, data, len) == EALREADY)
		return EALREADY;

	return bus_answer(bus, to, data, len);
}


void bus_refuse(struct bus *bus, struct peer_id to, const Tandem__Header *hdr,
		Tandem__RefusedWhy why)
{
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;
	Tandem__Refused refused = TANDEM__REFUSED__INIT;
	Tandem__Header own;
	const uint8_t *data;
	size_t len;

	refused.why = why;
	env.body_case = BUS_BODY(REFUSED);
	env.refused = &refused;

	header_of(bus, &own, hdr->call);
	own.reply_to = hdr->id;

	if (bus_encode(bus, &env, &own, &data, &len) == 0)
		(void)bus_answer(bus, to, data, len);
}


/* A handler may begin new requests meanwhile: none on this link, which is not
 * the bus's any more, and none at all when it is being freed. */
void bus_give_up(struct bus *bus, const struct dealer *dealer, int err)
{
	struct pending *p;
	uint32_t i = 0;

	while ((p = pendings_next(bus->pendings, &i))) {
		if (!dealer || p->dealer == dealer)
			pending_finish(p, err, NULL);
	}
}
