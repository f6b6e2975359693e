/**
 * @file shared/catalog/rows.h  Records as they lie in the catalog
 *
 * Fixed width, no pointers: text and lists are offsets into the heap of the
 * part the row lies in. What a field means and what it may hold is said once,
 * in records.def; a member here has the name of its field there.
 *
 * Read them through catalog.h, which checks every offset.
 */
#ifndef TANDEM_CATALOG_ROWS_H
#define TANDEM_CATALOG_ROWS_H

#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/util.h"

/** A NUL-terminated text in the heap; 0 is the empty text */
typedef uint32_t cat_str;

/** Elements in the heap, one behind the other, 8-byte aligned */
struct cat_span {
	uint32_t off;
	uint32_t count;
};

/** An int32_t field that follows its parameter */
#define CAT_INHERIT INT32_MIN

/** An int64_t amount without limit, a time that never comes */
#define CAT_NEVER INT64_MAX

enum {
	CAT_PREFIX_MAX = 24, /**< Characters of a prefix of a number */
	CAT_NUMBER_MAX = 40, /**< Of a number */
	CAT_NAME_MAX = 64,   /**< Bytes of the name of a record */
};

/** A row of a dial plan: pattern=replacement */
struct cat_dial {
	cat_str pattern;     /**< Without the "*" at its end */
	cat_str replacement; /**< Without the "*" */
	uint8_t open;        /**< The pattern ended in "*" */
	uint8_t rest_at;     /**< Where the rest goes in the replacement; 255:
			      *   nowhere */
	uint8_t pad[2];
};
BUILD_ASSERT(sizeof(struct cat_dial) == 12);

/** A source: a network, or one address and port */
struct cat_source {
	struct addr addr; /**< Port 0: any */
	uint8_t len;      /**< Bits of the network */
	uint8_t pad[7];
};
BUILD_ASSERT(sizeof(struct cat_source) == 32);

enum cat_transport {
	CAT_UDP,
	CAT_TCP,
	CAT_TLS
};

/** Where a routing gateway is: host[:port][;transport] */
struct cat_target {
	cat_str host;
	uint16_t port; /**< 0: by SRV */
	uint8_t transport;
	uint8_t pad;
};
BUILD_ASSERT(sizeof(struct cat_target) == 8);

/** A row of a group's calendar: "mon-fri 08:00-20:00 400" */
struct cat_hours {
	uint8_t days; /**< Bit 0 is Monday */
	uint8_t pad;
	uint16_t from; /**< Minute of the day */
	uint16_t to;   /**< First minute behind; 1440: midnight */
	uint16_t pad2;
	uint32_t lines;
};
BUILD_ASSERT(sizeof(struct cat_hours) == 12);

/** A code and what it becomes */
struct cat_cause {
	int32_t from;
	int32_t to;
};

/** What a password is checked with, for one realm */
struct cat_ha1 {
	cat_str realm;
	uint8_t md5[16];
	uint8_t sha256[32];
};
BUILD_ASSERT(sizeof(struct cat_ha1) == 52);

/** First in every row. Ids are the database's and keep their meaning from
 *  version to version; 0 is no record. */
struct cat_row {
	uint32_t id;
	cat_str name; /**< Unique in its kind; a phone's is its number */
};

struct cat_account {
	struct cat_row row;
	int32_t kind;      /**< customer clearing agent */
	int32_t status;    /**< normal locked */
	int64_t overdraft; /**< Micro-units; CAT_NEVER: unlimited */
	uint32_t rate_table;
	uint32_t agent;
	int32_t commission_percent; /**< In 1/10000 percent */
	int32_t line_limit;         /**< 0: none */
	int64_t daily_cap;          /**< Micro-units; CAT_NEVER: unlimited */
};
BUILD_ASSERT(sizeof(struct cat_account) == 48);

struct cat_group {
	struct cat_row row;
	int32_t line_limit;
	uint32_t pad;
	struct cat_span calendar; /**< struct cat_hours */
};
BUILD_ASSERT(sizeof(struct cat_group) == 24);

/** What both kinds of gateway have */
struct cat_gateway {
	struct cat_row row;
	uint32_t account;
	uint32_t group;
	int32_t lock; /**< none all */
	int32_t type; /**< static dynamic */
	int32_t line_limit;
	int32_t cps_limit;
	int32_t reserved_lines;
	int32_t reply_address;   /**< socket via_port via */
	int32_t request_address; /**< socket contact_port contact */
	int32_t dtmf_mode;       /**< transparent rfc2833 info inband */
	int32_t rtp_learning;    /**< auto sdp any */
	int32_t nat_media_sdp_first;
	int32_t t38;
	/* these may be CAT_INHERIT */
	int32_t nomedia_time;
	int32_t media_proxy; /**< on off auto */
	int32_t route_prefix_digits;
	cat_str username;
	cat_str local_ip; /**< "auto", or an address of a listener */
	struct cat_span callee_rules; /**< struct cat_dial */
	struct cat_span caller_rules;
	struct cat_span codecs; /**< cat_str; none: all */
};
BUILD_ASSERT(sizeof(struct cat_gateway) == 104);

struct cat_mapping {
	struct cat_gateway gw;
	int32_t auth_mode;     /**< ip ip_port password */
	int32_t callee_source; /**< to request_line */
	int32_t caller_source; /**< from rpid display pai */
	int32_t support_privacy;
	struct cat_span addresses; /**< struct cat_source */
	struct cat_span cause_map; /**< struct cat_cause */
	struct cat_span ha1;       /**< struct cat_ha1; type dynamic too */
};
BUILD_ASSERT(sizeof(struct cat_mapping) == 144);

struct cat_routing {
	struct cat_gateway gw;
	int32_t prefix_mode; /**< extension expiration */
	int32_t priority;
	int32_t protect;
	int32_t mapping_mode; /**< all allow forbid */
	uint32_t registration;
	int32_t options_check;
	int32_t ring_back; /**< passthrough 183_sdp 180_sdp */
	int32_t redirects;
	int32_t pai; /**< none passthrough caller */
	int32_t ppi;
	int32_t rpid;
	int32_t local_domain;
	/* these may be CAT_INHERIT */
	int32_t switching; /**< Field "switch": off on */
	int32_t privacy;   /**< none passthrough id */
	int32_t invite_timeout;
	int32_t trying_timeout;
	int32_t progress_timeout;
	int32_t progress_sdp_timeout;
	int32_t ringing_timeout;
	int32_t stop_after_sdp;
	int32_t stop_after_invite_timeout;
	uint32_t pad;
	struct cat_span addresses;     /**< struct cat_target */
	struct cat_span prefixes;      /**< cat_str */
	struct cat_span mapping_names; /**< uint32_t ids of mapping gateways */
	struct cat_span stop_codes;    /**< int32_t */
	struct cat_span pai_rules;     /**< struct cat_dial */
	struct cat_span sealed;        /**< Bytes: the password, sealed */
	struct cat_span ha1; /**< struct cat_ha1: what it registers with, type
			      *   dynamic */
};
BUILD_ASSERT(sizeof(struct cat_routing) == 248);

struct cat_phone {
	struct cat_row row; /**< The name is the number */
	uint32_t account;
	int32_t enabled;
	int32_t max_contacts;
	int32_t line_limit;
	int32_t dtmf_mode;
	/* these may be CAT_INHERIT */
	int32_t nomedia_time;
	int32_t media_proxy;
	int32_t ringing_timeout;
	cat_str forward_no_answer;
	uint32_t pad;
	struct cat_span codecs; /**< cat_str */
	struct cat_span ha1;    /**< struct cat_ha1 */
};
BUILD_ASSERT(sizeof(struct cat_phone) == 64);

struct cat_rate_table {
	struct cat_row row;
};

struct cat_rate {
	struct cat_row row; /**< No name of its own: 0 */
	uint32_t table;
	int32_t locked;
	char prefix[CAT_PREFIX_MAX]; /**< Padded with NUL; not terminated */
	int64_t rate;                /**< Micro-units per minute */
	int64_t connect_fee;
	int64_t valid_from; /**< Seconds since 1970 */
	int64_t valid_to;   /**< First second behind; CAT_NEVER */
	int32_t first_increment;
	int32_t next_increment;
};
BUILD_ASSERT(sizeof(struct cat_rate) == 80);

struct cat_registration {
	struct cat_row row;
	int32_t enabled;
	cat_str sip_proxy;
	int32_t remote_port;
	int32_t transport;  /**< udp tcp tls */
	cat_str local_port; /**< A listener's name or port; empty: any */
	cat_str domain;     /**< Empty: the proxy's host */
	cat_str username;
	cat_str auth_user; /**< Empty: username */
	cat_str host_name; /**< Empty: the advertised address */
	/* these may be CAT_INHERIT */
	int32_t register_period; /**< 0: auto */
	int32_t send_unregister;
	uint32_t gateway;       /**< Routing gateway; 0: none */
	struct cat_span sealed; /**< Bytes: the password, sealed */
};
BUILD_ASSERT(sizeof(struct cat_registration) == 64);

enum cat_list {
	CAT_CALLER_BLACK,
	CAT_CALLEE_BLACK,
	CAT_SOURCE_BLACK,
	CAT_SOURCE_WHITE,
	CAT_LISTC
};

struct cat_list_entry {
	struct cat_row
		row;  /**< The name is the entry: "123*", "192.0.2.0/24" */
	int32_t list; /**< enum cat_list */
	uint32_t pad;
};
BUILD_ASSERT(sizeof(struct cat_list_entry) == 16);

#endif
