/**
 * @file test/support/failmalloc.c  The nth allocation of our code fails
 *
 * The linker sends malloc() and its kin of everything linked statically
 * through here (--wrap). Pointers handed out while counting are remembered,
 * so that memory a library allocated and we free, or the other way round,
 * does not confuse the count.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/failmalloc.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t len);
void __wrap_free(void *p);

enum {
	LIVE_MAX = 1 << 16
};

static bool counting;
static unsigned left;
static bool refused;
static size_t live;
static void *known[LIVE_MAX];


static size_t place_of(const void *p)
{
	size_t i = ((uintptr_t)p >> 4) % LIVE_MAX;

	while (known[i] && known[i] != p)
		i = (i + 1) % LIVE_MAX;

	return i;
}


static void *remember(void *p)
{
	if (counting && p) {
		if (live >= LIVE_MAX / 2) {
			fprintf(stderr, "failmalloc: scenario too large\n");
			abort();
		}
		known[place_of(p)] = p;
		live++;
	}

	return p;
}


static void forget(void *p)
{
	size_t i = place_of(p);

	if (!p || !known[i])
		return;

	known[i] = NULL;
	live--;
	/* Those behind it that were pushed on move up. */
	for (size_t j = (i + 1) % LIVE_MAX; known[j]; j = (j + 1) % LIVE_MAX) {
		void *other = known[j];

		known[j] = NULL;
		known[place_of(other)] = other;
	}
}


static bool refuse(void)
{
	if (!counting || left == 0 || --left > 0)
		return false;

	refused = true;
	errno = ENOMEM;

	return true;
}


void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : remember(__real_malloc(size));
}


void *__wrap_calloc(size_t n, size_t size)
{
	return refuse() ? NULL : remember(__real_calloc(n, size));
}


void *__wrap_realloc(void *p, size_t size)
{
	void *q;

	if (refuse())
		return NULL;

	forget(p);
	q = __real_realloc(p, size);

	return remember(q ? q : p) == p && !q ? NULL : q;
}


char *__wrap_strndup(const char *s, size_t max)
{
	const size_t len = strnlen(s, max);
	char *p = __wrap_malloc(len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}

	return p;
}


char *__wrap_strdup(const char *s)
{
	return __wrap_strndup(s, strlen(s));
}


void __wrap_free(void *p)
{
	forget(p);
	__real_free(p);
}


void failmalloc_begin(unsigned nth)
{
	memset(known, 0, sizeof(known));
	live = 0;
	left = nth;
	refused = false;
	counting = true;
}


bool failmalloc_end(void)
{
	counting = false;

	return refused;
}


size_t failmalloc_live(void)
{
	return live;
}
