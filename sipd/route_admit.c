/**
 * @file sipd/route_admit.c  May this call be made at all?
 *
 * call-setup 3, rows 1 to 6, a function each, in their order. Nothing is taken
 * here: lines and rates are looked at, and taken by the call when it is
 * certain.
 */
#include "shared/base/util.h"
#include "sipd/route.h"

enum {
	RETRY_SWITCH_S = 5, /* Row 2 */
	RETRY_CALLER_S = 1  /* Row 4 */
};

/* Words of fields, in their order */
enum {
	LOCK_NONE,
	LOCK_ALL
};
enum {
	STATUS_NORMAL,
	STATUS_LOCKED
};

struct admission {
	const struct route_view *v;
	const struct cat_mapping *mapping; /* NULL: a phone calls */
	const struct cat_phone *phone;     /* NULL: a gateway calls */
	struct text caller, called;
	bool is_called_valid;
	bool is_overloaded;
};


static bool is_switch_full(const struct route_view *v, bool is_overloaded)
{
	const int64_t calls = catalog_int(v->c, SS_MAX_CALLS);
	const int64_t cps = catalog_int(v->c, SS_MAX_CPS);

	return is_overloaded ||
	       (calls > 0 && v->lines(LINES_ALL, 1, v->arg) >= calls) ||
	       (cps > 0 && !v->rate_left(LINES_ALL, 1, (uint32_t)cps, v->arg));
}


uint32_t route_retry_after_s(const struct route_view *v, bool is_overloaded)
{
	return is_switch_full(v, is_overloaded) ? RETRY_SWITCH_S
						: RETRY_CALLER_S;
}


static bool is_callee_bad(const struct admission *a)
{
	return !a->is_called_valid;
}


static bool is_full(const struct admission *a)
{
	return is_switch_full(a->v, a->is_overloaded);
}


static bool is_barred(const struct admission *a)
{
	return a->mapping ? a->mapping->gw.lock == LOCK_ALL
			  : !a->phone->enabled;
}


static const struct cat_account *account_of(const struct admission *a)
{
	return catalog_by_id(a->v->c, RECORD_ACCOUNT,
			     a->mapping ? a->mapping->gw.account
					: a->phone->account);
}


static bool are_used_up(const struct route_view *v, enum lines_kind kind,
			uint32_t id, int32_t limit)
{
	return limit > 0 && v->lines(kind, id, v->arg) >= (uint32_t)limit;
}


static bool has_no_line(const struct admission *a)
{
	const struct route_view *v = a->v;
	const struct cat_account *account = account_of(a);
	const struct cat_gateway *gw;
	uint32_t id;

	if (account && are_used_up(v, LINES_ACCOUNT, account->row.id,
				   account->line_limit))
		return true;
	if (a->phone)
		return are_used_up(v, LINES_PHONE, a->phone->row.id,
				   a->phone->line_limit);

	gw = &a->mapping->gw;
	id = gw->row.id;
	if (are_used_up(v, LINES_MAPPING, id, gw->line_limit))
		return true;
	if (gw->group &&
	    !route_group_has_line(v, gw->group, LINES_MAPPING, id))
		return true;

	return gw->cps_limit > 0 &&
	       !v->rate_left(LINES_MAPPING, id, (uint32_t)gw->cps_limit,
			     v->arg);
}


static bool is_listed(const struct admission *a)
{
	return catalog_lists_number(a->v->c, CAT_CALLER_BLACK, a->caller) ||
	       catalog_lists_number(a->v->c, CAT_CALLEE_BLACK, a->called);
}


static bool is_account_locked(const struct admission *a)
{
	const struct cat_account *account = account_of(a);

	return !account || account->status == STATUS_LOCKED;
}


enum end_reason route_admit(const struct route_view *v,
			    const struct route_caller *caller,
			    const struct number *caller_number,
			    const struct number *called, bool is_overloaded)
{
	static const struct {
		bool (*failsh)(const struct admission *a);
		enum end_reason reason;
	} rows[] = {
		{ is_callee_bad, END_NUMBER_INVALID },
		{ is_full, END_CAPACITY_LIMIT },
		{ is_barred, END_ACCOUNT_LOCKED },
		{ has_no_line, END_CAPACITY_LIMIT },
		{ is_listed, END_BLACKLISTED },
		{ is_account_locked, END_ACCOUNT_LOCKED },
	};
	struct admission a = {
		.v = v,
		.caller = { caller_number->text, caller_number->len },
		.called = { called->text, called->len },
		.is_called_valid = called->is_valid,
		.is_overloaded = is_overloaded,
	};

	if (caller->kind == RECORD_MAPPING)
		a.mapping = catalog_by_id(v->c, RECORD_MAPPING, caller->id);
	else if (caller->kind == RECORD_PHONE)
		a.phone = catalog_by_id(v->c, RECORD_PHONE, caller->id);
	/* Removed since it was identified */
	if (!a.mapping && !a.phone)
		return END_UNAUTHORIZED_SOURCE;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].failsh(&a))
			return rows[i].reason;
	}

	return END_NONE;
}
