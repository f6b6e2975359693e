/**
 * @file shared/reg/asking.h  REGISTERs, as sipd tells them to regd
 *
 * All of a turn go in one message (Registers of proto/envelope.proto), as rows
 * one behind the other: a header of fixed size, the contacts, the texts, and
 * up to 7 bytes that bring the next row to a multiple of 8. So a row is
 * written and read without a parser and without memory. Reader and writer are
 * of one release, and on one machine; what is read is checked all the same.
 */
#ifndef TANDEM_REG_ASKING_H
#define TANDEM_REG_ASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/reg/binding.h"

enum {
	ASKING_CONTACTS_MAX = 32,
	ASKING_AGENT_MAX = 128,
	/** Of one message, with room for the envelope around it */
	ASKING_BYTES_MAX = 56 << 10,
	ASKING_ROWS_MAX = 512,
};

/** Expires that nobody said */
#define ASKING_UNSAID UINT32_MAX

struct asking_contact {
	struct text uri;
	uint32_t expires; /**< Or ASKING_UNSAID */
};

/** A REGISTER whose sender has proved who it is. The same request again is
 *  answered as it was. Texts are the caller's, or lie in the message. */
struct asking {
	struct terminal terminal;
	unsigned transport; /**< 1 UDP, 2 TCP, 3 TLS */
	bool is_star;       /**< Contact: * */
	bool is_nat;        /**< registration 4: sipd has resolved the names */
	uint32_t expires;   /**< Of the header, or ASKING_UNSAID */
	uint32_t cseq;
	uint32_t listener;   /**< Its socket: listener_mark() */
	uint64_t call_id;    /**< text_mark() */
	uint64_t request;    /**< text_mark() of the branch of its top Via */
	uint64_t connection; /**< Of a stream; 0: UDP */
	struct addr source;
	struct text path, agent;
	size_t contactc;
	struct asking_contact contacts[ASKING_CONTACTS_MAX];
};

/** Append a row behind *lenp bytes of rows. @return 0, EMSGSIZE: it does not
 *  fit any more, and nothing was written */
int asking_put(uint8_t *rows, size_t size, size_t *lenp,
	       const struct asking *asking);

/** Read the row at *atp and go on to the next. @return 0, ENOENT: that was
 *  the last one, EBADMSG */
int asking_next(struct asking *asking, const uint8_t *rows, size_t len,
		size_t *atp);

#endif
