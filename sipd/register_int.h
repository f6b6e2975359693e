/**
 * @file sipd/register_int.h  What the files of REGISTER share
 *
 * Not for users: register.h is.
 */
#ifndef TANDEM_SIPD_REGISTER_INT_H
#define TANDEM_SIPD_REGISTER_INT_H

#include <stddef.h>
#include <stdint.h>

#include "shared/auth/authn.h"
#include "shared/ev/ev.h"
#include "shared/reg/asking.h"
#include "sipd/register.h"
#include "sipd/register_parse.h"

enum {
	REGISTER_DATE_SIZE = 40
};

/** One that waits for names, or for regd */
struct registering {
	struct sipd *sipd;
	struct registering *prev, *next; /**< Those under way; or the pool */
	txn_id txn;
	struct flow from;
	uint32_t generation; /**< Of its use: look-ups name it by this, too */
	struct terminal terminal;
	uint8_t names;    /**< Looked up so far */
	bool echoes_path; /**< It lists path as supported */
	char user[AUTHN_USER_MAX + 1];
	char path[REGISTER_PATH_MAX + 1];
	char *copy; /**< The message, while a name is looked up */
	size_t copyl;
};

/** Asked with one message, answered with one */
struct register_batch {
	struct registrar *registrar;
	struct register_batch *next; /**< Those under way; or the pool */
	uint64_t ask;                /**< Bus request */
	size_t count;
	struct registering *of[ASKING_ROWS_MAX];
};

struct registrar {
	struct sipd *sipd;
	uint32_t epoch; /**< Of this process, in numbers of connections */
	size_t count;
	struct registering *pending, *pool;
	struct register_batch *filling; /**< Of this turn; NULL: none yet */
	struct register_batch *asked, *batch_pool;
	size_t askedc;
	struct ev_late late;
	size_t rowl;    /**< Of filling */
	uint8_t *rows;  /**< ASKING_BYTES_MAX */
	int64_t date_s; /**< Of the text below */
	char date[REGISTER_DATE_SIZE];
};

/* --- register.c ----------------------------------------------------------- */

/** It is answered, and over */
void registering_give(struct registering *r);
void register_count(struct sipd *sipd, const char *user,
		    const struct flow *from, bool ok,
		    struct authn_answer *answer);
/** Counted against who it is; what reaches the limit is answered 403 */
void register_refuse(struct sipd *sipd, txn_id txn, const char *user,
		     const struct flow *from, unsigned code);
/** regd cannot be asked now */
void register_later(struct sipd *sipd, txn_id txn);

/* --- register_ask.c ------------------------------------------------------- */

/** Ask regd at the end of this turn; it is answered and over behind that.
 *  @return 0, EMSGSIZE, ENOMEM, ENOBUFS: it is still the caller's */
int register_ask(struct registering *r, const struct message *m,
		 const struct register_ask *ask, bool is_nat);
/** Nobody is asked any more */
void register_ask_end(struct registrar *x);

#endif
