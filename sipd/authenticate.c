/**
 * @file sipd/authenticate.c  A request, and who it proves to be from
 */
#include "shared/base/clk.h"
#include "shared/base/metric.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "sipd/authenticate.h"
#include "sipd/bindings.h"
#include "sipd/guard.h"
#include "sipd/intake.h"
#include "sipd/metrics.h"
#include "sipd/params.h"
#include "sipd/sipd.h"

enum {
	VALUES_MAX = 4,
};


static size_t values_of(struct text values[VALUES_MAX],
			const struct message *m, enum head head)
{
	size_t n = 0;

	for (uint8_t row = m->first[head]; row != 255 && n < VALUES_MAX;
	     row = m->rows[row].next)
		values[n++] = m->rows[row].value;

	return n;
}


static bool lookup_nobody(struct text user, const char *realm,
			  enum digest_algorithm a, uint8_t ha1[DIGEST_HA1_MAX],
			  void *arg)
{
	/* the same work: who is on source_black cannot tell */
	(void)authn_lookup_catalog(user, realm, a, ha1, arg);

	return false;
}


void authenticate_log(const struct sipd *sipd, const struct flow *from,
		      const struct authn_answer *answer)
{
	char ip[ADDR_TEXT_MAX];
	struct addr source = from->remote;

	if (!answer->suspended_now)
		return;
	source.port = 0;
	log_warn(sipd->log,
		 "terminal_suspended user=%s ip=%s counter=%s seconds=%u",
		 answer->user, addr_print(&source, ip),
		 authn_counters[answer->counter], answer->seconds);
}


static void count(struct sipd *sipd, const struct authn_answer *answer)
{
	(void)sipd;
	if (answer->is_failed)
		metric_inc_at(M_AUTH, METRICS_AUTH_FAILED);
	if (answer->verdict == AUTHN_ACCEPT)
		metric_inc_at(M_AUTH, METRICS_AUTH_OK);
	else if (answer->verdict == AUTHN_CHALLENGE)
		metric_inc_at(M_AUTH, answer->is_stale
					      ? METRICS_AUTH_STALE
					      : METRICS_AUTH_CHALLENGE);
	else if (answer->verdict == AUTHN_SUSPENDED)
		metric_inc_at(M_AUTH, METRICS_AUTH_SUSPENDED);
	else if (answer->verdict == AUTHN_SILENCE)
		metric_inc_at(M_SIP_DROPPED, answer->retry_after_s
						     ? GUARD_DROP_SUSPENDED
						     : GUARD_DROP_UNKNOWN);
}


void authenticate(struct sipd *sipd, const struct catalog *c,
		  const struct message *m, const struct flow *from,
		  struct text user, authn_lookup_h *lookuph,
		  struct authn_answer *answer)
{
	const struct wire_listener *l = wire_listener(sipd->wire,
						      from->listener);
	struct text values[VALUES_MAX], proxy_values[VALUES_MAX];
	const struct authn_request request = {
		.method = m->method_text,
		.is_register = m->method == METHOD_REGISTER,
		.uri = m->uri,
		.call_id = m->call_id,
		.cseq = m->cseq,
		.source = &from->remote,
		.realm = params_realm(c, l->host),
		.authorizations = values,
		.authorizationc = values_of(values, m, HEAD_AUTHORIZATION),
		.proxy_authorizations = proxy_values,
		.proxy_authorizationc = values_of(proxy_values, m,
						  HEAD_PROXY_AUTHORIZATION),
		.user = user,
	};
	const int64_t now_us = ev_now_us(sipd->ev);

	authn_check(sipd->authn, c, &request,
		    lookuph ? lookuph : lookup_nobody, unconst(c),
		    clk_boot_us(), clk_wall_us(), answer);
	count(sipd, answer);
	authenticate_log(sipd, from, answer);
	if (answer->is_failed) {
		bindings_shield(sipd, from);
		guard_offend(sipd->guard, c, &from->remote, GUARD_BAD_DIGEST,
			     now_us);
	}
	if (answer->verdict == AUTHN_ACCEPT)
		guard_authenticated(sipd->guard, &from->remote, now_us);
}


void authenticate_refuse(struct sipd *sipd, txn_id txn,
			 const struct authn_answer *answer)
{
	struct txn_reply reply = { .code = answer->code };
	char seconds[16];

	switch (answer->verdict) {
	case AUTHN_CHALLENGE:
		reply.heads = (struct text){ answer->heads, answer->headc };
		(void)txn_reply(sipd->txns, txn, &reply);
		break;
	case AUTHN_SUSPENDED:
		(void)text_print(seconds, sizeof(seconds), "%u",
				 answer->retry_after_s);
		intake_reply_head(sipd, txn, 403, "Retry-After", seconds);
		break;
	case AUTHN_SILENCE:
		txn_ignore(sipd->txns, txn);
		break;
	case AUTHN_ACCEPT:
	case AUTHN_REFUSE:
	default:
		(void)txn_reply_code(sipd->txns, txn, 403);
		break;
	}
}


void authenticate_answer(struct sipd *sipd, const struct message *m,
			 const struct flow *from,
			 const struct authn_answer *answer)
{
	char head[64];
	struct text heads = { answer->heads, answer->headc };

	if (answer->verdict == AUTHN_SILENCE)
		return;
	if (answer->verdict == AUTHN_CHALLENGE) {
		(void)txn_answer(sipd->txns, m, from, answer->code, heads);
		return;
	}
	(void)text_print(head, sizeof(head), "Retry-After: %u\r\n",
			 answer->retry_after_s);
	heads = text_of(answer->verdict == AUTHN_SUSPENDED ? head : "");
	(void)txn_answer(sipd->txns, m, from, 403, heads);
}
