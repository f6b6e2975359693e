/**
 * @file supervisor/sockets.h  Every public socket of the cluster
 *
 * The node file says which there are to be, topology.c whose they are. Each
 * is opened once and outlives every daemon; when the supervisor itself is
 * replaced they come back from the daemons or from the service manager.
 *
 * A change of the file has two halves, so that it can be taken back: prepare
 * opens what is new and closes nothing; then commit or rollback.
 */
#ifndef TANDEM_SUPERVISOR_SOCKETS_H
#define TANDEM_SUPERVISOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/config.h"
#include "supervisor/topology.h"

enum {
	SOCKETS_WHY_MAX = 384
};

struct sockets;

int sockets_alloc(struct sockets **sp);

/** Closes our copies */
struct sockets *sockets_free(struct sockets *s);

/**
 * Descriptors found elsewhere: returned by a daemon, or by the descriptor store
 *
 * Each is kept if it is what the run says (checked with the kernel) and not
 * held already; else closed.
 *
 * @return how many were kept
 */
size_t sockets_offer(struct sockets *s, const Tandem__Socket *run,
		     const int *fds, size_t fdc);

/** Open what the file asks for and is not held
 *  @return 0, or errorcode with everything as before and why in words */
int sockets_prepare(struct sockets *s, const struct config *config,
		    char why[SOCKETS_WHY_MAX]);

/** The new file holds: close what it no longer asks for */
void sockets_commit(struct sockets *s);

/** It does not: close what was opened for it */
void sockets_rollback(struct sockets *s);

/** The RTP ports of a worker's new sessions; 0, 0: none */
void sockets_rtp_share(const struct config *config, uint16_t worker,
		       uint16_t *firstp, uint16_t *lastp);

/** RTP that who has beyond its share, and does not use any more: the next
 *  prepare leaves it out. @return how many there are now that did not be before
 */
size_t sockets_unused(struct sockets *s, struct peer_id who, uint32_t first,
		      uint32_t count);

/** Did the last commit free ports that the file asks for? Then the next
 * prepare opens them for whom they are now. */
bool sockets_wants_more(const struct sockets *s);

/** Which of a process's sockets: those of now, or what prepare changes */
enum sockets_which {
	SOCKETS_HELD,
	SOCKETS_NEW,
	SOCKETS_GONE
};

/** A process's sockets as runs of consecutive descriptors and ports, its own
 *  and those it keeps copies of. rows is the caller's to free(); names point
 *  into s. @return 0, ENOMEM */
int sockets_runs(const struct sockets *s, struct peer_id who,
		 enum sockets_which which, Tandem__Socket **rowsp,
		 size_t *rowcp);

/** A receive buffer as large as asked, past the system's limit where we may;
 *  else as large as it gets */
void sockets_set_buffer(int fd, int bytes);

/** Sockets held in all */
size_t sockets_count(const struct sockets *s);

/** Another one as soon as any of those held may be another */
uint64_t sockets_version(const struct sockets *s);

/** Call h for each of these sockets: for the descriptor store. name is unique
 *  and can be turned back by sockets_name_parse(). */
typedef void(sockets_h)(const char *name, int fd, void *arg);
void sockets_each(const struct sockets *s, enum sockets_which which,
		  sockets_h *h, void *arg);

/** A name of the descriptor store as a run of one socket; text of it lies in
 *  buf. @return 0, EBADMSG */
int sockets_name_parse(Tandem__Socket *run, char *buf, size_t size,
		       const char *name);

#endif
