/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The TIME_WAITs of watched connections: when one begins, is re-armed, and ends. */
#pragma once

#include "record.bpf.h"

struct pg_cpu cpus[PG_CPUS] SEC(".data.cpus") __attribute__((aligned(CACHE_LINE))) = {};

#define this_cpu() (&cpus[bpf_get_smp_processor_id() % PG_CPUS])

#define RING_ALARM (1 << 20) /* bytes not read yet */

extern const void tw_timer_handler __ksym;

static __always_inline struct inet_timewait_sock *time_wait_of(struct timer_list *timer)
{
	if ((void *)timer->function != &tw_timer_handler)
		return 0;
	return (void *)timer - bpf_core_field_offset(struct inet_timewait_sock, tw_timer);
}

/*
 * tcp_twsk_unique(): without timestamps nothing may be used again, nor, since 6.12 and in the stable
 * kernels of the time (5.10 as well), a parked FIN_WAIT2.
 */
static __always_inline __u8 time_wait_flags(struct inet_timewait_sock *tw)
{
	struct tcp_timewait_sock *tcp = (void *)tw;

	return BPF_CORE_READ(tcp, tw_ts_recent_stamp) &&
			       BPF_CORE_READ(tw, tw_substate) != TCP_FIN_WAIT2
		       ? PG_REUSABLE
		       : 0;
}

/* - timer: of `tw`, which has been started or re-armed. */
static __always_inline void time_wait_begins(struct timer_list *timer,
					     struct inet_timewait_sock *tw)
{
	__u64 cookie = BPF_CORE_READ(tw, __tw_common.skc_cookie.counter);
	struct pg_cpu *cpu;

	if (!cookie)
		return;
	cpu = this_cpu();
	if (cpu->cancelled != (__u64)timer) {
		cpu->begun = cookie;
		cpu->begun_as = (__u64)tw;
	}
	cpu->cancelled = 0;
	change(PG_TIME_WAIT, cookie, 0, 0, time_wait_flags(tw), (__u64)tw, false);
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
	this_cpu()->cancelled = (__u64)timer;
	unhashed = !BPF_CORE_READ(tw, __tw_common.skc_nulls_node.pprev);
	/* 100,000 end within the reader's pause with their namespace: it is woken early then. */
	change(PG_RELEASED, (__u64)tw, 0, 0, unhashed ? 0 : PG_MAY_RETURN, cookie,
	       bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > RING_ALARM);
	return 0;
}
