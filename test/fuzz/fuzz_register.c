/**
 * @file test/fuzz/fuzz_register.c  Any header lines in a REGISTER
 *
 * What is taken is bounded, is a SIP URI, and reads the same when it is
 * written down as we answer it.
 */
#include <assert.h>
#include <string.h>

#include "sipd/compose.h"
#include "sipd/register_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PAGE_MAX = 65536
};

static const char head[] = "REGISTER sip:sw SIP/2.0\r\n"
			   "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
			   "From: <sip:1@x>;tag=a\r\n"
			   "To: <sip:1@x>\r\n"
			   "Call-ID: c\r\n"
			   "CSeq: 1 REGISTER\r\n";

struct page {
	struct compose c;
	struct message m;
	struct register_ask ask;
	char text[PAGE_MAX];
};


static void page_begin(struct page *p)
{
	compose_init(&p->c, p->text, sizeof(p->text));
	compose_put(&p->c, head);
}


static bool page_read(struct page *p)
{
	compose_put(&p->c, "\r\n");

	return !p->c.is_full &&
	       !message_parse(&p->m, p->text, p->c.len, false);
}


static void check_bounds(const struct register_ask *ask)
{
	struct head_uri uri;

	assert(ask->contactc <= REGISTER_CONTACTS_MAX);
	assert(!ask->is_star || (!ask->contactc && ask->expires_s == 0));
	for (size_t i = 0; i < ask->contactc; i++) {
		const struct text t = ask->contacts[i].uri;

		assert(t.l > 0 && t.l <= REGISTER_URI_MAX);
		assert(!head_uri_parse(&uri, t) && uri.host.l > 0);
		assert(!memchr(t.p, '\0', t.l) && !memchr(t.p, '>', t.l));
	}
}


static void check_again(struct page *again, const struct register_ask *ask)
{
	page_begin(again);
	for (size_t i = 0; i < ask->contactc; i++) {
		compose_put(&again->c, "Contact: <");
		compose_text(&again->c, ask->contacts[i].uri);
		compose_put(&again->c, ">");
		if (ask->contacts[i].expires_s != REGISTER_NO_EXPIRES) {
			compose_put(&again->c, ";expires=");
			compose_number(&again->c, ask->contacts[i].expires_s);
		}
		compose_put(&again->c, "\r\n");
	}
	assert(page_read(again));
	assert(!register_parse(&again->ask, &again->m));
	assert(again->ask.contactc == ask->contactc);
	for (size_t i = 0; i < ask->contactc; i++) {
		const struct register_contact *a = &ask->contacts[i];
		const struct register_contact *b = &again->ask.contacts[i];

		assert(a->expires_s == b->expires_s && a->uri.l == b->uri.l &&
		       memcmp(a->uri.p, b->uri.p, a->uri.l) == 0);
	}
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct page page, again;
	struct register_place places[REGISTER_PLACES_MAX];
	char path[REGISTER_PATH_MAX + 1];
	struct text user, name;

	page_begin(&page);
	compose_bytes(&page.c, data, size);
	if (page.c.is_full || !page_read(&page))
		return 0;
	(void)register_terminal(&user, &page.m);
	(void)register_lacks(&page.m, &name);
	if (!register_path(path, sizeof(path), &page.m))
		assert(strlen(path) < sizeof(path));
	if (register_parse(&page.ask, &page.m))
		return 0;
	check_bounds(&page.ask);
	assert(register_places(places, &page.m, &page.ask) >= 1);
	check_again(&again, &page.ask);

	return 0;
}
