/* SPDX-License-Identifier: Apache-2.0 */
/* What Swift cannot say for itself: headers its Glibc module lacks, a va_list, an embedded file. */
#ifndef PORTGAUGE_H
#define PORTGAUGE_H

#include <bpf/bpf.h>
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
int pg_open_tracepoint(const char *path); /* a perf event for "syscalls/sys_exit_bind"; -1, errno */
int pg_unshare_network(void); /* unshare(CLONE_NEWNET), of the calling thread */
uint64_t pg_capabilities(void); /* those in force, a bit each */
int pg_keep_capabilities(uint64_t wanted); /* a bit each: gives up all others, for good */
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

#endif
