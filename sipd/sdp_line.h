/**
 * @file sipd/sdp_line.h  What reading and editing an SDP share
 *
 * For sdp_parse.c and sdp_edit.c, and where our own SDP is read. Both walk the
 * lines in the same way, so that they never disagree about what a line is.
 */
#ifndef TANDEM_SIPD_SDP_LINE_H
#define TANDEM_SIPD_SDP_LINE_H

#include <stdbool.h>

#include "shared/base/text.h"
#include "sipd/sdpedit.h"

struct sdp_line {
	char type; /**< A letter; '\0': it is no line of SDP */
	struct text value;
};

/** The next line that is not empty, of CRLF or LF. @return false behind the
 *  last */
bool sdp_line_next(struct text *rest, struct sdp_line *line);

/** The next word of a line. @return false if there is none */
bool sdp_word_next(struct text *rest, struct text *word);

/** Name and argument of an a= line: "rtpmap", "0 PCMU/8000" */
void sdp_attribute_cut(struct text value, struct text *name,
		       struct text *argument);

/** Is the value of an a= line sendrecv, sendonly ...? */
bool sdp_direction_find(enum sdp_direction *directionp, struct text value);

/** Is it an attribute of one payload, with its number first? */
bool sdp_is_of_payload(struct text name);

/** As sdp_parse(), but every port may be 0 and every address is good */
int sdp_read(struct sdp *sdp, struct text body);

/** Can media of that kind be relayed? */
bool sdp_can_relay(const struct sdp_media *media);

/** Audio in use: the lists of codecs speak of it */
bool sdp_is_filtered(const struct sdp_media *media);

bool sdp_is_event(const struct sdp_payload *payload);
/** Events and comfort noise are nothing to talk by. */
bool sdp_is_codec(const struct sdp_payload *payload);
/** In both lists? What is no codec is in every list. */
bool sdp_is_listed(const struct sdp_payload *payload,
		   const struct sdp_codecs *a, const struct sdp_codecs *b);

#endif
