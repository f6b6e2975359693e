/**
 * @file test/unit/ipc/test_channel.c  The control channel in a loop
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ipc/fdpass.h"
#include "shared/ipc/frame.h"
#include "test/support/t.h"

enum {
	SEEN_MAX = 64
};

/** One end: what came to it */
struct end {
	struct channel *ch;
	uint32_t frames;
	uint32_t adopted[SEEN_MAX]; /**< Of Ready frames, in order */
	size_t jsonlen;             /**< Of the last AdminReply */
	size_t fdc;                 /**< Descriptors in all */
	size_t last_fdc;            /**< With the last frame */
	uint32_t ends;
	int err;
	uint32_t free_at; /**< Free the channel at this frame; 0: never */
	uint32_t answer;  /**< Send so many frames from the handler */
};

struct fixture {
	struct ev *ev;
	struct end left;
	struct end right;
	int raw; /**< The right end, when it has no channel */
};


static int ready_send(struct channel *ch, uint32_t adopted, const int *fds,
		      size_t fdc)
{
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__Ready ready = TANDEM__READY__INIT;

	ready.adopted = adopted;
	frame.body_case = CTL_BODY(READY);
	frame.ready = &ready;

	return channel_send(ch, &frame, fds, fdc);
}


/* len bytes of JSON that say nothing */
static int json_send(struct channel *ch, size_t len)
{
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__AdminReply reply;
	char *text = malloc(len + 1);
	int err;

	if (!text)
		return ENOMEM;

	memset(text, 'x', len);
	text[len] = '\0';
	tandem__admin_reply__init(&reply);
	reply.json = text;
	frame.body_case = CTL_BODY(ADMIN_REPLY);
	frame.admin_reply = &reply;

	err = channel_send(ch, &frame, NULL, 0);
	free(text);

	return err;
}


static void on_frame(const Tandem__ControlFrame *frame, const int *fds,
		     size_t fdc, void *arg)
{
	struct end *end = arg;

	if (frame->body_case == CTL_BODY(READY) && end->frames < SEEN_MAX)
		end->adopted[end->frames] = frame->ready->adopted;
	if (frame->body_case == CTL_BODY(ADMIN_REPLY))
		end->jsonlen = strlen(frame->admin_reply->json);

	end->frames++;
	end->fdc += fdc;
	end->last_fdc = fdc;
	fds_close(fds, fdc);

	for (; end->answer > 0; end->answer--)
		(void)ready_send(end->ch, end->answer, NULL, 0);

	if (end->free_at == end->frames)
		end->ch = channel_free(end->ch);
}


static void on_end(int err, void *arg)
{
	struct end *end = arg;

	end->ends++;
	end->err = err;
	if (end->free_at == UINT32_MAX)
		end->ch = channel_free(end->ch);
}


static int open_fdc(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;

	return count;
}


/* A channel at the left; the right end is bare. */
static int setup_raw(void **state)
{
	static struct fixture fx;
	int pair[2];

	memset(&fx, 0, sizeof(fx));
	fx.raw = -1;
	*state = &fx;
	if (ev_alloc(&fx.ev) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;

	fx.raw = pair[1];

	return channel_alloc(&fx.left.ch, fx.ev, pair[0], on_frame, on_end,
			     &fx.left);
}


static int setup(void **state)
{
	struct fixture *fx;
	int raw;

	if (setup_raw(state))
		return -1;

	fx = *state;
	raw = fx->raw;
	fx->raw = -1;

	return channel_alloc(&fx->right.ch, fx->ev, raw, on_frame, on_end,
			     &fx->right);
}


static int teardown(void **state)
{
	struct fixture *fx = *state;

	if (fx->raw >= 0)
		close(fx->raw);
	channel_free(fx->left.ch);
	channel_free(fx->right.ch);
	ev_free(fx->ev);

	return 0;
}


#define TURN_UNTIL(fx, cond) WAIT_FOR(20, (ev_turn((fx)->ev), (cond)))


static void frames_go_both_ways_in_order(void **state)
{
	struct fixture *fx = *state;

	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(ready_send(fx->left.ch, i, NULL, 0), 0);
		assert_int_equal(ready_send(fx->right.ch, 100 + i, NULL, 0),
				 0);
	}
	TURN_UNTIL(fx, fx->left.frames == 10 && fx->right.frames == 10);

	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(fx->right.adopted[i], i);
		assert_int_equal(fx->left.adopted[i], 100 + i);
	}
}


static void descriptors_come_with_the_frame_that_speaks_of_them(void **state)
{
	struct fixture *fx = *state;
	int fds[FRAME_FDS_MAX];
	const size_t counts[] = { 0, 1, FRAME_FDS_MAX, 0, 2, 3, 0 };
	size_t sum = 0;

	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = STDERR_FILENO;

	for (uint32_t i = 0; i < COUNT_OF(counts); i++) {
		assert_int_equal(ready_send(fx->left.ch, i, fds, counts[i]),
				 0);
		sum += counts[i];
		TURN_UNTIL(fx, fx->right.frames == i + 1);
		assert_int_equal(fx->right.last_fdc, counts[i]);
	}

	/* And when they lie in the socket side by side. */
	for (uint32_t i = 0; i < COUNT_OF(counts); i++) {
		assert_int_equal(ready_send(fx->left.ch, i, fds, counts[i]),
				 0);
		sum += counts[i];
	}
	TURN_UNTIL(fx, fx->right.frames == 2 * COUNT_OF(counts));
	assert_int_equal(fx->right.fdc, sum);
	assert_int_equal(fx->right.ends, 0);
}


static void a_frame_may_come_byte_by_byte(void **state)
{
	struct fixture *fx = *state;
	Tandem__ControlFrame frame = TANDEM__CONTROL_FRAME__INIT;
	Tandem__Ready ready = TANDEM__READY__INIT;
	const int fds[] = { STDERR_FILENO, STDERR_FILENO };
	uint8_t *data;
	size_t len;

	ready.adopted = 300;
	frame.body_case = CTL_BODY(READY);
	frame.ready = &ready;
	assert_int_equal(frame_print(&data, &len, &frame, 2), 0);

	for (size_t i = 0; i < len; i++) {
		assert_int_equal(fx->left.frames, 0);
		assert_int_equal(fdpass_send(fx->raw, data + i, 1, fds,
					     i ? 0 : 2),
				 1);
		for (int n = 0; n < 3; n++)
			ev_turn(fx->ev);
	}
	TURN_UNTIL(fx, fx->left.frames == 1);
	assert_int_equal(fx->left.adopted[0], 300);
	assert_int_equal(fx->left.fdc, 2);

	free(data);
}


/* More than the socket takes: the rest follows when there is room, with the
 * descriptors where they belong, though the sender's are long closed. */
static void what_the_socket_does_not_take_is_sent_later(void **state)
{
	struct fixture *fx = *state;
	int fd;

	for (int i = 0; i < 3; i++)
		assert_int_equal(json_send(fx->left.ch, 900000), 0);
	fd = dup(STDERR_FILENO);
	assert_int_equal(ready_send(fx->left.ch, 42, &fd, 1), 0);
	close(fd);

	TURN_UNTIL(fx, fx->right.frames == 4);
	assert_int_equal(fx->right.jsonlen, 900000);
	assert_int_equal(fx->right.adopted[3], 42);
	assert_int_equal(fx->right.last_fdc, 1);
	assert_int_equal(fx->right.fdc, 1);
	assert_int_equal(fx->left.ends + fx->right.ends, 0);
}


static void a_queue_that_is_full_says_so_and_goes_on(void **state)
{
	struct fixture *fx = *state;
	uint32_t sent = 0;
	int err = 0;

	while (sent < 100 && !err) {
		err = json_send(fx->left.ch, 1000000);
		sent += !err;
	}
	assert_int_equal(err, ENOBUFS);
	assert_in_range(sent, 8, 10);

	TURN_UNTIL(fx, fx->right.frames == sent);
	assert_int_equal(ready_send(fx->left.ch, 1, NULL, 0), 0);
	TURN_UNTIL(fx, fx->right.frames == sent + 1);
}


/* The queue holds duplicates: they are bounded, and all are closed. */
static void descriptors_in_the_queue_are_bounded_and_closed(void **state)
{
	struct fixture *fx = *state;
	const struct rlimit many = { 8192, 8192 };
	struct rlimit before;
	int fds[FRAME_FDS_MAX];
	uint32_t sent = 0;
	int opened;
	int err = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	if (before.rlim_cur < many.rlim_cur &&
	    setrlimit(RLIMIT_NOFILE, &many) < 0)
		skip();

	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = STDERR_FILENO;
	opened = open_fdc();

	/* Nobody reads, and the socket is full. */
	while (json_send(fx->left.ch, 200000) == 0 && sent < 2)
		sent++;
	for (sent = 0; sent < 100 && !err; sent += !err)
		err = ready_send(fx->left.ch, 0, fds, COUNT_OF(fds));
	assert_int_equal(err, ENOBUFS);
	assert_int_equal(sent, FRAME_QUEUE_FDS_MAX / FRAME_FDS_MAX);

	fx->left.ch = channel_free(fx->left.ch);
	assert_int_equal(open_fdc(), opened - 1);
}


static void garbage_ends_the_channel(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(write(fx->raw, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, EPROTO);
	assert_int_equal(fx->left.frames, 0);
	assert_int_equal(ready_send(fx->left.ch, 1, NULL, 0), ENOTCONN);
}


static void a_frame_too_large_ends_the_channel(void **state)
{
	struct fixture *fx = *state;

	/* 1 MB and a byte */
	assert_int_equal(write(fx->raw, "\x01\x00\x10\x00\0\0\0\0", 8), 8);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, EPROTO);
}


static void frames_before_the_garbage_are_delivered(void **state)
{
	struct fixture *fx = *state;

	/* An empty frame, then nonsense */
	assert_int_equal(write(fx->raw,
			       "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0", 16),
			 16);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.frames, 1);
	assert_int_equal(fx->left.err, EPROTO);
}


static void descriptors_nobody_announced_end_the_channel(void **state)
{
	struct fixture *fx = *state;
	const int fds[] = { STDERR_FILENO, STDERR_FILENO };
	const int before = open_fdc();

	assert_int_equal(fdpass_send(fx->raw, "\0\0\0\0\0\0\0\0", 8, fds, 2),
			 8);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, EPROTO);

	/* The channel's own is closed too. */
	assert_int_equal(open_fdc(), before - 1);
}


static void announced_descriptors_that_do_not_come_end_the_channel(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(write(fx->raw, "\0\0\0\0\x01\0\0\0", 8), 8);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, EPROTO);
}


/* One byte and a handful of descriptors at a time: a flood without a frame. */
static void descriptors_without_frames_are_bounded(void **state)
{
	struct fixture *fx = *state;
	int fds[100];
	const int before = open_fdc();

	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fds[i] = STDERR_FILENO;

	for (int i = 0; i < 7; i++)
		(void)fdpass_send(fx->raw, "\0", 1, fds, COUNT_OF(fds));
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, EPROTO);
	assert_int_equal(open_fdc(), before - 1);
}


static void the_other_side_closing_is_no_error(void **state)
{
	struct fixture *fx = *state;

	close(fx->raw);
	fx->raw = -1;
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, 0);

	for (int i = 0; i < 10; i++)
		ev_turn(fx->ev);
	assert_int_equal(fx->left.ends, 1);
}


static void the_other_side_dying_in_a_frame_is_told_apart(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(write(fx->raw, "\x05\0\0", 3), 3);
	close(fx->raw);
	fx->raw = -1;
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->left.err, ECONNRESET);
}


static void sending_to_one_that_is_gone_is_an_error_not_a_signal(void **state)
{
	struct fixture *fx = *state;

	close(fx->raw);
	fx->raw = -1;
	assert_int_equal(ready_send(fx->left.ch, 1, NULL, 0), ECONNRESET);
	assert_int_equal(fx->left.ends, 0);
	TURN_UNTIL(fx, fx->left.ends == 1);
}


static void the_handler_may_free_the_channel(void **state)
{
	struct fixture *fx = *state;

	fx->right.free_at = 2;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(ready_send(fx->left.ch, i, NULL, 0), 0);

	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_int_equal(fx->right.frames, 2);
	assert_int_equal(fx->right.ends, 0);
}


static void the_end_handler_may_free_the_channel(void **state)
{
	struct fixture *fx = *state;

	fx->left.free_at = UINT32_MAX;
	assert_int_equal(write(fx->raw, "garbage!", 8), 8);
	TURN_UNTIL(fx, fx->left.ends == 1);
	assert_null(fx->left.ch);
}


static void the_handler_may_send(void **state)
{
	struct fixture *fx = *state;

	fx->right.answer = 5;
	assert_int_equal(ready_send(fx->left.ch, 0, NULL, 0), 0);
	TURN_UNTIL(fx, fx->left.frames == 5);
	assert_int_equal(fx->left.adopted[0], 5);
	assert_int_equal(fx->left.adopted[4], 1);
}


static void the_descriptor_is_taken_over_also_on_error(void **state)
{
	struct channel *ch = NULL;
	struct ev *ev;
	int pair[2];
	int before;
	(void)state;

	assert_int_equal(ev_alloc(&ev), 0);
	before = open_fdc();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	assert_int_equal(channel_alloc(&ch, ev, pair[0], NULL, on_end, NULL),
			 EINVAL);
	close(pair[1]);
	assert_int_equal(open_fdc(), before);
	ev_free(ev);
}


/* There and back, with a descriptor and with more than the socket takes. */
static int a_conversation(void)
{
	struct fixture *fx;
	const int fd = STDERR_FILENO;
	const int64_t end = t_now_ms() + 20000;
	void *state = NULL;
	int err;

	err = setup(&state);
	fx = state;
	if (err) {
		if (fx)
			teardown(&state);
		return ENOMEM;
	}

	for (int i = 0; i < 3 && !err; i++)
		err = json_send(fx->left.ch, 300000);
	if (!err)
		err = ready_send(fx->left.ch, 1, &fd, 1);

	while (!err && fx->right.frames < 4 && t_now_ms() < end) {
		ev_turn(fx->ev);
		if (fx->right.ends || fx->left.ends)
			err = fx->right.ends ? fx->right.err : fx->left.err;
	}

	teardown(&state);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f)   cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RAW(f) cmocka_unit_test_setup_teardown(f, setup_raw, teardown)
		T(frames_go_both_ways_in_order),
		T(descriptors_come_with_the_frame_that_speaks_of_them),
		RAW(a_frame_may_come_byte_by_byte),
		T(what_the_socket_does_not_take_is_sent_later),
		T(a_queue_that_is_full_says_so_and_goes_on),
		RAW(descriptors_in_the_queue_are_bounded_and_closed),
		RAW(garbage_ends_the_channel),
		RAW(a_frame_too_large_ends_the_channel),
		RAW(frames_before_the_garbage_are_delivered),
		RAW(descriptors_nobody_announced_end_the_channel),
		RAW(announced_descriptors_that_do_not_come_end_the_channel),
		RAW(descriptors_without_frames_are_bounded),
		RAW(the_other_side_closing_is_no_error),
		RAW(the_other_side_dying_in_a_frame_is_told_apart),
		RAW(sending_to_one_that_is_gone_is_an_error_not_a_signal),
		T(the_handler_may_free_the_channel),
		RAW(the_end_handler_may_free_the_channel),
		T(the_handler_may_send),
		cmocka_unit_test(the_descriptor_is_taken_over_also_on_error),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_conversation),
	};

	return T_MAIN(tests, scenarios);
}
