/**
 * @file test/unit/catalog/test_kill.c  A publisher that dies a thousand times
 *
 * One process publishes as fast as it can and is killed at any instant; its
 * successor goes on with what it finds. Another reads all the time. The core
 * part of every version says which edition of the phones and of the rates
 * belongs to it, so a mixture of two versions contradicts itself, and a torn
 * one has no right checksum.
 */
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "test/support/t.h"
#include "test/unit/catalog/rig.h"

enum {
	KILLS = 1000,
	VERSIONS_LEAST = 10, /* That a reader has seen */
	LIFE_US = 2500,      /* Some versions; often less than one */

	PHONES = 1, /* Groups of these ids say which edition is right */
	RATES = 2,
	CORE = 3,
};

/* Between the processes */
struct shared {
	_Atomic uint64_t checks;
	_Atomic uint64_t version; /* The last that was read */
	_Atomic uint64_t versions;
	_Atomic bool is_over;
	char fault[256]; /* Of the reader; before it exits */
};


/* --- the publisher
 * ------------------------------------------------------------- */

static int put_edition(struct rig *rig, struct build *b, uint32_t id,
		       uint64_t edition)
{
	static const char *const names[] = { "", "phones", "rates", "core" };
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu",
		       (unsigned long long)edition);

	return rig_row(rig, b, RECORD_GROUP, id, "name", names[id],
		       "line_limit", text, NULL);
}


static int put_phones(struct rig *rig, struct build *b, uint64_t edition)
{
	char text[32];
	int err;

	(void)snprintf(text, sizeof(text), "%llu",
		       (unsigned long long)edition);
	err = rig_row(rig, b, RECORD_PHONE, 1, "number", "100", "account", "1",
		      "forward_no_answer", text, NULL);

	return err ? err : put_edition(rig, b, PHONES, edition);
}


static int put_rates(struct rig *rig, struct build *b, uint64_t edition)
{
	char text[32];
	int err;

	(void)snprintf(text, sizeof(text), "%llu",
		       (unsigned long long)edition);
	err = rig_row(rig, b, RECORD_RATE, 1, "table", "1", "prefix", "1",
		      "connect_fee", "0", "rate", text, NULL);

	return err ? err : put_edition(rig, b, RATES, edition);
}


static int put_base(struct rig *rig, struct build *b)
{
	int err;

	err = rig_row(rig, b, RECORD_ACCOUNT, 1, "name", "a", NULL);
	if (!err)
		err = rig_row(rig, b, RECORD_RATE_TABLE, 1, "name", "t", NULL);

	return err;
}


/* The next version: the core part always, of the others one, both or none */
static int publish_next(struct rig *rig)
{
	const struct catalog *c = publisher_current(rig->publisher);
	const uint64_t version = c ? catalog_control(c)->version + 1 : 1;
	struct build *b;
	int err;

	err = rig_begin(rig, &b);
	if (err)
		return err;

	if (!c)
		err = put_base(rig, b);
	if (!err && (!c || version % 2))
		err = put_phones(rig, b, version);
	if (!err && (!c || version % 3))
		err = put_rates(rig, b, version);
	if (!err)
		err = put_edition(rig, b, CORE, version);
	if (err) {
		build_free(b);
		return err;
	}

	return rig_publish(rig, b, version);
}


static void publish_for_ever(struct rig *rig)
{
	/* What it does not find sound it makes anew: then the versions would
	 * begin again, and the reader would tell. */
	if (rig_restart(rig))
		_exit(1);
	while (publish_next(rig) == 0)
		;
	_exit(1);
}


/* --- the reader
 * ------------------------------------------------------------------ */

static uint64_t edition_of(const struct catalog *c, uint32_t id)
{
	const struct cat_group *group = catalog_by_id(c, RECORD_GROUP, id);

	return group ? (uint64_t)group->line_limit : 0;
}


static const char *fault_of(const struct catalog *c, char why[256])
{
	const struct cat_phone *phone = catalog_phone(c, text_of("100"));
	const struct cat_rate *rate = catalog_rate(c, 1, text_of("12"), 0);
	uint64_t forward = 0;

	if (catalog_verify(c, why, 256))
		return why;
	if (edition_of(c, CORE) != catalog_control(c)->version)
		return "the core part is another version's";

	if (!phone ||
	    text_u64(&forward,
		     text_of(catalog_str(c, RECORD_PHONE,
					 phone->forward_no_answer)),
		     0, UINT64_MAX) ||
	    forward != edition_of(c, PHONES))
		return "the phones are another version's";
	if (!rate || rate->rate != (int64_t)edition_of(c, RATES) * 1000000)
		return "the rates are another version's";

	return NULL;
}


static const char *check(struct rig *rig, struct shared *shared, char why[256])
{
	const struct catalog *c = catalog_pin(rig->reader);
	const char *fault;
	uint64_t version;

	if (!c)
		return NULL;

	fault = fault_of(c, why);
	version = catalog_control(c)->version;
	if (version < shared->version)
		fault = "a version comes back";
	if (version > shared->version)
		shared->versions++;
	shared->version = version;
	shared->checks++;
	catalog_unpin(rig->reader, c);

	return fault;
}


static void read_until_over(struct rig *rig, struct shared *shared)
{
	const char *fault = NULL;
	char why[256];

	while (!shared->is_over && !fault)
		fault = check(rig, shared, why);
	if (fault)
		(void)snprintf(shared->fault, sizeof(shared->fault), "%s",
			       fault);
	_exit(fault ? 1 : 0);
}


/* --- the killer
 * ------------------------------------------------------------------ */

static void kill_after(pid_t pid, int64_t us)
{
	const int64_t end = clk_mono_us() + us;

	/* Finer than any timer */
	while (clk_mono_us() < end)
		;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}


static size_t count_parts(const struct rig *rig)
{
	DIR *dir = opendir("/dev/shm");
	const struct dirent *entry;
	char start[64];
	size_t count = 0;

	(void)snprintf(start, sizeof(start), "%s.catalog.", rig->prefix);
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += strncmp(entry->d_name, start, strlen(start)) == 0;
	(void)closedir(dir);

	return count;
}


/* Has the reader what is published now, or a complaint? */
static bool is_seen(const struct rig *rig, const struct shared *shared)
{
	const struct catalog *c = publisher_current(rig->publisher);

	return shared->fault[0] != '\0' ||
	       shared->version == catalog_control(c)->version;
}


static void kill_publishers(struct rig *rig, const struct shared *shared)
{
	for (int i = 0; i < KILLS && shared->fault[0] == '\0'; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			publish_for_ever(rig);
		assert_true(pid > 0);
		kill_after(pid, random() % LIFE_US);
	}
}


static void killed_at_any_instant_it_leaves_one_whole_version(void **state)
{
	struct shared *shared;
	struct rig rig;
	pid_t reader;
	int status;
	(void)state;

	srandom(10);
	assert_int_equal(rig_open(&rig, "kill"), 0);
	assert_int_equal(publish_next(&rig), 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);

	reader = fork();
	if (reader == 0)
		read_until_over(&rig, shared);
	assert_true(reader > 0);

	kill_publishers(&rig, shared);
	while (shared->versions <= VERSIONS_LEAST && shared->fault[0] == '\0')
		kill_publishers(&rig, shared); /* a busy machine: few lived */

	/* The last word is there, and what it did not name is not. */
	assert_int_equal(rig_restart(&rig), 0);
	assert_non_null(publisher_current(rig.publisher));
	assert_int_equal(count_parts(&rig), CATALOG_PARTC);
	assert_int_equal(publish_next(&rig), 0);
	WAIT_FOR(20, is_seen(&rig, shared));

	shared->is_over = true;
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_string_equal(shared->fault, "");
	assert_int_equal(status, 0);
	assert_true(shared->checks > KILLS / 10);
	assert_true(shared->versions > VERSIONS_LEAST);
	(void)munmap(shared, sizeof(*shared));
	rig_close(&rig);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			killed_at_any_instant_it_leaves_one_whole_version),
	};

	return T_MAIN_ONLY(tests);
}
