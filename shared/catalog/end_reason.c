/**
 * @file shared/catalog/end_reason.c  Why calls end
 */
#include "shared/catalog/end_reason.h"

const char *const end_sides[END_SIDEC] = { "", "caller", "callee", "server" };

const struct end_def end_defs[END_REASONC] = {
	[END_NONE] = { "", 0, 0, END_SIDE_NONE },
#define END(id, token, code, q850, side) \
	[END_##id] = { token, code, q850, END_SIDE_##side },
#include "shared/catalog/end_reason.def"
#undef END
};

const char *const end_tokens[END_REASONC] = {
	[END_NONE] = "",
#define END(id, token, code, q850, side) [END_##id] = (token),
#include "shared/catalog/end_reason.def"
#undef END
};
