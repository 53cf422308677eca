// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches every outgoing TCP connection from connect() until its local port is free again.
 *
 *  tp_btf/inet_sock_set_state    connect() begins, succeeds, fails; the connection closes
 *  tp_btf/timer_start, _cancel   a TIME_WAIT begins and ends. It is an object of its own with one
 *                                timer, and no tracepoint names it: the timer's function does
 *  tp_btf/tcp_destroy_sock       a port that a bind() kept after CLOSE is given back
 *  iter/tcp, iter/task_file      what exists already, and who has it open
 *
 * Tracepoints only, because they are allowed where fentry and kprobes are not (lockdown, hardened
 * and cloud kernels).
 *
 * The mark of a socket that is watched is its cookie: 0 until somebody asks for it, asked for here
 * at connect(), and inherited by the TIME_WAIT. So a server's sockets cost one load, and no map.
 */
#include "kernel_types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <portgauge_record.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CACHE_LINE 64
#define SECOND_NS 1000000000ULL
#define MILLISECOND_NS 1000000ULL
#define RING_ALARM (1 << 20) /* bytes not read yet */

const volatile struct pg_config config SEC(".rodata.config") = {};

struct pg_shared shared SEC(".data.shared") = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22); /* the reader sets the size before load */
} ring SEC(".maps");

extern const void tw_timer_handler __ksym;

/*
 * tcp_time_wait() starts the timer and then closes the socket, on one CPU with softirqs off. The
 * first of the two has said all, so the cookie lies here for the second to keep silent.
 */
#define CPU_SLOTS 512
static struct {
	__u64 cookie;
	__u64 cancelled; /* the timer that this CPU stopped last: if it starts next, it is re-armed */
	__u64 fill[CACHE_LINE / 8 - 2];
} cpu_slots[CPU_SLOTS] __attribute__((aligned(CACHE_LINE)));

#define cpu_slot() (&cpu_slots[bpf_get_smp_processor_id() % CPU_SLOTS])

/* When a namespace was last described, by its inode number's last bits. */
#define NAMESPACE_SLOTS 1024
static struct {
	__u32 netns;
	__u32 fill;
	__u64 time_ns;
} described[NAMESPACE_SLOTS] __attribute__((aligned(CACHE_LINE)));

/* Ports that have a listener, a bit each, as the snapshot under way has met them. */
__u64 listening[65536 / 64] SEC(".data.listening");

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

static __always_inline void change(enum pg_kind kind, __u64 socket, __u16 local_port, __u16 error, __u8 state,
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
		.state = state,
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

static __always_inline void describe_namespace(struct net *net, __u32 netns, __u32 range, __u64 now)
{
	typeof(described[0]) *slot = &described[netns % NAMESPACE_SLOTS];
	__u64 age = now - slot->time_ns;

	/* Two namespaces may share a slot: then they take turns, but not so often as to flood. */
	if (slot->netns == netns ? age < SECOND_NS : age < 10 * MILLISECOND_NS)
		return;

	struct pg_namespace *record = reserve(sizeof(*record));

	if (!record)
		return;
	slot->netns = netns;
	slot->time_ns = now;
	record->head = (struct pg_head){ .time_ns = now, .kind = PG_NAMESPACE };
	record->netns = netns;
	record->range_low = range;
	record->range_high = range >> 16;
	bpf_probe_read_kernel(record->reserved, sizeof(record->reserved),
			      net->ipv4.sysctl_local_reserved_ports);
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

/* Users know `java`, not `http-nio-8080-e`: the name is the thread group leader's. */
static __always_inline void read_comm(__u64 comm[2], struct task_struct *task)
{
	comm[0] = comm[1] = 0;
	bpf_probe_read_kernel(comm, PG_COMM, task->group_leader->comm);
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
	record->pid = 0;
	record->uid = 0;
	record->remote_port = bpf_ntohs(skc->skc_dport);
	record->range_low = range;
	record->range_high = range >> 16;
	record->zero = 0;
	record->cookie = 0;
	__builtin_memset(record->comm, 0, sizeof(record->comm));
}

/* connect() has begun. The only moment at which the current task is certainly the caller. */
static __always_inline void opened(struct sock *sk)
{
	struct sock_common *skc = &sk->__sk_common;
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct net *net = skc->skc_net.net;
	__u32 address[8], netns, range;
	struct pg_socket *record;
	__u64 comm[2], now;

	if (!tp || !wanted_pid(pid)) /* no tcp_sock: MPTCP and SCTP share the tracepoint */
		return;
	read_addresses(address, skc);
	read_comm(comm, bpf_get_current_task_btf());
	if (!wanted_remote(address, bpf_ntohs(skc->skc_dport)) || !wanted_comm(comm))
		return;

	now = bpf_ktime_get_ns();
	netns = net->ns.inum;
	range = namespace_range(net);
	describe_namespace(net, netns, range, now);

	record = reserve(sizeof(*record));
	if (!record)
		return;
	fill(record, PG_OPENED, now, bpf_get_socket_cookie(sk), skc, address, netns,
	     range_in_force(tp, range));
	record->pid = pid;
	record->uid = bpf_get_current_uid_gid();
	__builtin_memcpy(record->comm, comm, sizeof(comm));
	submit(record, false);
}

static __always_inline void closed(struct sock *sk, __u64 cookie)
{
	__u64 *begun = &cpu_slot()->cookie;
	struct tcp_sock *tp;
	bool not_sent;
	__u16 port;

	if (*begun == cookie) {
		*begun = 0;
		return;
	}
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	/*
	 * skc_num is 0 by now, unless the program's own bind keeps the port. inet_sport may be left
	 * from an earlier connection of this socket, so that it does not tell whether connect()
	 * failed: that it has sent nothing does, unless close() (which sets sk_shutdown) was the cause.
	 */
	port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	not_sent = !tp->segs_out && !BPF_CORE_READ_BITFIELD(sk, sk_shutdown);
	change(PG_CLOSED, cookie, port, sk->sk_err, TCP_CLOSE,
	       (sk->__sk_common.skc_num ? PG_STILL_BOUND : 0) | (not_sent ? PG_NOT_SENT : 0), 0,
	       not_sent);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old, int new)
{
	__u64 cookie;

	if (new == TCP_SYN_SENT) {
		opened(sk);
		return 0;
	}
	/* A server's child comes 3 -> 1 too, as a simultaneous open does; the cookie tells. */
	if (new != TCP_CLOSE &&
	    !(new == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV)))
		return 0;
	cookie = sk->__sk_common.skc_cookie.counter;
	if (!cookie || old == TCP_LISTEN)
		return 0;
	if (new == TCP_CLOSE)
		closed(sk, cookie);
	else
		change(PG_ESTABLISHED, cookie, sk->__sk_common.skc_num, 0, new, 0, 0, false);
	return 0;
}

static __always_inline struct inet_timewait_sock *time_wait_of(struct timer_list *timer)
{
	if ((void *)timer->function != &tw_timer_handler)
		return 0;
	return (void *)timer - bpf_core_field_offset(struct inet_timewait_sock, tw_timer);
}

/* Runs for each timer of the machine: the comparison above is all that most of them cost. */
SEC("tp_btf/timer_start")
int BPF_PROG(on_timer_start, struct timer_list *timer)
{
	struct inet_timewait_sock *tw = time_wait_of(timer);
	typeof(cpu_slots[0]) *slot;
	__u64 cookie;

	if (!tw)
		return 0;
	cookie = BPF_CORE_READ(tw, __tw_common.skc_cookie.counter);
	if (!cookie)
		return 0;
	slot = cpu_slot();
	if (slot->cancelled != (__u64)timer)
		slot->cookie = cookie;
	slot->cancelled = 0;
	change(PG_TIME_WAIT, cookie, 0, 0, TCP_TIME_WAIT, 0, (__u64)tw, false);
	return 0;
}

/*
 * The end of a TIME_WAIT, whatever the cause: expiry, reuse by a connect() (which unhashes it
 * first), a RST, the end of its namespace. Only a re-arming is none, and looks the same here; it may
 * come after the nominal expiry, as the timer wheel is up to an eighth late.
 */
SEC("tp_btf/timer_cancel")
int BPF_PROG(on_timer_cancel, struct timer_list *timer)
{
	struct inet_timewait_sock *tw = time_wait_of(timer);
	bool unhashed;
	__u64 cookie;

	if (!tw)
		return 0;
	cookie = BPF_CORE_READ(tw, __tw_common.skc_cookie.counter);
	if (!cookie)
		return 0;
	cpu_slot()->cancelled = (__u64)timer;
	unhashed = !BPF_CORE_READ(tw, __tw_common.skc_nulls_node.pprev);
	/* With its namespace, 100,000 end within the reader's pause: there it is woken early. */
	change(PG_RELEASED, (__u64)tw, 0, 0, TCP_CLOSE, unhashed ? 0 : PG_MAY_RETURN, cookie,
	       bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > RING_ALARM);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;

	/* inet_put_port() has cleared skc_num, unless the port is kept by a bind until now. */
	if (cookie && sk->__sk_common.skc_num)
		change(PG_RELEASED, cookie, sk->__sk_common.skc_num, 0, TCP_CLOSE, 0, 0, false);
	return 0;
}

static __always_inline bool made_by_connect(struct inet_bind_bucket *bucket)
{
	/* inet_csk_update_fastreuse() is not called by connect(): both stay at -1. */
	return bucket && bucket->fastreuse < 0 && bucket->fastreuseport < 0;
}

static __always_inline bool has_listener(__u16 port)
{
	return listening[port / 64] & 1ULL << (port % 64);
}

/*
 * Did this side connect? connect() took its port from a bucket no bind() touched, or it named the
 * port itself. What remains is a port chosen by bind(port 0), or a listener's: there the sequence
 * space tells, because our SYN has been acknowledged where we were the ones to send it first.
 */
static __always_inline bool outgoing(struct tcp_sock *tp, __u8 state, __u16 port)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	__u64 spent, sent, extra;

	if (state == TCP_SYN_SENT || made_by_connect(icsk->icsk_bind_hash) ||
	    BPF_CORE_READ_BITFIELD(&icsk->icsk_inet.sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		return true;
	spent = tp->bytes_acked + (__u32)(tp->snd_nxt - tp->snd_una);
	sent = tp->bytes_sent - tp->bytes_retrans;
	extra = spent - sent;
	if (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT)
		return extra != 0;
	/* A FIN may have been sent or be waiting behind data: one more, or not. */
	return extra == 1 ? !has_listener(port) : extra != 0;
}

SEC("iter/tcp")
int each_socket(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct tcp_timewait_sock *tw = 0;
	struct pg_socket *record;
	struct tcp_sock *tp = 0;
	__u32 address[8], range;
	__u64 identity, now, cookie = 0;
	struct net *net;
	__u16 port;
	__u8 step = 0;

	if (!skc)
		return 0;
	/* A byte a socket lets the reader drain the ring every so many sockets. */
	bpf_seq_write(ctx->meta->seq, &step, sizeof(step));

	port = skc->skc_num;
	if (skc->skc_state == TCP_LISTEN)
		listening[port / 64] |= 1ULL << (port % 64);
	if (skc->skc_state == TCP_LISTEN || skc->skc_state == TCP_NEW_SYN_RECV)
		return 0;

	read_addresses(address, skc);
	if (!wanted_remote(address, bpf_ntohs(skc->skc_dport)))
		return 0;

	net = skc->skc_net.net;
	range = namespace_range(net);
	if (skc->skc_state == TCP_TIME_WAIT) {
		tw = bpf_skc_to_tcp_timewait_sock(skc);
		if (!tw || !(made_by_connect(tw->tw_sk.tw_tb) || !has_listener(port)))
			return 0;
		identity = (__u64)tw;
		cookie = bpf_get_socket_cookie(skc);
		now = bpf_ktime_get_ns();
		/* It may have died since the kernel gathered this batch. */
		if (!tw->tw_sk.tw_timer.entry.pprev)
			return 0;
	} else {
		tp = bpf_skc_to_tcp_sock(skc);
		if (!tp || !outgoing(tp, skc->skc_state, port))
			return 0;
		identity = bpf_get_socket_cookie(skc);
		now = bpf_ktime_get_ns();
	}

	describe_namespace(net, net->ns.inum, range, now);
	if (tp)
		range = range_in_force(tp, range);
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	fill(record, PG_SOCKET, now, identity, skc, address, net->ns.inum, range);
	if (tw) {
		record->head.state = tw->tw_sk.tw_substate;
		record->cookie = cookie;
	}
	submit(record, false);
	return 0;
}

/* Names the processes of the sockets that the snapshot has marked. */
SEC("iter/task_file")
int each_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct pg_socket *record;
	struct socket *socket;
	struct sock *sk;
	__u64 cookie, comm[2];
	__u8 step = 0;

	if (!task || !file || (file->f_inode->i_mode & S_IFMT) != S_IFSOCK)
		return 0;
	socket = file->private_data;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (!cookie)
		return 0;
	bpf_seq_write(ctx->meta->seq, &step, sizeof(step));
	record = reserve(sizeof(*record));
	if (!record)
		return 0;
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = PG_OWNER;
	record->head.time_ns = bpf_ktime_get_ns();
	record->head.socket = cookie;
	record->pid = task->tgid;
	read_comm(comm, task);
	__builtin_memcpy(record->comm, comm, sizeof(comm));
	submit(record, false);
	return 0;
}
