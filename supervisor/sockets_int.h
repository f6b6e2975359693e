/**
 * @file supervisor/sockets_int.h  For sockets*.c alone: the table
 */
#ifndef TANDEM_SUPERVISOR_SOCKETS_INT_H
#define TANDEM_SUPERVISOR_SOCKETS_INT_H

#include "supervisor/sockets.h"

struct row {
	Tandem__SocketUse use;
	struct peer_id owner;
	struct addr addr;
	char listener[64];
	char advertised[64];
	char certificate[CONFIG_TEXT_MAX];
	char key[CONFIG_TEXT_MAX];
	int fd; /**< -1: not open yet */
	/** RTP that the file no longer asks for, and that its owner may still
	 *  have sessions on; and: it has none */
	bool is_retired, is_unused;
};

struct table {
	struct row *rows;
	size_t rowc, size;
};

/** Do sockets of several workers share its address? */
bool row_is_grouped(Tandem__SocketUse use);
/** Opened, bound and listening; errno's number else */
int row_open(struct row *row);
/** 0 unless somebody else has the address: a stranger's socket with
 *  SO_REUSEPORT would let us in, and share with us */
int row_check_free(const struct row *row);
/** Is the descriptor what the row says? The kernel is asked, since a message
 *  may say anything. */
bool row_is_real(const struct row *row);
/** Why it could not be opened, and what helps */
void row_explain(const struct row *row, int err, char why[SOCKETS_WHY_MAX]);

int sockets_push(struct table *table, const struct row *row);

/** A row, without a descriptor, for each socket that the file asks for, in the
 *  order in which they are to be opened, and for each of those held that is to
 *  stay as long as sessions use it
 *  @param laterp Ports that it asks for, and can have only when this holds */
int sockets_want(struct table *wanted, const struct config *config,
		 const struct table *held, size_t *laterp);

#endif
