/**
 * @file sipd/head.c  Values of SIP headers: addresses, Via, CSeq, lists
 */
#include <errno.h>
#include <string.h>

#include "shared/base/util.h"
#include "sipd/head_parts.h"

enum {
	NUMBER_MAX = 0x7fffffff /**< CSeq: RFC 3261 8.1.1.5 */
};

static const struct {
	const char *via;
	const char *uri;
} transports[TRANSPORTC] = {
	[TRANSPORT_NONE] = { "", "" },
	[TRANSPORT_UDP] = { "UDP", "udp" },
	[TRANSPORT_TCP] = { "TCP", "tcp" },
	[TRANSPORT_TLS] = { "TLS", "tls" },
};


enum transport transport_find(struct text name)
{
	for (unsigned i = TRANSPORT_UDP; i < TRANSPORTC; i++)
		if (text_is_nocase(name, transports[i].uri))
			return (enum transport)i;

	return TRANSPORT_NONE;
}


const char *transport_via(enum transport transport)
{
	return transports[transport].via;
}


const char *transport_uri(enum transport transport)
{
	return transports[transport].uri;
}


/* --- lists and parameters ------------------------------------------------- */

/* Where the element at its start ends: the next sep outside "" and <> */
static size_t element_len(struct text t, char sep)
{
	bool is_quoted = false, is_angled = false;
	size_t i;

	/* Most lists are of one element. */
	if (!memchr(t.p, sep, t.l))
		return t.l;

	for (i = 0; i < t.l; i++) {
		const char c = t.p[i];

		if (is_quoted) {
			if (c == '\\' && i + 1 < t.l)
				i++;
			else if (c == '"')
				is_quoted = false;
		}
		else if (is_angled) {
			is_angled = c != '>';
		}
		else if (c == sep) {
			break;
		}
		else {
			is_quoted = c == '"';
			is_angled = c == '<';
		}
	}

	return i;
}


static bool element_next(struct text *rest, char sep, struct text *elementp)
{
	while (rest->l > 0) {
		const size_t len = element_len(*rest, sep);
		const struct text element = head_trim(
			(struct text){ .p = rest->p, .l = len });

		head_skip(rest, len < rest->l ? len + 1 : len);
		if (element.l > 0) {
			*elementp = element;
			return true;
		}
	}

	return false;
}


bool head_list_next(struct text *rest, struct text *elementp)
{
	return element_next(rest, ',', elementp);
}


bool head_param(struct text params, const char *name, struct text *valuep)
{
	struct text param, key, value, inside;

	while (element_next(&params, ';', &param)) {
		(void)text_cut(param, '=', &key, &value);
		if (!text_is_nocase(head_trim(key), name))
			continue;
		value = head_trim(value);
		if (head_take_quoted(&value, &inside))
			value = inside;
		if (valuep)
			*valuep = value;
		return true;
	}

	return false;
}


/* --- addresses ------------------------------------------------------------ */

/* Words before the '<'. The grammar wants tokens; peers send whatever cannot
 * be mistaken for something else. */
static bool display_is_valid(struct text display)
{
	for (size_t i = 0; i < display.l; i++)
		if (head_char_is(display.p[i], CHAR_NEVER))
			return false;

	return true;
}


static int cut_angled(struct head_addr *a, struct text t,
		      const struct head_want *want)
{
	struct text after;

	head_skip_blank(&t);
	if (t.l == 0 || t.p[0] != '<')
		return EBADMSG;
	head_skip(&t, 1);
	if (!text_cut(t, '>', &a->uri_text, &after))
		return EBADMSG;
	head_skip_blank(&after);
	if (after.l == 0)
		return 0;
	if (after.p[0] != ';')
		return EBADMSG;
	head_skip(&after, 1);
	a->params = head_trim(after);

	return head_params_read(a->params, want, want ? 1 : 0);
}


static int cut_bare(struct head_addr *a, struct text t,
		    const struct head_want *want)
{
	(void)text_cut(t, ';', &a->uri_text, &a->params);
	a->uri_text = head_trim(a->uri_text);
	a->params = head_trim(a->params);

	if (a->uri_text.l == 0)
		return EBADMSG;

	return head_params_read(a->params, want, want ? 1 : 0);
}


int head_addr_cut(struct head_addr *a, struct text value,
		  const struct head_want *want)
{
	struct text t = head_trim(value), display;
	const char *angle;

	*a = (struct head_addr){ 0 };
	if (t.l == 1 && t.p[0] == '*') {
		a->is_star = true;
		return 0;
	}
	if (t.l > 0 && t.p[0] == '"')
		return head_take_quoted(&t, &a->display)
			       ? cut_angled(a, t, want)
			       : EBADMSG;

	angle = t.l > 0 ? memchr(t.p, '<', t.l) : NULL;
	if (!angle)
		return cut_bare(a, t, want);

	display = (struct text){ .p = t.p, .l = (size_t)(angle - t.p) };
	if (!display_is_valid(display))
		return EBADMSG;
	head_skip(&t, display.l);
	a->display = head_trim(display);

	return cut_angled(a, t, want);
}


int head_addr_parse(struct head_addr *ap, struct text value)
{
	struct head_addr a;
	int err;

	err = head_addr_cut(&a, value, NULL);
	if (err)
		return err;
	if (!a.is_star) {
		err = head_uri_parse(&a.uri, a.uri_text);
		if (err)
			return err;
	}
	*ap = a;

	return 0;
}


/* --- Via ------------------------------------------------------------------ */

/* SIP/2.0/UDP and the blanks behind it. Of the version only that it is one:
 * who speaks another is told so. */
static bool take_protocol(struct text *t, struct text *transportp)
{
	static const char usual[] = "SIP/2.0/UDP ";
	struct text name, version;

	if (t->l >= sizeof(usual) - 1 &&
	    memcmp(t->p, usual, sizeof(usual) - 1) == 0) {
		*transportp = (struct text){ t->p + 8, 3 };
		head_skip(t, 11);
		return true;
	}

	return head_take_run(t, CHAR_TOKEN, &name) &&
	       text_is_nocase(name, "sip") && head_take_char(t, '/') &&
	       head_take_run(t, CHAR_TOKEN, &version) &&
	       head_take_char(t, '/') &&
	       head_take_run(t, CHAR_TOKEN, transportp) && t->l > 0 &&
	       head_is_blank(t->p[0]);
}


int head_via_parse(struct head_via *vp, struct text value)
{
	struct text t = head_trim(value), rport;
	struct head_via v = { 0 };
	const struct head_want wants[] = {
		{ "branch", &v.branch, NULL },
		{ "rport", &rport, &v.has_rport },
	};

	if (!take_protocol(&t, &v.transport_text))
		return EBADMSG;
	head_skip_blank(&t);
	if (!head_take_host(&t, &v.host) || head_take_port(&t, &v.port))
		return EBADMSG;
	if (head_take_char(&t, ';'))
		v.params = t;
	else if (t.l > 0)
		return EBADMSG;
	if (head_params_read(v.params, wants, COUNT_OF(wants)))
		return EBADMSG;

	v.transport = transport_find(v.transport_text);
	*vp = v;

	return 0;
}


/* --- numbers -------------------------------------------------------------- */

/* A number, and the blanks that part it from what follows */
static int take_number_blank(struct text *t, uint32_t max, uint32_t *numberp)
{
	const int err = head_take_number(t, max, numberp);

	if (err == EBADMSG || t->l == 0 || !head_is_blank(t->p[0]))
		return EBADMSG;
	head_skip_blank(t);

	return err;
}


static bool is_token(struct text t)
{
	struct text token;

	return head_take_run(&t, CHAR_TOKEN, &token) && t.l == 0;
}


int head_cseq_parse(uint32_t *numberp, struct text *methodp, struct text value)
{
	struct text t = head_trim(value);
	uint32_t number = 0;
	const int err = take_number_blank(&t, NUMBER_MAX, &number);

	if (err == EBADMSG || !is_token(t))
		return EBADMSG;
	if (err)
		return err;
	*numberp = number;
	*methodp = t;

	return 0;
}


int head_rack_parse(uint32_t *rseqp, uint32_t *cseqp, struct text *methodp,
		    struct text value)
{
	struct text t = head_trim(value);
	uint32_t rseq = 0;
	const int err = take_number_blank(&t, UINT32_MAX, &rseq);

	if (err)
		return EBADMSG;
	if (head_cseq_parse(cseqp, methodp, t))
		return EBADMSG;
	*rseqp = rseq;

	return 0;
}
