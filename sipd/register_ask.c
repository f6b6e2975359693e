/**
 * @file sipd/register_ask.c  What regd is asked about REGISTERs
 *
 * All of a turn with one message, as long as regd keeps up: when some
 * messages wait for it, the next one is sent when one of them was answered, or
 * when it is full. A 200 leaves when the binding stands in shared memory, and
 * says what is read there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ipc/bus.h"
#include "shared/svc/svc.h"
#include "sipd/compose.h"
#include "sipd/register_int.h"
#include "sipd/sipd.h"

enum {
	ASK_MS = 5000, /**< The phone repeats it for 32 s */
	ASK_RETRY_MS = 500,
	ASKED_FEW = 2,  /**< Messages that wait, before others wait for them */
	ASKED_MAX = 64, /**< At all */
};
BUILD_ASSERT((int)REGISTER_CONTACTS_MAX <= (int)ASKING_CONTACTS_MAX);
BUILD_ASSERT((int)REGISTER_URI_MAX <= (int)BINDING_CONTACT_MAX);
BUILD_ASSERT((int)REGISTER_PATH_MAX <= (int)BINDING_PATH_MAX);
BUILD_ASSERT(REGISTER_NO_EXPIRES == ASKING_UNSAID);

#define SECOND_US 1000000


/* --- what is answered ----------------------------------------------------- */

static const char *date_now(struct registrar *x)
{
	const time_t now_s = (time_t)(clk_wall_us() / SECOND_US);
	struct tm tm;

	if (x->date_s == now_s || !gmtime_r(&now_s, &tm))
		return x->date;
	/* in the C locale, which is ours: RFC 3261 20.17 */
	if (strftime(x->date, sizeof(x->date), "%a, %d %b %Y %H:%M:%S GMT",
		     &tm) == 0)
		x->date[0] = '\0';
	x->date_s = now_s;

	return x->date;
}


/* Rounded up: what was granted a moment ago is told whole. */
static uint32_t left_s(const struct binding *binding, int64_t now_us)
{
	return (uint32_t)((binding->expires_boot_us - now_us + SECOND_US - 1) /
			  SECOND_US);
}


/* As they are now; path: "" for none. @return how many there are */
static size_t put_bindings(struct compose *c, struct sipd *sipd,
			   struct terminal terminal, const char *path)
{
	struct binding list[BINDINGS_PER_TERMINAL];
	const int64_t now_us = clk_boot_us();
	const size_t n = bindings_of(&sipd->bindings, terminal, now_us, list,
				     BINDINGS_PER_TERMINAL);

	compose_init(c, sipd->scratch, sizeof(sipd->scratch));
	for (size_t i = 0; i < n; i++) {
		compose_put(c, "Contact: <");
		compose_text(c, list[i].contact);
		compose_put(c, ">;expires=");
		compose_number(c, left_s(&list[i], now_us));
		compose_put(c, "\r\n");
	}
	if (path[0])
		compose_head(c, "Path", text_of(path));
	compose_head(c, "Date", text_of(date_now(sipd->registrar)));

	return n;
}


/* A copy of it says whose it is, too, but not by which record. */
static uint64_t pack(struct terminal terminal)
{
	return (uint64_t)terminal.kind << 32 | terminal.id;
}


static struct terminal unpack(uint64_t user)
{
	return (struct terminal){ (enum terminal_kind)(user >> 32),
				  (uint32_t)user };
}


static void reply_bindings(struct registering *r)
{
	struct sipd *sipd = r->sipd;
	struct txn_reply reply = { .code = 200 };
	struct compose c;
	const size_t n = put_bindings(&c, sipd, r->terminal,
				      r->echoes_path ? r->path : "");

	wire_keep(sipd->wire, &r->from, n > 0);
	reply.heads = compose_result(&c);
	if (c.is_full || txn_reply_anew(sipd->txns, r->txn, &reply,
					pack(r->terminal)) == EMSGSIZE)
		(void)txn_reply_code(sipd->txns, r->txn, 500);
}


void register_again(struct sipd *sipd, const struct message *m,
		    const struct flow *from, uint64_t user)
{
	char path[REGISTER_PATH_MAX + 1];
	struct compose c;

	if (register_path(path, sizeof(path), m) ||
	    !message_lists(m, HEAD_SUPPORTED, "path"))
		path[0] = '\0';
	(void)put_bindings(&c, sipd, unpack(user), path);
	if (!c.is_full)
		(void)txn_answer(sipd->txns, m, from, 200, compose_result(&c));
}


static void finish(struct registering *r, unsigned code)
{
	struct sipd *sipd = r->sipd;
	struct authn_answer answer;

	if (code == 200) {
		txn_reply_ahead(sipd->txns, r->txn);
		register_count(sipd, r->user, &r->from, true, &answer);
		reply_bindings(r);
	}
	else if (code == 503) {
		register_later(sipd, r->txn);
	}
	else {
		register_refuse(sipd, r->txn, r->user, &r->from,
				code >= 400 && code < 600 ? code : 500);
	}
	registering_give(r);
}


/* --- batches -------------------------------------------------------------- */

static void batch_send(struct registrar *x);


static void batch_give(struct register_batch *batch)
{
	struct registrar *x = batch->registrar;

	batch->next = x->batch_pool;
	x->batch_pool = batch;
}


/* Each answer says what is bound: of those that come next. */
static void look_ahead(const struct register_batch *batch, size_t from)
{
	struct terminal terminals[BINDINGS_AHEAD_MAX];
	size_t n = 0;

	while (n < BINDINGS_AHEAD_MAX && from + n < batch->count) {
		terminals[n] = batch->of[from + n]->terminal;
		n++;
	}
	bindings_ahead(&batch->registrar->sipd->bindings, terminals, n, NULL);
}


static void batch_end(struct register_batch *batch, const uint32_t *codes,
		      size_t codec)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (i % BINDINGS_AHEAD_MAX == 0)
			look_ahead(batch, i);
		finish(batch->of[i], i < codec ? codes[i] : 503);
	}
	batch_give(batch);
}


static void on_done(int err, const Tandem__Envelope *reply, void *arg)
{
	struct register_batch *batch = arg, **at;
	struct registrar *x = batch->registrar;
	const bool is_done = !err &&
			     reply->body_case == BUS_BODY(REGISTERS_DONE);

	for (at = &x->asked; *at != batch;)
		at = &(*at)->next;
	*at = batch->next;
	x->askedc--;
	batch_end(batch, is_done ? reply->registers_done->code : NULL,
		  is_done ? reply->registers_done->n_code : 0);
	if (x->filling)
		batch_send(x);
}


static void batch_send(struct registrar *x)
{
	struct register_batch *batch = x->filling;
	const struct bus_request request = {
		.to = { .peer = PEER_REGD },
		.deadline_ms = ASK_MS,
		.retry_ms = ASK_RETRY_MS,
		.h = on_done,
		.arg = batch,
	};
	Tandem__Envelope env;
	Tandem__Registers registers;

	tandem__envelope__init(&env);
	tandem__registers__init(&registers);
	env.body_case = BUS_BODY(REGISTERS);
	env.registers = &registers;
	registers.rows.data = x->rows;
	registers.rows.len = x->rowl;
	x->filling = NULL;
	x->rowl = 0;
	if (bus_send(svc_bus(x->sipd->svc), &request, &env, &batch->ask)) {
		batch_end(batch, NULL, 0);
		return;
	}
	batch->next = x->asked;
	x->asked = batch;
	x->askedc++;
}


static void on_late(void *arg)
{
	struct registrar *x = arg;

	if (x->filling && x->askedc < ASKED_FEW)
		batch_send(x);
}


/* One that has room for another row of those that are known to fit; NULL:
 * there are too many, or there is no memory */
static struct register_batch *batch_filling(struct registrar *x)
{
	struct register_batch *batch;

	if (x->filling)
		return x->filling;
	if (x->askedc >= ASKED_MAX)
		return NULL;
	if (!x->rows)
		x->rows = malloc(ASKING_BYTES_MAX);
	batch = x->batch_pool;
	if (batch)
		x->batch_pool = batch->next;
	else
		batch = malloc(sizeof(*batch));
	if (!batch)
		return NULL;
	batch->registrar = x;
	batch->count = 0;
	if (!x->rows) {
		batch_give(batch);
		return NULL;
	}
	x->filling = batch;

	return batch;
}


/* @return 0, ENOBUFS, EMSGSIZE: it does not fit even into an empty one */
static int batch_add(struct registrar *x, struct registering *r,
		     const struct asking *asking)
{
	for (int i = 0; i < 2; i++) {
		struct register_batch *batch = batch_filling(x);
		int err;

		if (!batch)
			return ENOBUFS;
		err = asking_put(x->rows, ASKING_BYTES_MAX, &x->rowl, asking);
		if (!err) {
			batch->of[batch->count++] = r;
			if (batch->count == ASKING_ROWS_MAX)
				batch_send(x);
			else
				ev_late_start(&x->late, x->sipd->ev, on_late,
					      x);
			return 0;
		}
		if (batch->count == 0)
			return err;
		batch_send(x);
	}

	return EMSGSIZE;
}


static struct text cut(struct text t, size_t max)
{
	return (struct text){ t.p, t.l < max ? t.l : max };
}


int register_ask(struct registering *r, const struct message *m,
		 const struct register_ask *ask, bool is_nat)
{
	const struct wire_listener *l = wire_listener(r->sipd->wire,
						      r->from.listener);
	struct asking asking;

	asking.terminal = r->terminal;
	asking.transport = r->from.transport;
	asking.is_star = ask->is_star;
	asking.is_nat = is_nat;
	asking.expires = ask->expires_s;
	asking.cseq = m->cseq;
	asking.listener = listener_mark(&l->bind, r->from.transport);
	asking.call_id = text_mark(m->call_id);
	asking.request = text_mark(m->via.branch);
	asking.connection = register_connection(r->sipd, &r->from);
	asking.source = r->from.remote;
	asking.path = text_of(r->path);
	asking.agent = cut(message_head(m, HEAD_USER_AGENT), ASKING_AGENT_MAX);
	asking.contactc = ask->contactc;
	for (size_t i = 0; i < ask->contactc; i++)
		asking.contacts[i] = (struct asking_contact){
			ask->contacts[i].uri,
			ask->contacts[i].expires_s,
		};

	return batch_add(r->sipd->registrar, r, &asking);
}


void register_ask_end(struct registrar *x)
{
	struct register_batch *batch, *next;

	ev_late_stop(&x->late);
	for (batch = x->asked; batch; batch = batch->next)
		bus_cancel(svc_bus(x->sipd->svc), batch->ask);
	for (batch = x->asked; batch; batch = next) {
		next = batch->next;
		free(batch);
	}
	for (batch = x->batch_pool; batch; batch = next) {
		next = batch->next;
		free(batch);
	}
	free(x->filling);
	free(x->rows);
}
