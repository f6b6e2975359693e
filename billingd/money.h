/**
 * @file billingd/money.h  Amounts as operators see and type them
 */
#ifndef TANDEM_BILLINGD_MONEY_H
#define TANDEM_BILLINGD_MONEY_H

#include <stdint.h>

#include <jansson.h>

enum {
	MONEY_TEXT_SIZE = 32,
	MONEY_DECIMALS = 6,
};

/** With so many decimals, or more if it needs them: 40000 with 4 is
 *  "0.0400" */
const char *money_print(char text[MONEY_TEXT_SIZE], int64_t micros,
			unsigned decimals);
json_t *money_json(int64_t micros, unsigned decimals);

#endif
