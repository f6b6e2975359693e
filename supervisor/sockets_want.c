/**
 * @file supervisor/sockets_want.c  The sockets that a node file asks for
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/sockets_int.h"


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
static int want_rtp(struct table *wanted, const struct config *config,
		    struct peer_id who)
{
	const uint32_t workers = config->workers[who.peer];
	const uint32_t pairs =
		(uint32_t)(config->rtp_last + 1 - config->rtp_first) / 2;
	const uint32_t from = pairs * who.worker / workers;
	const uint32_t to = pairs * (who.worker + 1u) / workers;
	int err;

	if (owner_of(TANDEM__SOCKET_USE__SOCKET_USE_RTP) != who.peer ||
	    !config->rtp_last)
		return 0;

	err = want_rtp_set(wanted, config, who);
	for (uint32_t i = 2 * from; i < 2 * to && !err; i++) {
		struct row row = { .use = TANDEM__SOCKET_USE__SOCKET_USE_RTP,
				   .owner = who,
				   .addr = config->rtp_bind,
				   .listener = "rtp",
				   .fd = -1 };

		row.addr.port = (uint16_t)(config->rtp_first + i);
		memcpy(row.advertised, config->rtp_advertised,
		       sizeof(row.advertised));
		err = sockets_push(wanted, &row);
	}

	return err;
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


static int want_of(struct table *wanted, const struct config *config,
		   struct peer_id who)
{
	int err;

	err = want_listeners(wanted, config, who);
	if (!err)
		err = want_rtp(wanted, config, who);
	if (!err)
		err = want_metrics(wanted, config, who);

	return err;
}


int sockets_want(struct table *wanted, const struct config *config)
{
	int err;

	err = want_of(wanted, config, (struct peer_id){ PEER_SUPERVISOR, 0 });
	for (int peer = PEER_SUPERVISOR + 1; peer < PEERC; peer++)
		for (uint16_t w = 0; daemons[peer].program &&
				     w < config->workers[peer] && !err;
		     w++)
			err = want_of(wanted, config,
				      (struct peer_id){ (uint16_t)peer, w });

	return err;
}
