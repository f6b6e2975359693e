/**
 * @file supervisor/limits.h  Is the machine large enough for the node file?
 */
#ifndef TANDEM_SUPERVISOR_LIMITS_H
#define TANDEM_SUPERVISOR_LIMITS_H

#include <stddef.h>

#include "supervisor/config.h"

enum {
	LIMITS_WHY_MAX = 512
};

/** Raise what may be raised to what it may be raised to */
void limits_raise(void);

/**
 * Descriptors, shared and locked memory, receive buffers and the length of
 * socket paths against what the configured calls need
 *
 * @return 0 if success; else why is one sentence and the command that fixes it
 */
int limits_check(const struct config *config, char why[LIMITS_WHY_MAX]);

/** Descriptors the supervisor needs with this file */
size_t limits_descriptors(const struct config *config);

/** Pure: the sentence for a need and what there is; 0 if there is enough */
int limits_judge_descriptors(const struct config *config, size_t hard,
			     char why[LIMITS_WHY_MAX]);
int limits_judge_memory(size_t needed, size_t free_bytes,
			char why[LIMITS_WHY_MAX]);
int limits_judge_locked(size_t needed, size_t hard, char why[LIMITS_WHY_MAX]);
int limits_judge_buffer(size_t needed, size_t possible, uint32_t calls,
			char why[LIMITS_WHY_MAX]);

/** Bytes a SIP socket must be able to hold while its daemon is replaced */
size_t limits_buffer(const struct config *config);

#endif
