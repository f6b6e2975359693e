/**
 * @file sipd/admin.c  What tandemctl may ask sipd
 */
#include "shared/base/util.h"
#include "sipd/admin.h"
#include "sipd/admin_call.h"
#include "sipd/admin_gateway.h"
#include "sipd/route_test.h"
#include "sipd/view.h"


static int cmd_route_test(void *state, const json_t *args,
			  struct admin_answer *answer)
{
	struct view view;
	int err;

	if (!view_init(&view, state, NULL))
		return admin_refuse(answer, "unavailable",
				    "there is no configuration yet");
	err = route_test(&view.route, args, answer);
	view_done(&view);

	return err;
}


/* clang-format off */
const struct admin_command sipd_commands[] = {
	{ "call.list", cmd_call_list, ADMIN_VIEW, 0,
	  "Calls there are",
	  { { "gateway", "Over this gateway", false },
	    { "account", "Of this account", false },
	    { "caller", "From this number; * at its end for any rest", false },
	    { "called", "To this number; likewise", false },
	    { "state", "setup, ringing, answered or ending", false },
	    { "min_duration", "Answered so many seconds ago, or longer", false },
	    { "sort", "Column; - before it: descending", false },
	    { "limit", "Rows, 1-10000 (100)", false } } },
	{ "call.show", cmd_call_show, ADMIN_VIEW, 0,
	  "All of one call",
	  { { "name", "Its id", true } } },
	{ "call.disconnect", cmd_call_disconnect, ADMIN_OPERATE, 0,
	  "End calls: BYE to both sides, or 503 before the answer",
	  { { "name", "Id of the call", false },
	    { "gateway", "All over this gateway", false },
	    { "account", "All of this account", false } } },
	{ "gateway.status", cmd_gateway_status, ADMIN_VIEW, 0,
	  "State, health and lines of gateways",
	  { { "gateway", "This one", false },
	    { "state", "online, offline, locked, unregistered or unchecked", false } } },
	{ "route.test", cmd_route_test, ADMIN_OPERATE, 0,
	  "Where a call would go, and why not; sends nothing",
	  { { "from", "Mapping gateway or phone", true },
	    { "caller", "Its number", false },
	    { "called", "The number dialled", true },
	    { "at", "Time, RFC 3339; now", false },
	    { "account", "Another payer than the caller's", false } } },
};
/* clang-format on */

const size_t sipd_commandc = COUNT_OF(sipd_commands);
