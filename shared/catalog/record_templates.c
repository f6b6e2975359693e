/**
 * @file shared/catalog/record_templates.c  Values that belong together
 */
#include "shared/base/util.h"
#include "shared/catalog/record.h"

/* clang-format off */
const struct record_template record_templates[] = {
	{ "carrier", "A carrier that takes the number from To", {
		{ "callee_source", "to" },
		{ "reply_address", "socket" },
		{ "request_address", "socket" },
		{ "privacy", "passthrough" },
		{ "pai", "caller" },
	} },
	{ "request-line-carrier", "A carrier that puts the number into the Request-URI", {
		{ "callee_source", "request_line" },
		{ "reply_address", "socket" },
		{ "request_address", "contact" },
	} },
	{ "nat-gateway", "A gateway behind NAT", {
		{ "reply_address", "socket" },
		{ "request_address", "socket" },
		{ "rtp_learning", "auto" },
		{ "media_proxy", "on" },
	} },
	{ "rpid-upstream", "A peer that names the caller in Remote-Party-ID", {
		{ "caller_source", "rpid" },
		{ "privacy", "passthrough" },
	} },
	{ "clir-route", "A route that hides the caller", {
		{ "privacy", "id" },
		{ "pai", "caller" },
	} },
	{ "enterprise-pbx", "A company's exchange", {
		{ "privacy", "none" },
		{ "pai", "caller" },
		{ "caller_source", "from" },
	} },
	{ "lan-gateway", "A gateway in the same network", {
		{ "invite_timeout", "6" },
	} },
	{ "satellite-gateway", "A gateway far away", {
		{ "invite_timeout", "20" },
	} },
	{ "premium-gateway", "A gateway that is worth little waiting", {
		{ "invite_timeout", "8" },
	} },
	{ "slow-trying-gateway", "A gateway that is slow after its 100", {
		{ "trying_timeout", "30" },
		{ "progress_timeout", "30" },
	} },
	{ "no-alternative", "A gateway that calls never leave for another", {
		{ "switch", "off" },
	} },
};
/* clang-format on */

const size_t record_templatec = COUNT_OF(record_templates);
