/**
 * @file supervisor/sockets_want.c  The sockets that a node file asks for
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/sockets_int.h"

struct want {
	struct table *rows;
	const struct config *config;
	const struct table *held;
	uint8_t taken[65536 / 8]; /* ports that are not free yet */
	size_t later;             /* of them: that are, behind this change */
};


int sockets_push(struct table *table, const struct row *row)
{
	if (table->rowc == table->size) {
		const size_t size = table->size ? table->size * 2 : 64;
		struct row *rows = realloc(table->rows, size * sizeof(*rows));

		if (!rows)
			return ENOMEM;
		table->rows = rows;
		table->size = size;
	}
	table->rows[table->rowc++] = *row;

	return 0;
}


static enum peer owner_of(Tandem__SocketUse use)
{
	for (size_t i = 0; i < socket_usec; i++)
		if (socket_uses[i].use == use)
			return socket_uses[i].owner;

	return PEER_NONE;
}


static int want_listeners(struct table *wanted, const struct config *config,
			  struct peer_id who)
{
	int err = 0;

	for (size_t i = 0; i < config->listenerc && !err; i++) {
		const struct config_listener *listener = &config->listeners[i];
		struct row row = { .use = listener->use,
				   .owner = who,
				   .addr = listener->bind,
				   .fd = -1 };

		if (owner_of(listener->use) != who.peer)
			continue;
		memcpy(row.listener, listener->name, sizeof(row.listener));
		memcpy(row.advertised, listener->advertised,
		       sizeof(row.advertised));
		memcpy(row.certificate, listener->certificate,
		       sizeof(row.certificate));
		memcpy(row.key, listener->key, sizeof(row.key));
		err = sockets_push(wanted, &row);
	}

	return err;
}


/* Before what it is of. Where ports change hands there is another set: what is
 * another worker's would stay in one as long as it is open anywhere. */
static int want_rtp_set(struct table *wanted, const struct config *config,
			struct peer_id who)
{
	const struct row row = {
		.use = TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET,
		.owner = who,
		.addr = { .family = AF_INET,
			  .port = config->workers[who.peer] },
		.listener = "rtp",
		.fd = -1,
	};

	return sockets_push(wanted, &row);
}


/* The range is shared out in pairs, in one piece per worker. */
void sockets_rtp_share(const struct config *config, uint16_t worker,
		       uint16_t *firstp, uint16_t *lastp)
{
	const uint32_t workers = config->workers[PEER_MEDIAD];
	const uint32_t pairs =
		(uint32_t)(config->rtp_last + 1 - config->rtp_first) / 2;
	const bool is_none = !config->rtp_last || worker >= workers;

	*firstp = is_none ? 0
			  : (uint16_t)(config->rtp_first +
				       2 * (pairs * worker / workers));
	*lastp = is_none ? 0
			 : (uint16_t)(config->rtp_first +
				      2 * (pairs * (worker + 1u) / workers) -
				      1);
}


/* What of the held RTP is not its owner's any more: sessions may be on it, and
 * a successor of its owner is to go on with them. */
static bool stays(const struct want *want, const struct row *row)
{
	const struct config *config = want->config;
	uint16_t first, last;

	/* Whose it is was said by whoever gave it to us. */
	if (row->use != TANDEM__SOCKET_USE__SOCKET_USE_RTP ||
	    row->owner.peer != PEER_MEDIAD ||
	    row->owner.worker >= config->workers[PEER_MEDIAD])
		return false;

	sockets_rtp_share(config, row->owner.worker, &first, &last);

	return row->addr.port < first || row->addr.port > last ||
	       !addr_same_ip(&row->addr, &config->rtp_bind);
}


/* A port is another worker's, or of another address, when nobody uses it any
 * more and it has been closed: mediad knows ports by their number alone. */
static void find_taken(struct want *want)
{
	for (size_t i = 0; i < want->held->rowc; i++) {
		const struct row *row = &want->held->rows[i];

		if (!stays(want, row))
			continue;
		want->taken[row->addr.port / 8] |=
			(uint8_t)(1u << row->addr.port % 8);
		if (row->is_unused &&
		    row->addr.port >= want->config->rtp_first &&
		    row->addr.port <= want->config->rtp_last)
			want->later++;
	}
}


static bool is_taken(const struct want *want, uint16_t port)
{
	return want->taken[port / 8] & 1u << port % 8;
}


static int want_share(const struct want *want, struct peer_id who)
{
	const struct config *config = want->config;
	uint16_t first, last;
	int err;

	sockets_rtp_share(config, who.worker, &first, &last);
	err = want_rtp_set(want->rows, config, who);
	for (uint32_t port = first; port <= last && !err; port++) {
		struct row row = { .use = TANDEM__SOCKET_USE__SOCKET_USE_RTP,
				   .owner = who,
				   .addr = config->rtp_bind,
				   .listener = "rtp",
				   .fd = -1 };

		if (is_taken(want, (uint16_t)port))
			continue;
		row.addr.port = (uint16_t)port;
		memcpy(row.advertised, config->rtp_advertised,
		       sizeof(row.advertised));
		err = sockets_push(want->rows, &row);
	}

	return err;
}


static int want_retired(const struct want *want, struct peer_id who)
{
	int err = 0;

	for (size_t i = 0; i < want->held->rowc && !err; i++) {
		struct row row = want->held->rows[i];

		if (!peer_id_equal(row.owner, who) || row.is_unused ||
		    !stays(want, &row))
			continue;
		row.fd = -1;
		row.is_retired = true;
		err = sockets_push(want->rows, &row);
	}

	return err;
}


static int want_rtp(const struct want *want, struct peer_id who)
{
	int err = 0;

	if (owner_of(TANDEM__SOCKET_USE__SOCKET_USE_RTP) != who.peer)
		return 0;

	if (want->config->rtp_last)
		err = want_share(want, who);

	return err ? err : want_retired(want, who);
}


static int want_metrics(struct table *wanted, const struct config *config,
			struct peer_id who)
{
	const uint32_t port = config->metrics_port[who.peer] +
			      10u * who.worker;
	struct row row = { .use = TANDEM__SOCKET_USE__SOCKET_USE_METRICS,
			   .owner = who,
			   .addr = config->metrics_bind,
			   .listener = "metrics",
			   .fd = -1 };

	if (!config->metrics_port[who.peer] || port > 65535)
		return 0;

	row.addr.port = (uint16_t)port;

	return sockets_push(wanted, &row);
}


static int want_of(const struct want *want, struct peer_id who)
{
	int err;

	err = want_listeners(want->rows, want->config, who);
	if (!err)
		err = want_rtp(want, who);
	if (!err)
		err = want_metrics(want->rows, want->config, who);

	return err;
}


int sockets_want(struct table *wanted, const struct config *config,
		 const struct table *held, size_t *laterp)
{
	struct want want = { .rows = wanted, .config = config, .held = held };
	int err;

	find_taken(&want);
	err = want_of(&want, (struct peer_id){ PEER_SUPERVISOR, 0 });
	for (int peer = PEER_SUPERVISOR + 1; peer < PEERC; peer++)
		for (uint16_t w = 0; daemons[peer].program &&
				     w < config->workers[peer] && !err;
		     w++)
			err = want_of(&want,
				      (struct peer_id){ (uint16_t)peer, w });
	*laterp = want.later;

	return err;
}
