/**
 * @file sipd/media_terms.h  Relay or bypass, and what holds for a side
 *
 * media 1, 7 and 9.1 as tables. Pure.
 */
#ifndef TANDEM_SIPD_MEDIA_TERMS_H
#define TANDEM_SIPD_MEDIA_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/media/media_slot.h"

struct cat_gateway;
struct cat_phone;

/** Words of media_proxy and SS_MEDIA_PROXY */
enum media_proxy {
	MEDIA_PROXY_ON,
	MEDIA_PROXY_OFF,
	MEDIA_PROXY_AUTO
};

/** Words of ring_back */
enum media_ring {
	MEDIA_RING_PASSTHROUGH,
	MEDIA_RING_183,
	MEDIA_RING_180
};

/** Fields of one side */
struct media_terms {
	int32_t proxy;     /**< enum media_proxy, or CAT_INHERIT */
	int32_t nomedia_s; /**< Or CAT_INHERIT */
	uint8_t dtmf;      /**< enum media_dtmf */
	uint8_t learning;  /**< enum media_learning */
	bool sdp_first;
	bool t38;
};
/** NULL: what holds for nobody we know */
void media_terms_gateway(struct media_terms *t, const struct cat_gateway *gw);
void media_terms_phone(struct media_terms *t, const struct cat_phone *phone);

/** What the choice depends on */
struct media_case {
	int32_t proxy_a, proxy_b; /**< Effective */
	bool is_nat;              /**< Of either peer */
	bool nat_wants_relay;     /**< SS_MEDIA_PROXY_BEHIND_NAT */
	bool converts;            /**< DTMF */
	bool differs;             /**< IP version or local address */
	bool is_private;          /**< An address of the SDP */
	uint32_t nomedia_s;
};
bool media_is_relayed(const struct media_case *m);

/** Are digits of one side to be converted for the other? */
bool media_converts(uint8_t dtmf_a, uint8_t dtmf_b);

/** Silence after which the call ends; 0: never */
uint32_t media_nomedia(int32_t a, int32_t b, uint32_t param);

#endif
