/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal to be put back to what it was: by pg_restore_terminal(), or by a signal that kills (a
 * crash, SIGQUIT), in whose handler no Swift may run. `leave` is what to write to `output` then, and
 * stays valid.
 */
#pragma once

#include <stddef.h>
#include <termios.h>

struct pg_terminal {
	int input; /* has the modes */
	int output;
	struct termios modes;
	const char *leave;
	size_t leave_size;
};

void pg_guard_terminal(const struct pg_terminal *terminal); /* NULL: no longer */
void pg_restore_terminal(void); /* does nothing unless one is guarded; guards it no longer */
