/**
 * @file shared/base/util.h  What C11 forgot
 */
#ifndef TANDEM_BASE_UTIL_H
#define TANDEM_BASE_UTIL_H

#include <assert.h>
#include <stddef.h>

#ifdef NDEBUG
#error asserts stay on: a daemon that meets its own bug stops and is restarted
#endif

#define BUILD_ASSERT(cond) static_assert(cond, #cond)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** The object that embeds this member */
#define CONTAINER_OF(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Text for an interface that forgot the const but does not write (protobuf-c,
 *  jansson); never for anything that does */
static inline void *unconst(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

#endif
