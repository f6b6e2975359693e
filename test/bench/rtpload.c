/**
 * @file test/bench/rtpload.c  Many RTP streams between pairs of sockets
 *
 * Both ends of N calls, 172 bytes every 20 ms each way, through whatever relay
 * they are pointed to; each packet has a number and the time it was sent, and
 * arrivals have the kernel's time, so that sockets may be read late: nobody
 * waits on them, and no wake-up of ours is paid by the relay. Commands are
 * lines of standard input:
 *
 *     open N ADDRESS_A ADDRESS_B   2N sockets; {"ports":[...]}: of end 0 (A of
 *                                  the first pair), 1 (its B), 2 ...
 *     to END ADDRESS PORT          where an end sends, and what it hears;
 * again while it runs start [MS] | stop            MS between packets of an
 * end mute END | talk END drop EVERY                   one of so many is not
 * sent: 0: none mark                         a new window begins reset what
 * was heard is forgotten spray ADDRESS RATE random|guess TARGET,END,PORT... to
 * TARGET:PORT as if it were END; {"spray"} calm                         no
 * more of it report                       {"sent","received","lost", ...} quit
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/bench/rtpload.h"

enum {
	TICK_NS = 250000,
	LOOK_TICKS = 8, /**< Between two looks at the commands */
	READ_EVERY = 2, /**< Packets sent between two looks at a socket */
	TURN_MAX =
		4096, /**< Packets of one tick: we do not catch up at once */
};


static int refuse(const char *what)
{
	printf("{\"error\":\"%s\"}\n", what);

	return EINVAL;
}


/* --- commands
 * ---------------------------------------------------------------- */

static struct end *end_of(struct load *load, const char *text)
{
	const unsigned long i = text ? strtoul(text, NULL, 10) : ENDS_MAX;

	return i < load->endc ? &load->ends[i] : NULL;
}


static int command_open(struct load *load)
{
	const unsigned long n = strtoul(load->words ? strsep(&load->words, " ")
						    : "",
					NULL, 10);
	struct sockaddr_in own[2];

	if (!n || 2 * n > ENDS_MAX || load->endc || !load->words ||
	    !address_parse(&own[0], strsep(&load->words, " "), "0") ||
	    !address_parse(&own[1], load->words, "0"))
		return refuse("open N ADDRESS_A ADDRESS_B, once");

	printf("{\"ports\":[");
	for (size_t i = 0; i < 2 * n; i++) {
		struct end *end = &load->ends[i];
		uint16_t port = 0;

		end->fd = socket_open(&own[i % 2], &port);
		if (end->fd < 0) {
			printf("]}\n");
			return errno;
		}
		end->ssrc = (uint32_t)(0x10000 + i);
		load->endc++;
		printf("%s%u", i ? "," : "", port);
	}
	printf("]}\n");

	return 0;
}


static int command_to(struct load *load)
{
	struct end *end = end_of(load, strsep(&load->words, " "));
	const char *host = load->words ? strsep(&load->words, " ") : NULL;
	struct sockaddr_in to;

	if (!end || !address_parse(&to, host, load->words))
		return refuse("to END ADDRESS PORT");
	if (connect(end->fd, (const struct sockaddr *)&to, sizeof(to)))
		return refuse(strerror(errno));
	end->is_pointed = true;

	return 0;
}


static int command_start(struct load *load)
{
	const unsigned long ms = load->words ? strtoul(load->words, NULL, 10)
					     : 20;

	if (!ms || !load->endc)
		return refuse("start [MS], after open");
	load->step_ns = (int64_t)ms * 1000000 / (int64_t)load->endc;
	load->due_ns = now_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < load->endc; i++)
		load->ends[i].last_sent_ns = 0;

	return 0;
}


static int command_stop(struct load *load)
{
	load->step_ns = 0;

	return 0;
}


static int command_mute(struct load *load)
{
	struct end *end = end_of(load, load->words);

	if (!end)
		return refuse("mute END");
	end->is_mute = true;

	return 0;
}


static int command_talk(struct load *load)
{
	struct end *end = end_of(load, load->words);

	if (!end)
		return refuse("talk END");
	end->is_mute = false;
	end->last_sent_ns = 0;

	return 0;
}


static int command_drop(struct load *load)
{
	load->drop_every = load->words
				   ? (unsigned)strtoul(load->words, NULL, 10)
				   : 0;

	return 0;
}


static int command_mark(struct load *load)
{
	for (size_t i = 0; i < load->endc; i++)
		end_read(load, i);
	stats_mark(&load->stats);

	return 0;
}


static int command_reset(struct load *load)
{
	for (size_t i = 0; i < load->endc; i++)
		end_read(load, i);
	for (size_t i = 0; i < load->endc; i++) {
		load->ends[i].first = load->ends[i].sent;
		load->ends[i].skipped = 0;
		load->ends[i ^ 1].hearing = (struct hearing){
			.first = load->ends[i].sent,
			.next = load->ends[i].sent,
		};
	}
	stats_reset(&load->stats);

	return 0;
}


static int command_spray(struct load *load)
{
	struct spray *spray = &load->sprays[load->sprayc];
	struct sockaddr_in own;
	uint16_t port = 0;
	const char *how;
	char *word;

	if (load->sprayc == SPRAYS_MAX || !load->words ||
	    !address_parse(&own, strsep(&load->words, " "), "0") ||
	    !load->words)
		return refuse("spray ADDRESS RATE HOW TARGET,END,PORT...");

	*spray = (struct spray){ .rate = strtod(strsep(&load->words, " "),
						NULL) };
	how = load->words ? strsep(&load->words, " ") : "";
	spray->is_guessing = !strcmp(how, "guess");
	while ((word = strsep(&load->words, " ")) &&
	       spray->targetc < TARGETS_MAX) {
		const char *host = strsep(&word, ",");
		const char *end = word ? strsep(&word, ",") : NULL;

		if (!end || !address_parse(&spray->targets[spray->targetc],
					   host, word))
			return refuse("spray: TARGET,END,PORT");
		spray->ends[spray->targetc++] = (uint32_t)strtoul(end, NULL,
								  10);
	}
	if (!spray->targetc)
		return refuse("spray: at whom?");
	spray->fd = socket_open(&own, &port);
	if (spray->fd < 0)
		return refuse(strerror(errno));
	spray->is_running = true;
	spray->begun_ns = now_ns(CLOCK_MONOTONIC);
	printf("{\"spray\":%zu,\"port\":%u}\n", load->sprayc, port);
	load->sprayc++;

	return 0;
}


static int command_calm(struct load *load)
{
	for (size_t i = 0; i < load->sprayc; i++)
		load->sprays[i].is_running = false;

	return 0;
}


static int command_report(struct load *load)
{
	uint64_t sent = 0, skipped = 0, unique = 0, doubled = 0, late = 0;
	struct rusage usage;

	for (size_t i = 0; i < load->endc; i++) {
		const struct end *end = &load->ends[i];

		end_read(load, i);
		sent += end->sent - end->first - end->skipped;
		skipped += end->skipped;
		unique += end->hearing.unique;
		doubled += end->hearing.doubled;
		late += end->hearing.late;
	}
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"sent\":%" PRIu64 ",\"skipped\":%" PRIu64
	       ",\"received\":%" PRIu64 ",\"lost\":%" PRId64
	       ",\"doubled\":%" PRIu64 ",\"late\":%" PRIu64
	       ",\"errors\":%" PRIu64 ",\"heard\":[",
	       sent, skipped, unique, (int64_t)(sent - unique), doubled, late,
	       load->errors);
	for (size_t i = 0; i < load->endc && i < 64; i++)
		printf("%s%" PRIu64, i ? "," : "",
		       load->ends[i].hearing.unique);
	printf("],\"sprayed\":[");
	for (size_t i = 0; i < load->sprayc; i++)
		printf("%s{\"sent\":%" PRIu64 ",\"back\":%" PRIu64 "}",
		       i ? "," : "", load->sprays[i].sent,
		       load->sprays[i].back);
	printf("],");
	stats_print(&load->stats);
	printf("}\n");

	return 0;
}


static int command_quit(struct load *load)
{
	load->is_over = true;

	return 0;
}

static const struct {
	const char *name;
	int (*h)(struct load *load);
	bool is_silent; /**< It says nothing of its own: say ok */
} commands[] = {
	{ "open", command_open, false },  { "to", command_to, true },
	{ "start", command_start, true }, { "stop", command_stop, true },
	{ "mute", command_mute, true },   { "talk", command_talk, true },
	{ "drop", command_drop, true },   { "mark", command_mark, true },
	{ "reset", command_reset, true }, { "spray", command_spray, false },
	{ "calm", command_calm, true },   { "report", command_report, false },
	{ "quit", command_quit, true },
};


static void command(struct load *load, char *line)
{
	const char *word = strsep(&line, " ");

	load->words = line;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, word) != 0)
			continue;
		if (!commands[i].h(load) && commands[i].is_silent)
			printf("{}\n");
		return;
	}
	(void)refuse("no such command");
}


static void commands_read(struct load *load)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char *begin = load->line, *end;
	ssize_t n;

	if (poll(&in, 1, 0) <= 0)
		return;
	n = read(0, load->line + load->len, LINE_SIZE - 1 - load->len);
	if (n <= 0) {
		load->is_over = true;
		return;
	}
	load->len += (size_t)n;
	load->line[load->len] = '\0';
	while ((end = strchr(begin, '\n'))) {
		*end = '\0';
		command(load, begin);
		begin = end + 1;
	}
	(void)fflush(stdout);
	load->len -= (size_t)(begin - load->line);
	memmove(load->line, begin, load->len);
}


/* --- time
 * -------------------------------------------------------------------- */

static void turn(struct load *load)
{
	const int64_t now = now_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < TURN_MAX && load->step_ns && load->due_ns <= now;
	     i++) {
		struct end *end = &load->ends[load->next];

		if (end->is_pointed) {
			if (!end->is_mute)
				end_send(load, load->next);
			if (end->is_mute || end->sent % READ_EVERY == 0)
				end_read(load, load->next);
		}
		load->next = (load->next + 1) % load->endc;
		load->due_ns += load->step_ns;
	}
	for (size_t i = 0; i < load->sprayc; i++)
		spray_turn(load, &load->sprays[i]);
}


int main(void)
{
	struct load *load = calloc(1, sizeof(*load));
	int64_t wake_ns = now_ns(CLOCK_MONOTONIC);

	if (!load)
		return 1;
	(void)prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul);
	stats_reset(&load->stats);
	for (unsigned tick = 0; !load->is_over; tick++) {
		struct timespec ts;
		int64_t now;

		turn(load);
		if (!load->step_ns || tick % LOOK_TICKS == 0)
			commands_read(load);
		now = now_ns(CLOCK_MONOTONIC);
		wake_ns = wake_ns + TICK_NS > now ? wake_ns + TICK_NS : now;
		ts.tv_sec = wake_ns / NS_PER_S;
		ts.tv_nsec = wake_ns % NS_PER_S;
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
				      NULL);
	}
	for (size_t i = 0; i < load->endc; i++)
		(void)close(load->ends[i].fd);
	for (size_t i = 0; i < load->sprayc; i++)
		(void)close(load->sprays[i].fd);
	free(load);

	return 0;
}
