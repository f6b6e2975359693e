/**
 * @file supervisor/layouts.c  What a program says it can do with shared memory
 */
#include <errno.h>
#include <string.h>

#include "shared/base/text.h"
#include "supervisor/layouts.h"


static int word_u32(uint32_t *vp, struct text *rest, uint32_t max)
{
	struct text word;

	(void)text_cut(*rest, ' ', &word, rest);

	return text_u32(vp, word, 0, max);
}


static int word_layout(struct layout *layout, struct text *rest)
{
	uint32_t version = 0;
	int err;

	err = word_u32(&version, rest, UINT16_MAX);
	layout->version = (uint16_t)version;

	return err ? err : word_u32(&layout->slot_size, rest, UINT32_MAX);
}


static int word_name(char name[LAYOUTS_NAME], struct text *rest)
{
	struct text word;

	(void)text_cut(*rest, ' ', &word, rest);

	return word.l ? text_copy(name, LAYOUTS_NAME, word) : EBADMSG;
}


/* 0x and eight digits */
static int word_magic(uint32_t *magicp, struct text *rest)
{
	struct text word;
	uint8_t bytes[4];
	size_t len;

	(void)text_cut(*rest, ' ', &word, rest);
	if (word.l != 10 || memcmp(word.p, "0x", 2) != 0 ||
	    text_unhex(bytes, sizeof(bytes), &len,
		       (struct text){ word.p + 2, 8 }) ||
	    len != sizeof(bytes))
		return EBADMSG;

	*magicp = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		  (uint32_t)bytes[2] << 8 | bytes[3];

	return 0;
}


static int segment_line(struct layouts *layouts, struct text rest)
{
	struct layout_row row = { .name = "" };
	int err;

	err = word_name(row.name, &rest);
	if (!err)
		err = word_magic(&row.magic, &rest);
	if (!err)
		err = word_layout(&row.layout, &rest);
	if (err)
		return EBADMSG;

	row.writes = text_is(rest, "write");
	if (!row.writes && !text_is(rest, "read"))
		return EBADMSG;
	if (layouts->rowc == LAYOUTS_ROWS)
		return ENOSPC;
	layouts->rows[layouts->rowc++] = row;

	return 0;
}


static int migration_line(struct layouts *layouts, struct text rest)
{
	struct layout_step step = { .name = "" };
	int err;

	err = word_name(step.name, &rest);
	if (!err)
		err = word_layout(&step.from, &rest);
	if (!err)
		err = word_layout(&step.to, &rest);
	if (err || rest.l)
		return EBADMSG;
	if (layouts->stepc == LAYOUTS_STEPS)
		return ENOSPC;
	layouts->steps[layouts->stepc++] = step;

	return 0;
}


int layouts_parse(struct layouts *layouts, const char *text, size_t len)
{
	struct text line, word, rest = { text, len };
	int err = 0;

	memset(layouts, 0, sizeof(*layouts));
	(void)text_cut(rest, '\n', &line, &rest);
	if (!text_is(line, "layouts 1"))
		return EBADMSG;

	while (rest.l && !err) {
		(void)text_cut(rest, '\n', &line, &rest);
		(void)text_cut(line, ' ', &word, &line);
		if (text_is(word, "segment"))
			err = segment_line(layouts, line);
		else if (text_is(word, "migration"))
			err = migration_line(layouts, line);
		else if (text_is(word, "release"))
			err = text_copy(layouts->release,
					sizeof(layouts->release), line);
	}

	return err;
}


const struct layout_row *layouts_row(const struct layouts *layouts,
				     const char *name)
{
	for (size_t i = 0; i < layouts->rowc; i++)
		if (strcmp(layouts->rows[i].name, name) == 0)
			return &layouts->rows[i];

	return NULL;
}


bool layout_equal(struct layout a, struct layout b)
{
	return a.version == b.version && a.slot_size == b.slot_size;
}


bool layouts_lead(const struct layouts *layouts, const char *name,
		  struct layout from, struct layout to)
{
	for (size_t i = 0; i < layouts->stepc; i++) {
		const struct layout_step *step = &layouts->steps[i];

		if (strcmp(step->name, name) == 0 &&
		    layout_equal(step->from, from) &&
		    layout_equal(step->to, to))
			return true;
	}

	return false;
}
