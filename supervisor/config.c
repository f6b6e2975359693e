/**
 * @file supervisor/config.c  The node file
 *
 * libconfuse knows the grammar and the types; what a value may be is in the
 * checks behind it. Every mistake is said with file and line, and all of them
 * at once where the grammar allows; nothing of a faulty file is used.
 *
 * libconfuse hands errors to a function without a context, so the text being
 * collected is the one writable object of this file, while it is parsing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <confuse.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/config_parts.h"
#include "supervisor/topology.h"

enum {
	FILE_MAX_BYTES = 256 << 10,
	CALLS_MOST = 1000000,
	JOURNAL_MB_MOST = 1 << 24,
	BINDINGS_MOST = 10000000,
};

static struct {
	char *text;       /**< CONFIG_ERROR_MAX bytes; NULL: nobody parses */
	const char *file; /**< libconfuse tells most sections no name */
	bool any;
} mistakes;


static void note(int line, const char *what)
{
	const char *file = mistakes.file;
	char where[300] = "";
	size_t l;

	if (!mistakes.text)
		return;

	if (line > 0)
		(void)text_print(where, sizeof(where), "%s:%d", file, line);
	else
		(void)text_print(where, sizeof(where), "%s", file);
	mistakes.any = true;
	l = strlen(mistakes.text);
	(void)text_print(mistakes.text + l, CONFIG_ERROR_MAX - l, "%s%s: %s",
			 l ? "\n" : "", where, what);
}


/* A mistake that no single line makes */
__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	note(0, what);
}


static const char *const all_names[] = {
	"node",          "run_dir",    "state_dir",   "log_dir",
	"program_dir",   "shm_prefix", "listener",    "rtp",
	"metrics",       "database",   "workers",     "limits",
	"users",         "log",        "transport",   "bind",
	"port",          "advertised", "certificate", "key",
	"first",         "last",       "supervisor",  "sipd",
	"mediad",        "regd",       "billingd",    "conninfo",
	"password_file", "calls",      "bindings",    "core",
	"lock_memory",   "seccomp",    "group",       "level",
	"format",        "key_file",   "sql_dir",     "billing",
	"mode",          "media",      "relay",       "dns",
	"server",        "journal_mb", "faults",      "realtime",
};


/* libconfuse's own words, with a suggestion where it misses a name */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg,
							   const char *fmt,
							   va_list ap)
{
	static const char unknown[] = "no such option '";
	char text[512];
	const char *at;

	(void)vsnprintf(text, sizeof(text), fmt, ap);

	at = strstr(text, unknown);
	if (at) {
		const char *name = at + sizeof(unknown) - 1;
		const char *near =
			text_nearest((struct text){ name, strcspn(name, "'") },
				     all_names, COUNT_OF(all_names));
		const size_t l = strlen(text);

		if (near)
			(void)text_print(text + l, sizeof(text) - l,
					 ": did you mean '%s'?", near);
	}
	note(cfg ? cfg->line : 0, text);
}


/* --- values, checked while libconfuse knows the line ------------------- */

struct range {
	const char *name;
	long min, max;
};

/* By option name: the same name has the same range wherever it stands. */
static const struct range ranges[] = {
	{ "port", 1, 65535 },
	{ "first", 0, 65534 },
	{ "last", 0, 65535 },
	{ "supervisor", 0, 65535 },
	{ "sipd", 0, 65535 },
	{ "mediad", 0, 65535 },
	{ "regd", 0, 65535 },
	{ "billingd", 0, 65535 },
	{ "calls", 1, CALLS_MOST },
	{ "bindings", 1, BINDINGS_MOST },
	{ "journal_mb", 0, JOURNAL_MB_MOST },
};


static int valid_number(cfg_t *cfg, cfg_opt_t *opt)
{
	const long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);

	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		if (strcmp(ranges[i].name, cfg_opt_name(opt)) != 0 ||
		    (value >= ranges[i].min && value <= ranges[i].max))
			continue;
		cfg_error(cfg, "%s: %ld is not allowed (%ld-%ld)",
			  cfg_opt_name(opt), value, ranges[i].min,
			  ranges[i].max);
		return -1;
	}

	return 0;
}


static int valid_workers(cfg_t *cfg, cfg_opt_t *opt)
{
	const long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);

	if (value >= 1 && value <= WORKERS_MAX)
		return 0;

	cfg_error(cfg, "%s: %ld is not allowed (1-%d)", cfg_opt_name(opt),
		  value, WORKERS_MAX);

	return -1;
}


static int valid_address(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	struct addr addr;

	if (addr_parse(&addr, text_of(value)) == 0 && addr.port == 0)
		return 0;

	cfg_error(cfg, "%s: '%s' is not an IPv4 or IPv6 address",
		  cfg_opt_name(opt), value);

	return -1;
}


const char *const config_transports[CONFIG_TRANSPORTC] = { "udp", "tcp", "tls",
							   "echo" };
const Tandem__SocketUse config_transport_uses[CONFIG_TRANSPORTC] = {
	TANDEM__SOCKET_USE__SOCKET_USE_SIP_UDP,
	TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP,
	TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS,
	TANDEM__SOCKET_USE__SOCKET_USE_ECHO,
};
const char *const config_formats
	[CONFIG_FORMATC] = { [LOG_JSON] = "json", [LOG_TEXT] = "text" };


static int index_of(const char *const *words, size_t wordc, const char *word)
{
	for (size_t i = 0; i < wordc; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;

	return -1;
}


static int valid_transport(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (index_of(config_transports, CONFIG_TRANSPORTC, value) >= 0)
		return 0;

	cfg_error(cfg, "transport: '%s' is not udp, tcp or tls", value);

	return -1;
}


static int valid_format(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (index_of(config_formats, CONFIG_FORMATC, value) >= 0)
		return 0;

	cfg_error(cfg, "format: '%s' is not json or text", value);

	return -1;
}


static int valid_level(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	enum log_level level;

	if (log_level_parse(&level, value) == 0)
		return 0;

	cfg_error(cfg, "level: '%s' is not error, warn, notice, info or debug",
		  value);

	return -1;
}


/* What a later release can do is not to be asked of this one in silence. */
static int valid_mode(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (strcmp(value, "accounts") == 0 || strcmp(value, "open") == 0)
		return 0;

	cfg_error(cfg, "mode: '%s' is not one of accounts, open", value);

	return -1;
}


static int valid_server(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	struct addr addr;

	if (!value[0] || (addr_parse(&addr, text_of(value)) == 0 && addr.port))
		return 0;

	cfg_error(cfg, "server: '%s' is not an address with a port", value);

	return -1;
}


/* A secret in this file would be in every backup of it. */
static int valid_conninfo(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (!strstr(value, "password"))
		return 0;

	cfg_error(cfg, "conninfo: no password here: name a file with "
		       "password_file");

	return -1;
}


static int valid_dir(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	const bool may_be_empty = strcmp(cfg_opt_name(opt), "log_dir") == 0;

	if (value[0] == '/' || (may_be_empty && !value[0]))
		return 0;

	cfg_error(cfg, "%s: '%s' does not begin with /", cfg_opt_name(opt),
		  value);

	return -1;
}


static int valid_prefix(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	const size_t l = strlen(value);

	if (l > 0 && l < sizeof(((struct config *)0)->shm_prefix) &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			  "YZ0123456789._-") == l)
		return 0;

	cfg_error(cfg,
		  "shm_prefix: '%s' is not 1-31 letters, digits, '.', '_' "
		  "or '-'",
		  value);

	return -1;
}


/* --- from libconfuse to struct config ---------------------------------- */

static void take(cfg_t *cfg, const char *name, char *dst, size_t size)
{
	const char *value = cfg_getstr(cfg, name);

	if (text_copy(dst, size, text_of(value ? value : "")))
		say("%s: longer than %zu characters", name, size - 1);
	for (const char *p = dst; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			say("%s: holds a control character", name);
}


static void take_ip(cfg_t *cfg, struct addr *addr)
{
	if (addr_parse(addr, text_of(cfg_getstr(cfg, "bind"))))
		*addr = (struct addr){ .family = 0 };
}


/* A name is also a word of commands, logs and metrics. */
static void take_title(cfg_t *cfg, char *dst, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const char *title = cfg_title(cfg);

	if (text_copy(dst, size, text_of(title)))
		say("listener %s: name longer than %zu characters", title,
		    size - 1);
	if (!title[0] || title[strspn(title, allowed)])
		say("listener '%s': a name has letters, digits, '.', "
		    "'_' and '-'",
		    title);
}


static void take_listener(struct config *config, cfg_t *cfg)
{
	struct config_listener *listener;
	const int transport = index_of(config_transports, CONFIG_TRANSPORTC,
				       cfg_getstr(cfg, "transport"));

	if (config->listenerc == CONFIG_LISTENERS_MAX) {
		say("more than %d listeners", CONFIG_LISTENERS_MAX);
		return;
	}

	listener = &config->listeners[config->listenerc++];
	take_title(cfg, listener->name, sizeof(listener->name));
	listener->use = config_transport_uses[transport < 0 ? 0 : transport];
	take_ip(cfg, &listener->bind);
	listener->bind.port = (uint16_t)cfg_getint(cfg, "port");
	take(cfg, "advertised", listener->advertised,
	     sizeof(listener->advertised));
	take(cfg, "certificate", listener->certificate,
	     sizeof(listener->certificate));
	take(cfg, "key", listener->key, sizeof(listener->key));
	if (listener->use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS &&
	    (!listener->certificate[0] || !listener->key[0]))
		say("listener %s: tls needs certificate and key",
		    listener->name);
}


const struct config_daemon config_daemons[CONFIG_DAEMONC] = {
	{ PEER_SUPERVISOR, "supervisor" }, { PEER_SIPD, "sipd" },
	{ PEER_MEDIAD, "mediad" },         { PEER_REGD, "regd" },
	{ PEER_BILLINGD, "billingd" },
};


static void take_sections(struct config *config, cfg_t *cfg)
{
	cfg_t *rtp = cfg_getsec(cfg, "rtp");
	cfg_t *metrics = cfg_getsec(cfg, "metrics");
	cfg_t *database = cfg_getsec(cfg, "database");
	cfg_t *limits = cfg_getsec(cfg, "limits");
	cfg_t *users = cfg_getsec(cfg, "users");
	cfg_t *log = cfg_getsec(cfg, "log");
	cfg_t *workers = cfg_getsec(cfg, "workers");

	config->faults = cfg_getbool(cfg, "faults") == cfg_true;
	take_ip(rtp, &config->rtp_bind);
	take(rtp, "advertised", config->rtp_advertised,
	     sizeof(config->rtp_advertised));
	config->rtp_first = (uint16_t)cfg_getint(rtp, "first");
	config->rtp_last = (uint16_t)cfg_getint(rtp, "last");

	take_ip(metrics, &config->metrics_bind);
	for (size_t i = 0; i < CONFIG_DAEMONC; i++)
		config->metrics_port[config_daemons[i].peer] =
			(uint16_t)cfg_getint(metrics, config_daemons[i].name);

	take(database, "conninfo", config->database, sizeof(config->database));
	take(database, "password_file", config->password_file,
	     sizeof(config->password_file));
	take(database, "sql_dir", config->sql_dir, sizeof(config->sql_dir));

	for (int peer = PEER_NONE + 1; peer < PEERC; peer++)
		config->workers[peer] = 1;
	config->workers[PEER_SIPD] = (uint16_t)cfg_getint(workers, "sipd");
	config->workers[PEER_MEDIAD] = (uint16_t)cfg_getint(workers, "mediad");

	take(cfg_getsec(cfg, "billing"), "mode", config->billing_mode,
	     sizeof(config->billing_mode));
	config->journal_mb = (uint32_t)cfg_getint(cfg_getsec(cfg, "billing"),
						  "journal_mb");
	config->media_relay = cfg_getbool(cfg_getsec(cfg, "media"), "relay") ==
			      cfg_true;
	config->media_realtime = cfg_getbool(cfg_getsec(cfg, "media"),
					     "realtime") == cfg_true;
	take(cfg_getsec(cfg, "dns"), "server", config->dns_server,
	     sizeof(config->dns_server));

	config->calls = (uint32_t)cfg_getint(limits, "calls");
	config->bindings = (uint32_t)cfg_getint(limits, "bindings");
	config->core = cfg_getbool(limits, "core") == cfg_true;
	config->lock_memory = cfg_getbool(limits, "lock_memory") == cfg_true;
	config->seccomp = cfg_getbool(limits, "seccomp") == cfg_true;

	take(users, "group", config->group, sizeof(config->group));
	for (size_t i = 1; i < CONFIG_DAEMONC; i++)
		take(users, config_daemons[i].name,
		     config->user[config_daemons[i].peer],
		     sizeof(config->user[0]));

	if (log_level_parse(&config->log_level, cfg_getstr(log, "level")))
		config->log_level = LOG_LEVEL_INFO;
	config->log_format = strcmp(cfg_getstr(log, "format"), "text") == 0
				     ? LOG_TEXT
				     : LOG_JSON;
}


static bool same_place(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && a->family == b->family &&
	       (addr_same_ip(a, b) || addr_is_any(a) || addr_is_any(b));
}


static bool is_stream(Tandem__SocketUse use)
{
	return use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TCP ||
	       use == TANDEM__SOCKET_USE__SOCKET_USE_SIP_TLS;
}


static void check_listeners(const struct config *config)
{
	for (size_t i = 0; i < config->listenerc; i++) {
		const struct config_listener *a = &config->listeners[i];

		for (size_t j = i + 1; j < config->listenerc; j++) {
			const struct config_listener *b =
				&config->listeners[j];

			if (is_stream(a->use) == is_stream(b->use) &&
			    same_place(&a->bind, &b->bind))
				say("listeners %s and %s have the same "
				    "address and port",
				    a->name, b->name);
		}
		if (!is_stream(a->use) && config->rtp_last &&
		    a->bind.port >= config->rtp_first &&
		    a->bind.port <= config->rtp_last)
			say("listener %s: port %u lies in the rtp range "
			    "%u-%u",
			    a->name, a->bind.port, config->rtp_first,
			    config->rtp_last);
	}
}


/* What no single value can tell */
static void check_whole(const struct config *config)
{
	const uint32_t ports = (uint32_t)config->rtp_last + 1 -
			       config->rtp_first;

	if (config->rtp_first || config->rtp_last) {
		if (config->rtp_first < 1024 || config->rtp_first % 2 != 0 ||
		    config->rtp_last % 2 != 1 ||
		    config->rtp_last < config->rtp_first)
			say("rtp: first-last must go from an even port above "
			    "1023 to an odd one (%u-%u does not)",
			    config->rtp_first, config->rtp_last);
		else if (ports < 2u * config->workers[PEER_MEDIAD])
			say("rtp: fewer port pairs than mediad workers");
	}
	else if (config->media_relay) {
		say("media: relay = on needs rtp { first, last }");
	}
	if (!config->node[0])
		say("node: a name is needed");
	check_listeners(config);
}


/* --- the grammar --------------------------------------------------------- */

/* Defaults stand here and nowhere else. */
static cfg_t *grammar(void)
{
	/* clang-format off */
	cfg_opt_t listener[] = {
		CFG_STR("transport",   "udp",     CFGF_NONE),
		CFG_STR("bind",        "0.0.0.0", CFGF_NONE),
		CFG_INT("port",        5060,      CFGF_NONE),
		CFG_STR("advertised",  "",        CFGF_NONE),
		CFG_STR("certificate", "",        CFGF_NONE),
		CFG_STR("key",         "",        CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t rtp[] = {
		CFG_STR("bind",       "0.0.0.0", CFGF_NONE),
		CFG_STR("advertised", "",        CFGF_NONE),
		CFG_INT("first",      10000,     CFGF_NONE),
		CFG_INT("last",       19999,     CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t metrics[] = {
		CFG_STR("bind",       "127.0.0.1", CFGF_NONE),
		CFG_INT("supervisor", 9601,        CFGF_NONE),
		CFG_INT("sipd",       9602,        CFGF_NONE),
		CFG_INT("mediad",     9603,        CFGF_NONE),
		CFG_INT("regd",       9604,        CFGF_NONE),
		CFG_INT("billingd",   9605,        CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t database[] = {
		CFG_STR("conninfo",      "dbname=tandem", CFGF_NONE),
		CFG_STR("password_file", "",              CFGF_NONE),
		CFG_STR("sql_dir",       TANDEM_SQL_DIR,  CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t billing[] = {
		CFG_STR("mode", "accounts", CFGF_NONE),
		CFG_INT("journal_mb", 0, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t media[] = {
		CFG_BOOL("relay", cfg_false, CFGF_NONE),
		CFG_BOOL("realtime", cfg_true, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t dns[] = {
		CFG_STR("server", "", CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t workers[] = {
		CFG_INT("sipd",   1, CFGF_NONE),
		CFG_INT("mediad", 1, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t limits[] = {
		CFG_INT("calls",     1000,      CFGF_NONE),
		CFG_INT("bindings",  10000,     CFGF_NONE),
		CFG_BOOL("core",     cfg_false, CFGF_NONE),
		CFG_BOOL("lock_memory", cfg_false, CFGF_NONE),
		CFG_BOOL("seccomp",  cfg_true,  CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t users[] = {
		CFG_STR("group",    "tandem",         CFGF_NONE),
		CFG_STR("billingd", "tandem-billing", CFGF_NONE),
		CFG_STR("regd",     "tandem-reg",     CFGF_NONE),
		CFG_STR("mediad",   "tandem-media",   CFGF_NONE),
		CFG_STR("sipd",     "tandem-sip",     CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t log[] = {
		CFG_STR("level",  "info", CFGF_NONE),
		CFG_STR("format", "json", CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t file[] = {
		CFG_STR("node",        "",                  CFGF_NONE),
		CFG_STR("run_dir",     "/run/tandem",       CFGF_NONE),
		CFG_STR("state_dir",   "/var/lib/tandem",   CFGF_NONE),
		CFG_STR("log_dir",     "",                  CFGF_NONE),
		CFG_STR("program_dir", TANDEM_PROGRAM_DIR,  CFGF_NONE),
		CFG_STR("shm_prefix",  "tandem",            CFGF_NONE),
		CFG_STR("key_file",    "/var/lib/tandem/key", CFGF_NONE),
		CFG_BOOL("faults",     cfg_false,           CFGF_NONE),
		CFG_SEC("listener", listener,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("rtp",      rtp,      CFGF_NONE),
		CFG_SEC("metrics",  metrics,  CFGF_NONE),
		CFG_SEC("database", database, CFGF_NONE),
		CFG_SEC("billing",  billing,  CFGF_NONE),
		CFG_SEC("media",    media,    CFGF_NONE),
		CFG_SEC("dns",      dns,      CFGF_NONE),
		CFG_SEC("workers",  workers,  CFGF_NONE),
		CFG_SEC("limits",   limits,   CFGF_NONE),
		CFG_SEC("users",    users,    CFGF_NONE),
		CFG_SEC("log",      log,      CFGF_NONE),
		CFG_END(),
	};
	/* clang-format on */

	return cfg_init(file, CFGF_NONE);
}


static void checks(cfg_t *cfg)
{
	static const struct {
		const char *option;
		cfg_validate_callback_t valid;
	} rows[] = {
		{ "run_dir", valid_dir },
		{ "state_dir", valid_dir },
		{ "log_dir", valid_dir },
		{ "program_dir", valid_dir },
		{ "shm_prefix", valid_prefix },
		{ "key_file", valid_dir },
		{ "database|sql_dir", valid_dir },
		{ "listener|transport", valid_transport },
		{ "listener|bind", valid_address },
		{ "listener|port", valid_number },
		{ "rtp|bind", valid_address },
		{ "rtp|first", valid_number },
		{ "rtp|last", valid_number },
		{ "metrics|bind", valid_address },
		{ "metrics|supervisor", valid_number },
		{ "metrics|sipd", valid_number },
		{ "metrics|mediad", valid_number },
		{ "metrics|regd", valid_number },
		{ "metrics|billingd", valid_number },
		{ "database|conninfo", valid_conninfo },
		{ "billing|mode", valid_mode },
		{ "billing|journal_mb", valid_number },
		{ "dns|server", valid_server },
		{ "workers|sipd", valid_workers },
		{ "workers|mediad", valid_workers },
		{ "limits|calls", valid_number },
		{ "limits|bindings", valid_number },
		{ "log|level", valid_level },
		{ "log|format", valid_format },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)cfg_set_validate_func(cfg, rows[i].option,
					    rows[i].valid);
}


int config_parse(struct config *config, const char *name, const char *text,
		 char error[CONFIG_ERROR_MAX])
{
	struct config fresh = { .version = 0 };
	cfg_t *cfg;
	FILE *f;
	int rc;

	error[0] = '\0';
	cfg = grammar();
	if (!cfg)
		return ENOMEM;

	mistakes.text = error;
	mistakes.file = name;
	mistakes.any = false;
	(void)cfg_set_error_function(cfg, on_error);
	checks(cfg);
	/* Not from the buffer itself: its errors would name none. */
	f = fmemopen(unconst(text), strlen(text), "r");
	rc = f ? cfg_parse_fp(cfg, f) : CFG_SUCCESS;
	if (f)
		(void)fclose(f);
	if (rc == CFG_SUCCESS) {
		take(cfg, "node", fresh.node, sizeof(fresh.node));
		take(cfg, "run_dir", fresh.run_dir, sizeof(fresh.run_dir));
		take(cfg, "state_dir", fresh.state_dir,
		     sizeof(fresh.state_dir));
		take(cfg, "log_dir", fresh.log_dir, sizeof(fresh.log_dir));
		take(cfg, "program_dir", fresh.program_dir,
		     sizeof(fresh.program_dir));
		take(cfg, "shm_prefix", fresh.shm_prefix,
		     sizeof(fresh.shm_prefix));
		take(cfg, "key_file", fresh.key_file, sizeof(fresh.key_file));
		for (unsigned i = 0; i < cfg_size(cfg, "listener"); i++)
			take_listener(&fresh, cfg_getnsec(cfg, "listener", i));
		take_sections(&fresh, cfg);
		check_whole(&fresh);
	}
	else if (!mistakes.any) {
		say("cannot be read");
	}

	mistakes.text = NULL;
	mistakes.file = NULL;
	cfg_free(cfg);
	if (mistakes.any)
		return EBADMSG;

	*config = fresh;

	return 0;
}


int config_read(struct config *config, const char *path,
		char error[CONFIG_ERROR_MAX])
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t n;
	int err;

	if (!f) {
		err = errno;
		(void)text_print(error, CONFIG_ERROR_MAX, "%s: %s", path,
				 strerror(err));
		return err;
	}

	text = malloc(FILE_MAX_BYTES + 1);
	if (!text) {
		(void)fclose(f);
		return ENOMEM;
	}

	n = fread(text, 1, FILE_MAX_BYTES + 1, f);
	err = ferror(f) ? EIO : 0;
	(void)fclose(f);
	if (!err && (n > FILE_MAX_BYTES || memchr(text, '\0', n))) {
		err = EBADMSG;
		(void)text_print(error, CONFIG_ERROR_MAX,
				 "%s: larger than %d bytes, or not text", path,
				 FILE_MAX_BYTES);
	}
	if (!err) {
		text[n] = '\0';
		err = config_parse(config, path, text, error);
	}
	free(text);

	return err;
}
