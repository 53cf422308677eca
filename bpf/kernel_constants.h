/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Integer types, and the enumerations and constants of the kernel that are used here. */
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

enum {
	false,
	true,
};

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

/* Helpers that only newer kernels have; the values are theirs, only whether they exist is asked. */
enum bpf_func_id___since_5_12 {
	/* Came with bpf_get_socket_cookie() for tracing programs, which has no number of its own. */
	BPF_FUNC_check_mtu___since_5_12 = 163,
};

enum bpf_func_id___since_6_1 {
	BPF_FUNC_ktime_get_tai_ns___since_6_1 = 208,
};

enum {
	ENOMEM = 12,
	EADDRINUSE = 98,
	EADDRNOTAVAIL = 99,
};

/* include/net/tcp_states.h */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT2 = 5,
	TCP_TIME_WAIT = 6,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LISTEN = 10,
	TCP_NEW_SYN_RECV = 12,
};

enum {
	AF_INET = 2,
	AF_INET6 = 10,
	IPPROTO_TCP = 6,
	SOCK_BINDPORT_LOCK = 8, /* include/net/sock.h: bind() named the port */
	S_IFMT = 0170000,
	S_IFSOCK = 0140000,
};
