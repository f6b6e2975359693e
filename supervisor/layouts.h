/**
 * @file supervisor/layouts.h  What a program says it can do with shared memory
 *
 * The form is shared/svc/layouts.c's; a line whose first word is not known is
 * a later release's and is passed over.
 */
#ifndef TANDEM_SUPERVISOR_LAYOUTS_H
#define TANDEM_SUPERVISOR_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LAYOUTS_ROWS = 32,
	LAYOUTS_STEPS = 32,
	LAYOUTS_NAME = 32
};

/** A version, and the slots that belong to it */
struct layout {
	uint16_t version;
	uint32_t slot_size;
};

/** A segment it maps */
struct layout_row {
	char name[LAYOUTS_NAME];
	uint32_t magic;
	struct layout layout;
	bool writes;
};

/** A migration it knows */
struct layout_step {
	char name[LAYOUTS_NAME];
	struct layout from, to;
};

struct layouts {
	char release[24];
	struct layout_row rows[LAYOUTS_ROWS];
	struct layout_step steps[LAYOUTS_STEPS];
	size_t rowc, stepc;
};

/** @return 0 if success, EBADMSG if it is not in that form, ENOSPC */
int layouts_parse(struct layouts *layouts, const char *text, size_t len);

/** What it says of a segment; NULL: it does not map it */
const struct layout_row *layouts_row(const struct layouts *layouts,
				     const char *name);

bool layout_equal(struct layout a, struct layout b);

/** Can it bring this segment from one layout to the other? */
bool layouts_lead(const struct layouts *layouts, const char *name,
		  struct layout from, struct layout to);

#endif
