/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all programs share: the configuration, the ring, and how a socket becomes a record. */
#ifndef PORTGAUGE_COMMON_BPF_H
#define PORTGAUGE_COMMON_BPF_H

#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <portgauge_record.h>

#define CACHE_LINE 64
#define SECOND_NS 1000000000ULL
#define MILLISECOND_NS 1000000ULL

const volatile struct pg_config config SEC(".rodata.config") = {};

struct pg_shared shared SEC(".data.shared") = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22); /* the reader sets the size before load */
} ring SEC(".maps");

/* Thread groups of the command that is run, itself and all that descend from it: process_tree.bpf.h. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* the reader makes room where there is a command */
	__type(key, __u32);
	__type(value, __u8);
} tree SEC(".maps");

/*
 * When a namespace was last described, by a hash of its identity: each CPU draws cookies from a batch
 * of 4096, so that their last bits are the same for the first namespaces of each.
 */
#define NAMESPACE_BITS 12
static struct {
	__u32 netns;
	__u32 range;
	__u64 time_ns;
} described[1 << NAMESPACE_BITS] __attribute__((aligned(CACHE_LINE)));

/*
 * For each port the addresses that have a listener there, or have had one since the start, in
 * whichever namespace: 0 for none, a digest of the one address, or ANY_ADDRESS.
 */
#define ANY_ADDRESS 0xffff
static __u16 listeners[65536];

/*
 * 5.10 and 5.11 lack two helpers for tracing programs: bpf_get_socket_cookie() and (5.10)
 * bpf_get_current_task_btf(). A constant when the verifier looks, so that it never sees the calls.
 */
#define HAS_COOKIES                                                                                \
	bpf_core_enum_value_exists(enum bpf_func_id___since_5_12, BPF_FUNC_check_mtu___since_5_12)

/* Where it cannot be made here, mark_v4 and mark_v6 have made it, or the reader by sock_diag. */
static __always_inline __u64 cookie_of(struct sock_common *skc)
{
	if (HAS_COOKIES)
		return bpf_get_socket_cookie(skc);
	return skc->skc_cookie.counter;
}

static __always_inline void *reserve(__u64 size)
{
	void *record = bpf_ringbuf_reserve(&ring, size, 0);

	if (!record)
		__sync_fetch_and_add(&shared.lost, 1);
	return record;
}

/*
 * An ordinary record waits for the reader's next turn; only the first after a silence wakes it.
 */
static __always_inline void submit(void *record, bool urgent)
{
	volatile __u64 *sleeping = &shared.sleeping;
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (urgent || *sleeping) {
		*sleeping = 0;
		flags = BPF_RB_FORCE_WAKEUP;
	}
	bpf_ringbuf_submit(record, flags);
}

static __always_inline void change(enum pg_kind kind, __u64 socket, __u16 local_port, __u16 error,
				   __u8 flags, __u64 successor, bool urgent)
{
	struct pg_change *record = reserve(sizeof(*record));

	if (!record)
		return;
	record->head = (struct pg_head){
		.time_ns = bpf_ktime_get_ns(),
		.socket = socket,
		.local_port = local_port,
		.error = error,
		.kind = kind,
		.flags = flags,
	};
	record->successor = successor;
	submit(record, urgent);
}

/* Ranges travel as the kernel has them from 6.8 on: high << 16 | low. */
static __always_inline __u32 namespace_range(struct net *net)
{
	if (bpf_core_field_exists(net->ipv4.ip_local_ports.range))
		return net->ipv4.ip_local_ports.range;

	struct netns_ipv4___before_6_8 *ipv4 = (void *)&net->ipv4;

	return (__u32)ipv4->ip_local_ports.range[1] << 16 | ipv4->ip_local_ports.range[0];
}

/* The same of one that was reached through pointers of which the verifier knows nothing. */
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

/* An inode number is used again when its namespace is gone, a cookie never. */
static __always_inline __u32 identity_of(struct net *net)
{
	if (bpf_core_field_exists(net->net_cookie))
		return BPF_CORE_READ(net, net_cookie);
	return BPF_CORE_READ(net, ns.inum);
}

static __always_inline __u32 max_time_waits(struct net *net)
{
	struct netns_ipv4___pointer *ipv4 = (void *)&net->ipv4;

	if (bpf_core_field_exists(net->ipv4.tcp_death_row.sysctl_max_tw_buckets))
		return BPF_CORE_READ(net, ipv4.tcp_death_row.sysctl_max_tw_buckets);
	return BPF_CORE_READ(ipv4, tcp_death_row, sysctl_max_tw_buckets);
}

/* - pid: of a process in the namespace, 0 if none is known. */
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

/* Both addresses, local first. The v4 fields hold those of a mapped v6 socket as well. */
static __always_inline void read_addresses(__u32 address[8], struct sock_common *skc)
{
	const __u32 *remote = skc->skc_v6_daddr.in6_u.u6_addr32;
	const __u32 *local = skc->skc_v6_rcv_saddr.in6_u.u6_addr32;

	if (skc->skc_family == AF_INET6 &&
	    !(remote[0] == 0 && remote[1] == 0 && remote[2] == bpf_htonl(0xffff))) {
		address[0] = local[0];
		address[1] = local[1];
		address[2] = local[2];
		address[3] = local[3];
		address[4] = remote[0];
		address[5] = remote[1];
		address[6] = remote[2];
		address[7] = remote[3];
	} else {
		address[0] = 0;
		address[1] = 0;
		address[2] = bpf_htonl(0xffff);
		address[3] = skc->skc_rcv_saddr;
		address[4] = 0;
		address[5] = 0;
		address[6] = bpf_htonl(0xffff);
		address[7] = skc->skc_daddr;
	}
}

/* Of a local address, wildcards included: 1 to ANY_ADDRESS. */
static __always_inline __u16 digest(const __u32 address[8])
{
	__u32 word = address[0] ^ address[1] ^ address[2] ^ address[3];

	if (!address[3] && !address[0] && !address[1]) /* ::, and ::ffff:0.0.0.0 */
		return ANY_ADDRESS;
	word = (word ^ word >> 16) & 0xffff;
	return word == 0 || word == ANY_ADDRESS ? 1 : word;
}

static __always_inline void note_listener(struct sock_common *skc)
{
	__u16 *known = &listeners[skc->skc_num];
	__u32 address[8];
	__u16 own;

	read_addresses(address, skc);
	own = digest(address);
	*known = *known == 0 || *known == own ? own : ANY_ADDRESS;
}

static __always_inline bool has_listener(__u16 port, const __u32 address[8])
{
	__u16 known = listeners[port];

	return known == ANY_ADDRESS || (known && known == digest(address));
}

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

static __always_inline bool wanted_pid(__u32 pid)
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

static __always_inline bool wanted_comm(const __u64 comm[2])
{
	if (!config.comm_count)
		return true;
	for (__u32 i = 0; i < PG_FILTERS && i < config.comm_count; i++)
		if (config.comms[i][0] == comm[0] && config.comms[i][1] == comm[1])
			return true;
	return false;
}

/*
 * Users know `java`, not `http-nio-8080-e`: the name is the thread group leader's. Before 5.17 the end
 * of a longer name that the process had before may lie behind the NUL.
 */
static __always_inline void read_comm(__u64 comm[2], struct task_struct *task)
{
	comm[0] = comm[1] = 0;
	bpf_probe_read_kernel_str(comm, PG_COMM, BPF_CORE_READ(task, group_leader)->comm);
}

static __always_inline void read_current_comm(__u64 comm[2])
{
	if (HAS_COOKIES)
		read_comm(comm, bpf_get_current_task_btf());
	else
		read_comm(comm, (void *)bpf_get_current_task());
}

/* Of a socket without a peer, and with whatever pointer. */
static __always_inline void read_bound_address(__u32 address[4], struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		bpf_probe_read_kernel(address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	} else {
		address[0] = address[1] = 0;
		address[2] = bpf_htonl(0xffff);
		address[3] = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	}
}

/* bind() was called with port 0, and has taken a port although there was no peer yet. */
static __always_inline __u8 port_flags(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_num) &&
	       !(BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK) ? PG_CHOSEN : 0;
}

/*
 * tcp_twsk_unique(): without timestamps nothing may be used again, nor, since 6.12 and in the stable
 * kernels of the time (5.10 as well), a parked FIN_WAIT2.
 */
static __always_inline __u8 time_wait_flags(struct inet_timewait_sock *tw)
{
	struct tcp_timewait_sock *tcp = (void *)tw;

	return BPF_CORE_READ(tcp, tw_ts_recent_stamp) &&
			       BPF_CORE_READ(tw, tw_substate) != TCP_FIN_WAIT2
		       ? PG_REUSABLE
		       : 0;
}

static __always_inline void fill(struct pg_socket *record, enum pg_kind kind, __u64 time_ns, __u64 cookie,
		 struct sock_common *skc, const __u32 address[8], __u32 netns, __u32 range)
{
	record->head = (struct pg_head){
		.time_ns = time_ns,
		.socket = cookie,
		.local_port = skc->skc_num,
		.kind = kind,
		.state = skc->skc_state,
	};
	__builtin_memcpy(record->local, address, sizeof(record->local));
	__builtin_memcpy(record->remote, address + 4, sizeof(record->remote));
	record->netns = netns;
	record->cookie = 0;
	record->pid = 0;
	record->remote_port = bpf_ntohs(skc->skc_dport);
	record->range_low = range;
	record->range_high = range >> 16;
	record->zero = 0;
	__builtin_memset(record->comm, 0, sizeof(record->comm));
}

#endif
