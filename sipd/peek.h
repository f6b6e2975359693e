/**
 * @file sipd/peek.h  What a message is, without a parser
 *
 * For what is looked at before anything is parsed, or although it will never
 * be: traces, refusals under load, what is counted when it is sent. Nothing is
 * written, nothing is judged: what cannot be read is empty. Linear.
 */
#ifndef TANDEM_SIPD_PEEK_H
#define TANDEM_SIPD_PEEK_H

#include <stdbool.h>

#include "sipd/message.h"

struct peek {
	struct text uri;    /**< Of a request */
	uint16_t code;      /**< Of a response; 0: a request, or neither */
	struct text method; /**< Of a response: the CSeq's */
	struct text call_id;
	struct text from, to; /**< Values, still folded */
};

/** The first line alone: method and uri, or code */
void peek_first(struct peek *peek, struct text message);

/** What it is counted as; code 0: a request. Of a response the lines are read
 *  up to CSeq. */
enum method peek_kind(struct text message, unsigned *codep);

/** All of it */
void peek_message(struct peek *peek, struct text message);

/** A header line with its continuations and its end; the first line of a
 *  message is one too
 *  @return false: there are no more, or too many */
bool peek_line(struct text *rest, struct text *linep);

/** Which header a line is, and its value with the blanks around it cut off */
enum head peek_head(struct text line, struct text *valuep);

/** The method in a value of CSeq */
struct text peek_cseq_method(struct text value);

/** The user of the first sip:, sips: or tel: URI in a text, without password
 *  and parameters; empty: there is none */
struct text peek_user(struct text t);

#endif
