/**
 * @file docs/param_page.c  The documentation of parameters, from their table
 *
 *     param_page mdoc       the manual page tandem-parameters(7)
 *     param_page markdown   docs/parameters.md
 *
 * Built and run by the build, never installed. tools/check-docs compares the
 * tree's parameters.md with what this prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/catalog/param.h"

struct form {
	const char *name;
	void (*head)(void);
	void (*param)(const struct param_def *def);
	void (*between)(void);
	void (*profile)(const struct param_profile *profile);
	void (*tail)(void);
};

#define KINDS                                                        \
	"M mapping gateway, R routing gateway, P phone, U outbound " \
	"registration"


static const char *default_of(const struct param_def *def)
{
	return def->def[0] ? def->def : "empty";
}


static const char *value_of(const struct param_set *set)
{
	return set->value ? set->value : default_of(&params[set->param]);
}


/* --- mdoc ----------------------------------------------------------------- */

static void mdoc_head(void)
{
	puts(".Dd November 21, 2026\n"
	     ".Dt TANDEM-PARAMETERS 7\n"
	     ".Os Tandem\n"
	     ".Sh NAME\n"
	     ".Nm tandem-parameters\n"
	     ".Nd what an operator tunes while the switch runs\n"
	     ".Sh DESCRIPTION\n"
	     "Parameters are set with\n"
	     ".Ql tandemctl param set NAME VALUE\n"
	     "and put back with\n"
	     ".Ql tandemctl param unset NAME .\n"
	     "Nothing needs a restart.\n"
	     "A value that is not allowed is refused and the old one kept.\n"
	     "Switches are also taken as on, off, true, false, 1 and 0.\n"
	     "Lists are separated by commas.\n"
	     "A pattern is digits, with\n"
	     ".Ql *\n"
	     "at its end if more may follow.\n"
	     "A field named with a parameter overrides it in records of the\n"
	     "kinds named: " KINDS ".\n"
	     ".Sh PARAMETERS\n"
	     ".Bl -tag -width Ds");
}


static void mdoc_param(const struct param_def *def)
{
	printf(".It Cm %s\n%s.\nDefault: %s.\nAllowed: %s%s%s.\n", def->name,
	       def->help, default_of(def), def->allowed,
	       def->unit[0] ? "; unit: " : "", def->unit);
	if (def->override)
		printf("Field of %s:\n.Cm %s .\n", def->scope, def->override);
	printf("A change holds for %s.\n", param_from_text[def->from]);
}


static void mdoc_between(void)
{
	puts(".El\n"
	     ".Sh PROFILES\n"
	     "A profile sets what it lists in one step and leaves all else\n"
	     "alone:\n"
	     ".Ql tandemctl profile apply NAME .\n"
	     ".Bl -tag -width Ds");
}


static void mdoc_profile(const struct param_profile *profile)
{
	printf(".It Cm %s\n%s.\n", profile->name, profile->help);
	puts(".Bl -item -compact");
	for (size_t i = 0; i < profile->setc; i++)
		printf(".It\n%s %s\n", params[profile->sets[i].param].name,
		       value_of(&profile->sets[i]));
	puts(".El");
}


static void mdoc_tail(void)
{
	puts(".El\n"
	     ".Sh SEE ALSO\n"
	     ".Xr tandemctl 1 ,\n"
	     ".Xr tandem.conf 5 ,\n"
	     ".Xr tandem 8");
}


/* --- markdown ------------------------------------------------------------- */

static void markdown_head(void)
{
	puts("# Parameters\n\n"
	     "Made from the tables in `shared/catalog` by\n"
	     "`build/dev/docs/param_page markdown > docs/parameters.md`; "
	     "`tools/check-docs`\ncompares.\n\n"
	     "Scope: S the switch alone; " KINDS
	     " have a field that overrides it.\n\n"
	     "| parameter | default | allowed | unit | scope, field | "
	     "a change holds for | meaning |\n"
	     "|---|---|---|---|---|---|---|");
}


static void markdown_param(const struct param_def *def)
{
	printf("| `%s` | %s | %s | %s | %s", def->name, default_of(def),
	       def->allowed, def->unit, def->scope);
	if (def->override)
		printf(" `%s`", def->override);
	printf(" | %s | %s |\n", param_from_text[def->from], def->help);
}


static void markdown_between(void)
{
	puts("\n## Profiles\n\n"
	     "A profile sets what it lists and leaves all else alone.\n\n"
	     "| profile | for | sets |\n"
	     "|---|---|---|");
}


static void markdown_profile(const struct param_profile *profile)
{
	printf("| `%s` | %s | ", profile->name, profile->help);
	for (size_t i = 0; i < profile->setc; i++)
		printf("%s`%s` %s", i ? "; " : "",
		       params[profile->sets[i].param].name,
		       value_of(&profile->sets[i]));
	puts(" |");
}


static void markdown_tail(void)
{
}


static const struct form forms[] = {
	{ .name = "mdoc",
	  .head = mdoc_head,
	  .param = mdoc_param,
	  .between = mdoc_between,
	  .profile = mdoc_profile,
	  .tail = mdoc_tail },
	{ .name = "markdown",
	  .head = markdown_head,
	  .param = markdown_param,
	  .between = markdown_between,
	  .profile = markdown_profile,
	  .tail = markdown_tail },
};


static int print(const struct form *form)
{
	form->head();
	for (int p = 0; p < PARAMC; p++)
		form->param(&params[p]);
	form->between();
	for (size_t i = 0; i < param_profilec; i++)
		form->profile(&param_profiles[i]);
	form->tail();

	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}


int main(int argc, char *argv[])
{
	for (size_t i = 0; argc == 2 && i < COUNT_OF(forms); i++)
		if (strcmp(argv[1], forms[i].name) == 0)
			return print(&forms[i]);

	(void)fprintf(stderr, "Usage: param_page mdoc|markdown\n");

	return EXIT_FAILURE;
}
