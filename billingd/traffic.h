/**
 * @file billingd/traffic.h  Sums of calls, by hour, gateway and reason
 *
 * What the table traffic_hour grows by: rows of a batch's calls, summed up
 * here, so that a batch is a few rows. Each attempt counts where it went to;
 * a call that reached no gateway counts once, with gateway "". Talk and money
 * are with the last attempt.
 */
#ifndef TANDEM_BILLINGD_TRAFFIC_H
#define TANDEM_BILLINGD_TRAFFIC_H

#include "billingd/row_text.h"
#include "proto/billing.pb-c.h"

struct traffic;

int traffic_alloc(struct traffic **trafficp);
struct traffic *traffic_free(struct traffic *traffic);

/** @return 0 or ENOMEM: some of its attempts may be counted */
int traffic_add(struct traffic *traffic, const Tandem__CallEnded *call);
/** Lines of COPY's text format, in the order of the table
 *  @return 0 or ENOMEM */
int traffic_rows(const struct traffic *traffic, struct row_text *out);
void traffic_empty(struct traffic *traffic);

#endif
