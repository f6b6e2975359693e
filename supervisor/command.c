/**
 * @file supervisor/command.c  What operators can ask of the supervisor
 *
 * A table, like a daemon's. A command that waits for children becomes a job,
 * which is looked at whenever a child changes. A command with an argument
 * "process" that is not in the table is the daemon's own and is passed on to
 * it (forward.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "shared/base/util.h"
#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "supervisor/adminsock.h"
#include "supervisor/forward.h"
#include "supervisor/program.h"
#include "supervisor/supervisor.h"
#include "supervisor/upgrade.h"

struct command {
	const char *cmd;
	void (*h)(struct supervisor *sup, uint64_t request,
		  const json_t *args);
	const char *args[4]; /**< Those it takes; NULL ends them */
};


static void answer(struct supervisor *sup, uint64_t request, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text)
		adminsock_reply(sup->adminsock, request, text);
	else
		adminsock_reply(sup->adminsock, request,
				"{\"ok\":false,\"error\":\"out of memory\","
				"\"code\":\"failed\"}");
	free(text);
	json_decref(object);
}


static void answer_rows(struct supervisor *sup, uint64_t request, json_t *rows)
{
	answer(sup, request,
	       json_pack("{s:b,s:o,s:n}", "ok", 1, "rows", rows, "next"));
}


void command_answer_ok(struct supervisor *sup, uint64_t request)
{
	answer_rows(sup, request, json_array());
}


void command_answer_error(struct supervisor *sup, uint64_t request,
			  const char *code, const char *error)
{
	answer(sup, request,
	       json_pack("{s:b,s:s,s:s}", "ok", 0, "error", error, "code",
			 code));
}


/* --- status -------------------------------------------------------------- */

static json_t *number_or_null(bool there, int64_t value)
{
	return there ? json_integer(value) : json_null();
}


static json_t *seconds_or_null(bool there, int64_t us)
{
	return there ? json_integer(us / 1000000) : json_null();
}


static const char *const database_words[LIFE_DATABASEC] = {
	[LIFE_DATABASE_UP] = "up",
	[LIFE_DATABASE_DOWN] = "down",
	[LIFE_DATABASE_OLD] = "run 'tandemctl db migrate'",
};

/* By enum catalog_origin, and 1 */
static const char *const catalog_words[] = { NULL, "defaults", "database",
					     "copy on disk" };


/* 0 in a page of life is: nothing to say */
static json_t *count_or_null(const _Atomic uint32_t *count)
{
	const uint32_t n = count ? atomic_load(count) : 0;

	return n ? json_integer(n - 1) : json_null();
}


static json_t *word_or_null(const _Atomic uint32_t *index,
			    const char *const *words, size_t wordc)
{
	const uint32_t i = index ? atomic_load(index) : 0;

	return i < wordc && words[i] ? json_string(words[i]) : json_null();
}


static json_t *row_of_child(const struct child *child, int64_t now_us)
{
	const int64_t beat = child_beat_ms(child, now_us);
	const struct life *life = segments_life(child->sup->segments,
						child->id);

	return json_pack(
		"{s:s,s:o,s:s,s:o,s:s,s:o,s:I,s:I,s:o,s:b,s:o,s:o,s:o,s:s}",
		"process", child->name, "pid",
		number_or_null(child->pid > 0, child->pid), "state",
		child_state_name(child->state), "uptime",
		seconds_or_null(child->ready_us > 0, now_us - child->ready_us),
		"version", child->version, "calls",
		count_or_null(life ? &life->calls : NULL), "restarts",
		(json_int_t)child->restarts, "last_exit",
		(json_int_t)child->last_exit, "beat_ms",
		number_or_null(beat >= 0, beat), "adopted", child->adopted,
		"journal_depth",
		count_or_null(life ? &life->journal_depth : NULL), "database",
		word_or_null(life ? &life->database : NULL, database_words,
			     COUNT_OF(database_words)),
		"catalog",
		word_or_null(life ? &life->catalog : NULL, catalog_words,
			     COUNT_OF(catalog_words)),
		"why", child->why);
}


static json_t *row_of_us(const struct supervisor *sup, int64_t now_us)
{
	static const char *const aims[] = {
		[AIM_ADOPT] = "adopting",
		[AIM_UP] = "ready",
		[AIM_DOWN] = "ready",
		[AIM_EXIT] = "draining",
	};

	return json_pack("{s:s,s:i,s:s,s:o,s:s,s:n,s:i,s:i,s:i,s:b,s:n,s:n,"
			 "s:n,s:s}",
			 "process", "supervisor", "pid", (int)getpid(),
			 "state", aims[sup->aim], "uptime",
			 seconds_or_null(true, now_us - sup->started_us),
			 "version", TANDEM_VERSION, "calls", "restarts", 0,
			 "last_exit", 0, "beat_ms", 0, "adopted", 0,
			 "journal_depth", "database", "catalog", "why", "");
}


static void cmd_status(struct supervisor *sup, uint64_t request,
		       const json_t *args)
{
	const int64_t now_us = clk_mono_us();
	json_t *rows = json_array();

	(void)args;
	(void)json_array_append_new(rows, row_of_us(sup, now_us));
	for (size_t i = 0; i < sup->childc; i++)
		(void)json_array_append_new(rows,
					    row_of_child(sup->children[i],
							 now_us));
	answer_rows(sup, request, rows);
}


/* --- jobs ------------------------------------------------------------------ */

static bool job_wants(const struct job *job, const struct child *child)
{
	return !child->surplus &&
	       (job->peer == PEER_NONE || job->peer == child->id.peer) &&
	       (job->worker < 0 || job->worker == child->id.worker);
}


static bool is_restart(const struct job *job)
{
	return job->ev == CHILD_EV_RESTART ||
	       job->ev == CHILD_EV_RESTART_DRAIN;
}


/* Has this child come to where the job wants it, by being told? */
static bool job_there(const struct job *job, const struct child *child)
{
	if (child->state != job->until)
		return false;

	return !is_restart(job) || child->generation != job->told;
}


static void job_tell(struct job *job, struct child *child)
{
	child->fell_back = false;
	job->at = child;
	job->told = child->generation;
	if (job->ev == CHILD_EVENTC || job_there(job, child))
		return; /* the aim tells it, or it is there already */

	child->tried = false;
	child->held_down = job->ev == CHILD_EV_STOP;
	child_event(child, job->ev);
}


static void job_end(struct supervisor *sup, struct job *job)
{
	const struct job ended = *job;

	*job = (struct job){ .request = 0 };
	if (is_restart(&ended))
		upgrade_forget(sup);
	if (ended.at) {
		char error[CHILD_WHY_MAX + 64];

		if (ended.at->fell_back)
			(void)text_print(error, sizeof(error),
					 "%s: %s; the release before goes on",
					 ended.at->name, ended.at->back_why);
		else
			(void)text_print(error, sizeof(error), "%s: %s",
					 ended.at->name,
					 ended.at->why[0]
						 ? ended.at->why
						 : "did not become ready");
		command_answer_error(sup, ended.request, "failed", error);
	}
	else {
		command_answer_ok(sup, ended.request);
	}
}


static void joint_advance(struct supervisor *sup, struct job *job)
{
	const uint64_t request = job->request;
	char why[UPGRADE_WHY_MAX];

	if (!upgrade_advance(sup, job, why))
		return;
	*job = (struct job){ .request = 0 };
	if (why[0])
		command_answer_error(sup, request, "failed", why);
	else
		command_answer_ok(sup, request);
}


/* One child after the other. A child in BACKOFF has failed this attempt: the
 * operator is told, and the supervisor goes on trying. */
static void job_advance(struct supervisor *sup, struct job *job)
{
	if (job->joint) {
		joint_advance(sup, job);
		return;
	}

	while (job->request) {
		if (job->at && job->at->state == CHILD_BACKOFF &&
		    job->until == CHILD_READY && job->at->tried &&
		    !job->at->fell_back) {
			job_end(sup, job);
			return;
		}
		if (job->at && !job_there(job, job->at))
			return;
		if (job->at && job->at->fell_back) {
			job_end(sup, job);
			return;
		}
		job->at = NULL;

		while (job->next < sup->childc &&
		       !job_wants(job, sup->children[job->next]))
			job->next++;
		if (job->next == sup->childc) {
			job_end(sup, job);
			return;
		}
		job_tell(job, sup->children[job->next++]);
	}
}


void command_jobs_advance(struct supervisor *sup)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (sup->jobs[i].request)
			job_advance(sup, &sup->jobs[i]);
}


/* "sipd", "sipd.1", or nothing for all */
static int job_target(struct job *job, const json_t *args)
{
	const char *process = json_string_value(
		json_object_get(args, "process"));
	struct peer_id id;

	job->peer = PEER_NONE;
	job->worker = -1;
	if (!process)
		return 0;
	if (peer_parse(&job->peer, process) == 0)
		return daemons[job->peer].program ? 0 : ENOENT;
	if (peer_id_parse(&id, process, strlen(process)) == 0) {
		job->peer = (enum peer)id.peer;
		job->worker = id.worker;
		return 0;
	}

	return ENOENT;
}


/* May what is on disk take over? Nothing has been stopped yet. */
static int plan(struct supervisor *sup, struct job *job)
{
	char why[UPGRADE_WHY_MAX];

	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->planned) {
			command_answer_error(sup, job->request, "busy",
					     "another restart is under way");
			return EBUSY;
		}
	for (size_t i = 0; i < sup->childc; i++)
		sup->children[i]->planned = job_wants(job, sup->children[i]);
	if (upgrade_plan(sup, &job->joint, why)) {
		command_answer_error(sup, job->request, "refused", why);
		return EPROTO;
	}
	if (job->joint && job->ev == CHILD_EV_RESTART_DRAIN) {
		upgrade_forget(sup);
		command_answer_error(sup, job->request, "refused",
				     "its tables in shared memory change: "
				     "what is under way goes on in them, "
				     "restart without --drain");
		return EINVAL;
	}

	return 0;
}


static void job_begin(struct supervisor *sup, uint64_t request,
		      const json_t *args, enum child_event ev,
		      enum child_state until)
{
	struct job job = { .request = request, .ev = ev, .until = until };
	bool any = false;

	if (job_target(&job, args)) {
		command_answer_error(sup, request, "not_found",
				     "no such process: see status");
		return;
	}
	for (size_t i = 0; i < sup->childc; i++)
		any = any || job_wants(&job, sup->children[i]);
	if (!any) {
		command_answer_error(sup, request, "not_found",
				     "no such process: see status");
		return;
	}

	if (is_restart(&job) && plan(sup, &job))
		return;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (sup->jobs[i].request)
			continue;
		for (size_t c = 0; c < sup->childc && job.joint; c++)
			sup->children[c]->joint = sup->children[c]->planned;
		sup->jobs[i] = job;
		job_advance(sup, &sup->jobs[i]);
		return;
	}
	if (is_restart(&job))
		upgrade_forget(sup);
	command_answer_error(sup, request, "busy",
			     "too many commands are waiting");
}


static bool is_us(const json_t *args)
{
	const char *process = json_string_value(
		json_object_get(args, "process"));

	return process && strcmp(process, "supervisor") == 0;
}


static void restart_us(struct supervisor *sup, uint64_t request)
{
	char why[UPGRADE_WHY_MAX];

	if (upgrade_check_self(sup, why)) {
		command_answer_error(sup, request, "refused",
				     why[0] ? why : "no program");
		return;
	}
	command_answer_ok(sup, request);
	supervisor_exec(sup);
}


static int plan_all(struct supervisor *sup, bool *jointp,
		    char why[UPGRADE_WHY_MAX])
{
	for (size_t i = 0; i < sup->childc; i++)
		if (sup->children[i]->planned) {
			(void)text_print(why, UPGRADE_WHY_MAX,
					 "another restart is under way");
			return EBUSY;
		}
	for (size_t i = 0; i < sup->childc; i++)
		sup->children[i]->planned = !sup->children[i]->surplus;

	return upgrade_plan(sup, jointp, why);
}


static json_t *row_of_plan(const struct child *child)
{
	const struct program *next = child->next ? child->next
						 : child->program;

	return json_pack("{s:s,s:b,s:s,s:s}", "process", child->name,
			 "changed", child->next != NULL, "running",
			 child->version, "on_disk",
			 next ? next->layouts.release : "");
}


/* What an upgrade would do, in its order; or why it cannot be. The supervisor
 * comes first, and alone: only the new one knows what the new daemons need. */
static void cmd_upgrade_check(struct supervisor *sup, uint64_t request,
			      const json_t *args)
{
	char why[UPGRADE_WHY_MAX] = "";
	json_t *rows;
	bool joint = false;

	if (is_us(args) ? upgrade_check_self(sup, why)
			: plan_all(sup, &joint, why)) {
		command_answer_error(sup, request, "refused",
				     why[0] ? why : "no program");
		return;
	}

	rows = json_array();
	if (is_us(args))
		(void)json_array_append_new(
			rows, json_pack("{s:s,s:b}", "process", "supervisor",
					"changed", upgrade_self_changed(sup)));
	for (int order = 0; order <= PEERC && !is_us(args); order++)
		for (size_t i = 0; i < sup->childc; i++)
			if (sup->children[i]->def->order == order)
				(void)json_array_append_new(
					rows, row_of_plan(sup->children[i]));
	if (!is_us(args))
		upgrade_forget(sup);
	answer_rows(sup, request, rows);
}


static void cmd_restart(struct supervisor *sup, uint64_t request,
			const json_t *args)
{
	const bool drain = json_is_true(json_object_get(args, "drain"));

	if (!json_object_get(args, "process")) {
		command_answer_error(sup, request, "invalid_value",
				     "restart: process is missing");
		return;
	}
	if (is_us(args)) {
		restart_us(sup, request);
		return;
	}
	job_begin(sup, request, args,
		  drain ? CHILD_EV_RESTART_DRAIN : CHILD_EV_RESTART,
		  CHILD_READY);
}


/* All of them in their order is the aim's business; one alone is a job's. */
static void cmd_stop(struct supervisor *sup, uint64_t request,
		     const json_t *args)
{
	if (json_object_get(args, "process")) {
		job_begin(sup, request, args, CHILD_EV_STOP, CHILD_DOWN);
		return;
	}
	supervisor_aim(sup, AIM_DOWN);
	job_begin(sup, request, args, CHILD_EVENTC, CHILD_DOWN);
}


static void cmd_start(struct supervisor *sup, uint64_t request,
		      const json_t *args)
{
	if (json_object_get(args, "process")) {
		job_begin(sup, request, args, CHILD_EV_START, CHILD_READY);
		return;
	}
	supervisor_aim(sup, AIM_UP);
	job_begin(sup, request, args, CHILD_EVENTC, CHILD_READY);
}


static void cmd_reload(struct supervisor *sup, uint64_t request,
		       const json_t *args)
{
	(void)args;
	reload_begin(sup, request);
}


/* --- log level
 * --------------------------------------------------------------- */

static void say_level(struct child *child, enum log_level level)
{
	Tandem__ControlFrame frame;
	Tandem__LogLevel word;

	tandem__control_frame__init(&frame);
	tandem__log_level__init(&word);
	word.level = level;
	frame.body_case = CTL_BODY(LOG_LEVEL);
	frame.log_level = &word;
	if (child->channel)
		(void)channel_send(child->channel, &frame, NULL, 0);
}


static void cmd_loglevel(struct supervisor *sup, uint64_t request,
			 const json_t *args)
{
	const char *text = json_string_value(json_object_get(args, "level"));
	struct job target;
	enum log_level level;
	bool any = false;

	if (!text || log_level_parse(&level, text)) {
		command_answer_error(sup, request, "invalid_value",
				     "level: one of error, warn, notice, "
				     "info, debug");
		return;
	}
	if (is_us(args)) {
		log_level_set(level);
		command_answer_ok(sup, request);
		return;
	}
	if (!json_object_get(args, "process") || job_target(&target, args)) {
		command_answer_error(sup, request, "not_found",
				     "no such process: see status");
		return;
	}
	for (size_t i = 0; i < sup->childc; i++) {
		if (!job_wants(&target, sup->children[i]))
			continue;
		say_level(sup->children[i], level);
		any = true;
	}
	if (any)
		command_answer_ok(sup, request);
	else
		command_answer_error(sup, request, "not_found",
				     "no such process: see status");
}


void command_child_forget(struct supervisor *sup, const struct child *child)
{
	for (size_t i = 0; i < JOBS_MAX; i++)
		if (sup->jobs[i].at == child)
			sup->jobs[i].at = NULL;
}


/* --- the tables
 * ---------------------------------------------------------------- */

/* clang-format off */
static const struct command commands[] = {
	{ "status",   cmd_status,   { NULL } },
	{ "restart",  cmd_restart,  { "process", "drain" } },
	{ "upgrade.check", cmd_upgrade_check, { "process" } },
	{ "stop",     cmd_stop,     { "process" } },
	{ "start",    cmd_start,    { "process" } },
	{ "reload",   cmd_reload,   { NULL } },
	{ "loglevel", cmd_loglevel, { "process", "level" } },
};
/* clang-format on */


static const struct command *command_find(const char *cmd)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(commands[i].cmd, cmd) == 0)
			return &commands[i];

	return NULL;
}


static bool args_known(const struct command *command, json_t *args,
		       const char **strangerp)
{
	const char *key;
	json_t *value;

	json_object_foreach(args, key, value)
	{
		bool known = false;

		for (size_t i = 0;
		     i < COUNT_OF(command->args) && command->args[i]; i++)
			known = known || strcmp(command->args[i], key) == 0;
		if (!known) {
			*strangerp = key;
			return false;
		}
	}

	return true;
}


static void run(struct supervisor *sup, uint64_t request,
		const struct command *command, json_t *args)
{
	const char *stranger = "";
	char error[128];

	if (!args_known(command, args, &stranger)) {
		(void)text_print(error, sizeof(error),
				 "%s: no argument '%.40s'", command->cmd,
				 stranger);
		command_answer_error(sup, request, "invalid_value", error);
		return;
	}
	command->h(sup, request, args);
}


void command_line(uint64_t request, const char *operator_name,
		  const char *line, size_t len, void *arg)
{
	struct supervisor *sup = arg;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *cmd = json_string_value(json_object_get(object, "cmd"));
	json_t *args = json_object_get(object, "args");
	json_t *none = NULL;
	const struct command *command;
	struct forward_target target;
	char error[128];

	if (!cmd || (args && !json_is_object(args))) {
		command_answer_error(sup, request, "bad_json",
				     "not an object with cmd and args");
		json_decref(object);
		return;
	}
	if (!args)
		args = none = json_object();

	command = command_find(cmd);
	if (command) {
		if (command->h != cmd_status)
			log_notice(&sup->log, "command cmd=%s operator=%s",
				   cmd, operator_name);
		run(sup, request, command, args);
	}
	else if (forward_find(sup, cmd, args, &target)) {
		forward(sup, request, operator_name, object, &target);
	}
	else {
		(void)text_print(error, sizeof(error),
				 json_object_get(args, "process")
					 ? "no such process: see status"
					 : "no command '%.60s'",
				 cmd);
		command_answer_error(sup, request,
				     json_object_get(args, "process")
					     ? "not_found"
					     : "unknown_command",
				     error);
	}
	json_decref(none);
	json_decref(object);
}
