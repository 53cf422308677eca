/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Iterators over the kernel's own table: whole records into the ring for the start and after a loss,
 * and for an audit only who is there. An iterator walks the network namespace of whoever created it.
 */
#pragma once

#include "filter.bpf.h"
#include "netns.bpf.h"
#include "time_wait.bpf.h"

/*
 * By port, the addresses that have a listener there in the namespace that is walked: the kernel
 * lists listeners first. An entry is of a walk before unless it has its number.
 */
#define ANY_ADDRESS 0xffff
static struct {
	__u16 walk;
	__u16 address; /* a digest of the one address, or ANY_ADDRESS */
} listeners[65536];

/* Digest of a local address, wildcards included: 1 to ANY_ADDRESS. */
static __always_inline __u16 digest(const __u32 address[8])
{
	__u32 word = address[0] ^ address[1] ^ address[2] ^ address[3];

	if (!address[3] && !address[0] && !address[1]) /* ::, and ::ffff:0.0.0.0 */
		return ANY_ADDRESS;
	word = (word ^ word >> 16) & 0xffff;
	return word == 0 || word == ANY_ADDRESS ? 1 : word;
}

/* Numbers walks, from 1 on. */
static __always_inline __u16 walk_of(struct bpf_iter__tcp *ctx)
{
	return ctx->meta->session_id % 0xffff + 1;
}

static __always_inline void note_listener(struct sock_common *skc, __u16 walk)
{
	typeof(listeners[0]) *known = &listeners[skc->skc_num];
	__u32 address[8];
	__u16 own;

	read_addresses(address, skc);
	own = digest(address);
	if (known->walk == walk && known->address != own)
		own = ANY_ADDRESS;
	known->address = own;
	known->walk = walk;
}

static __always_inline bool has_listener(__u16 port, const __u32 address[8], __u16 walk)
{
	typeof(listeners[0]) *known = &listeners[port];

	return known->walk == walk &&
	       (known->address == ANY_ADDRESS || known->address == digest(address));
}

/* A socket that has connected to itself has no other end that could have done so. */
static __always_inline bool is_to_itself(struct sock_common *skc, const __u32 address[8])
{
	return skc->skc_num == bpf_ntohs(skc->skc_dport) && address[0] == address[4] &&
	       address[1] == address[5] && address[2] == address[6] && address[3] == address[7];
}

static __always_inline bool made_by_connect(struct inet_bind_bucket *bucket)
{
	/* inet_csk_update_fastreuse() is not called by connect(): both stay at -1. */
	return bucket && bucket->fastreuse < 0 && bucket->fastreuseport < 0;
}

/*
 * Who connected? This end, if connect() took its port from a bucket no bind() touched, or if the
 * program named the port itself. What remains is a port chosen by bind(port 0), or a listener's:
 * there the sequence space tells, because our SYN has been acknowledged where we were the ones to
 * send it first. It does not tell where a FIN may have been sent or be waiting behind data.
 */
static __always_inline enum pg_origin origin_of(struct tcp_sock *tp, __u8 state, bool has_listener)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	__u64 spent, sent, extra;

	if (state == TCP_SYN_SENT || made_by_connect(icsk->icsk_bind_hash) ||
	    BPF_CORE_READ_BITFIELD(&icsk->icsk_inet.sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		return PG_CLIENT;
	spent = tp->bytes_acked + (__u32)(tp->snd_nxt - tp->snd_una);
	sent = tp->bytes_sent - tp->bytes_retrans;
	extra = spent - sent;
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT || extra != 1)
		return extra != 0 ? PG_CLIENT : PG_SERVER;
	return has_listener ? PG_SERVER : PG_EITHER;
}

/* Of a TIME_WAIT, only the bucket of its port is left, and its addresses. */
static __always_inline enum pg_origin origin_of_time_wait(struct tcp_timewait_sock *tw,
							  const __u32 address[8], bool has_listener)
{
	if (is_to_itself(&tw->tw_sk.__tw_common, address) || made_by_connect(tw->tw_sk.tw_tb))
		return PG_CLIENT;
	return has_listener ? PG_SERVER : PG_EITHER;
}

/* Neither a listener, whose port is noted, nor a request not yet accepted. */
static __always_inline bool is_connection(struct sock_common *skc, __u16 walk)
{
	if (skc->skc_state == TCP_LISTEN)
		note_listener(skc, walk);
	return skc->skc_state != TCP_LISTEN && skc->skc_state != TCP_NEW_SYN_RECV;
}

/* Milliseconds for which a TIME_WAIT has been waiting to be used again. */
static __always_inline __u16 age_of(struct tcp_timewait_sock *tw, __u64 now)
{
	__u32 age;

	if (bpf_core_field_exists(tw->tw_sk.tw_entry_stamp))
		age = (__u32)(now / MILLISECOND_NS) - tw->tw_sk.tw_entry_stamp;
	else
		age = now / MILLISECOND_NS - tw->tw_ts_recent_stamp * 1000ULL;
	return age > 0xffff ? 0xffff : age;
}

SEC("iter/tcp")
int each_socket(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct tcp_timewait_sock *tw = 0;
	struct pg_socket *record;
	struct tcp_sock *tp = 0;
	__u32 address[8], range, netns;
	__u64 identity, now, cookie = 0;
	enum pg_origin origin;
	__u8 step = 0, flags = 0;
	struct net *net;
	bool listening;
	__u16 age = 0;

	if (!skc)
		return 0;
	/* A byte a socket lets the reader drain the ring every so many sockets. */
	bpf_seq_write(ctx->meta->seq, &step, sizeof(step));

	if (!is_connection(skc, walk_of(ctx)))
		return 0;
	read_addresses(address, skc);
	if (!wanted_remote(address, bpf_ntohs(skc->skc_dport)))
		return 0;

	listening = has_listener(skc->skc_num, address, walk_of(ctx));
	net = skc->skc_net.net;
	range = namespace_range(net);
	if (skc->skc_state == TCP_TIME_WAIT) {
		tw = bpf_skc_to_tcp_timewait_sock(skc);
		if (!tw)
			return 0;
		origin = origin_of_time_wait(tw, address, listening);
		if (origin == PG_SERVER)
			return 0;
		identity = (__u64)tw;
		cookie = cookie_of(skc);
		now = bpf_ktime_get_ns();
		/* It may have died since the kernel gathered this batch. */
		if (!tw->tw_sk.tw_timer.entry.pprev)
			return 0;
		flags = time_wait_flags(&tw->tw_sk);
		age = age_of(tw, now);
	} else {
		tp = bpf_skc_to_tcp_sock(skc);
		if (!tp)
			return 0;
		origin = origin_of(tp, skc->skc_state, listening);
		if (origin == PG_SERVER)
			return 0;
		if (!made_by_connect(tp->inet_conn.icsk_bind_hash))
			flags = port_flags(&tp->inet_conn.icsk_inet.sk);
		identity = cookie_of(skc);
		now = bpf_ktime_get_ns();
	}

	netns = identity_of(net);
	describe_namespace(net, netns, range, 0, now);
	if (tp)
		range = range_in_force(tp, range);
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	fill(record, PG_SOCKET, now, identity, skc, address, netns, range);
	record->cookie = cookie;
	record->head.flags = flags | (origin == PG_EITHER ? PG_UNCERTAIN : 0) |
			     (chooses_processes() ? PG_OTHER : 0);
	record->head.error = age;
	submit(record, false);
	return 0;
}

/* For an audit: who is there, and who connected. */
SEC("iter/tcp")
int each_item(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct pg_item item = {};
	struct tcp_timewait_sock *tw;
	struct tcp_sock *tp;
	__u32 address[8];
	bool listening;

	if (!skc)
		return 0;
	if (!is_connection(skc, walk_of(ctx)))
		return 0;
	item.local_port = skc->skc_num;
	item.remote_port = bpf_ntohs(skc->skc_dport);
	item.socket = skc->skc_cookie.counter;
	item.state = skc->skc_state;
	read_addresses(address, skc);
	listening = has_listener(item.local_port, address, walk_of(ctx));
	if (item.state == TCP_TIME_WAIT) {
		tw = bpf_skc_to_tcp_timewait_sock(skc);
		/* It may have died since the kernel gathered this batch. */
		if (!tw || !tw->tw_sk.tw_timer.entry.pprev)
			return 0;
		item.time_wait = 1;
		item.state = BPF_CORE_READ(tw, tw_sk.tw_substate);
		item.origin = origin_of_time_wait(tw, address, listening);
		item.cookie = item.socket;
		item.socket = (__u64)tw;
	} else {
		tp = bpf_skc_to_tcp_sock(skc);
		if (!tp)
			return 0;
		item.origin = origin_of(tp, item.state, listening);
	}
	if (!wanted_remote(address, item.remote_port))
		item.origin = PG_SERVER;
	/* Neither ours nor ever watched. */
	if (item.origin == PG_SERVER && !skc->skc_cookie.counter)
		return 0;
	item.netns = identity_of(skc->skc_net.net);
	bpf_seq_write(ctx->meta->seq, &item, sizeof(item));
	return 0;
}

/*
 * Names the processes of the sockets that the snapshot has marked, and what holds a port without a
 * connection: an iterator over TCP sockets does not show those that are only bound.
 */
SEC("iter/task_file")
int each_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct pg_socket *record;
	struct socket *socket;
	struct sock *sk;
	__u64 cookie, comm[2];
	__u8 step = 0, state;
	__u16 port;
	bool holds;

	if (!task || !file || (file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
		return 0;
	socket = file->private_data;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	port = BPF_CORE_READ(sk, __sk_common.skc_num);
	holds = port && (state == TCP_CLOSE || state == TCP_LISTEN);
	if (!cookie && !holds)
		return 0;
	bpf_seq_write(ctx->meta->seq, &step, sizeof(step));
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = holds ? PG_HOLDER : PG_OWNER;
	record->head.time_ns = bpf_ktime_get_ns();
	record->head.socket = cookie;
	record->netns = identity_of(BPF_CORE_READ(sk, __sk_common.skc_net.net));
	record->pid = task->tgid;
	read_comm(comm, task);
	__builtin_memcpy(record->comm, comm, sizeof(comm));
	record->head.flags = chosen(task->tgid, comm) ? 0 : PG_OTHER;
	if (holds) {
		record->head.socket = (__u64)sk;
		record->head.local_port = port;
		record->head.state = state;
		record->head.flags = port_flags(sk);
		read_bound_address((__u32 *)record->local, sk);
	}
	submit(record, false);
	return 0;
}
