/**
 * @file sipd/fork.c  A call that rings several devices together
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/call.h"
#include "sipd/fork.h"
#include "sipd/leg.h"
#include "sipd/setup_keep.h"

enum {
	CODE_BUSY = 486,
	CODE_BUSY_EVERYWHERE = 600,
};


const char forks_elsewhere[] =
	"SIP;cause=200;text=\"Call completed elsewhere\"";


/* The tag begins with our mark, and is random. */
void fork_branch(char branch[TXN_BRANCH_SIZE], const struct leg *leg,
		 struct text contact)
{
	(void)text_print(branch, TXN_BRANCH_SIZE, "z9hG4bK%s%02x%06x",
			 leg->tag, leg->i->invite_cseq & 0xff,
			 (unsigned)(text_mark(contact) & 0xffffff));
}


int forks_alloc(struct call *call, const struct device *devices, size_t count)
{
	struct forks *forks = calloc(1, sizeof(*forks) +
						count * sizeof(*forks->rows));

	if (!forks)
		return ENOMEM;
	forks->count = count;
	forks->current = SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		struct fork *f = &forks->rows[i];

		f->flow = devices[i].flow;
		(void)text_copy(f->uri, sizeof(f->uri),
				devices[i].binding.contact);
		(void)text_copy(f->path, sizeof(f->path),
				devices[i].binding.path);
	}
	call->setup->forks = forks_free(call->setup->forks);
	call->setup->forks = forks;

	return 0;
}


struct forks *forks_free(struct forks *forks)
{
	free(forks);

	return NULL;
}


/* Its Contact stays until it says another one itself. */
int fork_aim(struct call *call, size_t index)
{
	struct forks *forks = call->setup->forks;
	const struct fork *f = &forks->rows[index];
	struct text texts[LEG_TEXTC] = { { NULL, 0 } };
	char contact[512];
	struct compose c;
	int err;

	if (forks->current == index)
		return 0;
	compose_init(&c, contact, sizeof(contact));
	leg_contact(&c, call->sipd, &f->flow,
		    call_fact(call, FACT_CALLER_SENT));
	texts[LEG_TARGET] = text_of(f->uri);
	texts[LEG_ROUTES] = text_of(f->path);
	texts[LEG_CONTACT] = compose_result(&c);
	err = c.is_full ? EMSGSIZE : leg_texts_set(&call->b, texts);
	if (err)
		return err;
	call->b.i->flow = f->flow;
	call->setup->to = f->flow;
	forks->current = index;

	return 0;
}


static struct fork *fork_of(const struct forks *forks, txn_id txn)
{
	for (size_t i = 0; i < forks->count; i++)
		if (txn && forks->rows[i].invite == txn)
			return (struct fork *)unconst(&forks->rows[i]);

	return NULL;
}


bool forks_own(struct call *call, txn_id txn)
{
	struct forks *forks = call->setup ? call->setup->forks : NULL;
	const struct fork *f = forks ? fork_of(forks, txn) : NULL;

	if (!f)
		return call->b.invite == txn;
	if (call->b.invite == txn)
		return true;
	if (fork_aim(call, (size_t)(f - forks->rows)))
		return true; /* for want of space: as the leg was */
	call->b.invite = txn;

	return true;
}


bool forks_are_many(const struct call *call)
{
	return call->setup && call->setup->forks &&
	       call->setup->forks->count > 1;
}


/* call-setup 4.1: busy is what counts, else the last one */
bool forks_go_on(struct call *call, txn_id txn, enum attempt_end *endp,
		 unsigned *codep)
{
	struct forks *forks = call->setup ? call->setup->forks : NULL;
	struct fork *f = forks ? fork_of(forks, txn) : NULL;

	if (!f)
		return false;
	f->invite = 0;
	f->mark = FORK_OVER;
	if (*codep == CODE_BUSY || *codep == CODE_BUSY_EVERYWHERE)
		forks->was_busy = true;
	for (size_t i = 0; i < forks->count; i++)
		if (forks->rows[i].mark != FORK_OVER) {
			call->b.invite = forks->rows[i].invite;
			return true;
		}
	if (forks->was_busy && forks->count > 1) {
		*endp = ATTEMPT_FINAL;
		*codep = CODE_BUSY;
	}

	return false;
}


void forks_cancel(struct call *call, const char *reason)
{
	struct forks *forks = call->setup ? call->setup->forks : NULL;
	char heads[96];
	struct compose c;

	if (!forks)
		return;
	compose_init(&c, heads, sizeof(heads));
	compose_head(&c, "Reason", text_of(reason));
	for (size_t i = 0; i < forks->count; i++) {
		struct fork *f = &forks->rows[i];
		struct errand_invite e = { .txn = 0 };

		if (f->invite && f->invite != call->b.invite) {
			setup_copy_of(call, f->invite, &e);
			e.heads = compose_result(&c);
			errand_cancel(call, &e);
		}
		f->invite = 0;
		f->mark = FORK_OVER;
	}
}


/* --- after a restart ------------------------------------------------------ */

/* To as it was in the INVITE: the tag came later. */
static struct text to_of(const struct leg *leg)
{
	struct text to = leg_text(leg, LEG_REMOTE);
	const char *end = to.l ? memchr(to.p, '>', to.l) : NULL;

	if (end)
		to.l = (size_t)(end - to.p) + 1;

	return to;
}


static void recover(struct call *call, const struct device *device)
{
	const struct leg *leg = &call->b;
	struct sipd *sipd = call->sipd;
	char branch[TXN_BRANCH_SIZE];
	struct compose c;
	struct txn_send send = {
		.method = METHOD_CANCEL,
		.branch = branch,
		.to = device->flow,
		.resend = &call->i.params.resend,
		.h = txn_nobody,
		.arg = sipd,
	};
	txn_id txn;

	fork_branch(branch, leg, device->binding.contact);
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	compose_put(&c, "CANCEL ");
	compose_text(&c, device->binding.contact);
	compose_put(&c, " SIP/2.0\r\n");
	leg_via(&c, sipd, &device->flow, branch);
	compose_head(&c, "Route", device->binding.path);
	compose_put(&c, "Max-Forwards: 70\r\nFrom: ");
	compose_text(&c, leg_text(leg, LEG_LOCAL));
	compose_put(&c, ";tag=");
	compose_put(&c, leg->tag);
	compose_put(&c, "\r\n");
	compose_head(&c, "To", to_of(leg));
	compose_head(&c, "Call-ID", leg_text(leg, LEG_CALL_ID));
	compose_put(&c, "CSeq: ");
	compose_number(&c, leg->i->invite_cseq);
	compose_put(&c, " CANCEL\r\nContent-Length: 0\r\n\r\n");
	send.request = compose_result(&c);
	if (!c.is_full)
		(void)txn_send(sipd->txns, &send, &txn);
}


void forks_recover(struct call *call)
{
	struct device devices[BINDINGS_PER_TERMINAL];
	const size_t n = bindings_devices(call->sipd, RECORD_PHONE,
					  call->i.phone_b, devices,
					  COUNT_OF(devices));

	for (size_t i = 0; i < n; i++)
		recover(call, &devices[i]);
}
