/**
 * @file test/fuzz/fuzz_config.c  Any text as a node file
 *
 * What parses, prints; what was printed parses to the same print; and every
 * effective file has been judged by the limits' arithmetic without harm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/config.h"
#include "supervisor/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	TEXT_MAX = 16 << 10
};


static char *print(const struct config *config)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert(f);
	(void)config_print(config, f);
	(void)fclose(f);

	return text;
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config, again;
	char text[TEXT_MAX + 1], error[CONFIG_ERROR_MAX], why[LIMITS_WHY_MAX];
	char *first, *second;

	if (size > TEXT_MAX || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';

	if (config_parse(&config, "fuzz", text, error) != 0) {
		assert(error[0]);
		return 0;
	}

	(void)limits_judge_descriptors(&config, 1024, why);
	first = print(&config);
	if (config_parse(&again, "print", first, error) != 0) {
		fprintf(stderr, "%s\n%s\n", error, first);
		abort();
	}
	second = print(&again);
	assert(strcmp(first, second) == 0);
	free(first);
	free(second);

	return 0;
}
