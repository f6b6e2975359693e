/**
 * @file billingd/account.c  Money that this node may spend
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "billingd/account_int.h"
#include "billingd/unpack.h"

enum {
	EXPECTED = 1024
};


static struct account *account_of(struct map_link *link)
{
	return (struct account *)((char *)link -
				  offsetof(struct account, link));
}


int accounts_alloc(struct accounts **accountsp)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));
	int err;

	if (!accounts)
		return ENOMEM;

	err = map_alloc(&accounts->by_id, EXPECTED);
	if (!err)
		err = map_alloc(&accounts->holds, EXPECTED);
	if (err)
		accounts_free(accounts);
	else
		*accountsp = accounts;

	return err;
}


static int forget_account(struct map_link *link, void *arg)
{
	struct accounts *accounts = arg;

	map_remove(accounts->by_id, link);
	free(account_of(link));

	return 0;
}


static int forget_hold(struct hold *hold, void *arg)
{
	hold_forget(arg, hold);

	return 0;
}


struct accounts *accounts_free(struct accounts *accounts)
{
	if (!accounts)
		return NULL;

	if (accounts->holds)
		(void)holds_walk(accounts, forget_hold, accounts);
	if (accounts->by_id)
		(void)map_walk(accounts->by_id, forget_account, accounts);
	map_free(accounts->holds);
	map_free(accounts->by_id);
	while (accounts->unused) {
		struct hold *hold = accounts->unused;

		accounts->unused = hold->open;
		free(hold);
	}
	free(accounts);

	return NULL;
}


struct account *account_find(const struct accounts *accounts, uint32_t id)
{
	struct map_link *link = map_find(accounts->by_id, &id, sizeof(id));

	return link ? account_of(link) : NULL;
}


int account_get(struct account **accountp, struct accounts *accounts,
		uint32_t id)
{
	struct account *account = account_find(accounts, id);
	int err;

	if (account) {
		*accountp = account;
		return 0;
	}

	account = calloc(1, sizeof(*account));
	if (!account)
		return ENOMEM;
	account->id = id;
	account->cap = CAT_NEVER;
	account->last_askp = &account->first_ask;
	err = map_add(accounts->by_id, &account->link, &account->id,
		      sizeof(account->id));
	if (err)
		free(account);
	else
		*accountp = account;

	return err;
}


/* Holds come from a journal, too: a sum that cannot be is none. */
int64_t account_free(const struct account *account)
{
	const int64_t left = account->granted - account->settled -
			     account->held;

	return left > 0 ? left : 0;
}


void account_granted(struct account *account, int64_t total)
{
	if (total > account->granted)
		account->granted = total;
}


void account_leased(struct account *account, int64_t granted, int64_t settled)
{
	account_granted(account, granted);
	if (settled > account->settled)
		account->settled = settled;
}


int64_t account_give(struct account *account, int64_t amount)
{
	const int64_t most = account_free(account);
	const int64_t given = amount < most ? amount : most;

	if (given <= 0)
		return 0;
	account->settled += given;

	return given;
}


struct walk {
	account_h *h;
	void *arg;
};


static int on_account(struct map_link *link, void *arg)
{
	const struct walk *walk = arg;

	return walk->h(account_of(link), walk->arg);
}


int accounts_walk(struct accounts *accounts, account_h *h, void *arg)
{
	struct walk walk = { h, arg };

	return map_walk(accounts->by_id, on_account, &walk);
}


/* --- the journal ---------------------------------------------------------- */

void lease_put(Tandem__Lease *to, const struct account *account)
{
	tandem__lease__init(to);
	to->account = account->id;
	to->granted = account->granted;
	to->settled = account->settled;
}


int accounts_replay_lease(struct accounts *accounts, const void *payload,
			  size_t len, uint64_t seq)
{
	Tandem__Lease *lease;
	struct account *account;
	int err;

	lease = unpack(&tandem__lease__descriptor, payload, len, &err);
	if (!lease)
		return err;
	err = lease->account && lease->settled >= 0 &&
			      lease->granted >= lease->settled
		      ? account_get(&account, accounts, lease->account)
		      : EBADMSG;
	if (!err) {
		account_leased(account, lease->granted, lease->settled);
		account->lease_seq = seq;
	}
	tandem__lease__free_unpacked(lease, NULL);

	return err;
}
