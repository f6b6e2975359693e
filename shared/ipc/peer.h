/**
 * @file shared/ipc/peer.h  Who can talk in the cluster
 */
#ifndef TANDEM_IPC_PEER_H
#define TANDEM_IPC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Numbers lie in shared memory and travel in messages: append only */
enum peer {
	PEER_NONE,
	PEER_SUPERVISOR,
	PEER_BILLINGD,
	PEER_REGD,
	PEER_MEDIAD,
	PEER_SIPD,
	PEER_ECHOD, /**< Of the tests: answers what it is sent */
	PEERC
};

/** A process of the cluster: which program, and which of its workers */
struct peer_id {
	uint16_t peer; /**< enum peer */
	uint16_t worker;
};

const char *peer_name(enum peer peer);
int peer_parse(enum peer *peerp, const char *name);

/** "sipd.0"; dst of PEER_ID_MAX */
enum {
	PEER_ID_MAX = 24
};
const char *peer_id_print(struct peer_id id, char dst[PEER_ID_MAX]);
int peer_id_parse(struct peer_id *idp, const char *text, size_t len);
bool peer_id_equal(struct peer_id a, struct peer_id b);

#endif
