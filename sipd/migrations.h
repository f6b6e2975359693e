/**
 * @file sipd/migrations.h  From the layouts of the release before, and back
 */
#ifndef TANDEM_SIPD_MIGRATIONS_H
#define TANDEM_SIPD_MIGRATIONS_H

#include "shared/shm/migrate.h"

extern const struct shm_migration *const sipd_migrations;
extern const size_t sipd_migrationc;

#endif
