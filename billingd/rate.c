/**
 * @file billingd/rate.c  What seconds cost
 */
#include <assert.h>
#include <inttypes.h>

#include "billingd/rate.h"
#include "shared/base/text.h"

enum {
	MINUTE_S = 60,
	MS_US = 1000,
	DROPPED_MS = 50, /* billing 4.1 */
	DECIMALS = 6,    /* Of a micro-unit */
	SHOWN_MORE = 6,  /* Digits of an exact fee behind these */
};

static const int64_t unit_micros = 1000000;

__extension__ typedef __int128 wide;


int64_t rate_seconds(int64_t duration_us)
{
	const int64_t ms = duration_us > 0 ? duration_us / MS_US : 0;
	const int64_t seconds = ms / 1000 + (ms % 1000 > DROPPED_MS);

	return seconds < RATE_SECONDS_MAX ? seconds : RATE_SECONDS_MAX;
}


int64_t rate_step(int64_t unit, unsigned decimals)
{
	int64_t last = unit_micros;

	while (decimals-- > 0 && last > 1)
		last /= 10;

	return unit > last ? unit : last;
}


int64_t rate_charged(const struct rate_terms *terms, int64_t seconds)
{
	if (seconds > RATE_SECONDS_MAX)
		seconds = RATE_SECONDS_MAX;

	return seconds > terms->free_s ? seconds - terms->free_s : 0;
}


int64_t rate_billed(const struct rate_terms *terms, int64_t charged)
{
	int64_t more;

	assert(terms->first > 0 && terms->next > 0);
	if (charged <= 0)
		return 0;
	if (charged <= terms->first)
		return terms->first;

	more = charged - terms->first + terms->next - 1;

	return terms->first + more / terms->next * terms->next;
}


/* In sixtieths of a micro-unit: exact. */
static wide exact(const struct rate_terms *terms, int64_t seconds)
{
	const int64_t charged = rate_charged(terms, seconds);

	if (charged == 0)
		return 0;

	return (wide)terms->connect_fee * MINUTE_S +
	       (wide)terms->rate * rate_billed(terms, charged);
}


/* Half up. */
static int64_t nearest(wide amount, wide step)
{
	return (int64_t)((2 * amount + step) / (2 * step));
}


int64_t rate_fee(const struct rate_terms *terms, int64_t seconds)
{
	const wide fee = exact(terms, seconds);
	int64_t steps;

	assert(terms->step > 0);
	if (fee == 0)
		return 0;
	steps = nearest(fee, (wide)terms->step * MINUTE_S);

	return (steps > 0 ? steps : 1) * terms->step;
}


int64_t rate_afford(const struct rate_terms *terms, int64_t money,
		    int64_t from, int64_t to)
{
	while (from <= to) {
		const int64_t middle = from + (to - from) / 2;

		if (rate_fee(terms, middle) <= money)
			from = middle + 1;
		else
			to = middle - 1;
	}

	return from - 1;
}


int64_t rate_part(int64_t amount, int64_t parts, int64_t whole, int64_t step)
{
	assert(amount >= 0 && parts >= 0 && whole > 0 && step > 0);

	return nearest((wide)amount * parts, (wide)step * whole) * step;
}


const char *rate_exact(char text[RATE_EXACT_SIZE],
		       const struct rate_terms *terms, int64_t seconds)
{
	const wide fee = exact(terms, seconds);
	const int64_t micros = (int64_t)(fee / MINUTE_S);
	int64_t rest = (int64_t)(fee % MINUTE_S);
	char more[SHOWN_MORE + 1];
	size_t l = 0, end;

	for (; rest > 0 && l < SHOWN_MORE; l++) {
		rest *= 10;
		more[l] = (char)('0' + rest / MINUTE_S);
		rest %= MINUTE_S;
	}
	more[l] = '\0';
	(void)text_print(text, RATE_EXACT_SIZE,
			 "%" PRId64 ".%0*" PRId64 "%s%s", micros / unit_micros,
			 DECIMALS, micros % unit_micros, more,
			 rest > 0 ? "..." : "");
	if (rest > 0)
		return text;

	for (end = text_of(text).l; end > 1 && text[end - 1] == '0'; end--)
		text[end - 1] = '\0';
	if (text[end - 1] == '.')
		text[end - 1] = '\0';

	return text;
}
