/**
 * @file sipd/params.c  Parameters and fields, as a call uses them
 */
#include "shared/base/util.h"
#include "sipd/params.h"


static uint32_t seconds(const struct catalog *c, enum param param)
{
	return (uint32_t)catalog_int(c, param);
}


void params_resend(struct txn_resend *resend, const struct catalog *c)
{
	size_t n;
	const int64_t *waits = catalog_numbers(c, SS_SIP_RESEND_INTERVAL, &n);

	*resend = (struct txn_resend){ .waits_ms = { 500 } };
	for (size_t i = 0; i < n && i < TXN_WAITS_MAX; i++)
		resend->waits_ms[i] = (uint16_t)waits[i];
	if (catalog_is_set(c, SS_SIP_SEND_RETRY) &&
	    (size_t)catalog_int(c, SS_SIP_SEND_RETRY) < n)
		n = (size_t)catalog_int(c, SS_SIP_SEND_RETRY);
	resend->count = (uint16_t)(n < TXN_WAITS_MAX ? n : TXN_WAITS_MAX);
}


/* The words of SS_SESSION_TIMER_REFRESHER: uac is 0. */
static uint8_t refresher(const struct catalog *c)
{
	return catalog_int(c, SS_SESSION_TIMER_REFRESHER) ? REFRESHER_UAS
							  : REFRESHER_UAC;
}


void params_take(struct call_params *p, const struct catalog *c)
{
	*p = (struct call_params){
		.switch_limit = catalog_is_set(c, SS_GATEWAY_SWITCH_LIMIT)
					? (int32_t)catalog_int(
						  c, SS_GATEWAY_SWITCH_LIMIT)
					: -1,
		.ttl_s = seconds(c, SS_SIP_SESSION_TTL),
		.min_se_s = seconds(c, SS_SESSION_TIMER_MIN_SE),
		.early_hangup_s = seconds(c,
					  SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP),
		.no_timer_s = seconds(c, SS_SIP_NO_TIMER_REINVITE_INTERVAL),
		.max_duration_s = seconds(c, SS_MAX_CALL_DURATION),
		.t1_s = seconds(c, SS_SIP_TIMEOUT_INVITE),
		.t2_s = seconds(c, SS_SIP_TIMEOUT_TRYING),
		.t3a_s = seconds(c, SS_SIP_TIMEOUT_SESSION_PROGRESS),
		.t3b_s = seconds(c, SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP),
		.t4_s = seconds(c, SS_SIP_TIMEOUT_RINGING),
		.segments = (uint16_t)
			catalog_int(c, SS_SIP_SESSION_UPDATE_SEGMENT),
		.stop_after_rtp =
			catalog_int(c,
				    SS_GATEWAY_SWITCH_STOP_AFTER_RTP_START) !=
			0,
		.stop_after_busy =
			catalog_int(c,
				    SS_GATEWAY_SWITCH_STOP_AFTER_USER_BUSY) !=
			0,
		.until_connect =
			catalog_int(c, SS_GATEWAY_SWITCH_UNTIL_CONNECT) != 0,
		.stop_after_sdp =
			catalog_int(c, SS_SIP_STOP_SWITCH_AFTER_SDP) != 0,
		.stop_after_invite_timeout =
			catalog_int(
				c,
				SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT) !=
			0,
		.refresher = refresher(c),
		.timer_off = catalog_is_set(c, SS_SESSION_TIMER) &&
			     catalog_int(c, SS_SESSION_TIMER) == 0,
		.auth_retry =
			(uint8_t)catalog_int(c, SS_SIP_AUTHENTICATION_RETRY),
	};
	params_resend(&p->resend, c);
}


static uint32_t or_else(int32_t field, uint32_t param)
{
	return field == CAT_INHERIT ? param : (uint32_t)field;
}


void params_gateway(struct gateway_params *g, const struct call_params *p,
		    const struct catalog *c, const struct cat_routing *gateway)
{
	size_t n;
	const int32_t *codes = catalog_span(c, RECORD_ROUTING,
					    gateway->stop_codes,
					    sizeof(*codes), &n);

	*g = (struct gateway_params){
		.t1_s = or_else(gateway->invite_timeout, p->t1_s),
		.t2_s = or_else(gateway->trying_timeout, p->t2_s),
		.t3a_s = or_else(gateway->progress_timeout, p->t3a_s),
		.t3b_s = or_else(gateway->progress_sdp_timeout, p->t3b_s),
		.t4_s = or_else(gateway->ringing_timeout, p->t4_s),
		.rules = {
			.is_off = gateway->switching == 0,
			.until_connect = gateway->switching == CAT_INHERIT
						 ? p->until_connect
						 : gateway->switching != 0,
			.stop_after_invite_timeout =
				or_else(gateway->stop_after_invite_timeout,
					p->stop_after_invite_timeout) != 0,
			.stop_after_sdp = or_else(gateway->stop_after_sdp,
						  p->stop_after_sdp) != 0,
			.stop_after_rtp = p->stop_after_rtp != 0,
			.stop_after_busy = p->stop_after_busy != 0,
			.limit = p->switch_limit,
			.stop_codes = codes,
			.stop_codec = n,
		},
	};
}


enum transport params_transport(const struct cat_target *target)
{
	static const uint8_t transports[] = {
		[CAT_UDP] = TRANSPORT_UDP,
		[CAT_TCP] = TRANSPORT_TCP,
		[CAT_TLS] = TRANSPORT_TLS,
	};

	return target->transport < COUNT_OF(transports)
		       ? (enum transport)transports[target->transport]
		       : TRANSPORT_UDP;
}


const char *params_realm(const struct catalog *c, const char *advertised)
{
	if (catalog_text(c, SS_SIP_REALM)[0])
		return catalog_text(c, SS_SIP_REALM);
	if (catalog_text(c, SS_LOCAL_IP_DOMAIN)[0])
		return catalog_text(c, SS_LOCAL_IP_DOMAIN);

	return advertised;
}
