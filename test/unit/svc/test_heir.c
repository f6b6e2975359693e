/**
 * @file test/unit/svc/test_heir.c  A death is known before the process is gone
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/svc/heir.h"
#include "test/support/t.h"


static _Atomic uint32_t *shared_word(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);

	return p;
}


static void *stay(void *arg)
{
	char end;

	(void)!read(*(int *)arg, &end, 1);

	return NULL;
}


/* It owns the word and waits to be killed; or ends its main thread alone, and
 * a second one stays until the channel is closed. */
static pid_t start(_Atomic uint32_t *word, int fd, bool stays)
{
	static struct heir heir;
	pthread_t thread;
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	heir_own(&heir, word);
	if (!stays)
		(void)pause();
	else if (pthread_create(&thread, NULL, stay, &fd) == 0)
		syscall(SYS_exit, 0);
	_exit(1);
}


static void wait_owned(_Atomic uint32_t *word, pid_t pid)
{
	while ((atomic_load(word) & FUTEX_TID_MASK) != (uint32_t)pid)
		sched_yield();
}


static void a_thread_that_ended_is_known_while_its_process_lives(void **state)
{
	_Atomic uint32_t *word = shared_word();
	int stays[2], quiet[2], code;
	pid_t pid;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, stays), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet), 0);
	pid = start(word, stays[0], true);
	while (!(atomic_load(word) & FUTEX_OWNER_DIED))
		heir_await(word, quiet[0]);
	assert_int_equal(waitpid(pid, &code, WNOHANG), 0);

	assert_int_equal(write(stays[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &code, 0), pid);
}


static void one_that_is_killed_is_heard_of(void **state)
{
	_Atomic uint32_t *word = shared_word();
	int quiet[2], code;
	pid_t pid;
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet), 0);
	pid = start(word, -1, false);
	wait_owned(word, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	heir_await(word, quiet[0]);
	assert_true(atomic_load(word) & FUTEX_OWNER_DIED);
	assert_int_equal(waitpid(pid, &code, 0), pid);
}


static void a_word_on_the_channel_ends_the_wait(void **state)
{
	_Atomic uint32_t *word = shared_word();
	static struct heir heir; /* looked at when this process ends */
	int pair[2];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	heir_own(&heir, word);
	assert_int_equal(write(pair[1], "x", 1), 1);
	heir_await(word, pair[0]);
	assert_true(atomic_load(word) & FUTEX_TID_MASK);

	heir_disown(&heir, word);
	heir_await(word, -1);
	assert_int_equal(atomic_load(word), 0);
}


int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_thread_that_ended_is_known_while_its_process_lives),
		cmocka_unit_test(one_that_is_killed_is_heard_of),
		cmocka_unit_test(a_word_on_the_channel_ends_the_wait),
	};

	return T_MAIN_ONLY(tests);
}
