/**
 * @file shared/base/log_thread.c  A slow disk delays the log, never a call
 *
 * A ring with one writer, whoever logs, and one reader, the thread. The thread
 * is woken by the first line and then sleeps for some milliseconds, so that it
 * costs whoever logs a copy, and a hundred times a second a call.
 *
 * Diagnostics: tandem_log_dropped_total.
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/log_int.h"
#include "shared/base/log_thread.h"
#include "shared/base/thread.h"

enum {
	RING_BYTES = 512 << 10,
	STACK_BYTES = 64 << 10,
	CACHE_LINE = 64,
	NAP_NS = 10 * 1000000, /**< So that lines are written together */
	END_US = 1000000,      /**< More than a disk that is only busy needs */
};

/* There is one descriptor 2 (rule zero). */
static struct {
	pthread_t thread;
	sem_t wake;
	bool runs;
	_Atomic bool sleeps; /**< Until it is woken */
	_Atomic bool ends;
	_Atomic uint32_t refused; /**< Lines, not yet counted by the loop */
	/* Bytes since the start; each has one writer */
	_Alignas(CACHE_LINE) _Atomic uint64_t put;
	_Alignas(CACHE_LINE) _Atomic uint64_t taken;
	_Alignas(CACHE_LINE) char ring[RING_BYTES];
} state;


static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}


/* --- whoever logs
 * ------------------------------------------------------------------- */

static bool put(const char *text, size_t len)
{
	const uint64_t at = state.put;
	const size_t offset = at % RING_BYTES;
	const size_t first = least(len, RING_BYTES - offset);

	if (len > RING_BYTES - (at - state.taken))
		return false;

	memcpy(state.ring + offset, text, first);
	memcpy(state.ring, text + first, len - first);
	state.put = at + len;
	if (state.sleeps && atomic_exchange(&state.sleeps, false))
		(void)sem_post(&state.wake);

	return true;
}


/* --- the thread
 * ------------------------------------------------------------------- */

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
		else if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { STDERR_FILENO, POLLOUT, 0 };

			(void)poll(&pfd, 1, -1);
		}
		else if (n == 0 || errno != EINTR) {
			state.refused += lines_of(text, len);
			return;
		}
	}
}


/* From there on what lies together; @return where that ends */
static uint64_t write_some(uint64_t from, uint64_t to)
{
	const size_t offset = from % RING_BYTES;
	const size_t len = least(to - from, RING_BYTES - offset);

	write_all(state.ring + offset, len);

	return from + len;
}


/* Said before it looks, so that no line comes between unseen. */
static void sleep_until_woken(void)
{
	state.sleeps = true;
	if (state.taken == state.put && !state.ends)
		(void)sem_wait(&state.wake);
	state.sleeps = false;
}


static void *run(void *arg)
{
	static const struct timespec nap = { .tv_nsec = NAP_NS };
	bool ends;

	(void)arg;
	do {
		sleep_until_woken();
		if (!state.ends)
			(void)nanosleep(&nap, NULL);
		ends = state.ends; /* and nobody puts any more */
		while (state.taken != state.put)
			state.taken = write_some(state.taken, state.put);
	} while (!ends);

	return NULL;
}


/* --- its life
 * ------------------------------------------------------------------- */

int log_thread_start(void)
{
	int err;

	state.ends = false;
	if (sem_init(&state.wake, 0, 0) != 0)
		return errno;
	err = thread_start(&state.thread, STACK_BYTES, run, NULL);
	if (err)
		return err;
	state.runs = true;
	log_put_set(put);

	return 0;
}


void log_thread_count(void)
{
	if (state.refused > 0)
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
	if (!state.runs)
		return;

	log_put_set(NULL);
	state.runs = false;
	state.ends = true;
	(void)sem_post(&state.wake);
	if (has_ended())
		(void)sem_destroy(&state.wake);
	else
		(void)pthread_detach(state.thread);
	log_thread_count();
}


/* What the thread is about to write may so be written twice. */
void log_thread_drain(void)
{
	uint64_t at = state.taken;
	const uint64_t end = state.put;

	while (at != end)
		at = write_some(at, end);
}
