/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf's messages, which it gives out as a va_list. */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* From now on they are kept, up to the last 64 KiB, instead of printed. */
void pg_keep_libbpf_text(void);

/* The messages kept so far: NUL-terminated, valid until libbpf says more. */
const char *pg_libbpf_text(void);
