/**
 * @file supervisor/ctl_table.c  From words to a command
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/ctl_table.h"

struct row {
	const char *words;   /**< As typed */
	const char *cmd;     /**< As asked */
	const char *args[3]; /**< Positional, by name */
	size_t needed;       /**< How many of them must be there */
	const char *options; /**< For the help */
	const char *help;
};

/* clang-format off */
static const struct row rows[] = {
	{ "status",        "status",        { NULL },               0, "",        "Every process and its state" },
	{ "restart",       "restart",       { "process" },          1, "--drain", "Replace a process; sipd: all its workers, one after the other" },
	{ "upgrade check", "upgrade.check", { "process" },          0, "",        "What an upgrade would replace, or why it cannot be" },
	{ "upgrade",       "upgrade",       { NULL },               0, "",        "Replace what is not what is installed, one after the other" },
	{ "stop",          "stop",          { "process" },          0, "",        "Stop all, in reverse order, or one; the supervisor stays" },
	{ "start",         "start",         { "process" },          0, "",        "Start all, in order, or one" },
	{ "reload",        "reload",        { NULL },               0, "",        "Put the node file in force, or change nothing" },
	{ "loglevel",      "loglevel",      { "process", "level" }, 2, "",        "error, warn, notice, info or debug" },
	{ "daemon status", "daemon.status", { "process" },          1, "",        "What a daemon says of itself" },

	{ "fault",         "daemon.fault",  { "process", "what", "value" }, 3, "", "For tests: lose messages (bus PERCENT), shift wall time (clock SECONDS)" },

	{ "param list",     "param.list",     { "name" },    0, "--changed",     "Parameters, value and default" },
	{ "param get",      "param.get",      { "name" },    1, "",              "One of them" },
	{ "param set",      "param.set",      { NULL },      0, "NAME=VALUE ...", "Set parameters, all or none" },
	{ "param unset",    "param.unset",    { "name" },    1, "",              "Back to the default" },
	{ "param explain",  "param.explain",  { "name" },    1, "--gateway g",   "The value in force and where it comes from" },
	{ "param history",  "param.history",  { "name" },    0, "",              "Who changed it" },
	{ "param rollback", "param.rollback", { "name" },    1, "",              "To what it was before the last change" },
	{ "profile list",   "profile.list",   { NULL },      0, "",              "Profiles" },
	{ "profile diff",   "profile.diff",   { "name" },    1, "",              "What a profile would change" },
	{ "profile apply",  "profile.apply",  { "name" },    1, "",              "Set all it names in one step" },
	{ "check",          "check.list",     { NULL },      0, "--strict",      "The whole configuration: what is rarely meant" },
	{ "history show",   "history.show",   { "version" }, 1, "",              "What a version changed" },
	{ "history",        "history.list",   { NULL },      0, "--limit n",     "Versions, newest first" },
	{ "revert",         "revert",         { "version" }, 1, "",              "All back to what it was at a version" },
	{ "catalog status", "catalog.status", { NULL },      0, "",              "The version in force" },
	{ "db migrate",     "db.migrate",     { NULL },      0, "--to n",        "Bring the database to this release" },
	{ "db status",      "db.status",      { NULL },      0, "",              "Migrations" },

	{ "account balance",  "account.balance",  { "name" },           1, "",            "Its balance, what is reserved of it, and what is left" },
	{ "account credit",   "account.credit",   { "name", "amount" }, 2, "--note text", "Book a payment; also --request-id id" },
	{ "account debit",    "account.debit",    { "name", "amount" }, 2, "--note text", "Take from its balance; also --request-id id" },
	{ "account history",  "account.history",  { "name" },           1, "--from time", "As account ledger" },
	{ "account recharge", "account.recharge", { "name", "amount" }, 2, "--note text", "Book a payment; also --kind correction --request-id id" },
	{ "account lock",     "account.lock",     { "name" },           1, "--disconnect", "Refuse its new calls; those that run go on, or end, too" },
	{ "account unlock",   "account.unlock",   { "name" },           1, "",            "Let it call again" },
	{ "account ledger",   "account.ledger",   { "name" },           1, "--from time", "What was booked, newest first; also --to --limit" },
	{ "rate quote",       "rate.quote",       { NULL },             0, "--account a", "What a call would cost; --number --seconds, also --table --gateway --at" },
	{ "rate explain",     "rate.explain",     { "account", "number", "seconds" }, 3, "--at time", "How that is calculated; also --gateway" },
	{ "cdr query",        "cdr.query",        { NULL },     0, "--account a", "Records of calls; any field, and --from --to --called --sort --limit" },
	{ "cdr show",         "cdr.show",         { "cdr_id" }, 1, "",            "One of them" },
	{ "cdr replay",       "cdr.replay",       { NULL },     0, "",            "Those that the database refused, once more" },
	{ "ledger verify",    "ledger.verify",    { NULL },     0, "",            "Recompute the books from the records" },
	{ "analyse calls",    "analyse.calls",    { NULL },     0, "--by key",    "Attempts by gateway, prefix, account, reason or hour" },
	{ "gateway failures", "gateway.failures", { "name" },   1, "--from t",    "Why attempts of a gateway failed" },
	{ "report ghost",     "report.ghost",     { NULL },     0, "--from t",    "Calls that may be of nobody" },
	{ "report near-cap",  "report.near-cap",  { NULL },     0, "--from t",    "Calls that ended where a limit was" },
	{ "report illegal",   "report.illegal",   { NULL },     0, "--from t",    "Sources that may not call, and tried" },
	{ "report analysis",  "report.analysis",  { NULL },     0, "--by key",    "As analyse calls" },
	{ "report profit",    "report.profit",    { NULL },     0, "--by key",    "Fees, costs and margins by account, gateway, prefix, reason or hour" },
	{ "report traffic",   "report.traffic",   { NULL },     0, "--by key",    "Attempts, answers and minutes by hour, gateway, prefix, account or reason" },

	{ "registration list", "registration.list", { NULL }, 0, "--number n",  "Who is registered; also --nat --ip; --upstream: where we are" },
	{ "registration kick", "registration.kick", { "number" }, 1, "--contact c", "Remove bindings of a phone or gateway" },
	{ "upstream list",    "upstream.list",    { NULL },   0, "",            "Where the switch is registered" },
	{ "upstream show",    "upstream.show",    { "name" }, 1, "",            "All of one registration elsewhere" },
	{ "upstream refresh", "upstream.refresh", { "name" }, 1, "",            "Register again now" },

	{ "gateway test", "gateway.test", { "name" },         1, "--count n",   "Ask each address of a gateway with OPTIONS" },

	{ "trace start",  "trace.start",  { NULL },           0, "--gateway g", "Keep SIP messages; also --type --ip --phone --number --call-id --method --seconds" },
	{ "trace stop",   "trace.stop",   { "name" },         1, "--discard",   "End a trace; what it kept stays" },
	{ "trace list",   "trace.list",   { NULL },           0, "",            "Traces" },
	{ "trace show",   "trace.show",   { "name" },         1, "--follow",    "Its messages; those that come, too" },
	{ "trace export", "trace.export", { "name", "file" }, 1, "--format f",  "Its messages as pcap or text" },
	{ "blacklist list",   "blacklist.list",   { NULL },    0, "",            "Sources that are not listened to" },
	{ "blacklist add",    "blacklist.add",    { "entry" }, 1, "--seconds n", "One more" },
	{ "blacklist remove", "blacklist.remove", { "entry" }, 1, "",            "One less" },
};
/* clang-format on */


/* How many words of argv the row takes; 0: it is another command */
static int row_matches(const struct row *row, int argc, char *const argv[])
{
	struct text rest = text_of(row->words), word;
	int n = 0;

	while (rest.l > 0) {
		(void)text_cut(rest, ' ', &word, &rest);
		if (n >= argc || !text_is(word, argv[n]))
			return 0;
		n++;
	}

	return n;
}


static const struct row *row_find(int argc, char *const argv[], int *usedp)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		*usedp = row_matches(&rows[i], argc, argv);
		if (*usedp)
			return &rows[i];
	}

	return NULL;
}


/* Options that take a count. Anything else is text, whatever it looks like:
 * 442071234567 is the name of a line, not a quantity. */
static bool is_count(const char *name)
{
	static const char *const names[] = { "limit", "to", "min_duration" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;

	return false;
}


static json_t *value_of(const char *name, const char *text)
{
	int64_t v;

	if (is_count(name) &&
	    text_i64(&v, text_of(text), INT64_MIN, INT64_MAX) == 0)
		return json_integer(v);

	return json_string(text);
}


/* Options that take no value */
static bool is_switch(const char *name)
{
	static const char *const names[] = {
		"drain", "changed", "strict", "follow", "discard", "disconnect"
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;

	return false;
}


static int option(json_t *args, int argc, char *const argv[], int *i)
{
	char name[64];
	json_t *value;

	if (text_copy(name, sizeof(name), text_of(argv[*i] + 2)) || !name[0])
		return EINVAL;
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';

	if (*i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0 &&
	    !is_switch(name))
		value = value_of(name, argv[++*i]);
	else
		value = json_true();

	return json_object_set_new(args, name, value) ? EINVAL : 0;
}


/* "field=value": a value of a record is text, whatever it looks like. */
static int pair(json_t *args, const char *word)
{
	struct text name, value;
	char key[64];

	(void)text_cut(text_of(word), '=', &name, &value);
	if (text_copy(key, sizeof(key), name))
		return EINVAL;

	return json_object_set_new(args, key, json_stringn(value.p, value.l))
		       ? EINVAL
		       : 0;
}


static int arguments(json_t *args, const struct row *row, int argc,
		     char *const argv[], int from, char why[CTL_WHY_MAX])
{
	const bool has_fields = !row || strchr(row->options, '=');
	size_t given = 0;

	for (int i = from; i < argc; i++) {
		const char *name;

		if (has_fields && argv[i][0] != '-' && strchr(argv[i], '=')) {
			if (pair(args, argv[i]))
				return EINVAL;
			continue;
		}
		if (strncmp(argv[i], "--", 2) == 0) {
			if (option(args, argc, argv, &i)) {
				(void)text_print(why, CTL_WHY_MAX,
						 "'%.60s' is no option",
						 argv[i]);
				return EINVAL;
			}
			continue;
		}
		/* A record is named by the one word that is no field. */
		name = !row                          ? (given ? NULL : "name")
		       : given < COUNT_OF(row->args) ? row->args[given]
						     : NULL;
		if (!name) {
			(void)text_print(why, CTL_WHY_MAX,
					 "'%.60s' is one word too many",
					 argv[i]);
			return EINVAL;
		}
		given++;
		if (json_object_set_new(args, name, json_string(argv[i])))
			return EINVAL;
	}
	if (row && given < row->needed) {
		(void)text_print(why, CTL_WHY_MAX, "%s: %s is missing",
				 row->words, row->args[given]);
		return EINVAL;
	}

	return 0;
}


int ctl_request(json_t **requestp, int argc, char *const argv[],
		char why[CTL_WHY_MAX])
{
	const struct row *row;
	char cmd[128];
	json_t *args;
	int used, err;

	why[0] = '\0';
	if (argc < 1) {
		(void)text_print(why, CTL_WHY_MAX, "a command is wanted");
		return EINVAL;
	}

	row = row_find(argc, argv, &used);
	if (row) {
		(void)text_print(cmd, sizeof(cmd), "%s", row->cmd);
	}
	else if (argc >= 2 && argv[0][0] != '-' && argv[1][0] != '-') {
		used = 2;
		(void)text_print(cmd, sizeof(cmd), "%.60s.%.60s", argv[0],
				 argv[1]);
	}
	else {
		(void)text_print(why, CTL_WHY_MAX, "no command '%.60s'",
				 argv[0]);
		return EINVAL;
	}

	args = json_object();
	if (!args)
		return ENOMEM;
	err = arguments(args, row, argc, argv, used, why);
	if (err) {
		json_decref(args);
		return err;
	}

	*requestp = json_pack("{s:s,s:o}", "cmd", cmd, "args", args);

	return *requestp ? 0 : EINVAL;
}


static void usage(char *dst, size_t size, const struct row *row)
{
	size_t l;

	(void)text_print(dst, size, "%s", row->words);
	for (size_t i = 0; i < COUNT_OF(row->args) && row->args[i]; i++) {
		l = strlen(dst);
		(void)text_print(dst + l, size - l,
				 i < row->needed ? " %s" : " [%s]",
				 row->args[i]);
	}
	l = strlen(dst);
	if (row->options[0])
		(void)text_print(dst + l, size - l, " [%s]", row->options);
}


/* What is no row of its own. A kind: mapping, routing, group, phone, account,
 * rate-table, rate, list, registration. */
static const struct {
	const char *left, *help;
} others[] = {
	{ "KIND list field=value",
	  "Records of a kind: those with that value" },
	{ "KIND show NAME", "One of them" },
	{ "KIND add NAME field=value", "A new one" },
	{ "KIND set NAME field=value", "Change fields of one; gateway set: of "
				       "either kind of gateway" },
	{ "KIND remove NAME", "Remove one that nothing uses" },
	{ "KIND import FILE --dry-run",
	  "Records of a file, all or none; "
	  "--replace removes the others, --table "
	  "T is the rate table" },
	{ "KIND export --format csv", "Records as a file; or json" },
	{ "OBJECT VERB --name value", "Any other command, as it stands" },
};


void ctl_help(FILE *f)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char left[64];

		usage(left, sizeof(left), &rows[i]);
		fprintf(f, "  %-34s  %s\n", left, rows[i].help);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++)
		fprintf(f, "  %-34s  %s\n", others[i].left, others[i].help);
}
