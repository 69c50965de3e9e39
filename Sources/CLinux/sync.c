#include "clinux_sync.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not FUTEX_PRIVATE: the word may lie in memory that processes share. FUTEX_WAIT_BITSET takes an absolute time. */
int clinux_futex_wait(const void *address, uint32_t expected, const struct timespec *deadline)
{
	return (int)syscall(SYS_futex, address, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

int clinux_futex_wake(const void *address, int count)
{
	return (int)syscall(SYS_futex, address, FUTEX_WAKE, count, NULL, NULL, 0);
}

int clinux_set_thread_name(const char *name)
{
	return pthread_setname_np(pthread_self(), name);
}
