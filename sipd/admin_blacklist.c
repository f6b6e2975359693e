/**
 * @file sipd/admin_blacklist.c  blacklist list, add, remove
 */
#include "shared/catalog/catalog.h"
#include "shared/svc/svc.h"
#include "sipd/admin_blacklist.h"
#include "sipd/blacklist_cmd.h"
#include "sipd/guard.h"
#include "sipd/sipd.h"

enum {
	SECONDS = 600 /* Until there is a configuration */
};


int cmd_blacklist_list(void *state, const json_t *args,
		       struct admin_answer *answer)
{
	const struct sipd *sipd = state;

	return blacklist_cmd_list(sipd->guard, ev_now_us(sipd->ev), args,
				  answer);
}


static void note(const struct sipd *sipd, const char *verb,
		 const struct admin_answer *answer)
{
	if (!answer->code)
		log_notice(sipd->log, "command cmd=blacklist.%s operator=%s",
			   verb, answer->asker->name);
}


int cmd_blacklist_add(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const struct sipd *sipd = state;
	const struct catalog *c = catalog_pin(svc_catalog(sipd->svc));
	uint32_t seconds = SECONDS;
	int err;

	if (c) {
		seconds = (uint32_t)catalog_int(c, SS_SECURITY_BLACKLIST_TIME);
		catalog_unpin(svc_catalog(sipd->svc), c);
	}
	err = blacklist_cmd_add(sipd->guard, seconds, ev_now_us(sipd->ev),
				args, answer);
	note(sipd, "add", answer);

	return err;
}


int cmd_blacklist_remove(void *state, const json_t *args,
			 struct admin_answer *answer)
{
	const struct sipd *sipd = state;
	const int err = blacklist_cmd_remove(sipd->guard, ev_now_us(sipd->ev),
					     args, answer);

	note(sipd, "remove", answer);

	return err;
}
