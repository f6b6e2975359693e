/**
 * @file sipd/wire_loop.c  What the switch says to itself
 *
 * A call that a phone forwards leaves by one leg and comes in by another. Its
 * messages take no socket: another worker would get them, and guard and trace
 * would see what nobody sent. They are read in a later turn, as if they had
 * come; what does not fit is lost as a datagram is, and sent again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sipd/wire_parts.h"

enum {
	LOOPED_MAX = 1024,
};

struct wire_looped {
	struct wire_looped *next;
	struct flow flow;
	size_t len;
	char data[];
};


static void on_loop(void *arg)
{
	struct wire *wire = arg;
	struct wire_looped *row = wire->loop_head, *next;

	wire->loop_head = wire->loop_tail = NULL;
	wire->loopc = 0;
	for (; row; row = next) {
		next = row->next;
		wire->args.receiveh(&row->flow, row->data, row->len, 0,
				    wire->args.arg);
		free(row);
	}
}


int wire_loop_put(struct wire *wire, const struct flow *to, const void *data,
		  size_t len)
{
	struct wire_looped *row;

	if (wire->loopc == LOOPED_MAX)
		return ENOBUFS;
	row = malloc(sizeof(*row) + len);
	if (!row)
		return ENOMEM;
	row->next = NULL;
	row->flow = *to;
	row->len = len;
	memcpy(row->data, data, len);
	if (wire->loop_tail)
		wire->loop_tail->next = row;
	else
		wire->loop_head = row;
	wire->loop_tail = row;
	wire->loopc++;
	ev_timer_start(&wire->loop, wire->base.ev, 0, on_loop, wire);

	return 0;
}


void wire_loop_drop(struct wire *wire)
{
	struct wire_looped *row, *next;

	ev_timer_stop(&wire->loop);
	for (row = wire->loop_head; row; row = next) {
		next = row->next;
		free(row);
	}
	wire->loop_head = wire->loop_tail = NULL;
	wire->loopc = 0;
}


int wire_own_flow(const struct wire *wire, struct flow *flow)
{
	for (size_t i = 0; i < wire_listenerc(wire); i++) {
		const struct wire_listener *l = wire_listener(wire,
							      (uint16_t)i);

		if (l->is_gone || l->transport != TRANSPORT_UDP)
			continue;
		*flow = (struct flow){
			.remote = l->advertised.family ? l->advertised
						       : l->bind,
			.listener = (uint16_t)i,
			.transport = TRANSPORT_UDP,
			.is_loop = 1,
		};
		flow->remote.port = l->port;
		return 0;
	}

	return ENOENT;
}
