// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *pg_errno_name(int number)
{
	return strerrorname_np(number);
}

const char *pg_signal_name(int number)
{
	return sigabbrev_np(number);
}

int pg_unshare_network(void)
{
	return unshare(CLONE_NEWNET);
}

int pg_enter_network(int descriptor)
{
	return setns(descriptor, CLONE_NEWNET);
}

uint64_t pg_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = {};

	syscall(SYS_capget, &header, sets);
	return (uint64_t)sets[1].effective << 32 | sets[0].effective;
}

int pg_keep_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	/* Without CAP_SETPCAP the bounding set stays: it matters to an exec(), and there is none. */
	for (int number = 0; number < 64; number++)
		if (!(wanted >> number & 1))
			prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets))
		return -1;
	for (int half = 0; half < 2; half++) {
		sets[half].permitted &= (uint32_t)(wanted >> 32 * half);
		sets[half].effective = sets[half].permitted;
		sets[half].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

void pg_leave_hooks_behind(void)
{
	int ready[2], parent = getpid();
	char none;

	if (pipe2(ready, O_CLOEXEC))
		return;
	if (fork() == 0) {
		/* Whoever waits for the end of our output must not wait for this process. */
		for (int standard = 0; standard <= STDERR_FILENO; standard++)
			close(standard);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		close(ready[1]);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	close(ready[1]);
	while (read(ready[0], &none, 1) < 0 && errno == EINTR) {
	}
	close(ready[0]);
}

int pg_open_process(int pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* By number, because glibc has their names only since 2.36. */
int pg_open_cgroups(void)
{
	enum { CREATE = 6 }; /* FSCONFIG_CMD_CREATE; all three calls: close on exec */
	int system = (int)syscall(SYS_fsopen, "cgroup2", 1), root = -1;

	if (system < 0)
		return -1;
	if (!syscall(SYS_fsconfig, system, CREATE, 0, 0, 0))
		root = (int)syscall(SYS_fsmount, system, 1, 0);
	int number = errno;
	close(system);
	errno = number;
	return root;
}

/* Between fork() and exec(): only what is safe in a signal handler, as is glibc's execvp(). */
static _Noreturn void wait_and_execute(char *const arguments[], int channel)
{
	char go;
	ssize_t count;

	do
		count = read(channel, &go, 1);
	while (count < 0 && errno == EINTR);
	if (count == 1) {
		execvp(arguments[0], arguments);
		int number = errno;
		send(channel, &number, sizeof(number), MSG_NOSIGNAL);
		_exit(number == ENOENT ? 127 : 126);
	}
	_exit(125);
}

int pg_fork_waiting(char *const arguments[], int *channel)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -1;
	/* Standard input, output and error stay closed if they are. */
	for (int i = 0; i < 2; i++) {
		int end = ends[i];
		ends[i] = fcntl(end, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(end);
	}
	int child = ends[0] < 0 || ends[1] < 0 ? -1 : (int)fork();
	if (child == 0) {
		close(ends[0]);
		wait_and_execute(arguments, ends[1]);
	}
	int number = errno;
	close(ends[1]);
	if (child < 0)
		close(ends[0]);
	else
		*channel = ends[0];
	errno = number;
	return child;
}
