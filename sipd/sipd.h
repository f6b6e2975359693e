/**
 * @file sipd/sipd.h  Everything sipd owns
 */
#ifndef TANDEM_SIPD_SIPD_H
#define TANDEM_SIPD_SIPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/log.h"
#include "shared/ev/ev.h"
#include "shared/reg/binding.h"
#include "sipd/message.h"

struct admin_answer;
struct authn;
struct blobs;
struct calls;
struct sound;
struct catalog;
struct enrol;
struct farewell;
struct guard;
struct errands;
struct health;
struct lines;
struct flow;
struct registrar;
struct gateway_tests;
struct resolver;
struct stats;
struct svc;
struct trace;
struct txns;
struct wire;

struct sipd {
	struct svc *svc;
	struct ev *ev;
	const struct log *log;
	struct guard *guard;
	struct trace *trace;
	struct wire *wire;
	struct txns *txns;
	struct blobs *blobs;
	struct lines *lines;
	struct authn *authn;
	struct resolver *resolver;
	struct registrar *registrar;
	struct binding_reader bindings;       /**< Of regd */
	const struct segment *upstream_bound; /**< Likewise; NULL: none */
	struct health *health;
	struct gateway_tests *gateway_tests;
	struct stats *stats;
	struct calls *calls;
	struct errands *errands; /**< Of calls that are over */
	struct sound *sounds;    /**< Nobody's */
	struct enrol *enrols;    /**< REGISTERs of ours that are under way */
	uint64_t enrol_serial;
	struct farewell *farewells; /**< BYEs whose answer may be a challenge */
	bool is_draining;
	bool has_key;
	uint8_t key[32];          /**< Opens sealed passwords */
	uint64_t catalog_version; /**< That health knows */
	int64_t bypass_until_us; /**< mediad said there is no relay (media.c) */
	struct ev_timer tick;
	struct ev_timer checkpoint;
	char mark[8];           /**< This worker's, in every branch and tag */
	struct message message; /**< The one that is being worked on */
	char scratch[70000];    /**< Where one message is put together */
	char body[20000];       /**< And one SDP */
};

/** The password of a gateway, opened; clear it after use
 *  @return 0, ENOENT: there is none, or it cannot be opened */
struct cat_span;
int sipd_password(const struct sipd *sipd, const struct catalog *c,
		  struct cat_span sealed, char *dst, size_t size);

#endif
