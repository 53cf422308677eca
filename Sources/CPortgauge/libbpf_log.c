// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
