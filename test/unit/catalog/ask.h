/**
 * @file test/unit/catalog/ask.h  Ask a version everything there is to ask
 */
#ifndef TANDEM_TEST_UNIT_CATALOG_ASK_H
#define TANDEM_TEST_UNIT_CATALOG_ASK_H

#include "shared/catalog/catalog.h"

/** What it answers is not looked at: it may be damaged, and has only to
 *  answer. Rows are printed too.
 *  @return something that depends on all answers */
uintptr_t ask_everything(const struct catalog *c);

#endif
