/**
 * @file shared/base/metric.c  Numbers that outlive the process
 *
 * Which record of the page belongs to which row is known only in the process:
 * cells[] is the row's values, one pointer each, consecutive per row, and of a
 * row whose first label is not known before it runs, consecutive per value of
 * that label. Gauges never lie in the page: a successor sets them anew.
 */
#include <errno.h>
#include <string.h>

#include "shared/base/metric_labels.h"
#include "shared/base/metric_parts.h"
#include "shared/base/text.h"

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
} buckets[METRIC_BUCKETC] = {
	{ 1000, "0.001" },  { 2000, "0.002" },      { 5000, "0.005" },
	{ 10000, "0.01" },  { 20000, "0.02" },      { 50000, "0.05" },
	{ 100000, "0.1" },  { 200000, "0.2" },      { 500000, "0.5" },
	{ 1000000, "1" },   { 2000000, "2" },       { 5000000, "5" },
	{ 10000000, "10" }, { UINT64_MAX, "+Inf" },
};

static struct metrics m;


const struct metrics *metric_all(void)
{
	return &m;
}


const char *metric_bucket_le(size_t bucket)
{
	return buckets[bucket].le;
}


/* One writer, so no locked addition is needed; readers are other processes
 * and see a whole word. */
static void add(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(
		value, atomic_load_explicit(value, memory_order_relaxed) + n,
		memory_order_relaxed);
}


size_t metric_indexc(const struct metric_def *def)
{
	size_t indexc = 1;

	for (int i = 0; i < METRIC_LABELS_MAX && def->label[i].name; i++)
		if (def->label[i].valuec)
			indexc *= def->label[i].valuec;

	return indexc;
}


/* Values of such a row come into being when they are counted, so that what is
 * possible does not fill the page. */
static bool is_lazy(const struct metric_def *def)
{
	return metric_is_dynamic(def) &&
	       (def->kind == METRIC_HISTOGRAM || metric_indexc(def) > 1);
}


int metric_labels_print(char dst[METRIC_KEY_MAX], const struct metric_def *def,
			size_t index, const char *label_value)
{
	size_t l = 0, divisor = metric_indexc(def);
	int err = 0;

	dst[0] = '\0';
	for (int i = 0; i < METRIC_LABELS_MAX && def->label[i].name; i++) {
		const char *value = label_value;

		if (def->label[i].valuec) {
			divisor /= def->label[i].valuec;
			value = def->label[i].values[index / divisor];
			index %= divisor;
		}
		err |= text_print(dst + l, METRIC_KEY_MAX - l, "%s%s=\"%s\"",
				  l ? "," : "", def->label[i].name, value);
		l = strlen(dst);
	}

	return err ? EOVERFLOW : 0;
}


/* "name_bucket{gateway="GW1",le="0.1"}" of the part-th value of an index */
static int key_print(char key[METRIC_KEY_MAX], const struct metric_def *def,
		     size_t index, size_t part, const char *label_value)
{
	const bool is_bucket = def->kind == METRIC_HISTOGRAM &&
			       part < METRIC_BUCKETC;
	const char *suffix = def->kind != METRIC_HISTOGRAM ? ""
			     : is_bucket                   ? "_bucket"
							   : "_sum";
	char labels[METRIC_KEY_MAX];
	size_t l;
	int err;

	err = metric_labels_print(labels, def, index, label_value);
	l = strlen(labels);
	if (is_bucket)
		err |= text_print(labels + l, sizeof(labels) - l,
				  "%sle=\"%s\"", l ? "," : "",
				  buckets[part].le);
	err |= text_print(key, METRIC_KEY_MAX,
			  labels[0] ? "%s%s{%s}" : "%s%s%s", def->name, suffix,
			  labels);

	return err ? EOVERFLOW : 0;
}


/* Name of the n-th cell, from its row and its place in it */
static int cell_key(char key[METRIC_KEY_MAX], size_t n)
{
	const struct metric_cell *cell = &m.cells[n];
	const struct metric_def *def = m.defs[cell->def];
	const size_t partc = metric_partc(def);
	const struct metric_series *series = cell->series
						     ? &m.series[cell->series]
						     : NULL;
	const size_t at = n - (series ? series->first : m.first[cell->def]);

	return key_print(key, def, at / partc, at % partc,
			 series ? series->label : NULL);
}


/* Move a cell's value into the page: onto what its predecessor left there. A
 * page that is full leaves it where it is. */
static void cell_attach(size_t n)
{
	struct metric_cell *cell = &m.cells[n];
	const struct metric_def *def = m.defs[cell->def];
	_Atomic uint64_t *value;
	char key[METRIC_KEY_MAX];

	if (metric_is_gauge(def) || !metric_page_is_open() || cell_key(key, n))
		return;

	value = metric_page_find(key, def->kind);
	if (!cell->value) {
		cell->value = value;
		return;
	}
	if (value == cell->value)
		return; /* attached twice: it counts once */
	if (!value)
		value = metric_page_make(key, def->kind);
	if (!value)
		return;

	add(value, atomic_load_explicit(cell->value, memory_order_relaxed));
	cell->value = value;
}


/* The first count of a value that waited for it */
static _Atomic uint64_t *cell_begin(size_t n)
{
	struct metric_cell *cell = &m.cells[n];

	if (m.series[cell->series].dropped)
		return &m.overflow;
	cell->value = &m.values[n];
	cell_attach(n);

	return cell->value;
}


static int cells_add(size_t id, size_t series, size_t *firstp)
{
	const struct metric_def *def = m.defs[id];
	const size_t n = metric_indexc(def) * metric_partc(def);

	if (m.cellc + n > METRIC_CELLS_MAX)
		return ENOSPC;

	*firstp = m.cellc;
	for (size_t i = 0; i < n; i++, m.cellc++) {
		atomic_store_explicit(&m.values[m.cellc], 0,
				      memory_order_relaxed);
		m.cells[m.cellc] = (struct metric_cell){
			.value = series ? NULL : &m.values[m.cellc],
			.def = (uint16_t)id,
			.series = (uint16_t)series,
		};
	}

	return 0;
}


static int rows_add(const struct metric_def *defs, size_t defc)
{
	int err = 0;

	if (m.defc + defc > METRIC_DEFS_MAX)
		return ENOSPC;

	for (size_t i = 0; i < defc && !err; i++) {
		const size_t id = m.defc++;
		size_t first = m.cellc;

		m.defs[id] = &defs[i];
		m.dynamic[id] = metric_is_dynamic(&defs[i]);
		m.series_first[id] = m.series_last[id] = 0;
		if (!m.dynamic[id])
			err = cells_add(id, 0, &first);
		m.first[id] = (uint32_t)first;
		m.indexc[id] = (uint32_t)metric_indexc(&defs[i]);
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
static bool is_wanted(const char *key, enum metric_kind kind)
{
	const size_t name = strcspn(key, "{");

	for (size_t id = 0; id < m.defc; id++) {
		const size_t l = strlen(m.defs[id]->name);
		const char *suffix = key + l;
		const size_t suffixlen = name - l;

		if (name < l || m.defs[id]->kind != kind ||
		    memcmp(key, m.defs[id]->name, l) != 0)
			continue;
		if (suffixlen == 0 ||
		    (kind == METRIC_HISTOGRAM &&
		     ((suffixlen == 7 && memcmp(suffix, "_bucket", 7) == 0) ||
		      (suffixlen == 4 && memcmp(suffix, "_sum", 4) == 0))))
			return true;
	}

	return false;
}


int metric_attach(void *page, size_t size)
{
	int err = metric_page_open(page, size, is_wanted);

	if (err)
		return err;

	for (size_t n = 0; n < m.cellc; n++)
		if (!m.series[m.cells[n].series].dropped)
			cell_attach(n);

	return 0;
}


void metric_detach(void)
{
	m.defc = 0;
	m.cellc = 0;
	m.seriesc = 1;
	metric_page_close();
}


/* An index of a row whose labels are known; beyond them is the last. */
static size_t bounded(unsigned id, size_t index)
{
	return index < m.indexc[id] ? index : m.indexc[id] - 1;
}


/* The value of an index; what does not exist is counted where nobody looks */
static _Atomic uint64_t *value_at(unsigned id, size_t index)
{
	_Atomic uint64_t *value;
	size_t n;

	if (id >= m.defc)
		return &m.overflow;

	if (m.dynamic[id]) {
		if (index >= m.cellc || m.cells[index].def != id)
			return &m.overflow;
		value = m.cells[index].value;
		return value ? value : cell_begin(index);
	}

	n = bounded(id, index) * metric_partc(m.defs[id]);

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
	size_t first, at;

	if (id >= m.defc || m.defs[id]->kind != METRIC_HISTOGRAM)
		return SIZE_MAX;
	if (!m.dynamic[id])
		return m.first[id] + bounded(id, index) * METRIC_PARTC;
	if (index >= m.cellc || m.cells[index].def != id)
		return SIZE_MAX;
	if (m.indexc[id] == 1)
		return index;

	first = m.series[m.cells[index].series].first;
	at = index - first;

	return at < m.indexc[id] ? first + at * METRIC_PARTC : SIZE_MAX;
}


static void add_cell(size_t n, uint64_t by)
{
	_Atomic uint64_t *value = m.cells[n].value;

	add(value ? value : cell_begin(n), by);
}


void metric_observe_us(unsigned id, size_t index, uint64_t us)
{
	const size_t n = histogram_at(id, index);
	size_t bucket = 0;

	if (n == SIZE_MAX)
		return;

	while (us > buckets[bucket].us)
		bucket++;
	add_cell(n + bucket, 1);
	add_cell(n + METRIC_BUCKETC, us);
}


/* --- series --------------------------------------------------------------- */

void metric_label_clean(char *value)
{
	for (char *p = value; *p; p++)
		if (*p == '"' || *p == '\\' || *p < ' ' || *p > '~')
			*p = '_';
}


/* With this label; with "", one that was dropped; 0 if there is none */
static size_t series_find(unsigned id, const char *label)
{
	for (size_t s = m.series_first[id]; s; s = m.series[s].next)
		if (label[0] ? !m.series[s].dropped &&
				       strcmp(m.series[s].label, label) == 0
			     : m.series[s].dropped)
			return s;

	return 0;
}


static size_t series_add(unsigned id)
{
	const size_t s = m.seriesc;
	size_t first;

	if (s == METRIC_SERIES_MAX || cells_add(id, s, &first))
		return 0;

	m.seriesc++;
	m.series[s] = (struct metric_series){ .first = (uint32_t)first };
	if (m.series_last[id])
		m.series[m.series_last[id]].next = (uint16_t)s;
	else
		m.series_first[id] = (uint16_t)s;
	m.series_last[id] = (uint16_t)s;

	return s;
}


static size_t series_cellc(const struct metric_def *def)
{
	return metric_indexc(def) * metric_partc(def);
}


size_t metric_series(unsigned id, const char *label_value)
{
	char label[METRIC_LABEL_SIZE];
	struct metric_series *series;
	size_t s;

	if (id >= m.defc || !m.dynamic[id])
		return SIZE_MAX;

	(void)text_print(label, sizeof(label), "%s", label_value);
	metric_label_clean(label);
	if (!label[0])
		return SIZE_MAX;

	s = series_find(id, label);
	if (s)
		return m.series[s].first;

	s = series_find(id, "");
	if (!s)
		s = series_add(id);
	if (!s)
		return SIZE_MAX;

	series = &m.series[s];
	series->dropped = false;
	memcpy(series->label, label, sizeof(series->label));
	for (size_t i = 0; i < series_cellc(m.defs[id]); i++) {
		const size_t n = series->first + i;

		if (!is_lazy(m.defs[id]))
			m.cells[n].value = &m.values[n];
		cell_attach(n);
	}

	return series->first;
}


/* Its cells wait for the next series of the row, its records are free: one
 * that comes and goes does not fill the page. */
void metric_series_drop(unsigned id, size_t index)
{
	struct metric_series *series;

	if (id >= m.defc || !m.dynamic[id] || index >= m.cellc ||
	    m.cells[index].def != id)
		return;

	series = &m.series[m.cells[index].series];
	if (series->dropped)
		return;
	for (size_t i = 0; i < series_cellc(m.defs[id]); i++) {
		const size_t n = series->first + i;

		if (m.cells[n].value)
			metric_page_clear(m.cells[n].value);
		atomic_store_explicit(&m.values[n], 0, memory_order_relaxed);
		m.cells[n].value = NULL;
	}
	series->dropped = true;
}


uint64_t metric_get(unsigned id, size_t index)
{
	if (id < m.defc && m.dynamic[id] && index < m.cellc &&
	    !m.cells[index].value)
		return 0;

	return atomic_load_explicit(value_at(id, index), memory_order_relaxed);
}
