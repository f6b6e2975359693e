/**
 * @file shared/catalog/profile.c  The table of profiles
 */
#include <stddef.h>

#include "shared/base/util.h"
#include "shared/catalog/param.h"

/* clang-format off */
#define SETC(...) \
	(sizeof((struct param_set[]){ __VA_ARGS__ }) / sizeof(struct param_set))
#define PROFILE(name_, help_, ...) \
	{ .name = (name_), .help = (help_), .sets = { __VA_ARGS__ }, \
	  .setc = SETC(__VA_ARGS__) },
/* clang-format on */

const struct param_profile param_profiles[] = {
#include "shared/catalog/profiles.def"
};

const size_t param_profilec = COUNT_OF(param_profiles);


const struct param_profile *param_profile_find(struct text name)
{
	for (size_t i = 0; i < param_profilec; i++)
		if (text_is(name, param_profiles[i].name))
			return &param_profiles[i];

	return NULL;
}
