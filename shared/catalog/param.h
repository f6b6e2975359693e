/**
 * @file shared/catalog/param.h  Every parameter of the switch
 *
 * params.def has a row per parameter: type, default, range, unit, scope, from
 * when a change holds, help. From the rows come enum, check, canonical text,
 * manual page and the answers of tandemctl. A profile is a list of values
 * (profiles.def). All here is pure.
 */
#ifndef TANDEM_CATALOG_PARAM_H
#define TANDEM_CATALOG_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/text.h"

enum param {
#define PARAM(name, ...) name,
#include "shared/catalog/params.def"
#undef PARAM
	PARAMC
};

enum param_type {
	PARAM_INT,      /**< number */
	PARAM_SWITCH,   /**< number 0, 1; shown On, Off */
	PARAM_SWITCH01, /**< the same, shown 1, 0 */
	PARAM_ENUM,     /**< number: index in words */
	PARAM_DECIMAL,  /**< number: 10^-6 */
	PARAM_MONEY,    /**< number: 10^-6, any sign */
	PARAM_TEXT,     /**< text */
	PARAM_HOST,     /**< text: host name or address, or empty */
	PARAM_PAIR,     /**< pair: a/b */
	PARAM_SECONDS,  /**< list of numbers in milliseconds, typed in seconds
			 *   with up to 3 decimals */
	PARAM_PATTERNS, /**< list of texts: number patterns */
	PARAM_TEXTS,    /**< list of texts */
};

enum param_from {
	PARAM_FROM_CALLS,
	PARAM_FROM_SESSIONS,
	PARAM_FROM_REGISTRATIONS,
	PARAM_FROM_CALLS_AND_REGISTRATIONS,
	PARAM_FROM_NOW,
	PARAM_FROMC
};

/** For people: "calls that arrive later" */
extern const char *const param_from_text[PARAM_FROMC];

struct param_def {
	const char *name;
	enum param_type type;
	const char *def;   /**< Canonical text */
	int64_t min, max;  /**< Of numbers; of the length of a text */
	const char *words; /**< Of an enum; of an int: words it may be beside
			    *   the range ("None", "auto", "0"), by blanks;
			    *   "None|0": 0 may be typed too, and is None */
	uint32_t decimals; /**< That a number may have */
	uint32_t span;     /**< Of a pair: numbers in it at least */
	uint32_t list_max; /**< Elements of a list at most */
	const char *unit;
	const char *allowed;  /**< For people: "0 = off, 1-3600" */
	const char *scope;    /**< "S", "M R P" ... */
	const char *override; /**< Field of a record; NULL: none */
	enum param_from from;
	const char *help;
};

extern const struct param_def params[PARAMC];

/** A value, parsed */
struct param_value {
	bool is_set;    /**< Not "None" or "auto"; the number is 0 then */
	int64_t number; /**< Of PAIR: the first */
	int64_t second;
	const char *text;       /**< Canonical text of the whole, always */
	const int64_t *numbers; /**< Of SECONDS */
	const char *const *texts;
	size_t count;
};

enum {
	PARAM_WHY_MAX = 256,
	PARAM_LIST_MAX = 256,
	PARAM_TEXT_MAX = 8192, /**< Bytes of a value */
};

/** Exact, upper case; @return 0, or ENOENT */
int param_find(enum param *paramp, struct text name);

/**
 * Check a value as it was typed and bring it into canonical form
 *
 * @param valuep malloc()ed with all it points to, in one block; free() it
 * @param why    "SS_X: 11 is not allowed (2-10)"
 *
 * @return 0 if success, EINVAL (why says it), ENOMEM
 */
int param_parse(struct param_value **valuep, enum param param,
		struct text text, char why[PARAM_WHY_MAX]);

/** Values of all, by number. A set is checked as a whole: pairs that must
 *  agree (RESERVE_MAX not below RESERVE_FIRST) are refused here.
 *  @return 0, or EINVAL with why */
int param_agree(const struct param_value *const values[PARAMC],
		char why[PARAM_WHY_MAX]);

/**
 * What setting a parameter stores: itself, and what goes with it
 *
 * SS_SESSION_TIMER n > 0 and SS_SIP_SESSION_TTL are one number under two
 * names: whichever is set, both are stored and both read it. SS_SESSION_TIMER
 * 0 leaves the TTL alone, and so does unsetting it: then the timer is on again
 * with the TTL as it stands.
 *
 * @param stores Parameters that get the text, the one that is set first
 * @param text   As typed; NULL: unset
 * @param timer  Value of SS_SESSION_TIMER until now
 *
 * @return how many stores there are: 1 or 2
 */
size_t param_stores(enum param stores[2], enum param param, const char *text,
		    const struct param_value *timer);

enum param_level {
	PARAM_INFO,
	PARAM_WARNING
};

/** Facts beside the parameters that warnings look at */
struct param_facts {
	uint32_t nat_devices;
	bool gateway_without_proxy; /**< One has media_proxy off */
};

/** The table of warnings; h is called for each that holds. changed: only
 *  those that look at this parameter, PARAMC: all. */
typedef void(param_warn_h)(enum param_level level, enum param param,
			   const char *message, void *arg);
void param_warn(const struct param_value *const values[PARAMC],
		const struct param_facts *facts, enum param changed,
		param_warn_h *h, void *arg);

struct param_set {
	enum param param;
	const char *value; /**< Canonical text; NULL: the default */
};

struct param_profile {
	const char *name;
	const char *help;
	struct param_set sets[32];
	size_t setc;
};

extern const struct param_profile param_profiles[];
extern const size_t param_profilec;

/** NULL if there is none */
const struct param_profile *param_profile_find(struct text name);

#endif
