/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf's functions for the types that an object describes. */
#pragma once

#include <bpf/btf.h>
