/**
 * @file billingd/quarantine.c  Records that the database refused
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "billingd/journal.h"
#include "billingd/journal_files.h"
#include "billingd/quarantine.h"
#include "proto/billing.pb-c.h"
#include "shared/base/text.h"

enum {
	PATH_SIZE = 512,
	ID_MAX = 64,
};


/* --- writing -------------------------------------------------------------- */

/* Ids are ours: letters and digits. What is not is named by its sequence. */
static void name_of(char name[ID_MAX], const Tandem__CallEnded *call,
		    uint64_t seq)
{
	const char *id = call && call->record ? call->record->cdr_id : "";
	const size_t l = strlen(id);
	bool is_good = l > 0 && l < ID_MAX - 8;

	for (size_t i = 0; is_good && i < l; i++)
		is_good = (id[i] >= '0' && id[i] <= '9') ||
			  (id[i] >= 'A' && id[i] <= 'Z') ||
			  (id[i] >= 'a' && id[i] <= 'z') || id[i] == '-';
	if (is_good)
		(void)text_print(name, ID_MAX, "%s", id);
	else
		(void)text_print(name, ID_MAX, "seq%llu",
				 (unsigned long long)seq);
}


static char *file_text(const struct journal_record *record, const char *name,
		       const char *why)
{
	char *hex = malloc(2 * record->len + 1), *text = NULL;
	json_t *file;

	if (!hex)
		return NULL;
	text_hex(hex, record->payload, record->len);
	file = json_pack("{s:s,s:s,s:i,s:s}", "cdr_id", name, "why",
			 why ? why : "", "type", (int)record->type, "payload",
			 hex);
	if (file)
		text = json_dumps(file, JSON_INDENT(1));
	json_decref(file);
	free(hex);

	return text;
}


static int folder_open(const char *folder, bool makes, int *fdp)
{
	if (makes && mkdir(folder, 0750) != 0 && errno != EEXIST)
		return errno;
	*fdp = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return *fdp < 0 ? errno : 0;
}


/* Under another name until it is whole */
static int file_write(int dir, const char *name, const char *text)
{
	char file[ID_MAX + 8];
	int fd, err;

	(void)text_print(file, sizeof(file), "%s.json", name);
	fd = openat(dir, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0640);
	if (fd < 0)
		return errno;
	err = journal_pwrite(fd, text, strlen(text), 0);
	if (!err && fsync(fd) != 0)
		err = errno;
	(void)close(fd);
	if (!err && (renameat(dir, ".new", dir, file) != 0 || fsync(dir) != 0))
		err = errno;

	return err;
}


int quarantine_put(const char *folder, const struct journal_record *record,
		   const char *why)
{
	Tandem__CallEnded *call = tandem__call_ended__unpack(NULL, record->len,
							     record->payload);
	char name[ID_MAX], *text;
	int dir, err;

	name_of(name, call, record->seq);
	if (call)
		tandem__call_ended__free_unpacked(call, NULL);
	text = file_text(record, name, why);
	if (!text)
		return ENOMEM;
	err = folder_open(folder, true, &dir);
	if (!err) {
		err = file_write(dir, name, text);
		(void)close(dir);
	}
	free(text);

	return err;
}


/* --- again ---------------------------------------------------------------- */

static void on_durable(uint64_t seq, void *arg)
{
	char *path = arg;

	(void)seq;
	(void)unlink(path);
	free(path);
}


static int put_again(struct journal *journal, const json_t *file, char *path)
{
	const char *hex = json_string_value(json_object_get(file, "payload"));
	const json_int_t type = json_integer_value(
		json_object_get(file, "type"));
	size_t l = 0, room = hex ? strlen(hex) / 2 : 0;
	uint8_t *payload;
	int err;

	if (!hex || room == 0 || type != JOURNAL_ENDED)
		return EBADMSG;
	payload = malloc(room);
	if (!payload)
		return ENOMEM;
	err = text_unhex(payload, room, &l, text_of(hex));
	if (!err)
		err = journal_put(journal, JOURNAL_ENDED, payload, l,
				  on_durable, path);
	free(payload);

	return err;
}


static int file_replay(const char *folder, const char *name,
		       struct journal *journal)
{
	char path[PATH_SIZE], *kept;
	json_t *file;
	int err;

	if (text_print(path, sizeof(path), "%s/%s", folder, name))
		return ENAMETOOLONG;
	file = json_load_file(path, 0, NULL);
	if (!file)
		return EBADMSG;
	kept = strdup(path);
	err = kept ? put_again(journal, file, kept) : ENOMEM;
	if (err)
		free(kept);
	json_decref(file);

	return err;
}


static bool is_ours(const char *name)
{
	const size_t l = strlen(name);

	return name[0] != '.' && l > 5 && strcmp(name + l - 5, ".json") == 0;
}


int quarantine_replay(const char *folder, struct journal *journal,
		      size_t *countp)
{
	const struct dirent *entry;
	DIR *entries;
	int err = 0;

	*countp = 0;
	entries = opendir(folder);
	if (!entries)
		return errno == ENOENT ? 0 : errno;
	while ((entry = readdir(entries))) {
		int one;

		if (!is_ours(entry->d_name))
			continue;
		one = file_replay(folder, entry->d_name, journal);
		if (one && !err)
			err = one;
		*countp += !one;
	}
	(void)closedir(entries);

	return err;
}
