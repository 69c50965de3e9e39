#include "clinux_secret.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 5.14, on every machine by the same number; the C library's header may be older. */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

int clinux_memfd_secret(void)
{
	return (int)syscall(SYS_memfd_secret, O_CLOEXEC);
}

/* The compiler may neither widen accesses to volatile objects, nor leave them out. */
void clinux_copy_secret(void *to, const void *from, size_t bytes)
{
	volatile unsigned char *target = to;
	const volatile unsigned char *source = from;

	for (size_t i = 0; i < bytes; i++)
		target[i] = source[i];
}

bool clinux_equal_secrets(const void *one, const void *other, size_t bytes)
{
	const volatile unsigned char *left = one, *right = other;
	unsigned char different = 0;

	for (size_t i = 0; i < bytes; i++)
		different |= left[i] ^ right[i];
	return different == 0;
}
