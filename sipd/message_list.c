/**
 * @file sipd/message_list.c  The rows of a message, asked for their values
 */
#include <errno.h>

#include "sipd/message_parts.h"


struct text message_head(const struct message *m, enum head head)
{
	const uint8_t row = m->first[head];

	if (row == ROW_NONE)
		return (struct text){ NULL, 0 };

	return m->rows[row].value;
}


bool message_next(const struct message *m, enum head head,
		  struct message_cursor *cursor, struct text *valuep)
{
	if (!cursor->begun) {
		cursor->begun = true;
		cursor->row = m->first[head];
		cursor->rest = message_head(m, head);
	}
	while (cursor->row != ROW_NONE) {
		if (head_list_next(&cursor->rest, valuep))
			return true;
		cursor->row = m->rows[cursor->row].next;
		if (cursor->row != ROW_NONE)
			cursor->rest = m->rows[cursor->row].value;
	}

	return false;
}


bool message_lists(const struct message *m, enum head head, const char *token)
{
	struct message_cursor cursor = { 0 };
	struct text value;

	while (message_next(m, head, &cursor, &value))
		if (text_is_nocase(value, token))
			return true;

	return false;
}


int message_seconds(const struct message *m, enum head head, uint32_t *sp)
{
	struct text value = message_head(m, head);
	uint32_t seconds;

	if (!value.p)
		return ENOENT;
	if (head_take_number(&value, UINT32_MAX, &seconds))
		return EBADMSG;
	/* Retry-After has a comment, Session-Expires a refresher. */
	head_skip_blank(&value);
	if (value.l > 0 && value.p[0] != ';' && value.p[0] != '(')
		return EBADMSG;
	*sp = seconds;

	return 0;
}
