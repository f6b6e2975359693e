/**
 * @file shared/catalog/record_parse_time.c  Times, days and hours
 */
#include <errno.h>
#include <string.h>

#include "shared/catalog/record_form.h"


static struct text after(struct text t, size_t n)
{
	return (struct text){ t.p + n, t.l - n };
}


/* A number of exactly so many digits, cut off t */
static int take_digits(struct text *t, size_t digits, uint32_t min,
		       uint32_t max, uint32_t *vp)
{
	int err;

	if (t->l < digits)
		return EBADMSG;
	err = text_u32(vp, (struct text){ t->p, digits }, min, max);
	*t = after(*t, digits);

	return err;
}


static bool take_char(struct text *t, const char *any)
{
	if (t->l == 0 || t->p[0] == '\0' || !strchr(any, t->p[0]))
		return false;
	*t = after(*t, 1);

	return true;
}


static bool is_leap(uint32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}


/* Days since 1970 of a day that exists; false if it does not */
static bool days_of(int64_t *daysp, uint32_t year, uint32_t month,
		    uint32_t day)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30,
					   31, 31, 30, 31, 30, 31 };
	const int64_t past = (int64_t)year - 1;
	int64_t days = past * 365 + past / 4 - past / 100 + past / 400;

	for (uint32_t m = 1; m <= month; m++) {
		const uint32_t length = lengths[m - 1] +
					(m == 2 && is_leap(year) ? 1u : 0u);

		if (m == month && day > length)
			return false;
		days += m < month ? length : day - 1;
	}
	*daysp = days - 719162; /* of the years 1 to 1969 */

	return true;
}


/* 2026-01-01 */
static int take_date(struct text *t, int64_t *daysp)
{
	uint32_t year, month, day;

	if (take_digits(t, 4, 1, 9999, &year) || !take_char(t, "-") ||
	    take_digits(t, 2, 1, 12, &month) || !take_char(t, "-") ||
	    take_digits(t, 2, 1, 31, &day))
		return EBADMSG;

	return days_of(daysp, year, month, day) ? 0 : EBADMSG;
}


/* RFC 3339 5.6, at UTC, whole seconds. Leap seconds have no number. */
int record_parse_time(struct record_item *item,
		      const struct record_field *field, struct text t)
{
	uint32_t hour = 0, minute = 0, second = 0;
	int64_t days, seconds;

	if (record_parse_open(item, field, t))
		return 0;
	if (take_date(&t, &days))
		return EBADMSG;
	if (t.l > 0 &&
	    (!take_char(&t, "Tt ") || take_digits(&t, 2, 0, 23, &hour) ||
	     !take_char(&t, ":") || take_digits(&t, 2, 0, 59, &minute) ||
	     !take_char(&t, ":") || take_digits(&t, 2, 0, 59, &second) ||
	     !(text_is_nocase(t, "Z") || text_is(t, "+00:00"))))
		return EBADMSG;

	seconds = days * 86400 + (int64_t)hour * 3600 + (int64_t)minute * 60 +
		  second;
	if (seconds < field->min || seconds > field->max)
		return ERANGE;
	item->number = seconds;

	return 0;
}


static int day_of(struct text t)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu",
					    "fri", "sat", "sun" };

	for (int i = 0; i < (int)COUNT_OF(days); i++)
		if (text_is_nocase(t, days[i]))
			return i;

	return -1;
}


/* "mon-fri", "sat", "sat-mon": days round the week, as bits */
static int parse_days(uint8_t *daysp, struct text t)
{
	struct text head, rest;
	const bool is_range = text_cut(t, '-', &head, &rest);
	const int first = day_of(head);
	const int last = is_range ? day_of(rest) : first;
	uint8_t days = 0;

	if (first < 0 || last < 0)
		return EBADMSG;
	for (int day = first; day != last; day = (day + 1) % 7)
		days |= (uint8_t)(1 << day);
	*daysp = (uint8_t)(days | 1 << last);

	return 0;
}


/* "08:00", "8:00", "24:00" */
static int parse_minute(uint16_t *minutep, struct text t)
{
	struct text head, rest;
	uint32_t hour, minute;

	if (!text_cut(t, ':', &head, &rest) || head.l > 2 || rest.l != 2 ||
	    text_u32(&hour, head, 0, 24) || text_u32(&minute, rest, 0, 59) ||
	    (hour == 24 && minute != 0))
		return EBADMSG;
	*minutep = (uint16_t)(hour * 60 + minute);

	return 0;
}


static struct text take_word(struct text *t)
{
	struct text word;

	(void)text_cut(*t, ' ', &word, t);
	*t = text_trim(*t);

	return word;
}


/* "mon-fri 08:00-20:00 400" */
int record_parse_hours(struct record_item *item,
		       const struct record_field *field, struct text t)
{
	struct cat_hours *hours = &item->u.hours;
	const struct text days = take_word(&t), day = take_word(&t);
	struct text from, to;
	(void)field;

	if (parse_days(&hours->days, days) ||
	    !text_cut(day, '-', &from, &to) ||
	    parse_minute(&hours->from, from) || parse_minute(&hours->to, to))
		return EBADMSG;
	if (hours->from >= hours->to)
		return ERANGE;

	return text_u32(&hours->lines, t, 0, 1000000);
}
