/**
 * @file test/unit/ipc/test_bus_replay.c  Answers kept for repeats
 */
#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"
#include "test/support/t.h"


static Tandem__Header header(uint64_t id)
{
	Tandem__Header hdr = TANDEM__HEADER__INIT;

	hdr.peer = PEER_SIPD;
	hdr.worker = 1;
	hdr.epoch = 5;
	hdr.id = id;

	return hdr;
}


static enum replay_found begin(struct replay *replay,
			       const Tandem__Header *hdr)
{
	const uint8_t *data = NULL;
	size_t len = 0;

	return replay_begin(replay, hdr, &data, &len);
}


static int answer(struct replay *replay, const Tandem__Header *hdr,
		  const char *text)
{
	return replay_answer(replay, hdr, (const uint8_t *)text, strlen(text));
}


static void a_repeat_gets_the_answer_of_the_first(void **state)
{
	const Tandem__Header hdr = header(1);
	const uint8_t *data = NULL;
	struct replay *replay;
	size_t len = 0;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	assert_int_equal(begin(replay, &hdr), REPLAY_WORKING);
	assert_int_equal(answer(replay, &hdr, "granted"), 0);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(replay_begin(replay, &hdr, &data, &len),
				 REPLAY_ANSWERED);
		assert_int_equal(len, 7);
		assert_memory_equal(data, "granted", 7);
	}
	replay_free(replay);
}


static void a_second_answer_does_not_replace_the_first(void **state)
{
	const Tandem__Header hdr = header(1);
	const uint8_t *data = NULL;
	struct replay *replay;
	size_t len = 0;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	assert_int_equal(answer(replay, &hdr, "granted"), 0);
	assert_int_equal(answer(replay, &hdr, "refused"), EALREADY);
	assert_int_equal(replay_begin(replay, &hdr, &data, &len),
			 REPLAY_ANSWERED);
	assert_memory_equal(data, "granted", 7);
	replay_free(replay);
}


static void the_same_id_of_another_process_is_another_request(void **state)
{
	Tandem__Header hdr = header(1);
	struct replay *replay;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	hdr.worker = 2;
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	hdr.peer = PEER_REGD;
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	hdr.epoch = 6; /* it was started anew */
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	hdr.id = 2;
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	replay_free(replay);
}


static void the_oldest_is_forgotten_first(void **state)
{
	struct replay *replay;
	Tandem__Header hdr;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	for (uint64_t id = 1; id <= REPLAY_MAX + 10; id++) {
		hdr = header(id);
		assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
		assert_int_equal(answer(replay, &hdr, "ok"), 0);
	}

	for (uint64_t id = 11; id <= REPLAY_MAX + 10; id++) {
		hdr = header(id);
		assert_int_equal(begin(replay, &hdr), REPLAY_ANSWERED);
	}
	hdr = header(10);
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);

	/* Answering one that is forgotten is no error. */
	hdr = header(9);
	assert_int_equal(answer(replay, &hdr, "late"), 0);
	replay_free(replay);
}


static void answers_are_bounded_in_bytes(void **state)
{
	static uint8_t large[BUS_BYTES_MAX];
	const size_t most = REPLAY_BYTES_MAX / BUS_BYTES_MAX;
	const uint8_t *data = NULL;
	struct replay *replay;
	Tandem__Header hdr;
	size_t len = 0, kept = 0;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	for (uint64_t id = 1; id <= 3 * most; id++) {
		hdr = header(id);
		assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
		assert_int_equal(replay_answer(replay, &hdr, large,
					       sizeof(large)),
				 0);
	}

	for (uint64_t id = 2 * most + 1; id <= 3 * most; id++) {
		hdr = header(id);
		kept += replay_begin(replay, &hdr, &data, &len) ==
			REPLAY_ANSWERED;
	}
	assert_int_equal(kept, most);
	hdr = header(2 * most);
	assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
	replay_free(replay);
}


/* Work that takes long is the oldest when newer answers need the room. */
static void one_that_is_worked_on_may_be_pushed_out(void **state)
{
	static uint8_t large[BUS_BYTES_MAX];
	const size_t most = REPLAY_BYTES_MAX / BUS_BYTES_MAX;
	const Tandem__Header slow = header(1);
	struct replay *replay;
	(void)state;

	assert_int_equal(replay_alloc(&replay), 0);
	assert_int_equal(begin(replay, &slow), REPLAY_NEW);
	for (uint64_t id = 2; id <= 2 + most; id++) {
		const Tandem__Header hdr = header(id);

		assert_int_equal(begin(replay, &hdr), REPLAY_NEW);
		assert_int_equal(replay_answer(replay, &hdr, large,
					       sizeof(large)),
				 0);
	}
	assert_int_equal(answer(replay, &slow, "done"), 0);
	replay_free(replay);
}


static int requests_are_answered_and_repeated(void)
{
	static uint8_t large[1024];
	struct replay *replay;
	int err;

	err = replay_alloc(&replay);
	if (err)
		return err;

	for (uint64_t id = 1; id <= 20 && !err; id++) {
		const Tandem__Header hdr = header(id);

		if (begin(replay, &hdr) == REPLAY_NEW)
			err = replay_answer(replay, &hdr, large,
					    sizeof(large));
	}
	replay_free(replay);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test(f)
		T(a_repeat_gets_the_answer_of_the_first),
		T(a_second_answer_does_not_replace_the_first),
		T(the_same_id_of_another_process_is_another_request),
		T(the_oldest_is_forgotten_first),
		T(answers_are_bounded_in_bytes),
		T(one_that_is_worked_on_may_be_pushed_out),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(requests_are_answered_and_repeated),
	};

	return T_MAIN(tests, scenarios);
}
