/**
 * @file billingd/lost.c  Calls that were up when the machine went down
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "billingd/lost.h"
#include "shared/catalog/end_reason.h"

enum {
	BOOT_ID_SIZE = 37,
	BYE_CODE = 200,
};

static const char boot_id_path[] = "/proc/sys/kernel/random/boot_id";


static bool id_read(char id[BOOT_ID_SIZE], const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, id, BOOT_ID_SIZE - 1);
	(void)close(fd);
	id[n > 0 ? n : 0] = '\0';

	return n == BOOT_ID_SIZE - 1;
}


bool boot_is_new(const char *path)
{
	char now[BOOT_ID_SIZE], then[BOOT_ID_SIZE];

	if (!id_read(now, boot_id_path))
		return false;
	if (!id_read(then, path)) {
		boot_note(path);
		return false;
	}

	return strcmp(now, then) != 0;
}


void boot_note(const char *path)
{
	char now[BOOT_ID_SIZE];
	int fd;

	if (!id_read(now, boot_id_path))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return;
	if (write(fd, now, BOOT_ID_SIZE - 1) == BOOT_ID_SIZE - 1)
		(void)fsync(fd);
	(void)close(fd);
}


void lost_end(Tandem__Record *record, int64_t at_us)
{
	const struct end_def *def = &end_defs[END_SYSTEM_RECOVERY];

	if (at_us < record->answer_us)
		at_us = record->answer_us;
	record->end_us = at_us;
	record->duration_us = at_us - record->answer_us;
	record->end_reason = END_SYSTEM_RECOVERY;
	record->end_side = END_SIDE_SERVER;
	record->sip_code = BYE_CODE;
	record->q850 = def->q850;
}
