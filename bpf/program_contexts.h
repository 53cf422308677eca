/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What programs are given, which no kernel changes: include/uapi/linux/bpf.h. */
#pragma once

#include "kernel_constants.h"

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
};

struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port; /* in network order */
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	struct bpf_sock *sk; /* at a multiple of 8 */
};

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

/* Format of syscalls/sys_exit_*, as in tracefs. */
struct sys_exit {
	__u64 entry;
	long id;
	long result;
};
