/**
 * @file sipd/sdp_line.c  What reading and editing an SDP share
 */
#include <string.h>
#include <strings.h>

#include "shared/base/util.h"
#include "sipd/sdp_line.h"

static const char *const directions[] = {
	[SDP_SENDRECV] = "sendrecv",
	[SDP_SENDONLY] = "sendonly",
	[SDP_RECVONLY] = "recvonly",
	[SDP_INACTIVE] = "inactive",
};


static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}


/* Up to its end; a tab is the only control character that may stand in it. */
static struct text line_cut(struct text *rest, bool *is_cleanp)
{
	const char *const start = rest->p, *const end = start + rest->l;
	const char *p = start;
	const size_t n = text_plain(*rest);
	struct text line;

	*is_cleanp = true;
	if (rest->l > n + 1 && p[n] == '\r' && p[n + 1] == '\n') {
		*rest = (struct text){ p + n + 2, rest->l - n - 2 };
		return (struct text){ start, n };
	}
	for (;; p++) {
		p += text_plain((struct text){ p, (size_t)(end - p) });
		if (p == end || *p == '\n')
			break;
		if (*p != '\t' && !(*p == '\r' && p + 1 < end && p[1] == '\n'))
			*is_cleanp = false;
	}
	line = (struct text){ start, (size_t)(p - start) };
	if (p < end)
		p++;
	*rest = (struct text){ p, (size_t)(end - p) };
	if (line.l > 0 && line.p[line.l - 1] == '\r')
		line.l--;

	return line;
}


bool sdp_line_next(struct text *rest, struct sdp_line *line)
{
	struct text t = { 0 };
	bool is_clean = false;

	while (t.l == 0) {
		if (rest->l == 0)
			return false;
		t = line_cut(rest, &is_clean);
	}

	line->type = '\0';
	if (is_clean && t.l >= 2 && is_letter(t.p[0]) && t.p[1] == '=') {
		line->type = t.p[0];
		line->value = (struct text){ t.p + 2, t.l - 2 };
	}

	return true;
}


static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}


bool sdp_word_next(struct text *rest, struct text *word)
{
	const char *p = rest->p, *start, *end;

	*word = (struct text){ p, 0 };
	if (rest->l == 0)
		return false;
	end = p + rest->l;
	while (p < end && is_blank(*p))
		p++;
	start = p;
	while (p < end && !is_blank(*p))
		p++;
	*word = (struct text){ start, (size_t)(p - start) };
	*rest = (struct text){ p, (size_t)(end - p) };

	return p > start;
}


void sdp_attribute_cut(struct text value, struct text *name,
		       struct text *argument)
{
	(void)text_cut(value, ':', name, argument);
	*name = text_trim(*name);
}


bool sdp_direction_find(enum sdp_direction *directionp, struct text value)
{
	for (size_t i = 0; i < COUNT_OF(directions); i++)
		if (text_is_nocase(value, directions[i])) {
			*directionp = (enum sdp_direction)i;
			return true;
		}

	return false;
}


bool sdp_is_of_payload(struct text name)
{
	return text_is_nocase(name, "rtpmap") ||
	       text_is_nocase(name, "fmtp") || text_is_nocase(name, "rtcp-fb");
}


bool sdp_can_relay(const struct sdp_media *media)
{
	return media->kind == SDP_IMAGE ||
	       (media->kind == SDP_AUDIO && media->is_rtp);
}


bool sdp_is_filtered(const struct sdp_media *media)
{
	return media->kind == SDP_AUDIO && media->is_rtp &&
	       media->remote.port != 0;
}


bool sdp_is_event(const struct sdp_payload *payload)
{
	return strcmp(payload->name, "TELEPHONE-EVENT") == 0;
}


bool sdp_is_codec(const struct sdp_payload *payload)
{
	return !sdp_is_event(payload) && strcmp(payload->name, "CN") != 0;
}


static bool has_name(const struct sdp_codecs *codecs, const char *name)
{
	for (size_t i = 0; i < codecs->namec; i++)
		if (strcasecmp(codecs->names[i], name) == 0)
			return true;

	return codecs->namec == 0;
}


bool sdp_is_listed(const struct sdp_payload *payload,
		   const struct sdp_codecs *a, const struct sdp_codecs *b)
{
	return !sdp_is_codec(payload) ||
	       (has_name(a, payload->name) && has_name(b, payload->name));
}
