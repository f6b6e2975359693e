/**
 * @file shared/svc/fatal.c  Last words
 *
 * A fatal signal is noted in the life page, where the supervisor reads it even
 * if it is not our parent, and told on descriptor 2 with the addresses of the
 * stack; then the signal does what it always does. Only calls that are safe
 * within a signal handler, on a stack of its own.
 *
 * Addresses are relative to the program's start: addr2line -e PROGRAM.
 */
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log_thread.h"
#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/svc/svc_parts.h"

enum {
	STACK_BYTES = 64 << 10,
	FRAMES_MAX = 48
};

static const int fatal_signals[] = {
	SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS,
};

/* A handler has no other way to find them (rule zero). */
static struct {
	char process[PEER_ID_MAX];
	struct life *life;
	uintptr_t base; /**< Where the program is loaded */
	char stack[STACK_BYTES];
} last;


struct line {
	char text[2048];
	size_t l;
};


static void put(struct line *line, const char *s)
{
	while (*s && line->l < sizeof(line->text) - 2)
		line->text[line->l++] = *s++;
}


static void put_number(struct line *line, uintptr_t v, unsigned base)
{
	char digits[24];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\0';
	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put(line, digits + i);
}


static void tell(int signo, const siginfo_t *info)
{
	void *frames[FRAMES_MAX];
	struct line line = { .l = 0 };
	const int n = backtrace(frames, FRAMES_MAX);

	put(&line, "{\"process\":\"");
	put(&line, last.process);
	put(&line, "\",\"level\":\"error\",\"event\":\"fatal_signal\","
		   "\"signo\":");
	put_number(&line, (uintptr_t)signo, 10);
	if (signo == SIGSYS) {
		put(&line, ",\"syscall\":");
		put_number(&line, (uintptr_t)info->si_syscall, 10);
	}
	else if (signo != SIGABRT) {
		put(&line, ",\"addr\":\"0x");
		put_number(&line, (uintptr_t)info->si_addr, 16);
		put(&line, "\"");
	}
	put(&line, ",\"stack\":[");
	for (int i = 0; i < n; i++) {
		put(&line, i ? ",\"0x" : "\"0x");
		put_number(&line, (uintptr_t)frames[i] - last.base, 16);
		put(&line, "\"");
	}
	put(&line, "]}");
	line.text[line.l++] = '\n';

	log_thread_drain(); /* what was said before is told before */
	(void)!write(STDERR_FILENO, line.text, line.l);
}


static void on_fatal(int signo, siginfo_t *info, void *context)
{
	(void)context;

	if (last.life)
		atomic_store(&last.life->exit_signal, signo);
	tell(signo, info);

	/* SA_RESETHAND has put the default back: now it kills. */
	(void)raise(signo);
}


static int find_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uintptr_t *)arg = info->dlpi_addr;

	return 1; /* the first is the program itself */
}


void fatal_setup(const char *process)
{
	const stack_t stack = { .ss_sp = last.stack,
				.ss_size = sizeof(last.stack) };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	void *warm[1];

	(void)text_print(last.process, sizeof(last.process), "%s", process);
	(void)dl_iterate_phdr(find_base, &last.base);
	(void)backtrace(warm, 1); /* loads libgcc now, not in the handler */
	(void)sigaltstack(&stack, NULL);

	/* A peer that is gone is an error of write(), and the terminal is the
	 * supervisor's business. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGINT, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);

	for (size_t i = 0; i < COUNT_OF(fatal_signals); i++) {
		struct sigaction action = {
			.sa_sigaction = on_fatal,
			.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND |
				    SA_NODEFER,
		};

#ifdef TANDEM_SANITIZED
		/* Memory errors are the sanitizer's to tell. */
		if (fatal_signals[i] != SIGABRT && fatal_signals[i] != SIGSYS)
			continue;
#endif
		(void)sigaction(fatal_signals[i], &action, NULL);
	}
}


void fatal_life(struct life *life)
{
	last.life = life;
}
