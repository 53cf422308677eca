/* SPDX-License-Identifier: Apache-2.0 */
/* What Swift cannot say for itself: headers its Glibc module lacks, a va_list, an embedded file. */
#ifndef PORTGAUGE_H
#define PORTGAUGE_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "portgauge_record.h"

/* The compiled BPF programs: ELF objects inside the binary, there for as long as the process. */
enum pg_object_name {
	PG_OBJECT_HOOKS, /* bpf/portgauge.bpf.c */
	PG_OBJECT_REFUSED, /* bpf/refused.bpf.c */
};
const void *pg_object(enum pg_object_name name, size_t *size);

/* From now on libbpf's messages are kept, up to the last 64 KiB, instead of printed. */
void pg_keep_libbpf_text(void);

/* What has been kept: NUL-terminated, valid until libbpf says more. */
const char *pg_libbpf_text(void);

/* What glibc hides from Swift behind _GNU_SOURCE. */
const char *pg_errno_name(int number); /* strerrorname_np(): "EPERM", or NULL */
const char *pg_signal_name(int number); /* sigabbrev_np(): "TERM", or NULL */
int pg_open_tracepoint(const char *path); /* a perf event for "syscalls/sys_exit_bind"; -1, errno */
int pg_unshare_network(void); /* unshare(CLONE_NEWNET), of the calling thread */
uint64_t pg_capabilities(void); /* those in force, a bit each */
int pg_keep_capabilities(uint64_t wanted); /* a bit each: gives up all others, for good */
int pg_open_process(int pid); /* pidfd_open(), closed on exec */
int pg_enter_network(int descriptor); /* setns(descriptor, CLONE_NEWNET), likewise */

/*
 * A terminal to be put back to what it was: by pg_restore_terminal(), or by a signal that kills (a
 * crash, SIGQUIT), in whose handler no Swift may run. `leave` is what to write to `output` then, and
 * stays valid.
 */
struct pg_terminal {
	int input; /* has the modes */
	int output;
	struct termios modes;
	const char *leave;
	size_t leave_size;
};
void pg_guard_terminal(const struct pg_terminal *terminal); /* NULL: no longer */
void pg_restore_terminal(void); /* does nothing unless one is guarded; guards it no longer */

/*
 * Forks a process that waits for a byte from `channel`, and then is the program `arguments[0]`, with
 * everything as the caller was started with, as long as this comes before the caller changes any of
 * it. If it cannot be: sends the errno, and exits as a shell does. Gives up when the caller has gone.
 *
 * Returns its pid, or -1 and errno. `channel` is a socket; at its end, the program runs.
 */
int pg_fork_waiting(char *const arguments[], int *channel);

/*
 * To be called just before the end: a process that outlives this one, but not for long, closes what
 * both have open. For a tracepoint's last program the kernel waits 0.1 s there.
 */
void pg_leave_hooks_behind(void);

#endif
