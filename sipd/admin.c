/**
 * @file sipd/admin.c  What tandemctl may ask sipd
 */
#include "shared/base/util.h"
#include "sipd/admin.h"
#include "sipd/admin_auth.h"
#include "sipd/admin_blacklist.h"
#include "sipd/admin_call.h"
#include "sipd/admin_gateway.h"
#include "sipd/admin_trace.h"
#include "sipd/gateway_test.h"
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
	    { "limit", "Rows, 1-10000 (100)", false },
	    { "process", "One worker (all)", false } } },
	{ "call.show", cmd_call_show, ADMIN_VIEW, 0,
	  "All of one call",
	  { { "name", "Its id", true },
	    { "process", "One worker (all)", false } } },
	{ "call.disconnect", cmd_call_disconnect, ADMIN_OPERATE, 0,
	  "End calls: BYE to both sides, or 503 before the answer",
	  { { "name", "Id of the call", false },
	    { "gateway", "All over this gateway", false },
	    { "account", "All of this account", false },
	    { "process", "One worker (all)", false } } },
	{ "gateway.status", cmd_gateway_status, ADMIN_VIEW, 0,
	  "State, health and lines of gateways",
	  { { "gateway", "This one", false },
	    { "state", "online, offline, locked, unregistered or unchecked", false },
	    { "process", "One worker (all)", false } } },
	{ "gateway.test", cmd_gateway_test, ADMIN_OPERATE, 0,
	  "Asks each address of a routing gateway with OPTIONS",
	  { { "name", "The gateway", true },
	    { "count", "How often, 1-20 (5)", false } } },
	{ "route.test", cmd_route_test, ADMIN_OPERATE, 0,
	  "Where a call would go, and why not; sends nothing",
	  { { "from", "Mapping gateway or phone", true },
	    { "caller", "Its number", false },
	    { "called", "The number dialled", true },
	    { "at", "Time, RFC 3339; now", false },
	    { "account", "Another payer than the caller's", false } } },
	{ "suspended.list", cmd_suspended_list, ADMIN_VIEW, 0,
	  "Terminals that failed too often to be asked again",
	  { { "user", "Of this user name", false },
	    { "ip", "From this address", false },
	    { "process", "One worker (all)", false } } },
	{ "suspended.clear", cmd_suspended_clear, ADMIN_OPERATE, 0,
	  "Let them try again at once",
	  { { "user", "Of this user name", false },
	    { "ip", "From this address", false },
	    { "process", "One worker (all)", false } } },
	{ "trace.start", cmd_trace, ADMIN_OPERATE, ADMIN_TRACE_START,
	  "Keep messages; what is given limits them, all of it together",
	  { { "type", "sip, or registration: REGISTER alone", false },
	    { "ip", "Of either end: an address or a network", false },
	    { "gateway", "To and from the addresses of this gateway", false },
	    { "phone", "Of this phone", false },
	    { "number", "Called or calling; * at its end for any rest", false },
	    { "call_id", "Call-ID", false },
	    { "method", "Of the request, or that an answer is to", false },
	    { "seconds", "Until it ends by itself, 1-86400 (600)", false },
	    { "name", "The number it has with other workers", false },
	    { "process", "One worker (all)", false } } },
	{ "trace.stop", cmd_trace, ADMIN_OPERATE, ADMIN_TRACE_STOP,
	  "End a trace; what it kept stays until others need its place",
	  { { "name", "Its number", true },
	    { "discard", "Forget what it kept", false },
	    { "process", "One worker (all)", false } } },
	{ "trace.list", cmd_trace, ADMIN_VIEW, ADMIN_TRACE_LIST,
	  "Traces and what they have kept",
	  { { "process", "One worker (all)", false } } },
	{ "trace.show", cmd_trace, ADMIN_VIEW, ADMIN_TRACE_SHOW,
	  "The messages of a trace",
	  { { "name", "Its number", true },
	    { "limit", "Rows, 1-1000 (100)", false },
	    { "cursor", "Where the page before ended", false },
	    { "process", "One worker (all)", false } } },
	{ "trace.export", cmd_trace, ADMIN_VIEW, ADMIN_TRACE_EXPORT,
	  "A trace as a file, in pieces",
	  { { "name", "Its number", true },
	    { "format", "pcap (in base64), or text", false },
	    { "limit", "Messages, 1-10000 (10000)", false },
	    { "cursor", "Where the piece before ended", false },
	    { "plain", "Without the head of a pcap file: it goes on", false },
	    { "process", "One worker (all)", false } } },
	{ "blacklist.list", cmd_blacklist_list, ADMIN_VIEW, 0,
	  "Sources that are not listened to",
	  { { "list", "dynamic; others are records: list.list", false },
	    { "limit", "Rows, 1-5000 (100)", false },
	    { "cursor", "Where the page before ended", false },
	    { "process", "One worker (all)", false } } },
	{ "blacklist.add", cmd_blacklist_add, ADMIN_OPERATE, 0,
	  "Do not listen to a source",
	  { { "entry", "Address, or a /64 of IPv6", true },
	    { "list", "dynamic; others are records: list.add", false },
	    { "seconds", "How long (SS_SECURITY_BLACKLIST_TIME)", false },
	    { "process", "One worker (all)", false } } },
	{ "blacklist.remove", cmd_blacklist_remove, ADMIN_OPERATE, 0,
	  "Listen to it again",
	  { { "entry", "As it is listed", true },
	    { "list", "dynamic; others are records: list.remove", false },
	    { "process", "One worker (all)", false } } },
};
/* clang-format on */

const size_t sipd_commandc = COUNT_OF(sipd_commands);
