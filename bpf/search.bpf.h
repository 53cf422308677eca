/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How long a connect() has searched for its port, where that was long. */
#pragma once

#include "time_wait.bpf.h"

#define LONG_SEARCH_NS (100 * 1000) /* reported from here on; a port found at once takes 3 us */

extern const void tcp_write_timer __ksym __weak;

static __always_inline struct sock *sender_of(struct timer_list *timer)
{
	struct sock___since_7_0 *sk = 0;

	if (bpf_core_field_exists(sk->tcp_retransmit_timer))
		return (void *)timer -
		       bpf_core_field_offset(struct sock___since_7_0, tcp_retransmit_timer);
	return (void *)timer -
	       bpf_core_field_offset(struct inet_connection_sock, icsk_retransmit_timer);
}

/*
 * The timer of the first segment that is sent, the SYN, is the first sign of a port that was found.
 * A retransmission of it comes a second later.
 */
static __always_inline void sent(struct sock *sk)
{
	struct pg_cpu *cpu = this_cpu();
	__u64 search, cookie;

	if (!cpu->opening_ns || BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
		return;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (cookie != cpu->opening)
		return;
	search = bpf_ktime_get_ns() - cpu->opening_ns;
	cpu->opening_ns = 0;
	if (search >= LONG_SEARCH_NS && search < SECOND_NS / 2)
		change(PG_SEARCHED, cookie, BPF_CORE_READ(sk, __sk_common.skc_num), 0, 0, search,
		       false);
}
