/**
 * @file test/support/steady.c  A test's failure on a machine that stood still
 *                              says nothing
 *
 * steady COMMAND [ARGUMENT...]
 *
 * Runs the command. Beside it one thread per processor, of real-time priority,
 * so that no load of the test's own delays it, sleeps for 5 ms again and
 * again. When the command fails and a thread was kept from its processor for
 * 100 ms or more meanwhile, then it was the machine that stood still (the
 * host of a virtual one had other things to do): the run is void, and is made
 * again, twice at most, and each time it says so. A failure on a machine that
 * ran all the time stays one.
 *
 * Without the right to real-time priority nothing can be told, and the command
 * runs once.
 *
 * steady -t FILE COMMAND [ARGUMENT...]
 *
 * Runs the command once, and writes down each time that a processor stood
 * still for 4 ms or more, as it ends: "still WALL_TIME MS CPU"; and how much
 * the host took from it since the machine began, by the kernel's own count in
 * ticks, each time that is more: "stolen WALL_TIME MS CPU". A host takes in
 * pieces that no thread sees. For tests that tell what they measure from what
 * the machine did. The first line is "begin", or "unknown" without the right
 * to look.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_NS = 5000000,
	TELLING_LOOK_NS = 1000000,
	TICK_NS = 10000000,
	NS_PER_MS = 1000000,
	STILL_MS = 100,
	TOLD_MS = 4,
	RUNS = 3,
	CPUS_MAX = 64,
	PRIORITY = 10, /**< Before what is tested, if that is real-time, too */
	STACK_SIZE = 65536,
	NO_COMMAND = 127,
	BY_SIGNAL = 128,
};

static _Atomic int g_longest_ms;
static int g_cpus[CPUS_MAX];
static FILE *g_told; /**< NULL: nothing is written down */


static long long now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}


/* @param arg The number of the processor */
static void *watch(void *arg)
{
	const struct timespec nap = {
		.tv_nsec = g_told ? TELLING_LOOK_NS : LOOK_NS,
	};

	for (;;) {
		const long long slept = now_ns(CLOCK_MONOTONIC);

		nanosleep(&nap, NULL);
		const long long late_ns = now_ns(CLOCK_MONOTONIC) - slept -
					  nap.tv_nsec;
		const int ms = (int)(late_ns / NS_PER_MS);

		if (ms > g_longest_ms)
			g_longest_ms = ms;
		if (g_told && ms >= TOLD_MS)
			(void)fprintf(g_told, "still %.6f %.3f %d\n",
				      (double)now_ns(CLOCK_REALTIME) / 1e9,
				      (double)late_ns / NS_PER_MS,
				      *(const int *)arg);
	}
	return NULL;
}


/* The eighth number of "cpuN ..." in /proc/stat is in ticks. */
static void tell_stolen(const char *stat, long long told[CPUS_MAX])
{
	const long tick_ms = 1000 / sysconf(_SC_CLK_TCK);
	const double now = (double)now_ns(CLOCK_REALTIME) / 1e9;

	for (const char *p = strstr(stat, "\ncpu"); p;
	     p = strstr(p + 1, "\ncpu")) {
		long long ticks;
		int cpu;

		if (sscanf(p, "\ncpu%d %*u %*u %*u %*u %*u %*u %*u %lld", &cpu,
			   &ticks) != 2 ||
		    cpu < 0 || cpu >= CPUS_MAX || ticks == told[cpu])
			continue;
		told[cpu] = ticks;
		(void)fprintf(g_told, "stolen %.6f %lld %d\n", now,
			      ticks * tick_ms, cpu);
	}
}


static void *watch_stolen(void *arg)
{
	const struct timespec nap = { .tv_nsec = TICK_NS };
	const int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	static long long told[CPUS_MAX];
	static char stat[16384];

	(void)arg;
	memset(told, -1, sizeof(told));
	for (;;) {
		const ssize_t n = pread(fd, stat, sizeof(stat) - 1, 0);

		if (n <= 0)
			return NULL;
		stat[n] = '\0';
		tell_stolen(stat, told);
		nanosleep(&nap, NULL);
	}
}


static int watch_cpu(int cpu)
{
	const struct sched_param priority = { .sched_priority = PRIORITY };
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t one;
	int err;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &priority);
	pthread_attr_setaffinity_np(&attr, sizeof(one), &one);
	g_cpus[cpu] = cpu;
	err = pthread_create(&thread, &attr, watch, &g_cpus[cpu]);
	pthread_attr_destroy(&attr);

	return err;
}


static int watch_all(void)
{
	cpu_set_t mine;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return errno;
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		const int err = CPU_ISSET(cpu, &mine) ? watch_cpu(cpu) : 0;

		if (err)
			return err;
	}
	return 0;
}


/* Its exit status, as a shell tells it. */
static int run(char *argv[])
{
	const pid_t self = getpid();
	const pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == self)
			execvp(argv[0], argv);
		_exit(NO_COMMAND);
	}
	if (pid < 0)
		return NO_COMMAND;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return NO_COMMAND;
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : BY_SIGNAL + WTERMSIG(status);
}


/* Once, and what the machine does meanwhile is written down. */
static int tell(const char *path, char *argv[])
{
	pthread_t thread;

	g_told = fopen(path, "we");
	if (!g_told) {
		(void)fprintf(stderr, "steady: %s: %s\n", path,
			      strerror(errno));
		return NO_COMMAND;
	}
	(void)setvbuf(g_told, NULL, _IOLBF, BUFSIZ);
	(void)fputs(watch_all() ? "unknown\n" : "begin\n", g_told);
	if (pthread_create(&thread, NULL, watch_stolen, NULL))
		return NO_COMMAND;

	return run(argv);
}


int main(int argc, char *argv[])
{
	int err, status = 0;

	if (argc > 3 && strcmp(argv[1], "-t") == 0)
		return tell(argv[2], argv + 3);
	if (argc < 2 || argv[1][0] == '-') {
		(void)fprintf(stderr, "usage: steady [-t FILE] COMMAND "
				      "[ARGUMENT...]\n");
		return NO_COMMAND;
	}
	err = watch_all();
	if (err)
		(void)fprintf(stderr, "steady: not watched: %s\n",
			      strerror(err));
	for (int n = 1; n <= RUNS; n++) {
		atomic_store(&g_longest_ms, 0);
		status = run(argv + 1);
		if (!status || g_longest_ms < STILL_MS || n == RUNS)
			break;
		(void)printf("void: failed with %d, but the machine stood still"
			     " for %d ms; run %d follows\n",
			     status, g_longest_ms, n + 1);
		(void)fflush(stdout);
	}
	return status;
}
