/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a socket becomes a record, and how that gets to the reader. */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <portgauge_record.h>

#define CACHE_LINE 64
#define SECOND_NS 1000000000ULL
#define MILLISECOND_NS 1000000ULL

struct pg_shared shared SEC(".data.shared") = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22); /* the reader sets the size before load */
} ring SEC(".maps");

/*
 * 5.10 and 5.11 lack two helpers for tracing programs: bpf_get_socket_cookie() and (5.10)
 * bpf_get_current_task_btf(). CO-RE makes this a constant at load time, so on older kernels the
 * verifier prunes the branch and never sees the missing helper.
 */
#define HAS_COOKIES                                                                                \
	bpf_core_enum_value_exists(enum bpf_func_id___since_5_12, BPF_FUNC_check_mtu___since_5_12)

/* The mark. Before 5.12 mark_v4 and mark_v6 have made it, or the reader has, by sock_diag. */
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

/* An ordinary record waits for the reader's next turn; only the first after a silence wakes it. */
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

/* Wakes a reader who sleeps, without a record. */
static __always_inline void wake_sleeper(void)
{
	volatile __u64 *sleeping = &shared.sleeping;
	void *none;

	if (!*sleeping)
		return;
	*sleeping = 0;
	none = bpf_ringbuf_reserve(&ring, sizeof(__u64), 0);
	if (none)
		bpf_ringbuf_discard(none, BPF_RB_FORCE_WAKEUP);
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

/* The local address of a socket without a peer, through any pointer. */
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

/* bind() was called with port 0, and has taken a port although there was no peer yet. */
static __always_inline __u8 port_flags(struct sock *sk)
{
	if (!BPF_CORE_READ(sk, __sk_common.skc_num))
		return 0;
	return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK ? 0 : PG_CHOSEN;
}

static __always_inline void fill(struct pg_socket *record, enum pg_kind kind, __u64 time_ns,
				 __u64 cookie, struct sock_common *skc, const __u32 address[8],
				 __u32 netns, __u32 range)
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
	record->thread = 0;
	__builtin_memset(record->comm, 0, sizeof(record->comm));
	/* What an iterator finds need not be a full socket. */
	record->uid = kind == PG_OPENED ? ((struct sock *)skc)->sk_uid.val : 0;
	record->device = skc->skc_bound_dev_if;
}
