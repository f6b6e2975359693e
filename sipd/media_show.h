/**
 * @file sipd/media_show.h  What mediad has counted so far, for operators
 *
 * Read from its segments while a command is answered; no call waits for it.
 */
#ifndef TANDEM_SIPD_MEDIA_SHOW_H
#define TANDEM_SIPD_MEDIA_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct segment;
struct sipd;

struct media_show {
	const struct sipd *sipd;
	const struct segment *media, *flows;
	uint32_t *slots; /**< By slot of the call, counted from 1; NULL: not
			  *   looked for yet */
	uint32_t slotc;
};

void media_show_begin(struct media_show *show, const struct sipd *sipd);
void media_show_end(struct media_show *show);

/** Columns a_rtp_age and b_rtp_age; counters: all that is counted, too */
void media_show_row(struct media_show *show, json_t *row,
		    const struct call *call, bool counters);

#endif
