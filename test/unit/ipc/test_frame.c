/**
 * @file test/unit/ipc/test_frame.c  Frames of the control channel
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "shared/ipc/fdpass.h"
#include "shared/ipc/frame.h"
#include "test/support/t.h"

struct fixture {
	int a;
	int b;
	int err; /**< Of the thread that writes */
};


static int setup(void **state)
{
	static struct fixture fx;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	fx.a = pair[0];
	fx.b = pair[1];
	*state = &fx;

	return 0;
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	if (fx->a >= 0)
		close(fx->a);
	close(fx->b);

	return 0;
}


static int open_fdc(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;

	return count;
}


static size_t failed_print(uint8_t **datap, const char *why, size_t fdc)
{
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__Failed failed;
	char text[64];
	size_t len = 0;

	assert_true(strlen(why) < sizeof(text));
	memcpy(text, why, strlen(why) + 1);
	tandem__failed__init(&failed);
	failed.err = 13;
	failed.why = text;
	frame.body_case = CTL_BODY(FAILED);
	frame.failed = &failed;

	assert_int_equal(frame_print(datap, &len, &frame, fdc), 0);

	return len;
}


static void what_is_printed_parses_to_the_same(void **state)
{
	Tandem__ControlFrame *frame = NULL;
	uint8_t *data;
	size_t size = 0, fdc = 0;
	const size_t len = failed_print(&data, "no such port", 3);
	(void)state;

	assert_int_equal(frame_parse(&frame, &size, &fdc, data, len), 0);
	assert_int_equal(size, len);
	assert_int_equal(fdc, 3);
	assert_int_equal(frame->body_case, CTL_BODY(FAILED));
	assert_int_equal(frame->failed->err, 13);
	assert_string_equal(frame->failed->why, "no such port");

	frame_free(frame);
	free(data);
}


static void every_shorter_beginning_asks_for_more(void **state)
{
	Tandem__ControlFrame *frame = NULL;
	uint8_t *data;
	size_t size = 77, fdc = 77;
	const size_t len = failed_print(&data, "cut", 0);
	(void)state;

	for (size_t i = 0; i < len; i++) {
		assert_int_equal(frame_parse(&frame, &size, &fdc, data, i),
				 EAGAIN);
		assert_null(frame);
		assert_int_equal(size, 77);
	}

	free(data);
}


static void bytes_behind_a_frame_are_not_its_own(void **state)
{
	Tandem__ControlFrame *frame = NULL;
	uint8_t *data, more[256];
	size_t size = 0, fdc = 0;
	const size_t len = failed_print(&data, "first", 0);
	(void)state;

	memset(more, 0xff, sizeof(more));
	memcpy(more, data, len);
	assert_int_equal(frame_parse(&frame, &size, &fdc, more, sizeof(more)),
			 0);
	assert_int_equal(size, len);

	frame_free(frame);
	free(data);
}


static void a_head_that_promises_too_much_is_refused_at_once(void **state)
{
	const uint8_t heads[][FRAME_HEAD] = {
		{ 0x01, 0x00, 0x10, 0x00, 0, 0, 0, 0 }, /* 1 MB and 1 */
		{ 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, FRAME_FDS_MAX + 1, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, 1, 0, 0 },
		{ 0, 0, 0, 0, 0, 0, 1, 0 },
		{ 0, 0, 0, 0, 0, 0, 0, 0x80 },
	};
	(void)state;

	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		Tandem__ControlFrame *frame = NULL;
		size_t size, fdc;

		assert_int_equal(frame_parse(&frame, &size, &fdc, heads[i],
					     FRAME_HEAD),
				 EPROTO);
		assert_null(frame);
	}
}


static void bytes_that_do_not_decode_are_refused(void **state)
{
	uint8_t data[FRAME_HEAD + 4] = { 4, 0, 0,    0,    0,    0,
					 0, 0, 0x0a, 0x7f, 0x00, 0x00 };
	Tandem__ControlFrame *frame = NULL;
	size_t size, fdc;
	(void)state;

	assert_int_equal(frame_parse(&frame, &size, &fdc, data, sizeof(data)),
			 EPROTO);
	assert_null(frame);
}


/* A frame of a newer release: known that it is one, not what it says. */
static void an_unknown_body_is_a_frame_without_a_known_body(void **state)
{
	const uint8_t data[FRAME_HEAD + 3] = { 3, 0, 0, 0, 0, 0, 0, 0,
					       /* field 100, length 0 */
					       0xa2, 0x06, 0x00 };
	Tandem__ControlFrame *frame = NULL;
	size_t size, fdc;
	(void)state;

	assert_int_equal(frame_parse(&frame, &size, &fdc, data, sizeof(data)),
			 0);
	assert_int_equal(frame->body_case,
			 TANDEM__CONTROL_FRAME__BODY__NOT_SET);
	frame_free(frame);
}


/* 500,000 elements of two bytes each would take some 80 MB unpacked. */
static void a_frame_cannot_be_blown_up_in_memory(void **state)
{
	const size_t inner = 1000000;
	const size_t len = FRAME_HEAD + 4 + inner;
	Tandem__ControlFrame *frame = NULL;
	size_t size, fdc;
	uint8_t *data = calloc(1, len);
	(void)state;

	assert_non_null(data);
	data[0] = (uint8_t)(len - FRAME_HEAD);
	data[1] = (uint8_t)((len - FRAME_HEAD) >> 8);
	data[2] = (uint8_t)((len - FRAME_HEAD) >> 16);
	data[8] = 0x72; /* sockets = 14 */
	data[9] = 0x80 | (inner & 0x7f);
	data[10] = 0x80 | (inner >> 7 & 0x7f);
	data[11] = (uint8_t)(inner >> 14);
	for (size_t i = 0; i + 1 < inner; i += 2)
		data[12 + i] = 0x0a; /* sockets.sockets, empty */

	assert_int_equal(frame_parse(&frame, &size, &fdc, data, len), EPROTO);
	assert_null(frame);
	free(data);
}


static void a_frame_too_large_to_be_read_is_not_printed(void **state)
{
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__AdminReply reply;
	char *text = malloc(FRAME_BYTES_MAX + 1);
	uint8_t *data = NULL;
	size_t len;
	(void)state;

	assert_non_null(text);
	memset(text, 'x', FRAME_BYTES_MAX);
	text[FRAME_BYTES_MAX] = '\0';
	tandem__admin_reply__init(&reply);
	reply.json = text;
	frame.body_case = CTL_BODY(ADMIN_REPLY);
	frame.admin_reply = &reply;

	assert_int_equal(frame_print(&data, &len, &frame, 0), EMSGSIZE);
	text[FRAME_BYTES_MAX - 16] = '\0';
	assert_int_equal(frame_print(&data, &len, &frame, FRAME_FDS_MAX + 1),
			 EMSGSIZE);
	assert_null(data);
	assert_int_equal(frame_print(&data, &len, &frame, 0), 0);

	free(data);
	free(text);
}


static void frames_are_read_one_by_one_with_their_descriptors(void **state)
{
	struct fixture *fx = *state;
	Tandem__ControlFrame out = TANDEM__CONTROL_FRAME__INIT;
	Tandem__Ready ready = TANDEM__READY__INIT;
	const int fds[] = { fx->a, fx->b };

	out.body_case = CTL_BODY(READY);
	out.ready = &ready;
	for (unsigned i = 0; i < 3; i++) {
		ready.adopted = i;
		assert_int_equal(frame_write(fx->a, &out, fds, i), 0);
	}

	for (unsigned i = 0; i < 3; i++) {
		Tandem__ControlFrame *frame = NULL;
		int got[FRAME_FDS_MAX];
		size_t gotc = FRAME_FDS_MAX;

		assert_int_equal(frame_read(fx->b, &frame, got, &gotc, 5000),
				 0);
		assert_int_equal(frame->ready->adopted, i);
		assert_int_equal(gotc, i);
		fds_close(got, gotc);
		frame_free(frame);
	}
}


static void silence_ends_at_the_deadline(void **state)
{
	struct fixture *fx = *state;
	Tandem__ControlFrame *frame = NULL;
	size_t fdc = 0;

	assert_int_equal(frame_read(fx->b, &frame, NULL, &fdc, 20), ETIMEDOUT);
	assert_int_equal(write(fx->a, "\x05\0\0", 3), 3);
	assert_int_equal(frame_read(fx->b, &frame, NULL, &fdc, 20), ETIMEDOUT);
	assert_null(frame);
}


static void the_other_side_gone_is_told_from_silence(void **state)
{
	struct fixture *fx = *state;
	Tandem__ControlFrame *frame = NULL;
	size_t fdc = 0;

	assert_int_equal(write(fx->a, "\x05\0\0", 3), 3);
	close(fx->a);
	fx->a = -1;

	assert_int_equal(frame_read(fx->b, &frame, NULL, &fdc, 5000),
			 ECONNRESET);
}


static void descriptors_that_were_not_announced_are_closed(void **state)
{
	struct fixture *fx = *state;
	const int fds[] = { fx->a, fx->b, fx->a };
	Tandem__ControlFrame *frame = NULL;
	int got[FRAME_FDS_MAX];
	size_t gotc = FRAME_FDS_MAX;
	uint8_t *data;
	const size_t len = failed_print(&data, "two", 2);
	const int before = open_fdc();

	assert_int_equal(fdpass_send(fx->a, data, len, fds, 3), len);
	assert_int_equal(frame_read(fx->b, &frame, got, &gotc, 5000), EPROTO);
	assert_int_equal(gotc, 0);
	assert_int_equal(open_fdc(), before);

	/* Fewer than announced. */
	assert_int_equal(fdpass_send(fx->a, data, len, fds, 1), len);
	gotc = FRAME_FDS_MAX;
	assert_int_equal(frame_read(fx->b, &frame, got, &gotc, 5000), EPROTO);
	assert_int_equal(open_fdc(), before);

	/* More than the reader has room for. */
	assert_int_equal(fdpass_send(fx->a, data, len, fds, 2), len);
	gotc = 1;
	assert_int_equal(frame_read(fx->b, &frame, got, &gotc, 5000), EPROTO);
	assert_int_equal(open_fdc(), before);
	assert_null(frame);

	free(data);
}


static void *write_large(void *arg)
{
	struct fixture *fx = arg;
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__AdminReply reply;
	static char text[FRAME_BYTES_MAX - 64];
	const int fds[] = { fx->a };
	int err;

	memset(text, 'x', sizeof(text) - 1);
	tandem__admin_reply__init(&reply);
	reply.json = text;
	frame.body_case = CTL_BODY(ADMIN_REPLY);
	frame.admin_reply = &reply;
	err = frame_write(fx->a, &frame, fds, 1);

	fx->err = err;

	return NULL;
}


/* Larger than any socket buffer: written and read in parts. */
static void a_frame_larger_than_the_socket_takes_arrives_whole(void **state)
{
	struct fixture *fx = *state;
	Tandem__ControlFrame *frame = NULL;
	pthread_t writer;
	int got[FRAME_FDS_MAX];
	size_t gotc = FRAME_FDS_MAX;
	int err;

	assert_int_equal(pthread_create(&writer, NULL, write_large, fx), 0);
	err = frame_read(fx->b, &frame, got, &gotc, 30000);
	assert_int_equal(pthread_join(writer, NULL), 0);

	assert_int_equal(err, 0);
	assert_int_equal(fx->err, 0);
	assert_int_equal(gotc, 1);
	assert_int_equal(strlen(frame->admin_reply->json),
			 FRAME_BYTES_MAX - 65);

	fds_close(got, gotc);
	frame_free(frame);
}


/* Both ways through memory and through a socket. */
static int a_frame_goes_out_and_comes_back(void)
{
	Tandem__ControlFrame out = TANDEM__CONTROL_FRAME__INIT;
	Tandem__Commit commit = TANDEM__COMMIT__INIT;
	Tandem__ControlFrame *in = NULL;
	int pair[2];
	int fds[1] = { STDERR_FILENO };
	size_t fdc = 1;
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;

	commit.config_version = 7;
	out.body_case = CTL_BODY(COMMIT);
	out.commit = &commit;

	err = frame_write(pair[0], &out, fds, 1);
	if (!err)
		err = frame_read(pair[1], &in, fds, &fdc, 5000);
	if (!err) {
		fds_close(fds, fdc);
		frame_free(in);
	}

	close(pair[0]);
	close(pair[1]);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(what_is_printed_parses_to_the_same),
		T(every_shorter_beginning_asks_for_more),
		T(bytes_behind_a_frame_are_not_its_own),
		T(a_head_that_promises_too_much_is_refused_at_once),
		T(bytes_that_do_not_decode_are_refused),
		T(an_unknown_body_is_a_frame_without_a_known_body),
		T(a_frame_cannot_be_blown_up_in_memory),
		T(a_frame_too_large_to_be_read_is_not_printed),
		T(frames_are_read_one_by_one_with_their_descriptors),
		T(silence_ends_at_the_deadline),
		T(the_other_side_gone_is_told_from_silence),
		T(descriptors_that_were_not_announced_are_closed),
		T(a_frame_larger_than_the_socket_takes_arrives_whole),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_frame_goes_out_and_comes_back),
	};

	return T_MAIN(tests, scenarios);
}
