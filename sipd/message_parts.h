/**
 * @file sipd/message_parts.h  What parsing and framing share
 */
#ifndef TANDEM_SIPD_MESSAGE_PARTS_H
#define TANDEM_SIPD_MESSAGE_PARTS_H

#include "sipd/head_parts.h"
#include "sipd/message.h"

enum {
	ROW_NONE = 255,   /**< No row; more than there can be */
	LENGTH_DIGITS = 8 /**< Of Content-Length */
};
_Static_assert((int)MESSAGE_HEADS_MAX < (int)ROW_NONE,
	       "rows are numbered in a byte");

/** Name and value of a header line, unfolded or not. @return EBADMSG: it has
 * no name */
int message_row_cut(struct text line, struct text *namep, struct text *valuep);

/** A name, full or compact, which is a token */
enum head message_head_find(struct text name);

/** Its full name; "" for HEAD_OTHER */
const char *message_head_name(enum head head);

/** The value of Content-Length. @return 0, EBADMSG */
int message_length(struct text value, size_t *lengthp);

/** CR and LF at its start */
size_t message_skip(const char *data, size_t len);

#endif
