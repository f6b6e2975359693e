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


/* A tab is the only control character that may stand in a line. */
static bool is_clean(struct text t)
{
	for (size_t i = 0; i < t.l; i++) {
		const unsigned char c = (unsigned char)t.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}

	return true;
}


bool sdp_line_next(struct text *rest, struct sdp_line *line)
{
	struct text t = { 0 };

	while (t.l == 0) {
		if (rest->l == 0)
			return false;
		(void)text_cut(*rest, '\n', &t, rest);
		if (t.l > 0 && t.p[t.l - 1] == '\r')
			t.l--;
	}

	line->type = '\0';
	if (t.l >= 2 && is_letter(t.p[0]) && t.p[1] == '=' && is_clean(t)) {
		line->type = t.p[0];
		line->value = (struct text){ t.p + 2, t.l - 2 };
	}

	return true;
}


bool sdp_word_next(struct text *rest, struct text *word)
{
	while (rest->l > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
		rest->p++;
		rest->l--;
	}
	*word = (struct text){ rest->p, 0 };
	while (rest->l > 0 && rest->p[0] != ' ' && rest->p[0] != '\t') {
		rest->p++;
		rest->l--;
		word->l++;
	}

	return word->l > 0;
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
