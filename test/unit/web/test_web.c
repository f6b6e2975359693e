/**
 * @file test/unit/web/test_web.c  HTTP over a real socket, in our loop
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/ev/ev.h"
#include "shared/web/web.h"
#include "test/support/t.h"

enum {
	ANSWER_MAX = 65536
};

struct fixture {
	struct ev *ev;
	struct web *web;
	int listenfd;
	struct sockaddr_in sa;
	int calls;
	char answer[ANSWER_MAX];
};


static void on_hello(struct web_answer *answer, void *arg)
{
	struct fixture *fx = arg;

	fx->calls++;
	answer->code = 200;
	answer->type = "text/plain; version=0.0.4";
	answer->body = strdup("hello\n");
	answer->len = answer->body ? 6 : 0;
}


/* As a handler does that was refused memory */
static void on_nothing(struct web_answer *answer, void *arg)
{
	(void)arg;
	answer->code = 200;
	answer->type = "text/plain";
}


static void on_large(struct web_answer *answer, void *arg)
{
	(void)arg;
	answer->code = 200;
	answer->type = "text/plain";
	answer->len = 5000000;
	answer->body = malloc(answer->len);
	if (answer->body)
		memset(answer->body, 'x', answer->len);
}

static const struct web_route routes[] = {
	{ "/x", on_hello },
	{ "/nothing", on_nothing },
	{ "/large", on_large },
};


static int open_all(struct fixture *fx)
{
	socklen_t len = sizeof(fx->sa);
	int err;

	memset(fx, 0, sizeof(*fx));
	fx->sa.sin_family = AF_INET;
	fx->sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fx->listenfd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fx->listenfd < 0 ||
	    bind(fx->listenfd, (struct sockaddr *)&fx->sa, len) ||
	    listen(fx->listenfd, 64) ||
	    getsockname(fx->listenfd, (struct sockaddr *)&fx->sa, &len))
		return errno;

	err = ev_alloc(&fx->ev);
	if (!err)
		err = web_alloc(&fx->web, fx->ev, fx->listenfd, routes,
				sizeof(routes) / sizeof(routes[0]), fx);

	return err;
}


static void close_all(struct fixture *fx)
{
	fx->web = web_free(fx->web);
	fx->ev = ev_free(fx->ev);
	close(fx->listenfd);
}


static int setup(void **state)
{
	static struct fixture fx;

	*state = &fx;

	return open_all(&fx);
}


static int teardown(void **state)
{
	close_all(*state);

	return 0;
}


static int client_open(const struct fixture *fx)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&fx->sa,
				 sizeof(fx->sa)),
			 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);

	return fd;
}


static void client_send(struct fixture *fx, int fd, const char *text)
{
	size_t left = strlen(text);

	WAIT_FOR(20, ({
			 const ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

			 ev_turn(fx->ev);
			 if (n > 0) {
				 text += n;
				 left -= (size_t)n;
			 }
			 left == 0 || (n < 0 && errno != EAGAIN);
		 }));
}


/* Until the server closes; true if it did within the time */
static size_t client_read_all(struct fixture *fx, int fd, int seconds)
{
	size_t l = 0, all = 0;
	ssize_t n = -1;

	WAIT_FOR(seconds, ({
			 ev_turn(fx->ev);
			 n = recv(fd, fx->answer + l,
				  sizeof(fx->answer) - 1 - l, 0);
			 if (n > 0) {
				 all += (size_t)n;
				 l += (size_t)n;
				 /* Only the head is looked at. */
				 if (l > sizeof(fx->answer) / 2)
					 l = sizeof(fx->answer) / 2;
			 }
			 n == 0 || (n < 0 && errno != EAGAIN);
		 }));
	fx->answer[l] = '\0';
	close(fd);

	return all;
}


static const char *ask(struct fixture *fx, const char *request)
{
	const int fd = client_open(fx);

	client_send(fx, fd, request);
	(void)client_read_all(fx, fd, 20);

	return fx->answer;
}

#define REQUEST(line) line " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


static bool answers(struct fixture *fx, const char *code)
{
	return strncmp(fx->answer, "HTTP/1.1 ", 9) == 0 &&
	       strncmp(fx->answer + 9, code, 3) == 0;
}


static const char *body(const struct fixture *fx)
{
	const char *at = strstr(fx->answer, "\r\n\r\n");

	return at ? at + 4 : "(none)";
}


static void a_route_is_answered(void **state)
{
	struct fixture *fx = *state;

	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));
	assert_non_null(strstr(fx->answer,
			       "\r\nContent-Type: text/plain; version=0.0.4"
			       "\r\n"));
	assert_non_null(strstr(fx->answer, "\r\nContent-Length: 6\r\n"));
	assert_non_null(strstr(fx->answer, "\r\nCache-Control: no-store\r\n"));
	assert_string_equal(body(fx), "hello\n");
	assert_int_equal(fx->calls, 1);

	(void)ask(fx, REQUEST("GET /x?a=b"));
	assert_true(answers(fx, "200"));
}


static void head_is_the_same_without_a_body(void **state)
{
	struct fixture *fx = *state;

	(void)ask(fx, REQUEST("HEAD /x"));
	assert_true(answers(fx, "200"));
	assert_non_null(strstr(fx->answer, "\r\nContent-Length: 6\r\n"));
	assert_string_equal(body(fx), "");
}


static void anything_else_is_not_found(void **state)
{
	static const char *const requests[] = {
		REQUEST("GET /"),      REQUEST("GET /xx"),
		REQUEST("GET /x/"),    REQUEST("GET //x"),
		REQUEST("GET /../x"),  REQUEST("HEAD /y"),
		REQUEST("GET /x%00y"),
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		(void)ask(fx, requests[i]);
		if (!answers(fx, "404") && !answers(fx, "400"))
			fail_msg("%s: %s", requests[i], fx->answer);
	}
	assert_int_equal(fx->calls, 0);
}


static void other_methods_are_refused_with_those_allowed(void **state)
{
	static const char *const requests[] = {
		REQUEST("DELETE /x"),
		REQUEST("OPTIONS /x"),
		REQUEST("BREW /x"),
		"POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		"Content-Length: 10\r\n\r\n0123456789",
		"PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	};
	struct fixture *fx = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		(void)ask(fx, requests[i]);
		if (!answers(fx, "405"))
			fail_msg("%s: %s", requests[i], fx->answer);
		assert_non_null(
			strstr(fx->answer, "\r\nAllow: GET, HEAD\r\n"));
	}
	assert_int_equal(fx->calls, 0);
}


static void a_body_nobody_asked_for_is_passed_over(void **state)
{
	struct fixture *fx = *state;

	(void)ask(fx, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		      "Content-Length: 5\r\n\r\n01234");
	assert_true(answers(fx, "200"));
	assert_string_equal(body(fx), "hello\n");
	assert_int_equal(fx->calls, 1);
}


static void headers_that_are_too_large_are_refused(void **state)
{
	static char request[70000];
	struct fixture *fx = *state;

	(void)snprintf(request, sizeof(request),
		       "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
	memset(request + strlen(request), 'x', 40000);
	(void)snprintf(request + strlen(request), 100, "\r\n\r\n");
	(void)ask(fx, request);
	assert_false(answers(fx, "200"));
	assert_int_equal(fx->calls, 0);

	/* And the server is there for the next. */
	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));
}


static void garbage_is_no_request(void **state)
{
	struct fixture *fx = *state;

	(void)ask(fx, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n");
	assert_false(answers(fx, "200"));
	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));
}


static void a_handler_without_memory_costs_its_connection(void **state)
{
	struct fixture *fx = *state;

	assert_string_equal(ask(fx, REQUEST("GET /nothing")), "");
	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));
}


static void what_does_not_fit_the_socket_follows(void **state)
{
	struct fixture *fx = *state;
	const int fd = client_open(fx);

	client_send(fx, fd, REQUEST("GET /large"));
	for (int i = 0; i < 50; i++)
		ev_turn(fx->ev);
	assert_true(client_read_all(fx, fd, 20) > 5000000);
	assert_true(answers(fx, "200"));
}


static void two_requests_may_come_at_once(void **state)
{
	struct fixture *fx = *state;

	(void)ask(fx, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n" REQUEST("GET /x"));
	assert_int_equal(fx->calls, 2);
}


static void a_request_may_come_byte_by_byte(void **state)
{
	static const char request[] = REQUEST("GET /x");
	struct fixture *fx = *state;
	const int fd = client_open(fx);

	for (const char *p = request; *p; p++) {
		const char one[2] = { *p, '\0' };

		client_send(fx, fd, one);
	}
	(void)client_read_all(fx, fd, 20);
	assert_true(answers(fx, "200"));
}


/* More than 32 of one address: the rest is turned away, not the server. */
static void connections_of_one_address_are_bounded(void **state)
{
	struct fixture *fx = *state;
	int fds[40];

	for (int i = 0; i < 40; i++) {
		fds[i] = client_open(fx);
		ev_turn(fx->ev);
	}
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	WAIT_FOR(20, (ask(fx, REQUEST("GET /x")), answers(fx, "200")));
}


/* Ten seconds by libmicrohttpd's own clock */
static void an_idle_connection_is_closed(void **state)
{
	struct fixture *fx = *state;
	const int64_t start = t_now_ms();
	const int fd = client_open(fx);

	client_send(fx, fd, "GET /x HT");
	(void)client_read_all(fx, fd, 30);
	assert_in_range(t_now_ms() - start, 5000, 20000);
}


/* The listening socket is one with the supervisor's and the successor's. */
static void after_the_end_the_socket_still_listens(void **state)
{
	struct fixture *fx = *state;
	struct web *successor;
	int fd;

	/* Both at once, for a while */
	assert_int_equal(web_alloc(&successor, fx->ev, fx->listenfd, routes,
				   sizeof(routes) / sizeof(routes[0]), fx),
			 0);
	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));
	assert_true(fcntl(fx->listenfd, F_GETFL) & O_NONBLOCK);

	fx->web = web_free(fx->web);
	(void)ask(fx, REQUEST("GET /x"));
	assert_true(answers(fx, "200"));

	/* With nobody there, a connection waits in the queue. */
	successor = web_free(successor);
	assert_null(successor);
	fd = client_open(fx);
	client_send(fx, fd, REQUEST("GET /x"));
	assert_int_equal(web_alloc(&fx->web, fx->ev, fx->listenfd, routes,
				   sizeof(routes) / sizeof(routes[0]), fx),
			 0);
	(void)client_read_all(fx, fd, 20);
	assert_true(answers(fx, "200"));
}


static void it_ends_with_connections_open(void **state)
{
	struct fixture *fx = *state;
	const int fd = client_open(fx);

	client_send(fx, fd, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 20; i++)
		ev_turn(fx->ev);
	fx->web = web_free(fx->web);
	assert_null(web_free(NULL));
	close(fd);
}


static void what_is_no_socket_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct web *web = NULL;

	assert_int_equal(web_alloc(&web, fx->ev, -1, routes, 1, fx), EBADF);
	assert_null(web);
}


/* Memory that is refused while it is answered closes that connection. */
static int a_question_is_answered(void)
{
	static struct fixture fx;
	const int64_t end = t_now_ms() + 20000;
	int fd = -1;
	ssize_t n;
	int err;

	err = open_all(&fx);
	if (!err) {
		fd = client_open(&fx);
		client_send(&fx, fd, REQUEST("GET /x"));
		do {
			ev_turn(fx.ev);
			n = recv(fd, fx.answer, sizeof(fx.answer), 0);
		} while (n < 0 && errno == EAGAIN && t_now_ms() < end);
		err = n > 0 ? 0 : n == 0 ? ENOMEM : ETIMEDOUT;
		close(fd);
	}
	close_all(&fx);

	return err;
}


int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_route_is_answered),
		T(head_is_the_same_without_a_body),
		T(anything_else_is_not_found),
		T(other_methods_are_refused_with_those_allowed),
		T(a_body_nobody_asked_for_is_passed_over),
		T(headers_that_are_too_large_are_refused),
		T(garbage_is_no_request),
		T(a_handler_without_memory_costs_its_connection),
		T(what_does_not_fit_the_socket_follows),
		T(two_requests_may_come_at_once),
		T(a_request_may_come_byte_by_byte),
		T(connections_of_one_address_are_bounded),
		T(an_idle_connection_is_closed),
		T(after_the_end_the_socket_still_listens),
		T(it_ends_with_connections_open),
		T(what_is_no_socket_is_refused),
	};
	const struct t_scenario scenarios[] = {
		T_SCENARIO(a_question_is_answered),
	};

	return T_MAIN(tests, scenarios);
}
