/**
 * @file shared/base/metric_page.c  Records of the page of metrics
 *
 * The page is a list of records, each with its own name and labels as
 * Prometheus prints them, and a CRC over those. A record is made by writing
 * value and key first and the CRC last, and taken apart by clearing the CRC
 * first: a process killed in between leaves a record that counts as free.
 * Values stand alone, so they cannot be torn.
 *
 * The page may be large, so that what is looked up is found by its CRC in
 * chains that only this process has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/metric_parts.h"
#include "shared/base/text.h"
#include "shared/base/util.h"

#define PAGE_MAGIC   0x4d544e43 /* "CNTM" */
#define PAGE_VERSION 1

enum {
	RECORDS_MAX = 16384,
	CHAINC = 8192, /**< A power of two */
	NOBODY = UINT16_MAX,
};

struct page_head {
	uint32_t magic;
	uint16_t version;
	uint16_t record_size;
	uint32_t recordc;
	uint32_t crc; /**< Of all before it */
	uint8_t pad[48];
};
BUILD_ASSERT(sizeof(struct page_head) == 64);

struct record {
	_Atomic uint64_t value;
	_Atomic uint32_t crc; /**< Of kind and key; 0: free */
	uint8_t kind;
	uint8_t pad[3];
	char key[METRIC_KEY_MAX];
};
BUILD_ASSERT(sizeof(struct record) == 192);

/* The page that is open: part of the one writable global (metric.h) */
static struct {
	struct record *records;
	uint32_t recordc;
	uint16_t chains[CHAINC];
	uint16_t next[RECORDS_MAX]; /**< In its chain, or among the free */
	uint16_t free;
	uint32_t unclaimed_from; /**< None before it is unclaimed */
	bool claimed[RECORDS_MAX];
} page;


size_t metric_page_size(uint32_t seriesc)
{
	return sizeof(struct page_head) +
	       (size_t)seriesc * sizeof(struct record);
}


static uint32_t crc_of(uint8_t kind, const char key[METRIC_KEY_MAX])
{
	const uint32_t crc = crc32c(crc32c(0, &kind, 1), key, METRIC_KEY_MAX);

	return crc ? crc : 1;
}


static uint32_t crc_get(const struct record *record)
{
	return atomic_load_explicit(&record->crc, memory_order_acquire);
}


static bool is_valid(const struct record *record)
{
	return record->kind <= METRIC_HISTOGRAM &&
	       record->key[METRIC_KEY_MAX - 1] == '\0' &&
	       crc_get(record) == crc_of(record->kind, record->key);
}


static void clear(struct record *record)
{
	atomic_store_explicit(&record->crc, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&record->value, 0, memory_order_relaxed);
	memset(record->key, 0, METRIC_KEY_MAX);
}


/* --- chains --------------------------------------------------------------- */

static uint16_t *chain_of(uint32_t crc)
{
	return &page.chains[crc & (CHAINC - 1)];
}


static void chain_add(uint16_t *chain, uint32_t i)
{
	page.next[i] = *chain;
	*chain = (uint16_t)i;
}


static void chain_remove(uint16_t *chain, uint32_t i)
{
	while (*chain != NOBODY && *chain != i)
		chain = &page.next[*chain];
	if (*chain == i)
		*chain = page.next[i];
}


static void give(uint32_t i)
{
	chain_remove(chain_of(crc_get(&page.records[i])), i);
	clear(&page.records[i]);
	page.claimed[i] = false;
	chain_add(&page.free, i);
}


/* The first that no row of this release, and no label that there is, asked
 * for */
static uint32_t take_unclaimed(void)
{
	uint32_t i = page.unclaimed_from;

	while (i < page.recordc && page.claimed[i])
		i++;
	page.unclaimed_from = i;
	if (i == page.recordc)
		return NOBODY;
	give(i);
	page.free = page.next[i];

	return i;
}


_Atomic uint64_t *metric_page_find(const char *key, enum metric_kind kind)
{
	char full[METRIC_KEY_MAX] = "";
	uint32_t crc;

	if (!page.records)
		return NULL;
	(void)text_print(full, sizeof(full), "%s", key);
	crc = crc_of((uint8_t)kind, full);

	for (uint16_t i = *chain_of(crc); i != NOBODY; i = page.next[i]) {
		struct record *record = &page.records[i];

		if (crc_get(record) != crc || strcmp(record->key, key) != 0)
			continue;
		page.claimed[i] = true;
		return &record->value;
	}

	return NULL;
}


_Atomic uint64_t *metric_page_make(const char *key, enum metric_kind kind)
{
	struct record *record;
	uint32_t i, crc;

	if (!page.records)
		return NULL;
	i = page.free;
	if (i == NOBODY)
		i = take_unclaimed();
	else
		page.free = page.next[i];
	if (i == NOBODY)
		return NULL;

	record = &page.records[i];
	atomic_store_explicit(&record->value, 0, memory_order_relaxed);
	memset(record->key, 0, METRIC_KEY_MAX);
	(void)text_print(record->key, METRIC_KEY_MAX, "%s", key);
	record->kind = (uint8_t)kind;
	crc = crc_of(record->kind, record->key);
	atomic_store_explicit(&record->crc, crc, memory_order_release);
	page.claimed[i] = true;
	chain_add(chain_of(crc), i);

	return &record->value;
}


void metric_page_clear(_Atomic uint64_t *value)
{
	const uintptr_t at = (uintptr_t)value - (uintptr_t)page.records;
	uint32_t i;

	if (!page.records || (uintptr_t)value < (uintptr_t)page.records ||
	    at >= (uintptr_t)page.recordc * sizeof(struct record))
		return;
	i = (uint32_t)(at / sizeof(struct record));
	give(i);
	if (i < page.unclaimed_from)
		page.unclaimed_from = i;
}


/* --- attaching ------------------------------------------------------------ */

static uint32_t records_in(size_t size)
{
	const size_t n = (size - sizeof(struct page_head)) /
			 sizeof(struct record);

	return (uint32_t)(n < RECORDS_MAX ? n : RECORDS_MAX);
}


static bool is_fresh(const struct page_head *head)
{
	const struct page_head fresh = { 0 };

	return memcmp(head, &fresh, sizeof(fresh)) == 0;
}


static bool is_ours(const struct page_head *head, uint32_t recordc)
{
	return head->magic == PAGE_MAGIC && head->version == PAGE_VERSION &&
	       head->record_size == sizeof(struct record) &&
	       head->recordc == recordc &&
	       head->crc == crc32c(0, head, offsetof(struct page_head, crc));
}


static void head_write(struct page_head *head, uint32_t recordc)
{
	head->version = PAGE_VERSION;
	head->record_size = sizeof(struct record);
	head->recordc = recordc;
	head->magic = PAGE_MAGIC;
	head->crc = crc32c(0, head, offsetof(struct page_head, crc));
}


/* What is wanted is found again, the rest is free. A record that is free is
 * only read: a page that is mostly empty takes no memory. Gauges are of a
 * release before: what they count now is not known yet. */
static void take_in(uint32_t i, metric_wanted_h *wantedh)
{
	struct record *record = &page.records[i];

	page.claimed[i] = false;
	if (crc_get(record) != 0) {
		if (is_valid(record) && record->kind != METRIC_GAUGE &&
		    wantedh(record->key, (enum metric_kind)record->kind)) {
			chain_add(chain_of(crc_get(record)), i);
			return;
		}
		clear(record);
	}
	chain_add(&page.free, i);
}


int metric_page_open(void *memory, size_t size, metric_wanted_h *wantedh)
{
	struct page_head *head = memory;
	uint32_t recordc;

	if (size < metric_page_size(1))
		return EINVAL;
	recordc = records_in(size);
	if (is_fresh(head))
		head_write(head, recordc);
	else if (!is_ours(head, recordc))
		return EBADMSG;

	page.records = (struct record *)(void *)(head + 1);
	page.recordc = recordc;
	page.free = NOBODY;
	page.unclaimed_from = 0;
	memset(page.chains, 0xff, sizeof(page.chains));
	for (uint32_t i = recordc; i-- > 0;)
		take_in(i, wantedh);

	return 0;
}


void metric_page_close(void)
{
	page.records = NULL;
	page.recordc = 0;
}


bool metric_page_is_open(void)
{
	return page.records != NULL;
}


int metric_page_copy(void *memory, size_t size, const void *old,
		     size_t oldsize)
{
	struct page_head *head = memory;
	const struct page_head *old_head = old;
	uint32_t recordc, oldc;

	if (size < metric_page_size(1) || oldsize < metric_page_size(1))
		return EINVAL;
	recordc = records_in(size);
	oldc = records_in(oldsize);
	if (!is_fresh(head))
		return EEXIST;
	if (!is_ours(old_head, oldc))
		return EBADMSG;

	/* The head last: killed before it, the copy is made again. */
	memcpy(head + 1, old_head + 1,
	       (size_t)(oldc < recordc ? oldc : recordc) *
		       sizeof(struct record));
	atomic_thread_fence(memory_order_release);
	head_write(head, recordc);

	return 0;
}
