// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Watches every outgoing TCP connection from connect() until its local port is free again.
 *
 *  tp_btf/inet_sock_set_state    connect() begins, succeeds, fails; the connection closes
 *  tp_btf/timer_start, _cancel   a TIME_WAIT begins and ends. It is an object of its own with one
 *                                timer, and no tracepoint names it: the timer's function does
 *  tp_btf/tcp_destroy_sock       a port that a bind() kept after CLOSE is given back
 *                                (time_wait.bpf.h)
 *  iter/tcp, iter/task_file      what exists already, and who has it open: iterators.bpf.h
 *  (run by the reader)           which ports a bind() holds: bind_table.bpf.h
 *  tp_btf/sched_process_fork, _exit  who descends from the command, if any: process_tree.bpf.h
 *  fexit, or syscalls            what connect() and bind() return: return_values.bpf.c
 *  cgroup/bind4, post_bind4, 6   bind() calls that nothing sees returning: bind_attempts.bpf.h
 *
 * All but the last two are tracepoints and iterators, because they are allowed where fentry and kprobes
 * are not (lockdown, hardened and cloud kernels).
 *
 * The mark of a socket that is watched is its cookie: 0 until somebody asks for it, asked for here
 * at connect(), and inherited by the TIME_WAIT. So a server's sockets cost one load, and no map.
 */
#include "bind_table.bpf.h"
#include "filter.bpf.h"
#include "iterators.bpf.h"
#include "netns.bpf.h"
#include "process_tree.bpf.h"
#include "search.bpf.h"
#include "time_wait.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Unlike a record, a count must not come twice: not from a later copy that has lost the mark of the
 * first. A CPU has one connect() under way at a time, or from 7.0 on hardly ever more.
 */
static __always_inline void count(__u64 *counter, __u64 *others, bool is_chosen, __u64 *last,
				  __u64 cookie, __u32 number)
{
	if (number > 0 && *last == cookie)
		return;
	*last = cookie;
	__sync_fetch_and_add(counter, 1);
	if (!is_chosen)
		__sync_fetch_and_add(others, 1);
}

/* connect() has begun. Here, and where it finds no port, the current task is certainly the caller. */
static __always_inline void opened(struct sock *sk, __u32 number)
{
	struct sock_common *skc = &sk->__sk_common;
	__u64 thread = bpf_get_current_pid_tgid();
	__u32 pid = thread >> 32;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct net *net = skc->skc_net.net;
	struct pg_cpu *cpu = this_cpu();
	__u32 address[8], netns, range;
	struct pg_socket *record;
	__u64 comm[2], cookie, now;
	bool is_chosen;

	/* No tcp_sock: MPTCP and SCTP share the tracepoint. */
	if (!tp)
		return;
	read_addresses(address, skc);
	if (!wanted_remote(address, bpf_ntohs(skc->skc_dport)))
		return;

	read_current_comm(comm);
	is_chosen = chosen(pid, comm);
	now = bpf_ktime_get_ns();
	netns = identity_of(net);
	range = namespace_range(net);
	/* The mark is set even when the ring is full: else closed() would not count a failure. */
	cookie = cookie_of(skc);
	count(&cpu->opened, &cpu->opened_others, is_chosen, &cpu->opening, cookie, number);
	cpu->opening_ns = now;
	describe_namespace(net, netns, range, pid, now);

	record = reserve(sizeof(*record));
	if (!record)
		return;
	fill(record, PG_OPENED, now, cookie, skc, address, netns, range_in_force(tp, range));
	record->head.flags = port_flags(sk) | (is_chosen ? 0 : PG_OTHER);
	record->pid = pid;
	record->thread = thread;
	__builtin_memcpy(record->comm, comm, sizeof(comm));
	submit(record, false);
}

/*
 * Reports the bytes of one connection in 64, chosen by its number. Not bytes_acked, in which a SYN
 * and a FIN count.
 */
static __always_inline void carried(__u64 cookie, __u64 socket, struct tcp_sock *tp)
{
	if (cookie % 64 == 0)
		change(PG_CARRIED, socket, 0, 0, 0,
		       tp->bytes_received + tp->bytes_sent - tp->bytes_retrans, false);
}

static __always_inline void closed(struct sock *sk, __u64 cookie, __u32 number)
{
	struct pg_cpu *cpu = this_cpu();
	__u32 address[8];
	struct tcp_sock *tp;
	__u64 comm[2];
	bool not_sent;
	__u16 port;

	/*
	 * tcp_time_wait() starts the timer and then closes the socket, on one CPU with softirqs off:
	 * the first of the two has said all.
	 */
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	if (cpu->begun == cookie) {
		cpu->begun = 0;
		carried(cookie, cpu->begun_as, tp);
		return;
	}
	/*
	 * skc_num is 0 by now, unless the program's own bind keeps the port. inet_sport may be left
	 * from an earlier connection of this socket, so that it does not tell whether connect()
	 * failed: that it has sent nothing does, while the state that __inet_stream_connect() sets
	 * when a port was found is not set.
	 */
	port = bpf_ntohs(tp->inet_conn.icsk_inet.inet_sport);
	not_sent = !tp->segs_out && BPF_CORE_READ(sk, sk_socket, state) == SS_UNCONNECTED;
	if (not_sent) {
		/* A cookie is no proof that it is ours: anybody may have asked for one. */
		read_addresses(address, &sk->__sk_common);
		read_current_comm(comm);
		if (wanted_remote(address, bpf_ntohs(sk->__sk_common.skc_dport)))
			count(&cpu->failed, &cpu->failed_others,
			      chosen(bpf_get_current_pid_tgid() >> 32, comm), &cpu->failing, cookie,
			      number);
	}
	if (!not_sent)
		carried(cookie, cookie, tp);
	change(PG_CLOSED, cookie, port, sk->sk_err,
	       (sk->__sk_common.skc_num ? PG_STILL_BOUND : 0) | (not_sent ? PG_NOT_SENT : 0), 0,
	       not_sent);
}

static __always_inline void transition(struct sock *sk, int old, int new, __u32 number)
{
	__u64 cookie;

	if (new == TCP_SYN_SENT) {
		opened(sk, number);
		return;
	}
	/* A server's child comes 3 -> 1 too, as a simultaneous open does; the cookie tells. */
	if (new != TCP_CLOSE &&
	    !(new == TCP_ESTABLISHED && (old == TCP_SYN_SENT || old == TCP_SYN_RECV)))
		return;
	cookie = sk->__sk_common.skc_cookie.counter;
	if (!cookie || old == TCP_LISTEN)
		return;
	if (new == TCP_CLOSE)
		closed(sk, cookie, number);
	else
		change(PG_ESTABLISHED, cookie, sk->__sk_common.skc_num, 0, 0, 0, false);
}

/*
 * The kernel skips a tracing program that is running on the CPU already: a softirq that lands in it
 * brings some forty connections with it, and from Linux 7.0 on it can be preempted, too. So there
 * are copies of it, and each takes what those before it were skipped for. A copy marks the
 * transition that it has handled, by the socket, since the next copy may run on another CPU; the
 * last one clears the mark, unless it is skipped; so a mark names the cookie, too, because the next
 * socket of this thread may well lie where this one did. A mark that a neighbour has overwritten
 * costs a record that is folded twice, which changes nothing.
 */
#define MARKS 1024
static struct {
	__u64 sk;
	__u64 transition;
} marks[MARKS] __attribute__((aligned(CACHE_LINE)));

static __always_inline __u64 transition_of(struct sock *sk, int old, int new)
{
	return sk->__sk_common.skc_cookie.counter << 8 | (old & 15) << 4 | (new & 15);
}

static __always_inline int copy(__u32 number, struct sock *sk, int old, int new)
{
	typeof(marks[0]) *mark;
	__u32 hash;

	/* A socket without a port, as when connect() fails, has no hash: its caller sets it apart. */
	hash = sk->__sk_common.skc_hash;
	if (old == TCP_SYN_SENT || new == TCP_SYN_SENT)
		hash += bpf_get_current_pid_tgid();
	mark = &marks[hash % MARKS];
	if (number > 0 && mark->sk == (__u64)sk &&
	    mark->transition == transition_of(sk, old, new)) {
		if (number == config.copies - 1)
			mark->sk = 0;
		return 0;
	}
	transition(sk, old, new, number);
	if (number > 0)
		__sync_fetch_and_add(&shared.caught, 1);
	if (number < config.copies - 1) {
		mark->sk = (__u64)sk;
		/* connect() has its cookie only now. */
		mark->transition = transition_of(sk, old, new);
	}
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int old, int new)
{
	return copy(0, sk, old, new);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state_2, struct sock *sk, int old, int new)
{
	return copy(1, sk, old, new);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state_3, struct sock *sk, int old, int new)
{
	return copy(2, sk, old, new);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state_4, struct sock *sk, int old, int new)
{
	return copy(3, sk, old, new);
}

/*
 * Before 5.12 only: connect() passes here before its socket changes state, and this kind of program
 * may make the cookie that on_state then reads.
 */
SEC("cgroup/connect4")
int mark_v4(struct bpf_sock_addr *ctx)
{
	bpf_get_socket_cookie(ctx);
	return 1;
}

SEC("cgroup/connect6")
int mark_v6(struct bpf_sock_addr *ctx)
{
	bpf_get_socket_cookie(ctx);
	return 1;
}

/* Runs for each timer of the machine: two comparisons are all that most of them cost. */
SEC("tp_btf/timer_start")
int BPF_PROG(on_timer_start, struct timer_list *timer)
{
	struct inet_timewait_sock *tw = time_wait_of(timer);

	if (!tw) {
		if ((void *)timer->function == &tcp_write_timer)
			sent(sender_of(timer));
		return 0;
	}
	time_wait_begins(timer, tw);
	return 0;
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(on_destroy, struct sock *sk)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;

	/* inet_put_port() has cleared skc_num, unless the port is kept by a bind until now. */
	if (cookie && sk->__sk_common.skc_num)
		change(PG_RELEASED, cookie, sk->__sk_common.skc_num, 0, 0, 0, false);
	return 0;
}
