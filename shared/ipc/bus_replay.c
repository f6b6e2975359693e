/**
 * @file shared/ipc/bus_replay.c  Answers kept for repeats
 *
 * An asker that heard nothing sends the same request again, with the same id.
 * If only the answer was lost it gets that answer, without the work being done
 * twice; if the work goes on, the repeat is dropped.
 *
 * The oldest goes first, when there are too many requests or too many bytes:
 * what is remembered is a help, not a promise. After its deadline a repeat is
 * refused at the door, so nothing here needs to be timed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/util.h"
#include "shared/ipc/bus_parts.h"

enum {
	ROOM_KEPT = 256, /* Buffers up to here stay with their entry */
};

/** Bytes of it are the key of the map: no padding */
struct replay_key {
	uint64_t epoch;
	uint64_t id;
	uint32_t peer;
	uint32_t worker;
};
BUILD_ASSERT(sizeof(struct replay_key) == 24);

struct replay_entry {
	struct map_link link;
	struct replay_key key;
	bool is_known; /**< In the map */
	bool is_answered;
	uint8_t *data;
	size_t len;
	size_t room;
};

/** A ring; entries first to first + count - 1 are in use */
struct replay {
	struct map *map;
	uint64_t first;
	uint64_t count;
	size_t bytes;
	struct replay_entry ring[REPLAY_MAX];
};


int replay_alloc(struct replay **replayp)
{
	struct replay *replay;
	int err;

	replay = calloc(1, sizeof(*replay));
	if (!replay)
		return ENOMEM;

	err = map_alloc(&replay->map, REPLAY_MAX);
	if (err)
		replay_free(replay);
	else
		*replayp = replay;

	return err;
}


struct replay *replay_free(struct replay *replay)
{
	if (!replay)
		return NULL;

	for (size_t i = 0; i < REPLAY_MAX; i++)
		free(replay->ring[i].data);
	map_free(replay->map);
	free(replay);

	return NULL;
}


static void oldest_drop(struct replay *replay)
{
	struct replay_entry *e = &replay->ring[replay->first % REPLAY_MAX];

	if (e->is_known)
		map_remove(replay->map, &e->link);
	replay->bytes -= e->len;
	e->is_known = false;
	e->len = 0;
	if (e->room > ROOM_KEPT) {
		free(e->data);
		e->data = NULL;
		e->room = 0;
	}

	replay->first++;
	replay->count--;
}


static struct replay_key key_of(const Tandem__Header *hdr)
{
	return (struct replay_key){ .epoch = hdr->epoch,
				    .id = hdr->id,
				    .peer = hdr->peer,
				    .worker = hdr->worker };
}


static struct replay_entry *entry_find(const struct replay *replay,
				       const struct replay_key *key)
{
	struct map_link *link = map_find(replay->map, key, sizeof(*key));

	return link ? CONTAINER_OF(link, struct replay_entry, link) : NULL;
}


enum replay_found replay_begin(struct replay *replay,
			       const Tandem__Header *hdr,
			       const uint8_t **datap, size_t *lenp)
{
	const struct replay_key key = key_of(hdr);
	struct replay_entry *e;

	e = entry_find(replay, &key);
	if (e && !e->is_answered)
		return REPLAY_WORKING;
	if (e) {
		*datap = e->data;
		*lenp = e->len;
		return REPLAY_ANSWERED;
	}

	if (replay->count == REPLAY_MAX)
		oldest_drop(replay);

	e = &replay->ring[(replay->first + replay->count) % REPLAY_MAX];
	e->key = key;
	e->is_answered = false;

	/* Without memory it is not remembered; the handlers bear repeats. */
	if (map_add(replay->map, &e->link, &e->key, sizeof(e->key)) == 0) {
		e->is_known = true;
		replay->count++;
	}

	return REPLAY_NEW;
}


/* Room for the answer in its entry, at the cost of older ones. */
static int entry_reserve(struct replay *replay, const struct replay_entry *e,
			 size_t len)
{
	while (replay->bytes + len > REPLAY_BYTES_MAX) {
		if (e == &replay->ring[replay->first % REPLAY_MAX])
			return ENOBUFS;
		oldest_drop(replay);
	}

	return 0;
}


int replay_answer(struct replay *replay, const Tandem__Header *hdr,
		  const uint8_t *data, size_t len)
{
	const struct replay_key key = key_of(hdr);
	struct replay_entry *e;

	e = entry_find(replay, &key);
	if (!e)
		return 0;
	if (e->is_answered)
		return EALREADY;

	if (entry_reserve(replay, e, len))
		return ENOBUFS;

	if (len > e->room) {
		uint8_t *room = realloc(e->data, len);

		if (!room)
			return ENOMEM;
		e->data = room;
		e->room = len;
	}

	memcpy(e->data, data, len);
	e->len = len;
	e->is_answered = true;
	replay->bytes += len;

	return 0;
}
