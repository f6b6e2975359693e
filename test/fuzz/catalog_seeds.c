/**
 * @file test/fuzz/catalog_seeds.c  Makes the seeds of fuzz_catalog
 *
 *     ninja -C build/dev catalog_seeds
 *     build/dev/test/fuzz/catalog_seeds test/fuzz/corpus/catalog
 *
 * To be done again when the layout of parts changes. Inputs that a fuzzer
 * found are kept beside them and are not made here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/fuzz/fuzz_catalog.h"

enum {
	IS_PATCH = 0x80
};


static FILE *create(const char *dir, const char *name)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		exit(1);
	}

	return f;
}


/* A word in the middle of a section, written over */
static void write_patch(const char *dir, enum catalog_part which,
			const struct good_part *good, size_t section)
{
	const struct part_head *head = (const void *)good->bytes;
	const size_t at = (size_t)head->sections[section].off +
			  (size_t)head->sections[section].count *
				  head->sections[section].size / 2;
	char name[64];
	FILE *f;

	if (head->sections[section].count == 0)
		return;

	(void)snprintf(name, sizeof(name), "%s-section-%zu", part_word(which),
		       section);
	f = create(dir, name);
	(void)fprintf(f, "%c%c%c%c%c%c%c%c", IS_PATCH | (int)which,
		      (int)(at >> 8 & 0xff), (int)(at & 0xff), 4, 1, 0, 0, 0);
	(void)fclose(f);
}


int main(int argc, char *argv[])
{
	struct good_part parts[CATALOG_PARTC];

	if (argc != 2)
		return 2;

	good_parts(parts);
	for (size_t i = 0; i < CATALOG_PARTC; i++) {
		FILE *f = create(argv[1], part_word(i));

		(void)fputc((int)i, f);
		(void)fwrite(parts[i].bytes, 1, parts[i].size, f);
		(void)fclose(f);
		for (size_t section = 0; section < SECTIONC; section++)
			write_patch(argv[1], i, &parts[i], section);
		free(parts[i].bytes);
	}

	return 0;
}
