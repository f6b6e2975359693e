/**
 * @file shared/base/metric.c  Numbers that outlive the process
 *
 * The page is a list of records, each with its own name and labels as
 * Prometheus prints them, and a CRC over those. A record is made by writing
 * value and key first and the CRC last, and taken apart by clearing the CRC
 * first: a process killed in between leaves a record that counts as free.
 * Values stand alone, so they cannot be torn.
 *
 * Which record belongs to which row is known only in the process: cells[] is
 * the row's values, one pointer each, consecutive per row.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/base/text.h"

#define PAGE_MAGIC   0x4d544e43 /* "CNTM" */
#define PAGE_VERSION 1

enum {
	DEFS_MAX = 256,
	CELLS_MAX = 4096,
	KEY_MAX = 176,
	LABEL_MAX = 64,
	BUCKETC = 14,             /**< With +Inf */
	HISTOGRAMC = BUCKETC + 1, /**< And the sum */
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
	char key[KEY_MAX];
};
BUILD_ASSERT(sizeof(struct record) == 192);

/** A value of a row, and where it lies */
struct cell {
	_Atomic uint64_t *value;
	uint16_t def;
	bool dropped;
	char label[LABEL_MAX]; /**< Of a dynamic row; else empty */
};

const char *const label_version[1] = { TANDEM_VERSION };

const char *const label_bus_refusal[9] = {
	"none",     "too_large",    "malformed", "no_header", "no_body",
	"no_route", "wrong_sender", "too_late",  "handler",
};

const char *const label_control_refusal[5] = {
	"too_large", "malformed", "unknown_body", "wrong_state", "wrong_peer",
};

static const struct metric_def common[M_COMMONC] = {
#define METRIC(kind, id, name, labels, help) \
	{ METRIC_##kind, name, labels, help },
#include "shared/base/metrics_common.def"
#undef METRIC
};

/** Upper edges of the buckets; the last is +Inf */
static const struct {
	uint64_t us;
	const char *le;
} buckets[BUCKETC] = {
	{ 1000, "0.001" },  { 2000, "0.002" },      { 5000, "0.005" },
	{ 10000, "0.01" },  { 20000, "0.02" },      { 50000, "0.05" },
	{ 100000, "0.1" },  { 200000, "0.2" },      { 500000, "0.5" },
	{ 1000000, "1" },   { 2000000, "2" },       { 5000000, "5" },
	{ 10000000, "10" }, { UINT64_MAX, "+Inf" },
};

static struct {
	const struct metric_def *defs[DEFS_MAX];
	uint16_t first[DEFS_MAX]; /**< Cell of index 0 */
	uint16_t cellc_of[DEFS_MAX];
	size_t defc;

	struct cell cells[CELLS_MAX];
	size_t cellc;

	_Atomic uint64_t values[CELLS_MAX]; /**< Until there is a page */
	_Atomic uint64_t overflow; /**< What has no place is counted here */

	struct record *records;
	uint32_t recordc;
} m;


/* One writer, so no locked addition is needed; readers are other processes
 * and see a whole word. */
static void add(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(
		value, atomic_load_explicit(value, memory_order_relaxed) + n,
		memory_order_relaxed);
}


static bool is_dynamic(const struct metric_def *def)
{
	return def->label[0].name && def->label[0].valuec == 0;
}


static size_t per_index(const struct metric_def *def)
{
	return def->kind == METRIC_HISTOGRAM ? HISTOGRAMC : 1;
}


static size_t indexc_of(const struct metric_def *def)
{
	size_t indexc = 1;

	for (int i = 0; i < METRIC_LABELS_MAX && def->label[i].name; i++)
		indexc *= def->label[i].valuec;

	return indexc;
}


/* "name_bucket{gateway="GW1",le="0.1"}" of the part-th value of an index */
static int key_print(char key[KEY_MAX], const struct metric_def *def,
		     size_t index, size_t part, const char *label_value)
{
	const bool histogram = def->kind == METRIC_HISTOGRAM;
	const char *suffix = !histogram        ? ""
			     : part == BUCKETC ? "_sum"
					       : "_bucket";
	char labels[KEY_MAX] = "";
	size_t l = 0, divisor = indexc_of(def);
	int err = 0;

	for (int i = 0; i < METRIC_LABELS_MAX && def->label[i].name; i++) {
		const char *value = label_value;

		if (!value) {
			divisor /= def->label[i].valuec;
			value = def->label[i].values[index / divisor];
			index %= divisor;
		}
		err |= text_print(labels + l, sizeof(labels) - l,
				  "%s%s=\"%s\"", l ? "," : "",
				  def->label[i].name, value);
		l = strlen(labels);
	}
	if (histogram && part < BUCKETC)
		err |= text_print(labels + l, sizeof(labels) - l,
				  "%sle=\"%s\"", l ? "," : "",
				  buckets[part].le);

	err |= text_print(key, KEY_MAX, labels[0] ? "%s%s{%s}" : "%s%s%s",
			  def->name, suffix, labels);

	return err ? EOVERFLOW : 0;
}


size_t metric_page_size(uint32_t seriesc)
{
	return sizeof(struct page_head) +
	       (size_t)seriesc * sizeof(struct record);
}


static uint32_t record_crc(const struct record *record)
{
	const uint32_t crc = crc32c(crc32c(0, &record->kind, 1), record->key,
				    KEY_MAX);

	return crc ? crc : 1;
}


static bool record_valid(const struct record *record)
{
	const uint32_t crc = atomic_load_explicit(&record->crc,
						  memory_order_acquire);

	return crc != 0 && record->kind <= METRIC_HISTOGRAM &&
	       record->key[KEY_MAX - 1] == '\0' && crc == record_crc(record);
}


static void record_clear(struct record *record)
{
	atomic_store_explicit(&record->crc, 0, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&record->value, 0, memory_order_relaxed);
	memset(record->key, 0, KEY_MAX);
}


static struct record *record_find(const char *key)
{
	for (uint32_t i = 0; i < m.recordc; i++)
		if (atomic_load_explicit(&m.records[i].crc,
					 memory_order_relaxed) != 0 &&
		    strcmp(m.records[i].key, key) == 0)
			return &m.records[i];

	return NULL;
}


static struct record *record_make(const char *key, enum metric_kind kind)
{
	for (uint32_t i = 0; i < m.recordc; i++) {
		struct record *record = &m.records[i];

		if (atomic_load_explicit(&record->crc, memory_order_relaxed) !=
		    0)
			continue;
		atomic_store_explicit(&record->value, 0, memory_order_relaxed);
		memset(record->key, 0, KEY_MAX);
		(void)text_print(record->key, KEY_MAX, "%s", key);
		record->kind = (uint8_t)kind;
		atomic_store_explicit(&record->crc, record_crc(record),
				      memory_order_release);
		return record;
	}

	return NULL;
}


/* Name of the n-th cell, from its row and its place in it */
static int cell_key(char key[KEY_MAX], size_t n)
{
	const struct cell *cell = &m.cells[n];
	const struct metric_def *def = m.defs[cell->def];
	const size_t per = per_index(def);
	size_t at = n;

	if (cell->label[0]) {
		/* A series has its cells for itself, and no other its label. */
		while (at > 0 && n - at < per - 1 &&
		       m.cells[at - 1].def == cell->def &&
		       strcmp(m.cells[at - 1].label, cell->label) == 0)
			at--;
		return key_print(key, def, 0, n - at, cell->label);
	}

	at = n - m.first[cell->def];

	return key_print(key, def, at / per, at % per, NULL);
}


/* Move a cell's value into the page: onto what its predecessor left there. A
 * page that is full leaves it where it is. */
static void cell_attach(size_t n)
{
	struct cell *cell = &m.cells[n];
	const enum metric_kind kind = m.defs[cell->def]->kind;
	struct record *record;
	char key[KEY_MAX];
	uint64_t value;

	if (cell_key(key, n))
		return;

	record = record_find(key);
	if (record && cell->value == &record->value)
		return; /* attached twice: it counts once */
	if (record && record->kind != kind) {
		record_clear(record);
		record = NULL;
	}
	if (!record)
		record = record_make(key, kind);
	if (!record)
		return;

	value = atomic_load_explicit(cell->value, memory_order_relaxed);
	if (kind == METRIC_GAUGE)
		atomic_store_explicit(&record->value, value,
				      memory_order_relaxed);
	else
		add(&record->value, value);
	cell->value = &record->value;
}


static int cells_add(size_t id, const char *label_value, size_t *firstp)
{
	const struct metric_def *def = m.defs[id];
	const size_t n = (label_value ? 1 : indexc_of(def)) * per_index(def);

	if (m.cellc + n > CELLS_MAX)
		return ENOSPC;

	*firstp = m.cellc;
	for (size_t i = 0; i < n; i++, m.cellc++) {
		struct cell *cell = &m.cells[m.cellc];

		atomic_store_explicit(&m.values[m.cellc], 0,
				      memory_order_relaxed);
		*cell = (struct cell){ .value = &m.values[m.cellc],
				       .def = (uint16_t)id };
		(void)text_print(cell->label, LABEL_MAX, "%s",
				 label_value ? label_value : "");
	}

	return 0;
}


static int rows_add(const struct metric_def *defs, size_t defc)
{
	int err = 0;

	if (m.defc + defc > DEFS_MAX)
		return ENOSPC;

	for (size_t i = 0; i < defc && !err; i++) {
		const size_t id = m.defc++;
		size_t first = m.cellc;

		m.defs[id] = &defs[i];
		if (!is_dynamic(&defs[i]))
			err = cells_add(id, NULL, &first);
		m.first[id] = (uint16_t)first;
		m.cellc_of[id] = (uint16_t)(m.cellc - first);
	}

	return err;
}


int metric_setup(const struct metric_def *defs, size_t defc)
{
	int err;

	metric_detach();
	err = rows_add(common, M_COMMONC);
	if (!err)
		err = rows_add(defs, defc);

	return err;
}


/* Records of rows that no longer exist make room for others. */
static bool is_wanted(const char *key)
{
	const size_t name = strcspn(key, "{");

	for (size_t id = 0; id < m.defc; id++) {
		const size_t l = strlen(m.defs[id]->name);
		const char *suffix = key + l;
		const size_t suffixlen = name - l;

		if (name < l || memcmp(key, m.defs[id]->name, l) != 0)
			continue;
		if (suffixlen == 0 ||
		    (m.defs[id]->kind == METRIC_HISTOGRAM &&
		     ((suffixlen == 7 && memcmp(suffix, "_bucket", 7) == 0) ||
		      (suffixlen == 4 && memcmp(suffix, "_sum", 4) == 0))))
			return true;
	}

	return false;
}


static int page_check(struct page_head *head, uint32_t recordc)
{
	const struct page_head fresh = { 0 };

	if (memcmp(head, &fresh, sizeof(fresh)) == 0) {
		head->version = PAGE_VERSION;
		head->record_size = sizeof(struct record);
		head->recordc = recordc;
		head->magic = PAGE_MAGIC;
		head->crc = crc32c(0, head, offsetof(struct page_head, crc));
		return 0;
	}

	if (head->magic != PAGE_MAGIC || head->version != PAGE_VERSION ||
	    head->record_size != sizeof(struct record) ||
	    head->recordc != recordc ||
	    head->crc != crc32c(0, head, offsetof(struct page_head, crc)))
		return EBADMSG;

	return 0;
}


int metric_attach(void *page, size_t size)
{
	struct page_head *head = page;
	uint32_t recordc;
	int err;

	if (size < metric_page_size(1))
		return EINVAL;
	recordc = (uint32_t)((size - sizeof(*head)) / sizeof(struct record));

	err = page_check(head, recordc);
	if (err)
		return err;

	m.records = (struct record *)(void *)(head + 1);
	m.recordc = recordc;

	for (uint32_t i = 0; i < recordc; i++) {
		struct record *record = &m.records[i];

		if (!record_valid(record) || !is_wanted(record->key) ||
		    /* what it counts now is not known yet */
		    record->kind == METRIC_GAUGE)
			record_clear(record);
	}
	for (size_t n = 0; n < m.cellc; n++)
		if (!m.cells[n].dropped)
			cell_attach(n);

	return 0;
}


void metric_detach(void)
{
	m.defc = 0;
	m.cellc = 0;
	m.records = NULL;
	m.recordc = 0;
}


/* An index of a row whose labels are known; beyond them is the last. */
static size_t bounded(unsigned id, size_t index)
{
	const size_t indexc = m.cellc_of[id] / per_index(m.defs[id]);

	return index < indexc ? index : indexc - 1;
}


/* The value of an index; what does not exist is counted where nobody looks */
static _Atomic uint64_t *value_at(unsigned id, size_t index)
{
	size_t n;

	if (id >= m.defc)
		return &m.overflow;

	if (is_dynamic(m.defs[id]))
		return index < m.cellc && m.cells[index].def == id
			       ? m.cells[index].value
			       : &m.overflow;

	n = bounded(id, index) * per_index(m.defs[id]);

	return m.cells[m.first[id] + n].value;
}


void metric_inc(unsigned id)
{
	metric_add_at(id, 0, 1);
}


void metric_add(unsigned id, uint64_t n)
{
	metric_add_at(id, 0, n);
}


void metric_set(unsigned id, int64_t value)
{
	metric_set_at(id, 0, value);
}


void metric_inc_at(unsigned id, size_t index)
{
	metric_add_at(id, index, 1);
}


void metric_add_at(unsigned id, size_t index, uint64_t n)
{
	add(value_at(id, index), n);
}


void metric_set_at(unsigned id, size_t index, int64_t value)
{
	atomic_store_explicit(value_at(id, index), (uint64_t)value,
			      memory_order_relaxed);
}


/* First cell of an index of a histogram; SIZE_MAX if there is none */
static size_t histogram_at(unsigned id, size_t index)
{
	if (id >= m.defc || m.defs[id]->kind != METRIC_HISTOGRAM)
		return SIZE_MAX;
	if (is_dynamic(m.defs[id]))
		return index < m.cellc && m.cells[index].def == id ? index
								   : SIZE_MAX;

	return m.first[id] + bounded(id, index) * HISTOGRAMC;
}


void metric_observe_us(unsigned id, size_t index, uint64_t us)
{
	const size_t n = histogram_at(id, index);
	size_t bucket = 0;

	if (n == SIZE_MAX)
		return;

	while (us > buckets[bucket].us)
		bucket++;
	add(m.cells[n + bucket].value, 1);
	add(m.cells[n + BUCKETC].value, us);
}


/* A value is part of a name: what would need an escape is replaced, and what
 * may be no UTF-8, at which a reader refuses the whole page. */
static void label_copy(char label[LABEL_MAX], const char *value)
{
	(void)text_print(label, LABEL_MAX, "%s", value);
	for (char *p = label; *p; p++)
		if (*p == '"' || *p == '\\' || *p < ' ' || *p > '~')
			*p = '_';
}


static struct record *record_at(const _Atomic uint64_t *value)
{
	const uintptr_t at = (uintptr_t)value - (uintptr_t)m.records;

	return &m.records[at / sizeof(struct record)];
}


/* First cell of the series with this label; with "", of one that was dropped;
 * SIZE_MAX if there is none */
static size_t series_find(unsigned id, const char *label)
{
	for (size_t n = 0; n < m.cellc; n++)
		if (m.cells[n].def == id &&
		    (label[0] ? !m.cells[n].dropped &&
					strcmp(m.cells[n].label, label) == 0
			      : m.cells[n].dropped))
			return n;

	return SIZE_MAX;
}


size_t metric_series(unsigned id, const char *label_value)
{
	char label[LABEL_MAX];
	size_t first;

	if (id >= m.defc || !is_dynamic(m.defs[id]))
		return SIZE_MAX;

	label_copy(label, label_value);
	if (!label[0])
		return SIZE_MAX;

	first = series_find(id, label);
	if (first != SIZE_MAX)
		return first;

	first = series_find(id, "");
	if (first == SIZE_MAX && cells_add(id, label, &first))
		return SIZE_MAX;

	for (size_t i = 0; i < per_index(m.defs[id]); i++) {
		struct cell *cell = &m.cells[first + i];

		cell->dropped = false;
		(void)text_print(cell->label, LABEL_MAX, "%s", label);
	}
	for (size_t i = 0; m.records && i < per_index(m.defs[id]); i++)
		cell_attach(first + i);

	return first;
}


/* Its cells wait for the next series of the row, its records are free: one
 * that comes and goes does not fill the page. */
void metric_series_drop(unsigned id, size_t index)
{
	if (id >= m.defc || !is_dynamic(m.defs[id]) || index >= m.cellc ||
	    m.cells[index].def != id || m.cells[index].dropped)
		return;

	for (size_t n = index; n < index + per_index(m.defs[id]); n++) {
		struct cell *cell = &m.cells[n];

		if (cell->value != &m.values[n])
			record_clear(record_at(cell->value));
		atomic_store_explicit(&m.values[n], 0, memory_order_relaxed);
		cell->value = &m.values[n];
		cell->dropped = true;
	}
}


uint64_t metric_get(unsigned id, size_t index)
{
	return atomic_load_explicit(value_at(id, index), memory_order_relaxed);
}


/* Text that grows; once memory was refused it stays as it is. */
struct page_text {
	char *p;
	size_t l, size;
	bool failed;
};


static void say(struct page_text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));


static void say(struct page_text *t, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || t->failed)
		return;
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;

	if (t->l + (size_t)n > t->size) {
		const size_t size = (t->size + (size_t)n) * 2 + 4096;
		char *p = realloc(t->p, size);

		if (!p) {
			t->failed = true;
			return;
		}
		t->p = p;
		t->size = size;
	}
	memcpy(t->p + t->l, line, (size_t)n);
	t->l += (size_t)n;
}


static uint64_t cell_value(size_t n)
{
	return atomic_load_explicit(m.cells[n].value, memory_order_relaxed);
}


/* Buckets are kept apart and told as Prometheus wants them: each with all
 * below it. */
static void say_histogram(struct page_text *t, size_t n)
{
	const struct metric_def *def = m.defs[m.cells[n].def];
	const size_t namelen = strlen(def->name);
	uint64_t count = 0;
	char key[KEY_MAX];

	for (size_t i = 0; i < BUCKETC; i++) {
		count += cell_value(n + i);
		if (cell_key(key, n + i) == 0)
			say(t, "%s %" PRIu64 "\n", key, count);
	}
	if (cell_key(key, n + BUCKETC) == 0) {
		const uint64_t us = cell_value(n + BUCKETC);

		say(t, "%s %" PRIu64 ".%06" PRIu64 "\n", key, us / 1000000,
		    us % 1000000);
		say(t, "%s_count%s %" PRIu64 "\n", def->name,
		    key + namelen + strlen("_sum"), count);
	}
}


static void say_row(struct page_text *t, size_t id)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};
	const struct metric_def *def = m.defs[id];
	char key[KEY_MAX];

	say(t, "# HELP %s %s\n# TYPE %s %s\n", def->name, def->help, def->name,
	    kinds[def->kind]);
	for (size_t n = 0; n < m.cellc;
	     n += per_index(m.defs[m.cells[n].def])) {
		if (m.cells[n].def != id || m.cells[n].dropped)
			continue;
		if (def->kind == METRIC_HISTOGRAM)
			say_histogram(t, n);
		else if (cell_key(key, n) == 0 && def->kind == METRIC_GAUGE)
			say(t, "%s %" PRId64 "\n", key,
			    (int64_t)cell_value(n));
		else if (cell_key(key, n) == 0)
			say(t, "%s %" PRIu64 "\n", key, cell_value(n));
	}
}


char *metric_print(size_t *lenp)
{
	struct page_text t = { NULL, 0, 0, false };

	for (size_t id = 0; id < m.defc; id++)
		say_row(&t, id);

	if (t.failed || !t.p) {
		free(t.p);
		return NULL;
	}
	*lenp = t.l;

	return t.p;
}
