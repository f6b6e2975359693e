/**
 * @file sipd/sdpedit.h  SDP by line: only what a rule names is changed
 *
 * Pure. Unknown lines and attributes pass. What comes out is accepted again,
 * and unchanged, by what came in.
 */
#ifndef TANDEM_SIPD_SDPEDIT_H
#define TANDEM_SIPD_SDPEDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/text.h"

enum {
	SDP_BYTES_MAX = 16384,
	SDP_MEDIAC_MAX = 8,
	SDP_PAYLOADS_MAX = 32,
	SDP_CODEC_MAX = 24,
};

enum sdp_direction {
	SDP_SENDRECV,
	SDP_SENDONLY,
	SDP_RECVONLY,
	SDP_INACTIVE
};

enum sdp_kind {
	SDP_OTHER,
	SDP_AUDIO,
	SDP_IMAGE
};

struct sdp_payload {
	uint8_t number;
	char name[SDP_CODEC_MAX]; /**< "PCMU", upper case; static ones have
				   *   theirs without rtpmap */
	uint32_t rate;
};

struct sdp_media {
	enum sdp_kind kind;
	bool is_rtp;        /**< RTP/AVP and its relatives */
	bool is_secure;     /**< a=crypto, or SAVP */
	struct addr remote; /**< Of its c=, or the session's, with port;
			     *   port 0: refused or off. A host name has
			     *   family 0. */
	uint16_t rtcp_port; /**< a=rtcp; 0: none given */
	enum sdp_direction direction;
	bool is_held; /**< c= 0.0.0.0 */
	size_t payloadc;
	struct sdp_payload payloads[SDP_PAYLOADS_MAX];
};

struct sdp {
	uint64_t session; /**< Of o= */
	uint64_t version;
	struct text origin; /**< Value of o= */
	size_t mediac;
	struct sdp_media media[SDP_MEDIAC_MAX];
};

/** @return 0; EBADMSG: unreadable; EADDRNOTAVAIL: every port 0, or a c= that
 *          is multicast, loopback or one of ours (security 1) */
int sdp_parse(struct sdp *sdp, struct text body,
	      bool (*is_own)(const struct addr *addr, void *arg), void *arg);

/** Is an address in it that is not reachable from outside? */
bool sdp_is_private(const struct sdp *sdp);

/** Does it say the same, o= and s= aside? */
bool sdp_same(struct text a, struct text b);

/** A list of codec names; none: all */
struct sdp_codecs {
	const char *const *names;
	size_t namec;
};

struct sdp_edit {
	bool is_read; /**< It was read before, and is good: if nothing is asked
		       *   for but o=, it is not read again */
	/* o= is always ours */
	uint64_t session;
	uint64_t version;
	const char *origin_host; /**< "198.51.100.1", IPv6 without brackets */
	bool is_relayed; /**< The rest of media 2: c=, ports, ICE ... */
	struct {
		uint16_t port; /**< Ours, in the order of the m= lines; 0:
				*   the line is refused */
	} media[SDP_MEDIAC_MAX];
	struct sdp_codecs a, b; /**< What is in both is kept (media 8) */
	bool add_events;        /**< telephone-event/8000 is offered */
	uint8_t event;          /**< By that number; 0: a free one */
	bool drop_events;       /**< And taken out */
};

/** @return 0; ENOENT: no codec is left in any audio; EBADMSG; EMSGSIZE */
int sdp_edit(char *dst, size_t size, size_t *lenp, struct text body,
	     const struct sdp_edit *edit);

/** Would a codec be left? For the token "codec" (call-setup 4.3) */
bool sdp_has_codec(const struct sdp *sdp, const struct sdp_codecs *a,
		   const struct sdp_codecs *b);

/** Name of the first audio codec, "" if there is none */
const char *sdp_codec(const struct sdp *sdp);

#endif
