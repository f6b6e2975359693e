/**
 * @file shared/catalog/number.h  Numbers, dial plans, number patterns
 *
 * What a number is after it was taken from a header, how a dial plan rewrites
 * it, and which pattern it fits. All here is pure.
 */
#ifndef TANDEM_CATALOG_NUMBER_H
#define TANDEM_CATALOG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"
#include "shared/catalog/rows.h"

struct number {
	char text[CAT_NUMBER_MAX + 1]; /**< Cut to its first 40 bytes */
	uint8_t len;
	bool is_valid; /**< Not empty, was not cut, characters of a number */
};

/**
 * The original number: a user part or display name, cleaned up
 *
 * Percent-decoding; then everything from ';' on, blanks and the signs - . ( )
 * are dropped, and one leading '+'. A byte that is a control character or not
 * UTF-8 becomes '?': what is left may be logged and recorded, and a cut leaves
 * whole characters.
 */
void number_clean(struct number *number, struct text user);

/** Letters, digits, * # _; 1 to 40 of them */
bool number_is_valid(struct text number);
bool number_has_char(char c);

/** A dial plan where it lies */
struct number_plan {
	const struct cat_dial *rows;
	size_t rowc;
	const uint8_t *heap;
	size_t heap_size;
};

/**
 * Rewrite a number by a dial plan
 *
 * The fitting pattern with most characters before its '*' wins; of equal ones
 * one without '*', then the first. If none fits, the number is copied. A row
 * that points outside the heap fits nothing.
 *
 * @param size Of dst; a result that does not fit is not written
 *
 * @return 0, or EOVERFLOW: the result is longer than a number may be
 */
int number_rewrite(char *dst, size_t size, const struct number_plan *plan,
		   struct text number);

/** Digits, letters, # _ +, and '*' at the end alone: the start of a number */
bool number_pattern_is_valid(struct text pattern);

/** Without '*' at the end: the same number; with it: that start, or it alone */
bool number_pattern_fits(struct text pattern, struct text number);

#endif
