/**
 * @file sipd/identity.c  Who the callee is told is calling
 *
 * The steps of identity.md 2, in their order. What is decided by a setting is
 * a table with a row per value. Nothing of the caller's message goes on but
 * what a row says.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/identify.h"
#include "sipd/identity.h"

/* Fields pai, ppi, rpid, in the order of their words */
enum assert_mode {
	ASSERT_NONE,
	ASSERT_PASSTHROUGH,
	ASSERT_CALLER
};

/* Parameter SS_SIP_E164_DISPLAY_FROM */
enum display_mode {
	DISPLAY_IGNORE,
	DISPLAY_E164,
	DISPLAY_NUMBER
};

/* Rows of identity.md 3: the words of the field privacy, then those of
 * SS_SIP_USER_AGENT_PRIVACY for a gateway that inherits it */
enum privacy_row {
	PRIVACY_NONE,
	PRIVACY_PASSTHROUGH,
	PRIVACY_ID,
	PRIVACY_INHERIT_IGNORE,
	PRIVACY_INHERIT_ID,
	PRIVACY_INHERIT_NONE,
	PRIVACY_ROWC
};

static const struct {
	const char *header; /* NULL: none */
	bool is_hidden;
	bool is_ingress; /* both are as the caller said */
} privacies[PRIVACY_ROWC] = {
	/* clang-format off */
	[PRIVACY_NONE]           = { NULL,   false, false },
	[PRIVACY_PASSTHROUGH]    = { NULL,   false, true  },
	[PRIVACY_ID]             = { "id",   true,  false },
	[PRIVACY_INHERIT_IGNORE] = { NULL,   false, false },
	[PRIVACY_INHERIT_ID]     = { "id",   true,  false },
	[PRIVACY_INHERIT_NONE]   = { "none", false, false },
	/* clang-format on */
};

/* What the steps share */
struct maker {
	struct identity_out *out;
	const struct catalog *c;
	const struct identity_in *in;
	const struct identity_to *to;
	struct text host; /* of From and of what we assert */
	struct text privacy;
	struct compose buf;
};


/* --- what the caller said ------------------------------------------------- */

/* Does a Privacy value ask to be hidden? */
static bool asks_to_hide(struct text privacy)
{
	static const char *const words[] = { "id", "user", "header" };
	struct text word, list;

	while (privacy.l > 0) {
		(void)text_cut(privacy, ';', &list, &privacy);
		while (list.l > 0) {
			(void)text_cut(list, ',', &word, &list);
			for (size_t i = 0; i < COUNT_OF(words); i++)
				if (text_is_nocase(text_trim(word), words[i]))
					return true;
		}
	}

	return false;
}


/* Of several headers the first that hides: to show somebody by mistake is
 * worse than to drop a word. */
static struct text take_privacy(const struct message *m)
{
	struct text first = message_head(m, HEAD_PRIVACY);

	for (uint8_t i = m->first[HEAD_PRIVACY]; i < m->rowc;
	     i = m->rows[i].next)
		if (asks_to_hide(m->rows[i].value))
			return m->rows[i].value;

	return first;
}


/* The first SIP and the first tel value */
static void take_asserted(struct text *sipp, struct text *telp,
			  const struct message *m, enum head head)
{
	struct message_cursor cursor = { 0 };
	struct text value;
	struct head_addr a;

	while (message_next(m, head, &cursor, &value)) {
		struct text *p = NULL;

		if (head_addr_parse(&a, value) != 0)
			continue;
		if (a.uri.scheme == SCHEME_SIP || a.uri.scheme == SCHEME_SIPS)
			p = sipp;
		if (a.uri.scheme == SCHEME_TEL)
			p = telp;
		if (p && p->l == 0)
			*p = value;
	}
}


/* That of the caller, with or without a word for it; else the first */
static struct text take_rpid(const struct message *m)
{
	struct message_cursor cursor = { 0 };
	struct text value, party, first = { 0 };
	struct head_addr a;

	while (message_next(m, HEAD_REMOTE_PARTY_ID, &cursor, &value)) {
		if (head_addr_parse(&a, value) != 0)
			continue;
		if (!head_param(a.params, "party", &party) ||
		    text_is_nocase(party, "calling"))
			return value;
		if (first.l == 0)
			first = value;
	}

	return first;
}


static bool has_privacy(const struct catalog *c, enum record_kind kind,
			uint32_t id)
{
	const struct cat_mapping *gw = kind == RECORD_MAPPING
					       ? catalog_by_id(c, kind, id)
					       : NULL;

	return !gw || gw->support_privacy;
}


void identity_take(struct identity_in *in, const struct catalog *c,
		   const struct message *m, enum record_kind kind, uint32_t id)
{
	*in = (struct identity_in){ .display = m->from.display };
	if (has_privacy(c, kind, id))
		in->privacy = take_privacy(m);
	if (kind == RECORD_PHONE)
		return;

	take_asserted(&in->pai_sip, &in->pai_tel, m, HEAD_P_ASSERTED_IDENTITY);
	take_asserted(&in->ppi_sip, &in->ppi_tel, m,
		      HEAD_P_PREFERRED_IDENTITY);
	in->rpid = take_rpid(m);
}


/* --- pieces --------------------------------------------------------------- */

static struct text number_text(const struct number *number)
{
	return (struct text){ number->text, number->len };
}


/* What was put since then */
static struct text since(const struct maker *mk, size_t start)
{
	return (struct text){ mk->out->buf + start, mk->buf.len - start };
}


/* IPv6 is written without brackets, or with them, where it comes from. */
static void put_host(struct compose *buf, struct text host)
{
	const bool wants = host.l > 0 && host.p[0] != '[' &&
			   memchr(host.p, ':', host.l) != NULL;

	if (wants)
		compose_put(buf, "[");
	compose_text(buf, host);
	if (wants)
		compose_put(buf, "]");
}


/* <sip:user@host:port>; no user, no '@'; port 0: none */
static void put_uri(struct compose *buf, struct text user, struct text host,
		    uint16_t port)
{
	compose_put(buf, "sip:");
	compose_user(buf, user);
	if (user.l > 0)
		compose_put(buf, "@");
	put_host(buf, host);
	if (port == 0)
		return;
	compose_put(buf, ":");
	compose_number(buf, port);
}


static void put_angled(struct compose *buf, struct text user, struct text host,
		       uint16_t port)
{
	compose_put(buf, "<");
	put_uri(buf, user, host, port);
	compose_put(buf, ">");
}


/* --- steps 1 and 2 -------------------------------------------------------- */

static void make_numbers(struct maker *mk)
{
	const struct cat_routing *gw = mk->to->gateway;
	struct identity_out *out = mk->out;

	out->caller_sent = mk->in->caller;
	out->called_sent = mk->in->called;
	if (!gw)
		return;
	numbers_rewrite(&out->caller_sent, mk->c, RECORD_ROUTING,
			gw->gw.caller_rules, &mk->in->caller);
	numbers_rewrite(&out->called_sent, mk->c, RECORD_ROUTING,
			gw->gw.callee_rules, &mk->in->called);
}


static enum privacy_row privacy_of(const struct maker *mk)
{
	const struct cat_routing *gw = mk->to->gateway;
	int64_t row;

	if (!gw)
		return PRIVACY_PASSTHROUGH;
	row = gw->privacy;
	if (gw->privacy == CAT_INHERIT)
		row = PRIVACY_INHERIT_IGNORE +
		      catalog_int(mk->c, SS_SIP_USER_AGENT_PRIVACY);

	/* a value that is none of ours tells nobody anything */
	return row >= 0 && row < PRIVACY_ROWC ? (enum privacy_row)row
					      : PRIVACY_ID;
}


static void make_privacy(struct maker *mk)
{
	const enum privacy_row row = privacy_of(mk);

	mk->out->is_hidden = privacies[row].is_hidden;
	mk->privacy = text_of(privacies[row].header);
	if (!privacies[row].is_ingress)
		return;
	mk->out->is_hidden = asks_to_hide(mk->in->privacy);
	mk->privacy = mk->in->privacy;
}


/* --- steps 3, 4 and 5: From ----------------------------------------------- */

static void make_host(struct maker *mk)
{
	const char *domain = catalog_text(mk->c, SS_LOCAL_IP_DOMAIN);

	mk->host = mk->to->local_host;
	if (mk->to->gateway && mk->to->gateway->local_domain && domain[0])
		mk->host = text_of(domain);
}


/* The digits of a number, without the plus; empty if it has anything else */
static struct text digits_of(const struct number *number)
{
	static const struct text none = { "", 0 };
	struct text t = number_text(number);

	if (t.l > 0 && t.p[0] == '+') {
		t.p++;
		t.l--;
	}
	for (size_t i = 0; i < t.l; i++)
		if (t.p[i] < '0' || t.p[i] > '9')
			return none;

	return t;
}


/* The inside of a quoted string, escaped already: kept so, and mended where
 * an escape is missing or cut off. */
static void put_display(struct compose *buf, struct text t)
{
	struct text rest;

	if (t.l == 0)
		return;
	compose_put(buf, "\"");
	while (t.l > 0) {
		const size_t n = t.p[0] == '\\' ? 2 : 1;

		if (t.l < n)
			break;
		if (t.p[0] == '"')
			compose_put(buf, "\\");
		rest = (struct text){ t.p, n };
		compose_text(buf, rest);
		t.p += n;
		t.l -= n;
	}
	compose_put(buf, "\" ");
}


static void put_shown_display(struct maker *mk)
{
	const int64_t mode = catalog_int(mk->c, SS_SIP_E164_DISPLAY_FROM);
	const struct text digits = digits_of(&mk->out->caller_sent);

	if (mode == DISPLAY_IGNORE || digits.l == 0) {
		put_display(&mk->buf, mk->in->display);
		return;
	}
	compose_put(&mk->buf, mode == DISPLAY_E164 ? "\"+" : "\"");
	compose_text(&mk->buf, digits);
	compose_put(&mk->buf, "\" ");
}


static void make_from(struct maker *mk)
{
	const size_t start = mk->buf.len;

	if (mk->out->is_hidden) {
		compose_put(&mk->buf, "\"Anonymous\" "
				      "<sip:anonymous@anonymous.invalid>");
	}
	else {
		put_shown_display(mk);
		put_angled(&mk->buf, number_text(&mk->out->caller_sent),
			   mk->host, 0);
	}
	mk->out->from = since(mk, start);
}


/* --- step 6: what is asserted --------------------------------------------- */

static bool is_usable(const struct number *number)
{
	return number->is_valid &&
	       !text_is_nocase(number_text(number), "anonymous");
}


/* At most one SIP and one tel value, in one header */
static void put_copied(struct compose *buf, const char *name, struct text a,
		       struct text b)
{
	if (a.l == 0 && b.l == 0)
		return;
	compose_put(buf, name);
	compose_text(buf, a);
	if (a.l > 0 && b.l > 0)
		compose_put(buf, ", ");
	compose_text(buf, b);
	compose_put(buf, "\r\n");
}


/* @return was it put? Then the line is still open. */
static bool put_caller(struct maker *mk, const char *name,
		       const struct number *number)
{
	if (!is_usable(number))
		return false;
	compose_put(&mk->buf, name);
	put_angled(&mk->buf, number_text(number), mk->host, 0);

	return true;
}


static void put_pai(struct maker *mk, const struct cat_routing *gw)
{
	static const char name[] = "P-Asserted-Identity: ";
	struct number number;

	if (gw->pai == ASSERT_PASSTHROUGH)
		put_copied(&mk->buf, name, mk->in->pai_sip, mk->in->pai_tel);
	if (gw->pai != ASSERT_CALLER || !is_usable(&mk->out->caller_sent))
		return;
	numbers_rewrite(&number, mk->c, RECORD_ROUTING, gw->pai_rules,
			&mk->out->caller_sent);
	if (put_caller(mk, name, &number))
		compose_put(&mk->buf, "\r\n");
}


static void put_ppi(struct maker *mk, const struct cat_routing *gw)
{
	static const char name[] = "P-Preferred-Identity: ";

	if (gw->ppi == ASSERT_PASSTHROUGH)
		put_copied(&mk->buf, name, mk->in->ppi_sip, mk->in->ppi_tel);
	if (gw->ppi == ASSERT_CALLER &&
	    put_caller(mk, name, &mk->out->caller_sent))
		compose_put(&mk->buf, "\r\n");
}


static void put_rpid(struct maker *mk, const struct cat_routing *gw)
{
	static const char name[] = "Remote-Party-ID: ";
	static const struct text none = { "", 0 };

	if (gw->rpid == ASSERT_PASSTHROUGH)
		put_copied(&mk->buf, name, mk->in->rpid, none);
	if (gw->rpid == ASSERT_CALLER &&
	    put_caller(mk, name, &mk->out->caller_sent))
		compose_put(
			&mk->buf,
			mk->out->is_hidden
				? ";party=calling;screen=yes;privacy=full\r\n"
				: ";party=calling;screen=yes;privacy=off\r\n");
}


static void make_heads(struct maker *mk)
{
	const struct cat_routing *gw = mk->to->gateway;
	const size_t start = mk->buf.len;

	compose_head(&mk->buf, "Privacy", mk->privacy);
	if (gw) {
		put_pai(mk, gw);
		put_ppi(mk, gw);
		put_rpid(mk, gw);
	}
	if (mk->in->diversion.l > 0 && !mk->out->is_hidden) {
		compose_put(&mk->buf, "Diversion: ");
		put_angled(&mk->buf, mk->in->diversion, mk->host, 0);
		compose_put(&mk->buf, ";reason=no-answer\r\n");
	}
	mk->out->heads = since(mk, start);
}


/* --- steps 7 and 8 -------------------------------------------------------- */

/* A phone's Request-URI is its Contact, which is not made here. */
static void make_target(struct maker *mk)
{
	const struct identity_to *to = mk->to;
	const struct number *user = &mk->out->called_sent;
	size_t start = mk->buf.len;

	if (to->gateway) {
		put_uri(&mk->buf, number_text(user), to->target_host,
			to->target_port);
		if (catalog_int(mk->c,
				SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT))
			user = &mk->in->called_original;
	}
	mk->out->uri = since(mk, start);

	start = mk->buf.len;
	put_angled(&mk->buf, number_text(user), to->target_host,
		   to->target_port);
	mk->out->to = since(mk, start);
}


static void make_contact_user(struct maker *mk)
{
	const size_t start = mk->buf.len;
	struct text user = number_text(&mk->out->caller_sent);

	if (mk->out->is_hidden)
		user = text_of("anonymous");
	if (mk->to->contact_user && mk->to->contact_user[0])
		user = text_of(mk->to->contact_user);
	compose_text(&mk->buf, user);
	mk->out->contact_user = since(mk, start);
}


int identity_make(struct identity_out *out, const struct catalog *c,
		  const struct identity_in *in, const struct identity_to *to)
{
	struct maker mk = { .out = out, .c = c, .in = in, .to = to };

	compose_init(&mk.buf, out->buf, sizeof(out->buf));
	make_numbers(&mk);
	make_privacy(&mk);
	make_host(&mk);
	make_from(&mk);
	make_heads(&mk);
	make_target(&mk);
	make_contact_user(&mk);

	return mk.buf.is_full ? EMSGSIZE : 0;
}
