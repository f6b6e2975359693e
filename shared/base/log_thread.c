/**
 * @file shared/base/log_thread.c  A slow disk delays the log, never a call
 *
 * Diagnostics: tandem_log_dropped_total.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log_int.h"
#include "shared/base/log_thread.h"
#include "shared/base/thread.h"

enum {
	PIPE_BYTES = 1 << 20, /**< What a process may have without rights */
	CHUNK_BYTES = 64 << 10,
	DRAIN_BYTES = 4 << 10, /**< On the stack of a signal handler */
	STACK_BYTES = 64 << 10,
	NAP_NS = 10 * 1000000, /**< So that lines are written together */
	END_US = 1000000,      /**< More than a disk that is only busy needs */
};

/* There is one descriptor 2 (rule zero). */
static struct {
	pthread_t thread;
	int from; /**< End of the pipe that the thread reads; -1: none */
	int to;
	_Atomic uint32_t refused; /**< Lines, not yet counted by the loop */
	char chunk[CHUNK_BYTES];
} state = { .from = -1, .to = -1 };


static uint32_t lines_of(const char *text, size_t len)
{
	uint32_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';

	return n;
}


/* Of what is refused, the rest is lost: a line is not begun in its middle. */
static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(STDERR_FILENO, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
		else if (errno == EAGAIN) {
			struct pollfd pfd = { STDERR_FILENO, POLLOUT, 0 };

			(void)poll(&pfd, 1, -1);
		}
		else if (errno != EINTR) {
			state.refused += lines_of(text, len);
			return;
		}
	}
}


/* @return false at the end: nobody writes into the pipe any more */
static bool pass_on(char *buffer, size_t size)
{
	ssize_t n;

	while ((n = read(state.from, buffer, size)) > 0)
		write_all(buffer, (size_t)n);

	return n < 0;
}


static void *run(void *arg)
{
	static const struct timespec nap = { .tv_nsec = NAP_NS };
	struct pollfd pfd = { .fd = state.from, .events = POLLIN };

	(void)arg;
	do {
		if (poll(&pfd, 1, -1) == 1 && !(pfd.revents & POLLHUP))
			(void)nanosleep(&nap, NULL);
	} while (pass_on(state.chunk, sizeof(state.chunk)));

	return NULL;
}


static void close_pipe(void)
{
	if (state.to >= 0)
		(void)close(state.to);
	if (state.from >= 0)
		(void)close(state.from);
	state.to = state.from = -1;
}


int log_thread_start(void)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return errno;
	state.from = fds[0];
	state.to = fds[1];
	/* Of a process that may not have it: as much as it has. */
	(void)fcntl(state.to, F_SETPIPE_SZ, PIPE_BYTES);

	err = thread_start(&state.thread, STACK_BYTES, run, NULL);
	if (err)
		close_pipe();
	else
		log_pipe_set(state.to);

	return err;
}


void log_thread_count(void)
{
	if (atomic_load_explicit(&state.refused, memory_order_relaxed) > 0)
		log_count_dropped(atomic_exchange(&state.refused, 0));
}


static bool has_ended(void)
{
	const int64_t end_us = clk_wall_us() + END_US;
	const struct timespec end = { .tv_sec = end_us / 1000000,
				      .tv_nsec = end_us % 1000000 * 1000 };

	return pthread_timedjoin_np(state.thread, NULL, &end) == 0;
}


void log_thread_end(void)
{
	if (state.to < 0)
		return;

	log_pipe_set(-1);
	(void)close(state.to);
	state.to = -1;
	if (has_ended())
		close_pipe();
	else
		(void)pthread_detach(state.thread); /* it reads the pipe yet */
	log_thread_count();
}


void log_thread_drain(void)
{
	char buffer[DRAIN_BYTES];

	if (state.from >= 0)
		(void)pass_on(buffer, sizeof(buffer));
}
