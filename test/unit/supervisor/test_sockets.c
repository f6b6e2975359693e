/**
 * @file test/unit/supervisor/test_sockets.c  Every public socket
 *
 * On 127.77.0.0/16, one address per process of the test: ports are free there.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/sockets.h"
#include "test/support/t.h"

static char error[CONFIG_ERROR_MAX], why[SOCKETS_WHY_MAX];
static struct config config;
static char ip[32];


static void parse(const char *rest)
{
	char text[2048];

	snprintf(ip, sizeof(ip), "127.77.%d.%d", getpid() / 250 % 250 + 1,
		 getpid() % 250 + 1);
	snprintf(text, sizeof(text),
		 "node = \"n\"\n"
		 "listener l { bind = \"%s\" port = 5060 }\n"
		 "rtp { bind = \"%s\" first = 10000 last = 10019 }\n"
		 "metrics { bind = \"%s\" }\n%s",
		 ip, ip, ip, rest);
	if (config_parse(&config, "t", text, error) != 0)
		fail_msg("%s", error);
}


static size_t count_of(const struct sockets *s, enum peer peer, uint16_t w,
		       enum sockets_which which, size_t *runcp)
{
	Tandem__Socket *runs;
	size_t runc, count = 0;

	assert_int_equal(sockets_runs(s, (struct peer_id){ peer, w }, which,
				      &runs, &runc),
			 0);
	for (size_t i = 0; i < runc; i++)
		count += runs[i].count;
	free(runs);
	if (runcp)
		*runcp = runc;

	return count;
}


static struct sockets *prepared(const char *rest)
{
	struct sockets *s;

	parse(rest);
	assert_int_equal(sockets_alloc(&s), 0);
	if (sockets_prepare(s, &config, why) != 0)
		fail_msg("%s", why);
	sockets_commit(s);

	return s;
}


static void each_process_gets_its_own_and_what_it_keeps(void **state)
{
	struct sockets *s = prepared("workers { sipd = 2 mediad = 2 }");
	size_t runs;
	(void)state;

	/* listener and metrics; half the range in one run, the set of these,
	 * and metrics */
	assert_int_equal(count_of(s, PEER_SIPD, 0, SOCKETS_HELD, NULL), 2);
	assert_int_equal(count_of(s, PEER_SIPD, 1, SOCKETS_HELD, NULL), 2);
	assert_int_equal(count_of(s, PEER_MEDIAD, 0, SOCKETS_HELD, &runs), 12);
	/* descriptors fill what holes there are, then they are in a row */
	assert_in_range(runs, 3, 6);
	/* its metrics, and copies of both sipd's */
	assert_int_equal(count_of(s, PEER_REGD, 0, SOCKETS_HELD, NULL), 3);
	assert_int_equal(count_of(s, PEER_SUPERVISOR, 0, SOCKETS_HELD, NULL),
			 1);
	assert_int_equal(sockets_count(s), 2 + 20 + 2 + 1 + 2 + 2 + 1 + 1);
	sockets_free(s);
}


static void what_stays_is_kept_and_what_goes_is_closed(void **state)
{
	struct sockets *s = prepared("");
	const size_t before = sockets_count(s);
	(void)state;

	parse("listener more { bind = \"127.0.0.9\" port = 15060 }");
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	assert_int_equal(count_of(s, PEER_SIPD, 0, SOCKETS_NEW, NULL), 1);
	assert_int_equal(count_of(s, PEER_SIPD, 0, SOCKETS_GONE, NULL), 0);
	assert_int_equal(sockets_count(s), before);
	sockets_commit(s);
	assert_int_equal(sockets_count(s), before + 1);

	parse("");
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	assert_int_equal(count_of(s, PEER_SIPD, 0, SOCKETS_GONE, NULL), 1);
	sockets_rollback(s);
	assert_int_equal(sockets_count(s), before + 1);
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	sockets_commit(s);
	assert_int_equal(sockets_count(s), before);
	sockets_free(s);
}


static void an_occupied_port_is_refused_even_if_it_would_be_shared(void **state)
{
	struct sockets *first = prepared(""), *second;
	(void)state;

	/* The other node's metrics are in nobody's way. */
	for (int peer = 0; peer < PEERC; peer++)
		config.metrics_port[peer] = 0;
	assert_int_equal(sockets_alloc(&second), 0);
	assert_int_equal(sockets_prepare(second, &config, why), EADDRINUSE);
	assert_non_null(strstr(why, "udp 127.77."));
	assert_non_null(strstr(why, "already in use"));
	assert_int_equal(sockets_count(second), 0);
	sockets_free(second);
	sockets_free(first);
}


static void more_workers_share_an_address_that_is_ours(void **state)
{
	struct sockets *s = prepared("");
	(void)state;

	parse("workers { sipd = 3 }");
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	sockets_commit(s);
	assert_int_equal(count_of(s, PEER_SIPD, 2, SOCKETS_HELD, NULL), 2);
	sockets_free(s);
}


static int send_to(uint16_t port)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_storage sa;
	struct addr addr;
	ssize_t n;

	assert_int_equal(addr_parse(&addr, text_of(ip)), 0);
	addr.port = port;
	n = sendto(fd, "x", 1, 0, (struct sockaddr *)&sa,
		   addr_to_sockaddr(&addr, &sa));
	close(fd);

	return (int)n;
}


static size_t rtp_of(const struct sockets *s, uint16_t worker)
{
	Tandem__Socket *runs;
	size_t runc, count = 0;

	assert_int_equal(sockets_runs(s,
				      (struct peer_id){ PEER_MEDIAD, worker },
				      SOCKETS_HELD, &runs, &runc),
			 0);
	for (size_t i = 0; i < runc; i++)
		if (runs[i].use == TANDEM__SOCKET_USE__SOCKET_USE_RTP)
			count += runs[i].count;
	free(runs);

	return count;
}


static void change(struct sockets *s)
{
	if (sockets_prepare(s, &config, why) != 0)
		fail_msg("%s", why);
	sockets_commit(s);
}


static size_t unused(struct sockets *s, uint16_t worker, uint32_t first,
		     uint32_t count)
{
	return sockets_unused(s, (struct peer_id){ PEER_MEDIAD, worker },
			      first, count);
}


static void a_port_goes_to_its_new_worker_when_the_old_one_is_done(void **state)
{
	struct sockets *s = prepared("");
	(void)state;

	parse("workers { mediad = 2 }");
	change(s);
	assert_int_equal(rtp_of(s, 0), 20);
	assert_int_equal(rtp_of(s, 1), 0);
	assert_false(sockets_wants_more(s));

	/* what is its share is not given up, nor by another one */
	assert_int_equal(unused(s, 0, 10000, 10), 0);
	assert_int_equal(unused(s, 1, 10010, 10), 0);
	assert_int_equal(unused(s, 0, 10010, 6), 6);
	assert_int_equal(unused(s, 0, 10010, 6), 0);
	change(s);
	assert_int_equal(rtp_of(s, 0), 14);
	assert_int_equal(rtp_of(s, 1), 0);
	assert_true(sockets_wants_more(s));
	change(s);
	assert_int_equal(rtp_of(s, 0), 14);
	assert_int_equal(rtp_of(s, 1), 6);
	assert_false(sockets_wants_more(s));
	sockets_free(s);
}


struct taken {
	struct sockets *into;
	size_t kept;
};


static void take(const char *name, int fd, void *arg)
{
	struct taken *taken = arg;
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	Tandem__Socket run;
	char text[64];

	assert_int_equal(sockets_name_parse(&run, text, sizeof(text), name),
			 0);
	taken->kept += sockets_offer(taken->into, &run, &copy, 1);
}


/* @return how many it took */
static size_t give_all(const struct sockets *s, struct sockets *into)
{
	struct taken taken = { .into = into };

	sockets_each(s, SOCKETS_HELD, take, &taken);

	return taken.kept;
}


static void an_old_range_stays_until_nobody_uses_it(void **state)
{
	struct sockets *s = prepared(""), *successor;
	const size_t before = sockets_count(s);
	(void)state;

	parse("");
	config.rtp_first = 10100;
	config.rtp_last = 10119;
	change(s);
	assert_int_equal(sockets_count(s), before + 20);
	/* asked for again, or by nobody at all, it is the same */
	change(s);
	config.rtp_first = config.rtp_last = 0;
	change(s);
	assert_int_equal(rtp_of(s, 0), 40);
	config.rtp_first = 10100;
	config.rtp_last = 10119;
	change(s);
	assert_int_equal(rtp_of(s, 0), 40);

	assert_int_equal(unused(s, 0, 10000, 18), 18);
	assert_int_equal(count_of(s, PEER_MEDIAD, 0, SOCKETS_GONE, NULL), 0);
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	assert_int_equal(count_of(s, PEER_MEDIAD, 0, SOCKETS_GONE, NULL), 18);
	sockets_commit(s);
	assert_int_equal(rtp_of(s, 0), 22);

	/* a supervisor that adopts them does not know which are old */
	assert_int_equal(sockets_alloc(&successor), 0);
	give_all(s, successor);
	change(successor);
	assert_int_equal(rtp_of(successor, 0), 22);
	assert_int_equal(unused(successor, 0, 10018, 2), 2);
	change(successor);
	assert_int_equal(rtp_of(successor, 0), 20);
	sockets_free(successor);

	/* back before they were given up */
	parse("");
	change(s);
	assert_int_equal(unused(s, 0, 10018, 2), 0);
	assert_int_equal(rtp_of(s, 0), 40);
	sockets_free(s);
}


static int set_of(const struct sockets *s, uint16_t worker)
{
	Tandem__Socket *runs;
	size_t runc;
	int fd = -1;

	assert_int_equal(sockets_runs(s,
				      (struct peer_id){ PEER_MEDIAD, worker },
				      SOCKETS_HELD, &runs, &runc),
			 0);
	for (size_t i = 0; i < runc; i++)
		if (runs[i].use == TANDEM__SOCKET_USE__SOCKET_USE_RTP_SET)
			fd = runs[i].fd;
	free(runs);
	assert_true(fd >= 0);

	return fd;
}


/* Is it ready, and nothing else? */
static bool is_ready(int set_fd, uint16_t port)
{
	struct epoll_event events[2];

	return epoll_wait(set_fd, events, 2, 10000) == 1 &&
	       events[0].data.u32 == port;
}


static void the_set_of_a_worker_knows_which_of_its_ports_are_ready(void **state)
{
	struct sockets *s = prepared("workers { mediad = 2 }");
	const int sets[] = { set_of(s, 0), set_of(s, 1) };
	(void)state;

	assert_int_equal(send_to(10009), 1);
	assert_int_equal(send_to(10010), 1);
	assert_true(is_ready(sets[0], 10009));
	assert_true(is_ready(sets[1], 10010));
	sockets_free(s);
}


static void ports_that_are_new_come_into_the_set_there_is(void **state)
{
	struct sockets *s = prepared("");
	const int set = set_of(s, 0);
	(void)state;

	parse("");
	config.rtp_last = 10021;
	assert_int_equal(sockets_prepare(s, &config, why), 0);
	sockets_commit(s);
	assert_int_equal(set_of(s, 0), set);
	assert_int_equal(send_to(10020), 1);
	assert_true(is_ready(set, 10020));
	sockets_free(s);
}


static void ports_that_change_hands_are_in_sets_of_their_own(void **state)
{
	struct sockets *s = prepared("");
	(void)state;

	parse("workers { mediad = 2 }");
	change(s);
	assert_int_equal(unused(s, 0, 10010, 10), 10);
	change(s);
	change(s);
	assert_int_equal(send_to(10000), 1);
	assert_int_equal(send_to(10019), 1);
	assert_true(is_ready(set_of(s, 0), 10000));
	assert_true(is_ready(set_of(s, 1), 10019));
	sockets_free(s);
}


static void sockets_come_back_by_their_names(void **state)
{
	struct sockets *s = prepared("workers { sipd = 2 }"), *again;
	const size_t count = sockets_count(s);
	(void)state;

	assert_int_equal(sockets_alloc(&again), 0);
	assert_int_equal(give_all(s, again), count);
	assert_int_equal(give_all(s, again), 0); /* known: closed */
	sockets_free(s);
	/* Nothing is to be opened: all are there. */
	assert_int_equal(sockets_prepare(again, &config, why), 0);
	for (int peer = 1; peer < PEERC; peer++)
		assert_int_equal(count_of(again, peer, 0, SOCKETS_NEW, NULL),
				 0);
	sockets_commit(again);
	assert_int_equal(sockets_count(again), count);
	sockets_free(again);
}


static void a_descriptor_that_is_something_else_is_closed(void **state)
{
	struct sockets *s = prepared(""), *other;
	Tandem__Socket run;
	char text[64];
	int fd;
	(void)state;

	assert_int_equal(sockets_alloc(&other), 0);
	assert_int_equal(sockets_name_parse(&run, text, sizeof(text),
					    "sip_udp-sipd-0-5060-127.0.0.1"),
			 0);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(sockets_offer(other, &run, &fd, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	fd = socket(AF_INET, SOCK_DGRAM, 0); /* not bound to it */
	assert_int_equal(sockets_offer(other, &run, &fd, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(sockets_name_parse(&run, text, sizeof(text),
					    "rtp_set-mediad-0-1-0.0.0.0"),
			 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(sockets_offer(other, &run, &fd, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	sockets_free(other);
	sockets_free(s);
}


static void rtp_of_a_process_there_is_not_is_closed(void **state)
{
	struct sockets *s = prepared("");
	const size_t before = sockets_count(s);
	struct sockaddr_storage sa;
	struct addr addr;
	Tandem__Socket run;
	int fd;
	(void)state;

	assert_int_equal(addr_parse(&addr, text_of(ip)), 0);
	addr.port = 10200;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
			      addr_to_sockaddr(&addr, &sa)),
			 0);
	tandem__socket__init(&run);
	run.use = TANDEM__SOCKET_USE__SOCKET_USE_RTP;
	run.peer = UINT16_MAX;
	run.port = addr.port;
	run.bind = ip;
	run.count = 1;
	assert_int_equal(sockets_offer(s, &run, &fd, 1), 1);
	change(s);
	assert_int_equal(sockets_count(s), before);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	sockets_free(s);
}


static void a_name_of_somebody_else_is_refused(void **state)
{
	static const char *const names[] = {
		"",
		"stored",
		"sip_udp-sipd-0-5060",
		"sip_udp-nobody-0-5060-127.0.0.1",
		"sip_udp-sipd-x-5060-127.0.0.1",
		"sip_udp-sipd-0-0-127.0.0.1",
		"none-sipd-0-5060-127.0.0.1",
		"sip-sipd-0-5060-127.0.0.1",
	};
	Tandem__Socket run;
	char text[64];
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(sockets_name_parse(&run, text, sizeof(text),
						    names[i]),
				 EBADMSG);
	assert_int_equal(sockets_name_parse(&run, text, sizeof(text),
					    "rtp-mediad-1-10000-__1"),
			 0);
	assert_string_equal(run.bind, "::1");
}


static int a_file_is_opened_and_replaced(void)
{
	struct sockets *s = NULL;
	int err;

	err = sockets_alloc(&s);
	if (err)
		return err;
	err = sockets_prepare(s, &config, why);
	if (!err)
		sockets_commit(s);
	if (!err)
		err = sockets_prepare(s, &config, why);
	sockets_free(s);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_process_gets_its_own_and_what_it_keeps),
		cmocka_unit_test(what_stays_is_kept_and_what_goes_is_closed),
		cmocka_unit_test(
			an_occupied_port_is_refused_even_if_it_would_be_shared),
		cmocka_unit_test(more_workers_share_an_address_that_is_ours),
		cmocka_unit_test(
			a_port_goes_to_its_new_worker_when_the_old_one_is_done),
		cmocka_unit_test(an_old_range_stays_until_nobody_uses_it),
		cmocka_unit_test(
			the_set_of_a_worker_knows_which_of_its_ports_are_ready),
		cmocka_unit_test(
			ports_that_are_new_come_into_the_set_there_is),
		cmocka_unit_test(
			ports_that_change_hands_are_in_sets_of_their_own),
		cmocka_unit_test(sockets_come_back_by_their_names),
		cmocka_unit_test(
			a_descriptor_that_is_something_else_is_closed),
		cmocka_unit_test(rtp_of_a_process_there_is_not_is_closed),
		cmocka_unit_test(a_name_of_somebody_else_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_file_is_opened_and_replaced),
	};

	/* What a scenario opens: the parser's own memory is not the matter. */
	parse("workers { sipd = 2 }");

	return T_MAIN(tests, scenarios);
}
