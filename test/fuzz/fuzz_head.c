/**
 * @file test/fuzz/fuzz_head.c  Any text as the value of any header
 *
 * What can be read can be written, and then reads as the same parts. A list
 * cut by commas ends, and its elements are cut no further.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sipd/compose.h"
#include "sipd/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	TEXT_MAX = 4096
};

struct paper {
	struct compose c;
	char buf[2 * TEXT_MAX];
};


static void paper_init(struct paper *paper)
{
	compose_init(&paper->c, paper->buf, sizeof(paper->buf));
}


static struct text paper_text(const struct paper *paper)
{
	assert(!paper->c.is_full);

	return compose_result(&paper->c);
}


static void same(struct text a, struct text b)
{
	assert(a.l == b.l && (a.l == 0 || memcmp(a.p, b.p, a.l) == 0));
}


static void put_after(struct compose *c, const char *before, struct text t)
{
	if (t.l == 0)
		return;
	compose_put(c, before);
	compose_text(c, t);
}


static void put_host(struct compose *c, struct text host, uint16_t port)
{
	const bool is_ipv6 = memchr(host.p, ':', host.l) != NULL;

	compose_put(c, is_ipv6 ? "[" : "");
	compose_text(c, host);
	compose_put(c, is_ipv6 ? "]" : "");
	if (port > 0) {
		compose_put(c, ":");
		compose_number(c, port);
	}
}


/* --- URIs ----------------------------------------------------------------- */

static void same_uri(const struct head_uri *a, const struct head_uri *b)
{
	assert(a->scheme == b->scheme && a->port == b->port);
	same(a->scheme_text, b->scheme_text);
	same(a->user, b->user);
	same(a->password, b->password);
	same(a->host, b->host);
	same(a->params, b->params);
	same(a->heads, b->heads);
}


static void check_uri(struct text value)
{
	static struct paper paper;
	struct head_uri u, again;

	if (head_uri_parse(&u, value) || u.scheme == SCHEME_OTHER)
		return;

	paper_init(&paper);
	compose_text(&paper.c, u.scheme_text);
	compose_put(&paper.c, ":");
	compose_text(&paper.c, u.user);
	put_after(&paper.c, ":", u.password);
	if (u.scheme != SCHEME_TEL) {
		compose_put(&paper.c, u.user.l > 0 ? "@" : "");
		put_host(&paper.c, u.host, u.port);
	}
	put_after(&paper.c, ";", u.params);
	put_after(&paper.c, "?", u.heads);
	assert(head_uri_parse(&again, paper_text(&paper)) == 0);
	same_uri(&u, &again);
}


/* --- addresses ------------------------------------------------------------ */

/* A value cannot bring line ends; a quoted one that does loses them. */
static bool has_line_end(struct text t)
{
	return t.l > 0 && (memchr(t.p, '\r', t.l) || memchr(t.p, '\n', t.l) ||
			   memchr(t.p, '\0', t.l));
}


static void check_addr(struct text value)
{
	static struct paper paper;
	struct head_addr a, again;

	if (head_addr_parse(&a, value) || a.is_star || has_line_end(value))
		return;

	paper_init(&paper);
	compose_put(&paper.c, "\"");
	compose_text(&paper.c, a.display);
	compose_put(&paper.c, "\" <");
	compose_text(&paper.c, a.uri_text);
	compose_put(&paper.c, ">");
	put_after(&paper.c, ";", a.params);
	assert(head_addr_parse(&again, paper_text(&paper)) == 0);
	same(a.display, again.display);
	same(a.params, again.params);
	same(a.uri_text, again.uri_text);
	same_uri(&a.uri, &again.uri);
}


static void check_via(struct text value)
{
	static struct paper paper;
	struct head_via v, again;
	struct text branch = { 0 };

	if (head_via_parse(&v, value) || has_line_end(value))
		return;
	assert(v.has_rport == head_param(v.params, "rport", NULL));
	(void)head_param(v.params, "branch", &branch);
	same(branch, v.branch);

	paper_init(&paper);
	compose_put(&paper.c, "SIP/2.0/");
	compose_text(&paper.c, v.transport_text);
	compose_put(&paper.c, " ");
	put_host(&paper.c, v.host, v.port);
	put_after(&paper.c, ";", v.params);
	assert(head_via_parse(&again, paper_text(&paper)) == 0);
	assert(v.transport == again.transport && v.port == again.port);
	same(v.host, again.host);
	same(v.branch, again.branch);
	same(v.params, again.params);
}


/* --- digest --------------------------------------------------------------- */

static void put_field(struct compose *c, const char *name, struct text t)
{
	if (t.l == 0)
		return;
	compose_put(c, ", ");
	compose_put(c, name);
	compose_put(c, "=\"");
	compose_text(c, t);
	compose_put(c, "\"");
}


static void check_digest(struct text value)
{
	static struct paper paper;
	struct head_digest d, again;

	if (head_digest_parse(&d, value) || !d.is_digest ||
	    has_line_end(value))
		return;

	paper_init(&paper);
	compose_put(&paper.c, "Digest stale=");
	compose_put(&paper.c, d.stale ? "true" : "false");
	put_field(&paper.c, "username", d.username);
	put_field(&paper.c, "realm", d.realm);
	put_field(&paper.c, "nonce", d.nonce);
	put_field(&paper.c, "uri", d.uri);
	put_field(&paper.c, "response", d.response);
	put_field(&paper.c, "cnonce", d.cnonce);
	put_field(&paper.c, "nc", d.nc);
	put_field(&paper.c, "qop", d.qop);
	put_field(&paper.c, "algorithm", d.algorithm);
	put_field(&paper.c, "opaque", d.opaque);
	assert(head_digest_parse(&again, paper_text(&paper)) == 0);
	assert(d.stale == again.stale);
	same(d.username, again.username);
	same(d.realm, again.realm);
	same(d.nonce, again.nonce);
	same(d.uri, again.uri);
	same(d.response, again.response);
	same(d.cnonce, again.cnonce);
	same(d.nc, again.nc);
	same(d.qop, again.qop);
	same(d.algorithm, again.algorithm);
	same(d.opaque, again.opaque);
}


/* --- numbers, lists ------------------------------------------------------- */

static void check_cseq(struct text value)
{
	static struct paper paper;
	uint32_t number, number_again;
	struct text method, method_again;

	if (head_cseq_parse(&number, &method, value))
		return;

	assert(number <= INT32_MAX);
	paper_init(&paper);
	compose_number(&paper.c, number);
	put_after(&paper.c, " ", method);
	assert(head_cseq_parse(&number_again, &method_again,
			       paper_text(&paper)) == 0);
	assert(number == number_again);
	same(method, method_again);
}


static void check_rack(struct text value)
{
	static struct paper paper;
	uint32_t rseq, cseq, rseq_again, cseq_again;
	struct text method, method_again;

	if (head_rack_parse(&rseq, &cseq, &method, value))
		return;

	paper_init(&paper);
	compose_number(&paper.c, rseq);
	compose_put(&paper.c, " ");
	compose_number(&paper.c, cseq);
	put_after(&paper.c, " ", method);
	assert(head_rack_parse(&rseq_again, &cseq_again, &method_again,
			       paper_text(&paper)) == 0);
	assert(rseq == rseq_again && cseq == cseq_again);
	same(method, method_again);
}


static void check_list(struct text value)
{
	struct text rest = value, element;

	while (head_list_next(&rest, &element)) {
		struct text inner = element, whole;

		assert(head_list_next(&inner, &whole));
		same(whole, element);
		assert(!head_list_next(&inner, &whole));
	}
	assert(rest.l == 0);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A block of exactly its size, so that a sanitizer sees its end */
	char *copy = malloc(size ? size : 1);
	const struct text value = { .p = copy, .l = size };

	assert(copy);
	if (size > 0)
		memcpy(copy, data, size);
	if (size <= TEXT_MAX) {
		check_uri(value);
		check_addr(value);
		check_via(value);
		check_digest(value);
		check_cseq(value);
		check_rack(value);
		check_list(value);
	}
	free(copy);

	return 0;
}
