/**
 * @file shared/shm/counters.c  The page of a process's metrics
 */
#include <errno.h>
#include <string.h>

#include "shared/base/metric.h"
#include "shared/shm/counters.h"
#include "shared/shm/life.h"


/* What cannot be read is not missed: counts begin at 0. */
static void copy_old(void *page, int old_fd)
{
	struct segment_layout layout;
	struct segment old;
	char why[160];

	if (segment_peek(&layout, old_fd) != 0 ||
	    layout.magic != COUNTERS_MAGIC ||
	    layout.version + 1 != COUNTERS_VERSION ||
	    segment_map(&old, old_fd, &layout, true, why, sizeof(why)))
		return;

	(void)metric_page_copy(page, COUNTERS_SIZE, segment_slot(&old, 0),
			       layout.slot_size);
	segment_unmap(&old);
}


int counters_attach(const struct segment *segment, int old_fd)
{
	void *page = segment_slot(segment, 0);
	int err;

	if (old_fd >= 0)
		copy_old(page, old_fd);
	err = metric_attach(page, COUNTERS_SIZE);
	if (err != EBADMSG)
		return err;

	memset(page, 0, COUNTERS_SIZE);
	err = metric_attach(page, COUNTERS_SIZE);

	return err ? err : EBADMSG;
}
