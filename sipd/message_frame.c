/**
 * @file sipd/message_frame.c  Where in a stream a message ends
 *
 * Only lines and Content-Length are looked at: whatever else is wrong is for
 * message_parse(), which sees exactly what is cut here.
 */
#include <string.h>

#include "sipd/message_parts.h"

enum frame {
	FRAME_MORE,
	FRAME_NEVER,
	FRAME_LINE,
	FRAME_HEADS_END
};


/* A line with its continuations. It ends only where the next begins. */
static enum frame next_line(struct text *rest, bool can_fold,
			    struct text *linep)
{
	size_t len = 0;

	for (;;) {
		const char *end = NULL;

		if (len < rest->l)
			end = memchr(rest->p + len, '\n', rest->l - len);
		if (!end)
			break;
		len = (size_t)(end - rest->p) + 1;
		if (len == 1 || (len == 2 && rest->p[0] == '\r'))
			return FRAME_HEADS_END;
		if (can_fold && len == rest->l)
			break;
		if (can_fold && head_is_blank(rest->p[len]))
			continue;
		if (len > MESSAGE_HEAD_BYTES_MAX + 2)
			return FRAME_NEVER;
		*linep = (struct text){ .p = rest->p, .l = len };
		return FRAME_LINE;
	}

	return rest->l > MESSAGE_HEAD_BYTES_MAX + 2 ? FRAME_NEVER : FRAME_MORE;
}


static void look_for_length(struct text line, bool *has, size_t *lengthp)
{
	struct text name, value;

	if (*has || message_row_cut(line, &name, &value) ||
	    message_head_find(name) != HEAD_CONTENT_LENGTH)
		return;

	/* One that cannot be read is answered; what follows is not looked
	 * for. */
	*has = true;
	(void)message_length(value, lengthp);
}


/* Behind the empty line */
static size_t heads_len(struct text t)
{
	const char *end = memchr(t.p, '\n', t.l);

	return (size_t)(end - t.p) + 1;
}


size_t message_frame(const char *data, size_t len, size_t *skippedp)
{
	const size_t skipped = message_skip(data, len);
	struct text rest = { .p = data + skipped, .l = len - skipped }, line;
	enum frame frame;
	bool has_length = false;
	size_t length = 0, whole;

	*skippedp = skipped;
	frame = next_line(&rest, false, &line);
	for (unsigned i = 0; frame == FRAME_LINE; i++) {
		if (i > MESSAGE_HEADS_MAX)
			return SIZE_MAX;
		head_skip(&rest, line.l);
		if (i > 0)
			look_for_length(line, &has_length, &length);
		frame = next_line(&rest, true, &line);
	}

	whole = len - skipped - rest.l;
	if (frame == FRAME_HEADS_END)
		whole += heads_len(rest) + length;
	if (frame == FRAME_NEVER || whole > MESSAGE_BYTES_MAX)
		return SIZE_MAX;
	if (frame == FRAME_MORE || whole > len - skipped)
		return 0;

	return whole;
}
