/**
 * @file shared/reg/upstream.h  Registrations of the switch at others
 *
 * One slot per record of kind registration, in the segment "upstream", which
 * regd writes: with all that is needed to go on with it, or to end it when the
 * record already says something else or is gone.
 */
#ifndef TANDEM_REG_UPSTREAM_H
#define TANDEM_REG_UPSTREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/util.h"
#include "shared/shm/segment.h"
#include "shared/shm/slot.h"

#define UPSTREAM_MAGIC   0x4d525055 /* "UPRM" */
#define UPSTREAM_VERSION 1

enum {
	UPSTREAM_SLOTS = 1024,
	UPSTREAM_HOST_MAX = 256,
	UPSTREAM_USER_MAX = 132,
	UPSTREAM_SEALED_MAX = 256,
	UPSTREAM_NAME_MAX = 68,
};

/* registration 6 */
enum upstream_state {
	UPSTREAM_OFF,
	UPSTREAM_TRYING,
	UPSTREAM_WAITING,
	UPSTREAM_REGISTERED,
	UPSTREAM_UNREGISTERING,
	UPSTREAM_STATEC
};

/** What a REGISTER is made of: as it was when the registration began */
struct upstream_account {
	char proxy[UPSTREAM_HOST_MAX];
	char domain[UPSTREAM_HOST_MAX];
	char host_name[UPSTREAM_HOST_MAX];
	char username[UPSTREAM_USER_MAX];
	char auth_user[UPSTREAM_USER_MAX];
	char local_port[UPSTREAM_NAME_MAX];
	uint16_t sealed_len;
	uint16_t port;
	uint8_t transport; /**< 1 UDP, 2 TCP, 3 TLS */
	uint8_t pad[7];
	uint8_t sealed[UPSTREAM_SEALED_MAX];
};

/** Lies in shared memory */
struct upstream_image {
	uint32_t record;
	uint8_t state;       /**< enum upstream_state */
	uint8_t is_gone;     /**< Off, removed or changed: unregister it */
	uint8_t is_min;      /**< A 423 has been followed once */
	uint8_t unregisters; /**< send_unregister, as it was last */
	uint32_t cseq;       /**< Of the last request that may have left */
	uint32_t asked_s;    /**< X */
	uint32_t effective_s;
	uint32_t last_code;    /**< 0: none came */
	uint32_t failures;     /**< In a row */
	uint32_t min_s;        /**< Min-Expires of the 423 */
	int64_t bound_boot_us; /**< The binding lives until then; 0: none */
	int64_t bound_wall_us;
	int64_t next_boot_us; /**< Of the next action; 0: none */
	int64_t next_wall_us;
	char call_id[48];
	char from_tag[24];
	struct upstream_account account;
};
BUILD_ASSERT(sizeof(struct upstream_image) % 8 == 0);

enum {
	UPSTREAM_SLOT_SIZE = SLOT_SIZE(sizeof(struct upstream_image)),
};

/** A word per record, in the segment "upstream_bound": what calls ask for. Of
 *  a record that has none, bound is 0. */
#define UPSTREAM_BOUND_MAGIC   0x424d5055 /* "UPMB" */
#define UPSTREAM_BOUND_VERSION 1

enum {
	UPSTREAM_BOUND_CELLS = 4, /**< In each slot */
	UPSTREAM_BOUND_SLOT_SIZE = 64,
	UPSTREAM_BOUND_SLOTS = 2 * UPSTREAM_SLOTS / UPSTREAM_BOUND_CELLS,
	UPSTREAM_BOUND_PROBES = 64, /**< A record is within so many cells */
};

struct upstream_cell {
	_Atomic uint32_t record; /**< 0: nobody's */
	uint32_t pad;
	_Atomic int64_t bound_boot_us; /**< The binding lives until then */
};
BUILD_ASSERT(sizeof(struct upstream_cell) * UPSTREAM_BOUND_CELLS ==
	     UPSTREAM_BOUND_SLOT_SIZE);

/** Is there a binding upstream now? For a gateway tied to the record.
 *  @param bound       Segment "upstream_bound"
 *  @param now_boot_us clk_boot_us() */
bool upstream_is_bound(const struct segment *bound, uint32_t record,
		       int64_t now_boot_us);

/* For its writer, regd, and nobody else: */

/** @return 0, ENOSPC */
int upstream_bound_set(const struct segment *bound, uint32_t record,
		       int64_t bound_boot_us);
/** After a restart: forget the records of which knownh says false */
typedef bool(upstream_known_h)(uint32_t record, void *arg);
void upstream_bound_sweep(const struct segment *bound,
			  upstream_known_h *knownh, void *arg);

#endif
