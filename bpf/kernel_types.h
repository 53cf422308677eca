/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own types, reduced to the fields that are read here. Order and padding do not
 * matter: libbpf relocates each access against the running kernel's BTF. A ___suffix marks the
 * layout of other kernel versions; libbpf drops it from the name.
 */
#pragma once

#include "kernel_constants.h"
#include "program_contexts.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_nulls_node {
	struct hlist_nulls_node **pprev;
};

struct ns_common {
	unsigned int inum;
};

struct local_ports {
	__u32 range; /* high << 16 | low */
};

struct inet_bind_hashbucket {
	struct hlist_head chain;
};

struct inet_hashinfo {
	struct inet_bind_hashbucket *bhash;
	unsigned int bhash_size;
};

struct inet_timewait_death_row {
	struct inet_hashinfo *hashinfo;
	int sysctl_max_tw_buckets;
};

/* From 6.8 on. */
struct netns_ipv4 {
	struct local_ports ip_local_ports;
	unsigned long *sysctl_local_reserved_ports;
	struct inet_timewait_death_row tcp_death_row;
	__u8 sysctl_tcp_tw_reuse; /* an int on older kernels, as is the next: BPF_CORE_READ_BITFIELD */
	__u8 sysctl_tcp_timestamps;
	unsigned int sysctl_tcp_tw_reuse_delay; /* from 6.14 on */
	int sysctl_ip_prot_sock; /* ip_unprivileged_port_start */
};

/* Linux 6.0 and 6.1. */
struct netns_ipv4___pointer {
	struct inet_timewait_death_row *tcp_death_row;
};

struct local_ports___before_6_8 {
	int range[2];
};

struct netns_ipv4___before_6_8 {
	struct local_ports___before_6_8 ip_local_ports;
};

struct user_namespace;

struct net {
	__u64 net_cookie; /* from 5.14 on */
	__u32 hash_mix;
	struct user_namespace *user_ns;
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned int skc_hash;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	struct hlist_nulls_node skc_nulls_node;
};

struct socket;

typedef struct {
	__u32 val; /* as the first user namespace numbers it */
} kuid_t;

typedef struct {
	int owned;
} socket_lock_t;

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	struct socket *sk_socket;
	kuid_t sk_uid;
	__u8 sk_userlocks; /* a bit-field before 6.4: BPF_CORE_READ_BITFIELD */
	int sk_err;
	__u16 sk_protocol;
};

struct inet_sock {
	struct sock sk;
	unsigned long inet_flags; /* from 6.6 on */
	__be16 inet_sport;
	__u32 local_port_range; /* from 6.8 on: high << 16 | low, 0 if not set */
};

struct own_port_range___before_6_8 {
	__u16 lo;
	__u16 hi;
};

/* From 6.3 on, and backported to stable kernels. */
struct inet_sock___before_6_8 {
	struct own_port_range___before_6_8 local_port_range;
};

struct inet_bind_bucket {
	possible_net_t ib_net;
	int l3mdev;
	unsigned short port;
	signed char fastreuse;
	signed char fastreuseport;
	struct hlist_node node;
};

struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
	void (*function)(struct timer_list *);
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct inet_bind_bucket *icsk_bind_hash;
	struct timer_list icsk_retransmit_timer;
};

/* From 7.0 on. */
struct sock___since_7_0 {
	struct timer_list tcp_retransmit_timer;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 segs_out;
	__u32 snd_nxt;
	__u32 snd_una;
	__u64 bytes_received;
	__u64 bytes_sent;
	__u64 bytes_acked;
	__u64 bytes_retrans;
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	volatile unsigned char tw_substate;
	__u32 tw_entry_stamp; /* from 6.14 on: milliseconds of CLOCK_MONOTONIC */
	struct timer_list tw_timer;
	struct inet_bind_bucket *tw_tb;
};

struct tcp_timewait_sock {
	struct inet_timewait_sock tw_sk;
	int tw_ts_recent_stamp; /* seconds of CLOCK_MONOTONIC; 0: without timestamps */
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

typedef enum {
	SS_FREE,
	SS_UNCONNECTED,
} socket_state;

struct socket {
	socket_state state;
	struct sock *sk;
};

struct nsproxy {
	struct net *net_ns;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not exited */
};

struct cred;

struct task_struct___before_5_14 {
	volatile long state;
};

struct task_struct {
	unsigned int __state; /* 0: runnable */
	int on_cpu;
	int exit_state;
	int pid; /* of the thread */
	int tgid;
	unsigned long nvcsw; /* times it has left its CPU */
	unsigned long nivcsw;
	struct cred *cred;
	struct signal_struct *signal;
	struct task_struct *group_leader;
	char comm[16];
	struct nsproxy *nsproxy;
	struct files_struct *files;
};

/* Arguments of a system call, as x86-64 and arm64 keep them. */
struct pt_regs {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 orig_x0;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop
