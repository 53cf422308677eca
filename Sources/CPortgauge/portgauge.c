// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "portgauge.h"

#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !__has_embed("../../bpf/portgauge.bpf.o")
#error "bpf/portgauge.bpf.o is missing: build with `make`, which compiles it first"
#endif

static const unsigned char object[] __attribute__((aligned(8))) = {
#embed "../../bpf/portgauge.bpf.o"
};

const void *pg_object(size_t *size)
{
	*size = sizeof(object);
	return object;
}

static char text[64 * 1024];
static size_t length;

static int keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_DEBUG)
		return 0;
	if (length > sizeof(text) / 2) {
		/* The end of a verifier log says what was refused. */
		memmove(text, text + length - sizeof(text) / 4, sizeof(text) / 4 + 1);
		length = sizeof(text) / 4;
	}
	int written = vsnprintf(text + length, sizeof(text) - length, format, arguments);
	if (written > 0)
		length += (size_t)written < sizeof(text) - length ? (size_t)written
								  : sizeof(text) - length - 1;
	return written;
}

void pg_keep_libbpf_text(void)
{
	libbpf_set_print(keep);
}

const char *pg_libbpf_text(void)
{
	return text;
}

const char *pg_errno_name(int number)
{
	return strerrorname_np(number);
}

int pg_unshare_network(void)
{
	return unshare(CLONE_NEWNET);
}

int pg_enter_network(int descriptor)
{
	return setns(descriptor, CLONE_NEWNET);
}

uint64_t pg_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {};

	syscall(SYS_capget, &header, sets);
	return (uint64_t)sets[1].effective << 32 | sets[0].effective;
}

int pg_keep_capabilities(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	/* Without CAP_SETPCAP the bounding set stays: it matters to an exec(), and there is none. */
	for (int number = 0; number < 64; number++)
		if (!(wanted >> number & 1))
			prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets))
		return -1;
	for (int half = 0; half < 2; half++) {
		sets[half].permitted &= (uint32_t)(wanted >> 32 * half);
		sets[half].effective = sets[half].permitted;
		sets[half].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, sets))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
