// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Errors of connect() and bind() that no change of state shows: EADDRNOTAVAIL for want of an address,
 * ENOMEM, and EADDRINUSE of a bind(). Attached to the end of the functions in question if
 * trampolines are allowed, else to the end of the two system calls, which costs each system call of
 * the machine some 50 ns, and to the begin and the success of any bind() (bind_attempts.bpf.h).
 *
 * An object of its own, with the ring of the other, because a kernel that refuses one of these
 * programs would refuse the whole object.
 */
#include "bind_attempts.bpf.h"
#include "filter.bpf.h"
#include "netns.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A struct sockaddr_in or sockaddr_in6. */
struct socket_address {
	__u16 family;
	__be16 port;
	__be32 v4; /* of v6: the flow */
	__be32 v6[4];
};

/* The address in mapped form; false if it is neither. */
static __always_inline bool read_socket_address(__u32 address[4], const struct socket_address *from)
{
	if (from->family == AF_INET) {
		address[0] = address[1] = 0;
		address[2] = bpf_htonl(0xffff);
		address[3] = from->v4;
		return true;
	}
	__builtin_memcpy(address, from->v6, sizeof(from->v6));
	return from->family == AF_INET6;
}

/*
 * - to: connect()'s destination, or what bind() was asked for.
 * - flags: PG_BIND, or none.
 */
static __always_inline void refused(struct sock *sk, const struct socket_address *to, __u8 flags,
				    __u16 error)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	__u32 netns = identity_of(net), range = namespace_range_of(net);
	__u64 now = bpf_ktime_get_ns(), comm[2];
	struct pg_socket *record;
	__u32 address[8] = {};

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || !chosen_pid(pid))
		return;
	if (flags & PG_BIND) {
		if (!read_socket_address(address, to))
			return;
	} else {
		read_bound_address(address, sk);
		if (!read_socket_address(address + 4, to) ||
		    !wanted_remote(address, bpf_ntohs(to->port)))
			return;
	}
	read_current_comm(comm);
	if (!chosen_comm(comm))
		return;
	describe_namespace(net, netns, range, pid, now);
	record = reserve(sizeof(*record));
	if (!record)
		return;
	record->head = (struct pg_head){
		.time_ns = now,
		/* 0 if nobody has asked for it: then it never was in SYN_SENT. */
		.socket = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter),
		.local_port = flags & PG_BIND ? bpf_ntohs(to->port) : 0,
		.error = error,
		.kind = PG_REFUSED,
		.flags = flags,
	};
	__builtin_memcpy(record->local, address, sizeof(record->local));
	__builtin_memcpy(record->remote, address + 4, sizeof(record->remote));
	record->cookie = 0;
	record->netns = netns;
	record->pid = pid;
	record->remote_port = flags & PG_BIND ? 0 : bpf_ntohs(to->port);
	record->range_low = range;
	record->range_high = range >> 16;
	record->thread = 0;
	__builtin_memcpy(record->comm, comm, sizeof(record->comm));
	record->uid = bpf_get_current_uid_gid();
	record->device = BPF_CORE_READ(sk, __sk_common.skc_bound_dev_if);
	submit(record, true);
}

static __always_inline bool tells(long result)
{
	return result == -EADDRNOTAVAIL || result == -ENOMEM;
}

/* --- Trampolines --- */

static __always_inline int connected(struct sock *sk, void *to, int result)
{
	struct socket_address address = {};

	if (!tells(result))
		return 0;
	bpf_probe_read_kernel(&address, sizeof(address), to);
	/* tcp_v6_connect() hands a mapped address to tcp_v4_connect(), which tells of it. */
	if (address.family == AF_INET6 && !address.v6[0] && !address.v6[1] &&
	    address.v6[2] == bpf_htonl(0xffff))
		return 0;
	refused(sk, &address, 0, -result);
	return 0;
}

SEC("fexit/tcp_v4_connect")
int BPF_PROG(on_connect_v4, struct sock *sk, void *to, int length, int result)
{
	return connected(sk, to, result);
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(on_connect_v6, struct sock *sk, void *to, int length, int result)
{
	return connected(sk, to, result);
}

/* Older kernels return 1 and not an errno. */
SEC("fexit/inet_csk_get_port")
int BPF_PROG(on_get_port, struct sock *sk, unsigned short port, int result)
{
	struct socket_address address = { .family = AF_INET6, .port = bpf_htons(port) };

	if (result != 1 && result != -EADDRINUSE)
		return 0;
	read_bound_address(address.v6, sk);
	refused(sk, &address, PG_BIND, EADDRINUSE);
	return 0;
}

static __always_inline int bind_ended(struct sock *sk, void *wanted, int length, int result)
{
	struct socket_address address = {};

	if (result != -EADDRNOTAVAIL)
		return 0;
	bpf_probe_read_kernel(&address,
			      (__u32)length < sizeof(address) ? (__u32)length : sizeof(address),
			      wanted);
	refused(sk, &address, PG_BIND, EADDRNOTAVAIL);
	return 0;
}

SEC("fexit/__inet_bind")
int BPF_PROG(on_bind_end_v4, struct sock *sk, void *address, int length, __u32 flags, int result)
{
	return bind_ended(sk, address, length, result);
}

SEC("fexit/__inet6_bind")
int BPF_PROG(on_bind_end_v6, struct sock *sk, void *address, int length, __u32 flags, int result)
{
	return bind_ended(sk, address, length, result);
}

/* --- System calls --- */

/* What both calls were given. */
struct arguments {
	unsigned long descriptor;
	unsigned long address;
	unsigned long length;
};

static __always_inline struct arguments arguments_of_call(void)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct pt_regs___arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(regs->di))
		return (struct arguments){ BPF_CORE_READ(regs, di), BPF_CORE_READ(regs, si),
					   BPF_CORE_READ(regs, dx) };
	return (struct arguments){ BPF_CORE_READ(arm64, orig_x0), BPF_CORE_READ(arm64, regs[1]),
				   BPF_CORE_READ(arm64, regs[2]) };
}

/* The socket behind a descriptor of the current task; 0 if it is no socket's. */
static __always_inline struct sock *socket_of(__u32 descriptor)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = 0;
	struct socket *socket;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

static __always_inline int returned(__u8 flags, __u16 error)
{
	struct arguments given = arguments_of_call();
	struct sock *sk = socket_of(given.descriptor);
	struct socket_address address = {};
	__u64 length = given.length;

	/* No more than the caller gave: behind it, its page may end. */
	if (length > sizeof(address))
		length = sizeof(address);
	if (sk && !bpf_probe_read_user(&address, length, (void *)given.address))
		refused(sk, &address, flags, error);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_connect")
int on_exit_connect(struct sys_exit *ctx)
{
	return tells(ctx->result) ? returned(0, -ctx->result) : 0;
}

SEC("tracepoint/syscalls/sys_exit_bind")
int on_exit_bind(struct sys_exit *ctx)
{
	bool failed = ctx->result == -EADDRINUSE || ctx->result == -EADDRNOTAVAIL;
	struct attempt attempt;

	if (!take_attempt(bpf_get_current_pid_tgid(), 0, &attempt))
		return failed ? returned(PG_BIND, -ctx->result) : 0;
	if (failed)
		tell_attempt(&attempt, 0, -ctx->result);
	return 0;
}
