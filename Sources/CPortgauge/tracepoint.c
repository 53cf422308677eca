// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "tracepoint.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Opens the mounted one; else, with the right to, a mount that nobody else sees. */
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
