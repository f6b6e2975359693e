/**
 * @file test/support/mediatalk.c  Says to mediad what sipd would say
 *
 *     mediatalk RUN_DIR WORKER [MEDIAD_WORKER]
 *
 * It is a worker of sipd that the cluster has not. Commands are lines of
 * standard input, what happens is lines of standard output, JSON:
 *
 *     reserve SESSION SIDE LOCAL LINES [LOCAL_A]
 *     point SESSION SIDE KEY=VALUE...   mediatalk_point.c; remote=HOST:PORT
 *                                       may repeat, - is none; payloads=0,101
 *     release SESSION SIDE              SIDE: a number, or all
 *     digit SESSION SIDE DIGIT MS       a notice: SendDigit
 *     churn SESSIONS OPEN FIRST LOCAL   so many are opened and closed, never
 *                                       more than OPEN at once
 *     quit
 *
 * {"n":N,...} answers the Nth command that asks something; {"notice":...}
 * comes by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"
#include "test/support/mediatalk.h"

enum {
	LINE_SIZE = 1 << 18,
	DEADLINE_MS = 10000,
	RETRY_MS = 500,
	SIDE_ALL = UINT32_MAX,
};

/** Sessions that come and go by themselves */
struct churn {
	uint64_t next, end, open, open_max;
	uint64_t reserved, refused, failed, closed;
	char address[64];
	unsigned number;
};

struct talk {
	struct ev *ev;
	struct bus *bus;
	struct ev_watch *in;
	struct peer_id mediad;
	struct churn churn;
	char line[LINE_SIZE];
	size_t len;
	char *words; /**< Rest of the command */
	unsigned asked;
};

struct ask {
	struct talk *talk;
	unsigned number;
	uint64_t session; /**< Of the churn */
};


/* --- what comes ------------------------------------------------------------ */

static void ports_print(const char *name, const uint32_t *ports, size_t n)
{
	printf(",\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", ports[i]);
	printf("]");
}


static void side_print(const char *name, const Tandem__MediaSide *side)
{
	if (!side)
		return;
	printf(",\"%s\":{\"packets\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"jitter_us\":%u,\"mos\":%u,\"age_us\":%" PRId64,
	       name, side->packets, side->lost, side->jitter_us, side->mos,
	       side->age_us);
	printf(",\"bytes\":%" PRIu64 ",\"expected\":%" PRIu64
	       ",\"out_of_order\":%" PRIu64 ",\"duplicates\":%" PRIu64
	       ",\"jitter_max_us\":%u,\"rtt_us\":%u,"
	       "\"ssrc_changes\":%u,\"foreign\":%" PRIu64 "}",
	       side->bytes, side->expected, side->out_of_order,
	       side->duplicates, side->jitter_max_us, side->rtt_us,
	       side->ssrc_changes, side->foreign);
}


static void reserved_print(const Tandem__MediaReserved *r)
{
	printf(",\"reply\":\"reserved\",\"bypass\":%s,\"address\":\"%s\","
	       "\"address_a\":\"%s\"",
	       r->bypass ? "true" : "false", r->address, r->address_a);
	ports_print("ports", r->ports, r->n_ports);
	ports_print("ports_a", r->ports_a, r->n_ports_a);
}


static void reply_print(const Tandem__Envelope *env)
{
	const size_t body = (size_t)env->body_case;

	if (body == BUS_BODY(MEDIA_RESERVED))
		reserved_print(env->media_reserved);
	else if (body == BUS_BODY(MEDIA_REFUSED))
		printf(",\"reply\":\"refused\",\"why\":%d",
		       env->media_refused->why);
	else if (body == BUS_BODY(POINTED))
		printf(",\"reply\":\"pointed\"");
	else if (body == BUS_BODY(RELEASED)) {
		printf(",\"reply\":\"released\"");
		side_print("a", env->released->a);
		side_print("b", env->released->b);
	}
	else
		printf(",\"reply\":\"body %zu\"", body);
}


static void on_reply(int err, const Tandem__Envelope *reply, void *arg)
{
	struct ask *ask = arg;

	printf("{\"n\":%u", ask->number);
	if (err)
		printf(",\"error\":\"%s\"", strerror(err));
	else
		reply_print(reply);
	printf("}\n");
	free(ask);
}


static int on_lost(void *state, const Tandem__Envelope *env, int tag)
{
	(void)state;
	(void)tag;
	printf("{\"notice\":\"lost\",\"session\":%" PRIu64 ",\"sides\":%u}\n",
	       env->media_lost->session, env->media_lost->sides);

	return 0;
}


static int on_started(void *state, const Tandem__Envelope *env, int tag)
{
	(void)state;
	(void)tag;
	printf("{\"notice\":\"started\",\"session\":%" PRIu64
	       ",\"side\":%u}\n",
	       env->media_started->session, env->media_started->side);

	return 0;
}


static int on_digit(void *state, const Tandem__Envelope *env, int tag)
{
	const Tandem__DigitHeard *heard = env->digit_heard;

	(void)state;
	(void)tag;
	printf("{\"notice\":\"digit\",\"session\":%" PRIu64
	       ",\"side\":%u,\"digit\":\"%.1s\",\"ms\":%u}\n",
	       heard->session, heard->side, heard->digit, heard->ms);

	return 0;
}


/* clang-format off */
static const struct bus_route routes[] = {
	[BUS_BODY(MEDIA_LOST)]    = { PEER_MEDIAD, on_lost,    0 },
	[BUS_BODY(MEDIA_STARTED)] = { PEER_MEDIAD, on_started, 0 },
	[BUS_BODY(DIGIT_HEARD)]   = { PEER_MEDIAD, on_digit,   0 },
};
/* clang-format on */


/* --- what is asked --------------------------------------------------------- */

static int send_env(struct talk *talk, Tandem__Envelope *env, bus_reply_h *h,
		    void *arg)
{
	const struct bus_request request = {
		.to = talk->mediad,
		.deadline_ms = DEADLINE_MS,
		.retry_ms = h ? RETRY_MS : 0,
		.h = h,
		.arg = arg,
	};

	return bus_send(talk->bus, &request, env, NULL);
}


static void ask_env(struct talk *talk, Tandem__Envelope *env)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	int err;

	if (!ask)
		abort();
	ask->talk = talk;
	ask->number = ++talk->asked;
	err = send_env(talk, env, on_reply, ask);
	if (err)
		on_reply(err, NULL, ask);
}


static uint64_t number_next(char **words)
{
	const char *word = *words ? strsep(words, " ") : NULL;

	return word ? strtoull(word, NULL, 10) : 0;
}


static uint32_t side_next(char **words)
{
	const char *word = *words ? strsep(words, " ") : "0";

	return strcmp(word, "all") ? (uint32_t)strtoul(word, NULL, 10)
				   : SIDE_ALL;
}


static char *word_next(char **words, char *otherwise)
{
	return *words ? strsep(words, " ") : otherwise;
}


static void command_reserve(struct talk *talk)
{
	static char empty[] = "";
	Tandem__Reserve reserve;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__reserve__init(&reserve);
	reserve.session = number_next(&talk->words);
	reserve.side = side_next(&talk->words);
	reserve.local = word_next(&talk->words, empty);
	reserve.lines = (uint32_t)number_next(&talk->words);
	reserve.local_a = word_next(&talk->words, empty);
	env.body_case = BUS_BODY(RESERVE);
	env.reserve = &reserve;
	ask_env(talk, &env);
}


static void command_point(struct talk *talk)
{
	struct pointing p;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	pointing_init(&p);
	p.point.session = number_next(&talk->words);
	p.point.side = side_next(&talk->words);
	pointing_parse(&p, talk->words);
	env.body_case = BUS_BODY(POINT);
	env.point = &p.point;
	ask_env(talk, &env);
}


static void command_release(struct talk *talk)
{
	Tandem__Release release;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__release__init(&release);
	release.session = number_next(&talk->words);
	release.side = side_next(&talk->words);
	env.body_case = BUS_BODY(RELEASE);
	env.release = &release;
	ask_env(talk, &env);
}


static void command_digit(struct talk *talk)
{
	static char none[] = "";
	Tandem__SendDigit digit;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__send_digit__init(&digit);
	digit.session = number_next(&talk->words);
	digit.side = side_next(&talk->words);
	digit.digit = word_next(&talk->words, none);
	digit.ms = (uint32_t)number_next(&talk->words);
	env.body_case = BUS_BODY(SEND_DIGIT);
	env.send_digit = &digit;
	if (send_env(talk, &env, NULL, NULL))
		printf("{\"notice\":\"not sent\"}\n");
}


/* --- many ------------------------------------------------------------------ */

static void churn_more(struct talk *talk);


static void churn_ended(struct talk *talk)
{
	const struct churn *c = &talk->churn;

	if (c->open || c->next < c->end)
		return;
	printf("{\"n\":%u,\"reply\":\"churned\",\"reserved\":%" PRIu64
	       ",\"refused\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"closed\":%" PRIu64 "}\n",
	       c->number, c->reserved, c->refused, c->failed, c->closed);
}


static void on_churn_closed(int err, const Tandem__Envelope *reply, void *arg)
{
	struct ask *ask = arg;
	struct talk *talk = ask->talk;

	if (err || reply->body_case != BUS_BODY(RELEASED))
		talk->churn.failed++;
	else
		talk->churn.closed++;
	talk->churn.open--;
	free(ask);
	churn_more(talk);
	churn_ended(talk);
}


static void on_churn_reserved(int err, const Tandem__Envelope *reply,
			      void *arg)
{
	struct ask *ask = arg;
	struct talk *talk = ask->talk;
	Tandem__Release release;
	Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

	tandem__release__init(&release);
	if (err)
		talk->churn.failed++;
	else if (reply->body_case == BUS_BODY(MEDIA_RESERVED))
		talk->churn.reserved++;
	else
		talk->churn.refused++;

	/* Also what was refused: nothing of it may be left. */
	release.session = ask->session;
	release.side = SIDE_ALL;
	env.body_case = BUS_BODY(RELEASE);
	env.release = &release;
	err = send_env(talk, &env, on_churn_closed, ask);
	if (err)
		on_churn_closed(err, NULL, ask);
}


static void churn_more(struct talk *talk)
{
	struct churn *c = &talk->churn;

	while (c->next < c->end && c->open < c->open_max) {
		struct ask *ask = calloc(1, sizeof(*ask));
		Tandem__Reserve reserve;
		Tandem__Envelope env = TANDEM__ENVELOPE__INIT;

		tandem__reserve__init(&reserve);
		if (!ask)
			abort();
		ask->talk = talk;
		ask->session = c->next++;
		c->open++;
		reserve.session = ask->session;
		reserve.side = 1;
		reserve.lines = 1;
		reserve.local = reserve.local_a = c->address;
		env.body_case = BUS_BODY(RESERVE);
		env.reserve = &reserve;
		if (send_env(talk, &env, on_churn_reserved, ask)) {
			c->failed++;
			c->open--;
			free(ask);
		}
	}
}


static void command_churn(struct talk *talk)
{
	static char nowhere[] = "";
	const uint64_t sessions = number_next(&talk->words);
	const uint64_t open = number_next(&talk->words);
	const uint64_t first = number_next(&talk->words);

	talk->churn = (struct churn){
		.next = first,
		.end = first + sessions,
		.open_max = open,
		.number = ++talk->asked,
	};
	(void)snprintf(talk->churn.address, sizeof(talk->churn.address), "%s",
		       word_next(&talk->words, nowhere));
	churn_more(talk);
	churn_ended(talk);
}


/* --- lines
 * ------------------------------------------------------------------- */

static void command_quit(struct talk *talk)
{
	ev_stop(talk->ev, 0);
}

static const struct {
	const char *name;
	void (*h)(struct talk *talk);
} commands[] = {
	{ "reserve", command_reserve }, { "point", command_point },
	{ "release", command_release }, { "digit", command_digit },
	{ "churn", command_churn },     { "quit", command_quit },
};


static void command(struct talk *talk, char *line)
{
	const char *word = strsep(&line, " ");

	talk->words = line;
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (!strcmp(commands[i].name, word))
			commands[i].h(talk);
	}
}


static void on_input(int flags, void *arg)
{
	struct talk *talk = arg;
	char *begin = talk->line, *end;
	ssize_t n;

	(void)flags;
	n = read(0, talk->line + talk->len, LINE_SIZE - 1 - talk->len);
	if (n <= 0) {
		ev_stop(talk->ev, 0);
		return;
	}
	talk->len += (size_t)n;
	talk->line[talk->len] = '\0';
	while ((end = strchr(begin, '\n'))) {
		*end = '\0';
		command(talk, begin);
		begin = end + 1;
	}
	talk->len -= (size_t)(begin - talk->line);
	memmove(talk->line, begin, talk->len);
}


static int run(struct talk *talk, const char *dir, uint16_t worker)
{
	char bus_dir[256];
	const struct bus_link link = { talk->mediad };
	struct bus_args args = {
		.self = { PEER_SIPD, worker },
		.dir = bus_dir,
		.links = &link,
		.linkc = 1,
		.routes = routes,
		.routec = COUNT_OF(routes),
		.state = talk,
	};
	int err;

	(void)snprintf(bus_dir, sizeof(bus_dir), "%s/bus", dir);
	err = ev_alloc(&talk->ev);
	if (err)
		return err;
	args.ev = talk->ev;
	err = bus_alloc(&talk->bus, &args);
	if (!err)
		err = ev_watch(&talk->in, talk->ev, 0, EV_READ, on_input,
			       talk);
	if (!err)
		err = ev_run(talk->ev);

	talk->in = ev_unwatch(talk->in);
	bus_free(talk->bus);
	ev_free(talk->ev);

	return err;
}


int main(int argc, char *argv[])
{
	static struct talk talk;
	int err;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	talk.mediad.peer = PEER_MEDIAD;
	if (argc > 3)
		talk.mediad.worker = (uint16_t)strtoul(argv[3], NULL, 10);
	err = run(&talk, argv[1], (uint16_t)strtoul(argv[2], NULL, 10));
	if (err)
		(void)fprintf(stderr, "mediatalk: %s\n", strerror(err));

	return err ? 1 : 0;
}
