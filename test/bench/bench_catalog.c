/**
 * @file test/bench/bench_catalog.c  What a catalog costs at its full size
 *
 * 100,000 prefixes of gateways, 20,000 networks and addresses, 1,000,000 rates
 * in 50 tables of which one has half, 200,000 phones: made from nothing, then
 * changed by a gateway, a rate and a phone, each time until a reader in
 * another process has looked it up. Look-ups are made with keys in no order,
 * so that they find little of what they need in the cache. Each figure is the
 * best of several runs: the machine may be busy in the others.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/catalog/build.h"

enum {
	GATEWAYS = 2000,
	PREFIXES = 50,  /* Of each */
	ADDRESSES = 10, /* Of each mapping gateway; a network or a host */
	PHONES = 200000,
	RATES = 1000000,
	TABLES = 50, /* The first has half of the rates */
	COUNTRIES = 200,
	FIELDS_MAX = 64,

	ROUNDS = 5,
	LOOKUPS = 200000,
	NUMBER_SIZE = 16,
	SEEN_S = 5,
};

/* What the switch was promised */
enum {
	PREFIX_NS = 500,
	ADDRESS_NS = 300,
	LIVE_MS = 200
};

struct figure {
	const char *what;
	double value, bound; /* 0: none */
	const char *unit;
};

/* Between the processes */
struct seen {
	_Atomic uint64_t version;
	_Atomic int64_t at_us;
};

struct bench {
	char prefix[SEGMENT_NAME_MAX];
	char name[SEGMENT_NAME_MAX];
	struct segment control;
	struct publisher *publisher;
	struct seen *seen;
	pid_t reader;
	uint64_t version;
	char why[BUILD_WHY_MAX];
};


static void die(const char *what, int err, const char *why)
{
	(void)fprintf(stderr, "bench_catalog: %s: %s %s\n", what,
		      strerror(err), why);
	exit(1);
}


/* The same numbers every time: nobody should have to explain a figure by its
 * seed. */
static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;

	return (uint32_t)((state >> 32) % below);
}


/* A country and what comes behind it, as dial codes lie: some countries with
 * very many, of four to nine digits */
static size_t draw_prefix(char *dst, size_t size)
{
	static const uint32_t powers[] = { 10,    100,    1000,
					   10000, 100000, 1000000 };
	const uint32_t digits = draw(100) < 5 ? 1 + draw(3) : 4 + draw(2);
	const uint32_t country = draw(2) ? draw(10) : draw(COUNTRIES);

	return (size_t)snprintf(dst, size, "%u%0*u", 10 + country * 4,
				(int)digits, draw(powers[digits - 1]));
}


static void draw_number(char dst[NUMBER_SIZE])
{
	char prefix[NUMBER_SIZE];

	(void)draw_prefix(prefix, sizeof(prefix));
	(void)snprintf(dst, NUMBER_SIZE, "%.9s%06u", prefix, draw(1000000));
}


/* --- rows
 * ---------------------------------------------------------------------- */

struct row {
	enum record_kind kind;
	const char *values[FIELDS_MAX];
};


static void set(struct row *row, const char *field, const char *value)
{
	const struct record_def *def = &records[row->kind];

	for (size_t i = 0; i < def->fieldc; i++) {
		if (strcmp(def->fields[i].name, field) == 0) {
			row->values[i] = value;
			return;
		}
	}

	die(field, ENOENT, "");
}


static void put(struct bench *bench, struct build *b, const struct row *row,
		uint32_t id)
{
	const int err = build_row(b, row->kind, id, row->values, bench->why);

	if (err)
		die("build_row", err, bench->why);
}


static void put_mapping(struct bench *bench, struct build *b, uint32_t i)
{
	struct row row = { .kind = RECORD_MAPPING };
	char addresses[ADDRESSES * 32] = "";
	char name[32];
	size_t at = 0;

	for (uint32_t k = 0; k < ADDRESSES; k++) {
		const uint32_t block = i * ADDRESSES + k;

		at += (size_t)snprintf(addresses + at, sizeof(addresses) - at,
				       "%s%u.%u.%u.%s", k ? "," : "",
				       11 + block / 2500, block / 50 % 50,
				       block % 50, k % 2 ? "0/24" : "7");
	}
	(void)snprintf(name, sizeof(name), "mapping%u", i);
	set(&row, "name", name);
	set(&row, "account", "1");
	set(&row, "addresses", addresses);
	put(bench, b, &row, i + 1);
}


static void put_routing(struct bench *bench, struct build *b, uint32_t i)
{
	struct row row = { .kind = RECORD_ROUTING };
	char prefixes[PREFIXES * NUMBER_SIZE] = "";
	char name[32];
	size_t at = 0;

	for (uint32_t k = 0; k < PREFIXES; k++) {
		if (k > 0)
			prefixes[at++] = ',';
		at += draw_prefix(prefixes + at, sizeof(prefixes) - at);
	}
	(void)snprintf(name, sizeof(name), "routing%u", i);
	set(&row, "name", name);
	set(&row, "prefixes", prefixes);
	set(&row, "addresses", "203.0.113.7:5060;udp");
	put(bench, b, &row, i + 1);
}


static void put_phone(struct bench *bench, struct build *b, uint32_t i,
		      const char *forward)
{
	struct row row = { .kind = RECORD_PHONE };
	char number[NUMBER_SIZE];

	(void)snprintf(number, sizeof(number), "49%07u", i * 7);
	set(&row, "number", number);
	set(&row, "account", "1");
	set(&row, "codecs", "PCMA,PCMU");
	set(&row, "ha1",
	    "tandem\t0123456789abcdef0123456789abcdef\t"
	    "0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef");
	set(&row, "forward_no_answer", forward);
	put(bench, b, &row, i + 1);
}


static void put_rate(struct bench *bench, struct build *b, uint32_t i,
		     const char *price)
{
	struct row row = { .kind = RECORD_RATE };
	char table[16], prefix[NUMBER_SIZE];

	(void)snprintf(table, sizeof(table), "%u",
		       i % 2 ? 1 : 2 + i / 2 % (TABLES - 1));
	(void)draw_prefix(prefix, sizeof(prefix));
	set(&row, "table", table);
	set(&row, "prefix", prefix);
	set(&row, "rate", price);
	put(bench, b, &row, i + 1);
}


static void put_all(struct bench *bench, struct build *b)
{
	struct row account = { .kind = RECORD_ACCOUNT };

	set(&account, "name", "account");
	put(bench, b, &account, 1);

	for (uint32_t i = 0; i < TABLES; i++) {
		struct row table = { .kind = RECORD_RATE_TABLE };
		char name[32];

		(void)snprintf(name, sizeof(name), "table%u", i);
		set(&table, "name", name);
		put(bench, b, &table, i + 1);
	}

	for (uint32_t i = 0; i < GATEWAYS; i++) {
		put_mapping(bench, b, i);
		put_routing(bench, b, i);
	}
	for (uint32_t i = 0; i < PHONES; i++)
		put_phone(bench, b, i, "none");
	for (uint32_t i = 0; i < RATES; i++)
		put_rate(bench, b, i, "0.01");
}


/* --- versions
 * -------------------------------------------------------------------- */

static struct build *begin(const struct bench *bench)
{
	struct build *b = NULL;
	const int err = build_alloc(&b, publisher_current(bench->publisher));

	if (err)
		die("build_alloc", err, "");

	return b;
}


static void publish(struct bench *bench, struct build *b)
{
	const int err = build_publish(b, bench->publisher, ++bench->version,
				      CATALOG_DATABASE, bench->why);

	if (err)
		die("build_publish", err, bench->why);
	build_free(b);
}


/* Until the reader has it; from begin on */
static double live_ms(const struct bench *bench, int64_t start)
{
	while (atomic_load(&bench->seen->version) < bench->version) {
		if (clk_mono_us() - start > SEEN_S * 1000000LL)
			die("reader", ETIMEDOUT, "");
		(void)poll(NULL, 0, 1);
	}

	return (double)(atomic_load(&bench->seen->at_us) - start) / 1000;
}


static double change_gateway(struct bench *bench)
{
	const int64_t start = clk_mono_us();
	struct build *b = begin(bench);

	put_routing(bench, b, draw(GATEWAYS));
	publish(bench, b);

	return live_ms(bench, start);
}


static double change_phone(struct bench *bench)
{
	const int64_t start = clk_mono_us();
	struct build *b = begin(bench);

	put_phone(bench, b, draw(PHONES), "100");
	publish(bench, b);

	return live_ms(bench, start);
}


static double change_rate(struct bench *bench)
{
	const int64_t start = clk_mono_us();
	struct build *b = begin(bench);

	put_rate(bench, b, draw(RATES), "0.02");
	publish(bench, b);

	return live_ms(bench, start);
}


/* The other process: a daemon that looks something up all the time */
static void read_for_ever(const struct bench *bench, struct seen *seen)
{
	struct catalog_reader *reader = NULL;
	uint64_t publication = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (catalog_reader_alloc(&reader, &bench->control, bench->prefix))
		exit(1);

	for (;;) {
		const struct catalog *c = catalog_pin(reader);

		if (c && catalog_control(c)->publication != publication) {
			(void)catalog_rate(c, 1, text_of("4912345"), 0);
			(void)catalog_phone(c, text_of("490000007"));
			publication = catalog_control(c)->publication;
			atomic_store(&seen->at_us, clk_mono_us());
			atomic_store(&seen->version,
				     catalog_control(c)->version);
		}
		if (c)
			catalog_unpin(reader, c);
		(void)poll(NULL, 0, 1);
	}
}


/* --- look-ups
 * -------------------------------------------------------------------- */

struct keys {
	char (*numbers)[NUMBER_SIZE];
	char (*phones)[NUMBER_SIZE];
	struct addr *addrs;
	const struct catalog *catalog;
	uintptr_t found;
};


static void draw_keys(struct keys *keys)
{
	keys->numbers = calloc(LOOKUPS, sizeof(*keys->numbers));
	keys->phones = calloc(LOOKUPS, sizeof(*keys->phones));
	keys->addrs = calloc(LOOKUPS, sizeof(*keys->addrs));
	if (!keys->numbers || !keys->phones || !keys->addrs)
		die("keys", ENOMEM, "");

	for (uint32_t i = 0; i < LOOKUPS; i++) {
		draw_number(keys->numbers[i]);
		(void)snprintf(keys->phones[i], NUMBER_SIZE, "49%07u",
			       draw(PHONES) * 7);
		keys->addrs[i] = (struct addr){
			.family = AF_INET,
			.port = 5060,
			.ip = { (uint8_t)(11 + draw(8)), (uint8_t)draw(50),
				(uint8_t)draw(50), (uint8_t)(draw(2) * 7) },
		};
	}
}


static void look_candidates(struct keys *keys, uint32_t i)
{
	struct catalog_candidate found[16];

	keys->found += catalog_candidates(keys->catalog,
					  text_of(keys->numbers[i]), found,
					  COUNT_OF(found));
}


static void look_rate(struct keys *keys, uint32_t i)
{
	keys->found += catalog_rate(keys->catalog, 1,
				    text_of(keys->numbers[i]), 1) != NULL;
}


static void look_addr(struct keys *keys, uint32_t i)
{
	struct catalog_source found[8];

	keys->found += catalog_sources(keys->catalog, &keys->addrs[i], found,
				       COUNT_OF(found));
}


static void look_phone(struct keys *keys, uint32_t i)
{
	keys->found += catalog_phone(keys->catalog,
				     text_of(keys->phones[i])) != NULL;
}


static double look_ns(struct keys *keys,
		      void (*look)(struct keys *keys, uint32_t i))
{
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		const int64_t start = clk_mono_us();
		double now;

		keys->found = 0;
		for (uint32_t i = 0; i < LOOKUPS; i++)
			look(keys, i);
		now = (double)(clk_mono_us() - start) * 1000 / LOOKUPS;
		if (round == 0 || now < best)
			best = now;
	}
	if (keys->found < LOOKUPS / 2)
		die("look-ups", ENOENT, "find too little");

	return best;
}


/* --- the whole
 * --------------------------------------------------------------------- */

/* At exit, whatever it is for. Another publisher takes every part for a stray,
 * once no page names it. */
static void close_bench(int status, void *arg)
{
	struct bench *bench = arg;
	const struct publisher_args args = { .control = &bench->control,
					     .prefix = bench->prefix };

	(void)status;

	(void)kill(bench->reader, SIGKILL);
	(void)waitpid(bench->reader, NULL, 0);

	publisher_free(bench->publisher);
	memset(bench->control.slots, 0, CATALOG_SLOT_SIZE);
	if (publisher_alloc(&bench->publisher, &args) == 0)
		publisher_free(bench->publisher);
	segment_unmap(&bench->control);
}


static void open_bench(struct bench *bench)
{
	const struct segment_layout layout = {
		.magic = CATALOG_MAGIC,
		.version = CATALOG_VERSION,
		.slot_size = CATALOG_SLOT_SIZE,
		.slotc = 1,
	};
	const struct publisher_args args = { .control = &bench->control,
					     .prefix = bench->prefix };
	bool found;
	int fd = -1;
	int err;

	memset(bench, 0, sizeof(*bench));
	(void)snprintf(bench->prefix, sizeof(bench->prefix),
		       "tandem-bench.%ld", (long)getpid());
	(void)snprintf(bench->name, sizeof(bench->name), "/%.40s",
		       bench->prefix);

	err = segment_create(&fd, &found, bench->name, &layout, "bench",
			     bench->why, sizeof(bench->why));
	if (!err)
		err = segment_map(&bench->control, fd, &layout, true,
				  bench->why, sizeof(bench->why));
	if (!err)
		err = publisher_alloc(&bench->publisher, &args);
	if (err)
		die("open", err, bench->why);
	(void)close(fd);
	(void)segment_unlink(bench->name);

	bench->seen = mmap(NULL, sizeof(*bench->seen), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (bench->seen == MAP_FAILED)
		die("mmap", ENOMEM, "");

	bench->reader = fork();
	if (bench->reader == 0)
		read_for_ever(bench, bench->seen);
	if (bench->reader < 0)
		die("fork", EAGAIN, "");
	(void)on_exit(close_bench, bench);
}


static double best_of(struct bench *bench,
		      double (*change)(struct bench *bench))
{
	double best = 0;

	for (int i = 0; i < ROUNDS; i++) {
		const double now = change(bench);

		if (i == 0 || now < best)
			best = now;
	}

	return best;
}


static int report(const struct figure *figures, size_t count)
{
	int missed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct figure *f = &figures[i];
		const bool is_missed = f->bound > 0 && f->value > f->bound;

		(void)printf("%-34s %9.1f %-3s", f->what, f->value, f->unit);
		if (f->bound > 0)
			(void)printf(" (bound %.0f)%s", f->bound,
				     is_missed ? " MISSED" : "");
		(void)printf("\n");
		missed += is_missed;
	}

	return missed;
}


int main(void)
{
	const struct catalog_control *control;
	static struct bench bench; /* Still there at exit */
	struct keys keys = { .found = 0 };
	struct build *b;
	int64_t start;
	double parse_ms, make_ms, all_ms, size = 0;
	double gateway, phone, rate;

	open_bench(&bench);

	start = clk_mono_us();
	b = begin(&bench);
	put_all(&bench, b);
	parse_ms = (double)(clk_mono_us() - start) / 1000;
	publish(&bench, b);
	make_ms = (double)(clk_mono_us() - start) / 1000 - parse_ms;
	all_ms = live_ms(&bench, start);

	gateway = best_of(&bench, change_gateway);
	phone = best_of(&bench, change_phone);
	rate = best_of(&bench, change_rate);

	draw_keys(&keys);
	keys.catalog = publisher_current(bench.publisher);
	control = catalog_control(keys.catalog);
	for (size_t i = 0; i < CATALOG_PARTC; i++)
		size += (double)control->parts[i].size / (1 << 20);

	/* clang-format off */
	const struct figure figures[] = {
		{ "all rows parsed",                parse_ms, 0, "ms" },
		{ "all of it made and published",   make_ms, 0, "ms" },
		{ "the same, until a reader has it", all_ms, 0, "ms" },
		{ "size",                           size, 0, "MiB" },
		{ "one gateway changed, live",      gateway, LIVE_MS, "ms" },
		{ "one phone changed, live",        phone, LIVE_MS, "ms" },
		{ "one rate changed, live",         rate, LIVE_MS, "ms" },
		{ "gateways by prefix",             look_ns(&keys, look_candidates), PREFIX_NS, "ns" },
		{ "rate by prefix",                 look_ns(&keys, look_rate), PREFIX_NS, "ns" },
		{ "gateways by address",            look_ns(&keys, look_addr), ADDRESS_NS, "ns" },
		{ "phone by number",                look_ns(&keys, look_phone), PREFIX_NS, "ns" },
	};
	/* clang-format on */
	const int missed = report(figures, COUNT_OF(figures));

	(void)printf("catalog_mib=%.0f full_ms=%.0f gateway_ms=%.0f "
		     "phone_ms=%.0f rate_ms=%.0f prefix_ns=%.0f rate_ns=%.0f "
		     "address_ns=%.0f phone_ns=%.0f\n",
		     size, all_ms, gateway, phone, rate, figures[7].value,
		     figures[8].value, figures[9].value, figures[10].value);

	free(keys.numbers);
	free(keys.phones);
	free(keys.addrs);

	return missed ? 1 : 0;
}
