/**
 * @file test/unit/sipd/call_plot.c  Whole calls, with a successor at each step
 */
#include "test/unit/sipd/call_plot.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/util.h"
#include "test/support/t.h"

enum {
	SEEN_MAX = 4000,
	SOON_MS = 60,
	COPY_MS = 1100, /**< The first copy has been sent by then */
	ROWS_MAX = 64,
	ROW_MAX = 120,
};


static void prack(struct play *p)
{
	const struct call_sent *s = play_sent(p, CALL_RIG_A, "SIP/2.0 18");
	char rack[64];

	(void)snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\r\n",
		       play_head(s ? s->data : "", "RSeq"));
	play_a(p, "PRACK", 0, rack, "");
}


static void ack_no(struct play *p)
{
	const struct call_sent *s = play_sent(p, CALL_RIG_A, "SIP/2.0 ");

	call_rig_receive(&p->rig, CALL_RIG_A,
			 "ACK sip:1212@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:77@192.0.2.1>;tag=fa\r\n"
			 "To: %s\r\n"
			 "Call-ID: ca\r\n"
			 "CSeq: 1 ACK\r\n"
			 "Content-Length: 0\r\n\r\n",
			 play_head(s ? s->data : "", "To"));
}


/* Of its transaction: that has its branch (play_a) */
static void a_of_offer(struct play *p, const char *method)
{
	const struct call *call = play_call(p);

	call_rig_receive(&p->rig, CALL_RIG_A,
			 "%s sip:1212@192.0.2.100 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 192.0.2.1:5060;"
			 "branch=z9hG4bKaINVITEC\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: <sip:77@192.0.2.1>;tag=fa\r\n"
			 "To: <sip:1212@192.0.2.100>;tag=%s\r\n"
			 "Call-ID: ca\r\n"
			 "CSeq: 2 %s\r\n"
			 "Content-Length: 0\r\n\r\n",
			 method, call ? call->a.tag : "", method);
}


static void play_step(struct play *p, const struct step *s)
{
	switch (s->op) {
	case OP_RUN:
		call_rig_run(&p->rig, s->ms, s->ms > 20 ? 10 : 1);
		break;
	case OP_INVITE:
		play_invite(p, s->heads, s->sdp);
		break;
	case OP_A:
		play_a(p, s->method, s->ms, s->heads, s->sdp);
		break;
	case OP_ACK_NO:
		ack_no(p);
		break;
	case OP_PRACK:
		prack(p);
		break;
	case OP_B:
		play_reply(p, s->to, s->method, s->ms, s->heads, s->sdp);
		break;
	case OP_B_ASKS:
		play_b(p, CALL_RIG_B1, s->method, s->heads, s->sdp);
		break;
	case OP_A_NO:
		a_of_offer(p, "ACK");
		break;
	case OP_A_QUITS:
		a_of_offer(p, "CANCEL");
		break;
	case OP_B_ACKS:
		p->b_cseq--;
		play_b(p, CALL_RIG_B1, "ACK", "", "");
		break;
	case OP_A_SAYS:
		play_reply(p, CALL_RIG_A, s->method, s->ms, s->heads, s->sdp);
		break;
	case OP_END:
	default:
		break;
	}
}


/* --- what both sides saw -------------------------------------------------- */

/* A tag or branch is random: two plays have others, but each its own ones in
 * the same places. Named by the order in which they came up. */
struct names {
	char known[32][64];
	size_t count;
};

static unsigned name_of(struct names *names, const char *text, size_t len)
{
	char one[64];

	(void)snprintf(one, sizeof(one), "%.*s", (int)len, text);
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->known[i], one) == 0)
			return (unsigned)i;
	if (names->count == COUNT_OF(names->known))
		return 99;
	(void)snprintf(names->known[names->count], sizeof(names->known[0]),
		       "%s", one);

	return (unsigned)names->count++;
}


static unsigned param_name(struct names *names, const char *value,
			   const char *param)
{
	const char *at = strstr(value, param);

	at = at ? at + strlen(param) : "";

	return name_of(names, at, strcspn(at, ";> \r"));
}


struct seen {
	char text[SEEN_MAX];
	char lines[ROWS_MAX][ROW_MAX]; /**< Each once, sorted; without 1xx
					*   that nobody repeats */
	size_t linec;
	unsigned records, reason, code;
};


/* ACK and PRACK aside a request of ours may have another CSeq: a successor
 * leaves a gap. */
static void look(struct seen *seen, const struct call_rig *rig)
{
	struct names names = { .count = 0 };
	char to[ADDR_TEXT_MAX], *p = seen->text;
	size_t left = sizeof(seen->text);

	seen->text[0] = '\0';
	for (size_t i = 0; i < rig->sentc; i++) {
		const struct call_sent *s = &rig->sent[i];
		const char *sdp = strstr(s->data, "\r\n\r\n");
		const int n = snprintf(
			p, left, "%s %.11s %s via %u from %u to %u%s\n",
			addr_print(&s->to.remote, to), s->data,
			strchr(play_head(s->data, "CSeq"), ' '),
			param_name(&names, play_head(s->data, "Via"),
				   ";branch="),
			param_name(&names, play_head(s->data, "From"),
				   ";tag="),
			param_name(&names, play_head(s->data, "To"), ";tag="),
			sdp && sdp[4] ? " sdp" : "");

		assert_true(n > 0 && (size_t)n < left);
		p += n;
		left -= (size_t)n;
	}
}


static int line_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}


static void look_roughly(struct seen *seen, const struct call_rig *rig)
{
	char line[ROW_MAX], to[ADDR_TEXT_MAX];

	seen->linec = 0;
	for (size_t i = 0; i < rig->sentc; i++) {
		const struct call_sent *s = &rig->sent[i];
		bool is_there = false;

		if (strncmp(s->data, "SIP/2.0 1", 9) == 0 &&
		    !strstr(s->data, "RSeq"))
			continue;
		(void)snprintf(line, sizeof(line), "%s %.11s %s",
			       addr_print(&s->to.remote, to), s->data,
			       strchr(play_head(s->data, "CSeq"), ' '));
		for (size_t j = 0; j < seen->linec; j++)
			is_there |= strcmp(seen->lines[j], line) == 0;
		if (!is_there && seen->linec < ROWS_MAX)
			(void)snprintf(seen->lines[seen->linec++], ROW_MAX,
				       "%s", line);
	}
	qsort(seen->lines, seen->linec, ROW_MAX, line_compare);
}


/* By who sends it, if nothing comes back */
static bool is_repeated(const struct step *s)
{
	if (s->op == OP_B || s->op == OP_A_SAYS)
		return s->ms >= 200 || strstr(s->heads, "RSeq");

	return s->op == OP_INVITE || s->op == OP_PRACK ||
	       s->op == OP_A_QUITS ||
	       ((s->op == OP_A || s->op == OP_B_ASKS) &&
		strcmp(s->method, "ACK") != 0);
}


static void lose(struct play *p, const struct step *s, size_t before)
{
	p->rig.sentc = before;
	assert_int_equal(call_rig_replace(&p->rig), 0);
	if (s->op == OP_A && s->ms == 0)
		p->a_cseq--;
	if (s->op == OP_B_ASKS)
		p->b_cseq--;
	if (s->op == OP_PRACK)
		p->a_cseq--;
	if (is_repeated(s))
		play_step(p, s);
	call_rig_run(&p->rig, COPY_MS, 10);
}


/* killed: behind so many steps; 0: never */
static void play_plot(struct seen *seen, const struct plot *plot,
		      size_t killed, bool is_lost)
{
	static struct play p;
	size_t before;

	if (play_open(&p, "call_resume", NULL, 0))
		abort();
	p.number = plot->number;
	p.rig.media = plot->media;
	if (plot->devices > 0)
		call_rig_register(&p.rig, ONE, "sip:7001@192.0.2.21:5062");
	if (plot->devices > 1)
		call_rig_register(&p.rig, TWO, "sip:7001@10.0.0.2:5060");
	for (size_t i = 0; i < STEPS_MAX && plot->steps[i].op; i++) {
		before = p.rig.sentc;
		play_step(&p, &plot->steps[i]);
		if (i + 1 == killed && is_lost)
			lose(&p, &plot->steps[i], before);
		else if (i + 1 == killed)
			assert_int_equal(call_rig_replace(&p.rig), 0);
	}
	call_rig_run(&p.rig, SOON_MS, 10);
	if (!is_lost)
		look(seen, &p.rig);
	look_roughly(seen, &p.rig);
	seen->records = p.rig.records;
	seen->reason = p.rig.end_reason;
	seen->code = p.rig.end_code;
	call_rig_run(&p.rig, 90000, 500);
	if (call_rig_left(&p.rig))
		fail_msg("killed behind step %zu, left: %s", killed,
			 call_rig_left(&p.rig));
	play_close(&p);
}


static void nothing_is_missing(const struct seen *whole,
			       const struct plot *plot, size_t killed)
{
	static struct seen other;

	if (plot->is_timed)
		return;
	play_plot(&other, plot, killed, true);
	if (other.linec != whole->linec) {
		for (size_t i = 0; i < other.linec; i++)
			print_error("%s\n", other.lines[i]);
		print_error("and without:\n");
		for (size_t i = 0; i < whole->linec; i++)
			print_error("%s\n", whole->lines[i]);
		fail_msg("lost behind step %zu", killed);
	}
	for (size_t i = 0; i < other.linec; i++)
		assert_string_equal(other.lines[i], whole->lines[i]);
	if (other.records != 1 || other.reason != whole->reason)
		fail_msg("lost behind step %zu: %u records, reason %u instead "
			 "of %u",
			 killed, other.records, other.reason, whole->reason);
}


void plot_check(const struct plot *plot)
{
	static struct seen whole, other;

	play_plot(&whole, plot, 0, false);
	assert_int_equal(whole.records, 1);
	assert_int_equal(whole.reason, plot->reason);
	for (size_t i = 0; i < STEPS_MAX && plot->steps[i].op; i++) {
		play_plot(&other, plot, i + 1, false);
		if (strcmp(other.text, whole.text) != 0)
			fail_msg("killed behind step %zu:\n%s\nand without:\n"
				 "%s",
				 i + 1, other.text, whole.text);
		if (other.records != 1 || other.reason != whole.reason ||
		    other.code != whole.code)
			fail_msg("killed behind step %zu: %u records, reason "
				 "%u instead of %u, code %u instead of %u",
				 i + 1, other.records, other.reason,
				 whole.reason, other.code, whole.code);
	}
	for (size_t i = 0; i < STEPS_MAX && plot->steps[i].op; i++)
		nothing_is_missing(&whole, plot, i + 1);
}
