/**
 * @file mediad/mediad.h  What the parts of mediad share
 */
#ifndef TANDEM_MEDIAD_MEDIAD_H
#define TANDEM_MEDIAD_MEDIAD_H

#include <stddef.h>

#include "shared/ipc/bus.h"

struct svc;

struct mediad {
	struct svc *svc;
};

/* dispatch.c */
extern const struct bus_route mediad_routes[];
extern const size_t mediad_routec;

#endif
