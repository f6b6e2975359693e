/**
 * @file mediad/mediad.h  What the parts of mediad share
 */
#ifndef TANDEM_MEDIAD_MEDIAD_H
#define TANDEM_MEDIAD_MEDIAD_H

#include <stdbool.h>
#include <stddef.h>

#include "mediad/held.h"
#include "mediad/ports.h"
#include "mediad/sessions.h"
#include "shared/base/log.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"

struct ended;
struct relay;
struct svc;
struct voice;

struct mediad {
	struct svc *svc;
	struct ev *ev;
	const struct log *log;
	bool is_on;  /**< media { relay = on } */
	int rtp_set; /**< Epoll set of all our sockets, which outlives us, by
		      *   port; -1: none */
	struct ports *ports;
	struct sessions *sessions;
	struct held held; /**< For relay.c */
	struct ended *ended;
	struct relay *relay;
	struct voice *voice;
	struct ev_timer tick;
	struct ev_timer range;
	uint32_t range_looks; /**< Since it was found to be another */
	uint32_t say_looks;   /**< Since old ports were found unused */
	uint32_t ticked;      /**< Sessions before this slot were looked at */
};

/* dispatch.c */
extern const struct bus_route mediad_routes[];
extern const size_t mediad_routec;

#endif
