/**
 * @file sipd/trace_fit.c  What belongs into a trace
 *
 * A gateway is its addresses. A phone is its addresses, as far as they are
 * known, and its number, since it may call from anywhere.
 */
#include <string.h>

#include "shared/base/util.h"
#include "sipd/head_parts.h"
#include "sipd/trace_parts.h"


static bool is_one_of(const struct addr *addrs, size_t addrc,
		      const struct addr *addr)
{
	for (size_t i = 0; i < addrc; i++)
		if (addr_same_ip(&addrs[i], addr) &&
		    (!addrs[i].port || addrs[i].port == addr->port))
			return true;

	return false;
}


/* A number with '+' is the one without. */
static bool is_number(const char *wanted, struct text user)
{
	struct text want = text_of(wanted);
	bool has_rest = false;

	if (want.l > 0 && want.p[0] == '+')
		head_skip(&want, 1);
	if (user.l > 0 && user.p[0] == '+')
		head_skip(&user, 1);
	if (want.l > 0 && want.p[want.l - 1] == '*') {
		has_rest = true;
		want.l--;
	}

	return (has_rest ? user.l >= want.l : user.l == want.l) &&
	       memcmp(user.p, want.p, want.l) == 0;
}


static bool has_number(const char *wanted, const struct peek *peek)
{
	return is_number(wanted, peek_user(peek->to)) ||
	       is_number(wanted, peek_user(peek->from)) ||
	       is_number(wanted, peek_user(peek->uri));
}


static bool is_phone(const struct trace_filter *f, const struct peek *peek,
		     const struct addr *remote)
{
	return is_one_of(f->phone_addrs, f->phone_addrc, remote) ||
	       has_number(f->phone, peek);
}


bool trace_fits(const struct trace_filter *f, const struct peek *peek,
		const struct addr *local, const struct addr *remote)
{
	if (f->is_registration && !text_is(peek->method, "REGISTER"))
		return false;
	if (f->method[0] && !text_is_nocase(peek->method, f->method))
		return false;
	if (f->ip.addr.family && !prefix_has(&f->ip, remote) &&
	    !prefix_has(&f->ip, local))
		return false;
	if (f->gateway[0] &&
	    !is_one_of(f->gateway_addrs, f->gateway_addrc, remote))
		return false;
	if (f->call_id[0] && !text_is(peek->call_id, f->call_id))
		return false;
	if (f->number[0] && !has_number(f->number, peek))
		return false;

	return !f->phone[0] || is_phone(f, peek, remote);
}
