/**
 * @file sipd/route.h  Where a call may go, in which order, and why not
 *
 * call-setup 3 and 4. Pure: the catalog and a view of the lines, of health
 * and of money in, decisions out. Route analysis runs the same code dry.
 */
#ifndef TANDEM_SIPD_ROUTE_H
#define TANDEM_SIPD_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/catalog/catalog.h"
#include "shared/catalog/number.h"
#include "sipd/lines.h"
#include "sipd/sdpedit.h"
#include "sipd/verdict.h"

/** What changes from call to call; the functions may be asked often */
struct route_view {
	const struct catalog *c;
	int64_t wall_us; /**< For calendars and rates */
	uint32_t (*lines)(enum lines_kind kind, uint32_t id, void *arg);
	/** Would the next call of this second be too many? Takes nothing */
	bool (*rate_left)(enum lines_kind kind, uint32_t id, uint32_t limit,
			  void *arg);
	bool (*is_online)(uint32_t gateway, void *arg); /**< Health, 4.5 */
	/** Dynamic gateway with a binding; outbound registration registered */
	bool (*is_bound)(uint32_t gateway, void *arg);
	bool (*is_registered)(uint32_t registration, void *arg);
	/** Clearing account below the MONEY_LIMIT */
	bool (*is_short)(uint32_t account, void *arg);
	/** Advertised host of the listener that sends to it; route analysis
	 *  alone asks. NULL: not known, and no from_header */
	struct text (*local_host)(const struct cat_routing *gw, void *arg);
	void *arg;
};

/** Who calls */
struct route_caller {
	enum record_kind kind; /**< RECORD_MAPPING or RECORD_PHONE */
	uint32_t id;
};

/** call-setup 3, rows 1 to 6, in order; row 7 and 8 are billing's.
 *  @return END_NONE: go on */
enum end_reason route_admit(const struct route_view *v,
			    const struct route_caller *caller,
			    const struct number *caller_number,
			    const struct number *called, bool is_overloaded);

/** Retry-After of a call that END_CAPACITY_LIMIT refused: longer if the whole
 *  switch is full (row 2) */
uint32_t route_retry_after_s(const struct route_view *v, bool is_overloaded);

enum {
	ROUTE_CANDIDATES_MAX = 64
};

struct route_candidate {
	uint32_t gateway;
	uint8_t length; /**< Of the prefix that fitted */
	bool protect;
};
struct route_list {
	size_t count;
	struct route_candidate rows[ROUTE_CANDIDATES_MAX];
};

/** 4.2: who may be tried, in order; forbidden ones are not in it */
void route_list_make(struct route_list *list, const struct route_view *v,
		     const struct route_caller *caller, struct text called);

/** For route analysis: the list, *allowedp of them, and behind it those that
 *  match but are forbidden for this caller, in the same order */
void route_list_all(struct route_list *list, size_t *allowedp,
		    const struct route_view *v,
		    const struct route_caller *caller, struct text called);

enum route_token {
	ROUTE_USABLE,
	ROUTE_LOCKED,
	ROUTE_OFFLINE,
	ROUTE_UNREGISTERED,
	ROUTE_VENDOR_LOCKED,
	ROUTE_VENDOR_BALANCE,
	ROUTE_LINES_FULL,
	ROUTE_GROUP_FULL,
	ROUTE_CPS_FULL,
	ROUTE_CODEC,
	ROUTE_FORBIDDEN,  /**< For route analysis alone */
	ROUTE_UNRESOLVED, /**< No address could be found: for records */
	ROUTE_TOKENC
};
extern const char *const route_tokens[ROUTE_TOKENC];

/** 4.3, when its turn comes. offer: NULL: none. caller_codecs: of the
 *  caller's side. */
enum route_token route_usable(const struct route_view *v, uint32_t gateway,
			      const struct sdp *offer,
			      const struct sdp_codecs *caller_codecs);

/** The outbound registration a gateway is tied to, by its own field or by the
 *  registration's; NULL: none */
const struct cat_registration *route_registration(
	const struct catalog *c, const struct cat_routing *gw);

/** 4.4: may this member take a line? Both kinds of gateway. */
bool route_group_has_line(const struct route_view *v, uint32_t group,
			  enum lines_kind kind, uint32_t id);

/** 4.6: what it was, when no INVITE was possible; tokens of all skipped.
 *  Forbidden ones do not count. */
enum end_reason route_none(const enum route_token *tokens, size_t tokenc);

/** The called number is a phone's (4.1)? 0: no */
uint32_t route_local(const struct catalog *c, struct text called);

/** Codecs of a gateway or phone as sdpedit wants them; names point into the
 *  catalog, the array is the caller's */
void route_codecs(struct sdp_codecs *codecs, const char **names, size_t max,
		  const struct catalog *c, enum record_kind kind,
		  struct cat_span span);

#endif
