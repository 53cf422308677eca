/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ports that a bind() holds, from the kernel's own table: __inet_hash_connect() passes over a port
 * whose bucket has a fastreuse or fastreuseport of 0 or more, whatever the destination, the address
 * and the family. Nothing else tells so of all of them: sockets that are bound and not connected,
 * those of the past that the bucket still remembers, and what holds them in TIME_WAIT.
 */
#pragma once

#include "netns.bpf.h"

struct pg_bind_table bind_table SEC(".data.bind_table") = {};

/* Buckets that share a hash: the table has 65,536 chains, or fewer on a host with little memory. */
#define LONGEST_CHAIN 32

/*
 * Tells whether the chain from `first` on has a bucket of the namespace for the port that a bind()
 * has made. A global function, because the verifier looks at those once, and not 64 times.
 */
__noinline int is_bind_held(__u64 first, __u64 net, __u32 port)
{
	struct hlist_node *node = (void *)first;

	for (__u32 i = 0; i < LONGEST_CHAIN && node; i++) {
		struct inet_bind_bucket *bucket =
			(void *)node - bpf_core_field_offset(struct inet_bind_bucket, node);

		/* l3mdev: it belongs to a VRF, whose sockets alone look at it. */
		if (BPF_CORE_READ(bucket, port) == port &&
		    (__u64)BPF_CORE_READ(bucket, ib_net.net) == net &&
		    !BPF_CORE_READ(bucket, l3mdev))
			return BPF_CORE_READ(bucket, fastreuse) >= 0 ||
			       BPF_CORE_READ(bucket, fastreuseport) >= 0;
		node = BPF_CORE_READ(node, next);
	}
	return 0;
}

static __always_inline struct net *current_net(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nsproxy, net_ns);
}

static __always_inline struct inet_hashinfo *hashinfo_of(struct net *net)
{
	struct netns_ipv4___pointer *ipv4 = (void *)&net->ipv4;

	if (bpf_core_field_exists(net->ipv4.tcp_death_row.hashinfo))
		return BPF_CORE_READ(net, ipv4.tcp_death_row.hashinfo);
	return BPF_CORE_READ(ipv4, tcp_death_row, hashinfo);
}

/*
 * Looks at 64 ports from its argument on. Not attached, but run by the reader, who is in the
 * namespace in question. Whoever changes the table meanwhile may hide a bucket from it; the next
 * look finds that.
 */
SEC("raw_tp")
int read_bind_table(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 first = ctx->args[0] & 0xffff & ~63U;
	struct net *net = current_net();
	struct inet_hashinfo *table = hashinfo_of(net);
	struct inet_bind_hashbucket *chains = BPF_CORE_READ(table, bhash);
	__u32 mask = BPF_CORE_READ(table, bhash_size) - 1, mix = BPF_CORE_READ(net, hash_mix);
	__u64 held = 0;

	for (__u32 bit = 0; bit < 64; bit++) {
		__u32 port = first + bit;
		struct inet_bind_hashbucket *chain =
			(void *)chains +
			((port + mix) & mask) * bpf_core_type_size(struct inet_bind_hashbucket);

		__u64 first_node = (__u64)BPF_CORE_READ(chain, chain.first);

		/* No branch, so that the verifier follows one path and not two for each port. */
		held |= (__u64)(is_bind_held(first_node, (__u64)net, port) & 1) << bit;
	}
	bind_table.held[first / 64] = held;
	return 0;
}

/* Run the same way: reads the range, and describes the reader's namespace if that is due. */
SEC("raw_tp")
int read_namespace(struct bpf_raw_tracepoint_args *ctx)
{
	struct net *net = current_net();

	bind_table.range = namespace_range_of(net);
	describe_namespace(net, identity_of(net), bind_table.range, 0, bpf_ktime_get_ns());
	return 0;
}
