/**
 * @file shared/svc/admin.h  A daemon's commands for tandemctl
 *
 * One row per command in the daemon's admin.c. Requests come over the control
 * channel, already authorised; role and operator are checked against the row
 * once, here.
 */
#ifndef TANDEM_SVC_ADMIN_H
#define TANDEM_SVC_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum admin_role {
	ADMIN_VIEW,
	ADMIN_OPERATE,
	ADMIN_ADMIN
};

struct admin_arg {
	const char *name; /**< As in JSON, with _; "*": any other, which the
			   *   handler checks itself */
	const char *help;
	bool required;
};

enum {
	ADMIN_ARGS_MAX = 12,
	ADMIN_CMD_MAX = 64,
	ADMIN_LINE_MAX = 1 << 20,
};

/** Whom an answer goes to: a request on one channel to one supervisor */
struct admin_ticket {
	uint64_t id;
	uint32_t channel;
};

/** Who asks */
struct admin_asker {
	struct admin_ticket ticket;
	enum admin_role role;
	const char *name; /**< Of the operator */
};

/** What a handler answers: rows or an error, now or later */
struct admin_answer {
	const struct admin_asker *asker; /**< While the handler runs */
	int tag;                         /**< Of the command's row */
	json_t *rows; /**< Array, owned by the answer; may be NULL */
	json_t *more; /**< Object with keys beside rows; may be NULL */
	json_t *next; /**< Cursor of a list; NULL: there is no more */
	const char
		*code; /**< NULL: ok; else "invalid_value", "not_found" ... */
	char error[512]; /**< With code */
	bool later;      /**< The ticket is kept: admin_print() makes the
			  *   answer when it is known, and it is sent then */
};

typedef int(admin_h)(void *state, const json_t *args,
		     struct admin_answer *answer);

struct admin_command {
	const char *cmd; /**< "call.list" */
	admin_h *h;
	enum admin_role role;
	int tag; /**< For a handler of several commands: in the answer */
	const char *help;
	struct admin_arg args[ADMIN_ARGS_MAX];
};

/** The command a line names, whether there is such a one or not
 *  @return 0, or EBADMSG if the line names none */
int admin_cmd(char cmd[ADMIN_CMD_MAX], const char *line, size_t len);

/** Answer one line of JSON with one line of JSON, whatever it holds.
 *  @return malloc()ed text, "" if the answer comes later, NULL if out of
 *          memory */
char *admin_dispatch(const struct admin_command *commands, size_t commandc,
		     void *state, const struct admin_asker *asker,
		     const char *line, size_t len);

/** The line of an answer; what it holds is given up. malloc()ed, NULL if out
 *  of memory. */
char *admin_print(struct admin_answer *answer);

/** An error into an answer: printf-like */
int admin_refuse(struct admin_answer *answer, const char *code,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
