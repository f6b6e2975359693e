/**
 * @file sipd/register.h  A REGISTER, from its arrival to its answer
 *
 * sipd finds out who it is and whether it is behind NAT; regd, which has the
 * bindings, decides. A REGISTER is answered when regd has answered: what was
 * promised is written down by then. If it does not, the question is repeated
 * until its deadline, and then the phone is asked to try again.
 */
#ifndef TANDEM_SIPD_REGISTER_H
#define TANDEM_SIPD_REGISTER_H

#include <stdbool.h>
#include <stdint.h>

#include "sipd/txn.h"

struct catalog;
struct registrar;
struct sipd;

int registrar_alloc(struct registrar **registrarp, struct sipd *sipd);
/** Behind the resolver, and before the bus */
struct registrar *registrar_free(struct registrar *registrar);

/** Such a message is handled now: have what it asks for brought into the
 *  cache */
void register_ahead(const struct sipd *sipd, const struct message *m);

void register_receive(struct sipd *sipd, txn_id txn, const struct message *m,
		      const struct flow *from, const struct catalog *c);

/** Has it no credentials? Then it is worth nothing but a challenge. */
bool register_is_bare(const struct message *m);
/** Challenge such a one, or refuse it, without keeping anything of it */
void register_challenge(struct sipd *sipd, const struct message *m,
			const struct flow *from, const struct catalog *c);

/** Answer a copy of one that was answered 200, user by txn_reply_anew(): with
 *  the bindings as they are now */
void register_again(struct sipd *sipd, const struct message *m,
		    const struct flow *from, uint64_t user);

/** What regd is told as the connection of a flow; 0: it is none */
uint64_t register_connection(const struct sipd *sipd, const struct flow *flow);
/** The flow's number of it; 0: it was of a predecessor, and is gone */
uint32_t register_conn(const struct sipd *sipd, uint64_t connection);

#endif
