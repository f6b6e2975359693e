/**
 * @file billingd/spend.c  What the calls of an account may cost a day
 *
 * A call counts whole for the day on which it ends, and what is promised to
 * those that run counts for today: so at midnight it is not promised a second
 * time, and what the records of one day cost in all is never more than the
 * cap was.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "billingd/account.h"
#include "billingd/unpack.h"

enum {
	SECOND_US = 1000000,
	YEAR_0 = 1900,
};

static const int64_t most_money = INT64_MAX / 4;


/* --- days ----------------------------------------------------------------- */

static bool local_of(struct tm *tm, int64_t wall_us)
{
	const time_t at = (time_t)(wall_us / SECOND_US);

	return wall_us > 0 && localtime_r(&at, tm);
}


uint32_t spend_day(int64_t wall_us)
{
	struct tm tm;

	if (!local_of(&tm, wall_us))
		return 0;

	return (uint32_t)(tm.tm_year + YEAR_0) * 10000 +
	       (uint32_t)(tm.tm_mon + 1) * 100 + (uint32_t)tm.tm_mday;
}


int64_t spend_day_begins(int64_t wall_us)
{
	struct tm tm;
	time_t at;

	if (!local_of(&tm, wall_us))
		return 0;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	at = mktime(&tm);

	return at > 0 ? (int64_t)at * SECOND_US : 0;
}


/* A clock that steps back does not make yesterday's money free again. */
static void begin_day(struct account *account, uint32_t day)
{
	if (day <= account->day)
		return;
	account->day = day;
	account->spent = 0;
	account->spent_seq = 0;
}


/* --- sums ----------------------------------------------------------------- */

void account_cap(struct account *account, int64_t cap, uint32_t day)
{
	account->cap = cap;
	begin_day(account, day);
}


int64_t account_cap_left(const struct account *account)
{
	int64_t left;

	if (account->cap == CAT_NEVER)
		return most_money;
	left = account->cap - account->spent - account->promised;

	return left > 0 ? left : 0;
}


static int64_t sum_of(int64_t a, int64_t b)
{
	return a > most_money - b ? most_money : a + b;
}


void account_spend(struct account *account, int64_t fee, uint32_t day,
		   uint64_t seq)
{
	begin_day(account, day);
	if (fee <= 0 || day != account->day)
		return;
	account->spent = sum_of(account->spent,
				fee < most_money ? fee : most_money);
	if (!account->spent_seq)
		account->spent_seq = seq;
}


bool account_spent(struct account *account, int64_t amount, uint32_t day)
{
	begin_day(account, day);
	if (day != account->day || amount <= account->spent)
		return false;
	account->spent = amount < most_money ? amount : most_money;

	return true;
}


/* --- the journal ---------------------------------------------------------- */

void spent_put(Tandem__Spent *to, const struct account *account)
{
	tandem__spent__init(to);
	to->account = account->id;
	to->day = account->day;
	to->amount = account->spent;
}


/* It stands for all that is before it. */
static int replay_spent(struct accounts *accounts, const Tandem__Spent *spent,
			uint64_t seq)
{
	struct account *account;

	if (spent->account == 0 || spent->amount < 0)
		return EBADMSG;
	if (account_get(&account, accounts, spent->account))
		return ENOMEM;
	(void)account_spent(account, spent->amount, spent->day);
	if (spent->day == account->day)
		account->spent_seq = seq;

	return 0;
}


int accounts_replay_spent(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq)
{
	Tandem__Spent *spent;
	int err;

	spent = unpack(&tandem__spent__descriptor, payload, len, &err);
	if (!spent)
		return err;
	err = replay_spent(accounts, spent, seq);
	tandem__spent__free_unpacked(spent, NULL);

	return err;
}
