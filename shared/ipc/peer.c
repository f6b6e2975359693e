/**
 * @file shared/ipc/peer.c  Who can talk in the cluster
 *
 * The text form names a process on the bus, on disk and for people, so each
 * process has exactly one: "sipd.0", never "sipd.00".
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/ipc/peer.h"


static const char *const names[PEERC] = {
	[PEER_NONE] = "none",         [PEER_SUPERVISOR] = "supervisor",
	[PEER_BILLINGD] = "billingd", [PEER_REGD] = "regd",
	[PEER_MEDIAD] = "mediad",     [PEER_SIPD] = "sipd",
	[PEER_ECHOD] = "echod",
};


/* Numbers come from messages and from shared memory: any is possible. */
const char *peer_name(enum peer peer)
{
	return (unsigned)peer < PEERC ? names[peer] : "unknown";
}


static int name_parse(enum peer *peerp, struct text name)
{
	for (unsigned i = PEER_NONE + 1; i < PEERC; i++) {
		if (text_is(name, names[i])) {
			*peerp = (enum peer)i;
			return 0;
		}
	}

	return ENOENT;
}


int peer_parse(enum peer *peerp, const char *name)
{
	if (!peerp || !name)
		return EINVAL;

	return name_parse(peerp, text_of(name));
}


const char *peer_id_print(struct peer_id id, char dst[PEER_ID_MAX])
{
	/* The longest name, a point, five digits and the NUL fit. */
	BUILD_ASSERT(sizeof("supervisor.65535") <= PEER_ID_MAX);

	(void)text_print(dst, PEER_ID_MAX, "%s.%u",
			 peer_name((enum peer)id.peer), id.worker);

	return dst;
}


int peer_id_parse(struct peer_id *idp, const char *text, size_t len)
{
	const struct text whole = { text, len };
	char canonical[PEER_ID_MAX];
	struct text name, number;
	struct peer_id id;
	enum peer peer;
	uint32_t worker;
	int err;

	if (!idp || !text)
		return EINVAL;

	if (!text_cut(whole, '.', &name, &number))
		return EBADMSG;

	err = name_parse(&peer, name);
	if (err)
		return err;

	err = text_u32(&worker, number, 0, UINT16_MAX);
	if (err)
		return err;

	id.peer = (uint16_t)peer;
	id.worker = (uint16_t)worker;
	if (!text_is(whole, peer_id_print(id, canonical)))
		return EBADMSG;

	*idp = id;

	return 0;
}


bool peer_id_equal(struct peer_id a, struct peer_id b)
{
	return a.peer == b.peer && a.worker == b.worker;
}
