/**
 * @file shared/catalog/record.h  Kinds of record, and every field of each
 *
 * records.def has a row per field: name, type, default, range or words, help.
 * From the rows come the check of a value that is set, its canonical text,
 * the columns of the database, of CSV and of tandemctl, the manual page, and
 * where the value lies in the row of rows.h. All here is pure.
 */
#ifndef TANDEM_CATALOG_RECORD_H
#define TANDEM_CATALOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"
#include "shared/catalog/param.h"
#include "shared/catalog/rows.h"

/** In the order in which they may be loaded: what is referred to first. A
 *  routing gateway and a registration may name each other. */
enum record_kind {
	RECORD_RATE_TABLE,
	RECORD_ACCOUNT,
	RECORD_GROUP,
	RECORD_MAPPING,
	RECORD_REGISTRATION,
	RECORD_ROUTING,
	RECORD_PHONE,
	RECORD_RATE,
	RECORD_LIST,
	RECORD_KINDC
};

enum record_type {
	RECORD_NAME,     /**< cat_str in struct cat_row, 1-64 bytes, unique */
	RECORD_NUMBER,   /**< cat_str: digits, letters, * # _; up to 40 */
	RECORD_TEXT,     /**< cat_str; min-max bytes */
	RECORD_HOST,     /**< cat_str: a host name or address */
	RECORD_INT,      /**< int32_t, min-max */
	RECORD_SWITCH,   /**< int32_t: On, Off */
	RECORD_ENUM,     /**< int32_t: index in words */
	RECORD_MONEY,    /**< int64_t micro-units; "unlimited" if inherit */
	RECORD_PERCENT,  /**< int32_t: 1/10000 %, "12.5" */
	RECORD_REF,      /**< uint32_t id of a record of kind ref; "none" */
	RECORD_REFS,     /**< span of uint32_t ids; names, with commas */
	RECORD_PREFIX,   /**< char[CAT_PREFIX_MAX] */
	RECORD_PREFIXES, /**< span of cat_str; "" is one empty prefix */
	RECORD_TEXTS,    /**< span of cat_str; "" is none */
	RECORD_CODES,    /**< span of int32_t: 300-699 */
	RECORD_CAUSES,   /**< span of struct cat_cause: 486=480 */
	RECORD_PLAN,     /**< span of struct cat_dial */
	RECORD_SOURCES,  /**< span of struct cat_source */
	RECORD_TARGETS,  /**< span of struct cat_target */
	RECORD_CALENDAR, /**< span of struct cat_hours */
	RECORD_TIME,     /**< int64_t seconds: RFC 3339 UTC; "none" */
	RECORD_ENTRY,    /**< cat_str: number pattern or network, by list */
	RECORD_HA1,      /**< span of struct cat_ha1; shown as set or none */
	RECORD_SEALED,   /**< span of bytes; shown as set or none */
	RECORD_TYPEC
};

struct record_field {
	const char *name;
	enum record_type type;
	size_t offset;     /**< Of the member in the row */
	int64_t min, max;  /**< Of a number; of the bytes of a text; of the
			    *   elements of a list. A reference with min 1
			    *   may not be none. */
	const char *def;   /**< Canonical text; NULL: must be given */
	const char *words; /**< Of an enum, separated by blanks. Of an int: it
			    *   may be beside the range and is 0. Of a host: it
			    *   or an address, no name. */
	enum record_kind ref;
	bool inherits; /**< "inherit": param decides, or there is no limit */
	enum param param; /**< Which; PARAMC: none */
	const char *help;
};

struct record_def {
	const char *word;  /**< Of tandemctl: "rate-table" */
	const char *table; /**< Of the database: "rate_table" */
	const char *title; /**< For people: "rate table" */
	size_t size;       /**< Of the row in rows.h */
	const struct record_field *fields;
	size_t fieldc;
};

extern const struct record_def records[RECORD_KINDC];

enum {
	RECORD_WHY_MAX = 256,
	RECORD_VALUE_MAX = 1 << 20, /**< Bytes of a value, a list included */
};

/** @return 0, or ENOENT */
int record_kind_find(enum record_kind *kindp, struct text word);

/** NULL if there is none */
const struct record_field *record_field_find(enum record_kind kind,
					     struct text name);

/** Where text and lists of rows go while a catalog is made */
struct heap;

/** An id for a name; 0 if there is none */
typedef uint32_t(record_resolve_h)(enum record_kind kind, struct text name,
				   void *arg);
/** A name for an id; NULL if there is none */
typedef const char *(record_name_h)(enum record_kind kind, uint32_t id,
				    void *arg);

enum {
	RECORD_ALLOWED_MAX = 160
};

/** What a field may hold, for people: "inherit, 1-600" */
void record_allowed(const struct record_field *field,
		    char allowed[RECORD_ALLOWED_MAX]);

/**
 * Check a value as it was typed
 *
 * Of a secret it is what the database holds; a reference is a name that could
 * be: whether there is such a record is not looked at.
 *
 * @param canonp Its canonical text, malloc()ed; NULL: not wanted
 * @param why    "trying_timeout: 601 is not allowed (1-600)"
 *
 * @return 0 if success, EINVAL (why says it), ENOMEM
 */
int record_check(const struct record_field *field, struct text value,
		 char **canonp, char why[RECORD_WHY_MAX]);

/**
 * Put a value into a row that is being made
 *
 * @param resolve For references; a name it does not know is EINVAL. NULL: they
 *                are ids in decimal, 0 is none.
 *
 * @return 0 if success, EINVAL (why says it), ENOMEM
 */
int record_put(const struct record_field *field, void *row, struct heap *heap,
	       struct text value, record_resolve_h *resolve, void *arg,
	       char why[RECORD_WHY_MAX]);

/**
 * The canonical text of a field of a row; secrets are "set" or "none"
 *
 * @param heap  The part's heap: bytes, and how many
 * @param name  For references. NULL: they are printed as ids in decimal.
 * @param textp malloc()ed
 *
 * @return 0 if success, EBADMSG if the row points outside or holds what has no
 *         text, ENOMEM
 */
int record_print(const struct record_field *field, const void *row,
		 const uint8_t *heap, size_t heap_size, record_name_h *name,
		 void *arg, char **textp);

/** A record template: "carrier" ... sets these fields and leaves the others */
struct record_template {
	const char *name;
	const char *help;
	struct {
		const char *field;
		const char *value;
	} sets[8]; /**< A NULL field ends it. A field that a kind does not
		    *   have is left out for it. */
};

extern const struct record_template record_templates[];
extern const size_t record_templatec;

#endif
