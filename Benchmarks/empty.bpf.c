// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For each hook of portgauge as many programs that do nothing as portgauge has there: what they cost
 * is the price of being attached. Matched by section; what a kernel lacks or refuses is not loaded
 * unless there is a real one.
 */
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EMPTY(name, section, result)                                                               \
	SEC(section)                                                                               \
	int name(void *ctx)                                                                        \
	{                                                                                          \
		return result;                                                                     \
	}

EMPTY(state, "tp_btf/inet_sock_set_state", 0)
EMPTY(state_2, "tp_btf/inet_sock_set_state", 0)
EMPTY(state_3, "tp_btf/inet_sock_set_state", 0)
EMPTY(state_4, "tp_btf/inet_sock_set_state", 0)
EMPTY(timer_begin, "tp_btf/timer_start", 0)
EMPTY(timer_end, "tp_btf/timer_cancel", 0)
EMPTY(timer_expire, "tp_btf/timer_expire_entry", 0)
EMPTY(destroy, "tp_btf/tcp_destroy_sock", 0)
EMPTY(connect_v4, "fexit/tcp_v4_connect", 0)
EMPTY(connect_v6, "fexit/tcp_v6_connect", 0)
EMPTY(get_port, "fexit/inet_csk_get_port", 0)
EMPTY(time_wait, "fentry/inet_twsk_hashdance_schedule", 0)
EMPTY(unhash, "fentry/inet_twsk_bind_unhash", 0)
EMPTY(exit_connect, "tracepoint/syscalls/sys_exit_connect", 0)
EMPTY(exit_bind, "tracepoint/syscalls/sys_exit_bind", 0)
EMPTY(bind_v4, "cgroup/bind4", 1)
EMPTY(bind_v6, "cgroup/bind6", 1)
EMPTY(bound_v4, "cgroup/post_bind4", 1)
EMPTY(bound_v6, "cgroup/post_bind6", 1)
EMPTY(bind_end_v4, "fexit/__inet_bind", 0)
EMPTY(bind_end_v6, "fexit/__inet6_bind", 0)
EMPTY(mark_v4, "cgroup/connect4", 1)
EMPTY(mark_v6, "cgroup/connect6", 1)
