/**
 * @file mediad/judge.c  What becomes of a packet that came in
 */
#include "mediad/judge.h"
#include "mediad/mediad.h"
#include "mediad/metrics.h"
#include "mediad/notice.h"
#include "mediad/voice.h"


bool judge_way(struct judge_way *way, const struct ports *ports,
	       const struct session *s, struct session_at at)
{
	const uint16_t port = s->i.sides[at.side].lines[at.line].port;

	way->fd = ports_pair(ports, port)->fds[at.stream];
	way->port = (uint16_t)(port + at.stream);
	way->to = &s->to[at.side][at.line][at.stream];

	return way->fd >= 0;
}


/* What else the packet meant than to be passed on */
static void follow(struct judge *judge, struct session *s,
		   struct session_at at, const struct session_verdict *v)
{
	if (v->is_learned)
		sessions_publish(judge->mediad->sessions, s);
	if (v->is_first)
		notice_started(judge->mediad, s, at.side);
	if (v->is_flood)
		notice_flood(judge->mediad, s, at.side);
	if (v->heard.digit)
		voice_heard(judge->mediad, s, at.side, &v->heard);
}


bool judge_packet(struct judge *judge, struct session *s, struct session_at at,
		  const struct session_packet *p, struct judge_way *way)
{
	struct sessions *ss = judge->mediad->sessions;
	struct session_verdict v;
	bool is_sent;

	sessions_work_begin(ss, s);
	session_packet(s, at, p, &v);
	if (v.fate < SESSION_DROPS) {
		judge->drops[v.fate]++;
	}
	else {
		judge->packets[at.side != MEDIA_A]++;
		judge->bytes[at.side != MEDIA_A] += p->len;
	}
	if (v.fate != SESSION_NONE)
		sessions_count_flow(ss, s, at.side);
	if (v.is_shaped)
		sessions_count_flow(ss, s, v.out.side);
	if (v.is_learned || v.is_first || v.is_flood || v.heard.digit)
		follow(judge, s, at, &v);
	is_sent = v.fate == SESSION_FORWARD &&
		  judge_way(way, judge->mediad->ports, s, v.out);
	sessions_work_end(ss, s);

	return is_sent;
}


void judge_drop(struct judge *judge, enum session_fate why, unsigned n)
{
	judge->drops[why] += n;
}


void judge_count(struct judge *judge)
{
	for (unsigned i = 0; i < 2; i++)
		if (judge->packets[i]) {
			metric_add_at(M_MEDIA_PACKETS, i, judge->packets[i]);
			metric_add_at(M_MEDIA_BYTES, i, judge->bytes[i]);
		}
	for (unsigned i = 0; i < SESSION_DROPS; i++)
		if (judge->drops[i])
			metric_add_at(M_MEDIA_REJECTED, i, judge->drops[i]);
	*judge = (struct judge){ .mediad = judge->mediad };
}
