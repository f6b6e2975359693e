/**
 * @file test/fault/catalogwatch.c  A reader that trusts nothing
 *
 * catalogwatch PREFIX: pins the catalog again and again until its standard
 * input ends, checks every checksum and offset of each version it has not
 * seen, and that the parts belong together: the test gives the parameter
 * SS_MAX_CALLS and the line_limit of phone 2001 the same number, in one
 * transaction, and they lie in different parts. Prints what it saw.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/text.h"
#include "shared/catalog/catalog.h"

struct seen {
	uint64_t pins, versions, torn, mixed;
	uint64_t publication;
	int64_t worst_us;
};


static int open_control(struct segment *segment, const char *prefix)
{
	struct segment_layout layout;
	char name[128], why[256] = "";
	int fd, err;

	(void)text_print(name, sizeof(name), "/%s.catalog", prefix);
	fd = shm_open(name, O_RDONLY, 0);
	if (fd < 0) {
		perror(name);
		return 1;
	}
	err = segment_peek(&layout, fd);
	if (!err)
		err = segment_map(segment, fd, &layout, false, why,
				  sizeof(why));
	(void)close(fd);
	if (err)
		fprintf(stderr, "%s: %s %s\n", name, strerror(err), why);

	return err;
}


static void look(struct seen *seen, const struct catalog *c)
{
	const struct cat_phone *phone = catalog_phone(c, text_of("2001"));
	char why[256];

	seen->versions++;
	seen->publication = catalog_control(c)->publication;
	if (catalog_verify(c, why, sizeof(why))) {
		seen->torn++;
		fprintf(stderr, "torn: %s\n", why);
	}
	if (phone && phone->line_limit != catalog_int(c, SS_MAX_CALLS)) {
		seen->mixed++;
		fprintf(stderr, "mixed: %d and %" PRId64 "\n",
			phone->line_limit, catalog_int(c, SS_MAX_CALLS));
	}
}


static void turn(struct seen *seen, struct catalog_reader *reader)
{
	const int64_t before = clk_mono_us();
	const struct catalog *c = catalog_pin(reader);
	const int64_t took = clk_mono_us() - before;

	seen->pins++;
	if (took > seen->worst_us)
		seen->worst_us = took;
	if (!c)
		return;
	if (catalog_control(c)->publication != seen->publication)
		look(seen, c);
	catalog_unpin(reader, c);
}


int main(int argc, char *argv[])
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct catalog_reader *reader;
	struct segment segment;
	struct seen seen = { 0 };

	if (argc != 2 || open_control(&segment, argv[1]) ||
	    catalog_reader_alloc(&reader, &segment, argv[1]))
		return 2;

	while (poll(&input, 1, 0) == 0)
		for (int i = 0; i < 100; i++)
			turn(&seen, reader);
	printf("pins=%" PRIu64 " versions=%" PRIu64 " torn=%" PRIu64
	       " mixed=%" PRIu64 " worst_pin_us=%" PRId64 "\n",
	       seen.pins, seen.versions, seen.torn, seen.mixed, seen.worst_us);
	catalog_reader_free(reader);
	segment_unmap(&segment);

	return seen.torn || seen.mixed ? 1 : 0;
}
