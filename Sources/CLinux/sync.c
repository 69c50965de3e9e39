#include "clinux_sync.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not FUTEX_PRIVATE: the word may be in memory shared by processes. FUTEX_WAIT_BITSET uses an absolute time. */
int clinux_futex_wait(const void *address, uint32_t expected, const struct timespec *deadline)
{
	return (int)syscall(SYS_futex, address, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

int clinux_futex_wake(const void *address, int count)
{
	return (int)syscall(SYS_futex, address, FUTEX_WAKE, count, NULL, NULL, 0);
}

int clinux_fence_register(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

int clinux_fence_others(void)
{
	return (int)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

int clinux_set_thread_name(const char *name)
{
	return pthread_setname_np(pthread_self(), name);
}

int clinux_set_timer_slack(unsigned long nanoseconds)
{
	return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}

int clinux_set_processors(pthread_t thread, const uint64_t *mask, size_t count)
{
	return pthread_setaffinity_np(thread, count * sizeof(*mask), (const cpu_set_t *)mask);
}

int clinux_get_processors(pthread_t thread, uint64_t *mask, size_t count)
{
	return pthread_getaffinity_np(thread, count * sizeof(*mask), (cpu_set_t *)mask);
}

uint64_t clinux_monotonic_nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Not const here: written once, by the constructor below, before any thread can read it. */
int clinux_invariant_tsc_found __asm__("clinux_has_invariant_tsc");

static uint64_t first_ticks, first_nanoseconds;

__attribute__((constructor)) static void start_clock(void)
{
#if defined(__x86_64__)
	unsigned int eax, ebx, ecx, edx;

	/* Advanced power management information, bit 8: the counter has a constant rate in every power state. */
	if (__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx))
		clinux_invariant_tsc_found = (edx >> 8) & 1;
#endif
	first_nanoseconds = clinux_monotonic_nanoseconds();
	first_ticks = clinux_ticks();
}

static pthread_once_t measured = PTHREAD_ONCE_INIT;
static uint64_t nanoseconds_per_4g_ticks;

/* At least 2 ms: the two clocks are read about 50 ns apart, which is then 25 parts in a million. */
static void measure(void)
{
	uint64_t nanoseconds, ticks;

	do {
		nanoseconds = clinux_monotonic_nanoseconds() - first_nanoseconds;
		ticks = clinux_ticks() - first_ticks;
	} while (nanoseconds < 2000000 || ticks == 0);
	nanoseconds_per_4g_ticks = (uint64_t)(((unsigned __int128)nanoseconds << 32) / ticks);
}

uint64_t clinux_nanoseconds_per_4g_ticks(void)
{
	pthread_once(&measured, measure);
	return nanoseconds_per_4g_ticks;
}

int clinux_mutex_lock_until(void *mutex, const struct timespec *deadline)
{
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, deadline);
}
