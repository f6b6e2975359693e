/**
 * @file shared/catalog/end_reason.h  Why calls end
 *
 * cdr 2 as a table (end_reason.def): what sipd tells the peers and what
 * billingd writes into the record is said once.
 */
#ifndef TANDEM_CATALOG_END_REASON_H
#define TANDEM_CATALOG_END_REASON_H

#include <stdint.h>

enum end_reason {
	END_NONE,
#define END(id, token, code, q850, side) END_##id,
#include "shared/catalog/end_reason.def"
#undef END
	END_REASONC
};

enum end_side {
	END_SIDE_NONE,
	END_SIDE_CALLER,
	END_SIDE_CALLEE,
	END_SIDE_SERVER,
	END_SIDEC
};
extern const char *const end_sides[END_SIDEC]; /**< "", "caller" ... */

struct end_def {
	const char *token;
	uint16_t code; /**< To A before the answer; 0: by the situation */
	uint16_t q850;
	uint8_t side; /**< enum end_side; NONE: by the situation */
};
extern const struct end_def end_defs[END_REASONC];
/** The same tokens, as label values */
extern const char *const end_tokens[END_REASONC];

#endif
