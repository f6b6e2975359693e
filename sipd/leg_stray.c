/**
 * @file sipd/leg_stray.c  Answers nobody waits for
 */
#include "sipd/leg.h"
#include "sipd/wire.h"


/* Both from what the response says: it is our own INVITE that it repeats. They
 * go back to where it came from, and nowhere else, whatever Contact says. */
static void put_stray(struct compose *c, struct sipd *sipd,
		      const struct message *m, const struct flow *from,
		      enum method method, const char *branch)
{
	const struct text target = leg_contact_of(m);
	const struct text routes = leg_routes_of(sipd, m, true);

	compose_init(c, sipd->scratch, sizeof(sipd->scratch));
	compose_put(c, method_name(method));
	compose_put(c, " ");
	compose_text(c, target);
	compose_put(c, " SIP/2.0\r\n");
	leg_via(c, sipd, from, branch);
	compose_head(c, "Route", routes);
	compose_put(c, "Max-Forwards: 70\r\n");
	compose_head(c, "From", message_head(m, HEAD_FROM));
	compose_head(c, "To", message_head(m, HEAD_TO));
	compose_head(c, "Call-ID", m->call_id);
	compose_put(c, "CSeq: ");
	/* PRACKs may have used the next ones */
	compose_number(c, method == METHOD_ACK ? m->cseq : m->cseq + 64);
	compose_put(c, " ");
	compose_put(c, method_name(method));
	compose_put(c, "\r\nContent-Length: 0\r\n\r\n");
}


void leg_reject_answer(struct sipd *sipd, const struct message *m,
		       const struct flow *from)
{
	static const struct txn_resend resend = {
		.waits_ms = { 500, 1000, 2000, 4000, 4000, 4000 },
		.count = 6,
	};
	char branch[TXN_BRANCH_SIZE];
	struct txn_send bye = {
		.method = METHOD_BYE,
		.branch = branch,
		.to = *from,
		.resend = &resend,
		.h = txn_nobody,
	};
	struct compose c;
	txn_id txn;

	if (!leg_contact_of(m).p || !m->to_tag.l)
		return;

	txn_branch(sipd->txns, branch);
	put_stray(&c, sipd, m, from, METHOD_ACK, branch);
	if (!c.is_full)
		(void)wire_send(sipd->wire, from, c.p, c.len);
	txn_branch(sipd->txns, branch);
	put_stray(&c, sipd, m, from, METHOD_BYE, branch);
	bye.request = compose_result(&c);
	if (!c.is_full)
		(void)txn_send(sipd->txns, &bye, &txn);
}


/* To whom it was: within a dialog the peer's target, before one what To still
 * has */
static struct text refused_uri(struct sipd *sipd, const struct message *m,
			       struct text to)
{
	const struct leg *leg = leg_find(sipd, m->from_tag, m->call_id);

	/* Another device may refuse the INVITE that made the dialog. */
	if (!leg || leg->i->state != LEG_CONFIRMED ||
	    m->cseq == leg->i->invite_cseq)
		return to;

	return leg_text(leg, LEG_TARGET);
}


/* Of the INVITE's transaction: its branch and URI */
void leg_ack_refusal(struct sipd *sipd, const struct message *m,
		     const struct flow *from)
{
	struct message_cursor cursor = { 0 };
	struct head_addr to;
	struct text via;
	struct compose c;

	if (!m->to_tag.l || !message_next(m, HEAD_VIA, &cursor, &via) ||
	    head_addr_parse(&to, message_head(m, HEAD_TO)))
		return;
	compose_init(&c, sipd->scratch, sizeof(sipd->scratch));
	compose_put(&c, "ACK ");
	compose_text(&c, refused_uri(sipd, m, to.uri_text));
	compose_put(&c, " SIP/2.0\r\n");
	compose_head(&c, "Via", via);
	compose_put(&c, "Max-Forwards: 70\r\n");
	compose_head(&c, "From", message_head(m, HEAD_FROM));
	compose_head(&c, "To", message_head(m, HEAD_TO));
	compose_head(&c, "Call-ID", m->call_id);
	compose_put(&c, "CSeq: ");
	compose_number(&c, m->cseq);
	compose_put(&c, " ACK\r\nContent-Length: 0\r\n\r\n");
	if (!c.is_full)
		(void)wire_send(sipd->wire, from, c.p, c.len);
}
