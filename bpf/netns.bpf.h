/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Network namespaces: their identity, and what a record says of their settings. */
#pragma once

#include "record.bpf.h"

/*
 * Time of the last description of a namespace, by a hash of its identity: each CPU draws cookies
 * from a batch of 4096, so that their last bits are the same for the first namespaces of each.
 */
#define NAMESPACE_BITS 12
static struct {
	__u32 netns;
	__u32 range;
	__u64 time_ns;
} described[1 << NAMESPACE_BITS] __attribute__((aligned(CACHE_LINE)));

/* An inode number is used again when its namespace is gone, a cookie never. */
static __always_inline __u32 identity_of(struct net *net)
{
	if (bpf_core_field_exists(net->net_cookie))
		return BPF_CORE_READ(net, net_cookie);
	return BPF_CORE_READ(net, ns.inum);
}

/* Ranges travel as the kernel has them from 6.8 on: high << 16 | low. */
static __always_inline __u32 namespace_range(struct net *net)
{
	if (bpf_core_field_exists(net->ipv4.ip_local_ports.range))
		return net->ipv4.ip_local_ports.range;

	struct netns_ipv4___before_6_8 *ipv4 = (void *)&net->ipv4;

	return (__u32)ipv4->ip_local_ports.range[1] << 16 | ipv4->ip_local_ports.range[0];
}

/* The same, through a pointer of which the verifier knows nothing. */
static __always_inline __u32 namespace_range_of(struct net *net)
{
	struct netns_ipv4___before_6_8 *ipv4 = (void *)&net->ipv4;

	if (bpf_core_field_exists(net->ipv4.ip_local_ports.range))
		return BPF_CORE_READ(net, ipv4.ip_local_ports.range);
	return (__u32)BPF_CORE_READ(ipv4, ip_local_ports.range[1]) << 16 |
	       BPF_CORE_READ(ipv4, ip_local_ports.range[0]);
}

/* inet_sk_get_local_port_range(): IP_LOCAL_PORT_RANGE may narrow the namespace's, never widen it */
static __always_inline __u32 range_in_force(struct tcp_sock *tp, __u32 range)
{
	struct inet_sock *inet = &tp->inet_conn.icsk_inet;
	struct inet_sock___before_6_8 *older = (void *)inet;
	__u32 own = 0;

	if (bpf_core_field_exists(inet->local_port_range))
		own = inet->local_port_range;
	else if (bpf_core_field_exists(older->local_port_range))
		own = (__u32)older->local_port_range.hi << 16 | older->local_port_range.lo;
	if (!own)
		return range;

	__u16 low = range, high = range >> 16, own_low = own, own_high = own >> 16;

	if (low <= own_low && own_low <= high)
		low = own_low;
	if (low <= own_high && own_high <= high)
		high = own_high;
	return (__u32)high << 16 | low;
}

static __always_inline __u32 max_time_waits(struct net *net)
{
	struct netns_ipv4___pointer *ipv4 = (void *)&net->ipv4;

	if (bpf_core_field_exists(net->ipv4.tcp_death_row.sysctl_max_tw_buckets))
		return BPF_CORE_READ(net, ipv4.tcp_death_row.sysctl_max_tw_buckets);
	return BPF_CORE_READ(ipv4, tcp_death_row, sysctl_max_tw_buckets);
}

/* - pid: a process in the namespace; 0 if unknown. */
static __always_inline void describe_namespace(struct net *net, __u32 netns, __u32 range, __u32 pid,
					       __u64 now)
{
	typeof(described[0]) *slot = &described[netns * 0x9e3779b1U >> (32 - NAMESPACE_BITS)];
	__u64 age = now - slot->time_ns;

	/*
	 * Two namespaces may share a slot: then they take turns, but not so often as to flood. Whoever
	 * asks each second always gets an answer.
	 */
	if (slot->netns != netns ? age < MILLISECOND_NS
				 : age < 900 * MILLISECOND_NS && slot->range == range)
		return;

	struct pg_namespace *record = reserve(sizeof(*record));

	if (!record)
		return;
	slot->netns = netns;
	slot->range = range;
	slot->time_ns = now;
	record->head = (struct pg_head){ .time_ns = now, .kind = PG_NAMESPACE };
	record->netns = netns;
	record->inode = BPF_CORE_READ(net, ns.inum);
	record->pid = pid;
	record->max_time_waits = max_time_waits(net);
	record->reuse_delay_ms = 1000;
	record->has_reuse_delay = bpf_core_field_exists(net->ipv4.sysctl_tcp_tw_reuse_delay);
	if (record->has_reuse_delay)
		record->reuse_delay_ms = BPF_CORE_READ(net, ipv4.sysctl_tcp_tw_reuse_delay);
	record->range_low = range;
	record->range_high = range >> 16;
	record->reuse = BPF_CORE_READ_BITFIELD_PROBED(net, ipv4.sysctl_tcp_tw_reuse);
	record->timestamps = BPF_CORE_READ_BITFIELD_PROBED(net, ipv4.sysctl_tcp_timestamps);
	__builtin_memset(record->zero, 0, sizeof(record->zero));
	bpf_probe_read_kernel(record->reserved, sizeof(record->reserved),
			      BPF_CORE_READ(net, ipv4.sysctl_local_reserved_ports));
	submit(record, false);
}
