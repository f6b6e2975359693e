/**
 * @file shared/svc/status.c  The commands every daemon has
 */
#include <errno.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/catalog/catalog.h"
#include "shared/svc/svc_parts.h"

enum {
	PEERS_MAX = 64
};

static const char *const state_names[] = {
	[LIFE_NONE] = "none",   [LIFE_STARTING] = "starting",
	[LIFE_READY] = "ready", [LIFE_DRAINING] = "draining",
	[LIFE_ENDED] = "ended",
};


static json_t *segments(const struct svc *svc)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < svc->segmentc; i++)
		(void)json_array_append_new(
			rows,
			json_pack("{s:s,s:I,s:I}", "name",
				  svc->segments[i].name, "slots",
				  (json_int_t)svc->segments[i].now.slotc,
				  "bytes",
				  (json_int_t)svc->segments[i].now.size));

	return rows;
}


static json_t *peers(const struct svc *svc)
{
	struct bus_peer_status status[PEERS_MAX];
	const size_t n = bus_status(svc->bus, status, PEERS_MAX);
	json_t *rows = json_array();

	for (size_t i = 0; i < n && i < PEERS_MAX; i++) {
		char name[PEER_ID_MAX];

		(void)json_array_append_new(
			rows,
			json_pack("{s:s,s:b,s:I,s:o}", "peer",
				  peer_id_print(status[i].id, name), "up",
				  status[i].up != 0, "pending",
				  (json_int_t)status[i].pending, "rtt_ms",
				  status[i].rtt_us < 0
					  ? json_null()
					  : json_real((double)status[i].rtt_us /
						      1000)));
	}

	return rows;
}


static json_t *catalog(const struct svc *svc)
{
	const struct catalog *c = svc->catalog ? catalog_pin(svc->catalog)
					       : NULL;
	json_t *version;

	if (!c)
		return json_null();

	version = json_integer((json_int_t)catalog_control(c)->version);
	catalog_unpin(svc->catalog, c);

	return version;
}


static int cmd_status(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const struct svc *svc = state;
	char process[PEER_ID_MAX];
	json_t *row;

	(void)args;
	row = json_pack(
		"{s:s,s:s,s:s,s:I,s:f,s:I,s:o,s:I,s:I,s:I,s:o,s:o}", "process",
		peer_id_print(svc->self, process), "state",
		state_names[svc->life_state], "version", TANDEM_VERSION,
		"generation", (json_int_t)svc->generation, "uptime",
		(double)(clk_mono_us() - atomic_load(&svc->life->started_us)) /
			1e6,
		"config_version", (json_int_t)svc->node->config_version,
		"catalog_version", catalog(svc), "adopted",
		(json_int_t)svc->adopted, "quarantined",
		(json_int_t)svc->quarantined, "sockets",
		(json_int_t)runs_count(&svc->sockets), "segments",
		segments(svc), "peers", peers(svc));
	answer->rows = json_array();
	(void)json_array_append_new(answer->rows, row);

	return row ? 0 : ENOMEM;
}


/* clang-format off */
const struct admin_command svc_commands[] = {
	{ "daemon.status", cmd_status, ADMIN_VIEW, 0,
	  "What a daemon says of itself",
	  { { "process", "which: sipd.0", true } } },
	{ "daemon.fault", cmd_fault, ADMIN_ADMIN, 0,
	  "Lose messages or shift wall time on purpose, for tests",
	  { { "process", "which: sipd.0", true },
	    { "what", "bus: percent; clock: seconds", true },
	    { "value", "0: no more", true } } },
};
/* clang-format on */

const size_t svc_commandc = COUNT_OF(svc_commands);
