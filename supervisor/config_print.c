/**
 * @file supervisor/config_print.c  The effective node file
 *
 * In the grammar of config.c, every default spelt out: what is printed can be
 * read again and says the same.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/config_parts.h"


/* In quotes, with what libconfuse would take for something else escaped */
static void print_text(FILE *f, const char *indent, const char *name,
		       const char *value)
{
	(void)fprintf(f, "%s%s = \"", indent, name);
	for (; *value; value++) {
		if (strchr("\"\\$", *value))
			(void)fputc('\\', f);
		(void)fputc(*value, f);
	}
	(void)fprintf(f, "\"\n");
}


static void print_ip(FILE *f, const struct addr *addr)
{
	struct addr ip = *addr;
	char text[ADDR_TEXT_MAX];

	ip.port = 0;
	print_text(f, "\t", "bind", addr_print(&ip, text));
}


static void print_listener(FILE *f, const struct config_listener *listener)
{
	size_t transport = 0;

	while (transport < CONFIG_TRANSPORTC - 1 &&
	       config_transport_uses[transport] != listener->use)
		transport++;

	(void)fprintf(f, "\nlistener \"%s\" {\n", listener->name);
	print_text(f, "\t", "transport", config_transports[transport]);
	print_ip(f, &listener->bind);
	(void)fprintf(f, "\tport = %u\n", listener->bind.port);
	print_text(f, "\t", "advertised", listener->advertised);
	print_text(f, "\t", "certificate", listener->certificate);
	print_text(f, "\t", "key", listener->key);
	(void)fprintf(f, "}\n");
}


int config_print(const struct config *config, FILE *f)
{
	print_text(f, "", "node", config->node);
	print_text(f, "", "run_dir", config->run_dir);
	print_text(f, "", "state_dir", config->state_dir);
	print_text(f, "", "log_dir", config->log_dir);
	print_text(f, "", "program_dir", config->program_dir);
	print_text(f, "", "shm_prefix", config->shm_prefix);
	print_text(f, "", "key_file", config->key_file);
	(void)fprintf(f, "faults = %s\n", config->faults ? "true" : "false");

	for (size_t i = 0; i < config->listenerc; i++)
		print_listener(f, &config->listeners[i]);

	(void)fprintf(f, "\nrtp {\n");
	print_ip(f, &config->rtp_bind);
	print_text(f, "\t", "advertised", config->rtp_advertised);
	(void)fprintf(f, "\tfirst = %u\n\tlast = %u\n}\n", config->rtp_first,
		      config->rtp_last);

	(void)fprintf(f, "\nmetrics {\n");
	print_ip(f, &config->metrics_bind);
	for (size_t i = 0; i < CONFIG_DAEMONC; i++)
		(void)fprintf(f, "\t%s = %u\n", config_daemons[i].name,
			      config->metrics_port[config_daemons[i].peer]);
	(void)fprintf(f, "}\n");

	(void)fprintf(f, "\ndatabase {\n");
	print_text(f, "\t", "conninfo", config->database);
	print_text(f, "\t", "password_file", config->password_file);
	print_text(f, "\t", "sql_dir", config->sql_dir);
	(void)fprintf(f, "}\n");

	(void)fprintf(f, "\nbilling {\n");
	print_text(f, "\t", "mode", config->billing_mode);
	(void)fprintf(f, "\tjournal_mb = %u\n}\n", config->journal_mb);

	(void)fprintf(f, "\nmedia {\n\trelay = %s\n\trealtime = %s\n}\n",
		      config->media_relay ? "on" : "off",
		      config->media_realtime ? "on" : "off");

	(void)fprintf(f, "\ndns {\n");
	print_text(f, "\t", "server", config->dns_server);
	(void)fprintf(f, "}\n");

	(void)fprintf(f, "\nworkers {\n\tsipd = %u\n\tmediad = %u\n}\n",
		      config->workers[PEER_SIPD],
		      config->workers[PEER_MEDIAD]);
	(void)fprintf(f,
		      "\nlimits {\n\tcalls = %u\n\tbindings = %u\n"
		      "\tcore = %s\n\tlock_memory = %s\n"
		      "\tseccomp = %s\n}\n",
		      config->calls, config->bindings,
		      config->core ? "true" : "false",
		      config->lock_memory ? "true" : "false",
		      config->seccomp ? "true" : "false");

	(void)fprintf(f, "\nusers {\n");
	print_text(f, "\t", "group", config->group);
	for (size_t i = 1; i < CONFIG_DAEMONC; i++)
		print_text(f, "\t", config_daemons[i].name,
			   config->user[config_daemons[i].peer]);
	(void)fprintf(f, "}\n");

	(void)fprintf(f, "\nlog {\n");
	print_text(f, "\t", "level", log_level_name(config->log_level));
	print_text(f, "\t", "format", config_formats[config->log_format]);
	(void)fprintf(f, "}\n");

	return ferror(f) ? EIO : 0;
}
