/**
 * @file billingd/billingd.h  What the parts of billingd share
 */
#ifndef TANDEM_BILLINGD_BILLINGD_H
#define TANDEM_BILLINGD_BILLINGD_H

#include <stdbool.h>
#include <stdint.h>

#include "billingd/feed.h"
#include "shared/auth/secret.h"
#include "shared/base/metric.h"
#include "shared/base/metric_labels.h"
#include "shared/catalog/catalog.h"
#include "shared/db/db.h"
#include "shared/svc/svc.h"

enum {
	BILLINGD_REALMS_MAX = 16,
	BILLINGD_SCHEMA = 9, /**< Newest migration this release needs */
	RECORD_FIELDS_MAX = 64,
};

enum billingd_grants {
	GRANTS_FULL,
	GRANTS_PART,
	GRANTS_REFUSED,
};

enum billingd_db_operation {
	DB_OPERATION_STORE,
	DB_OPERATION_LEASE,
	DB_OPERATION_COMMAND,
};

enum billingd_metric {
	BILLINGD_METRIC_BASE = M_COMMONC - 1,
#define METRIC(kind, id, name, labels, help) M_##id,
#include "billingd/metrics.def"
#undef METRIC
};

struct charging;
struct imports;
struct record_keep;
struct ship;
struct short_vendors;

struct billingd {
	struct svc *svc;
	struct publisher *publisher;
	struct feed *feed;
	struct db *db; /**< For commands */
	bool has_key;
	uint8_t key[SECRET_KEY_SIZE]; /**< Seals passwords */
	struct imports *imports;
	struct ship *ship;                   /**< NULL: mode open */
	struct charging *charging;           /**< NULL: mode open */
	struct record_keep *records;         /**< Of calls; mode open */
	struct short_vendors *short_vendors; /**< Not to be used now */
};

/** Both connections are up, and the schema is this release's or newer */
bool billingd_has_database(const struct billingd *b);

/** Digest realms of now: SS_SIP_REALM, else SS_LOCAL_IP_DOMAIN, else the
 *  addresses of this node. @return how many; names are the catalog's or the
 *  node's */
size_t billingd_realms(const struct billingd *b, const struct catalog *c,
		       const char *realms[], size_t max);

/* dispatch.c: what calls need. Closed behind db. */
extern const struct bus_route billingd_routes[];
extern const size_t billingd_routec;
int billingd_calls_open(struct billingd *b);
void billingd_calls_reload(struct billingd *b);
void billingd_calls_close(struct billingd *b);

/* migrate.c */
admin_h cmd_db_migrate;
admin_h cmd_db_status;

/* params.c */
admin_h cmd_param_list;
admin_h cmd_param_set;
admin_h cmd_param_unset;
admin_h cmd_param_explain;
admin_h cmd_param_history;
admin_h cmd_param_rollback;
admin_h cmd_profile_list;
admin_h cmd_profile_diff;
admin_h cmd_profile_apply;

/* records.c: tag is an enum record_kind */
admin_h cmd_record_list;
admin_h cmd_record_show;
admin_h cmd_record_add;
admin_h cmd_record_set;
admin_h cmd_record_remove;
admin_h cmd_gateway_show;
admin_h cmd_gateway_set;
admin_h cmd_template_list;

/* account_cmd.c */
admin_h cmd_account_show;
admin_h cmd_account_recharge; /* tag: which of them */
enum {
	ACCOUNT_RECHARGE,
	ACCOUNT_CREDIT,
	ACCOUNT_DEBIT,
};
admin_h cmd_account_ledger;
admin_h cmd_account_lock; /* tag: 1 lock, 0 unlock */

/* quote.c */
admin_h cmd_rate_quote;
admin_h cmd_rate_explain;

/* import.c */
admin_h cmd_import_begin;
admin_h cmd_import_data;
admin_h cmd_import_end;
int imports_alloc(struct imports **ip, struct billingd *b);
struct imports *imports_free(struct imports *imports);

/* history.c */
admin_h cmd_history_list;
admin_h cmd_history_show;
admin_h cmd_revert;

/* check.c */
admin_h cmd_check_list;
admin_h cmd_catalog_status;

/** The rows of all commands: commands.c */
extern const struct admin_command billingd_commands[];
extern const size_t billingd_commandc;

#endif
