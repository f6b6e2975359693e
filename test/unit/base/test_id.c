/**
 * @file test/unit/base/test_id.c  Ids: in order, and never twice
 */
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/id.h"
#include "shared/base/util.h"
#include "test/support/t.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";


static void ulids_of_one_millisecond_ascend(void **state)
{
	char before[ID_ULID_SIZE], id[ID_ULID_SIZE];
	(void)state;

	id_ulid(before, 1700000000000999);
	for (int i = 0; i < 10000; i++) {
		/* Anywhere within the millisecond */
		id_ulid(id, 1700000000000000 + i % 1000);
		assert_int_equal(strlen(id), ID_ULID_SIZE - 1);
		assert_int_equal(strspn(id, alphabet), ID_ULID_SIZE - 1);
		assert_true(strcmp(id, before) > 0);
		memcpy(before, id, sizeof(id));
	}
}


static void ulids_ascend_with_time(void **state)
{
	char before[ID_ULID_SIZE], id[ID_ULID_SIZE];
	(void)state;

	id_ulid(before, 0);
	for (int64_t us = 1000; us < 4000000000000000; us = us * 3 / 2) {
		id_ulid(id, us);
		assert_true(strcmp(id, before) > 0);
		memcpy(before, id, sizeof(id));
	}
}


/* The time of the ULID specification's example: 01ARYZ6S41 */
static void a_ulid_begins_with_its_time(void **state)
{
	char id[ID_ULID_SIZE];
	(void)state;

	id_ulid(id, 1469918176385000);
	assert_memory_equal(id, "01ARYZ6S41", 10);
}


/* Also of a clock that stands at 0, as a frozen one may */
static void no_ulid_can_be_guessed(void **state)
{
	char id[ID_ULID_SIZE];
	(void)state;

	id_ulid(id, 5000);
	id_ulid(id, 0);
	assert_memory_not_equal(id + 10, "000000000", 9);
}


/* What a forked child draws, as a child sees it */
struct drawn {
	uint8_t bytes[32];
	char token[33];
	char ulid[ID_ULID_SIZE];
};


static void draw(struct drawn *drawn)
{
	memset(drawn, 0, sizeof(*drawn));
	id_random(drawn->bytes, sizeof(drawn->bytes));
	id_token(drawn->token, sizeof(drawn->token) - 1);
	id_ulid(drawn->ulid, 1700000000000000);
}


static void draw_in_child(struct drawn *drawn)
{
	int pipefd[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipefd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		draw(drawn);
		_exit(write(pipefd[1], drawn, sizeof(*drawn)) !=
		      sizeof(*drawn));
	}
	assert_int_equal(read(pipefd[0], drawn, sizeof(*drawn)),
			 sizeof(*drawn));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(pipefd[0]);
	close(pipefd[1]);
}


static void a_forked_child_draws_other_ids(void **state)
{
	struct drawn drawn[5];
	(void)state;

	/* The pool is in use, with bytes left and a ULID of this millisecond,
	 * when the processes part. */
	draw(&drawn[0]);
	for (int i = 1; i < 4; i++)
		draw_in_child(&drawn[i]);
	draw(&drawn[4]);

	for (size_t i = 0; i < COUNT_OF(drawn); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_memory_not_equal(drawn[i].bytes, drawn[j].bytes,
						sizeof(drawn[i].bytes));
			assert_string_not_equal(drawn[i].token,
						drawn[j].token);
			assert_string_not_equal(drawn[i].ulid, drawn[j].ulid);
			/* Not the neighbour of another's either */
			if (i < 4)
				assert_memory_not_equal(drawn[i].ulid + 10,
							drawn[j].ulid + 10,
							12);
		}
	}
}


static void tokens_use_all_of_their_alphabet_evenly(void **state)
{
	enum {
		CHARS = 36000
	};
	static char token[CHARS + 1];
	uint32_t counts[256] = { 0 };
	uint32_t kinds = 0;
	(void)state;

	token[CHARS] = 'x';
	id_token(token, CHARS);
	assert_int_equal(strlen(token), CHARS);
	for (int i = 0; i < CHARS; i++)
		counts[(uint8_t)token[i]]++;

	for (int c = 0; c < 256; c++) {
		if (counts[c] == 0)
			continue;
		kinds++;
		assert_true((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
		/* 1,000 each; six standard deviations are 187. */
		assert_in_range(counts[c], 800, 1200);
	}
	assert_int_equal(kinds, 36);

	id_token(token, 0);
	assert_string_equal(token, "");
}


static void random_bytes_come_in_every_size(void **state)
{
	static uint8_t data[10001];
	(void)state;

	for (size_t len = 0; len < sizeof(data); len = len * 3 + 1) {
		memset(data, 0, sizeof(data));
		id_random(data, len);
		/* Nothing is written behind, and the end is filled too: eight
		 * zeros in a row do not happen. */
		assert_int_equal(data[len], 0);
		if (len >= 8)
			assert_memory_not_equal(data + len - 8,
						"\0\0\0\0\0\0\0\0", 8);
	}
}


static void random_numbers_do_not_repeat(void **state)
{
	enum {
		NUMBERC = 2000
	};
	static uint64_t numbers[NUMBERC];
	(void)state;

	for (size_t i = 0; i < NUMBERC; i++) {
		numbers[i] = id_random_u64();
		for (size_t j = 0; j < i; j++)
			assert_true(numbers[i] != numbers[j]);
	}
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ulids_of_one_millisecond_ascend),
		cmocka_unit_test(ulids_ascend_with_time),
		cmocka_unit_test(a_ulid_begins_with_its_time),
		cmocka_unit_test(no_ulid_can_be_guessed),
		cmocka_unit_test(a_forked_child_draws_other_ids),
		cmocka_unit_test(tokens_use_all_of_their_alphabet_evenly),
		cmocka_unit_test(random_bytes_come_in_every_size),
		cmocka_unit_test(random_numbers_do_not_repeat),
	};

	return T_MAIN_ONLY(tests);
}
