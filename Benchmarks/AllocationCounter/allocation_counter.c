// SPDX-License-Identifier: Apache-2.0
#include "allocation_counter.h"

#include <errno.h>
#include <stddef.h>

/* glibc's own, under the names that cannot be stood in for; its free() takes what they return. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long count;

unsigned long allocation_count(void)
{
	return count;
}

void *malloc(size_t size)
{
	count++;
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	count++;
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	count++;
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count++;
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	void *new = aligned_alloc(alignment, size);

	if (!new)
		return ENOMEM;
	*result = new;
	return 0;
}
