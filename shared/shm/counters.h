/**
 * @file shared/shm/counters.h  The page of a process's metrics
 */
#ifndef TANDEM_SHM_COUNTERS_H
#define TANDEM_SHM_COUNTERS_H

#include "shared/shm/segment.h"

/**
 * Attach the page, and what the release before us left in one of another size
 *
 * A page that makes no sense costs the counts, not the process: it is cleared.
 *
 * @param segment Mapped, COUNTERS_SIZE
 * @param old_fd  Segment of the version before; -1: none
 *
 * @return 0, EBADMSG if it was cleared and is attached all the same, otherwise
 *         errorcode
 */
int counters_attach(const struct segment *segment, int old_fd);

#endif
