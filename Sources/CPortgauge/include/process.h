/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that glibc hides from Swift behind _GNU_SOURCE, and fork(), after which no Swift may run. */
#pragma once

#include <stdint.h>

const char *pg_errno_name(int number); /* strerrorname_np(): "EPERM", or NULL */
const char *pg_signal_name(int number); /* sigabbrev_np(): "TERM", or NULL */
int pg_unshare_network(void); /* unshare(CLONE_NEWNET), of the calling thread */
int pg_enter_network(int descriptor); /* setns(descriptor, CLONE_NEWNET), likewise */
uint64_t pg_capabilities(void); /* those in force, a bit each */
int pg_keep_capabilities(uint64_t wanted); /* a bit each: gives up all others, for good */
int pg_open_process(int pid); /* pidfd_open(), closed on exec */
int pg_open_cgroups(void); /* the root of cgroup2, mounted nowhere, or -1 and errno */

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
