/**
 * @file test/unit/svc/test_runs.c  Thousands of sockets as a few rows
 *
 * Descriptors are those of /dev/null, from FIRST on, so that what is closed
 * can be seen.
 */
#include <fcntl.h>
#include <unistd.h>

#include "shared/svc/svc_parts.h"
#include "test/support/t.h"

enum {
	FIRST = 200,
	PORT = 10000,
};

static char bind_text[] = "127.0.0.1", listener[] = "rtp", empty[] = "";


static void open_at(int fd)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(dup3(null, fd, O_CLOEXEC), fd);
	close(null);
}


static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}


static Tandem__Socket rtp(int fd, uint32_t port, uint32_t count)
{
	Tandem__Socket socket;

	tandem__socket__init(&socket);
	socket.use = TANDEM__SOCKET_USE__SOCKET_USE_RTP;
	socket.peer = PEER_MEDIAD;
	socket.listener = listener;
	socket.bind = bind_text;
	socket.advertised = socket.certificate = socket.key = empty;
	socket.fd = fd;
	socket.port = port;
	socket.count = count;

	return socket;
}


static void assert_run(const struct runs *runs, size_t row, int fd,
		       uint16_t port, uint32_t count)
{
	assert_int_equal(runs->rows[row].fd, fd);
	assert_int_equal(runs->rows[row].port, port);
	assert_int_equal(runs->rows[row].count, count);
}


static void numbers_in_a_row_are_one_run(void **state)
{
	Tandem__Socket socket = rtp(FIRST, PORT, 10), *rows[] = { &socket };
	struct runs runs = { NULL, 0 };
	(void)state;

	for (int i = 0; i < 10; i++)
		open_at(FIRST + i);
	assert_int_equal(runs_add(&runs, rows, 1, NULL, 0), 0);
	assert_int_equal(runs.rowc, 1);
	assert_int_equal(runs_count(&runs), 10);
	runs_close(&runs);
	for (int i = 0; i < 10; i++)
		assert_false(is_open(FIRST + i));
	assert_int_equal(runs.rowc, 0);
}


static void scattered_descriptors_become_several(void **state)
{
	const int fds[] = { FIRST, FIRST + 1, FIRST + 5, FIRST + 6,
			    FIRST + 9 };
	Tandem__Socket socket = rtp(0, PORT, 5), *rows[] = { &socket };
	struct runs runs = { NULL, 0 };
	(void)state;

	for (size_t i = 0; i < 5; i++)
		open_at(fds[i]);
	assert_int_equal(runs_add(&runs, rows, 1, fds, 5), 0);
	assert_int_equal(runs.rowc, 3);
	assert_run(&runs, 0, FIRST, PORT, 2);
	assert_run(&runs, 1, FIRST + 5, PORT + 2, 2);
	assert_run(&runs, 2, FIRST + 9, PORT + 4, 1);
	runs_close(&runs);
}


static void what_is_gone_is_cut_out_and_closed(void **state)
{
	static const struct {
		uint32_t port, count;   /**< Gone */
		size_t rowc;            /**< Left */
		uint32_t first, second; /**< Counts of the runs left */
	} rows[] = {
		{ PORT, 2, 1, 8, 0 },        /* the front */
		{ PORT + 8, 2, 1, 8, 0 },    /* the end */
		{ PORT + 4, 2, 2, 4, 4 },    /* the middle */
		{ PORT - 5, 7, 1, 8, 0 },    /* more than there is */
		{ PORT + 9, 50, 1, 9, 0 },   /* likewise */
		{ PORT + 10, 10, 1, 10, 0 }, /* beside it */
		{ PORT, 10, 0, 0, 0 },       /* all */
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		Tandem__Socket have = rtp(FIRST, PORT, 10),
			       *haves[] = { &have };
		Tandem__Socket gone = rtp(-1, rows[i].port, rows[i].count);
		Tandem__Socket *gones[] = { &gone };
		struct runs runs = { NULL, 0 };
		size_t open = 0;

		for (int j = 0; j < 10; j++)
			open_at(FIRST + j);
		assert_int_equal(runs_add(&runs, haves, 1, NULL, 0), 0);
		runs_remove(&runs, gones, 1, NULL);
		assert_int_equal(runs.rowc, rows[i].rowc);
		if (rows[i].rowc > 0)
			assert_int_equal(runs.rows[0].count, rows[i].first);
		if (rows[i].rowc > 1)
			assert_int_equal(runs.rows[1].count, rows[i].second);
		for (int j = 0; j < 10; j++)
			open += is_open(FIRST + j);
		assert_int_equal(open, runs_count(&runs));
		for (size_t j = 0; j < runs.rowc; j++) {
			/* a port keeps its descriptor */
			assert_int_equal(runs.rows[j].port - PORT,
					 runs.rows[j].fd - FIRST);
			assert_true(is_open(runs.rows[j].fd));
		}
		runs_close(&runs);
	}
}


static void what_is_gone_may_be_had_still_open(void **state)
{
	Tandem__Socket have = rtp(FIRST, PORT, 10), *haves[] = { &have };
	Tandem__Socket gone = rtp(-1, PORT + 4, 2), *gones[] = { &gone };
	struct runs runs = { NULL, 0 }, removed = { NULL, 0 };
	(void)state;

	for (int j = 0; j < 10; j++)
		open_at(FIRST + j);
	assert_int_equal(runs_add(&runs, haves, 1, NULL, 0), 0);
	runs_remove(&runs, gones, 1, &removed);
	assert_int_equal(runs_count(&runs), 8);
	assert_int_equal(runs_count(&removed), 2);
	assert_int_equal(removed.rows[0].fd, FIRST + 4);
	assert_true(is_open(FIRST + 4) && is_open(FIRST + 5));
	runs_close(&removed);
	assert_false(is_open(FIRST + 4) || is_open(FIRST + 5));
	runs_close(&runs);
}


static void another_kind_is_left_alone(void **state)
{
	static char other_bind[] = "127.0.0.2";
	Tandem__Socket have = rtp(FIRST, PORT, 1), *haves[] = { &have };
	Tandem__Socket gone = rtp(-1, PORT, 1), *gones[] = { &gone };
	struct runs runs = { NULL, 0 };
	(void)state;

	open_at(FIRST);
	assert_int_equal(runs_add(&runs, haves, 1, NULL, 0), 0);
	gone.bind = other_bind;
	runs_remove(&runs, gones, 1, NULL);
	gone.bind = bind_text;
	gone.worker = 1;
	runs_remove(&runs, gones, 1, NULL);
	gone.worker = 0;
	gone.use = TANDEM__SOCKET_USE__SOCKET_USE_METRICS;
	runs_remove(&runs, gones, 1, NULL);
	assert_int_equal(runs_count(&runs), 1);
	gone.use = TANDEM__SOCKET_USE__SOCKET_USE_RTP;
	runs_remove(&runs, gones, 1, NULL);
	assert_int_equal(runs_count(&runs), 0);
	runs_close(&runs);
}


static void a_message_that_makes_no_sense_changes_nothing(void **state)
{
	static char long_name[80];
	const int fds[] = { FIRST, FIRST + 1 };
	struct runs runs = { NULL, 0 };
	(void)state;

	memset(long_name, 'x', sizeof(long_name) - 1);
	for (int i = 0; i < 6; i++) {
		Tandem__Socket good = rtp(0, PORT, 1);
		Tandem__Socket bad = rtp(1, PORT + 1, 1);
		Tandem__Socket *rows[] = { &good, &bad };

		switch (i) {
		case 0:
			bad.count = 0;
			break;
		case 1:
			bad.count = 2; /* more than came */
			break;
		case 2:
			bad.count = UINT32_MAX;
			break;
		case 3:
			bad.fd = -1;
			break;
		case 4:
			bad.fd = 3;
			break;
		default:
			bad.listener = long_name;
			break;
		}
		assert_int_equal(runs_add(&runs, rows, 2, fds, 2), EPROTO);
		assert_int_equal(runs_count(&runs), 0);
	}
	runs_close(&runs);
}


static int runs_are_joined_and_cut(void)
{
	Tandem__Socket first = rtp(FIRST, PORT, 4), *firsts[] = { &first };
	Tandem__Socket second = rtp(FIRST + 4, PORT + 4, 4);
	Tandem__Socket *seconds[] = { &second };
	Tandem__Socket gone = rtp(-1, PORT + 1, 1), *gones[] = { &gone };
	struct runs runs = { NULL, 0 }, more = { NULL, 0 };
	int err;

	err = runs_add(&runs, firsts, 1, NULL, 0);
	if (!err)
		err = runs_add(&more, seconds, 1, NULL, 0);
	if (!err)
		err = runs_append(&runs, &more);
	if (!err)
		runs_remove(&runs, gones, 1, NULL); /* never fails */
	runs_close(&runs);
	runs_close(&more);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_a_row_are_one_run),
		cmocka_unit_test(scattered_descriptors_become_several),
		cmocka_unit_test(what_is_gone_is_cut_out_and_closed),
		cmocka_unit_test(what_is_gone_may_be_had_still_open),
		cmocka_unit_test(another_kind_is_left_alone),
		cmocka_unit_test(
			a_message_that_makes_no_sense_changes_nothing),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(runs_are_joined_and_cut),
	};

	return T_MAIN(tests, scenarios);
}
