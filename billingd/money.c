/**
 * @file billingd/money.c  Amounts as operators see and type them
 */
#include <assert.h>
#include <string.h>

#include "billingd/money.h"
#include "shared/base/text.h"


const char *money_print(char text[MONEY_TEXT_SIZE], int64_t micros,
			unsigned decimals)
{
	char *point;
	size_t l, have;

	assert(decimals <= MONEY_DECIMALS);
	(void)text_print_fixed(text, MONEY_TEXT_SIZE, micros, MONEY_DECIMALS);
	point = strchr(text, '.');
	l = strlen(text);
	have = point ? l - (size_t)(point - text) - 1 : 0;
	if (!point && decimals > 0)
		text[l++] = '.';
	for (; have < decimals; have++)
		text[l++] = '0';
	text[l] = '\0';

	return text;
}


json_t *money_json(int64_t micros, unsigned decimals)
{
	char text[MONEY_TEXT_SIZE];

	return json_string(money_print(text, micros, decimals));
}
