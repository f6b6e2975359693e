/**
 * @file shared/base/metric_print.c  Metrics as Prometheus text
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/metric_parts.h"

enum {
	LINE_MAX_BYTES = 512
};

/* Text that grows; once memory was refused it stays as it is. */
struct page_text {
	char *p;
	size_t l, size;
	bool failed;
};


static bool has_room(struct page_text *t)
{
	size_t size;
	char *p;

	if (t->failed)
		return false;
	if (t->size - t->l >= LINE_MAX_BYTES)
		return true;

	size = t->size * 2 + (size_t)8 * LINE_MAX_BYTES;
	p = realloc(t->p, size);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->p = p;
	t->size = size;

	return true;
}


static void say(struct page_text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));


static void say(struct page_text *t, const char *fmt, ...)
{
	va_list ap;
	int n = 0;

	va_start(ap, fmt);
	if (has_room(t))
		n = vsnprintf(t->p + t->l, LINE_MAX_BYTES, fmt, ap);
	va_end(ap);
	if (n >= LINE_MAX_BYTES)
		n = LINE_MAX_BYTES - 1;
	if (n > 0)
		t->l += (size_t)n;
}


/* What was never counted is not in the page, and 0. */
static uint64_t value_of(const struct metric_cell *cell)
{
	return cell->value ? atomic_load_explicit(cell->value,
						  memory_order_relaxed)
			   : 0;
}


/* Buckets are kept apart and told as Prometheus wants them: each with all
 * below it. */
static void say_histogram(struct page_text *t, const struct metric_def *def,
			  const struct metric_cell *cells, const char *labels)
{
	const char *comma = labels[0] ? "," : "";
	const char *open = labels[0] ? "{" : "";
	const char *close = labels[0] ? "}" : "";
	const uint64_t us = value_of(&cells[METRIC_BUCKETC]);
	uint64_t count = 0;

	for (size_t i = 0; i < METRIC_BUCKETC; i++) {
		count += value_of(&cells[i]);
		say(t, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", def->name,
		    labels, comma, metric_bucket_le(i), count);
	}
	say(t, "%s_sum%s%s%s %" PRIu64 ".%06" PRIu64 "\n", def->name, open,
	    labels, close, us / 1000000, us % 1000000);
	say(t, "%s_count%s%s%s %" PRIu64 "\n", def->name, open, labels, close,
	    count);
}


static void say_value(struct page_text *t, const struct metric_def *def,
		      uint64_t value, const char *labels)
{
	const int64_t number = (int64_t)value;
	const uint64_t size = number < 0 ? -value : value;

	say(t, labels[0] ? "%s{%s} " : "%s%s ", def->name, labels);
	if (def->kind == METRIC_COUNTER)
		say(t, "%" PRIu64 "\n", value);
	else if (def->kind == METRIC_GAUGE)
		say(t, "%" PRId64 "\n", number);
	else if (number == METRIC_NONE)
		say(t, "NaN\n");
	else
		say(t, "%s%" PRIu64 ".%03" PRIu64 "\n", number < 0 ? "-" : "",
		    size / 1000, size % 1000);
}


/* Every index of a row, or of one series of it; of what comes into being when
 * it is counted, only what was. */
static void say_indices(struct page_text *t, size_t id, size_t first,
			const char *label_value)
{
	const struct metrics *m = metric_all();
	const struct metric_def *def = m->defs[id];
	const size_t indexc = metric_indexc(def), partc = metric_partc(def);
	char labels[METRIC_KEY_MAX];

	for (size_t i = 0; i < indexc; i++) {
		const struct metric_cell *cells = &m->cells[first + i * partc];

		if (!cells[partc - 1].value ||
		    metric_labels_print(labels, def, i, label_value))
			continue;
		if (def->kind == METRIC_HISTOGRAM)
			say_histogram(t, def, cells, labels);
		else
			say_value(t, def, value_of(cells), labels);
	}
}


static void say_row(struct page_text *t, size_t id)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
		[METRIC_GAUGE_MILLI] = "gauge",
	};
	const struct metrics *m = metric_all();
	const struct metric_def *def = m->defs[id];

	say(t, "# HELP %s %s\n# TYPE %s %s\n", def->name, def->help, def->name,
	    kinds[def->kind]);
	if (!metric_is_dynamic(def)) {
		say_indices(t, id, m->first[id], NULL);
		return;
	}
	for (size_t s = m->series_first[id]; s; s = m->series[s].next)
		if (!m->series[s].dropped)
			say_indices(t, id, m->series[s].first,
				    m->series[s].label);
}


char *metric_print(size_t *lenp)
{
	struct page_text t = { NULL, 0, 0, false };

	for (size_t id = 0; id < metric_all()->defc; id++)
		say_row(&t, id);

	if (t.failed || !t.p) {
		free(t.p);
		return NULL;
	}
	*lenp = t.l;

	return t.p;
}
