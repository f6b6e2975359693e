/**
 * @file test/fuzz/fuzz_message.c  Any bytes as a message, of a datagram or a
 * stream
 *
 * Every text lies within the input, lists end, and to parse the same bytes
 * again makes no difference, though lines were unfolded the first time. What
 * is cut from a stream is one message, all of it, and not a byte less is.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sipd/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void check_text(struct text t, struct text all)
{
	if (t.l == 0)
		return;
	assert(t.p >= all.p && t.l <= all.l);
	assert((size_t)(t.p - all.p) <= all.l - t.l);
}


static void check_uri(struct text value, struct text all)
{
	struct head_uri u;

	if (head_uri_parse(&u, value))
		return;
	check_text(u.scheme_text, all);
	check_text(u.user, all);
	check_text(u.password, all);
	check_text(u.host, all);
	check_text(u.params, all);
	check_text(u.heads, all);
}


static void check_value(struct text value, struct text all)
{
	struct head_addr a;
	struct head_via v;

	check_text(value, all);
	if (head_addr_parse(&a, value) == 0) {
		check_text(a.display, all);
		check_text(a.params, all);
		check_uri(a.uri_text, all);
	}
	if (head_via_parse(&v, value) == 0) {
		check_text(v.transport_text, all);
		check_text(v.host, all);
		check_text(v.branch, all);
		check_text(v.params, all);
	}
}


static void check_rows(const struct message *m, struct text all)
{
	assert(m->rowc <= MESSAGE_HEADS_MAX);
	for (unsigned i = 0; i < m->rowc; i++) {
		const struct message_row *row = &m->rows[i];

		check_text(row->name, all);
		check_value(row->value, all);
		assert(row->name.l > 0 && row->head < HEADC);
		assert(row->next == 255 ||
		       (row->next > i && row->next < m->rowc &&
			m->rows[row->next].head == row->head));
	}
}


static void check_lists(const struct message *m, struct text all)
{
	for (unsigned head = 0; head < HEADC; head++) {
		struct message_cursor cursor = { 0 };
		struct text value;
		size_t n = 0;

		while (message_next(m, (enum head)head, &cursor, &value)) {
			check_value(value, all);
			assert(value.l > 0 && ++n <= all.l);
		}
	}
}


static void check_good(const struct message *m)
{
	assert(m->via.host.l > 0 && m->call_id.l > 0);
	assert(m->first[HEAD_FROM] < m->rowc && m->first[HEAD_TO] < m->rowc);
	assert(m->is_request == (m->code == 0));
	assert(!m->is_request || m->uri.l > 0);
	assert(m->method == m->cseq_method);
}


static void check_message(const struct message *m, struct text all)
{
	struct text sdp;

	check_text(m->method_text, all);
	check_text(m->uri, all);
	check_text(m->reason, all);
	check_text(m->via.host, all);
	check_text(m->via.branch, all);
	check_text(m->call_id, all);
	check_text(m->from_tag, all);
	check_text(m->to_tag, all);
	check_text(m->whole, all);
	check_text(m->body, m->whole);
	check_rows(m, all);
	check_lists(m, all);
	if (message_sdp(m, &sdp) == 0)
		check_text(sdp, m->body);
	if (m->fault == MESSAGE_OK)
		check_good(m);
}


static bool same(struct text a, struct text b)
{
	return a.l == b.l && (a.l == 0 || a.p == b.p);
}


static void check_again(const struct message *m, struct text all, char *data,
			bool is_stream)
{
	static struct message n;

	(void)message_parse(&n, data, all.l, is_stream);
	assert(m->fault == n.fault && m->rowc == n.rowc);
	assert(m->cseq == n.cseq && m->code == n.code);
	assert(same(m->whole, n.whole) && same(m->body, n.body));
	assert(same(m->call_id, n.call_id) && same(m->uri, n.uri));
	assert(same(m->from_tag, n.from_tag) && same(m->to_tag, n.to_tag));
	assert(memcmp(m->first, n.first, sizeof(m->first)) == 0);
	for (unsigned i = 0; i < m->rowc; i++) {
		assert(same(m->rows[i].name, n.rows[i].name));
		assert(same(m->rows[i].value, n.rows[i].value));
	}
}


static void check(const void *bytes, size_t size, bool is_stream,
		  struct message *m)
{
	/* A block of exactly its size, so that a sanitizer sees its end */
	char *data = malloc(size ? size : 1);
	const struct text all = { .p = data, .l = size };

	assert(data);
	if (size > 0)
		memcpy(data, bytes, size);
	(void)message_parse(m, data, size, is_stream);
	check_message(m, all);
	check_again(m, all, data, is_stream);
	free(data);
}


static void check_frame(const char *bytes, size_t size)
{
	static struct message m;
	size_t skipped, again;
	const size_t len = message_frame(bytes, size, &skipped);

	assert(skipped <= size);
	if (len == 0 || len == SIZE_MAX)
		return;

	assert(len <= size - skipped && len <= MESSAGE_BYTES_MAX);
	check(bytes + skipped, len, true, &m);
	assert(m.fault != MESSAGE_TRUNCATED && m.fault != MESSAGE_EMPTY);
	if (m.fault != MESSAGE_NOT_SIP)
		assert(m.whole.l == len);
	assert(message_frame(bytes, skipped + len, &again) == len);
	assert(message_frame(bytes, skipped + len - 1, &again) == 0);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;

	if (size > MESSAGE_BYTES_MAX + 64)
		return 0;
	check(data, size, false, &m);
	check(data, size, true, &m);
	check_frame((const char *)data, size);

	return 0;
}
