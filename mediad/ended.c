/**
 * @file mediad/ended.c  What was counted of sessions that are over
 */
#include <errno.h>
#include <stdlib.h>

#include "mediad/ended.h"
#include "shared/base/util.h"

struct ended {
	struct map *map;
	uint32_t next; /* row that is written over next */
	struct ended_row rows[ENDED_ROWS];
};


int ended_alloc(struct ended **endedp)
{
	struct ended *ended = calloc(1, sizeof(*ended));
	int err;

	if (!ended)
		return ENOMEM;

	err = map_alloc(&ended->map, ENDED_ROWS);
	if (err)
		free(ended);
	else
		*endedp = ended;

	return err;
}


struct ended *ended_free(struct ended *ended)
{
	if (!ended)
		return NULL;

	map_free(ended->map);
	free(ended);

	return NULL;
}


static struct ended_row *find(const struct ended *ended, uint64_t session)
{
	struct map_link *link = map_find(ended->map, &session,
					 sizeof(session));

	return link ? CONTAINER_OF(link, struct ended_row, link) : NULL;
}


const struct ended_row *ended_find(const struct ended *ended, uint64_t session)
{
	return find(ended, session);
}


static void forget(struct ended *ended, struct ended_row *row)
{
	if (row->session)
		map_remove(ended->map, &row->link);
	row->session = 0;
}


void ended_add(struct ended *ended, uint64_t session,
	       const struct media_flow *a, const struct media_flow *b,
	       int64_t now_us)
{
	struct ended_row *row = find(ended, session);

	if (!row) {
		row = &ended->rows[ended->next];
		ended->next = (ended->next + 1) % ENDED_ROWS;
	}
	forget(ended, row);
	*row = (struct ended_row){ .session = session,
				   .at_us = now_us,
				   .flows = { *a },
				   .has_b = b != NULL };
	if (b)
		row->flows[1] = *b;
	/* Without memory it is not found: as if it had never been here. */
	if (map_add(ended->map, &row->link, &row->session,
		    sizeof(row->session)) != 0)
		row->session = 0;
}
