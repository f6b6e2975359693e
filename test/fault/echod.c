/**
 * @file test/fault/echod.c  A daemon of the tests: answers what it is sent
 *
 * Not one datagram may be lost, whatever kills it and when: each is looked at
 * in the socket, answered, counted in shared memory, and only then taken out.
 * Killed in between it answers one twice; it never swallows one.
 *
 * Its commands do what a daemon must not: crash, hang, execute.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/util.h"
#include "shared/ev/ev.h"
#include "shared/svc/svc.h"
#include "test/fault/echod.h"

enum {
	TURN_MAX = 256, /**< Datagrams of one turn of the loop */
	DATAGRAM_MAX = 2048,
};

struct echod {
	struct svc *svc;
	struct ev_watch *watch;
	struct slots *slots;
	uint32_t slot;
	struct echo_image image;
	int fd;
};


static void answer_one(struct echod *echod, bool *lastp)
{
	struct sockaddr_storage from;
	socklen_t fromlen = sizeof(from);
	char data[DATAGRAM_MAX];
	ssize_t n;

	n = recvfrom(echod->fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT,
		     (struct sockaddr *)&from, &fromlen);
	if (n < 0) {
		*lastp = true;
		return;
	}

	(void)sendto(echod->fd, data, (size_t)n, 0, (struct sockaddr *)&from,
		     fromlen);
	echod->image.answered++;
	slots_publish(echod->slots, echod->slot, &echod->image);
	(void)recv(echod->fd, data, sizeof(data), MSG_DONTWAIT);
}


static void on_readable(int flags, void *arg)
{
	struct echod *echod = arg;
	bool last = false;

	(void)flags;
	for (int i = 0; i < TURN_MAX && !last; i++)
		answer_one(echod, &last);
}


static const char *image_fault(const void *p)
{
	const struct echo_image *image = p;

	return image->magic == ECHO_IMAGE_MAGIC ? NULL : "magic";
}


static bool adopt(uint32_t index, const void *image, void *arg)
{
	struct echod *echod = arg;

	echod->slot = index;
	echod->image = *(const struct echo_image *)image;

	return true;
}


static int echod_open(struct svc *svc, void *state)
{
	struct echod *echod = state;
	const struct slots_args args = {
		.segment = svc_segment(svc, "echo"),
		.name = "echo",
		.image_size = sizeof(struct echo_image),
		.slotc = ECHO_SLOTS,
		.predecessor_crashed = svc_predecessor_crashed(svc),
		.faulth = image_fault,
		.log = svc_log(svc),
	};
	struct svc_socket socket;
	uint32_t adopted;
	int err;

	echod->svc = svc;
	err = slots_alloc(&echod->slots, &args);
	if (err)
		return err;

	adopted = slots_adopt(echod->slots, adopt, echod);
	svc_adopted(svc, adopted, slots_quarantined(echod->slots));
	if (adopted == 0) {
		err = slots_take(echod->slots, &echod->slot);
		if (err)
			return err;
		echod->image.magic = ECHO_IMAGE_MAGIC;
	}
	echod->image.generations++;
	slots_publish(echod->slots, echod->slot, &echod->image);

	err = svc_socket(svc, TANDEM__SOCKET_USE__SOCKET_USE_ECHO, 0, &socket);
	if (err)
		return err;
	echod->fd = socket.fd;

	return ev_watch(&echod->watch, svc_ev(svc), echod->fd, EV_READ,
			on_readable, echod);
}


static void echod_close(void *state)
{
	struct echod *echod = state;

	echod->watch = ev_unwatch(echod->watch);
	echod->slots = slots_free(echod->slots);
}


static int cmd_show(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	const struct echod *echod = state;

	(void)args;
	answer->rows = json_pack("[{s:I,s:I}]", "answered",
				 (json_int_t)echod->image.answered,
				 "generations",
				 (json_int_t)echod->image.generations);

	return answer->rows ? 0 : ENOMEM;
}


static int cmd_crash(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	volatile int *nowhere = NULL;

	(void)state;
	(void)args;
	(void)answer;
	*nowhere = 1;

	return 0;
}


static int cmd_stick(void *state, const json_t *args,
		     struct admin_answer *answer)
{
	volatile bool for_ever = true;

	(void)state;
	(void)args;
	(void)answer;
	while (for_ever)
		;

	return 0;
}


static int cmd_exec(void *state, const json_t *args,
		    struct admin_answer *answer)
{
	(void)state;
	(void)args;
	(void)answer;

	return execl("/bin/true", "true", (char *)NULL) ? errno : 0;
}


static int cmd_socket(void *state, const json_t *args,
		      struct admin_answer *answer)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	(void)args;
	(void)answer;

	return fd < 0 ? errno : close(fd);
}


/* clang-format off */
static const struct admin_command commands[] = {
	{ "echo.show",    cmd_show,   ADMIN_VIEW,  0, "What was answered", { { "process", "echod.0", true } } },
	{ "probe.crash",  cmd_crash,  ADMIN_ADMIN, 0, "Write to nowhere",  { { "process", "echod.0", true } } },
	{ "probe.stick",  cmd_stick,  ADMIN_ADMIN, 0, "Never return",      { { "process", "echod.0", true } } },
	{ "probe.exec",   cmd_exec,   ADMIN_ADMIN, 0, "Run a program",     { { "process", "echod.0", true } } },
	{ "probe.socket", cmd_socket, ADMIN_ADMIN, 0, "Open a socket",     { { "process", "echod.0", true } } },
};

static const struct svc_segment segments[] = {
	{ "echo", ECHO_MAGIC, ECHO_VERSION, ECHO_SLOT_SIZE, true },
};
/* clang-format on */


int main(int argc, char *argv[])
{
	const struct svc_def def = {
		.name = "echod",
		.peer = PEER_ECHOD,
		.state_size = sizeof(struct echod),
		.commands = commands,
		.commandc = COUNT_OF(commands),
		.segments = segments,
		.segmentc = COUNT_OF(segments),
		.open = echod_open,
		.close = echod_close,
	};

	return svc_main(&def, argc, argv);
}
