/**
 * @file supervisor/upgrade_plan.c  Other programs: before anything stops
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "supervisor/program.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade_int.h"


static const struct layouts *layouts_then(const struct child *child)
{
	const struct program *program = child->next ? child->next
						    : child->program;

	return program ? &program->layouts : NULL;
}


static void add_known(struct programs_known *known, struct program *program)
{
	for (size_t i = 0; i < known->rowc; i++)
		if (known->rows[i] == program)
			return;
	if (program && known->rowc < COUNT_OF(known->rows))
		known->rows[known->rowc++] = program;
}


void upgrade_gather(struct programs_known *known, const struct supervisor *sup)
{
	known->rowc = 0;
	for (size_t i = 0; i < sup->childc; i++) {
		add_known(known, sup->children[i]->program);
		add_known(known, sup->children[i]->next);
		add_known(known, sup->children[i]->past);
	}
}


/* The file on disk, if it is not what runs. Workers of one daemon share it. */
int upgrade_open_next(struct child *child, char why[UPGRADE_WHY_MAX])
{
	struct supervisor *sup = child->sup;
	struct programs_known known;
	struct program *found;
	int err;

	child->next = program_free(child->next);
	upgrade_gather(&known, sup);
	err = program_open(&found, sup->config.program_dir,
			   child->def->program, &known, why);
	if (!err && found != child->program)
		child->next = found;
	else if (!err)
		program_free(found);

	return err;
}


static int add(struct child *child, bool *againp, char why[UPGRADE_WHY_MAX])
{
	if (child->planned || child->surplus)
		return 0;

	child->planned = true;
	*againp = true;

	return upgrade_open_next(child, why);
}


static bool leads(const struct program *program, const char *name,
		  struct layout from, struct layout to)
{
	return program && layouts_lead(&program->layouts, name, from, to);
}


/* Who else has it mapped goes with it. */
static int add_users(struct supervisor *sup, const char *name, bool *againp,
		     char why[UPGRADE_WHY_MAX])
{
	int err = 0;

	for (size_t i = 0; i < sup->childc && !err; i++) {
		struct child *other = sup->children[i];

		if (other->program &&
		    layouts_row(&other->program->layouts, name))
			err = add(other, againp, why);
	}

	return err;
}


void upgrade_saved_dir(char dir[PROGRAM_PATH_MAX],
		       const struct supervisor *sup)
{
	(void)text_print(dir, PROGRAM_PATH_MAX, "%s/programs",
			 sup->config.state_dir);
}


/* Who knows the way from one layout to another: what comes, what runs, what
 * ran before, or the copy of the last one that knew any; NULL: nobody */
struct program *upgrade_guide(const struct child *child,
			      struct program *program, const char *name,
			      struct layout from, struct layout to)
{
	const struct programs_known none = { .rowc = 0 };
	struct program *known[] = { program, child->program, child->past };
	char dir[PROGRAM_PATH_MAX], why[PROGRAM_WHY_MAX];
	struct program *saved;

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (leads(known[i], name, from, to))
			return program_ref(known[i]);

	upgrade_saved_dir(dir, child->sup);
	if (program_open(&saved, dir, child->def->program, &none, why) != 0)
		return NULL;

	return leads(saved, name, from, to) ? saved : program_free(saved);
}


static int plan_written(struct child *child, const struct layout_row *row,
			bool *jointp, bool *againp, char why[UPGRADE_WHY_MAX])
{
	struct layout found;
	const enum segment_fit fit = segments_fit(child->sup->segments,
						  child->id, row, &found);
	struct program *knows;

	if (fit == SEGMENT_FITS || fit == SEGMENT_TO_RENEW)
		return 0;
	if (fit == SEGMENT_STRANGE) {
		(void)text_print(why, UPGRADE_WHY_MAX,
				 "%s needs a segment %s, which this "
				 "supervisor does not have: restart the "
				 "supervisor first",
				 child->name, row->name);
		return EPROTO;
	}
	knows = upgrade_guide(child, child->next, row->name, found,
			      row->layout);
	if (!knows) {
		(void)text_print(why, UPGRADE_WHY_MAX,
				 "%s needs layout %u of %s, which has layout "
				 "%u: neither the program on disk nor the one "
				 "that runs can migrate it",
				 child->name, row->layout.version, row->name,
				 found.version);
		return EPROTO;
	}

	program_free(knows);
	*jointp = true;

	return add_users(child->sup, row->name, againp, why);
}


/* The child that will write this segment, if it is planned too */
static struct child *writer_of(const struct supervisor *sup, const char *name)
{
	for (size_t i = 0; i < sup->childc; i++) {
		const struct layouts *layouts = layouts_then(sup->children[i]);
		const struct layout_row *row = layouts ? layouts_row(layouts,
								     name)
						       : NULL;

		if (row && row->writes && !sup->children[i]->surplus)
			return sup->children[i];
	}

	return NULL;
}


static int plan_read(struct child *child, const struct layout_row *row,
		     bool *againp, char why[UPGRADE_WHY_MAX])
{
	struct child *writer = writer_of(child->sup, row->name);
	struct layout then = { 0, 0 };
	const enum segment_fit fit = segments_fit(child->sup->segments,
						  child->id, row, &then);

	if (writer && writer->planned)
		then = layouts_row(layouts_then(writer), row->name)->layout;
	if (fit != SEGMENT_STRANGE && layout_equal(then, row->layout))
		return 0;
	/* Perhaps the writer's new program gives it that. */
	if (fit != SEGMENT_STRANGE && writer && !writer->planned)
		return add(writer, againp, why);

	(void)text_print(why, UPGRADE_WHY_MAX,
			 "%s reads layout %u of %s, which would have layout "
			 "%u: install programs that belong together",
			 child->name, row->layout.version, row->name,
			 then.version);

	return EPROTO;
}


static int plan_child(struct child *child, bool *jointp, bool *againp,
		      char why[UPGRADE_WHY_MAX])
{
	const struct layouts *layouts = layouts_then(child);
	int err = 0;

	for (size_t i = 0; layouts && i < layouts->rowc && !err; i++) {
		const struct layout_row *row = &layouts->rows[i];

		err = row->writes
			      ? plan_written(child, row, jointp, againp, why)
			      : plan_read(child, row, againp, why);
	}

	return err;
}


void upgrade_forget(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if (child->planned)
			child->next = program_free(child->next);
		child->planned = false;
	}
}


int upgrade_plan(struct supervisor *sup, bool *jointp,
		 char why[UPGRADE_WHY_MAX])
{
	bool again = true;
	int err = 0;

	*jointp = false;
	why[0] = '\0';
	for (size_t i = 0; i < sup->childc && !err; i++)
		if (sup->children[i]->planned)
			err = upgrade_open_next(sup->children[i], why);

	/* Until nobody comes in any more: each round adds one at least. */
	while (again && !err) {
		again = false;
		for (size_t i = 0; i < sup->childc && !err; i++)
			if (sup->children[i]->planned)
				err = plan_child(sup->children[i], jointp,
						 &again, why);
	}
	if (err && !why[0])
		(void)text_print(why, UPGRADE_WHY_MAX, "%s", strerror(err));
	if (err)
		upgrade_forget(sup);

	return err;
}
