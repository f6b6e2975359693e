/**
 * @file sipd/txn_refuse.c  Answers without a transaction
 *
 * To a request whose form is wrong: whatever of Via, From, To, Call-ID and
 * CSeq could be read is said back, to where it came from. And to one that is
 * worth nothing until it comes again with credentials (RFC 3261 8.2.7): a
 * flood of those takes no memory. Copies of both are answered each by itself.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/util.h"
#include "sipd/compose.h"
#include "sipd/txn_int.h"


static void put_all(struct compose *c, const struct message *m, enum head head,
		    const char *name)
{
	for (uint8_t row = m->first[head]; row != 255; row = m->rows[row].next)
		compose_head(c, name, m->rows[row].value);
}


static void put_status(struct compose *c, unsigned code)
{
	compose_put(c, "SIP/2.0 ");
	compose_number(c, code);
	compose_put(c, " ");
	compose_put(c, reason_phrase(code));
	compose_put(c, "\r\n");
}


static void put_to(struct compose *c, const struct message *m, const char *tag)
{
	compose_put(c, "To: ");
	compose_text(c, message_head(m, HEAD_TO));
	if (!m->to_tag.l) {
		compose_put(c, ";tag=");
		compose_put(c, tag);
	}
	compose_put(c, "\r\n");
}


void txn_refuse(struct txns *txns, const struct message *m,
		const struct flow *from, unsigned code)
{
	char buf[8192], tag[TXN_TAG_SIZE];
	struct compose c;

	compose_init(&c, buf, sizeof(buf));
	put_status(&c, code);
	put_all(&c, m, HEAD_VIA, "Via");
	compose_head(&c, "From", message_head(m, HEAD_FROM));
	txn_tag(txns, tag);
	put_to(&c, m, tag);
	compose_head(&c, "Call-ID", message_head(m, HEAD_CALL_ID));
	compose_head(&c, "CSeq", message_head(m, HEAD_CSEQ));
	compose_put(&c, "Content-Length: 0\r\n\r\n");
	if (!c.is_full)
		(void)txns->args.sendh(from, c.p, c.len, txns->args.arg);
}


void txn_tag_of(char tag[TXN_TAG_SIZE], const struct txns *txns,
		const struct message *m)
{
	const uint64_t hash = map_hash(m->via.branch.p ? m->via.branch.p : "",
				       m->via.branch.l) ^
			      m->cseq;
	const size_t l = strlen(txns->args.mark);
	const size_t bytes = (TXN_TAG_SIZE - 1 - l) / 2;

	memcpy(tag, txns->args.mark, l);
	text_hex(tag + l, &hash, bytes < sizeof(hash) ? bytes : sizeof(hash));
}


int txn_answer(struct txns *txns, const struct message *m,
	       const struct flow *from, unsigned code, struct text heads)
{
	char tag[TXN_TAG_SIZE];
	struct compose c;

	txn_tag_of(tag, txns, m);
	compose_init(&c, txns->out, MESSAGE_BYTES_MAX);
	put_status(&c, code);
	txn_head_vias(&c, m, from);
	compose_head(&c, "From", message_head(m, HEAD_FROM));
	put_to(&c, m, tag);
	compose_head(&c, "Call-ID", message_head(m, HEAD_CALL_ID));
	compose_head(&c, "CSeq", message_head(m, HEAD_CSEQ));
	compose_bytes(&c, heads.p, heads.l);
	compose_put(&c, "Content-Length: 0\r\n\r\n");
	if (c.is_full)
		return EMSGSIZE;

	return txns->args.sendh(from, c.p, c.len, txns->args.arg);
}
