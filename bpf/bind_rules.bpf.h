/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which bind() calls, as they begin, can only fail for want of a port or of their address. */
#pragma once

#include "record.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct user_namespace {
	struct user_namespace *parent;
};

/* One bit a capability; two words of 32 before 6.3. */
typedef struct {
	__u64 val;
} kernel_cap_t;

struct cred {
	kernel_cap_t cap_effective;
	struct user_namespace *user_ns;
};

struct inet_sock___before_6_6 {
	__u8 freebind : 1;
	__u8 transparent : 1;
	__u8 bind_address_no_port : 1;
};

#pragma clang attribute pop

#define INET_FREEBIND 11 /* bits of inet_flags: include/net/inet_sock.h */
#define INET_TRANSPARENT 15
#define INET_BIND_ADDRESS_NO_PORT 18

#define CAP_NET_BIND_SERVICE 10
#define USER_NAMESPACES 33 /* they nest 32 deep: create_user_ns() */

/* bpf_get_retval(): in programs on addresses since 6.1, where another helper came, too. */
#define HAS_RETVAL                                                                                 \
	bpf_core_enum_value_exists(enum bpf_func_id___since_6_1,                                   \
				   BPF_FUNC_ktime_get_tai_ns___since_6_1)

static __always_inline bool leaves_port_to_connect(struct inet_sock *inet)
{
	struct inet_sock___before_6_6 *older = (void *)inet;

	if (bpf_core_field_exists(inet->inet_flags))
		return inet->inet_flags >> INET_BIND_ADDRESS_NO_PORT & 1;
	return BPF_CORE_READ_BITFIELD_PROBED(older, bind_address_no_port);
}

/* IP_FREEBIND or IP_TRANSPARENT: an address need not be there. */
static __always_inline bool takes_any_address(struct inet_sock *inet)
{
	struct inet_sock___before_6_6 *older = (void *)inet;

	if (bpf_core_field_exists(inet->inet_flags))
		return inet->inet_flags & (1 << INET_FREEBIND | 1 << INET_TRANSPARENT);
	return BPF_CORE_READ_BITFIELD_PROBED(older, freebind) ||
	       BPF_CORE_READ_BITFIELD_PROBED(older, transparent);
}

/* ns_capable(), less the rule that a namespace's owner has all rights in it: cap_capable(). */
static __always_inline bool may_bind_privileged(struct net *net, struct task_struct *task)
{
	struct cred *cred = BPF_CORE_READ(task, cred);
	struct user_namespace *own = BPF_CORE_READ(cred, user_ns),
			      *other = BPF_CORE_READ(net, user_ns);
	__u32 capabilities = 0;

	bpf_probe_read_kernel(&capabilities, sizeof(capabilities),
			      __builtin_preserve_access_index(&cred->cap_effective));
	for (__u32 i = 0; i < USER_NAMESPACES && other; i++) {
		if (other == own)
			return capabilities >> CAP_NET_BIND_SERVICE & 1;
		other = BPF_CORE_READ(other, parent);
	}
	return false;
}

static __always_inline bool is_valid_v6(struct bpf_sock_addr *ctx, struct sock *sk,
					const __u32 address[4])
{
	bool mapped = !address[0] && !address[1] && address[2] == bpf_htonl(0xffff);

	if (ctx->user_family != AF_INET6 ||
	    (address[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000))
		return false;
	return !(mapped && BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only));
}

/* What __inet_bind() and __inet6_bind() refuse, or take without a port, before they look for one. */
static __always_inline bool looks_for_port(struct bpf_sock_addr *ctx, struct inet_sock *inet,
					   struct net *net, const __u32 address[4], __u16 port)
{
	struct sock *sk = &inet->sk;

	/* EINVAL */
	if (sk->__sk_common.skc_state != TCP_CLOSE || sk->__sk_common.skc_num)
		return false;
	if (!port && leaves_port_to_connect(inet))
		return false;
	/* Another program has refused it; those of the same cgroup that come later are not seen. */
	if (HAS_RETVAL && bpf_get_retval() < 0)
		return false;
	if (ctx->family == AF_INET6) {
		if (!is_valid_v6(ctx, sk, address))
			return false;
	} else if (ctx->user_family != AF_INET && (ctx->user_family || address[3])) {
		return false;
	}
	/* EACCES */
	return !port || port >= net->ipv4.sysctl_ip_prot_sock ||
	       may_bind_privileged(net, (void *)bpf_get_current_task());
}
