/**
 * @file supervisor/forward.c  Commands that are a daemon's
 *
 * A gathering is one request that several workers are asked for; each of them
 * has a row of the table until it has answered or is gone. A worker that hangs
 * is replaced (its beat is watched), so every gathering ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "supervisor/adminsock.h"
#include "supervisor/forward.h"
#include "supervisor/spread.h"

enum {
	ADMIN_ROLE = 2, /**< Of whoever may open the socket: enum admin_role */
	FORWARDS_MAX = 512,
	OPERATOR_MAX = 64
};

struct gathering {
	uint64_t id;
	const struct spread *spread;
	json_t *request;
	char operator_name[OPERATOR_MAX];
	struct peer_id workers[WORKERS_MAX];
	bool is_asked[WORKERS_MAX];
	json_t *answers[WORKERS_MAX]; /**< NULL: none yet, or none at all */
	size_t workerc, waiting;
	bool is_led; /**< The first one has spoken */
};

/** A command that is over when another daemon has followed */
struct sequel {
	const char *cmd, *then;
	enum peer peer; /**< Who is asked behind it */
};

/** What a worker was asked and has not answered */
struct forward {
	uint64_t id; /**< 0: free */
	const struct child *child;
	struct gathering *gathering; /**< NULL: its answer is the answer */
	size_t worker;
	const struct sequel *sequel; /**< What comes behind it; NULL: nothing */
	char *answer; /**< Of the command that this is the sequel of */
};

/* A record that goes is unregistered first (registration 7.4). */
static const struct sequel sequels[] = {
	{ "registration.remove", "upstream.settle", PEER_REGD },
	{ "registration.set", "upstream.settle", PEER_REGD },
	{ "import.end", "upstream.settle", PEER_REGD },
};

struct forwards {
	struct forward rows[FORWARDS_MAX];
};


/* --- one worker ----------------------------------------------------------- */

static struct forward *place_find(struct supervisor *sup)
{
	if (!sup->forwards)
		sup->forwards = calloc(1, sizeof(*sup->forwards));
	for (size_t i = 0; sup->forwards && i < FORWARDS_MAX; i++)
		if (!sup->forwards->rows[i].id)
			return &sup->forwards->rows[i];

	return NULL;
}


/* @return 0, ENOTCONN: it is not ready, ENOBUFS ... */
static int tell(struct supervisor *sup, const struct forward *row,
		struct peer_id id, const char *operator_name,
		const json_t *request)
{
	struct child *child = supervisor_child(sup, id);
	struct forward *place = place_find(sup);
	Tandem__ControlFrame frame;
	Tandem__AdminRequest word;
	char *line;
	int err;

	if (!child || !child->channel || child->state == CHILD_STARTING)
		return ENOTCONN;
	line = place ? json_dumps(request, JSON_COMPACT) : NULL;
	if (!line)
		return ENOBUFS;

	tandem__control_frame__init(&frame);
	tandem__admin_request__init(&word);
	word.id = row->id;
	word.operator_ = unconst(operator_name);
	word.role = ADMIN_ROLE;
	word.json = line;
	frame.body_case = CTL_BODY(ADMIN_REQUEST);
	frame.admin_request = &word;
	err = channel_send(child->channel, &frame, NULL, 0);
	free(line);
	if (err)
		return err;
	*place = *row;
	place->child = child;

	return 0;
}


static const struct sequel *sequel_find(const json_t *request)
{
	const char *cmd = json_string_value(json_object_get(request, "cmd"));

	for (size_t i = 0; cmd && i < COUNT_OF(sequels); i++)
		if (strcmp(sequels[i].cmd, cmd) == 0)
			return &sequels[i];

	return NULL;
}


static void forward_one(struct supervisor *sup, uint64_t id,
			const char *operator_name, const json_t *request,
			struct peer_id worker)
{
	const struct forward row = { .id = id,
				     .sequel = sequel_find(request) };
	const int err = tell(sup, &row, worker, operator_name, request);

	if (err == ENOTCONN)
		command_answer_error(sup, id, "unreachable",
				     "the process is not ready");
	else if (err)
		command_answer_error(sup, id, "failed", strerror(err));
}


/* --- all of them ---------------------------------------------------------- */

static void gathering_free(struct gathering *g)
{
	for (size_t i = 0; i < g->workerc; i++)
		json_decref(g->answers[i]);
	json_decref(g->request);
	free(g);
}


/* @return EINVAL: what is asked for goes too far */
static int ask(struct supervisor *sup, struct gathering *g, size_t worker)
{
	const struct forward row = { .id = g->id,
				     .gathering = g,
				     .worker = worker };
	json_t *args = spread_args(g->spread,
				   json_object_get(g->request, "args"), worker,
				   g->answers[0]);
	json_t *own = args ? json_copy(g->request) : NULL;

	if (!own) {
		json_decref(args);
		return EINVAL;
	}
	(void)json_object_set_new(own, "args", args);
	g->is_asked[worker] = true;
	g->waiting += tell(sup, &row, g->workers[worker], g->operator_name,
			   own) == 0;
	json_decref(own);

	return 0;
}


static void put_missed(const struct gathering *g, json_t *answer)
{
	json_t *names = json_array();

	for (size_t i = 0; i < g->workerc; i++) {
		char name[PEER_ID_MAX];

		if (g->is_asked[i] && !g->answers[i])
			(void)json_array_append_new(
				names, json_string(peer_id_print(g->workers[i],
								 name)));
	}
	if (json_array_size(names) &&
	    json_is_true(json_object_get(answer, "ok")))
		(void)json_object_set(answer, "missed", names);
	json_decref(names);
}


static bool is_answered(const struct gathering *g)
{
	for (size_t i = 0; i < g->workerc; i++)
		if (g->answers[i])
			return true;

	return false;
}


static void finish(struct supervisor *sup, struct gathering *g)
{
	json_t *answer = is_answered(g)
				 ? spread_merge(g->spread,
						json_object_get(g->request,
								"args"),
						g->answers, g->workerc)
				 : NULL;
	char *text = NULL;

	if (answer) {
		put_missed(g, answer);
		text = json_dumps(answer, JSON_COMPACT);
	}
	if (text)
		adminsock_reply(sup->adminsock, g->id, text);
	else
		command_answer_error(sup, g->id, "unreachable",
				     "no process is ready");
	free(text);
	json_decref(answer);
	gathering_free(g);
}


static void advance(struct supervisor *sup, struct gathering *g)
{
	if (g->waiting)
		return;
	if (g->spread->way == SPREAD_LEAD && !g->is_led) {
		g->is_led = true;
		for (size_t i = 1;
		     json_is_true(json_object_get(g->answers[0], "ok")) &&
		     i < g->workerc;
		     i++)
			(void)ask(sup, g, i);
		if (g->waiting)
			return;
	}
	finish(sup, g);
}


static struct gathering *gathering_alloc(uint64_t id,
					 const char *operator_name,
					 const json_t *request,
					 const struct forward_target *target)
{
	struct gathering *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;

	g->id = id;
	g->spread = target->spread;
	g->request = json_copy(unconst(request));
	(void)text_print(g->operator_name, sizeof(g->operator_name), "%s",
			 operator_name);
	g->workerc = target->workerc;
	memcpy(g->workers, target->workers, sizeof(g->workers));
	if (!json_object_get(g->request, "args"))
		(void)json_object_set_new(g->request, "args", json_object());

	return g;
}


static void forward_all(struct supervisor *sup, uint64_t id,
			const char *operator_name, const json_t *request,
			const struct forward_target *target)
{
	const size_t first = target->spread->way == SPREAD_CHAIN
				     ? spread_chain(json_object_get(request,
								    "args"),
						    target->workerc)
				     : 0;
	struct gathering *g = first < target->workerc
				      ? gathering_alloc(id, operator_name,
							request, target)
				      : NULL;

	if (!g || ask(sup, g, first)) {
		command_answer_error(sup, id, "invalid_value",
				     "cursor: not one of ours, or too far: "
				     "ask one process");
		if (g)
			gathering_free(g);
		return;
	}
	for (size_t i = 1; g->spread->way == SPREAD_ALL && i < g->workerc; i++)
		(void)ask(sup, g, i);
	advance(sup, g);
}


/* --- whose it is ---------------------------------------------------------- */

static void all_workers(const struct supervisor *sup, enum peer peer,
			struct forward_target *target)
{
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		const struct peer_id id = { (uint16_t)peer, (uint16_t)i };
		const struct child *child = supervisor_child(sup, id);

		if (child && !child->surplus)
			target->workers[target->workerc++] = id;
	}
}


bool forward_find(const struct supervisor *sup, const char *cmd,
		  const json_t *args, struct forward_target *target)
{
	const char *process = json_string_value(
		json_object_get(args, "process"));
	struct peer_id id = { PEER_NONE, 0 };
	enum peer peer;

	*target = (struct forward_target){ .spread = NULL };
	if (!process) {
		target->spread = spread_find(cmd);
		if (target->spread)
			all_workers(sup, target->spread->peer, target);
		return target->workerc > 0;
	}
	if (peer_parse(&peer, process) == 0)
		id.peer = (uint16_t)peer;
	else if (peer_id_parse(&id, process, strlen(process)))
		return false;
	target->workers[0] = id;
	target->workerc = 1;

	return supervisor_child(sup, id) != NULL;
}


void forward(struct supervisor *sup, uint64_t id, const char *operator_name,
	     const json_t *request, const struct forward_target *target)
{
	if (!target->spread || target->workerc == 1 ||
	    target->spread->way == SPREAD_ONE)
		forward_one(sup, id, operator_name, request,
			    target->workers[0]);
	else
		forward_all(sup, id, operator_name, request, target);
}


/* --- what they say -------------------------------------------------------- */

/* What was done stands, whatever comes of the sequel.
 * @return false: it is answered now */
static bool follow(struct supervisor *sup, const struct forward *row,
		   const char *json)
{
	const struct peer_id worker = { (uint16_t)row->sequel->peer, 0 };
	json_t *said = json_loads(json, 0, NULL);
	const bool is_done = json_is_true(json_object_get(said, "ok"));
	json_t *request = json_pack("{s:s}", "cmd", row->sequel->then);
	struct forward next = { .id = row->id };
	int err = ENOMEM;

	json_decref(said);
	next.answer = is_done && request ? strdup(json) : NULL;
	if (next.answer)
		err = tell(sup, &next, worker, "supervisor", request);
	if (err)
		free(next.answer);
	json_decref(request);

	return err == 0;
}


static void take(struct supervisor *sup, const struct forward *row,
		 const char *json)
{
	struct gathering *g = row->gathering;

	if (row->answer) {
		adminsock_reply(sup->adminsock, row->id, row->answer);
		free(row->answer);
	}
	else if (row->sequel && json && follow(sup, row, json)) {
		return;
	}
	else if (g) {
		g->answers[row->worker] = json ? json_loads(json, 0, NULL)
					       : NULL;
		g->waiting--;
		advance(sup, g);
	}
	else if (!json) {
		command_answer_error(sup, row->id, "failed",
				     "the process ended");
	}
	else if (strchr(json, '\n') || !json[0]) {
		command_answer_error(sup, row->id, "failed",
				     "the process gave no answer");
	}
	else {
		adminsock_reply(sup->adminsock, row->id, json);
	}
}


/* json NULL: nothing any more; id 0: of all requests */
static void hear(struct supervisor *sup, const struct child *child,
		 uint64_t id, const char *json)
{
	for (size_t i = 0; sup->forwards && i < FORWARDS_MAX; i++) {
		const struct forward row = sup->forwards->rows[i];

		if (!row.id || row.child != child || (id && row.id != id))
			continue;
		sup->forwards->rows[i].id = 0;
		take(sup, &row, json);
		if (id)
			return;
	}
}


void forward_reply(struct supervisor *sup, const struct child *child,
		   const Tandem__AdminReply *reply)
{
	if (reply->id)
		hear(sup, child, reply->id, reply->json);
}


void forward_child_gone(struct supervisor *sup, const struct child *child)
{
	hear(sup, child, 0, NULL);
}


/* A gathering is freed with the last of its rows. */
struct forwards *forwards_free(struct forwards *forwards)
{
	for (size_t i = 0; forwards && i < FORWARDS_MAX; i++) {
		const struct forward *row = &forwards->rows[i];

		if (!row->id)
			continue;
		free(row->answer);
		if (row->gathering && --row->gathering->waiting == 0)
			gathering_free(row->gathering);
	}
	free(forwards);

	return NULL;
}
