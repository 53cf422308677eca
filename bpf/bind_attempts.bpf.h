/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failing bind() calls of any entry: 32-bit programs, io_uring, and MPTCP's subflows, which the
 * tracepoints of system calls do not show. No program sees such a call return, but all pass two hooks
 * of the cgroup tree: cgroup/bind4 and bind6 when they begin, and post_bind4 and post_bind6 when they
 * have taken a port (inet_bind_sk() and __inet_bind(), net/ipv4/af_inet.c). So an attempt is noted for
 * its thread, which is in one bind() at a time, and it has failed if the thread comes again, exits, or
 * has been back for long without having passed the second hook.
 *
 * Attempts that end for another reason than a port are not noted, as far as that can be told.
 */
#pragma once

#include "bind_rules.bpf.h"
#include "filter.bpf.h"
#include "netns.bpf.h"

struct pg_attempts attempts_state SEC(".data.attempts") = {};

struct attempt {
	struct pg_socket record;
	struct task_struct *task;
	struct sock *sk;
	struct net *net;
	__u64 switches; /* of the task, until then */
	__u64 seen_running; /* at checks */
};

/* By thread: a thread's is gone with the end of its call or, if that is not seen, within 0.1 s. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* the reader makes room where the hooks are in force */
	__type(key, __u32);
	__type(value, struct attempt);
} attempts SEC(".maps");

#define OVER_NS (40 * MILLISECOND_NS) /* so long after its begin, a call is over for sure ... */
#define HELD_UP_NS SECOND_NS /* ... unless it is seen to wait; but not for longer than this */

/* Whether there was one, and nobody else has removed it meanwhile. */
static __always_inline bool remove_attempt(__u32 thread)
{
	if (bpf_map_delete_elem(&attempts, &thread))
		return false;
	__sync_fetch_and_add(&attempts_state.ended, 1);
	return true;
}

/* Spares those look-ups that would find nothing. A thread always sees its own. */
static __always_inline bool has_attempts(void)
{
	volatile struct pg_attempts *counts = &attempts_state;
	/* First, or ends of attempts that begin in between would make up for its own. */
	__u64 ended = counts->ended;

	return counts->noted != ended;
}

/*
 * Removes the attempt of a thread, and hands it over to whoever is first to do so.
 *
 * - begun: the one that is meant; 0: any.
 *
 * Returns whether it did.
 */
static __always_inline bool take_attempt(__u32 thread, __u64 begun, struct attempt *taken)
{
	struct attempt *attempt;

	if (!has_attempts())
		return false;
	attempt = bpf_map_lookup_elem(&attempts, &thread);
	if (!attempt)
		return false;
	*taken = *attempt;
	if (begun && taken->record.head.time_ns != begun)
		return false;
	return remove_attempt(thread);
}

/* - flags: PG_INFERRED, or none. */
static __always_inline void tell_attempt(struct attempt *attempt, __u8 flags, __u16 error)
{
	struct pg_socket *told = &attempt->record, *record;
	__u32 netns = identity_of(attempt->net);

	/* By now, it may be gone, and its memory another's. */
	if (netns == told->netns)
		describe_namespace(attempt->net, netns, told->range_low | told->range_high << 16,
				   told->pid, bpf_ktime_get_ns());
	record = reserve(sizeof(*record));
	if (!record)
		return;
	*record = *told;
	record->head.flags |= flags;
	record->head.error = error;
	submit(record, true);
}

static __always_inline bool is_link_local(const __u32 address[4])
{
	return (address[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/*
 * A link-local address needs a device, of the socket or of the address: that becomes the socket's
 * even if bind() fails. Without, bind() returns EINVAL (__inet6_bind()).
 */
static __always_inline bool lacks_device(struct attempt *attempt)
{
	struct sock *sk = attempt->sk;

	return is_link_local((__u32 *)attempt->record.local) &&
	       !BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
}

static __always_inline void infer_failure(struct attempt *attempt)
{
	if (!lacks_device(attempt))
		tell_attempt(attempt, PG_INFERRED, EADDRINUSE);
}

static __always_inline __u64 switches_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
}

static __always_inline bool is_runnable(struct task_struct *task)
{
	struct task_struct___before_5_14 *older = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return !BPF_CORE_READ(task, __state);
	return !BPF_CORE_READ(older, state);
}

/*
 * The port is chosen under the socket's lock. Before and after, the task may be preempted, and have
 * come back just now: only the next check tells that it has gone on.
 */
static __always_inline bool is_held_up(struct attempt *attempt)
{
	struct task_struct *task = attempt->task;
	struct sock *sk = attempt->sk;

	if (BPF_CORE_READ(sk, sk_lock.owned))
		return true;
	if (!is_runnable(task) || switches_of(task) > attempt->switches + 1)
		return false;
	return !BPF_CORE_READ(task, on_cpu) || !attempt->seen_running++;
}

/* - attempt: of a task that may have gone: memory that is another's by now is safe to read. */
static __always_inline bool is_over(__u32 thread, __u64 begun, struct attempt *attempt)
{
	__u64 age = bpf_ktime_get_ns() - begun;
	struct task_struct *task = attempt->task;

	if (BPF_CORE_READ(task, pid) != (int)thread || BPF_CORE_READ(task, exit_state))
		return true;
	return age >= HELD_UP_NS || (age >= OVER_NS && !is_held_up(attempt));
}

/* Not attached, but run by the reader, for a thread that has an attempt. */
SEC("raw_tp")
int check_attempt(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 thread = ctx->args[0];
	volatile struct attempt *attempt = bpf_map_lookup_elem(&attempts, &thread);
	struct attempt taken;
	__u64 begun;

	if (!attempt)
		return 0;
	/* It may be removed meanwhile, and its place another's: then what follows says nothing. */
	begun = attempt->record.head.time_ns;
	if (is_over(thread, begun, (struct attempt *)attempt) &&
	    take_attempt(thread, begun, &taken))
		infer_failure(&taken);
	return 0;
}

/* --- Hooks --- */

/* - caller: as bpf_get_current_pid_tgid() has it. */
static __always_inline void note_attempt(struct bpf_sock_addr *ctx, struct inet_sock *inet,
					 const __u32 address[4], __u64 caller)
{
	struct net *net = inet->sk.__sk_common.skc_net.net;
	__u32 thread = caller, pid = caller >> 32, range;
	__u16 port = bpf_ntohs(ctx->user_port);
	struct attempt attempt = {};
	struct pg_socket *record = &attempt.record;
	struct task_struct *task;
	__u64 comm[2];

	if (!chosen_pid(pid) || !looks_for_port(ctx, inet, net, address, port))
		return;
	task = (void *)bpf_get_current_task();
	read_comm(comm, task);
	if (!chosen_comm(comm))
		return;
	range = namespace_range(net);
	record->head.time_ns = bpf_ktime_get_ns();
	record->head.local_port = port;
	record->head.kind = PG_REFUSED;
	record->head.flags = PG_BIND;
	record->head.state = takes_any_address(inet);
	__builtin_memcpy(record->local, address, sizeof(record->local));
	record->netns = identity_of(net);
	record->pid = pid;
	record->range_low = range;
	record->range_high = range >> 16;
	__builtin_memcpy(record->comm, comm, sizeof(comm));
	record->uid = bpf_get_current_uid_gid();
	attempt.task = task;
	attempt.sk = &inet->sk;
	attempt.net = net;
	attempt.switches = switches_of(task);
	if (bpf_map_update_elem(&attempts, &thread, &attempt, 0)) {
		__sync_fetch_and_add(&shared.lost, 1);
		return;
	}
	__sync_fetch_and_add(&attempts_state.noted, 1);
	wake_sleeper();
}

static __always_inline int begins(struct bpf_sock_addr *ctx, const __u32 address[4])
{
	__u64 caller = bpf_get_current_pid_tgid();
	struct attempt before;
	struct bpf_sock *socket;
	struct tcp_sock *tp;

	/* The one before has come back, and had no port. */
	if (take_attempt(caller, 0, &before))
		infer_failure(&before);
	socket = ctx->sk;
	if (ctx->protocol != IPPROTO_TCP || !socket)
		return 1;
	tp = bpf_skc_to_tcp_sock(socket);
	if (tp)
		note_attempt(ctx, &tp->inet_conn.icsk_inet, address, caller);
	return 1;
}

SEC("cgroup/bind4")
int on_bind_v4(struct bpf_sock_addr *ctx)
{
	const __u32 address[4] = { 0, 0, bpf_htonl(0xffff), ctx->user_ip4 };

	return begins(ctx, address);
}

SEC("cgroup/bind6")
int on_bind_v6(struct bpf_sock_addr *ctx)
{
	const __u32 address[4] = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
				   ctx->user_ip6[3] };

	return begins(ctx, address);
}

static __always_inline int bound(struct bpf_sock *ctx)
{
	if (ctx->protocol == IPPROTO_TCP && has_attempts())
		remove_attempt(bpf_get_current_pid_tgid());
	return 1;
}

SEC("cgroup/post_bind4")
int on_bound_v4(struct bpf_sock *ctx)
{
	return bound(ctx);
}

SEC("cgroup/post_bind6")
int on_bound_v6(struct bpf_sock *ctx)
{
	return bound(ctx);
}
