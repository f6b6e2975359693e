/**
 * @file mediad/range.h  SS_RTP_PORT_RANGE: which ports there are to be
 *
 * The parameter wins over tandem.conf unless it has its default. The
 * supervisor opens sockets, and does not read the catalog: it is asked. It
 * keeps the old ones, for a successor too, until it is told that the last
 * session on them is over.
 */
#ifndef TANDEM_MEDIAD_RANGE_H
#define TANDEM_MEDIAD_RANGE_H

struct mediad;

void range_start(struct mediad *mediad);
void range_stop(struct mediad *mediad);

#endif
