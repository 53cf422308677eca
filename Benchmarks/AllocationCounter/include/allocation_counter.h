/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what a program allocates, by standing in for the C library's functions. */
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/* Calls of malloc() and its kin since the start, of a program with one thread. */
unsigned long allocation_count(void);

#endif
