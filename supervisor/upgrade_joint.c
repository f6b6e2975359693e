/**
 * @file supervisor/upgrade_joint.c  Processes whose tables change go together
 *
 * Diagnostics: warn programs_back when one of them did not come up.
 */
#include "shared/base/text.h"
#include "supervisor/program.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade_int.h"


static bool all_joint(const struct supervisor *sup, enum child_state state)
{
	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->joint &&
		    sup->children[i]->state != state)
			return false;

	return true;
}


static void yield_joint(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if (!child->joint)
			continue;
		child->held_down = true;
		child_event(child, CHILD_EV_YIELD);
	}
}


static void start_joint(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if (!child->joint)
			continue;
		child->held_down = false;
		child->tried = false;
		child_event(child, CHILD_EV_START);
	}
}


static const struct child *failed_joint(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->joint &&
		    sup->children[i]->state == CHILD_BACKOFF)
			return sup->children[i];

	return NULL;
}


static void go_back(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if (!child->joint)
			continue;
		program_free(child->past);
		child->past = child->next;
		child->next = NULL;
	}
	yield_joint(sup);
}


/* Those that have begun to run something else keep it. */
static void end_joint(struct supervisor *sup, bool stopping)
{
	for (size_t i = 0; i < sup->childc; i++) {
		struct child *child = sup->children[i];

		if (!child->joint)
			continue;
		child->held_down = false;
		if (stopping && child->running != child->next)
			child->next = program_free(child->next);
		upgrade_commit(child);
	}
}


static void joint_say(struct job *job, const struct child *child)
{
	(void)text_print(job->why, sizeof(job->why), "%s: %s", child->name,
			 child->why[0] ? child->why
				       : "it did not become ready");
}


bool upgrade_advance(struct supervisor *sup, struct job *job,
		     char why[UPGRADE_WHY_MAX])
{
	const struct child *failed = failed_joint(sup);

	why[0] = '\0';
	if (sup->aim != AIM_UP) {
		end_joint(sup, true);
		(void)text_print(why, UPGRADE_WHY_MAX, "the switch stops");
		return true;
	}

	switch (job->phase) {

	case JOINT_BEGIN:
		job->phase = JOINT_YIELD;
		yield_joint(sup);
		return false;

	case JOINT_YIELD:
	case JOINT_BACK_YIELD:
		if (!all_joint(sup, CHILD_DOWN))
			return false;
		job->phase++;
		start_joint(sup);
		return false;

	case JOINT_START:
		if (failed) {
			joint_say(job, failed);
			log_warn(&sup->log, "programs_back why=%s", job->why);
			job->phase = JOINT_BACK_YIELD;
			go_back(sup);
			return false;
		}
		break;

	case JOINT_BACK_START:
		if (failed)
			end_joint(sup, false);
		(void)text_print(why, UPGRADE_WHY_MAX,
				 "%s; the release before %s", job->why,
				 failed ? "does not come up either: see status"
					: "goes on");
		if (failed)
			return true;
		break;
	}
	if (!all_joint(sup, CHILD_READY)) {
		why[0] = '\0';
		return false;
	}
	end_joint(sup, false);

	return true;
}
