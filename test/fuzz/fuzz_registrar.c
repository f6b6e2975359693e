/**
 * @file test/fuzz/fuzz_registrar.c  Any REGISTERs, one after another
 *
 * Bytes are requests of one terminal with changing parameters. Whatever they
 * are: a plan refers to what there is, never leaves more bindings than are
 * allowed, grants what the parameters say, and the same request again has
 * nothing left to do.
 */
#include <stdlib.h>
#include <string.h>

#include "regd/registrar.h"
#include "shared/base/util.h"

static const struct text uris[] = {
	{ "sip:a", 5 }, { "sip:b", 5 }, { "sip:c", 5 },
	{ "sip:d", 5 }, { "sip:e", 5 }, { "sip:f", 5 },
};

struct world {
	struct registrar_held held[REGISTRAR_HELD_MAX];
	size_t heldc;
	uint64_t requests;
};


static void check(bool holds)
{
	if (!holds)
		abort();
}


static void remove_at(struct world *w, size_t i)
{
	memmove(&w->held[i], &w->held[i + 1],
		(w->heldc - i - 1) * sizeof(w->held[0]));
	w->heldc--;
}


static struct registrar_held held_of(const struct registrar_request *r,
				     size_t contact)
{
	return (struct registrar_held){
		.uri = r->contacts[contact].uri,
		.call_id = r->call_id,
		.request = r->request,
		.cseq = r->cseq,
		.source = r->source,
		.transport = r->transport,
	};
}


/* As regd does it; removals from behind, so that positions stay. */
static void carry_out(struct world *w, const struct registrar_plan *plan,
		      const struct registrar_params *p,
		      const struct registrar_request *r)
{
	bool is_gone[REGISTRAR_HELD_MAX] = { false };
	const size_t before = w->heldc;
	struct registrar_held added[REGISTRAR_HELD_MAX];
	size_t addedc = 0;

	for (size_t i = 0; i < plan->stepc; i++) {
		const struct registrar_step *s = &plan->steps[i];

		if (s->what == REGISTRAR_ADD || s->what == REGISTRAR_REFRESH) {
			check(s->contact < r->contactc);
			check(s->granted_s ==
			      registrar_granted(p,
						r->contacts[s->contact].expires,
						r->expires, r->is_nat));
			check(s->granted_s > 0);
		}
		if (s->what == REGISTRAR_ADD) {
			added[addedc++] = held_of(r, s->contact);
			continue;
		}
		check(s->held < before && !is_gone[s->held]);
		if (s->what == REGISTRAR_REFRESH)
			w->held[s->held] = held_of(r, s->contact);
		else
			is_gone[s->held] = true;
	}
	for (size_t i = before; i-- > 0;)
		if (is_gone[i])
			remove_at(w, i);
	check(addedc == 0 || w->heldc + addedc <= p->max_contacts);
	for (size_t i = 0; i < addedc; i++)
		w->held[w->heldc++] = added[i];
}


static void ask(struct world *w, const uint8_t b[8])
{
	struct registrar_contact contacts[REGISTRAR_HELD_MAX];
	const struct registrar_params p = {
		.min_s = 300,
		.max_s = 3600,
		.nat_s = 120,
		.max_contacts = 1 + b[0] % 10,
		.replace = b[0] & 0x80,
	};
	struct registrar_request r = {
		.contacts = contacts,
		.contactc = b[1] % 4,
		.is_star = b[1] >= 240,
		.expires = b[2] < 128 ? REGISTRAR_UNSAID : b[2] % 4 * 400u,
		.call_id = b[3] % 4,
		.cseq = b[4] % 32,
		.request = ++w->requests,
		.transport = 1 + b[5] % 3,
		.is_nat = b[5] & 0x80,
	};
	struct registrar_plan plan;

	r.source.family = 2;
	r.source.port = b[6] % 4;
	for (size_t i = 0; i < r.contactc; i++)
		contacts[i] = (struct registrar_contact){
			uris[(b[7] + i * (1 + b[7] / 64)) % COUNT_OF(uris)],
			(b[6] >> i & 8) ? REGISTRAR_UNSAID
					: (b[7] >> i & 1) * 500u,
		};

	registrar_plan(&plan, &p, &r, w->held, w->heldc);
	check(plan.code == 200 || plan.stepc == 0);
	if (plan.code != 200)
		return;
	carry_out(w, &plan, &p, &r);

	registrar_plan(&plan, &p, &r, w->held, w->heldc);
	check(plan.code == 200);
	for (size_t i = 0; i < plan.stepc; i++)
		check(plan.steps[i].what != REGISTRAR_ADD ||
		      w->heldc >= p.max_contacts);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .heldc = 0 };

	for (; size >= 8; data += 8, size -= 8)
		ask(&w, data);

	return 0;
}
