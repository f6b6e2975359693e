/**
 * @file shared/catalog/record_form.h  The forms a value takes, inside
 *
 * Not for users: record.h is.
 *
 * Between text and row lies an item: a value, or one element of a list, taken
 * apart. Each type has a row in three tables: text to item (record_parse.c),
 * item to row (record_put.c), row to item and item to text (record_print.c).
 * The check of a value prints the item it parsed with the same function that
 * prints a row, so there is one canonical text.
 */
#ifndef TANDEM_CATALOG_RECORD_FORM_H
#define TANDEM_CATALOG_RECORD_FORM_H

#include "shared/base/addr.h"
#include "shared/catalog/record.h"

enum {
	MONEY_DECIMALS = 6,
	PERCENT_DECIMALS = 4,
	REST_NOWHERE = 255, /**< cat_dial.rest_at */
};

/** What is set depends on the type. Not to be copied: text may point to addr.
 */
struct record_item {
	struct text text;   /**< A text; name, pattern, host, realm */
	struct text second; /**< Replacement of a dial plan's row */
	int64_t number;
	union {
		struct cat_dial dial;
		struct cat_source source;
		struct cat_target target;
		struct cat_hours hours;
		struct cat_cause cause;
		struct cat_ha1 ha1;
	} u; /**< Without its texts */
	char addr[ADDR_TEXT_MAX];
};

/** @return 0, EBADMSG, ERANGE */
typedef int(record_parse_h)(struct record_item *item,
			    const struct record_field *field, struct text t);

struct record_parser {
	record_parse_h *h;
	char separator;      /**< Of a list; 0: a single value */
	const char *none;    /**< Word for an empty list; NULL: only "" is */
	bool is_secret;      /**< Never in a message */
	const char *allowed; /**< For people, unless it follows from the row */
};

extern const struct record_parser record_parsers[RECORD_TYPEC];

record_parse_h record_parse_time, record_parse_hours;
record_parse_h record_parse_ha1, record_parse_sealed;

/** Is it the word for a field that is left open? Then the item holds it. */
bool record_parse_open(struct record_item *item,
		       const struct record_field *field, struct text t);

/** Of a field that may be left open: "inherit", "unlimited", "none" */
const char *record_open_word(const struct record_field *field);
/** Of one that may not, too: what an int64_t or int32_t holds for it */
int64_t record_open_number(const struct record_field *field);

/** The nth word of an enum; an empty text if there are not so many */
struct text record_word(const struct record_field *field, int64_t n);

/** "field: value is not allowed (...)" @param err ERANGE, EBADMSG; returns
 *  EINVAL */
int record_refuse(const struct record_field *field, struct text value, int err,
		  char why[RECORD_WHY_MAX]);

/**
 * Take a value apart
 *
 * @param h Called for each item; not for an empty list
 *
 * @return 0, EINVAL (why), or what h returned (its business to say why)
 */
typedef int(record_item_h)(const struct record_item *item, void *arg);
int record_each(const struct record_field *field, struct text value,
		record_item_h *h, void *arg, char why[RECORD_WHY_MAX]);

/** Text that grows; the first failure stays in err */
struct record_out {
	char *p;
	size_t len;
	size_t size;
	int err;
};

void record_out_text(struct record_out *out, struct text t);
void record_out_item(struct record_out *out, const struct record_field *field,
		     const struct record_item *item);
/** The text, NUL-terminated; or its failure, with nothing left to free */
int record_out_take(struct record_out *out, char **textp);

/** Bytes of base64 (RFC 4648 4), padded, nothing else; dst may be NULL
 *  @return 0, or EBADMSG */
int record_unbase64(uint8_t *dst, size_t *lenp, struct text t);

/** Bytes of an element of a list in the heap; 0: the type is no list */
size_t record_element_size(enum record_type type);

#endif
