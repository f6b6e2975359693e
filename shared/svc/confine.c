/**
 * @file shared/svc/confine.c  Rights, limits, system calls
 *
 * Rights go first, before anything is opened: what a daemon makes (the socket
 * of its bus, files) is its own, so a successor can replace it and its peers
 * can reach it; and an opening that needs rights fails at the first start, not
 * at the first reload. Sockets and memory came as descriptors. Names are
 * looked up before, while that is still possible.
 *
 * The filter comes last, before ready: from here on a daemon can do what its
 * work needs and no more.
 *
 * System calls are a list of what is allowed; anything else raises SIGSYS,
 * and the last words (fatal.c) name the call (a library's thread that blocks
 * its signals dies of it without a word). Sockets: Unix ones, which the
 * bus makes anew when a peer comes back; others only for a daemon that
 * connects by itself. Files: openat is allowed, since malloc, the resolver
 * and the time zone need it; what can be opened is decided by the user the
 * daemon runs as, which owns nothing.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <seccomp.h>

#include "shared/base/text.h"
#include "shared/base/util.h"
#include "shared/svc/svc_parts.h"

/* What every daemon needs: the loop, memory, its descriptors, and an orderly
 * end. */
static const char *const allowed[] = {
	/* the loop */
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"poll",
	"ppoll",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"pipe2",
	/* time */
	"clock_gettime",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	/* memory */
	"mmap",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"brk",
	/* descriptors */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"close",
	"fcntl",
	"dup",
	"dup2",
	"dup3",
	"lseek",
	"fstat",
	"newfstatat",
	"openat",
	"statx",
	"access",
	"faccessat2",
	"ioctl",
	"unlink",
	"unlinkat",
	"getdents64",
	"rename",
	"readlink",
	"umask",
	"fchmod",
	"chmod",
	/* sockets that are there */
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"accept",
	"accept4",
	"bind",
	"listen",
	"shutdown",
	"getsockopt",
	"setsockopt",
	"getsockname",
	"getpeername",
	"connect",
	"socketpair",
	/* threads, and locks */
	"futex",
	"sched_yield",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_setscheduler",
	"set_robust_list",
	"rseq",
	"membarrier",
	"restart_syscall",
	/* who we are */
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"uname",
	"sysinfo",
	"getrusage",
	"prlimit64",
	"getcwd",
	"prctl",
	"getrandom",
	/* signals, and the end */
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"tgkill",
	"tkill",
	"exit",
	"exit_group",
};


/** The user to become, looked up */
struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
};


static int identity_find(struct identity *identity, const Tandem__Node *node,
			 char why[SVC_WHY_MAX])
{
	const struct passwd *user;
	const struct group *group;

	*identity = (struct identity){ .change = false };
	if (geteuid() != 0 || !node->user[0])
		return 0;

	user = getpwnam(node->user);
	if (!user) {
		(void)text_print(why, SVC_WHY_MAX,
				 "user '%s' does not exist: make it, or set "
				 "users in tandem.conf",
				 node->user);
		return ENOENT;
	}
	identity->uid = user->pw_uid;
	identity->gid = user->pw_gid;
	if (node->group[0]) {
		group = getgrnam(node->group);
		if (!group) {
			(void)text_print(why, SVC_WHY_MAX,
					 "group '%s' does not exist",
					 node->group);
			return ENOENT;
		}
		identity->gid = group->gr_gid;
	}
	identity->change = true;

	return 0;
}


static int become(const struct identity *identity, char why[SVC_WHY_MAX])
{
	if (!identity->change)
		return 0;

	if (setgroups(0, NULL) != 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) != 0) {
		const int err = errno;

		(void)text_print(why, SVC_WHY_MAX, "cannot become uid %d: %s",
				 (int)identity->uid, strerror(err));
		return err;
	}

	/* No way back, or the drop was none. */
	if (identity->uid != 0 && setresuid(0, 0, 0) == 0) {
		(void)text_print(why, SVC_WHY_MAX,
				 "rights came back after they were dropped");
		return EPERM;
	}

	return 0;
}


/* A daemon that changed its user has lost these with it; one that did not may
 * have some from its starter. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct none[2] = { { 0, 0, 0 } };

	if (geteuid() == 0)
		return 0; /* the node file wants it to stay what it is */

	return syscall(SYS_capset, &head, none) == 0 ? 0 : errno;
}


static int limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
		return errno;
	if (most > now.rlim_max)
		most = now.rlim_max;
	now.rlim_cur = most;

	return setrlimit((__rlimit_resource_t)resource, &now) == 0 ? 0 : errno;
}


/* What is touched stays: no page of a call waits for a disk. The limit counts
 * from the moment our rights are gone, so it goes up first. */
static int lock_memory(void)
{
#ifdef TANDEM_SANITIZED
	return 0; /* its shadow is terabytes */
#else
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int err;

	if (setrlimit(RLIMIT_MEMLOCK, &all) != 0) {
		err = limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
		if (err)
			return err;
	}

	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0 ? 0
								     : errno;
#endif
}


static int limits(const Tandem__Node *node)
{
	int err;

	err = limit(RLIMIT_CORE, node->core ? RLIM_INFINITY : 0);
	if (!err)
		err = limit(RLIMIT_NOFILE, node->descriptors
						   ? node->descriptors
						   : RLIM_INFINITY);
	if (!err && node->lock_memory)
		err = lock_memory();
	if (!err && !node->core && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		err = errno;

	return err;
}


static int allow(scmp_filter_ctx filter, const char *const *names,
		 size_t namec)
{
	for (size_t i = 0; i < namec; i++) {
		const int nr = seccomp_syscall_resolve_name(names[i]);
		int err;

		if (nr == __NR_SCMP_ERROR)
			return ENOSYS;
		err = -seccomp_rule_add(filter, SCMP_ACT_ALLOW, nr, 0);
		if (err)
			return err;
	}

	return 0;
}


static int allow_masked(scmp_filter_ctx filter, int nr, scmp_datum_t mask,
			scmp_datum_t value)
{
	const struct scmp_arg_cmp cmp = { .arg = 0,
					  .op = SCMP_CMP_MASKED_EQ,
					  .datum_a = mask,
					  .datum_b = value };

	return -seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, 1, &cmp);
}


static int allow_socket(scmp_filter_ctx filter, int domain)
{
	return allow_masked(filter, SCMP_SYS(socket), UINT64_MAX,
			    (scmp_datum_t)domain);
}


/* Threads may be made, and never a process. */
static int allow_by_argument(scmp_filter_ctx filter, bool connects)
{
	const scmp_datum_t thread = CLONE_THREAD | CLONE_VM;
	int err;

	err = allow_masked(filter, SCMP_SYS(clone), thread, thread);
	/* Its flags lie in memory: glibc falls back to clone. */
	if (!err)
		err = -seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
					SCMP_SYS(clone3), 0);
	if (!err)
		err = allow_socket(filter, AF_UNIX);
	if (!err && connects)
		err = allow_socket(filter, AF_INET);
	if (!err && connects)
		err = allow_socket(filter, AF_INET6);

	return err;
}


static int filter_calls(const struct svc_def *def)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err;

	if (!filter)
		return ENOMEM;

	err = allow(filter, allowed, COUNT_OF(allowed));
	if (!err)
		err = allow(filter, def->syscalls, def->syscallc);
	if (!err)
		err = allow_by_argument(filter, def->connects);
	if (!err)
		err = -seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = -seccomp_load(filter);
	seccomp_release(filter);

	return err;
}


int confine_rights(const Tandem__Node *node, char why[SVC_WHY_MAX])
{
	struct identity identity;
	int err;

	err = identity_find(&identity, node, why);
	if (err)
		return err;

	/* Limits may need the rights that go next. */
	err = limits(node);
	if (err) {
		(void)text_print(why, SVC_WHY_MAX, "limits: %s",
				 strerror(err));
		return err;
	}

	err = become(&identity, why);
	if (err)
		return err;

	err = drop_capabilities();
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err = errno;
	if (err) {
		(void)text_print(why, SVC_WHY_MAX, "capabilities: %s",
				 strerror(err));
	}

	return err;
}


int confine_calls(const struct svc_def *def, const Tandem__Node *node,
		  const struct log *log, char why[SVC_WHY_MAX])
{
	int err = 0;

#ifdef TANDEM_SANITIZED
	(void)filter_calls;
	(void)def;
	(void)node;
	(void)why;
	log_notice(log, "unfiltered why=%s", "a sanitizer needs its calls");
#else
	if (!node->seccomp) {
		log_notice(log, "unfiltered why=%s", "limits.seccomp is off");
		return 0;
	}
	err = filter_calls(def);
	if (err)
		(void)text_print(why, SVC_WHY_MAX, "system-call filter: %s",
				 strerror(err));
#endif

	return err;
}
