/**
 * @file test/component/callask.c  Asks what sipd asks, once
 *
 *     callask RUN_DIR WORKER COMMAND ARGUMENT...
 *
 * It is a worker of sipd that the cluster has not; the answer is a line of
 * standard output.
 *
 *     authorise CDR_ID ACCOUNT MAPPING CALLED     granted MODE ACCOUNT...
 *     renew CDR_ID                                or refused WHY
 *     answered CDR_ID                             stored
 *     ended CDR_ID CALLED DURATION_MS CALL_ID     stored
 *     reserve SESSION SIDE                        bypass or ports PORT...
 *     point SESSION SIDE                          pointed
 *     release SESSION SIDE                        released PACKETS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clk.h"
#include "shared/base/util.h"
#include "shared/catalog/end_reason.h"
#include "shared/ev/ev.h"
#include "shared/ipc/bus.h"

enum {
	ARGS_MAX = 4,
	DEADLINE_MS = 10000,
	RETRY_MS = 500,
};

/* Of the message that is asked. */
struct asked {
	Tandem__Envelope env;
	Tandem__Record record;
	union {
		Tandem__Authorise authorise;
		Tandem__Renew renew;
		Tandem__Answered answered;
		Tandem__Ended ended;
		Tandem__Reserve reserve;
		Tandem__Point point;
		Tandem__Release release;
	} as;
};


static void make_authorise(struct asked *a, char *args[])
{
	tandem__authorise__init(&a->as.authorise);
	a->as.authorise.cdr_id = args[0];
	a->as.authorise.account = (uint32_t)strtoul(args[1], NULL, 10);
	a->as.authorise.mapping = (uint32_t)strtoul(args[2], NULL, 10);
	a->as.authorise.called = args[3];
	a->as.authorise.start_us = clk_wall_us();
	a->env.authorise = &a->as.authorise;
}


static void make_renew(struct asked *a, char *args[])
{
	tandem__renew__init(&a->as.renew);
	a->as.renew.cdr_id = args[0];
	a->env.renew = &a->as.renew;
}


static void make_answered(struct asked *a, char *args[])
{
	tandem__answered__init(&a->as.answered);
	a->record.cdr_id = args[0];
	a->as.answered.record = &a->record;
	a->env.answered = &a->as.answered;
}


static void make_ended(struct asked *a, char *args[])
{
	tandem__ended__init(&a->as.ended);
	a->record.cdr_id = args[0];
	a->record.called = args[1];
	a->record.start_us = clk_wall_us();
	a->record.duration_us = strtoll(args[2], NULL, 10) * 1000;
	a->record.call_id_a = args[3];
	a->record.end_reason = END_NORMAL_RELEASE;
	a->record.end_side = END_SIDE_CALLER;
	a->as.ended.record = &a->record;
	a->env.ended = &a->as.ended;
}


static void make_reserve(struct asked *a, char *args[])
{
	tandem__reserve__init(&a->as.reserve);
	a->as.reserve.session = strtoull(args[0], NULL, 10);
	a->as.reserve.side = (uint32_t)strtoul(args[1], NULL, 10);
	a->as.reserve.lines = 1;
	a->env.reserve = &a->as.reserve;
}


static void make_point(struct asked *a, char *args[])
{
	tandem__point__init(&a->as.point);
	a->as.point.session = strtoull(args[0], NULL, 10);
	a->as.point.side = (uint32_t)strtoul(args[1], NULL, 10);
	a->env.point = &a->as.point;
}


static void make_release(struct asked *a, char *args[])
{
	tandem__release__init(&a->as.release);
	a->as.release.session = strtoull(args[0], NULL, 10);
	a->as.release.side = (uint32_t)strtoul(args[1], NULL, 10);
	a->env.release = &a->as.release;
}


static const struct command {
	const char *name;
	enum peer to;
	int argc;
	Tandem__Envelope__BodyCase body;
	void (*make)(struct asked *a, char *args[]);
} commands[] = {
	{ "authorise", PEER_BILLINGD, 4, BUS_BODY(AUTHORISE), make_authorise },
	{ "renew", PEER_BILLINGD, 1, BUS_BODY(RENEW), make_renew },
	{ "answered", PEER_BILLINGD, 1, BUS_BODY(ANSWERED), make_answered },
	{ "ended", PEER_BILLINGD, 4, BUS_BODY(ENDED), make_ended },
	{ "reserve", PEER_MEDIAD, 2, BUS_BODY(RESERVE), make_reserve },
	{ "point", PEER_MEDIAD, 2, BUS_BODY(POINT), make_point },
	{ "release", PEER_MEDIAD, 2, BUS_BODY(RELEASE), make_release },
};


static void say_reserved(const Tandem__MediaReserved *reserved)
{
	printf("%s", reserved->bypass ? "bypass" : "ports");
	for (size_t i = 0; i < reserved->n_ports; i++)
		printf(" %u", reserved->ports[i]);
	printf("\n");
}


static void say_granted(const Tandem__CreditGranted *granted)
{
	printf("granted %u", granted->billing_mode);
	for (size_t i = 0; i < granted->n_short_vendors; i++)
		printf(" %u", granted->short_vendors[i]);
	printf("\n");
}


static void say(const Tandem__Envelope *env)
{
	const size_t body = (size_t)env->body_case;

	if (body == BUS_BODY(CREDIT_GRANTED))
		say_granted(env->credit_granted);
	else if (body == BUS_BODY(CREDIT_REFUSED))
		printf("refused %d\n", env->credit_refused->why);
	else if (body == BUS_BODY(RECORD_STORED))
		printf("stored\n");
	else if (body == BUS_BODY(MEDIA_RESERVED))
		say_reserved(env->media_reserved);
	else if (body == BUS_BODY(MEDIA_REFUSED))
		printf("none %d\n", env->media_refused->why);
	else if (body == BUS_BODY(POINTED))
		printf("pointed\n");
	else if (body == BUS_BODY(RELEASED))
		printf("released %llu\n",
		       (unsigned long long)env->released->a->packets);
	else
		printf("body %zu\n", body);
}


static void on_reply(int err, const Tandem__Envelope *reply, void *arg)
{
	if (err)
		printf("error %s\n", strerror(err));
	else
		say(reply);
	ev_stop(arg, err);
}


static int ask(struct ev *ev, struct bus *bus, const struct command *command,
	       char *args[])
{
	const struct bus_request request = {
		.to = { (uint16_t)command->to, 0 },
		.deadline_ms = DEADLINE_MS,
		.retry_ms = RETRY_MS,
		.h = on_reply,
		.arg = ev,
	};
	struct asked a;
	int err;

	tandem__envelope__init(&a.env);
	tandem__record__init(&a.record);
	command->make(&a, args);
	a.env.body_case = command->body;
	err = bus_send(bus, &request, &a.env, NULL);

	return err ? err : ev_run(ev);
}


static int run(const char *dir, uint16_t worker, const struct command *command,
	       char *args[])
{
	char bus_dir[256];
	const struct bus_link link = { { (uint16_t)command->to, 0 } };
	struct bus_args bus_args = {
		.self = { PEER_SIPD, worker },
		.dir = bus_dir,
		.links = &link,
		.linkc = 1,
	};
	struct bus *bus = NULL;
	int err;

	(void)snprintf(bus_dir, sizeof(bus_dir), "%s/bus", dir);
	err = ev_alloc(&bus_args.ev);
	if (err)
		return err;
	err = bus_alloc(&bus, &bus_args);
	if (!err)
		err = ask(bus_args.ev, bus, command, args);
	bus_free(bus);
	ev_free(bus_args.ev);

	return err;
}


int main(int argc, char *argv[])
{
	for (size_t i = 0; argc > 3 && i < COUNT_OF(commands); i++) {
		int err;

		if (strcmp(commands[i].name, argv[3]) != 0 ||
		    commands[i].argc != argc - 4)
			continue;
		err = run(argv[1], (uint16_t)strtoul(argv[2], NULL, 10),
			  &commands[i], argv + 4);
		if (err)
			(void)fprintf(stderr, "%s\n", strerror(err));
		return err ? 1 : 0;
	}

	return 2;
}
