/**
 * @file sipd/call_phone.c  A call to a phone
 */
#include "shared/base/util.h"
#include "sipd/call_phone.h"
#include "sipd/fork.h"
#include "sipd/media.h"
#include "sipd/view.h"


static void exhausted(struct call *call, enum end_reason reason)
{
	call_end_with(call, reason);
	call_handle(call, EV_EXHAUSTED);
}


static bool is_busy(const struct call *call, const struct cat_phone *phone)
{
	return phone->line_limit > 0 &&
	       lines_used(call->sipd->lines, LINES_PHONE, phone->row.id) >=
		       (uint32_t)phone->line_limit;
}


void call_aim(struct call *call, const struct flow *flow)
{
	struct setup *setup = call->setup;
	struct addr ip = flow->remote;
	char text[ADDR_TEXT_MAX];

	setup->to = *flow;
	setup->target_port = ip.port;
	ip.port = 0;
	(void)text_print(setup->target_host, sizeof(setup->target_host),
			 ip.family == AF_INET6 ? "[%s]" : "%s",
			 addr_print(&ip, text));
}


void call_phone(struct call *call, const struct view *view, uint32_t id,
		const struct sdp *offer)
{
	const struct cat_phone *phone = catalog_by_id(view->route.c,
						      RECORD_PHONE, id);
	struct device devices[BINDINGS_PER_TERMINAL];
	size_t count;

	call->i.phone_b = id;
	count = phone && phone->enabled
			? bindings_devices(call->sipd, RECORD_PHONE, id,
					   devices, COUNT_OF(devices))
			: 0;
	if (!count) {
		exhausted(call, END_NOT_REGISTERED);
		return;
	}
	if (is_busy(call, phone)) {
		exhausted(call, END_CALLEE_BUSY);
		return;
	}
	if (call_phone_lines_take(call) || forks_alloc(call, devices, count)) {
		exhausted(call, END_INTERNAL_ERROR);
		return;
	}

	call_aim(call, &devices[0].flow);
	media_prepare(call, view->route.c, offer);
}


uint32_t call_phone_ringing_s(const struct call *call, const struct catalog *c)
{
	const struct cat_phone *phone = catalog_by_id(c, RECORD_PHONE,
						      call->i.phone_b);

	return !phone || phone->ringing_timeout == CAT_INHERIT
		       ? call->i.params.t4_s
		       : (uint32_t)phone->ringing_timeout;
}
