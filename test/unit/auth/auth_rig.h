/**
 * @file test/unit/auth/auth_rig.h  A switch that is asked who somebody is
 *
 * A catalog with phone 100, gateway pbx (user trunk) and dynamic gateway dyn,
 * all with the password "secret" in REALM; two processes' slots; a clock that
 * is turned by hand; and a peer that asks as the test says.
 */
#ifndef TANDEM_TEST_UNIT_AUTH_AUTH_RIG_H
#define TANDEM_TEST_UNIT_AUTH_AUTH_RIG_H

#include "shared/auth/authn.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

#define REALM   "sip.example"
#define START_S 1790000000

enum {
	RIG_SLOTC = 64
};

struct auth_rig {
	struct rig rig;
	uint64_t version;
	const struct catalog *c;
	struct segment own, other; /**< sipd's and regd's, say */
	struct authn *authn;
	struct authn_answer answer;
	char nonce[NONCE_SIZE]; /**< Of the last challenge */
	int64_t now_us;         /**< Since the start, both clocks */
	int64_t stepped_us;     /**< Wall time was set by so much */
	uint32_t asked;
};

/** What a request looks like; what is NULL or 0 is as a good one has it */
struct ask {
	const char *method;   /**< "REGISTER" */
	const char *claimed;  /**< "100": user of From or To */
	const char *source;   /**< "192.0.2.7:5060" */
	const char *call_id;  /**< "call" */
	bool bare;            /**< No credentials */
	bool proxy;           /**< Proxy-Authorization */
	bool old_form;        /**< No qop */
	bool md5;             /**< else SHA-256 */
	bool no_algorithm;    /**< MD5 that does not say so */
	const char *user;     /**< claimed */
	const char *password; /**< "secret" */
	const char *realm;    /**< REALM */
	const char *uri;      /**< "sip:sip.example" */
	const char *nonce;    /**< Of the last challenge */
	uint32_t nc;          /**< 1 */
	const char *extra;    /**< Value instead of the one made of these */
};

int auth_rig_open(struct auth_rig *r, const char *what);
void auth_rig_close(struct auth_rig *r);

/** Change parameters: auth_set(r, SS_X, "1") */
void auth_set(struct auth_rig *r, enum param param, const char *value);

/** A fresh process on the same memory, with the same key */
int auth_again(struct auth_rig *r);
/** Another process: what is own to one is other to the second */
int auth_peer(struct auth_rig *r, struct authn **peerp);

/** Ask, with the clock as it is */
enum authn_verdict ask(struct auth_rig *r, const struct ask *a);
enum authn_verdict ask_at(struct auth_rig *r, struct authn *authn,
			  const struct ask *a);

void turn_s(struct auth_rig *r, int64_t seconds);
int64_t wall_us(const struct auth_rig *r);

/** How often text stands in the answer's heads */
size_t heads_have(const struct auth_rig *r, const char *text);
struct addr addr_at(const char *s);

#endif
