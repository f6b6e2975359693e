/**
 * @file sipd/txn_refuse.c  An answer without a transaction
 *
 * To a request whose form is wrong: whatever of Via, From, To, Call-ID and
 * CSeq could be read is said back, to where it came from. Copies of it are
 * answered each by itself.
 */
#include "sipd/compose.h"
#include "sipd/txn_int.h"


static void put_all(struct compose *c, const struct message *m, enum head head,
		    const char *name)
{
	for (uint8_t row = m->first[head]; row != 255; row = m->rows[row].next)
		compose_head(c, name, m->rows[row].value);
}


void txn_refuse(struct txns *txns, const struct message *m,
		const struct flow *from, unsigned code)
{
	char buf[8192], tag[TXN_TAG_SIZE];
	struct compose c;

	compose_init(&c, buf, sizeof(buf));
	compose_put(&c, "SIP/2.0 ");
	compose_number(&c, code);
	compose_put(&c, " ");
	compose_put(&c, reason_phrase(code));
	compose_put(&c, "\r\n");
	put_all(&c, m, HEAD_VIA, "Via");
	compose_head(&c, "From", message_head(m, HEAD_FROM));
	compose_put(&c, "To: ");
	compose_text(&c, message_head(m, HEAD_TO));
	if (!m->to_tag.l) {
		txn_tag(txns, tag);
		compose_put(&c, ";tag=");
		compose_put(&c, tag);
	}
	compose_put(&c, "\r\n");
	compose_head(&c, "Call-ID", message_head(m, HEAD_CALL_ID));
	compose_head(&c, "CSeq", message_head(m, HEAD_CSEQ));
	compose_put(&c, "Content-Length: 0\r\n\r\n");
	if (!c.is_full)
		(void)txns->args.sendh(from, c.p, c.len, txns->args.arg);
}
