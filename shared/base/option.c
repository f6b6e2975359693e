/**
 * @file shared/base/option.c  Command lines as tables
 */
#include <errno.h>
#include <string.h>

#include "shared/base/option.h"
#include "shared/base/text.h"

enum {
	NAMES_MAX = 64
};


static int unknown(const struct option_def *defs, size_t defc,
		   struct text name, char why[OPTION_WHY_MAX])
{
	const char *names[NAMES_MAX];
	const char *near;

	for (size_t i = 0; i < defc && i < NAMES_MAX; i++)
		names[i] = defs[i].name;
	near = text_nearest(name, names, defc < NAMES_MAX ? defc : NAMES_MAX);

	(void)text_print(why, OPTION_WHY_MAX,
			 near ? "unknown option --%.*s: did you mean --%s?"
			      : "unknown option --%.*s",
			 (int)(name.l < 60 ? name.l : 60), name.p, near);

	return EINVAL;
}


static const struct option_def *by_name(const struct option_def *defs,
					size_t defc, struct text name)
{
	for (size_t i = 0; i < defc; i++)
		if (text_is(name, defs[i].name))
			return &defs[i];

	return NULL;
}


static const struct option_def *by_letter(const struct option_def *defs,
					  size_t defc, char letter)
{
	for (size_t i = 0; i < defc; i++)
		if (defs[i].letter && defs[i].letter == letter)
			return &defs[i];

	return NULL;
}


/* "--name", "--name=value", "--name value" */
static int parse_long(const struct option_def *defs, size_t defc, int argc,
		      char *const argv[], int *i, const char **values,
		      char why[OPTION_WHY_MAX])
{
	const struct text word = text_of(argv[*i] + 2);
	const struct option_def *def;
	struct text name, value;
	const bool has_value = text_cut(word, '=', &name, &value);

	def = by_name(defs, defc, name);
	if (!def)
		return unknown(defs, defc, name, why);

	if (!def->arg && has_value) {
		(void)text_print(why, OPTION_WHY_MAX, "--%s takes no value",
				 def->name);
		return EINVAL;
	}
	if (!def->arg) {
		values[def - defs] = "1";
	}
	else if (has_value) {
		values[def - defs] = value.p;
	}
	else if (*i + 1 < argc) {
		values[def - defs] = argv[++*i];
	}
	else {
		(void)text_print(why, OPTION_WHY_MAX, "--%s needs %s",
				 def->name, def->arg);
		return EINVAL;
	}

	return 0;
}


/* "-nv", "-f FILE", "-fFILE" */
static int parse_short(const struct option_def *defs, size_t defc, int argc,
		       char *const argv[], int *i, const char **values,
		       char why[OPTION_WHY_MAX])
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct option_def *def = by_letter(defs, defc, *p);

		if (!def) {
			(void)text_print(why, OPTION_WHY_MAX,
					 "unknown option -%c",
					 *p > ' ' && *p < 0x7f ? *p : '?');
			return EINVAL;
		}
		if (!def->arg) {
			values[def - defs] = "1";
			continue;
		}
		if (p[1])
			values[def - defs] = p + 1;
		else if (*i + 1 < argc)
			values[def - defs] = argv[++*i];
		else {
			(void)text_print(why, OPTION_WHY_MAX, "-%c needs %s",
					 *p, def->arg);
			return EINVAL;
		}
		break;
	}

	return 0;
}


int option_parse(const struct option_def *defs, size_t defc, int argc,
		 char *const argv[], const char **values, int *restp,
		 char why[OPTION_WHY_MAX])
{
	int err = 0, i;

	for (size_t row = 0; row < defc; row++)
		values[row] = NULL;
	why[0] = '\0';

	for (i = 1; i < argc && !err; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--") == 0) {
			i++;
			break;
		}
		if (word[0] != '-' || word[1] == '\0')
			break;
		err = word[1] == '-' ? parse_long(defs, defc, argc, argv, &i,
						  values, why)
				     : parse_short(defs, defc, argc, argv, &i,
						   values, why);
	}

	if (!err)
		*restp = i;

	return err;
}


void option_help(FILE *f, const char *usage, const struct option_def *defs,
		 size_t defc)
{
	fprintf(f, "Usage: %s\n\n", usage);
	for (size_t i = 0; i < defc; i++) {
		char left[64];

		if (defs[i].letter)
			(void)text_print(left, sizeof(left), "-%c, --%s%s%s",
					 defs[i].letter, defs[i].name,
					 defs[i].arg ? " " : "",
					 defs[i].arg ? defs[i].arg : "");
		else
			(void)text_print(left, sizeof(left), "    --%s%s%s",
					 defs[i].name, defs[i].arg ? " " : "",
					 defs[i].arg ? defs[i].arg : "");
		fprintf(f, "  %-28s %s\n", left, defs[i].help);
	}
}
