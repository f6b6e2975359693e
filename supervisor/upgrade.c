/**
 * @file supervisor/upgrade.c  Other programs, and the memory they find
 *
 * When one starts, is ready, or is not.
 *
 * Diagnostics: notice segment_migrated; warn program_back when a release did
 * not come up and the one before goes on, and program_not_saved.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "supervisor/program.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade_int.h"

enum {
	MIGRATE_MS = 8000 /**< Of a service manager's patience with us */
};


static const struct child *user_of(const struct child *child, const char *name)
{
	const struct supervisor *sup = child->sup;

	for (size_t i = 0; i < sup->childc; i++) {
		const struct child *other = sup->children[i];

		if (other != child && other->pid && other->running &&
		    layouts_row(&other->running->layouts, name))
			return other;
	}

	return NULL;
}


/* Before it come warnings, if there were any. */
static const char *last_line(char *output)
{
	size_t len = strlen(output);
	const char *line;

	while (len && output[len - 1] == '\n')
		output[--len] = '\0';
	line = strrchr(output, '\n');

	return line ? line + 1 : output;
}


static int run_migration(struct child *child, const struct program *program,
			 const struct layout_row *row, struct layout from,
			 const int fds[2])
{
	const struct config *config = &child->sup->config;
	char order[256], flag[] = "--migrate", name[32];
	char *argv[] = { name, flag, order, NULL };
	char output[PROGRAM_OUTPUT_MAX] = "";
	const char *said;
	int err;

	(void)text_print(name, sizeof(name), "%s", program->name);
	err = text_print(order, sizeof(order), "%s,%u,%u,%d,%d,%s,%s",
			 row->name, from.version, row->layout.version, fds[0],
			 fds[1], config->user[child->id.peer], config->group);
	if (!err)
		err = program_run(program, argv, fds, 2, MIGRATE_MS, output);
	said = last_line(output);
	if (err)
		(void)text_print(child->why, sizeof(child->why),
				 "%s was not migrated from layout %u to %u: "
				 "%.80s",
				 row->name, from.version, row->layout.version,
				 said[0] ? said : strerror(err));
	else
		log_notice(&child->log,
			   "segment_migrated segment=%s from=%u to=%u said=%s",
			   row->name, from.version, row->layout.version, said);

	return err;
}


static int migrate_one(struct child *child, struct program *program,
		       const struct layout_row *row, struct layout from)
{
	struct supervisor *sup = child->sup;
	char why[SEGMENTS_WHY_MAX] = "";
	struct program *knows = upgrade_guide(child, program, row->name, from,
					      row->layout);
	int fds[2], err;

	if (!knows) {
		(void)text_print(child->why, sizeof(child->why),
				 "%s has layout %u, layout %u is needed, and "
				 "no program here can migrate it: install "
				 "the release that made it, or stop all and "
				 "give it up: 'tandem-supervisor "
				 "--remove-shm'",
				 row->name, from.version, row->layout.version);
		return EPROTO;
	}

	err = segments_new(sup->segments, child->id, row, &sup->config, fds,
			   why);
	if (err)
		(void)text_print(child->why, sizeof(child->why), "%.200s",
				 why);
	else
		err = run_migration(child, knows, row, from, fds);
	program_free(knows);

	return err ? err
		   : segments_switch(sup->segments, child->id, row->name);
}


static int make_fit(struct child *child, struct program *program,
		    const struct layout_row *row)
{
	struct segments *held = child->sup->segments;
	char why[SEGMENTS_WHY_MAX];
	struct layout found;
	const enum segment_fit fit = segments_fit(held, child->id, row,
						  &found);
	const struct child *user;

	if (fit == SEGMENT_FITS)
		return 0;
	if (fit == SEGMENT_STRANGE)
		return 0; /* the daemon says it better */
	if (fit == SEGMENT_TO_RENEW && row->writes)
		return segments_renew(held, child->id, row,
				      &child->sup->config, why);

	user = user_of(child, row->name);
	if (user || !row->writes) {
		(void)text_print(child->why, sizeof(child->why),
				 "%s has layout %u, %s needs %u: 'tandemctl "
				 "restart %s' replaces all together",
				 row->name, found.version, child->name,
				 row->layout.version, child->def->program);
		return EPROTO;
	}
	if (fit == SEGMENT_FITS_ASIDE)
		return segments_switch_back(held, child->id, row->name);

	return migrate_one(child, program, row, found);
}


/* What was stopped comes back as what is on disk; what died, as what it was.
 */
static int choose(struct child *child)
{
	char why[UPGRADE_WHY_MAX] = "";
	int err = 0;

	if (child->fresh && !child->next && !child->joint)
		err = upgrade_open_next(child, why);
	if (!err && !child->program) {
		err = child->next ? 0 : upgrade_open_next(child, why);
		child->program = child->next;
		child->next = NULL;
	}
	if (err)
		(void)text_print(child->why, sizeof(child->why), "%.250s",
				 why[0] ? why : strerror(err));
	child->fresh = false;

	return err;
}


int upgrade_before_spawn(struct child *child)
{
	struct program *program;
	int err = choose(child);

	if (err)
		return err;

	program = child->next ? child->next : child->program;
	for (size_t i = 0; i < program->layouts.rowc && !err; i++)
		err = make_fit(child, program, &program->layouts.rows[i]);
	child->running = program;

	return err;
}


static void drop_aside(const struct child *child)
{
	const struct layouts *layouts = &child->program->layouts;

	for (size_t i = 0; i < layouts->rowc; i++)
		if (layouts->rows[i].writes)
			segments_aside_drop(child->sup->segments, child->id,
					    layouts->rows[i].name);
}


/* The way back from its tables must not depend on us, who have it open. */
static void save(const struct child *child)
{
	char dir[PROGRAM_PATH_MAX];
	int err;

	if (!child->program->layouts.stepc || child->program->saved)
		return;
	upgrade_saved_dir(dir, child->sup);
	err = program_save(child->program, dir);
	if (err)
		log_warn(&child->log, "program_not_saved dir=%s why=%s", dir,
			 strerror(err));
}


/* Its own from now on; what was before is kept for the way back. */
void upgrade_commit(struct child *child)
{
	if (child->next) {
		program_free(child->past);
		child->past = child->program;
		child->program = child->next;
		child->next = NULL;
	}
	child->planned = false;
	child->joint = false;
	if (!child->program)
		return;
	drop_aside(child);
	save(child);
}


void upgrade_ready(struct child *child)
{
	/* Of several that go together, all or none. */
	if (!child->joint)
		upgrade_commit(child);
}


bool upgrade_failed(struct child *child)
{
	if (child->joint || !child->next)
		return false;

	log_warn(&child->log, "program_back why=%s",
		 child->why[0] ? child->why : "it did not become ready");
	program_free(child->past);
	child->past = child->next;
	child->next = NULL;
	child->planned = false;
	child->fell_back = true;
	(void)text_print(child->back_why, sizeof(child->back_why), "%s",
			 child->why[0] ? child->why
				       : "it did not become ready");

	return true;
}
