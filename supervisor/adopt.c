/**
 * @file supervisor/adopt.c  Who is alive?
 *
 * The process table is what a supervisor before us left. Each row is believed
 * only as far as the kernel agrees: the pid must live, and have been started
 * when the row says. Those that live are asked in through their own socket;
 * nothing is opened and nobody is started before all of them have answered or
 * are gone, so no port is bound twice and no daemon runs twice.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "shared/ipc/fdpass.h"
#include "supervisor/supervisor.h"


/* The children exist already, as the node file asks; this one may be of a
 * file that asked for more. */
static struct child *child_for(struct supervisor *sup, struct peer_id id)
{
	struct child *child = supervisor_child(sup, id);

	if (child || sup->childc == CHILDREN_MAX || !daemons[id.peer].program)
		return child;
	if (child_alloc(&child, sup, id))
		return NULL;

	child->surplus = true;
	sup->children[sup->childc++] = child;

	return child;
}


static void adopt_one(struct supervisor *sup,
		      const struct process_image *image)
{
	const struct peer_id id = { image->peer, image->worker };
	struct child *child = child_for(sup, id);
	int pidfd;

	if (!child)
		return;

	child->generation = image->generation;
	child->restarts = image->restarts;
	child->last_exit = image->last_exit;
	if (image->pid == 0 || child->pid)
		return;

	pidfd = process_pidfd(image->pid, image->start_time);
	if (pidfd < 0) {
		log_notice(&child->log, "process_gone pid=%d", image->pid);
		return;
	}
	if (child_adopt(child, image->pid, image->start_time, pidfd) != 0)
		log_error(&child->log, "adoption_failed pid=%d", image->pid);
}


struct row {
	struct process_image image;
	uint32_t slot;
};

struct rows {
	struct row rows[PROCESSES_SLOTS];
	size_t rowc;
};


static bool remember(uint32_t slot, const void *image, void *arg)
{
	struct rows *found = arg;

	if (found->rowc < PROCESSES_SLOTS) {
		found->rows[found->rowc].slot = slot;
		memcpy(&found->rows[found->rowc++].image, image,
		       sizeof(struct process_image));
	}

	return true;
}


/* Each row gets a new slot before its old one is given back: a supervisor
 * killed in between leaves it twice, and the second is found to be known. */
void adopt_begin(struct supervisor *sup)
{
	struct rows found = { .rowc = 0 };

	(void)slots_adopt(sup->processes, remember, &found);
	for (size_t i = 0; i < found.rowc; i++)
		adopt_one(sup, &found.rows[i].image);
	for (size_t i = 0; i < sup->childc; i++)
		child_publish(sup->children[i]);
	for (size_t i = 0; i < found.rowc; i++)
		slots_give(sup->processes, found.rows[i].slot);
}


int adopt_anybody(const struct config *config, char name[PEER_ID_MAX])
{
	char path[CONFIG_TEXT_MAX + 64];
	int fd;

	for (int peer = PEER_SUPERVISOR + 1; peer < PEERC; peer++) {
		for (uint16_t w = 0; w < daemons[peer].workers; w++) {
			const struct peer_id id = { (uint16_t)peer, w };

			(void)text_print(path, sizeof(path), "%s/ctl/%s.sock",
					 config->run_dir,
					 peer_id_print(id, name));
			if (unix_connect(&fd, path, 200) == 0) {
				(void)close(fd);
				return 0;
			}
		}
	}

	return ESRCH;
}


bool adopt_done(const struct supervisor *sup)
{
	for (size_t i = 0; i < sup->childc; i++) {
		const struct child *child = sup->children[i];

		if (child->pid && !child->given)
			return false;
	}

	return true;
}
