/**
 * @file shared/svc/heir.c  Who works, and who is there when it dies
 *
 * A process is taken apart thread by thread and descriptor by descriptor, by
 * whichever thread is last, at the priority of that one: with thousands of
 * sockets beside other work ten milliseconds and more, and only then its pidfd
 * tells. But who works is the main thread alone. It has its number in shared
 * memory as the owner of a robust futex (set_robust_list(2)): the kernel takes
 * it away and wakes the spare first of all, as soon as that thread will not
 * run again.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/svc/heir.h"

enum {
	LOOK_MS = 200 /**< At the channel: who would wake us may be gone */
};


void heir_own(struct heir *heir, _Atomic uint32_t *ownerp)
{
	heir->owner.next = &heir->head.list;
	heir->head = (struct robust_list_head){
		.list = { &heir->owner },
		.futex_offset = (long)((intptr_t)ownerp -
				       (intptr_t)&heir->owner),
	};
	if (syscall(SYS_set_robust_list, &heir->head, sizeof(heir->head)) == 0)
		atomic_store(ownerp,
			     (uint32_t)syscall(SYS_gettid) | FUTEX_WAITERS);
}


void heir_disown(struct heir *heir, _Atomic uint32_t *ownerp)
{
	heir->head.list.next = &heir->head.list;
	atomic_store(ownerp, 0);
}


/* Anything else would be asked again at once, for ever, in real time. */
static bool is_wait(int err)
{
	return err == 0 || err == ETIMEDOUT || err == EAGAIN || err == EINTR;
}


void heir_await(_Atomic uint32_t *ownerp, int fd)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	struct pollfd channel = { .fd = fd, .events = POLLIN };
	uint32_t owner;
	int err = 0;

	while (is_wait(err) &&
	       (owner = atomic_load(ownerp)) & FUTEX_TID_MASK &&
	       poll(&channel, 1, 0) == 0)
		err = syscall(SYS_futex, ownerp, FUTEX_WAIT, owner, &look,
			      NULL, 0) == 0
			      ? 0
			      : errno;
}
