/**
 * @file test/unit/sipd/segment_rig.c  A segment to try a module on
 */
#include <unistd.h>

#include "test/support/t.h"
#include "test/unit/sipd/segment_rig.h"


void segment_rig_open(struct segment_rig *rig, const char *what,
		      const struct segment_layout *layout)
{
	char why[160] = "";
	int fd = -1, rofd = -1;
	bool found;
	int err;

	memset(rig, 0, sizeof(*rig));
	(void)snprintf(rig->name, sizeof(rig->name), "/tandem-test.%s.%ld",
		       what, (long)getpid());
	(void)segment_unlink(rig->name);

	err = segment_create(&fd, &found, rig->name, layout, "test", why,
			     sizeof(why));
	if (!err)
		err = segment_readonly_fd(&rofd, rig->name);
	if (!err)
		err = segment_map(&rig->segment, fd, layout, true, why,
				  sizeof(why));
	if (!err)
		err = segment_map(&rig->view, rofd, layout, false, why,
				  sizeof(why));
	if (fd >= 0)
		(void)close(fd);
	if (rofd >= 0)
		(void)close(rofd);
	if (err) {
		(void)fprintf(stderr, "segment rig: %s: %s\n", strerror(err),
			      why);
		abort();
	}
}


void segment_rig_close(struct segment_rig *rig)
{
	segment_unmap(&rig->segment);
	segment_unmap(&rig->view);
	(void)segment_unlink(rig->name);
}
