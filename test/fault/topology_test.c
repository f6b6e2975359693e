/**
 * @file test/fault/topology_test.c  The cluster of the tests
 *
 * The product's rows (topology.c) and one daemon more, which echoes; with its
 * own socket and its own segment.
 */
#include "shared/auth/authn.h"
#include "shared/base/util.h"
#include "shared/catalog/control.h"
#include "shared/media/media_slot.h"
#include "shared/reg/binding.h"
#include "shared/reg/upstream.h"
#include "shared/shm/life.h"
#include "sipd/blob.h"
#include "sipd/call_slot.h"
#include "sipd/errand.h"
#include "sipd/lines.h"
#include "supervisor/processes.h"
#include "supervisor/topology.h"
#include "test/fault/echod.h"

/* A sanitizer makes a turn five times as long, on a machine others use too. */
#ifdef TANDEM_SANITIZED
#define CALL_STUCK_MS 5000
#else
#define CALL_STUCK_MS 1000
#endif

/* clang-format off */
const struct daemon_def daemons[PEERC] = {
	/*                  program     user workers      ready  drain   stuck burst period order */
	[PEER_BILLINGD] = { "billingd", "",  1,           10000,  30000, 5000, 5,    30000, 1, false, false, false },
	[PEER_REGD]     = { "regd",     "",  1,           10000,   5000, 1000, 5,    30000, 2, true, false, false },
	[PEER_MEDIAD]   = { "mediad",   "",  WORKERS_MAX,  5000, 300000, CALL_STUCK_MS, 5, 30000, 3, false, false, true },
	[PEER_SIPD]     = { "sipd",     "",  WORKERS_MAX,  5000, 300000, CALL_STUCK_MS, 5, 30000, 4, false, false, false },
	[PEER_ECHOD]    = { "echod",    "",  1,            5000,   5000, 1000, 5,    30000, 5, false, false, false },
};

const struct link_def links[] = {
	{ PEER_SIPD, PEER_REGD     },
	{ PEER_SIPD, PEER_BILLINGD },
	{ PEER_SIPD, PEER_MEDIAD   },
	{ PEER_REGD, PEER_BILLINGD },
	{ PEER_ECHOD, PEER_SIPD    },
};

const struct segment_def segments[] = {
	/* name       writer           each   magic            version            slot size            slots       n               others may read */
	{ "processes", PEER_SUPERVISOR, false, PROCESSES_MAGIC, PROCESSES_VERSION, PROCESSES_SLOT_SIZE, SLOTS_FIXED, PROCESSES_SLOTS, false },
	{ "life",      PEER_NONE,       true,  LIFE_MAGIC,      LIFE_VERSION,      sizeof(struct life), SLOTS_ONE,   1,               false },
	{ "catalog",   PEER_BILLINGD,   false, CATALOG_MAGIC,   CATALOG_VERSION,   CATALOG_SLOT_SIZE,   SLOTS_FIXED, 1,               true },
	{ "calls",     PEER_SIPD,       false, CALLS_MAGIC,     CALLS_VERSION,     CALLS_SLOT_SIZE,   SLOTS_PER_CALL, 1,               true },
	{ "texts",     PEER_SIPD,       false, TEXTS_MAGIC,     TEXTS_VERSION,     BLOB_SLOT_SIZE,      SLOTS_PER_CALL, 2,            true },
	{ "lines",     PEER_SIPD,       false, LINES_MAGIC,     LINES_VERSION,     sizeof(struct lines_slot), SLOTS_PER_CALL, 1,      true },
	{ "errands",   PEER_SIPD,       false, ERRANDS_MAGIC,   ERRANDS_VERSION,   ERRANDS_SLOT_SIZE, SLOTS_PER_CALL, 1,               false },
	{ "media",     PEER_MEDIAD,     false, MEDIA_MAGIC,     MEDIA_VERSION,     MEDIA_SLOT_SIZE,   SLOTS_PER_CALL, 1,               true },
	{ "flows",     PEER_MEDIAD,     false, FLOWS_MAGIC,     FLOWS_VERSION,     FLOWS_SLOT_SIZE,   SLOTS_PER_CALL, 1,               true },
	{ "rests",     PEER_MEDIAD,     false, RESTS_MAGIC,     RESTS_VERSION,     RESTS_SLOT_SIZE,   SLOTS_FIXED, RESTS_SLOTS,        false },
	{ "held",      PEER_MEDIAD,     false, HELD_MAGIC,      HELD_VERSION,      HELD_SLOT_SIZE,    SLOTS_FIXED, HELD_SLOTS,         false },
	{ "suspended", PEER_SIPD,       false, SUSPENDED_MAGIC, SUSPENDED_VERSION, SUSPENDED_SLOT_SIZE, SLOTS_FIXED, 65536,           true },
	{ "bindings",  PEER_REGD,       false, BINDINGS_MAGIC,  BINDINGS_VERSION,  BINDINGS_SLOT_SIZE, SLOTS_PER_BINDING, 1,           true },
	{ "binding_index", PEER_REGD,   false, BINDING_INDEX_MAGIC, BINDING_INDEX_VERSION, BINDING_INDEX_SLOT_SIZE, SLOTS_PER_16_BINDINGS, BINDING_INDEX_SLOTS, true },
	{ "upstream",  PEER_REGD,       false, UPSTREAM_MAGIC,  UPSTREAM_VERSION,  UPSTREAM_SLOT_SIZE,  SLOTS_FIXED, UPSTREAM_SLOTS,  true },
	{ "upstream_bound", PEER_REGD,  false, UPSTREAM_BOUND_MAGIC, UPSTREAM_BOUND_VERSION, UPSTREAM_BOUND_SLOT_SIZE, SLOTS_FIXED, UPSTREAM_BOUND_SLOTS, true },
	{ "counters",  PEER_NONE,       true,  COUNTERS_MAGIC,  COUNTERS_VERSION,  COUNTERS_SIZE,       SLOTS_ONE,   1,               false },
	{ "echo",      PEER_ECHOD,      false, ECHO_MAGIC,      ECHO_VERSION,      ECHO_SLOT_SIZE,      SLOTS_FIXED, ECHO_SLOTS,      true  },
};

const struct socket_def socket_uses[] = {
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP, PEER_SIPD,   PEER_REGD },
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP, PEER_SIPD,   PEER_NONE },
	{ TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS, PEER_SIPD,   PEER_NONE },
	{ TANDEM__SOCKET_USE__SOCKET_USE_RTP,     PEER_MEDIAD, PEER_NONE },
	{ TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET, PEER_MEDIAD, PEER_NONE },
	{ TANDEM__SOCKET_USE__SOCKET_USE_ECHO,    PEER_ECHOD,  PEER_REGD },
};
/* clang-format on */

const size_t linkc = COUNT_OF(links);
const size_t segmentc = COUNT_OF(segments);
const size_t socket_usec = COUNT_OF(socket_uses);
