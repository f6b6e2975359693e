/**
 * @file billingd/ended.c  Calls that have ended lately
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/account.h"
#include "billingd/ended.h"
#include "shared/base/map.h"

struct entry {
	struct map_link link;
	char id[HOLD_ID_SIZE]; /* Empty: of nobody */
};

struct ended {
	struct map *ids;
	struct entry *ring;
	size_t next;
};


int ended_alloc(struct ended **endedp)
{
	struct ended *ended = calloc(1, sizeof(*ended));
	int err;

	if (!ended)
		return ENOMEM;
	ended->ring = calloc(ENDED_MAX, sizeof(*ended->ring));
	err = ended->ring ? map_alloc(&ended->ids, ENDED_MAX) : ENOMEM;
	if (err)
		ended_free(ended);
	else
		*endedp = ended;

	return err;
}


struct ended *ended_free(struct ended *ended)
{
	if (!ended)
		return NULL;
	map_free(ended->ids);
	free(ended->ring);
	free(ended);

	return NULL;
}


bool ended_has(const struct ended *ended, const char *cdr_id)
{
	return map_find(ended->ids, cdr_id, strlen(cdr_id));
}


int ended_add(struct ended *ended, const char *cdr_id)
{
	struct entry *entry = &ended->ring[ended->next];
	const size_t l = strlen(cdr_id);
	int err;

	if (l == 0 || l >= HOLD_ID_SIZE)
		return EMSGSIZE;
	if (ended_has(ended, cdr_id))
		return 0;

	if (entry->id[0])
		map_remove(ended->ids, &entry->link);
	memcpy(entry->id, cdr_id, l + 1);
	err = map_add(ended->ids, &entry->link, entry->id, l);
	if (err)
		entry->id[0] = '\0';
	else
		ended->next = (ended->next + 1) % ENDED_MAX;

	return err;
}
