/**
 * @file supervisor/config.h  The node file
 *
 * libconfuse reads it and stays in config.c; everybody else sees this struct.
 * Nothing of a faulty file is used.
 */
#ifndef TANDEM_SUPERVISOR_CONFIG_H
#define TANDEM_SUPERVISOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/control.pb-c.h"
#include "shared/base/addr.h"
#include "shared/base/log.h"
#include "shared/ipc/peer.h"

enum {
	CONFIG_LISTENERS_MAX = 64,
	CONFIG_TEXT_MAX = 256,
};

struct config_listener {
	char name[64];
	Tandem__SocketUse use; /**< SIP_UDP, SIP_TCP, SIP_TLS, ECHO */
	struct addr bind;
	char advertised[64]; /**< Empty: bind */
	char certificate[CONFIG_TEXT_MAX];
	char key[CONFIG_TEXT_MAX];
};

struct config {
	uint64_t version; /**< Counts files accepted since boot */
	char node[64];
	char run_dir[CONFIG_TEXT_MAX];
	char state_dir[CONFIG_TEXT_MAX];
	char log_dir[CONFIG_TEXT_MAX];     /**< Empty: log to stderr */
	char program_dir[CONFIG_TEXT_MAX]; /**< Where the daemons lie */
	char shm_prefix[32];

	struct config_listener listeners[CONFIG_LISTENERS_MAX];
	size_t listenerc;

	struct addr rtp_bind; /**< Port 0 */
	char rtp_advertised[64];
	uint16_t rtp_first, rtp_last; /**< Even, odd; 0, 0: no relay */
	/** These are the catalog's, not the file's: rtprange.h; 0: they are
	 *  not */
	uint16_t rtp_asked_first, rtp_asked_last;

	struct addr metrics_bind;     /**< Port 0 */
	uint16_t metrics_port[PEERC]; /**< Of worker 0; others + 10 * worker */

	char database[CONFIG_TEXT_MAX]; /**< conninfo without a password */
	char password_file[CONFIG_TEXT_MAX];

	char billing_mode[16]; /**< "accounts", "open" */
	uint32_t journal_mb;   /**< 0: what the disk has */
	bool media_relay;
	bool media_realtime; /**< mediad runs before all that can wait */
	char dns_server[64]; /**< Address and port; empty: the system's */

	char user[PEERC][32]; /**< Empty: stay who we are */
	char group[32];
	uint16_t workers[PEERC];

	uint32_t calls;
	uint32_t bindings;
	char key_file[CONFIG_TEXT_MAX]; /**< Opens sealed passwords */
	char sql_dir[CONFIG_TEXT_MAX];  /**< Migrations of the database */
	bool core;
	bool lock_memory;
	bool seccomp;
	bool faults; /**< May a test ask for them? */

	enum log_level log_level;
	enum log_format log_format;
};

/** Where a mistake is: "FILE:LINE: name: what" for each, as one text */
enum {
	CONFIG_ERROR_MAX = 2048
};

/**
 * Read and check a node file
 *
 * @return 0 if success, ENOENT if it cannot be opened, EBADMSG if anything in
 *         it is wrong (error says what and where, with a suggestion),
 *         otherwise errorcode
 */
int config_read(struct config *config, const char *path,
		char error[CONFIG_ERROR_MAX]);

/** The same from memory; name is what errors call it. For tests and fuzz. */
int config_parse(struct config *config, const char *name, const char *text,
		 char error[CONFIG_ERROR_MAX]);

/** The effective file, in the same grammar, every default spelt out */
int config_print(const struct config *config, FILE *f);

#endif
