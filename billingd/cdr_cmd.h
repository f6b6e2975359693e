/**
 * @file billingd/cdr_cmd.h  Commands about records of calls
 */
#ifndef TANDEM_BILLINGD_CDR_CMD_H
#define TANDEM_BILLINGD_CDR_CMD_H

#include "shared/svc/admin.h"

/* cdr_cmd.c */
admin_h cmd_cdr_query;
admin_h cmd_cdr_show;

/* report_cmd.c */
admin_h cmd_ledger_verify;
admin_h cmd_analyse_calls;
admin_h cmd_gateway_failures;
admin_h cmd_report_ghost;
admin_h cmd_report_near_cap;
admin_h cmd_report_illegal;
admin_h cmd_report_profit;
admin_h cmd_report_traffic;

#endif
