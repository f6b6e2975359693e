/**
 * @file billingd/store_batch.c  What one transaction has
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/call_row.h"
#include "billingd/store_batch.h"
#include "billingd/traffic.h"
#include "billingd/unpack.h"
#include "shared/base/map.h"
#include "shared/base/util.h"

/* Without those that have no rows */
static const struct {
	const char *table;
	const char *own, *columns;
} tables[BATCH_PARTC] = {
	[BATCH_CDR] = { "cdr", "", call_row_columns },
	[BATCH_ATTEMPT] = { "attempt", "",
			    "cdr_id, start_time, seq, gateway, address, "
			    "start, ms, sip_code, reason, skipped" },
	[BATCH_ENTRY] = { "entry", "", "n, account_id, amount, kind, cdr_id" },
	[BATCH_TRAFFIC] = { "traffic_part", "",
			    "hour, gateway, account, prefix, reason, "
			    "sip_code, attempts, answered, talk_ms, "
			    "setup_ms, setups, fee, cost, margin, first, "
			    "last" },
	[BATCH_ODD] = { "odd", call_own_columns, call_row_columns },
};


/* --- ids ------------------------------------------------------------------ */

struct known_id {
	struct map_link link;
	struct known_id *next;
	char id[];
};

struct batch_known {
	struct map *map;
	struct known_id *ids;
};


int batch_known_alloc(struct batch_known **knownp)
{
	struct batch_known *known = calloc(1, sizeof(*known));

	if (!known)
		return ENOMEM;
	if (map_alloc(&known->map, BATCH_RECORDS)) {
		free(known);
		return ENOMEM;
	}
	*knownp = known;

	return 0;
}


struct batch_known *batch_known_free(struct batch_known *known)
{
	struct known_id *id;

	if (!known)
		return NULL;

	while ((id = known->ids)) {
		known->ids = id->next;
		map_remove(known->map, &id->link);
		free(id);
	}
	map_free(known->map);
	free(known);

	return NULL;
}


int batch_known_add(struct batch_known *known, const char *cdr_id)
{
	const size_t l = strlen(cdr_id);
	struct known_id *id;
	int err;

	if (map_find(known->map, cdr_id, l))
		return 0;
	id = calloc(1, sizeof(*id) + l + 1);
	if (!id)
		return ENOMEM;
	memcpy(id->id, cdr_id, l);
	err = map_add(known->map, &id->link, id->id, l);
	if (err) {
		free(id);
		return err;
	}
	id->next = known->ids;
	known->ids = id;

	return 0;
}


static bool is_known(const struct batch_known *known, const char *cdr_id)
{
	return known && map_find(known->map, cdr_id, strlen(cdr_id));
}


/* --- what it has ---------------------------------------------------------- */

void batch_empty(struct batch *batch, uint64_t from)
{
	for (size_t i = 0; i < BATCH_PARTC; i++)
		batch->parts[i].l = 0;
	traffic_empty(batch->traffic);
	batch->count = 0;
	batch->from = batch->last = from;
	batch->first_row = 0;
	batch->entries = 0;
	batch->oldest_us = 0;
	batch->leasec = 0;
}


bool batch_is_full(const struct batch *batch)
{
	return batch->count >= BATCH_RECORDS ||
	       batch->leasec >= BATCH_RECORDS ||
	       batch->parts[BATCH_CDR].l >= BATCH_BYTES;
}


bool batch_has_any(const struct batch *batch)
{
	return batch->count > 0 || batch->leasec > 0;
}


static void add_lease(struct batch *batch, uint32_t account, int64_t settled)
{
	if (account == 0 || settled <= 0)
		return;
	batch->leases[batch->leasec++] = (struct batch_lease){
		.account = account,
		.settled = settled,
	};
}


/* All of a call or nothing; but for the sums, so they are last */
static int add_rows(struct batch *batch, const Tandem__CallEnded *call)
{
	size_t before[BATCH_PARTC];
	int err;

	for (size_t i = 0; i < BATCH_PARTC; i++)
		before[i] = batch->parts[i].l;
	err = call_row(&batch->parts[BATCH_CDR], call);
	if (!err)
		err = call_row_attempts(&batch->parts[BATCH_ATTEMPT], call);
	if (!err)
		err = call_row_entries(&batch->parts[BATCH_ENTRY], call,
				       &batch->entries);
	if (!err && call_is_odd(call))
		err = call_row_odd(&batch->parts[BATCH_ODD], call,
				   batch->count);
	if (!err)
		err = traffic_add(batch->traffic, call);
	for (size_t i = 0; err && i < BATCH_PARTC; i++)
		batch->parts[i].l = before[i];

	return err;
}


static int add_record(struct batch *batch, const struct journal_record *record,
		      const Tandem__CallEnded *call, struct batch_known *known)
{
	int err;

	if (record->type != JOURNAL_ENDED ||
	    is_known(known, call->record->cdr_id))
		return 0;
	err = known ? batch_known_add(known, call->record->cdr_id) : 0;
	if (!err)
		err = add_rows(batch, call);
	if (err)
		return err;

	batch->count++;
	if (!batch->first_row)
		batch->first_row = record->seq;
	if (!batch->oldest_us)
		batch->oldest_us = record->wall_us;

	return 0;
}


static int add_call(struct batch *batch, const struct journal_record *record,
		    struct batch_known *known)
{
	Tandem__CallEnded *call;
	int err = 0;

	call = unpack(&tandem__call_ended__descriptor, record->payload,
		      record->len, &err);
	if (!call)
		return err;
	if (!call->record || !call->charge || !call->record->cdr_id[0] ||
	    call->record->start_us <= 0)
		err = EBADMSG;
	if (!err)
		err = add_record(batch, record, call, known);
	if (!err)
		add_lease(batch, call->charge->account, call->charge->settled);
	tandem__call_ended__free_unpacked(call, NULL);

	return err;
}


static int add_given_back(struct batch *batch,
			  const struct journal_record *record)
{
	Tandem__Lease *lease;
	int err;

	lease = unpack(&tandem__lease__descriptor, record->payload,
		       record->len, &err);
	if (!lease)
		return err;
	add_lease(batch, lease->account, lease->settled);
	tandem__lease__free_unpacked(lease, NULL);

	return 0;
}


int batch_add(struct batch *batch, const struct journal_record *record,
	      struct batch_known *known)
{
	int err = 0;

	if (record->type == JOURNAL_ENDED || record->type == JOURNAL_CLOSED)
		err = add_call(batch, record, known);
	else if (record->type == JOURNAL_LEASE)
		err = add_given_back(batch, record);
	if (err != ENOMEM)
		batch->last = record->seq;

	return err;
}


int batch_close(struct batch *batch)
{
	return traffic_rows(batch->traffic, &batch->parts[BATCH_TRAFFIC]);
}


/* --- statements ----------------------------------------------------------- */

/* Texts of ours alone: numbers, and a name that has no quotes. */
static void print_leases(FILE *f, const struct batch *batch, const char *node)
{
	fprintf(f, "select leases_settle('%s', '{", node);
	for (size_t i = 0; i < batch->leasec; i++)
		fprintf(f, "%s%" PRIu32, i ? "," : "",
			batch->leases[i].account);
	fprintf(f, "}', '{");
	for (size_t i = 0; i < batch->leasec; i++)
		fprintf(f, "%s%" PRId64, i ? "," : "",
			batch->leases[i].settled);
	fprintf(f, "}');\n");
}


char *batch_sql(const struct batch *batch, const char *journal,
		const char *node, unsigned *copiesp)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	*copiesp = 0;
	for (size_t i = 0; i < BATCH_PARTC; i++) {
		if (batch->parts[i].l == 0 && i != BATCH_ENTRY)
			continue;
		fprintf(f, "copy %s (%s%s) from stdin;\n", tables[i].table,
			tables[i].own, tables[i].columns);
		++*copiesp;
	}
	fprintf(f, "select journal_advance('%s', %" PRIu64 ", %" PRIu64 ");\n",
		journal, batch->from, batch->last);
	if (batch->leasec > 0)
		print_leases(f, batch, node);
	fprintf(f, "select records_apply();\n");
	if (fclose(f) == 0)
		return text;
	free(text);

	return NULL;
}


/* The first column of each row of cdr, as an array's elements. In both texts a
 * backslash stands before what is not itself; in an array, quotes too. */
char *batch_ids(const struct batch *batch)
{
	const struct row_text *rows = &batch->parts[BATCH_CDR];
	char *text = NULL;
	size_t size = 0;
	bool is_id = true;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	(void)fputs("{\"", f);
	for (size_t i = 0; i < rows->l; i++) {
		const char c = rows->p[i];

		if (c == '\t')
			is_id = false;
		else if (c == '\n' && i + 1 < rows->l)
			(void)fputs("\",\"", f);
		if (c == '"' && is_id)
			(void)fputc('\\', f);
		if (c != '\n' && is_id)
			(void)fputc(c, f);
		is_id = is_id || c == '\n';
	}
	(void)fputs("\"}", f);
	if (fclose(f) == 0)
		return text;
	free(text);

	return NULL;
}


/* --- its life ------------------------------------------------------------- */

int batch_alloc(struct batch **batchp)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return ENOMEM;
	if (traffic_alloc(&batch->traffic)) {
		free(batch);
		return ENOMEM;
	}
	*batchp = batch;

	return 0;
}


struct batch *batch_free(struct batch *batch)
{
	if (!batch)
		return NULL;

	for (size_t i = 0; i < BATCH_PARTC; i++)
		free(batch->parts[i].p);
	traffic_free(batch->traffic);
	free(batch);

	return NULL;
}
