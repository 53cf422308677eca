/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the BPF program and the Swift side: the records of the ring buffer, and the
 * configuration that is set before load. Included by both, so there is no second description of it.
 *
 * Integers are in host byte order, times are CLOCK_MONOTONIC nanoseconds, and an address is 16
 * bytes in network order with IPv4 in its mapped form (::ffff:a.b.c.d), because a v6 socket that
 * speaks IPv4 draws on the same ports.
 */
#pragma once

#ifdef __bpf__
typedef __u8 pg_u8;
typedef __u16 pg_u16;
typedef __u32 pg_u32;
typedef __u64 pg_u64;
#else
#include <stdint.h>
typedef uint8_t pg_u8;
typedef uint16_t pg_u16;
typedef uint32_t pg_u32;
typedef uint64_t pg_u64;
#endif

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/*
 * Each record is a statement about one socket, not an increment: to fold it twice changes nothing.
 * A socket is named by its cookie; a TIME_WAIT, which is an object of its own and has inherited
 * that cookie, by its address.
 */
enum pg_kind {
	PG_OPENED = 1, /* pg_socket: connect() has begun; a port only if the program bound one */
	PG_ESTABLISHED = 2, /* pg_change */
	PG_CLOSED = 3, /* pg_change */
	PG_TIME_WAIT = 4, /* pg_change: `successor` holds the port now, or has been re-armed */
	PG_RELEASED = 5, /* pg_change: a TIME_WAIT is over, or a bound socket gave its port back */
	PG_SOCKET = 6, /* pg_socket, from a snapshot: exists, and is in `state` */
	PG_OWNER = 7, /* pg_socket: a process has it open; only socket, netns, pid, comm are set */
	PG_NAMESPACE = 8, /* pg_namespace */
	PG_HOLDER = 9, /* pg_socket, from a snapshot: bound or listening, and open in a process */
	PG_REFUSED = 10, /* pg_socket: connect() or bind() has returned `error` */
	PG_SEARCHED = 11, /* pg_change: a port was found, but only after `successor` nanoseconds */
	PG_CARRIED = 12, /* pg_change: of one connection in 64, `successor` bytes both ways */
};

enum pg_flag {
	PG_OTHER = 1, /* OPENED, OWNER, SOCKET: of a process that is not chosen, or not known yet */
	PG_STILL_BOUND = 1, /* CLOSED, but the program's own bind keeps the port until close(fd) */
	PG_MAY_RETURN = 2, /* RELEASED, unless a TIME_WAIT of the same object follows at once */
	PG_NOT_SENT = 4, /* CLOSED by a connect() that got no port and sent no SYN */
	PG_REUSABLE = 8, /* TIME_WAIT, SOCKET: a connect() may reuse it if tcp_tw_reuse allows */
	PG_CHOSEN = 16, /* OPENED, SOCKET, HOLDER: bind() itself has chosen the port */
	PG_BIND = 32, /* REFUSED by bind(), with `local_port` as asked for; else by connect() */
	PG_UNCERTAIN = 64, /* SOCKET: this end or a server that is gone: nothing in it tells */
	PG_INFERRED =
		128, /* REFUSED by bind(): it came back without a port, and `error` is likely */
};

struct pg_head {
	pg_u64 time_ns;
	pg_u64 socket;
	pg_u16 local_port; /* 0: not chosen, or in TIME_WAIT and RELEASED known from before */
	pg_u16 error; /* CLOSED: pending errno; REFUSED: errno; SOCKET in TIME_WAIT: its age, ms */
	pg_u8 kind; /* enum pg_kind */
	pg_u8 state; /* SOCKET: the TCP state; REFUSED by bind(), inferred: 1: any address will do */
	pg_u8 flags; /* enum pg_flag */
	pg_u8 zero;
};

struct pg_change {
	struct pg_head head;
	pg_u64 successor; /* TIME_WAIT: that object; RELEASED: its inherited cookie, or 0; CARRIED */
};

#define PG_COMM 16

struct pg_socket {
	struct pg_head head;
	pg_u8 local[16];
	pg_u8 remote[16];
	pg_u64 cookie; /* SOCKET of a TIME_WAIT: the cookie it has inherited */
	pg_u32 netns; /* pg_namespace.netns */
	pg_u32 pid; /* thread group, as the first pid namespace numbers it; 0 if unknown */
	pg_u16 remote_port;
	pg_u16 range_low; /* the port range in force for this socket, both ends included */
	pg_u16 range_high;
	pg_u16 thread; /* OPENED: the lower half of the thread's id, which tells those of `pid` apart */
	pg_u8 comm[PG_COMM]; /* of the thread group leader, NUL-terminated */
	pg_u32 uid; /* OPENED, REFUSED: the user, as the first user namespace numbers it */
	pg_u32 device; /* OPENED, REFUSED, SOCKET: the index of the one that it is bound to, or 0 */
};

#define PG_RESERVED_BYTES 8192

/* Sent before the first connection of a namespace is, and again each second while it connects. */
struct pg_namespace {
	struct pg_head head; /* socket: 0 */
	pg_u32 netns; /* lower half of its cookie, never used again; before Linux 5.14 its inode */
	pg_u32 inode; /* as /proc/PID/ns/net has it */
	pg_u32 pid; /* of a process in it; 0 if unknown */
	pg_u32 max_time_waits; /* tcp_max_tw_buckets */
	pg_u32 reuse_delay_ms; /* tcp_tw_reuse_delay; 1000 where the kernel has no such setting */
	pg_u16 range_low; /* ip_local_port_range */
	pg_u16 range_high;
	pg_u8 reuse; /* tcp_tw_reuse */
	pg_u8 timestamps; /* tcp_timestamps */
	pg_u8 has_reuse_delay; /* 0: the kernel counts full seconds instead */
	pg_u8 zero[5];
	pg_u8 reserved[PG_RESERVED_BYTES]; /* a bit a port, as ip_local_reserved_ports has it */
};

/* A connection as an audit reads it: not from the ring, but as the output of an iterator. */
struct pg_item {
	pg_u64 socket; /* as in pg_head; 0: a socket that was never watched */
	pg_u64 cookie; /* of a TIME_WAIT: what it has inherited */
	pg_u32 netns;
	pg_u16 local_port;
	pg_u16 remote_port;
	pg_u8 state; /* the TCP state; of a TIME_WAIT object the one that it stands for, maybe FIN_WAIT2 */
	pg_u8 origin; /* enum pg_origin */
	pg_u8 time_wait; /* 1: it is a TIME_WAIT object */
	pg_u8 zero[5];
};

/* Who connected, as far as a socket tells. */
enum pg_origin {
	PG_SERVER = 0, /* the peer did, or it matches no filter */
	PG_CLIENT = 1, /* this end did, beyond doubt */
	PG_EITHER = 2, /* nothing tells: the listener it may have come from is gone */
};

/*
 * A list that is empty (count 0) lets everything pass. What matches no remote is not followed, as those
 * choose whole tuples; processes are chosen to be named, and what others do is followed as well, as they
 * hold ports of the same tuples.
 */
#define PG_FILTERS 16

struct pg_remote {
	pg_u32 address[4]; /* in network order, already masked */
	pg_u32 mask[4];
	pg_u32 port; /* 0: any */
};

struct pg_config {
	pg_u64 comms[PG_FILTERS][PG_COMM / 8]; /* NUL-padded */
	struct pg_remote remotes[PG_FILTERS];
	pg_u32 pids[PG_FILTERS];
	pg_u32 comm_count;
	pg_u32 remote_count;
	pg_u32 pid_count;
	pg_u32 copies; /* of the program on inet_sock_set_state, 2 to 4 */
	pg_u32 only_tree; /* 1: only the command's processes are chosen */
	pg_u32 zero;
};

/* Written and read by both sides while the program runs (a data section of the object, mapped). */
struct pg_shared {
	pg_u64 lost; /* records the ring had no room for */
	pg_u64 sleeping; /* the reader waits for a wake-up: the next record of any kind gives it */
	pg_u64 caught; /* transitions for which the first copy was skipped and a later one was not */
};

/* Attempts to bind() that were noted, and that are noted no more; mapped likewise. */
struct pg_attempts {
	pg_u64 noted;
	pg_u64 ended;
};

/* State of one CPU, in a cache line of its own. The user's side only reads. */
#define PG_CPUS 512 /* a power of two; beyond it CPUs share */
struct pg_cpu {
	pg_u64 begun; /* cookie whose TIME_WAIT started last: its CLOSED is not told */
	pg_u64 cancelled; /* the timer that was stopped last: if it starts next, it is re-armed */
	pg_u64 opened; /* connects begun, told or lost, whoever made them */
	pg_u64 failed; /* of these, the ones that got no port */
	pg_u64 opening; /* cookies that were counted last in each of them */
	pg_u64 failing;
	pg_u64 opening_ns; /* when the connect() of `opening` began; 0 once it has its port */
	pg_u64 begun_as; /* the TIME_WAIT that `begun` has turned into */
	/* In a line of its own, as nothing in it changes without a filter. */
	pg_u64 opened_others; /* of `opened`, those of processes that the filter does not choose */
	pg_u64 failed_others;
	pg_u64 spare[6];
};

/*
 * The range of the network namespace that was looked at last, and the ports that connect() passes
 * over for every destination because a bind() has made their bucket.
 */
struct pg_bind_table {
	pg_u64 held[65536 / 64]; /* a bit a port */
	pg_u64 range; /* high << 16 | low */
};

#pragma clang diagnostic pop

_Static_assert(sizeof(struct pg_head) == 24, "layout");
_Static_assert(sizeof(struct pg_change) == 32, "layout");
_Static_assert(sizeof(struct pg_socket) == 104, "layout");
_Static_assert(sizeof(struct pg_item) == 32, "layout");
_Static_assert(sizeof(struct pg_cpu) == 128, "two cache lines");
_Static_assert(sizeof(struct pg_bind_table) == 8200, "layout");
_Static_assert(sizeof(struct pg_namespace) == 8248, "layout");
