/**
 * @file mediad/judge.h  What becomes of a packet that came in
 *
 * session_packet() says it; here is what follows from it for everybody else.
 */
#ifndef TANDEM_MEDIAD_JUDGE_H
#define TANDEM_MEDIAD_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "mediad/session.h"

struct mediad;
struct ports;

struct judge {
	struct mediad *mediad;
	/** Since judge_count() */
	uint64_t packets[2], bytes[2]; /**< a, b */
	uint64_t drops[SESSION_DROPS];
};

/** A packet's, out */
struct judge_way {
	int fd;
	uint16_t port; /**< Of that socket */
	const struct addr *to;
};

/** @return false: the socket is not ours any more */
bool judge_way(struct judge_way *way, const struct ports *ports,
	       const struct session *s, struct session_at at);

/** @return Is it to be sent? */
bool judge_packet(struct judge *judge, struct session *s, struct session_at at,
		  const struct session_packet *p, struct judge_way *way);
/** So many, without a session that could judge them */
void judge_drop(struct judge *judge, enum session_fate why, unsigned n);

/** Into the metrics */
void judge_count(struct judge *judge);

#endif
