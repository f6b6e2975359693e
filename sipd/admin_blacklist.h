/**
 * @file sipd/admin_blacklist.h  blacklist list, add, remove
 */
#ifndef TANDEM_SIPD_ADMIN_BLACKLIST_H
#define TANDEM_SIPD_ADMIN_BLACKLIST_H

#include "shared/svc/admin.h"

int cmd_blacklist_list(void *state, const json_t *args,
		       struct admin_answer *answer);
int cmd_blacklist_add(void *state, const json_t *args,
		      struct admin_answer *answer);
int cmd_blacklist_remove(void *state, const json_t *args,
			 struct admin_answer *answer);

#endif
