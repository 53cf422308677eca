/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which connections are followed: those whose peer matches one of the remotes, if there are any. And
 * whose are named: those of processes that match one entry of each other list that is not empty.
 */
#pragma once

#include "record.bpf.h"

const volatile struct pg_config config SEC(".rodata.config") = {};

/* Thread groups of the command and of all that descend from it: process_tree.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* the reader makes room where there is a command */
	__type(key, __u32);
	__type(value, __u8);
} tree SEC(".maps");

static __always_inline bool wanted_remote(const __u32 address[8], __u16 port)
{
	if (!config.remote_count)
		return true;
	for (__u32 i = 0; i < PG_FILTERS && i < config.remote_count; i++) {
		const volatile struct pg_remote *remote = &config.remotes[i];

		if ((remote->port == 0 || remote->port == port) &&
		    (address[4] & remote->mask[0]) == remote->address[0] &&
		    (address[5] & remote->mask[1]) == remote->address[1] &&
		    (address[6] & remote->mask[2]) == remote->address[2] &&
		    (address[7] & remote->mask[3]) == remote->address[3])
			return true;
	}
	return false;
}

static __always_inline bool chosen_pid(__u32 pid)
{
	if (config.only_tree && !bpf_map_lookup_elem(&tree, &pid))
		return false;
	if (!config.pid_count)
		return true;
	for (__u32 i = 0; i < PG_FILTERS && i < config.pid_count; i++)
		if (config.pids[i] == pid)
			return true;
	return false;
}

static __always_inline bool chosen_comm(const __u64 comm[2])
{
	if (!config.comm_count)
		return true;
	for (__u32 i = 0; i < PG_FILTERS && i < config.comm_count; i++)
		if (config.comms[i][0] == comm[0] && config.comms[i][1] == comm[1])
			return true;
	return false;
}

static __always_inline bool chooses_processes(void)
{
	return config.only_tree || config.pid_count || config.comm_count;
}

/* Whether a process is to be named. */
static __always_inline bool chosen(__u32 pid, const __u64 comm[2])
{
	return chosen_pid(pid) && chosen_comm(comm);
}
