/* SPDX-License-Identifier: Apache-2.0 */
/* A perf event on a tracepoint such as "syscalls/sys_exit_bind", for a program to be attached to. */
#pragma once

int pg_open_tracepoint(const char *path); /* -1 and errno */
