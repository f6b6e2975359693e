/**
 * @file docs/record_page.c  The documentation of records, from their tables
 *
 * Prints docs/records.md. Built by the build, never installed;
 * tools/check-docs compares the tree's file with what this prints.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/catalog/record.h"


static void print_head(void)
{
	puts("# Records\n\n"
	     "Made from `shared/catalog/records.def` by\n"
	     "`build/dev/docs/record_page > docs/records.md`; "
	     "`tools/check-docs` compares.\n\n"
	     "A field without default must be given. A field that may be "
	     "`inherit` follows the\nparameter in its row. Elements of a list "
	     "are separated by commas, blanks around\nthem do not count. "
	     "Switches are also taken as on, off, true, false, 1 and 0.\n\n"
	     "- A name is 1 to 64 bytes of UTF-8 without commas, and not "
	     "`none`.\n"
	     "- A dial plan is a list of `pattern=replacement`: `_` is any "
	     "character, `*` at the\n  end the rest, which goes where `*` "
	     "stands in the replacement. The pattern with\n  most characters "
	     "before `*` wins, of equal ones one without `*`, then the "
	     "first.\n"
	     "- A calendar is a list like `mon-fri 08:00-20:00 400`. Days may "
	     "go round the week;\n  hours may not go round midnight, which "
	     "ends a day as `24:00`.\n"
	     "- Addresses with a port: `192.0.2.1:5060`, "
	     "`[2001:db8::1]:5060`.\n"
	     "- Times are at UTC: `2026-01-31T08:00:00Z`, or a date.\n"
	     "- A password is set as `password` and kept as `ha1` (what it is "
	     "checked with) or\n  `sealed` (encrypted, where the switch itself "
	     "must know it); both are shown as\n  `set` or `none`.");
}


static void print_field(const struct record_field *field)
{
	char allowed[RECORD_ALLOWED_MAX];

	record_allowed(field, allowed);
	printf("| `%s` | %s | %s | ", field->name,
	       !field->def     ? ""
	       : field->def[0] ? field->def
			       : "empty",
	       allowed);
	if (field->inherits && field->param != PARAMC)
		printf("`%s`", params[field->param].name);
	printf(" | %s |\n", field->help);
}


static void print_kind(const struct record_def *def)
{
	printf("\n## %c%s (`%s`)\n\n"
	       "| field | default | allowed | inherits | meaning |\n"
	       "|---|---|---|---|---|\n",
	       def->title[0] - 'a' + 'A', def->title + 1, def->word);
	for (size_t i = 0; i < def->fieldc; i++)
		print_field(&def->fields[i]);
}


static void print_templates(void)
{
	puts("\n## Templates\n\n"
	     "A template sets these fields of a gateway, those that its kind "
	     "has, and leaves the\nothers alone.\n\n"
	     "| template | for | sets |\n"
	     "|---|---|---|");
	for (size_t i = 0; i < record_templatec; i++) {
		const struct record_template *t = &record_templates[i];

		printf("| `%s` | %s | ", t->name, t->help);
		for (size_t n = 0; n < COUNT_OF(t->sets) && t->sets[n].field;
		     n++)
			printf("%s`%s` %s", n ? "; " : "", t->sets[n].field,
			       t->sets[n].value);
		puts(" |");
	}
}


int main(void)
{
	print_head();
	for (size_t i = 0; i < RECORD_KINDC; i++)
		print_kind(&records[i]);
	print_templates();

	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
