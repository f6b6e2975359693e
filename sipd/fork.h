/**
 * @file sipd/fork.h  A call that rings several devices together
 *
 * Towards each device goes an INVITE of the one B leg: same Call-ID, From tag
 * and CSeq, each its own branch, Request-URI and socket, as a forking proxy
 * would send them. So what the leg knows of forked responses (call-setup 12.2)
 * holds here too, and the device that answers first is what the leg talks to;
 * a second 200 finds its tag taken and gets ACK and BYE.
 */
#ifndef TANDEM_SIPD_FORK_H
#define TANDEM_SIPD_FORK_H

#include <stdbool.h>
#include <stddef.h>

#include "sipd/bindings.h"
#include "sipd/txn.h"
#include "sipd/verdict.h"

struct call;
struct leg;

enum fork_mark {
	FORK_NEW, /**< Not called yet */
	FORK_CALLED,
	FORK_OVER
};

/** One device */
struct fork {
	txn_id invite; /**< 0 unless it is called */
	enum fork_mark mark;
	struct flow flow;
	char uri[BINDING_CONTACT_MAX + 1];
	char path[BINDING_PATH_MAX + 1]; /**< Value of Route; empty: none */
};

struct forks {
	size_t count;
	size_t current; /**< Whose texts the leg has */
	bool was_busy;
	struct fork rows[];
};

/** In call->setup. @return 0, ENOMEM */
int forks_alloc(struct call *call, const struct device *devices, size_t count);
struct forks *forks_free(struct forks *forks);

/** The leg talks to this one from now on. @return 0, ENOSPC ... */
int fork_aim(struct call *call, size_t index);

/** Is it an INVITE of the call? Then it is the leg's from now on. */
bool forks_own(struct call *call, txn_id txn);

/** Do several ring? */
bool forks_are_many(const struct call *call);

/** This device said no, or nothing. @return does another one still ring? If
 *  not, *result is how the attempt has ended. */
bool forks_go_on(struct call *call, txn_id txn, enum attempt_end *endp,
		 unsigned *codep);

/** The branch of an INVITE of this leg to that Contact: it can be told again
 *  after a restart */
void fork_branch(char branch[TXN_BRANCH_SIZE], const struct leg *leg,
		 struct text contact);

/** Whatever rings for a predecessor's call gets CANCEL: nobody has its INVITEs
 *  any more */
void forks_recover(struct call *call);

/** Reason for a device that another one was faster than */
extern const char forks_elsewhere[];

/** CANCEL all but the leg's own INVITE */
void forks_cancel(struct call *call, const char *reason);

#endif
