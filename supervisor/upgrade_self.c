/**
 * @file supervisor/upgrade_self.c  One supervisor becomes the next
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "supervisor/program.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade_int.h"

enum {
	CHECK_MS = 8000
};

#define ENV_PROGRAMS "TANDEM_PROGRAMS"
#define ENV_PREVIOUS "TANDEM_PREVIOUS"


/* "sipd.0=17,mediad.0=18": what the one that became us had open */
static int passed_fd(const char *name)
{
	const char *env = getenv(ENV_PROGRAMS);
	struct text pair, key, value, rest = text_of(env ? env : "");
	uint32_t fd;

	while (rest.l) {
		(void)text_cut(rest, ',', &pair, &rest);
		if (text_cut(pair, '=', &key, &value) && text_is(key, name) &&
		    text_u32(&fd, value, 3, INT32_MAX) == 0)
			return (int)fd;
	}

	return -1;
}


void upgrade_adopted(struct child *child)
{
	const struct supervisor *sup = child->sup;
	char path[64], why[PROGRAM_WHY_MAX];
	struct programs_known known;
	int fd = passed_fd(child->name);

	upgrade_gather(&known, sup);
	(void)text_print(path, sizeof(path), "/proc/%d/exe", (int)child->pid);
	if (fd < 0)
		fd = open(path, O_PATH | O_CLOEXEC);

	/* Who may not look at a process of another user takes what is on disk
	 * for what it runs. */
	if (fd >= 0)
		(void)program_take(&child->program, fd,
				   sup->config.program_dir,
				   child->def->program, &known, why);
	else
		(void)program_open(&child->program, sup->config.program_dir,
				   child->def->program, &known, why);
	child->running = child->program;
}


void upgrade_adopted_all(void)
{
	(void)unsetenv(ENV_PROGRAMS); /* no business of those we start */
}


static void pass_fd(int fd)
{
	(void)fcntl(fd, F_SETFD, 0);
}


void upgrade_pass_on(struct supervisor *sup)
{
	char text[CHILDREN_MAX * 24] = "", number[16];
	size_t len = 0;
	const int fd = open("/proc/self/exe", O_PATH);

	for (size_t i = 0; i < sup->childc; i++) {
		const struct child *child = sup->children[i];

		if (!child->program || !child->pid ||
		    text_print(text + len, sizeof(text) - len, "%s%s=%d",
			       len ? "," : "", child->name,
			       child->program->fd))
			continue;
		len += strlen(text + len);
		child->program->refs++; /* stays open: we are not freed */
		pass_fd(child->program->fd);
	}
	(void)setenv(ENV_PROGRAMS, text, 1);
	(void)text_print(number, sizeof(number), "%d", fd);
	if (fd >= 0)
		(void)setenv(ENV_PREVIOUS, number, 1);
}


int upgrade_previous(void)
{
	const char *env = getenv(ENV_PREVIOUS);
	uint32_t fd;

	if (!env || text_u32(&fd, text_of(env), 3, INT32_MAX))
		fd = 0;
	(void)unsetenv(ENV_PREVIOUS);

	return fd ? (int)fd : -1;
}


/* A release that cannot start becomes the one before again. */
void upgrade_go_back(struct supervisor *sup)
{
	char path[64];

	if (sup->previous_fd < 0)
		return;
	log_error(&sup->log, "supervisor_back");
	(void)text_print(path, sizeof(path), "/proc/self/fd/%d",
			 sup->previous_fd);
	(void)execv(path, sup->argv);
}


int upgrade_find_self(struct supervisor *sup)
{
	const ssize_t n = readlink("/proc/self/exe", sup->program,
				   sizeof(sup->program) - 1);

	if (n < 0)
		return errno;
	sup->program[n] = '\0';

	return 0;
}


bool upgrade_self_changed(const struct supervisor *sup)
{
	struct stat ours, disk;

	return stat("/proc/self/exe", &ours) == 0 &&
	       stat(sup->program, &disk) == 0 &&
	       (ours.st_dev != disk.st_dev || ours.st_ino != disk.st_ino);
}


/* Can it read our table of processes, and the node file? */
static int ask_self(struct supervisor *sup, struct program *program,
		    char why[UPGRADE_WHY_MAX])
{
	const struct layout_row *row = layouts_row(&program->layouts,
						   "processes");
	const struct peer_id self = { PEER_SUPERVISOR, 0 };
	char check[] = "--check", file[] = "--file";
	char path[CONFIG_TEXT_MAX];
	char *argv[] = { program->name, check, file, path, NULL };
	char output[PROGRAM_OUTPUT_MAX];
	struct layout found = { 0, 0 };
	int err;

	if (!row ||
	    segments_fit(sup->segments, self, row, &found) != SEGMENT_FITS) {
		(void)text_print(why, UPGRADE_WHY_MAX,
				 "%s needs another layout of the table of "
				 "processes: stop the switch to change to it",
				 sup->program);
		return EPROTO;
	}
	err = text_print(path, sizeof(path), "%s", sup->path);
	if (!err)
		err = program_run(program, argv, NULL, 0, CHECK_MS, output);
	if (err)
		(void)text_print(why, UPGRADE_WHY_MAX,
				 "%s would not run: %.300s", sup->program,
				 output);

	return err;
}


int upgrade_check_self(struct supervisor *sup, char why[UPGRADE_WHY_MAX])
{
	const struct programs_known none = { .rowc = 0 };
	char dir[CONFIG_TEXT_MAX];
	struct program *program;
	char *slash;
	int err;

	why[0] = '\0';
	(void)text_print(dir, sizeof(dir), "%s", sup->program);
	slash = strrchr(dir, '/');
	if (!slash)
		return EINVAL;
	*slash = '\0';
	err = program_open(&program, dir, slash + 1, &none, why);
	if (err)
		return err;

	err = ask_self(sup, program, why);
	program_free(program);

	return err;
}
