// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "terminal.h"

#include <signal.h>
#include <unistd.h>

static struct pg_terminal guarded;
static volatile sig_atomic_t is_guarded;

void pg_restore_terminal(void)
{
	if (!is_guarded)
		return;
	is_guarded = 0;
	/* The modes first: they take effect even while the terminal takes no output. */
	tcsetattr(guarded.input, TCSANOW, &guarded.modes);
	if (write(guarded.output, guarded.leave, guarded.leave_size) < 0)
		return; /* nobody is left to tell */
}

static void restore_and_die(int number)
{
	pg_restore_terminal();
	raise(number); /* SA_RESETHAND: now it kills */
}

void pg_guard_terminal(const struct pg_terminal *terminal)
{
	static const int deadly[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT,
				      SIGBUS,  SIGFPE, SIGSEGV, SIGSYS };
	const struct sigaction restore = {
		.sa_handler = restore_and_die,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};

	is_guarded = 0;
	if (!terminal)
		return;
	guarded = *terminal;
	is_guarded = 1;
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		sigaction(deadly[i], &restore, NULL);
}
