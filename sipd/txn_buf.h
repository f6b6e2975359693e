/**
 * @file sipd/txn_buf.h  Buffers in sizes, used again and again
 *
 * A buffer that is given back waits for the next of its size: in the steady
 * state nothing is allocated. What a burst left goes back to the system once
 * more lies idle than is in use.
 */
#ifndef TANDEM_SIPD_TXN_BUF_H
#define TANDEM_SIPD_TXN_BUF_H

#include <stddef.h>

enum {
	TXN_BUF_SIZES = 15
};

struct txn_buf;

/** All zero: empty */
struct txn_bufs {
	struct {
		struct txn_buf *idle;
		size_t idlec;
		size_t usedc;
	} sizes[TXN_BUF_SIZES];
};

/** Room for that many bytes, aligned for anything; NULL: out of memory, or
 *  too large */
void *txn_buf_take(struct txn_bufs *bufs, size_t size);

/** Accepts NULL, returns NULL */
void *txn_buf_give(struct txn_bufs *bufs, void *p);

/** All must have been given back */
void txn_bufs_done(struct txn_bufs *bufs);

#endif
