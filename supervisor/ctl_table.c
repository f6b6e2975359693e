/**
 * @file supervisor/ctl_table.c  From words to a command
 */
#include <errno.h>
#include <stdbool.h>
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
	{ "stop",          "stop",          { "process" },          0, "",        "Stop all, in reverse order, or one; the supervisor stays" },
	{ "start",         "start",         { "process" },          0, "",        "Start all, in order, or one" },
	{ "reload",        "reload",        { NULL },               0, "",        "Put the node file in force, or change nothing" },
	{ "loglevel",      "loglevel",      { "process", "level" }, 2, "",        "error, warn, notice, info or debug" },
	{ "daemon status", "daemon.status", { "process" },          1, "",        "What a daemon says of itself" },
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


/* What looks like a number is one. */
static json_t *value_of(const char *text)
{
	int64_t v;

	if (text_i64(&v, text_of(text), INT64_MIN, INT64_MAX) == 0)
		return json_integer(v);

	return json_string(text);
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
	    strcmp(name, "drain") != 0)
		value = value_of(argv[++*i]);
	else
		value = json_true();

	return json_object_set_new(args, name, value) ? EINVAL : 0;
}


static int arguments(json_t *args, const struct row *row, int argc,
		     char *const argv[], int from, char why[CTL_WHY_MAX])
{
	size_t given = 0;

	for (int i = from; i < argc; i++) {
		if (strncmp(argv[i], "--", 2) == 0) {
			if (option(args, argc, argv, &i)) {
				(void)text_print(why, CTL_WHY_MAX,
						 "'%.60s' is no option",
						 argv[i]);
				return EINVAL;
			}
			continue;
		}
		if (!row || given == COUNT_OF(row->args) ||
		    !row->args[given]) {
			(void)text_print(why, CTL_WHY_MAX,
					 "'%.60s' is one word too many",
					 argv[i]);
			return EINVAL;
		}
		if (json_object_set_new(args, row->args[given++],
					json_string(argv[i])))
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


void ctl_help(FILE *f)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char left[64];

		usage(left, sizeof(left), &rows[i]);
		fprintf(f, "  %-28s %s\n", left, rows[i].help);
	}
	fprintf(f, "  %-28s %s\n", "OBJECT VERB [--name value]",
		"Any other command, as it stands");
}
