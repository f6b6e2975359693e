/**
 * @file test/fault/echod.h  What the tests' daemon keeps in shared memory
 */
#ifndef TANDEM_TEST_FAULT_ECHOD_H
#define TANDEM_TEST_FAULT_ECHOD_H

#include "shared/shm/slot.h"

#define ECHO_MAGIC   0x4f484345 /* "ECHO" */
#define ECHO_VERSION 1

#define ECHO_IMAGE_MAGIC 0x6f6863656f686365u

enum {
	ECHO_SLOTS = 16
};

struct echo_image {
	uint64_t magic;
	uint64_t answered;    /**< Datagrams, since the machine started */
	uint64_t generations; /**< Of the daemon */
};
BUILD_ASSERT(sizeof(struct echo_image) == 24);

#define ECHO_SLOT_SIZE SLOT_SIZE(sizeof(struct echo_image))

#endif
