/**
 * @file shared/svc/admin.c  Commands: one line of JSON each way
 *
 * Whatever the line holds, there is an answer: {"ok":true,"rows":[...]} or
 * {"ok":false,"error":...,"code":...}. Arguments are checked against the row
 * here, so that a misspelt one is an error and not silently nothing.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/svc/admin.h"

static const char *const role_names[] = {
	[ADMIN_VIEW] = "view",
	[ADMIN_OPERATE] = "operate",
	[ADMIN_ADMIN] = "admin",
};


static char *say_error(const char *code, const char *error)
{
	json_t *object = json_pack("{s:b,s:s,s:s}", "ok", 0, "error", error,
				   "code", code);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);

	return text;
}


static json_t *line_parse(const char *line, size_t len)
{
	json_error_t error;
	json_t *object;

	if (len > ADMIN_LINE_MAX)
		return NULL;

	object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(object) ||
	    !json_is_string(json_object_get(object, "cmd"))) {
		json_decref(object);
		return NULL;
	}

	return object;
}


int admin_cmd(char cmd[ADMIN_CMD_MAX], const char *line, size_t len)
{
	json_t *object = line_parse(line, len);
	int err = EBADMSG;

	if (object)
		err = text_copy(cmd, ADMIN_CMD_MAX,
				text_of(json_string_value(
					json_object_get(object, "cmd"))));
	json_decref(object);

	return err ? EBADMSG : 0;
}


static const struct admin_command *command_find(
	const struct admin_command *commands, size_t commandc, const char *cmd)
{
	for (size_t i = 0; i < commandc; i++)
		if (strcmp(commands[i].cmd, cmd) == 0)
			return &commands[i];

	return NULL;
}


static const struct admin_arg *arg_find(const struct admin_command *command,
					const char *name)
{
	for (size_t i = 0; i < ADMIN_ARGS_MAX && command->args[i].name; i++)
		if (strcmp(command->args[i].name, name) == 0)
			return &command->args[i];

	return NULL;
}


static bool args_fit(const struct admin_command *command, json_t *args,
		     char *why, size_t size)
{
	const char *names[ADMIN_ARGS_MAX];
	const char *key;
	json_t *value;
	size_t n = 0;

	for (; n < ADMIN_ARGS_MAX && command->args[n].name; n++) {
		const struct admin_arg *arg = &command->args[n];

		names[n] = arg->name;
		if (arg->required && !json_object_get(args, arg->name)) {
			(void)text_print(why, size, "%s: %s is missing (%s)",
					 command->cmd, arg->name, arg->help);
			return false;
		}
	}

	json_object_foreach(args, key, value)
	{
		const char *near;

		if (arg_find(command, key) || arg_find(command, "*"))
			continue;
		near = text_nearest(text_of(key), names, n);
		(void)text_print(why, size,
				 near ? "%s: no argument '%.40s': did you "
					"mean %s?"
				      : "%s: no argument '%.40s'",
				 command->cmd, key, near);
		return false;
	}

	return true;
}


static char *say_rows(const struct admin_answer *answer)
{
	json_t *object = json_pack("{s:b}", "ok", 1);
	char *text;

	(void)json_object_set(object, "rows", answer->rows);
	if (!answer->rows)
		(void)json_object_set_new(object, "rows", json_array());
	if (answer->more)
		(void)json_object_update_missing(object, answer->more);
	(void)json_object_set(object, "next", answer->next);
	if (!answer->next)
		(void)json_object_set_new(object, "next", json_null());
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);

	return text;
}


char *admin_print(struct admin_answer *answer)
{
	char *text = answer->code ? say_error(answer->code, answer->error)
				  : say_rows(answer);

	json_decref(answer->rows);
	json_decref(answer->more);
	json_decref(answer->next);
	answer->rows = answer->more = answer->next = NULL;

	return text;
}


int admin_refuse(struct admin_answer *answer, const char *code,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(answer->error, sizeof(answer->error), fmt, ap);
	va_end(ap);
	answer->code = code;

	return EINVAL;
}


static char *run(const struct admin_command *command, void *state,
		 const struct admin_asker *asker, json_t *args)
{
	struct admin_answer answer = { .asker = asker, .tag = command->tag };
	int err;

	err = command->h(state, args, &answer);
	if (err && !answer.code) {
		answer.code = err == ENOENT   ? "not_found"
			      : err == EINVAL ? "invalid_value"
					      : "failed";
		(void)text_print(answer.error, sizeof(answer.error), "%s: %s",
				 command->cmd, strerror(err));
	}

	return answer.later && !answer.code ? strdup("")
					    : admin_print(&answer);
}


static char *dispatch(const struct admin_command *commands, size_t commandc,
		      void *state, const struct admin_asker *asker,
		      json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));
	const struct admin_command *command = command_find(commands, commandc,
							   cmd);
	json_t *args = json_object_get(request, "args");
	json_t *none = NULL;
	char why[256], *text;

	if (!command) {
		(void)text_print(why, sizeof(why), "no command '%.60s'", cmd);
		return say_error("unknown_command", why);
	}
	if (asker->role < command->role) {
		(void)text_print(why, sizeof(why), "%s needs the role %s", cmd,
				 role_names[command->role]);
		return say_error("forbidden", why);
	}
	if (args && !json_is_object(args))
		return say_error("invalid_value", "args is not an object");
	if (!args)
		args = none = json_object();

	text = args_fit(command, args, why, sizeof(why))
		       ? run(command, state, asker, args)
		       : say_error("invalid_value", why);
	json_decref(none);

	return text;
}


char *admin_dispatch(const struct admin_command *commands, size_t commandc,
		     void *state, const struct admin_asker *asker,
		     const char *line, size_t len)
{
	json_t *request = line_parse(line, len);
	char *text;

	if (!request)
		return say_error("bad_json",
				 len > ADMIN_LINE_MAX
					 ? "the line is above 1 MiB"
					 : "not an object with a cmd");

	text = dispatch(commands, commandc, state, asker, request);
	json_decref(request);

	return text;
}
