/**
 * @file sipd/numbers.c  The numbers of a call
 *
 * call-setup 2: where they are taken from, and what dial plans make of them.
 */
#include <errno.h>
#include <string.h>

#include "sipd/identify.h"

/* Words of the fields callee_source and caller_source, in their order */
enum {
	CALLEE_TO,
	CALLEE_REQUEST_LINE
};
enum {
	CALLER_FROM,
	CALLER_RPID,
	CALLER_DISPLAY,
	CALLER_PAI,
	CALLER_SOURCEC
};

static const struct text nothing = { .p = "", .l = 0 };


static struct text from_uri(const struct message *m)
{
	return m->from.uri.user;
}


static struct text from_display(const struct message *m)
{
	return m->from.display;
}


static struct text from_rpid(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct text value, party;
	struct head_addr a;

	while (message_next(m, HEAD_REMOTE_PARTY_ID, &cursor, &value)) {
		if (head_addr_parse(&a, value))
			continue;
		if (!head_param(a.params, "party", &party) ||
		    text_is_nocase(party, "calling"))
			return a.uri.user;
	}

	return nothing;
}


static struct text from_pai(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct text value, tel = nothing;
	struct head_addr a;

	while (message_next(m, HEAD_P_ASSERTED_IDENTITY, &cursor, &value)) {
		if (head_addr_parse(&a, value) || a.uri.user.l == 0)
			continue;
		if (a.uri.scheme != SCHEME_TEL)
			return a.uri.user;
		if (tel.l == 0)
			tel = a.uri.user;
	}

	return tel;
}


/* A header that is not there, or has nothing in it, leaves From */
static struct text take_caller(const struct message *m, int32_t source)
{
	static struct text (*const sources[CALLER_SOURCEC])(
		const struct message *m) = {
		[CALLER_FROM] = from_uri,
		[CALLER_RPID] = from_rpid,
		[CALLER_DISPLAY] = from_display,
		[CALLER_PAI] = from_pai,
	};
	struct text user = nothing;

	if (source >= 0 && source < CALLER_SOURCEC)
		user = sources[source](m);

	return user.l > 0 ? user : from_uri(m);
}


static struct text take_callee(const struct message *m, int32_t source)
{
	struct head_uri uri;

	if (source != CALLEE_REQUEST_LINE)
		return m->to.uri.user;

	return head_uri_parse(&uri, m->uri) ? nothing : uri.user;
}


/* Digits and so on, behind one plus at most: what may be sent or routed */
static bool is_number(const struct number *number)
{
	struct text t = { number->text, number->len };

	if (t.l > 0 && t.p[0] == '+') {
		t.p++;
		t.l--;
	}

	return number_is_valid(t);
}


void numbers_rewrite(struct number *out, const struct catalog *c,
		     enum record_kind kind, struct cat_span plan,
		     const struct number *in)
{
	struct number_plan p = { 0 };
	struct number number = { 0 };

	p.heap = catalog_heap(c, kind, &p.heap_size);
	p.rows = catalog_span(c, kind, plan, sizeof(*p.rows), &p.rowc);
	if (number_rewrite(number.text, sizeof(number.text), &p,
			   (struct text){ in->text, in->len })) {
		*out = *in;
		out->is_valid = false;
		return;
	}

	number.len = (uint8_t)strlen(number.text);
	number.is_valid = is_number(&number);
	*out = number;
}


int numbers_of(struct numbers *n, const struct catalog *c,
	       enum record_kind kind, uint32_t id, struct text called,
	       struct text caller)
{
	const struct cat_mapping *gw = NULL;

	number_clean(&n->called_original, called);
	number_clean(&n->caller_original, caller);
	n->called = n->called_original;
	n->caller = n->caller_original;

	if (kind == RECORD_MAPPING)
		gw = catalog_by_id(c, RECORD_MAPPING, id);
	if (gw) {
		numbers_rewrite(&n->called, c, kind, gw->gw.callee_rules,
				&n->called_original);
		numbers_rewrite(&n->caller, c, kind, gw->gw.caller_rules,
				&n->caller_original);
	}
	/* What is refused in the request no dial plan makes good. */
	if (!n->called_original.is_valid)
		n->called.is_valid = false;

	return n->called.is_valid ? 0 : EBADMSG;
}


int numbers_take(struct numbers *n, const struct catalog *c,
		 const struct message *m, enum record_kind kind, uint32_t id)
{
	int32_t callee_source = CALLEE_TO, caller_source = CALLER_FROM;
	struct text caller;

	n->display = from_display(m);
	if (kind == RECORD_MAPPING && id) {
		const struct cat_mapping *gw = catalog_by_id(c, kind, id);

		callee_source = gw ? gw->callee_source : callee_source;
		caller_source = gw ? gw->caller_source : caller_source;
	}
	caller = take_caller(m, caller_source);

	if (kind == RECORD_PHONE && id) {
		const struct cat_phone *phone = catalog_by_id(c, kind, id);

		callee_source = CALLEE_REQUEST_LINE;
		if (phone)
			caller = text_of(
				catalog_str(c, kind, phone->row.name));
	}

	return numbers_of(n, c, kind, id, take_callee(m, callee_source),
			  caller);
}
