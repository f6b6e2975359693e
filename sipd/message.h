/**
 * @file sipd/message.h  A SIP message, indexed in one pass
 *
 * Names are compared, never hashed alone; everything is bounded and linear in
 * the input. Nothing is copied: texts point into the datagram, and live as
 * long as it does. Compact names and any letter case are understood; folded
 * lines are unfolded in place. What must be there is decoded: the first line,
 * top Via, Call-ID, CSeq, tags of From and To. Everything else is looked at
 * by who needs it (head.h).
 */
#ifndef TANDEM_SIPD_MESSAGE_H
#define TANDEM_SIPD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sipd/head.h"
#include "shared/base/text.h"

enum method {
	METHOD_OTHER, /**< None that we know */
	METHOD_INVITE,
	METHOD_ACK,
	METHOD_CANCEL,
	METHOD_BYE,
	METHOD_OPTIONS,
	METHOD_REGISTER,
	METHOD_PRACK,
	METHOD_UPDATE,
	METHOD_INFO,
	METHOD_REFER,
	METHOD_SUBSCRIBE,
	METHOD_NOTIFY,
	METHOD_MESSAGE,
	METHOD_PUBLISH,
	METHODC
};

/** Headers that somebody here reads; the table in message.c has their names
 *  and compact forms */
enum head {
	HEAD_OTHER,
	HEAD_ALLOW,
	HEAD_AUTHORIZATION,
	HEAD_CALL_ID,
	HEAD_CONTACT,
	HEAD_CONTENT_ENCODING,
	HEAD_CONTENT_LENGTH,
	HEAD_CONTENT_TYPE,
	HEAD_CSEQ,
	HEAD_DIVERSION,
	HEAD_EXPIRES,
	HEAD_FROM,
	HEAD_MAX_FORWARDS,
	HEAD_MIN_EXPIRES,
	HEAD_MIN_SE,
	HEAD_PATH,
	HEAD_P_ASSERTED_IDENTITY,
	HEAD_P_PREFERRED_IDENTITY,
	HEAD_PRIVACY,
	HEAD_PROXY_AUTHENTICATE,
	HEAD_PROXY_AUTHORIZATION,
	HEAD_PROXY_REQUIRE,
	HEAD_RACK,
	HEAD_REASON,
	HEAD_RECORD_ROUTE,
	HEAD_REMOTE_PARTY_ID,
	HEAD_REQUIRE,
	HEAD_RETRY_AFTER,
	HEAD_ROUTE,
	HEAD_RSEQ,
	HEAD_SESSION_EXPIRES,
	HEAD_SUPPORTED,
	HEAD_TO,
	HEAD_UNSUPPORTED,
	HEAD_USER_AGENT,
	HEAD_VIA,
	HEAD_WWW_AUTHENTICATE,
	HEADC
};

enum {
	MESSAGE_BYTES_MAX = 65535,
	MESSAGE_HEADS_MAX = 128,       /**< Header lines */
	MESSAGE_HEAD_BYTES_MAX = 8192, /**< One of them */
};

/** What is wrong with a message; faults[] says what is answered */
enum message_fault {
	MESSAGE_OK,
	/* these are dropped: nobody could be answered */
	MESSAGE_EMPTY,   /**< Nothing but CRLF: a keep-alive */
	MESSAGE_NOT_SIP, /**< First line is neither request nor status */
	MESSAGE_NO_VIA,
	MESSAGE_NO_FROM,
	MESSAGE_NO_TO,
	MESSAGE_NO_CALL_ID,
	MESSAGE_NO_CSEQ,
	MESSAGE_BAD_VIA,
	/* these are answered, if it is a request */
	MESSAGE_SYNTAX,      /**< 400 */
	MESSAGE_CONTROL,     /**< 400: NUL or control character */
	MESSAGE_TWICE,       /**< 400: two different From, To ... */
	MESSAGE_CSEQ_METHOD, /**< 400: not that of the first line */
	MESSAGE_TRUNCATED,   /**< 400: Content-Length beyond the datagram */
	MESSAGE_NO_LENGTH,   /**< 400: of a stream */
	MESSAGE_HEADS,       /**< 513: too many, or one too long */
	MESSAGE_VERSION,     /**< 505 */
	MESSAGE_SCHEME,      /**< 416 */
	MESSAGE_METHOD,      /**< 501 */
	MESSAGE_FAULTC
};

struct message_fault_def {
	uint16_t code; /**< To be answered; 0: dropped */
	const char *name;
};
extern const struct message_fault_def message_faults[MESSAGE_FAULTC];

struct message_row {
	struct text name;  /**< As written */
	struct text value; /**< Trimmed; commas are not cut here */
	uint8_t head;      /**< enum head */
	uint8_t next;      /**< Row of the same head, behind this; 255: none */
};

struct message {
	enum message_fault fault;
	bool is_request;
	enum method method; /**< Of a response: the CSeq's */
	struct text method_text;
	struct text uri; /**< Request-URI as written */
	uint16_t code;   /**< Of a response; 0: request */
	struct text reason;

	/* decoded in every message whose fault answers or is none */
	struct head_via via; /**< The top one */
	struct text call_id;
	uint32_t cseq;
	enum method cseq_method;
	struct text from_tag; /**< Empty: none */
	struct text to_tag;
	struct head_addr from, to; /**< Of a request: whole; of a response
				    *   what is not in the URI */

	struct text body;
	struct text whole; /**< From the first line to the body's end */

	uint8_t first[HEADC]; /**< Row; 255: none */
	uint8_t rowc;
	struct message_row rows[MESSAGE_HEADS_MAX];
};

/**
 * Index a message
 *
 * @param data      Is written to only where lines are unfolded
 * @param is_stream Content-Length is needed, and says where the body ends
 *
 * @return m->fault; whatever it is, m can be read: what was not reached is
 *         empty
 */
enum message_fault message_parse(struct message *m, char *data, size_t len,
				 bool is_stream);

/** First value of a header; p is NULL if there is none */
struct text message_head(const struct message *m, enum head head);

/** The value behind this one, of the next row or comma: for headers that are
 *  lists (Via, Route, Contact, Require, Supported, Allow ...). Begin with
 *  *cursor zero. Quotes and <> protect commas. @return false behind the last */
struct message_cursor {
	bool begun;
	uint8_t row;
	struct text rest;
};
bool message_next(const struct message *m, enum head head,
		  struct message_cursor *cursor, struct text *valuep);

/** Does a list of tokens (Supported, Require, Allow ...) have this one? */
bool message_lists(const struct message *m, enum head head, const char *token);

/** Seconds of Session-Expires, Min-SE, Expires, Retry-After: the number at
 *  its start. @return 0, ENOENT, EBADMSG */
int message_seconds(const struct message *m, enum head head, uint32_t *sp);

/** The SDP of its body: all of it, or the part of a multipart. NULL and 0 if
 *  it has no body. @return 0, or ENOTSUP: a body that is something else */
int message_sdp(const struct message *m, struct text *sdpp);

/** As on the wire, and as labels of metrics; METHOD_OTHER: "other" */
extern const char *const method_names[METHODC];
enum method method_find(struct text name);
const char *method_name(enum method method);

/** Where in a stream does the first message end?
 *  @return its bytes; 0: more is needed; SIZE_MAX: it cannot be one (bounds
 *          as above). Leading CRLF belongs to nothing: *skippedp bytes of it. */
size_t message_frame(const char *data, size_t len, size_t *skippedp);

#endif
