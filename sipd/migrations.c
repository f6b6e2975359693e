/**
 * @file sipd/migrations.c  From the layouts of the release before, and back
 *
 * There is no release before this one. One that raises a version of
 * call_slot.h, blob.h, lines.h or authn.h has a row for it here, and one for
 * the way back (test/component/next shows both).
 */
#include "sipd/migrations.h"

const struct shm_migration *const sipd_migrations = NULL;
const size_t sipd_migrationc = 0;
