/**
 * @file billingd/commands.c  What operators can ask of billingd
 *
 * A record is named by "name" (a phone by its number, a rate and a list entry
 * by the fields that tell it apart); its other arguments are its fields.
 */
#include "billingd/billingd.h"
#include "billingd/cdr_cmd.h"
#include "billingd/ship.h"
#include "shared/base/util.h"

#define FIELDS                           \
	{                                \
		"*", "its fields", false \
	}
#define NAME                           \
	{                              \
		"name", "which", false \
	}
#define PAGES                                         \
	{ "limit", "how many; 1000", false },         \
	{                                             \
		"cursor", "of the page before", false \
	}
#define LIST_ARGS                                                       \
	{                                                               \
		{ "limit", "how many; 1000", false },                   \
			{ "cursor", "of the list before", false },      \
			{ "sort", "by this field; -field: the reverse", \
			  false },                                      \
		{                                                       \
			"*", "fields as they must be", false            \
		}                                                       \
	}

/* clang-format off */
const struct admin_command billingd_commands[] = {
	{ "param.list",     cmd_param_list,     ADMIN_VIEW,  0, "Parameters",                        { { "name", "part of the name", false }, { "changed", "only those that are set", false } } },
	{ "param.get",      cmd_param_list,     ADMIN_VIEW,  1, "One parameter",                     { { "name", "which", true } } },
	{ "param.set",      cmd_param_set,      ADMIN_ADMIN, 0, "Set parameters, all or none",       { { "*", "NAME=VALUE", false } } },
	{ "param.unset",    cmd_param_unset,    ADMIN_ADMIN, 0, "Back to the default",               { { "name", "which", true } } },
	{ "param.explain",  cmd_param_explain,  ADMIN_VIEW,  0, "The value in force and its origin", { { "name", "which", true }, { "gateway", "for this gateway", false }, { "phone", "for this phone", false } } },
	{ "param.history",  cmd_param_history,  ADMIN_VIEW,  0, "Who changed it",                    { { "name", "which; all", false }, { "limit", "how many; 50", false } } },
	{ "param.rollback", cmd_param_rollback, ADMIN_ADMIN, 0, "To what it was before the last change", { { "name", "which", true } } },
	{ "profile.list",   cmd_profile_list,   ADMIN_VIEW,  0, "Profiles",                          { { NULL, NULL, false } } },
	{ "profile.diff",   cmd_profile_diff,   ADMIN_VIEW,  0, "What it would change",              { { "name", "which", true } } },
	{ "profile.apply",  cmd_profile_apply,  ADMIN_ADMIN, 0, "Set all it names in one step",      { { "name", "which", true } } },

	{ "rate-table.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_RATE_TABLE, "Rate tables", LIST_ARGS },
	{ "rate-table.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_RATE_TABLE, "One of them",    { NAME, FIELDS } },
	{ "rate-table.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_RATE_TABLE, "A new one",      { NAME, FIELDS } },
	{ "rate-table.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_RATE_TABLE, "Change fields",  { NAME, FIELDS } },
	{ "rate-table.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_RATE_TABLE, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "account.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_ACCOUNT, "Accounts", LIST_ARGS },
	{ "account.show",   cmd_account_show,  ADMIN_VIEW,  0, "One of them, and its money", { { "name", "which", true } } },
	{ "account.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_ACCOUNT, "A new one",      { NAME, FIELDS } },
	{ "account.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_ACCOUNT, "Change fields",  { NAME, FIELDS } },
	{ "account.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_ACCOUNT, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "account.balance", cmd_account_show,  ADMIN_VIEW,  0, "As account.show", { { "name", "which", true } } },
	{ "account.credit", cmd_account_recharge, ADMIN_ADMIN, ACCOUNT_CREDIT, "Book a payment", { { "name", "which", true }, { "amount", "how much", true }, { "note", "what for", false }, { "request_id", "booked once, however often it is asked", false } } },
	{ "account.debit", cmd_account_recharge, ADMIN_ADMIN, ACCOUNT_DEBIT, "Take from its balance: a negative correction", { { "name", "which", true }, { "amount", "how much", true }, { "note", "what for", false }, { "request_id", "booked once, however often it is asked", false } } },
	{ "account.recharge", cmd_account_recharge, ADMIN_ADMIN, ACCOUNT_RECHARGE, "Book a payment", { { "name", "which", true }, { "amount", "how much", true }, { "note", "what for", false }, { "kind", "payment; or correction, which may be negative", false }, { "request_id", "booked once, however often it is asked", false } } },
	{ "account.lock",     cmd_account_lock,     ADMIN_ADMIN, 1, "Refuse its new calls", { { "name", "which", true } } },
	{ "account.unlock",   cmd_account_lock,     ADMIN_ADMIN, 0, "Let it call again",    { { "name", "which", true } } },
	{ "account.history",  cmd_account_ledger,   ADMIN_VIEW,  0, "As account.ledger", { { "*", "as account.ledger", false } } },
	{ "account.ledger",   cmd_account_ledger,   ADMIN_VIEW,  0, "What was booked, newest first", { { "name", "which", true }, { "from", "since this time", false }, { "to", "before this time", false }, { "limit", "how many; 100", false } } },
	{ "group.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_GROUP, "Gateway groups", LIST_ARGS },
	{ "group.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_GROUP, "One of them",    { NAME, FIELDS } },
	{ "group.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_GROUP, "A new one",      { NAME, FIELDS } },
	{ "group.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_GROUP, "Change fields",  { NAME, FIELDS } },
	{ "group.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_GROUP, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "mapping.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_MAPPING, "Mapping gateways: calls come from them", LIST_ARGS },
	{ "mapping.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_MAPPING, "One of them",    { NAME, FIELDS } },
	{ "mapping.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_MAPPING, "A new one",      { NAME, FIELDS } },
	{ "mapping.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_MAPPING, "Change fields",  { NAME, FIELDS } },
	{ "mapping.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_MAPPING, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "registration.records", cmd_record_list, ADMIN_VIEW,  RECORD_REGISTRATION, "Registrations of ours elsewhere, as configured", LIST_ARGS },
	{ "registration.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_REGISTRATION, "One of them",    { NAME, FIELDS } },
	{ "registration.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_REGISTRATION, "A new one",      { NAME, FIELDS } },
	{ "registration.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_REGISTRATION, "Change fields",  { NAME, FIELDS } },
	{ "registration.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_REGISTRATION, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "routing.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_ROUTING, "Routing gateways: calls go to them", LIST_ARGS },
	{ "routing.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_ROUTING, "One of them",    { NAME, FIELDS } },
	{ "routing.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_ROUTING, "A new one",      { NAME, FIELDS } },
	{ "routing.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_ROUTING, "Change fields",  { NAME, FIELDS } },
	{ "routing.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_ROUTING, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "phone.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_PHONE, "Phones", LIST_ARGS },
	{ "phone.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_PHONE, "One of them",    { NAME, FIELDS } },
	{ "phone.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_PHONE, "A new one",      { NAME, FIELDS } },
	{ "phone.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_PHONE, "Change fields",  { NAME, FIELDS } },
	{ "phone.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_PHONE, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "rate.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_RATE, "Rates", LIST_ARGS },
	{ "rate.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_RATE, "One of them",    { NAME, FIELDS } },
	{ "rate.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_RATE, "A new one",      { NAME, FIELDS } },
	{ "rate.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_RATE, "Change fields",  { NAME, FIELDS } },
	{ "rate.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_RATE, "Remove one that nothing uses", { NAME, FIELDS } },
	{ "rate.quote",   cmd_rate_quote,   ADMIN_VIEW,  0, "What a call would cost", { { "account", "whose rates", false }, { "number", "that is called", true }, { "seconds", "of talk", true }, { "table", "rates of this table instead", false }, { "gateway", "mapping gateway it comes from", false }, { "at", "INVITE at this time; now", false } } },
	{ "rate.explain", cmd_rate_explain, ADMIN_VIEW,  0, "How that is calculated, step by step", { { "account", "whose rates", false }, { "number", "that is called", true }, { "seconds", "of talk", true }, { "table", "rates of this table instead", false }, { "gateway", "mapping gateway it comes from", false }, { "at", "INVITE at this time; now", false } } },
	{ "list.list",   cmd_record_list,   ADMIN_VIEW,  RECORD_LIST, "Entries of the number lists", LIST_ARGS },
	{ "list.show",   cmd_record_show,   ADMIN_VIEW,  RECORD_LIST, "One of them",    { NAME, FIELDS } },
	{ "list.add",    cmd_record_add,    ADMIN_ADMIN, RECORD_LIST, "A new one",      { NAME, FIELDS } },
	{ "list.set",    cmd_record_set,    ADMIN_ADMIN, RECORD_LIST, "Change fields",  { NAME, FIELDS } },
	{ "list.remove", cmd_record_remove, ADMIN_ADMIN, RECORD_LIST, "Remove one that nothing uses", { NAME, FIELDS } },

	{ "gateway.show",      cmd_gateway_show,  ADMIN_VIEW,  0, "A gateway of either kind",  { { "name", "which", true } } },
	{ "gateway.set",       cmd_gateway_set,   ADMIN_ADMIN, 0, "Change fields of a gateway of either kind", { { "name", "which", true }, { "template", "fields by template", false }, FIELDS } },
	{ "gateway.templates", cmd_template_list, ADMIN_VIEW,  0, "Templates and what they set", { { NULL, NULL, false } } },

	{ "import.begin", cmd_import_begin, ADMIN_ADMIN, 0, "Begin an import",           { { "kind", "of records", true }, { "replace", "remove what is not in it", false }, { "table", "rate table of all rates", false } } },
	{ "import.data",  cmd_import_data,  ADMIN_ADMIN, 0, "Lines of CSV; names first", { { "import", "which", true }, { "data", "whole lines", true } } },
	{ "import.end",   cmd_import_end,   ADMIN_ADMIN, 0, "Compare, and store all or none", { { "import", "which", true }, { "dry_run", "compare only", false } } },

	{ "cdr.query",         cmd_cdr_query,        ADMIN_VIEW,  0, "Records of calls that ended", { { "*", "what they must have", false }, { "from", "not before; 24 hours ago", false }, { "to", "before", false }, { "caller", "any form of it; * at the end", false }, { "called", "likewise", false }, { "sort", "a time, duration or fee; -: the reverse", false }, { "limit", "how many; 100", false }, { "cursor", "of the page before", false } } },
	{ "cdr.list",          cmd_cdr_query,        ADMIN_VIEW,  0, "The same",                    { { "*", "as cdr.query", false } } },
	{ "cdr.export",        cmd_cdr_query,        ADMIN_VIEW,  0, "The same, for files",         { { "*", "as cdr.query", false } } },
	{ "cdr.show",          cmd_cdr_show,         ADMIN_VIEW,  0, "One record",                  { { "cdr_id", "which", true } } },
	{ "cdr.replay",        cmd_cdr_replay,       ADMIN_ADMIN, 0, "Records in quarantine, once more", { { NULL, NULL, false } } },
	{ "ledger.verify",     cmd_ledger_verify,    ADMIN_VIEW,  0, "Everything recomputed from the records", { { NULL, NULL, false } } },
	{ "analyse.calls",     cmd_analyse_calls,    ADMIN_VIEW,  0, "Attempts and what came of them", { { "by", "gateway, prefix, account, reason or hour", false }, { "from", "hour; 24 hours ago", false }, { "to", "before", false }, { "gateway", "only these", false }, { "account", "only these", false }, { "reason", "only these", false }, { "sip_code", "only these", false }, PAGES } },
	{ "gateway.failures",  cmd_gateway_failures, ADMIN_VIEW,  0, "Why attempts of a gateway failed", { { "name", "which", true }, { "from", "hour; 24 hours ago", false }, { "to", "before", false }, PAGES } },
	{ "report.ghost",      cmd_report_ghost,     ADMIN_VIEW,  0, "Calls that may be of nobody", { { "from", "24 hours ago", false }, { "to", "before", false }, PAGES } },
	{ "report.near-cap",   cmd_report_near_cap,  ADMIN_VIEW,  0, "Calls that ended where a limit was", { { "from", "24 hours ago", false }, { "to", "before", false }, PAGES } },
	{ "report.illegal",    cmd_report_illegal,   ADMIN_VIEW,  0, "Sources that may not call, and tried", { { "from", "24 hours ago", false }, { "to", "before", false }, PAGES } },
	{ "report.analysis",   cmd_analyse_calls,    ADMIN_VIEW,  0, "As analyse.calls", { { "by", "gateway, prefix, account, reason or hour", false }, { "from", "hour; 24 hours ago", false }, { "to", "before", false }, { "gateway", "only these", false }, { "account", "only these", false }, { "reason", "only these", false }, { "sip_code", "only these", false }, PAGES } },
	{ "report.profit",     cmd_report_profit,    ADMIN_VIEW,  0, "Fees, costs and margins", { { "by", "gateway, prefix, account, reason or hour", false }, { "from", "hour; 24 hours ago", false }, { "to", "before", false }, { "gateway", "only these", false }, { "account", "only these", false }, { "reason", "only these", false }, { "sip_code", "only these", false }, PAGES } },
	{ "report.traffic",    cmd_report_traffic,   ADMIN_VIEW,  0, "Attempts, answers and minutes", { { "by", "gateway, prefix, account, reason or hour", false }, { "from", "hour; 24 hours ago", false }, { "to", "before", false }, { "gateway", "only these", false }, { "account", "only these", false }, { "reason", "only these", false }, { "sip_code", "only these", false }, PAGES } },

	{ "check.list",     cmd_check_list,     ADMIN_VIEW,  0, "What is allowed and rarely meant", { { "strict", "warnings fail", false } } },
	{ "catalog.status", cmd_catalog_status, ADMIN_VIEW,  0, "The version in force",             { { NULL, NULL, false } } },
	{ "history.list",   cmd_history_list,   ADMIN_VIEW,  0, "Versions, newest first",           { { "limit", "how many; 50", false } } },
	{ "history.show",   cmd_history_show,   ADMIN_VIEW,  0, "What a version changed",           { { "version", "which", true } } },
	{ "revert",         cmd_revert,         ADMIN_ADMIN, 0, "All back to what it was at a version", { { "version", "which", true } } },
	{ "db.migrate",     cmd_db_migrate,     ADMIN_ADMIN, 0, "Bring the database to this release", { { "to", "to this migration, back as well", false } } },
	{ "db.status",      cmd_db_status,      ADMIN_VIEW,  0, "Migrations and whether they are applied", { { NULL, NULL, false } } },
};
/* clang-format on */

const size_t billingd_commandc = COUNT_OF(billingd_commands);
