/**
 * @file shared/catalog/param.c  The table of parameters
 *
 * params.def becomes the table; what may stand in its columns is defined here.
 * How text becomes a value is in param_parse.c.
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/param.h"
#include "shared/catalog/rows.h"

/* --- the column "allowed": what is checked, and what is said of it -------- */

#define RANGE(lo, hi) .min = (lo), .max = (hi), .allowed = #lo "-" #hi
#define RANGE_BUT(lo, hi, said) \
	.min = (lo), .max = (hi), .allowed = #lo "-" #hi ", " said
/* Words beside a range */
#define OR(words_, said, lo, hi)                     \
	.words = (words_), .min = (lo), .max = (hi), \
	.allowed = said ", " #lo "-" #hi
#define WORDS(words_, said) .words = (words_), .allowed = (said)
#define ON_OFF              .max = 1, .allowed = "On, Off"
#define ONE_ZERO            .max = 1, .allowed = "1, 0"
/* Bytes of a text */
#define LENGTH(lo, hi, said) .min = (lo), .max = (hi), .allowed = (said)
/* So many elements at most, each a number in the range or so many bytes */
#define LIST_OF(most, lo, hi, said) \
	.list_max = (most), .min = (lo), .max = (hi), .allowed = (said)
#define SPAN(lo, hi, least, said) \
	.min = (lo), .max = (hi), .span = (least), .allowed = (said)
#define DECIMALS(count, lo, hi, said) \
	.decimals = (count), .min = (lo), .max = (hi), .allowed = (said)
/* 10^12 in either direction: sums of such amounts are far from overflow. */
#define AMOUNT(words_, said)                                           \
	.words = (words_), .decimals = 6, .min = -1000000000000000000, \
	.max = 1000000000000000000, .allowed = (said)

/* --- the column "scope" ---------------------------------------------------- */

#define SYSTEM                  .scope = "S"
#define FIELD(kinds, override_) .scope = (kinds), .override = (override_)

/* clang-format off */
#define PARAM(name_, type_, def_, allowed_, unit_, scope_, from_, help_) \
	[name_] = { .name = #name_, .type = PARAM_##type_, .def = (def_), \
		    allowed_, .unit = (unit_), scope_, \
		    .from = PARAM_FROM_##from_, .help = (help_) },
/* clang-format on */

const struct param_def params[PARAMC] = {
#include "shared/catalog/params.def"
};

const char *const param_from_text[PARAM_FROMC] = {
	[PARAM_FROM_CALLS] = "calls that arrive later",
	[PARAM_FROM_SESSIONS] = "authentication sessions that begin later",
	[PARAM_FROM_REGISTRATIONS] = "registrations handled later",
	[PARAM_FROM_CALLS_AND_REGISTRATIONS] =
		"calls and registrations that come later",
	[PARAM_FROM_NOW] = "everything, at once or from the next cycle",
};


int param_find(enum param *paramp, struct text name)
{
	for (int p = 0; p < PARAMC; p++) {
		if (text_is(name, params[p].name)) {
			*paramp = (enum param)p;
			return 0;
		}
	}

	return ENOENT;
}


int param_agree(const struct param_value *const values[PARAMC],
		char why[PARAM_WHY_MAX])
{
	const struct param_value *first = values[SERVER_BILLING_RESERVE_FIRST];
	const struct param_value *max = values[SERVER_BILLING_RESERVE_MAX];

	if (max->number >= first->number)
		return 0;

	(void)text_print(why, PARAM_WHY_MAX,
			 "SERVER_BILLING_RESERVE_MAX: %s is not allowed "
			 "(not below SERVER_BILLING_RESERVE_FIRST, %s)",
			 max->text, first->text);

	return EINVAL;
}


size_t param_stores(enum param stores[2], enum param param, const char *text,
		    const struct param_value *timer)
{
	int64_t n;

	stores[0] = param;
	if (param == SS_SESSION_TIMER && text &&
	    text_i64(&n, text_trim(text_of(text)), 1, INT64_MAX) == 0) {
		stores[1] = SS_SIP_SESSION_TTL;
		return 2;
	}
	/* Off stays off, and "with the TTL as it stands" stays that. */
	if (param == SS_SIP_SESSION_TTL && timer->number > 0) {
		stores[1] = SS_SESSION_TIMER;
		return 2;
	}

	return 1;
}
