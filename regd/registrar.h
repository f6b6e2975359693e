/**
 * @file regd/registrar.h  What a REGISTER does to the bindings of a terminal
 *
 * The rules of a registrar (RFC 3261 10.3, and ours for devices behind NAT and
 * for a terminal that has all its contacts), as a function of the request, the
 * bindings there are and the parameters. It changes nothing: it makes a plan,
 * whose steps are carried out one by one. Cut short anywhere and asked again,
 * it plans what is left.
 */
#ifndef TANDEM_REGD_REGISTRAR_H
#define TANDEM_REGD_REGISTRAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"

#define REGISTRAR_UNSAID UINT32_MAX /**< Expires: none, or unreadable */

enum {
	REGISTRAR_DEFAULT_S = 3600,
	REGISTRAR_HELD_MAX = 16, /**< More than a terminal can have */
	REGISTRAR_UDP = 1,       /**< Transport, as in messages */
};

struct registrar_params {
	uint32_t min_s, max_s; /**< Of those not behind NAT */
	uint32_t nat_s;        /**< Behind NAT, whatever is asked */
	uint32_t max_contacts;
	bool replace;
};

struct registrar_contact {
	struct text uri;
	uint32_t expires; /**< REGISTRAR_UNSAID */
};

struct registrar_request {
	const struct registrar_contact *contacts;
	size_t contactc;
	bool is_star;
	uint32_t expires; /**< Of the header; REGISTRAR_UNSAID */
	uint64_t call_id; /**< A hash */
	uint64_t request; /**< Hash of the branch; 0: not known */
	uint32_t cseq;
	struct addr source;
	unsigned transport;
	bool is_nat;
};

/** A binding there is */
struct registrar_held {
	struct text uri;
	uint64_t call_id;
	uint64_t request;
	uint32_t cseq;
	struct addr source;
	unsigned transport;
};

enum registrar_what {
	REGISTRAR_ADD,
	REGISTRAR_REFRESH, /**< Of held: address and all are as they are now */
	REGISTRAR_REMOVE,
	REGISTRAR_REPLACE, /**< Removed, for another device */
	REGISTRAR_WHATC
};

struct registrar_step {
	enum registrar_what what;
	size_t held;    /**< Not of an ADD */
	size_t contact; /**< Of an ADD or REFRESH */
	uint32_t granted_s;
};

struct registrar_plan {
	unsigned code; /**< 200; 400, 403, 500: nothing is to be done */
	struct registrar_step steps[2 * REGISTRAR_HELD_MAX];
	size_t stepc;
};

/** Seconds granted for what is asked: 0 is a removal */
uint32_t registrar_granted(const struct registrar_params *params,
			   uint32_t contact, uint32_t header, bool is_nat);

/** @param held  Bindings there are, oldest first
 *  @param heldc At most REGISTRAR_HELD_MAX */
void registrar_plan(struct registrar_plan *plan,
		    const struct registrar_params *params,
		    const struct registrar_request *request,
		    const struct registrar_held *held, size_t heldc);

#endif
