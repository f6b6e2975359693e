/**
 * @file sipd/stats_feed.h  What is counted per gateway: names, lines, health
 */
#ifndef TANDEM_SIPD_STATS_FEED_H
#define TANDEM_SIPD_STATS_FEED_H

struct catalog;
struct sipd;

/** sipd->stats; lines and health need not be there before the first tick */
int stats_feed_open(struct sipd *sipd);
/** Another catalog is in force */
void stats_feed_catalog(struct sipd *sipd, const struct catalog *c);

#endif
