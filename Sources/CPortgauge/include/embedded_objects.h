/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled BPF programs: ELF objects inside the binary, there for as long as the process. */
#pragma once

#include <stddef.h>

enum pg_object_name {
	PG_OBJECT_HOOKS, /* bpf/portgauge.bpf.c */
	PG_OBJECT_RETURN_VALUES, /* bpf/return_values.bpf.c */
};

const void *pg_object(enum pg_object_name name, size_t *size);
