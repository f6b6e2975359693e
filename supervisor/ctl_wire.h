/**
 * @file supervisor/ctl_wire.h  One request, one answer
 */
#ifndef TANDEM_SUPERVISOR_CTL_WIRE_H
#define TANDEM_SUPERVISOR_CTL_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/** What tandemctl exits with */
enum ctl_exit {
	EXIT_DONE,
	EXIT_REFUSED,
	EXIT_USAGE,
	EXIT_UNREACHABLE
};

/** How the supervisor is reached */
struct ctl_wire {
	const char *path;   /**< Of the control socket */
	uint32_t timeout_s; /**< Longest wait for an answer */
	bool as_json;       /**< Answers are printed as they came */
};

/** @param linep The answer's line, malloc()ed
 *  @return 0 if success, otherwise errorcode */
int ctl_exchange(char **linep, const struct ctl_wire *wire,
		 const json_t *request);

/**
 * The same, with an answer that says ok
 *
 * @param answerp The answer; the caller's
 *
 * @return an exit code; what is wrong was said on standard error
 */
enum ctl_exit ctl_call(json_t **answerp, const struct ctl_wire *wire,
		       const json_t *request);

#endif
