// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "portgauge.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !__has_embed("../../bpf/portgauge.bpf.o") || !__has_embed("../../bpf/refused.bpf.o")
#error "bpf/*.bpf.o are missing: build with `make`, which compiles them first"
#endif

static const unsigned char hooks[] __attribute__((aligned(8))) = {
#embed "../../bpf/portgauge.bpf.o"
};
static const unsigned char refused[] __attribute__((aligned(8))) = {
#embed "../../bpf/refused.bpf.o"
};

const void *pg_object(enum pg_object_name name, size_t *size)
{
	*size = name == PG_OBJECT_HOOKS ? sizeof(hooks) : sizeof(refused);
	return name == PG_OBJECT_HOOKS ? hooks : refused;
}

static char text[64 * 1024];
static size_t length;

static int keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_DEBUG)
		return 0;
	if (length > sizeof(text) / 2) {
		/* The end of a verifier log says what was refused. */
		memmove(text, text + length - sizeof(text) / 4, sizeof(text) / 4 + 1);
		length = sizeof(text) / 4;
	}
	int written = vsnprintf(text + length, sizeof(text) - length, format, arguments);
	if (written > 0)
		length += (size_t)written < sizeof(text) - length ? (size_t)written
								  : sizeof(text) - length - 1;
	return written;
}

void pg_keep_libbpf_text(void)
{
	libbpf_set_print(keep);
}

const char *pg_libbpf_text(void)
{
	return text;
}

const char *pg_errno_name(int number)
{
	return strerrorname_np(number);
}

const char *pg_signal_name(int number)
{
	return sigabbrev_np(number);
}

/* Where it is mounted; else, with the right to, a mount that nobody else sees. */
static int open_tracefs(void)
{
	int folder = open("/sys/kernel/tracing/events", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder >= 0)
		return folder;
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	int mount = -1;
	if (!syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (mount >= 0) {
		folder = openat(mount, "events", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(mount);
	}
	close(context);
	return folder;
}

int pg_open_tracepoint(const char *path)
{
	char number[32] = "", name[128];
	struct perf_event_attr event = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(event),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	int folder = open_tracefs();

	if (folder < 0)
		return -1;
	snprintf(name, sizeof(name), "%s/id", path);
	int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
	close(folder);
	if (file < 0)
		return -1;
	ssize_t count = read(file, number, sizeof(number) - 1);
	close(file);
	if (count <= 0)
		return -1;
	event.config = strtoull(number, NULL, 10);
	/* A program that is attached to it runs on every CPU, whichever is named. */
	return (int)syscall(SYS_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
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
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {};

	syscall(SYS_capget, &header, sets);
	return (uint64_t)sets[1].effective << 32 | sets[0].effective;
}

int pg_keep_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
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

static struct pg_terminal guarded;
static volatile sig_atomic_t is_guarded;

void pg_restore_terminal(void)
{
	if (!is_guarded)
		return;
	is_guarded = 0;
	/* The modes first: they take effect even while the terminal takes no output. */
	tcsetattr(guarded.input, TCSANOW, &guarded.modes);
	if (write(guarded.output, guarded.leave, guarded.leave_size) < 0)
		return; /* nobody is left to tell */
}

static void restore_and_die(int number)
{
	pg_restore_terminal();
	raise(number); /* SA_RESETHAND: now it kills */
}

void pg_guard_terminal(const struct pg_terminal *terminal)
{
	static const int deadly[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
				     SIGFPE,  SIGSEGV, SIGSYS};
	const struct sigaction restore = {
		.sa_handler = restore_and_die,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};

	is_guarded = 0;
	if (!terminal)
		return;
	guarded = *terminal;
	is_guarded = 1;
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		sigaction(deadly[i], &restore, NULL);
}

void pg_leave_hooks_behind(void)
{
	int ready[2], parent = getpid();
	char none;

	if (pipe2(ready, O_CLOEXEC))
		return;
	if (fork() == 0) {
		/* What waits for the end of our output must not wait for this process. */
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
	/* Where standard input, output or error is closed, it stays so. */
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
