/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Descendants of the command that is run: the reader enters its process before it executes anything,
 * and each process that one of them forks enters with it, wherever it goes from there: to another
 * session, or to another parent.
 */
#pragma once

#include "filter.bpf.h"

/* Runs in the parent's task, before the child does. */
static __always_inline int forked(struct task_struct *child)
{
	__u32 parent = bpf_get_current_pid_tgid() >> 32;
	__u32 pid = child->tgid;
	__u8 member = 1;

	if (pid == parent || !bpf_map_lookup_elem(&tree, &parent))
		return 0;
	/* No room for it: its connections are not reported. */
	if (bpf_map_update_elem(&tree, &pid, &member, 0))
		__sync_fetch_and_add(&shared.lost, 1);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	return forked(child);
}

/* Attached as well if the first can be preempted: to enter twice changes nothing. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_2, struct task_struct *parent, struct task_struct *child)
{
	return forked(child);
}

/* PIDs are reused. Its threads have been counted down before any of them comes here. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 pid = task->tgid;

	if (task->signal->live.counter == 0)
		bpf_map_delete_elem(&tree, &pid);
	return 0;
}
