/**
 * @file shared/ev/ev.c  The event loop
 *
 * One turn of libuv is: prepare, wait for descriptors and call their
 * handlers, check. The wheel turns in check, with the time as it is then; in
 * prepare the one uv timer is set to when the wheel must turn next. So it
 * does not matter who started or stopped a timer, nor from where.
 */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uv.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"

enum {
	POSTS_MAX = 1024, /**< Power of two */
	PACE_UP = 16,     /**< A loop that works more than this part of it */
	PACE_DOWN = 64,   /**< Less than this part: at a longer pace the same
			   work may take half the time */
	PACE_TURNS = 32,  /**< Begun at one pace, before it is judged */
	PACE_LOSS = 8,    /**< By this part less was done: it did not pay */
	PACE_HOLD_US = 2000000, /**< Then not tried again so soon */
};

/** How soon the next turn begins while there is much to do */
struct pace {
	int64_t us; /**< Of now; 0: none */
	int64_t least_us, most_us;
	int64_t began_us;     /**< When the last turn with work in it began */
	int64_t hold_us;      /**< Until then it does not grow */
	int64_t before_us;    /**< What it was before it grew; 0: it did not */
	uint64_t before_done; /**< What was done in a second then */
	struct {
		int64_t since_us;
		int64_t worked_us;
		uint64_t done;
		uint32_t turns;
	} stint; /**< What was seen at this pace */
};

/** A place in the ring of posts: filled when turn says so (Vyukov's bounded
 *  queue: many producers, one consumer, no lock) */
struct post {
	_Atomic size_t turn;
	ev_h *h;
	void *arg;
};

struct ev_watch {
	uv_poll_t poll;
	struct ev *ev;
	int flags; /**< What is watched for; 0: nothing now */
	ev_watch_h *h;
	void *arg;
};

struct signal_watch {
	uv_signal_t signal;
	struct signal_watch *next;
	struct ev *ev;
	ev_signal_h *h;
	void *arg;
};

struct ev {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_async_t async;
	struct wheel *wheel;
	struct signal_watch *signals;
	struct ev_late *late; /**< Last one first; order does not matter */
	size_t watchc;
	bool turning;    /**< Else there is no turn whose time could be kept */
	int64_t now_us;  /**< Of this turn; 0: not asked yet */
	int64_t boot_us; /**< The same by the other clock */
	struct pace pace;
	int64_t lag_us;
	int result;
	struct post posts[POSTS_MAX];
	_Atomic size_t post_in;
	size_t post_out;
};


/* The turn begins with the first handler that is called in it. */
int64_t ev_now_us(const struct ev *ev)
{
	struct ev *e = unconst(ev);

	if (!e->turning)
		return clk_mono_us();
	if (e->now_us == 0)
		e->now_us = clk_mono_us();

	return e->now_us;
}


int64_t ev_boot_us(const struct ev *ev)
{
	struct ev *e = unconst(ev);

	if (!e->turning)
		return clk_boot_us();
	if (e->boot_us == 0)
		e->boot_us = clk_boot_us();

	return e->boot_us;
}


static void on_timer(uv_timer_t *timer)
{
	(void)timer; /* it only wakes the loop: the wheel turns in check */
}


static void turn_over(struct ev *ev, int64_t now_us)
{
	if (ev->now_us && now_us - ev->now_us > ev->lag_us)
		ev->lag_us = now_us - ev->now_us;
	ev->now_us = ev->boot_us = 0;
}


/* Belongs to the turn that ends. As many times as there are handlers that ask
 * again: each is a step of its owner's, which is bounded. */
static void call_late(struct ev *ev)
{
	while (ev->late) {
		struct ev_late *first = ev->late;

		ev->late = first->next;
		first->ev = NULL;
		first->h(first->arg);
	}
}


void ev_late_start(struct ev_late *late, struct ev *ev, ev_h *h, void *arg)
{
	if (late->ev)
		return;

	*late = (struct ev_late){ ev->late, ev, h, arg };
	ev->late = late;
}


void ev_late_stop(struct ev_late *late)
{
	if (!late->ev)
		return;

	for (struct ev_late **at = &late->ev->late; *at; at = &(*at)->next) {
		if (*at == late) {
			*at = late->next;
			break;
		}
	}
	late->ev = NULL;
}


static void stint_begin(struct pace *p, int64_t us, int64_t now_us)
{
	p->us = us;
	memset(&p->stint, 0, sizeof(p->stint));
	p->stint.since_us = now_us;
}


static int64_t at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}


/* By how much of its time the loop works: when that grows, what a turn costs
 * by itself is shared by more. The two bounds lie apart, lest it swings. Where
 * less is done at a longer pace it was not shared by more: whoever sends
 * waits for what we answer. */
static void pace_judge(struct pace *p, int64_t now_us)
{
	const int64_t took_us = at_least(now_us - p->stint.since_us, 1);
	const int64_t whole_us = p->stint.turns * p->us;
	const uint64_t done = p->stint.done * 1000000 / (uint64_t)took_us;
	const int64_t from_us = p->before_us;
	int64_t us = p->us;

	p->before_us = 0;
	if (from_us && done + p->before_done / PACE_LOSS < p->before_done) {
		us = from_us;
		p->hold_us = now_us + PACE_HOLD_US;
	}
	else if (p->stint.worked_us > whole_us / PACE_UP && us < p->most_us &&
		 now_us >= p->hold_us) {
		p->before_us = us;
		p->before_done = done;
		us = 2 * us < p->most_us ? 2 * us : p->most_us;
	}
	else if (p->stint.worked_us < whole_us / PACE_DOWN) {
		us = at_least(us / 2, p->least_us);
	}
	stint_begin(p, us, now_us);
}


/* Two turns with work in quick succession: a third is not far. */
static void pace(struct pace *p, int64_t began_us, int64_t now_us)
{
	const int64_t since_us = began_us - p->began_us;
	int64_t left_us;

	p->began_us = began_us;
	if (since_us >= 2 * p->us) {
		p->before_us = 0;
		stint_begin(p, p->least_us, began_us);
		return;
	}

	p->stint.worked_us += now_us - began_us;
	if (++p->stint.turns == PACE_TURNS)
		pace_judge(p, began_us);
	left_us = began_us + p->us - now_us;
	if (left_us > 0) {
		const struct timespec wait = { .tv_nsec = left_us * 1000 };

		(void)nanosleep(&wait, NULL); /* a signal ends it: well */
	}
}


static void on_prepare(uv_prepare_t *prepare)
{
	struct ev *ev = prepare->data;
	const int64_t began_us = ev->now_us;
	int64_t now_us;
	uint32_t next;

	call_late(ev);
	now_us = clk_mono_us();
	if (ev->pace.us && began_us) {
		turn_over(ev, now_us);
		pace(&ev->pace, began_us, now_us);
		now_us = clk_mono_us();
	}
	next = wheel_next_ms(ev->wheel);
	turn_over(ev, now_us);
	if (next == UINT32_MAX) {
		uv_timer_stop(&ev->timer);
	}
	else {
		const int64_t due_us = (wheel_now_ms(ev->wheel) + next) * 1000;
		const int64_t left_us = due_us - now_us;

		uv_update_time(&ev->loop);
		(void)uv_timer_start(&ev->timer, on_timer,
				     left_us > 0
					     ? (uint64_t)(left_us + 999) / 1000
					     : 0,
				     0);
	}
}


static void on_check(uv_check_t *check)
{
	struct ev *ev = check->data;

	wheel_turn(ev->wheel, ev_now_us(ev) / 1000);
}


static void on_async(uv_async_t *async)
{
	struct ev *ev = async->data;

	(void)ev_now_us(ev);
	for (size_t i = 0; i < POSTS_MAX; i++) {
		struct post *post = &ev->posts[ev->post_out % POSTS_MAX];
		ev_h *h;
		void *arg;

		if (atomic_load_explicit(&post->turn, memory_order_acquire) !=
		    ev->post_out + 1)
			return;
		h = post->h;
		arg = post->arg;
		atomic_store_explicit(&post->turn, ev->post_out + POSTS_MAX,
				      memory_order_release);
		ev->post_out++;
		h(arg);
	}

	/* As many again may have come: the next turn has its say first. */
	(void)uv_async_send(&ev->async);
}


int ev_post(struct ev *ev, ev_h *h, void *arg)
{
	size_t at = atomic_load_explicit(&ev->post_in, memory_order_relaxed);
	struct post *post;

	for (;;) {
		size_t turn;

		post = &ev->posts[at % POSTS_MAX];
		turn = atomic_load_explicit(&post->turn, memory_order_acquire);
		if (turn == at) {
			if (atomic_compare_exchange_weak_explicit(
				    &ev->post_in, &at, at + 1,
				    memory_order_relaxed,
				    memory_order_relaxed))
				break;
		}
		else if ((ptrdiff_t)(turn - at) < 0) {
			return EAGAIN;
		}
		else {
			at = atomic_load_explicit(&ev->post_in,
						  memory_order_relaxed);
		}
	}

	post->h = h;
	post->arg = arg;
	atomic_store_explicit(&post->turn, at + 1, memory_order_release);

	return -uv_async_send(&ev->async);
}


/* The handles of the loop itself; none of these calls fails but the async
 * one, which opens a descriptor. */
static int handles_open(struct ev *ev)
{
	int err;

	err = -uv_async_init(&ev->loop, &ev->async, on_async);
	if (err)
		return err;

	(void)uv_timer_init(&ev->loop, &ev->timer);
	(void)uv_prepare_init(&ev->loop, &ev->prepare);
	(void)uv_check_init(&ev->loop, &ev->check);
	ev->async.data = ev;
	ev->prepare.data = ev;
	ev->check.data = ev;
	(void)uv_prepare_start(&ev->prepare, on_prepare);
	(void)uv_check_start(&ev->check, on_check);

	return 0;
}


int ev_alloc(struct ev **evp)
{
	struct ev *ev = calloc(1, sizeof(*ev));
	int err;

	if (!ev)
		return ENOMEM;

	for (size_t i = 0; i < POSTS_MAX; i++)
		atomic_store_explicit(&ev->posts[i].turn, i,
				      memory_order_relaxed);

	err = wheel_alloc(&ev->wheel, clk_mono_us() / 1000);
	if (err)
		goto out;

	err = -uv_loop_init(&ev->loop);
	if (err)
		goto out;

	err = handles_open(ev);
	if (err)
		(void)uv_loop_close(&ev->loop);

out:
	if (err) {
		wheel_free(ev->wheel);
		free(ev);
	}
	else {
		*evp = ev;
	}

	return err;
}


static void on_signal_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct signal_watch, signal));
}


struct ev *ev_free(struct ev *ev)
{
	int err;

	if (!ev)
		return NULL;

	assert(ev->watchc == 0); /* a watch outlives its loop: our own bug */

	while (ev->signals) {
		struct signal_watch *signal = ev->signals;

		ev->signals = signal->next;
		uv_close((uv_handle_t *)&signal->signal, on_signal_closed);
	}
	uv_close((uv_handle_t *)&ev->async, NULL);
	uv_close((uv_handle_t *)&ev->timer, NULL);
	uv_close((uv_handle_t *)&ev->prepare, NULL);
	uv_close((uv_handle_t *)&ev->check, NULL);

	/* Again after a stop that nobody has run into yet. */
	do {
		(void)uv_run(&ev->loop, UV_RUN_DEFAULT);
	} while (uv_loop_alive(&ev->loop));

	err = uv_loop_close(&ev->loop);
	assert(err == 0);
	(void)err;
	wheel_free(ev->wheel);
	free(ev);

	return NULL;
}


static int uv_events(int flags)
{
	return (flags & EV_READ ? UV_READABLE : 0) |
	       (flags & EV_WRITE ? UV_WRITABLE : 0) |
	       (flags & EV_HANGUP ? UV_DISCONNECT : 0);
}


static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ev_watch *watch = CONTAINER_OF(poll, struct ev_watch, poll);
	int flags = (events & UV_READABLE ? EV_READ : 0) |
		    (events & UV_WRITABLE ? EV_WRITE : 0) |
		    (events & UV_DISCONNECT ? EV_HANGUP : 0);

	/* An error of the descriptor: whoever reads or writes will learn which.
	 * libuv has stopped watching; but a datagram's "port unreachable" is
	 * no end, and what stays broken is for its owner to close. */
	if (status < 0) {
		flags = EV_HANGUP | (watch->flags & (EV_READ | EV_WRITE));
		(void)uv_poll_start(poll, uv_events(watch->flags), on_poll);
	}

	(void)ev_now_us(watch->ev);
	watch->h(flags, watch->arg);
}


int ev_watch(struct ev_watch **watchp, struct ev *ev, int fd, int flags,
	     ev_watch_h *h, void *arg)
{
	struct ev_watch *watch = calloc(1, sizeof(*watch));
	int err;

	if (!watch)
		return ENOMEM;

	watch->ev = ev;
	watch->h = h;
	watch->arg = arg;

	err = -uv_poll_init(&ev->loop, &watch->poll, fd);
	if (err) {
		free(watch);
		return err;
	}
	ev->watchc++;

	err = ev_watch_change(watch, flags);
	if (err)
		ev_unwatch(watch);
	else
		*watchp = watch;

	return err;
}


int ev_watch_change(struct ev_watch *watch, int flags)
{
	watch->flags = flags;
	if (flags == 0)
		return -uv_poll_stop(&watch->poll);

	return -uv_poll_start(&watch->poll, uv_events(flags), on_poll);
}


static void on_poll_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct ev_watch, poll));
}


struct ev_watch *ev_unwatch(struct ev_watch *watch)
{
	if (!watch)
		return NULL;

	watch->ev->watchc--;
	uv_close((uv_handle_t *)&watch->poll, on_poll_closed);

	return NULL;
}


/* The wheel counts from its last turn, which in an idle loop is long ago; and
 * a part of a millisecond that has begun is not given away: no timer is
 * early. */
void ev_timer_start(struct ev_timer *timer, struct ev *ev, uint32_t delay_ms,
		    ev_h *h, void *arg)
{
	const int64_t now_ms = (ev_now_us(ev) + 999) / 1000;
	const int64_t behind = now_ms - wheel_now_ms(ev->wheel);
	const int64_t delay = delay_ms + (behind > 0 ? behind : 0);

	wheel_start(ev->wheel, &timer->wheel,
		    delay < UINT32_MAX ? (uint32_t)delay : UINT32_MAX, h, arg);
}


void ev_timer_stop(struct ev_timer *timer)
{
	wheel_stop(&timer->wheel);
}


bool ev_timer_running(const struct ev_timer *timer)
{
	return wheel_running(&timer->wheel);
}


static void on_signal(uv_signal_t *handle, int signo)
{
	struct signal_watch *signal = CONTAINER_OF(handle, struct signal_watch,
						   signal);

	(void)ev_now_us(signal->ev);
	signal->h(signo, signal->arg);
}


int ev_signal(struct ev *ev, int signo, ev_signal_h *h, void *arg)
{
	struct signal_watch *signal = calloc(1, sizeof(*signal));
	int err;

	if (!signal)
		return ENOMEM;

	signal->ev = ev;
	signal->h = h;
	signal->arg = arg;

	err = -uv_signal_init(&ev->loop, &signal->signal);
	if (err) {
		free(signal);
		return err;
	}

	err = -uv_signal_start(&signal->signal, on_signal, signo);
	if (err) {
		uv_close((uv_handle_t *)&signal->signal, on_signal_closed);
		return err;
	}

	signal->next = ev->signals;
	ev->signals = signal;

	return 0;
}


/* A stop that was asked for before the loop ran holds too. */
static void turn(struct ev *ev, uv_run_mode mode)
{
	ev->turning = true;
	(void)uv_run(&ev->loop, mode);
	ev->turning = false;
	turn_over(ev, clk_mono_us());
}


int ev_run(struct ev *ev)
{
	int result;

	turn(ev, UV_RUN_DEFAULT);
	result = ev->result;
	ev->result = 0;

	return result;
}


void ev_stop(struct ev *ev, int result)
{
	ev->result = result;
	uv_stop(&ev->loop);
}


void ev_pace_set(struct ev *ev, uint32_t least_us, uint32_t most_us)
{
	assert(least_us <= most_us && most_us < 1000000);

	memset(&ev->pace, 0, sizeof(ev->pace));
	ev->pace.us = least_us;
	ev->pace.least_us = least_us;
	ev->pace.most_us = most_us;
}


uint32_t ev_pace_us(const struct ev *ev)
{
	return (uint32_t)ev->pace.us;
}


void ev_pace_done(struct ev *ev, size_t count)
{
	ev->pace.stint.done += count;
}


int64_t ev_lag_take_us(struct ev *ev)
{
	const int64_t lag_us = ev->lag_us;

	ev->lag_us = 0;

	return lag_us;
}


bool ev_turn(struct ev *ev)
{
	turn(ev, UV_RUN_NOWAIT);

	return ev->watchc > 0 || wheel_count(ev->wheel) > 0;
}
