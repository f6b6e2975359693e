/**
 * @file test/unit/sipd/call_rig.c  The calls of sipd alone, on a frozen clock
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/control.pb-c.h"
#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/shm/life.h"
#include "shared/svc/svc.h"
#include "sipd/blob.h"
#include "sipd/errand.h"
#include "sipd/farewell.h"
#include "sipd/guard.h"
#include "sipd/health.h"
#include "sipd/intake.h"
#include "sipd/lines.h"
#include "sipd/stats.h"
#include "sipd/stats_feed.h"
#include "test/unit/sipd/call_rig.h"

enum {
	BEGIN_US = 1000000,
	BEGIN_WALL_S = 1770000000,
	SOON_MS = 1,
};

/* What the fakes are given for their own types */
struct svc {
	struct call_rig *rig;
};
struct bus {
	struct call_rig *rig;
};
struct wire {
	struct call_rig *rig;
};
struct resolver {
	struct call_rig *rig;
};

/** One of each, and sipd */
struct all {
	struct sipd sipd;
	struct svc svc;
	struct bus bus;
	struct wire wire;
	struct resolver resolver;
};

static struct all *all_of(struct sipd *sipd)
{
	return CONTAINER_OF(sipd, struct all, sipd);
}


/* --- svc ------------------------------------------------------------------ */

struct ev *svc_ev(const struct svc *svc)
{
	return svc->rig->ev;
}


struct bus *svc_bus(const struct svc *svc)
{
	return &all_of(svc->rig->sipd)->bus;
}


const struct log *svc_log(const struct svc *svc)
{
	(void)svc;

	return NULL;
}


const Tandem__Node *svc_node(const struct svc *svc)
{
	static Tandem__Node node = { .workers = 1 };

	(void)svc;

	return &node;
}


struct peer_id svc_self(const struct svc *svc)
{
	(void)svc;

	return (struct peer_id){ .peer = PEER_SIPD };
}


const struct segment *svc_segment(const struct svc *svc, const char *name)
{
	return strcmp(name, "errands") == 0 ? &svc->rig->errands
					    : &svc->rig->calls;
}


bool svc_predecessor_crashed(const struct svc *svc)
{
	return svc->rig->has_crashed;
}


struct catalog_reader *svc_catalog(const struct svc *svc)
{
	return svc->rig->reader;
}


struct life *svc_life(const struct svc *svc)
{
	static struct life life;

	(void)svc;

	return &life;
}


void svc_adopted(struct svc *svc, uint32_t adopted, uint32_t quarantined)
{
	(void)svc;
	(void)adopted;
	(void)quarantined;
}


int sipd_password(const struct sipd *sipd, const struct catalog *c,
		  struct cat_span sealed, char *dst, size_t size)
{
	(void)sipd;
	(void)c;
	(void)sealed;
	(void)dst;
	(void)size;

	return ENOENT;
}


/* --- bus ------------------------------------------------------------------ */

static enum call_rig_word word_of(const struct call_rig *rig, int body)
{
	return body == BUS_BODY(AUTHORISE) ? rig->credit
	       : body == BUS_BODY(ENDED)   ? rig->record
					   : rig->media;
}


/* Ports 10000 and 10002 for A, 20000 and 20002 for B; what was counted */
static void answer_media(const struct call_ask *ask, enum call_rig_word word)
{
	static uint32_t ports[2][2] = { { 10000, 10002 }, { 20000, 20002 } };
	static char address[] = "192.0.2.200";
	Tandem__Envelope env;
	Tandem__MediaReserved reserved;
	Tandem__MediaRefused refused;
	Tandem__Pointed pointed;
	Tandem__Released released;
	Tandem__MediaSide sides[2];

	tandem__envelope__init(&env);
	tandem__media_reserved__init(&reserved);
	tandem__media_refused__init(&refused);
	tandem__pointed__init(&pointed);
	tandem__released__init(&released);
	tandem__media_side__init(&sides[0]);
	tandem__media_side__init(&sides[1]);
	if (ask->body == BUS_BODY(POINT)) {
		env.body_case = BUS_BODY(POINTED);
		env.pointed = &pointed;
	}
	else if (ask->body == BUS_BODY(RELEASE)) {
		env.body_case = BUS_BODY(RELEASED);
		env.released = &released;
		sides[0].packets = 100;
		sides[1].packets = 200;
		sides[0].age_us = sides[1].age_us = -1;
		released.is_unknown = word == CALL_RIG_UNKNOWN;
		released.a = &sides[0];
		released.b = &sides[1];
	}
	else if (word == CALL_RIG_NO) {
		env.body_case = BUS_BODY(MEDIA_REFUSED);
		env.media_refused = &refused;
		refused.why = TANDEM__MEDIA_WHY__MEDIA_WHY_PORTS;
	}
	else {
		env.body_case = BUS_BODY(MEDIA_RESERVED);
		env.media_reserved = &reserved;
		reserved.bypass = word == CALL_RIG_YES;
		reserved.address = reserved.address_a = address;
		reserved.ports_a = ports[0];
		reserved.ports = ports[1];
		if (!reserved.bypass) {
			reserved.n_ports = ask->lines;
			reserved.n_ports_a = ask->wants_a ? ask->lines : 0;
		}
	}
	ask->h(0, &env, ask->arg);
}


static void answer(struct call_ask *ask, enum call_rig_word word)
{
	Tandem__Envelope env;
	Tandem__CreditGranted granted;
	Tandem__CreditRefused refused;
	Tandem__RecordStored stored;
	const struct call_ask a = *ask;

	tandem__envelope__init(&env);
	tandem__credit_granted__init(&granted);
	tandem__credit_refused__init(&refused);
	tandem__record_stored__init(&stored);
	ask->id = 0;
	if (a.body == BUS_BODY(AUTHORISE) && word == CALL_RIG_YES) {
		env.body_case = BUS_BODY(CREDIT_GRANTED);
		env.credit_granted = &granted;
	}
	else if (a.body == BUS_BODY(AUTHORISE)) {
		env.body_case = BUS_BODY(CREDIT_REFUSED);
		env.credit_refused = &refused;
		refused.why = TANDEM__CREDIT_WHY__CREDIT_WHY_BALANCE;
	}
	else if (a.body == BUS_BODY(ENDED)) {
		env.body_case = BUS_BODY(RECORD_STORED);
		env.record_stored = &stored;
		a.rig->records++;
	}
	else {
		answer_media(&a, word);
		return;
	}
	a.h(0, &env, a.arg);
}


static void on_answer(void *arg)
{
	struct call_ask *ask = arg;

	answer(ask, word_of(ask->rig, ask->body));
}


static void on_timeout(void *arg)
{
	struct call_ask *ask = arg;
	bus_reply_h *h = ask->h;

	ask->id = 0;
	h(ETIMEDOUT, NULL, ask->arg);
}


/* The last one of each side */
static void look_point(struct call_rig *rig, const Tandem__Point *point)
{
	struct call_point *p = &rig->points[point->side ? 1 : 0];

	p->count++;
	p->side = point->side;
	(void)text_copy(p->remote, sizeof(p->remote),
			text_of(point->n_remote ? point->remote[0] : ""));
	p->sdp = point->sdp;
	p->event = point->event_payload;
	p->dtmf_mode = point->dtmf_mode;
	p->nomedia_s = point->nomedia_s;
	p->is_answered = point->is_answered;
	p->is_nat = point->is_nat;
	p->ring_back = point->ring_back;
	p->is_t38 = point->n_udptl && point->udptl[0];
	p->payload = point->n_payloads ? point->payloads[0] : 0;
}


static void look(struct call_rig *rig, const Tandem__Envelope *env)
{
	if (env->body_case == BUS_BODY(ANSWERED))
		rig->answereds++;
	if (env->body_case == BUS_BODY(POINT))
		look_point(rig, env->point);
	if (env->body_case == BUS_BODY(RELEASE))
		rig->releases++;
	if (env->body_case == BUS_BODY(SEND_DIGIT))
		rig->digit = env->send_digit->digit[0];
	if (env->body_case != BUS_BODY(ENDED))
		return;
	rig->end_media = env->ended->record->media;
	rig->end_packets = env->ended->record->media_b
				   ? env->ended->record->media_b->packets
				   : 0;
	rig->end_tail_us = env->ended->record->silent_tail_us;
	rig->end_reason = env->ended->record->end_reason;
	rig->end_code = env->ended->record->sip_code;
}


int bus_send(struct bus *bus, const struct bus_request *request,
	     Tandem__Envelope *env, uint64_t *idp)
{
	struct call_rig *rig = bus->rig;
	struct call_ask *ask = NULL;
	enum call_rig_word word;

	look(rig, env);
	if (env->body_case == BUS_BODY(REGISTERS) && rig->registersh) {
		rig->registersh(rig, request, env);
		return 0;
	}
	if (!request->h)
		return 0;
	for (size_t i = 0; i < COUNT_OF(rig->asks) && !ask; i++)
		if (!rig->asks[i].id)
			ask = &rig->asks[i];
	if (!ask)
		return ENOBUFS;

	word = word_of(rig, (int)env->body_case);
	*ask = (struct call_ask){ .rig = rig,
				  .id = ++rig->ask_next,
				  .body = (int)env->body_case,
				  .h = request->h,
				  .arg = request->arg };
	if (env->body_case == BUS_BODY(RESERVE)) {
		ask->lines = env->reserve->lines;
		ask->wants_a = env->reserve->local_a[0] != '\0';
	}
	ev_timer_start(&ask->timer, rig->ev,
		       word == CALL_RIG_SILENCE ? request->deadline_ms
						: SOON_MS,
		       word == CALL_RIG_SILENCE ? on_timeout : on_answer, ask);
	if (idp)
		*idp = ask->id;

	return 0;
}


size_t bus_status(const struct bus *bus, struct bus_peer_status *rows,
		  size_t rowc)
{
	(void)bus;
	rows[0] = (struct bus_peer_status){
		.id = { .peer = PEER_MEDIAD },
		.up = 1,
	};

	return rowc ? 1 : 0;
}


void bus_cancel(struct bus *bus, uint64_t id)
{
	struct call_rig *rig = bus->rig;

	for (size_t i = 0; i < COUNT_OF(rig->asks) && id; i++) {
		if (rig->asks[i].id != id)
			continue;
		ev_timer_stop(&rig->asks[i].timer);
		rig->asks[i].id = 0;
	}
}


/* --- wire ----------------------------------------------------------------- */

const struct wire_listener *wire_listener(const struct wire *wire,
					  uint16_t index)
{
	static const struct wire_listener listener = {
		.name = "udp",
		.host = "192.0.2.100",
		.advertised = { .family = AF_INET, .ip = { 192, 0, 2, 100 } },
		.port = 5060,
		.transport = TRANSPORT_UDP,
	};

	(void)wire;
	(void)index;

	return &listener;
}


size_t wire_listenerc(const struct wire *wire)
{
	(void)wire;

	return 1;
}


int wire_listener_find(const struct wire *wire, uint16_t *indexp,
		       enum transport transport, const char *local_ip,
		       const struct addr *remote)
{
	(void)wire;
	(void)local_ip;
	(void)remote;
	*indexp = 0;

	return transport == TRANSPORT_UDP ? 0 : ENOENT;
}


bool wire_is_own(const struct wire *wire, const struct addr *addr)
{
	return addr_same_ip(addr, &wire_listener(wire, 0)->advertised);
}


int wire_send(struct wire *wire, const struct flow *to, const void *data,
	      size_t len)
{
	struct call_rig *rig = wire->rig;
	struct call_sent *sent;

	if (rig->sentc == CALL_RIG_SENT_MAX) {
		rig->sentc--;
		memmove(&rig->sent[0], &rig->sent[1],
			rig->sentc * sizeof(rig->sent[0]));
	}
	sent = &rig->sent[rig->sentc++];
	sent->at_ms = (uint32_t)((clk_mono_us() - rig->begin_us) / 1000);
	sent->to = *to;
	sent->len = len < CALL_RIG_BYTES_MAX ? len : CALL_RIG_BYTES_MAX - 1;
	memcpy(sent->data, data, sent->len);
	sent->data[sent->len] = '\0';

	return rig->send_err;
}


void wire_server_name(struct wire *wire, const struct addr *remote,
		      struct text name)
{
	(void)wire;
	(void)remote;
	(void)name;
}


void wire_hold(struct wire *wire, const struct flow *flow, bool hold)
{
	(void)wire;
	(void)flow;
	(void)hold;
}


void wire_end(struct wire *wire, const struct flow *flow)
{
	(void)wire;
	(void)flow;
}


struct call_rig *call_rig_of(const struct sipd *sipd)
{
	return sipd->wire->rig;
}


int wire_own_flow(const struct wire *wire, struct flow *flow)
{
	*flow = (struct flow){
		.remote = wire_listener(wire, 0)->advertised,
		.transport = TRANSPORT_UDP,
		.is_loop = 1,
	};
	flow->remote.port = 5060;

	return 0;
}


bool wire_lives(const struct wire *wire, const struct flow *flow)
{
	(void)wire;
	(void)flow;

	return true;
}


void wire_keep(struct wire *wire, const struct flow *flow, bool keep)
{
	(void)wire;
	(void)flow;
	(void)keep;
}


/* --- resolve -------------------------------------------------------------- */

int resolve_known(const struct resolver *resolver, struct text host,
		  uint16_t port, enum transport transport, struct resolved *r)
{
	(void)resolver;
	(void)transport;
	*r = (struct resolved){ 0 };
	if (head_host_addr(&r->addrs[0], host, port ? port : 5060))
		return ENOENT;
	r->addrc = 1;

	return 0;
}


int resolve(struct resolver *resolver, struct text host, uint16_t port,
	    enum transport transport, struct resolved *r, resolve_h *h,
	    void *arg, uint64_t user)
{
	struct call_rig *rig = resolver->rig;

	if (!resolve_known(resolver, host, port, transport, r))
		return 0;
	rig->resolveh = h;
	rig->resolve_arg = arg;
	rig->resolve_user = user;

	return EAGAIN;
}


void call_rig_resolved(struct call_rig *rig, const char *addr)
{
	struct resolved r = { .err = ENOENT };
	resolve_h *h = rig->resolveh;

	if (!h)
		return;
	rig->resolveh = NULL;
	if (addr && !addr_parse(&r.addrs[0], text_of(addr)))
		r = (struct resolved){ .addrc = 1, .addrs = { r.addrs[0] } };
	h(&r, rig->resolve_arg, rig->resolve_user);
}


/* --- life ----------------------------------------------------------------- */

static int segment_private(struct segment *segment, uint32_t slot_size,
			   uint32_t slotc)
{
	const size_t size = sizeof(struct segment_head) +
			    (size_t)slot_size * slotc;

	*segment = (struct segment){ .slot_size = slot_size,
				     .slotc = slotc,
				     .size = size,
				     .writable = true };
	segment->head = aligned_alloc(64, size);
	if (!segment->head)
		return ENOMEM;
	memset(segment->head, 0, size);
	segment->slots = (uint8_t *)segment->head +
			 sizeof(struct segment_head);

	return 0;
}


static int txns_send(const struct flow *to, const void *data, size_t len,
		     void *arg)
{
	const struct sipd *sipd = arg;

	return wire_send(sipd->wire, to, data, len);
}


static int open_sipd(struct call_rig *rig)
{
	struct all *all = calloc(1, sizeof(*all));
	struct sipd *sipd;
	struct txns_args args = {
		.ev = rig->ev,
		.mark = "Td0",
		.sendh = txns_send,
		.requesth = intake_request,
		.ackh = intake_ack,
		.againh = intake_again,
		.strayh = intake_stray,
	};
	int err;

	if (!all)
		return ENOMEM;
	sipd = rig->sipd = args.arg = &all->sipd;
	all->svc.rig = all->bus.rig = all->wire.rig = all->resolver.rig = rig;
	sipd->svc = &all->svc;
	sipd->wire = &all->wire;
	sipd->resolver = &all->resolver;
	sipd->ev = rig->ev;
	memcpy(sipd->mark, args.mark, sizeof(sipd->mark));
	err = guard_alloc(&sipd->guard, NULL);
	if (!err)
		err = blobs_alloc(&sipd->blobs, &rig->texts, 0,
				  CALL_RIG_TEXTS);
	if (!err)
		err = lines_alloc(&sipd->lines, &rig->lines, 0, 1);
	if (!err)
		err = health_alloc(&sipd->health, sipd);
	if (!err)
		err = stats_feed_open(sipd);
	if (!err)
		err = txns_alloc(&sipd->txns, &args);
	if (!err)
		err = calls_alloc(&sipd->calls, sipd);
	if (!err)
		err = errands_alloc(sipd);

	return err;
}


int call_rig_open(struct call_rig *rig, struct catalog_reader *reader)
{
	int err;

	memset(rig, 0, sizeof(*rig));
	clk_freeze(BEGIN_US, (int64_t)BEGIN_WALL_S * 1000000);
	rig->begin_us = BEGIN_US;
	rig->reader = reader;
	err = ev_alloc(&rig->ev);
	if (!err)
		err = segment_private(&rig->calls, CALLS_SLOT_SIZE,
				      CALL_RIG_CALLS);
	if (!err)
		err = segment_private(&rig->texts, BLOB_SLOT_SIZE,
				      CALL_RIG_TEXTS);
	if (!err)
		err = segment_private(&rig->lines, sizeof(struct lines_slot),
				      CALL_RIG_LINES);
	if (!err)
		err = segment_private(&rig->errands, ERRANDS_SLOT_SIZE,
				      CALL_RIG_CALLS);
	if (!err)
		err = open_sipd(rig);
	if (err)
		call_rig_close(rig);

	return err;
}


static void close_sipd(struct call_rig *rig)
{
	struct sipd *sipd = rig->sipd;

	for (size_t i = 0; i < COUNT_OF(rig->asks); i++) {
		ev_timer_stop(&rig->asks[i].timer);
		rig->asks[i].id = 0;
	}
	if (!sipd)
		return;
	farewells_free(sipd);
	sipd->calls = calls_free(sipd->calls);
	errands_free(sipd);
	sipd->txns = txns_free(sipd->txns);
	sipd->health = health_free(sipd->health);
	sipd->stats = stats_free(sipd->stats);
	sipd->lines = lines_free(sipd->lines);
	sipd->blobs = blobs_free(sipd->blobs);
	sipd->guard = guard_free(sipd->guard);
	free(all_of(sipd));
	rig->sipd = NULL;
}


int call_rig_replace(struct call_rig *rig)
{
	int err;

	close_sipd(rig);
	err = open_sipd(rig);
	if (!err) {
		errands_adopt(rig->sipd);
		calls_adopt(rig->sipd->calls);
	}

	return err;
}


void call_rig_close(struct call_rig *rig)
{
	close_sipd(rig);
	free(rig->calls.head);
	free(rig->texts.head);
	free(rig->lines.head);
	free(rig->errands.head);
	rig->calls.head = rig->texts.head = rig->lines.head = NULL;
	rig->errands.head = NULL;
	rig->ev = ev_free(rig->ev);
	clk_thaw();
}


/* --- what happens --------------------------------------------------------- */

static struct flow flow_of(const char *text)
{
	struct flow flow = { .transport = TRANSPORT_UDP };

	if (addr_parse(&flow.remote, text_of(text)))
		abort();

	return flow;
}


void call_rig_bytes(struct call_rig *rig, const char *from, const char *data,
		    size_t len)
{
	static char copy[65536];
	const struct flow flow = flow_of(from);

	if (len > sizeof(copy))
		abort();
	memcpy(copy, data, len);
	intake_bytes(&flow, copy, len, 0, rig->sipd);
}


void call_rig_receive(struct call_rig *rig, const char *from, const char *fmt,
		      ...)
{
	static char text[CALL_RIG_BYTES_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	/* The checker does not see va_start() in every caller. NOLINTNEXTLINE */
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		abort();
	call_rig_bytes(rig, from, text, (size_t)n);
}


void call_rig_fail(struct call_rig *rig, const char *to, int err)
{
	const struct flow flow = flow_of(to);

	txn_fail(rig->sipd->txns, &flow, err);
}


void call_rig_run(struct call_rig *rig, uint32_t ms, uint32_t step_ms)
{
	(void)ev_turn(rig->ev);
	for (uint32_t i = 0; i < ms; i += step_ms) {
		clk_turn((int64_t)step_ms * 1000);
		(void)ev_turn(rig->ev);
	}
}


const char *call_rig_left(const struct call_rig *rig)
{
	const struct sipd *sipd = rig->sipd;
	static const enum lines_kind kinds[] = {
		LINES_ALL,   LINES_MAPPING, LINES_ROUTING,
		LINES_GROUP, LINES_ACCOUNT, LINES_PHONE,
	};

	if (calls_count(sipd))
		return "a call";
	for (size_t k = 0; k < COUNT_OF(kinds); k++)
		for (uint32_t id = 1; id < CALL_RIG_LINES; id++)
			if (lines_used(sipd->lines, kinds[k], id))
				return "a line";
	if (sipd->farewells)
		return "a farewell";
	if (txn_count(sipd->txns))
		return "a transaction";
	if (blobs_used(sipd->blobs))
		return "a text";
	if (ev_turn(rig->ev))
		return "a timer";

	return NULL;
}
