/**
 * @file mediad/sessions.c  All sessions of this worker
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mediad/sessions.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/pages.h"
#include "shared/base/util.h"
#include "shared/shm/slot.h"

enum {
	CACHE_LINE = 64,
	TOGETHER = 8, /**< Entries whose pages are asked for at once */
};

struct entry {
	struct map_link link; /* by session.i.session */
	struct session session;
};

struct sessions {
	struct segment media, flows;
	struct slots *slots;
	struct map *map;
	struct entry *entries; /* by slot, less first */
	bool *used; /* of entries: those that are free stay untouched */
	uint32_t first, slotc;
	uint32_t count;
	struct ports *ports;
	const struct log *log;
	int64_t now_us; /* while adopting */
	uint32_t asked; /* while adopting: entries whose pages were */
};


static uint32_t index_of(const struct sessions *ss, const struct session *s)
{
	const size_t at = (size_t)((const uint8_t *)s -
				   (const uint8_t *)ss->entries);

	return (uint32_t)(at / sizeof(struct entry));
}


static struct media_flows *flows_of(const struct sessions *ss, uint32_t index)
{
	return segment_slot(&ss->flows, ss->first + index);
}


uint32_t sessions_count(const struct sessions *ss)
{
	return ss->count;
}


uint32_t sessions_quarantined(const struct sessions *ss)
{
	return slots_quarantined(ss->slots);
}


uint32_t sessions_slots(const struct sessions *ss)
{
	return ss->slotc;
}


struct session *sessions_at(const struct sessions *ss, uint32_t index)
{
	return ss->used[index] ? &ss->entries[index].session : NULL;
}


struct session *sessions_find(const struct sessions *ss, uint64_t id)
{
	struct map_link *link = map_find(ss->map, &id, sizeof(id));

	return link ? &CONTAINER_OF(link, struct entry, link)->session : NULL;
}


static void fetch(const void *data, size_t size)
{
	for (size_t at = 0; at < size; at += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)data + at);
}


void sessions_fetch(const struct sessions *ss, uint32_t index,
		    struct session_at at)
{
	const struct session *s = &ss->entries[index].session;
	const struct media_side *side = &s->i.sides[at.side];
	const unsigned peer = at.side == MEDIA_A ? 1 : MEDIA_A;

	fetch(&s->i, sizeof(s->i.session));
	fetch(&side->lines[at.line], sizeof(side->lines[0]));
	fetch(side->payloads, 1); /* the first few are what is spoken */
	fetch(&side->is_used, 1);
	fetch(&s->i.sides[peer].is_used, 1);
	fetch(&s->i.sides[peer].lines[at.line].port, 1);
	fetch(&s->flows[at.side], sizeof(s->flows[0]));
	fetch(&s->to[peer][at.line], sizeof(s->to[0][0]));
	fetch(s->row[at.side], 1);
	fetch(s->is_shaped, sizeof(s->is_shaped));
	fetch(s->last_us[at.side], sizeof(s->last_us[0]));
	fetch(flows_of(ss, index)->words[at.side], sizeof(struct media_flow));
	fetch(segment_slot(&ss->media, ss->first + index), 1);
}


void sessions_publish(struct sessions *ss, struct session *s)
{
	slots_publish(ss->slots, ss->first + index_of(ss, s), &s->i);
}


void sessions_count_flow(struct sessions *ss, const struct session *s,
			 unsigned side)
{
	media_flow_write(flows_of(ss, index_of(ss, s)), side, &s->flows[side]);
}


void sessions_work_begin(struct sessions *ss, const struct session *s)
{
	slots_work_begin(ss->slots, ss->first + index_of(ss, s));
}


void sessions_work_end(struct sessions *ss, const struct session *s)
{
	slots_work_end(ss->slots, ss->first + index_of(ss, s));
}


/* --- ports
 * -------------------------------------------------------------------------- */

/* Of a side from a line on; the time first, so that a successor knows it. */
static void give_lines(struct sessions *ss, struct media_side *side,
		       unsigned from, int64_t now_us)
{
	for (unsigned l = from; l < side->linec; l++)
		ports_give(ss->ports, side->lines[l].port, now_us);
	side->linec = (uint8_t)from;
}


static void rest_lines(struct sessions *ss, const struct media_side *side,
		       int64_t now_us)
{
	for (unsigned l = 0; side->is_used && l < side->linec; l++)
		ports_rest(ss->ports, side->lines[l].port, now_us);
}


/* As many lines as wanted, or as there were */
static int take_lines(struct sessions *ss, struct session *s, unsigned side,
		      uint32_t lines, int64_t now_us)
{
	struct media_side *m = &s->i.sides[side];
	const unsigned before = m->linec;
	int err = 0;

	if (lines > MEDIA_LINES)
		lines = MEDIA_LINES;
	for (; m->linec < lines && !err;) {
		const struct port_owner owner = {
			.session = (int32_t)index_of(ss, s),
			.side = (uint8_t)side,
			.line = m->linec,
		};
		struct media_line *line = &m->lines[m->linec];

		memset(line, 0, sizeof(*line));
		err = ports_take(ss->ports, owner, &line->port, now_us);
		if (!err)
			m->linec++;
	}
	if (err)
		give_lines(ss, m, before, now_us);

	return err;
}


/* --- life
 * --------------------------------------------------------------------------- */

static void forget(struct sessions *ss, struct session *s)
{
	map_remove(ss->map, &CONTAINER_OF(s, struct entry, session)->link);
	ss->used[index_of(ss, s)] = false;
	memset(s, 0, sizeof(*s));
	ss->count--;
}


static int enter(struct sessions *ss, uint32_t index)
{
	struct entry *entry = &ss->entries[index];
	int err;

	err = map_add(ss->map, &entry->link, &entry->session.i.session,
		      sizeof(entry->session.i.session));
	if (!err) {
		ss->used[index] = true;
		ss->count++;
	}

	return err;
}


static int make(struct sessions *ss, uint64_t id, struct session **sp)
{
	struct session *s;
	uint32_t slot;
	int err;

	if (slots_take(ss->slots, &slot) != 0)
		return EADDRNOTAVAIL;

	s = &ss->entries[slot - ss->first].session;
	memset(s, 0, sizeof(*s));
	s->i.session = id;
	for (unsigned i = 0; i < MEDIA_SIDES; i++)
		sessions_count_flow(ss, s, i);
	err = enter(ss, slot - ss->first);
	if (err) {
		memset(s, 0, sizeof(*s));
		slots_give(ss->slots, slot);
	}
	else {
		*sp = s;
	}

	return err;
}


static void unmake(struct sessions *ss, struct session *s)
{
	slots_give(ss->slots, ss->first + index_of(ss, s));
	forget(ss, s);
}


void sessions_release(struct sessions *ss, struct session *s, int64_t now_us)
{
	struct media_session image = s->i;

	for (unsigned i = 0; i < MEDIA_SIDES; i++)
		rest_lines(ss, &image.sides[i], now_us);
	unmake(ss, s);
	for (unsigned i = 0; i < MEDIA_SIDES; i++)
		if (image.sides[i].is_used)
			give_lines(ss, &image.sides[i], 0, now_us);
}


void sessions_release_side(struct sessions *ss, struct session *s,
			   unsigned side, int64_t now_us)
{
	struct media_side m = s->i.sides[side];

	rest_lines(ss, &m, now_us);
	session_side_end(s, side);
	sessions_publish(ss, s);
	sessions_count_flow(ss, s, side);
	give_lines(ss, &m, 0, now_us);
}


/* --- what is asked
 * --------------------------------------------------------------------------- */

/* @param newp Side that did not exist; or unchanged */
static int reserve_side(struct sessions *ss, struct session *s,
			uint32_t number, uint32_t lines, int *newp,
			int64_t now_us)
{
	int side = session_side(s, number);
	int err;

	if (side >= 0)
		return take_lines(ss, s, (unsigned)side, lines, now_us);

	side = (int)session_side_free(s, number);
	if (s->i.sides[side].is_used)
		sessions_release_side(ss, s, (unsigned)side, now_us);
	err = take_lines(ss, s, (unsigned)side, lines ? lines : 1, now_us);
	if (err)
		return err;

	s->i.sides[side].is_used = true;
	s->i.sides[side].number = number;
	sessions_count_flow(ss, s, (unsigned)side); /* of nobody before it */
	*newp = side;

	return 0;
}


int sessions_reserve(struct sessions *ss, const struct sessions_ask *ask,
		     struct session **sp, int64_t now_us)
{
	struct session *s = sessions_find(ss, ask->session);
	const bool is_new = !s;
	int side_a = -1, side = -1, err = 0;

	if (is_new)
		err = make(ss, ask->session, &s);
	if (err)
		return err;

	if (ask->wants_a && ask->number != 0)
		err = reserve_side(ss, s, 0, ask->lines, &side_a, now_us);
	if (!err)
		err = reserve_side(ss, s, ask->number, ask->lines, &side,
				   now_us);
	if (err && side_a >= 0) {
		give_lines(ss, &s->i.sides[side_a], 0, now_us);
		session_side_end(s, (unsigned)side_a);
	}
	if (err && is_new)
		unmake(ss, s);
	if (err)
		return err;

	s->i.sipd = ask->sipd;
	sessions_publish(ss, s);
	*sp = s;

	return 0;
}


int sessions_point(struct sessions *ss, uint64_t session, uint32_t number,
		   uint16_t sipd, const struct session_point *point,
		   int64_t now_us)
{
	struct session *s = sessions_find(ss, session);
	const int side = s ? session_side(s, number) : -1;

	if (side < 0)
		return ENOENT;

	session_point(s, (unsigned)side, point, now_us);
	s->i.sipd = sipd;
	sessions_publish(ss, s);

	return 0;
}


/* --- adoption
 * --------------------------------------------------------------------------- */

/* Sockets of a range that is no longer ours: that side is silent, the rest of
 * the session goes on. A port that somebody else has: it is not sound. */
static bool claim(struct sessions *ss, const struct session *s, uint32_t index)
{
	for (unsigned i = 0; i < MEDIA_SIDES; i++) {
		const struct media_side *side = &s->i.sides[i];

		for (unsigned l = 0; side->is_used && l < side->linec; l++) {
			const struct port_owner owner = { (int32_t)index,
							  (uint8_t)i,
							  (uint8_t)l };

			if (ports_claim(ss->ports, side->lines[l].port,
					owner) == EEXIST)
				return false;
		}
	}

	return true;
}


/* Packets wait meanwhile. Those in use are near each other, and in order. */
static void ask_entries(struct sessions *ss, uint32_t index)
{
	const uint32_t first = index - index % TOGETHER;
	const uint32_t left = ss->slotc - first;
	const uint32_t count = left < TOGETHER ? left : TOGETHER;

	if (index < ss->asked)
		return;

	pages_write(&ss->entries[first], count * sizeof(*ss->entries));
	ss->asked = first + count;
}


static bool on_adopt(uint32_t slot, const void *image, void *arg)
{
	struct sessions *ss = arg;
	const uint32_t index = slot - ss->first;
	struct session *s = &ss->entries[index].session;

	ask_entries(ss, index);
	memcpy(&s->i, image, sizeof(s->i));
	if (enter(ss, index) != 0) {
		memset(s, 0, sizeof(*s));
		return false; /* the same call twice */
	}
	if (!claim(ss, s, index)) {
		forget(ss, s);
		return false;
	}
	for (unsigned i = 0; i < MEDIA_SIDES; i++)
		media_flow_read(&s->flows[i], flows_of(ss, index), i);
	session_derive(s, ss->now_us);

	return true;
}


/* Each of them is looked at. */
static void ask_slots(const struct sessions *ss)
{
	if (ss->slotc && ss->first < ss->media.slotc &&
	    ss->slotc <= ss->media.slotc - ss->first)
		pages_read(segment_slot(&ss->media, ss->first),
			   (size_t)ss->slotc * ss->media.slot_size);
}


int sessions_alloc(struct sessions **sp, const struct sessions_args *args,
		   int64_t now_us)
{
	struct sessions *ss = calloc(1, sizeof(*ss));
	const struct slots_args slots = {
		.segment = args->media,
		.name = "media",
		.image_size = sizeof(struct media_session),
		.first = args->first,
		.slotc = args->slotc,
		.worker = args->worker,
		.predecessor_crashed = args->predecessor_crashed,
		.faulth = media_slot_fault,
		.log = args->log,
	};
	int err;

	if (!ss)
		return ENOMEM;

	ss->media = *args->media;
	ss->flows = *args->flows;
	ss->first = args->first;
	ss->slotc = args->slotc;
	ss->ports = args->ports;
	ss->log = args->log;
	ss->now_us = now_us;
	ss->entries = calloc(args->slotc ? args->slotc : 1,
			     sizeof(*ss->entries));
	ss->used = calloc(args->slotc ? args->slotc : 1, sizeof(*ss->used));
	err = ss->entries && ss->used ? map_alloc(&ss->map, args->slotc)
				      : ENOMEM;
	if (!err)
		ask_slots(ss);
	if (!err)
		err = slots_alloc(&ss->slots, &slots);
	if (err) {
		sessions_free(ss);
		return err;
	}
	(void)slots_adopt(ss->slots, on_adopt, ss);
	ports_open(ss->ports, now_us);
	*sp = ss;

	return 0;
}


struct sessions *sessions_free(struct sessions *ss)
{
	if (!ss)
		return NULL;

	slots_free(ss->slots);
	map_free(ss->map);
	free(ss->used);
	free(ss->entries);
	free(ss);

	return NULL;
}
