/**
 * @file test/unit/regd/test_asking.c  REGISTERs as sipd tells them to regd
 */
#include <errno.h>
#include <sys/socket.h>

#include "shared/reg/asking.h"
#include "test/support/t.h"

static struct asking example(void)
{
	struct asking a = {
		.terminal = { TERMINAL_MAPPING, 7 },
		.transport = 2,
		.is_nat = true,
		.expires = 600,
		.cseq = 9,
		.listener = 11,
		.call_id = 13,
		.request = 17,
		.connection = 19,
		.path = text_of("<sip:p>"),
		.agent = text_of("phone/1"),
		.contactc = 2,
		.contacts = { { text_of("sip:a@b"), 60 },
			      { text_of("sip:a@long.example"),
				ASKING_UNSAID } },
	};

	assert_int_equal(addr_parse(&a.source, text_of("192.0.2.1:5070")), 0);

	return a;
}


static void equal(struct text a, struct text b)
{
	assert_int_equal(a.l, b.l);
	assert_memory_equal(a.p, b.p, a.l);
}


static void assert_same(const struct asking *a, const struct asking *b)
{
	assert_int_equal(a->terminal.kind, b->terminal.kind);
	assert_int_equal(a->terminal.id, b->terminal.id);
	assert_int_equal(a->transport, b->transport);
	assert_int_equal(a->is_star, b->is_star);
	assert_int_equal(a->is_nat, b->is_nat);
	assert_int_equal(a->expires, b->expires);
	assert_int_equal(a->cseq, b->cseq);
	assert_int_equal(a->listener, b->listener);
	assert_int_equal(a->call_id, b->call_id);
	assert_int_equal(a->request, b->request);
	assert_int_equal(a->connection, b->connection);
	assert_true(addr_equal(&a->source, &b->source));
	equal(a->path, b->path);
	equal(a->agent, b->agent);
	assert_int_equal(a->contactc, b->contactc);
	for (size_t i = 0; i < a->contactc; i++) {
		equal(a->contacts[i].uri, b->contacts[i].uri);
		assert_int_equal(a->contacts[i].expires,
				 b->contacts[i].expires);
	}
}


static void what_is_written_is_what_is_read(void **state)
{
	struct asking all[] = { example(), example(), example() }, read;
	uint8_t rows[1024];
	size_t len = 0, at = 0;
	(void)state;

	all[1].contactc = 0;
	all[1].is_star = true;
	all[1].terminal.kind = TERMINAL_PHONE;
	all[2].agent = all[2].path = text_of("");
	for (size_t i = 0; i < COUNT_OF(all); i++)
		assert_int_equal(asking_put(rows, sizeof(rows), &len, &all[i]),
				 0);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_int_equal(asking_next(&read, rows, len, &at), 0);
		assert_same(&all[i], &read);
	}
	assert_int_equal(asking_next(&read, rows, len, &at), ENOENT);
}


static void what_does_not_fit_is_not_written(void **state)
{
	const struct asking a = example();
	uint8_t rows[256];
	size_t len = 0, before = 0;
	(void)state;

	assert_int_equal(asking_put(rows, 100, &len, &a), EMSGSIZE);
	assert_int_equal(len, 0);
	while (!asking_put(rows, sizeof(rows), &len, &a))
		before = len;
	assert_int_equal(len, before);
}


static void too_long_texts_are_refused(void **state)
{
	static const char text[600];
	uint8_t rows[4096];
	size_t len = 0;
	(void)state;

	for (int i = 0; i < 3; i++) {
		struct asking a = example();

		*(i == 0   ? &a.path
		  : i == 1 ? &a.agent
			   : &a.contacts[1].uri) = (struct text){ text, 513 };
		assert_int_equal(asking_put(rows, sizeof(rows), &len, &a),
				 EMSGSIZE);
	}
}


/* Every byte may be any other, and every length shorter: what is believed is
 * within bounds, and the rest is refused. */
static void nothing_that_is_read_leads_outside(void **state)
{
	const struct asking a = example();
	uint8_t rows[512];
	size_t len = 0;
	(void)state;

	assert_int_equal(asking_put(rows, sizeof(rows), &len, &a), 0);
	for (size_t l = 1; l < len; l++) {
		uint8_t *cut = malloc(l);
		struct asking read;
		size_t at = 0;

		if (!cut)
			return;
		memcpy(cut, rows, l);
		assert_int_equal(asking_next(&read, cut, l, &at), EBADMSG);
		free(cut);
	}
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct asking read;
			size_t at = 0;

			rows[i] ^= (uint8_t)(1 << bit);
			if (!asking_next(&read, rows, len, &at)) {
				assert_int_equal(at, len);
				assert_true(read.agent.p + read.agent.l <=
					    (char *)rows + len);
			}
			rows[i] ^= (uint8_t)(1 << bit);
		}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_is_read),
		cmocka_unit_test(what_does_not_fit_is_not_written),
		cmocka_unit_test(too_long_texts_are_refused),
		cmocka_unit_test(nothing_that_is_read_leads_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
