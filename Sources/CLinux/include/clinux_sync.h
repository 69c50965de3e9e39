/* Threads, futexes, fences, the fastest clock, and the processor hint for spinning loops. */
#ifndef CLINUX_SYNC_H
#define CLINUX_SYNC_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Waits while *address is expected, until the absolute CLOCK_MONOTONIC time (NULL: unlimited). 0 on a wake, else -1
 * with errno (EAGAIN: the value was different; ETIMEDOUT; EINTR). */
int clinux_futex_wait(const void *address, uint32_t expected, const struct timespec *deadline);

/* Wakes up to count waiters; returns their number. */
int clinux_futex_wake(const void *address, int count);

/* Names the calling thread; more than 15 bytes are refused with ERANGE (returned, not errno). */
int clinux_set_thread_name(const char *name);

/* How much later than planned the kernel may end sleeps of the calling thread; at least 1. 0, or -1 with errno. */
int clinux_set_timer_slack(unsigned long nanoseconds);

/* Lets a thread run on the processors of a mask of count words, as far as its cgroup allows them. EINVAL if it allows
 * none of them (returned, not errno). */
int clinux_set_processors(pthread_t thread, const uint64_t *mask, size_t count);

/* Reads the processors that a thread may run on; EINVAL if count words are not enough (returned, not errno). */
int clinux_get_processors(pthread_t thread, uint64_t *mask, size_t count);

/* Whether the time stamp counter has a constant rate and is the clock; else it is CLOCK_MONOTONIC. Set at load. */
extern const int clinux_has_invariant_tsc;

uint64_t clinux_monotonic_nanoseconds(void);

/* The current time, in ticks of the fastest clock. */
static inline uint64_t clinux_ticks(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(clinux_has_invariant_tsc, 1))
		return __builtin_ia32_rdtsc();
#endif
	return clinux_monotonic_nanoseconds();
}

/* Nanoseconds per 2^32 ticks; measured at the first call, which takes up to 2 ms. */
uint64_t clinux_nanoseconds_per_4g_ticks(void);

/* Prefetches a cache line for reading. A hint: it never faults. */
static inline void clinux_prefetch_to_read(const void *line)
{
	__builtin_prefetch(line, 0, 3);
}

/* Registers this process for the fences of clinux_fence_others, including its own. 0, or -1 with errno: ENOSYS or
 * EINVAL if the system does not support them. */
int clinux_fence_register(void);

/* A memory barrier for the caller and for every running thread of a registered process; other threads execute one
 * before they run again. 0, or -1 with errno. C: membarrier(2), MEMBARRIER_CMD_GLOBAL_EXPEDITED */
int clinux_fence_others(void);

/* Prevents the compiler from moving loads and stores across. */
static inline void clinux_fence_compiler(void)
{
	__asm__ volatile("" ::: "memory");
}

/* A hint to the processor that this is a spinning loop. */
static inline void clinux_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* pthread_mutex_clocklock with CLOCK_MONOTONIC, which the Swift overlay of the C library does not have; mutex is a
 * pthread_mutex_t. Returns 0 or ETIMEDOUT. */
int clinux_mutex_lock_until(void *mutex, const struct timespec *deadline);

#endif
