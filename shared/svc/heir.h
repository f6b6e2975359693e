/**
 * @file shared/svc/heir.h  Who works, and who is there when it dies
 */
#ifndef TANDEM_SVC_HEIR_H
#define TANDEM_SVC_HEIR_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>

/** Lives as long as the thread; the kernel reads it at its end */
struct heir {
	struct robust_list owner;
	struct robust_list_head head;
};

/** This thread works from now on, as a word of shared memory says */
void heir_own(struct heir *heir, _Atomic uint32_t *ownerp);
/** It does not any more */
void heir_disown(struct heir *heir, _Atomic uint32_t *ownerp);

/** Until nobody does, or there is something to read from fd, or its end: then
 *  within a fifth of a second */
void heir_await(_Atomic uint32_t *ownerp, int fd);

#endif
