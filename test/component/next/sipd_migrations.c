/**
 * @file test/component/next/sipd_migrations.c  Of a release that never was
 *
 * Its calls have two words more, in the middle: all behind it lies elsewhere.
 * It can be told from zeros, so that a call which was not migrated but made by
 * this release, and one that lost it, are seen.
 */
#include <stddef.h>
#include <string.h>

#include "sipd/call_slot.h"
#include "sipd/migrations.h"

enum {
	WORDS = 2 * sizeof(uint32_t),
	AT = offsetof(struct call_image, next_word),
	OLD_SIZE = sizeof(struct call_image) - WORDS
};


/* Front and rear, without the word between them */
static bool up(void *image, const void *old)
{
	struct call_image *call = image;

	memcpy(image, old, AT);
	call->next_word[0] = call->next_word[1] = CALLS_NEXT_WORD;
	memcpy((uint8_t *)image + AT + WORDS, (const uint8_t *)old + AT,
	       OLD_SIZE - AT);

	return true;
}


static bool down(void *image, const void *old)
{
	const struct call_image *call = old;

	/* One made here has none. */
	if (call->next_word[0] && call->next_word[0] != CALLS_NEXT_WORD)
		return false;
	memcpy(image, old, AT);
	memcpy((uint8_t *)image + AT, (const uint8_t *)old + AT + WORDS,
	       OLD_SIZE - AT);

	return true;
}


static const char *old_fault(const void *old)
{
	struct call_image image;

	(void)up(&image, old);

	return call_slot_fault(&image);
}


#define OLD                                                                 \
	{                                                                   \
		CALLS_VERSION - 1, SLOT_SIZE(OLD_SIZE), OLD_SIZE, old_fault \
	}
#define NEW                                                                \
	{                                                                  \
		CALLS_VERSION, CALLS_SLOT_SIZE, sizeof(struct call_image), \
			call_slot_fault                                    \
	}

static const struct shm_migration rows[] = {
	{ "calls", CALLS_MAGIC, OLD, NEW, up, NULL },
	{ "calls", CALLS_MAGIC, NEW, OLD, down, NULL },
};

const struct shm_migration *const sipd_migrations = rows;
const size_t sipd_migrationc = COUNT_OF(rows);
