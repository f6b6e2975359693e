/**
 * @file test/fuzz/replay.c  Seeds of a fuzz target, without a fuzzer
 *
 * Builds that have no libFuzzer replay what lies in the corpus folders named,
 * so that a seed that once found a defect goes on guarding it. No file at all
 * is a failure: a test that cannot fail is none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, n;

	if (!f) {
		perror(path);
		return 1;
	}

	do {
		uint8_t *more = realloc(data, size + 65536);

		if (!more)
			abort();
		data = more;
		n = fread(data + size, 1, 65536, f);
		size += n;
	} while (n > 0);
	(void)fclose(f);

	/* A block of exactly its size, so that a sanitizer sees its end */
	data = realloc(data, size ? size : 1);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);

	return 0;
}


int main(int argc, char *argv[])
{
	unsigned files = 0;
	int bad = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		const struct dirent *entry;

		if (!dir) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir)) != NULL) {
			char path[4096];

			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", argv[i],
				       entry->d_name);
			bad += replay_file(path);
			files++;
		}
		(void)closedir(dir);
	}

	printf("%u files\n", files);

	return files == 0 || bad ? 1 : 0;
}
