/**
 * @file supervisor/rtprange.c  RTP ports that the catalog wants
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/text.h"
#include "supervisor/rtprange.h"

enum {
	RANGE_PATH = CONFIG_TEXT_MAX + 32,
	RANGE_LINE = 32,
};


static int path_of(char path[RANGE_PATH], const struct config *config,
		   const char *end)
{
	return text_print(path, RANGE_PATH, "%s/rtp_range%s", config->run_dir,
			  end);
}


static bool is_sound(const struct config *config, uint32_t first,
		     uint32_t last)
{
	return first >= 1024 && last <= 65535 && first % 2 == 0 &&
	       last % 2 == 1 && first < last &&
	       last - first + 1 >= 2u * config->workers[PEER_MEDIAD];
}


void rtprange_apply(struct config *config)
{
	char path[RANGE_PATH], line[RANGE_LINE] = "";
	struct text rest, first_text;
	uint32_t first, last;
	FILE *f;

	config->rtp_asked_first = 0;
	config->rtp_asked_last = 0;
	if (path_of(path, config, ""))
		return;
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	(void)fclose(f);
	line[strcspn(line, "\n")] = '\0';
	if (!text_cut(text_of(line), ' ', &first_text, &rest) ||
	    text_u32(&first, first_text, 0, 65535) ||
	    text_u32(&last, rest, 0, 65535) || !is_sound(config, first, last))
		return;

	config->rtp_first = (uint16_t)first;
	config->rtp_last = (uint16_t)last;
	config->rtp_asked_first = (uint16_t)first;
	config->rtp_asked_last = (uint16_t)last;
}


static int write_line(const char *path, uint32_t first, uint32_t last)
{
	FILE *f = fopen(path, "we");
	bool good;

	if (!f)
		return errno;

	good = fprintf(f, "%u %u\n", (unsigned)first, (unsigned)last) > 0;
	if (fclose(f) != 0)
		good = false;

	return good ? 0 : EIO;
}


int rtprange_keep(const struct config *config, uint32_t first, uint32_t last)
{
	char path[RANGE_PATH], coming[RANGE_PATH];
	int err;

	if (path_of(path, config, "") || path_of(coming, config, ".new"))
		return ENAMETOOLONG;
	if (first == 0 && last == 0)
		return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
	if (!is_sound(config, first, last))
		return ERANGE;

	err = write_line(coming, first, last);
	if (!err && rename(coming, path) != 0)
		err = errno;

	return err;
}
