/* The work of every copy measurement: one loop, in which each peer uses its own calls, so that all of them do the same
 * work. Bursts are enqueued as long as they fit, then up to a burst of completions is polled; areas are used in
 * turn. */
#ifndef CPEERS_WORK_H
#define CPEERS_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CPEERS_LINE 64

#ifdef __clang__ /* gcc compiles the DPDK program */
#pragma clang assume_nonnull begin
#endif

struct cpeers_work {
	uint8_t *source;
	uint8_t *destination;
	size_t size; /* bytes per operation */
	size_t stride; /* from one area to the next */
	uint32_t areas;
	uint32_t burst;
	uint32_t in_flight; /* maximum number of operations between enqueue and poll */
	bool touches; /* the application writes each source before, and reads each destination after */
};

/* The current time, in ticks of the fastest clock. */
static inline uint64_t cpeers_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
#endif
}

/* The same, ordered after all earlier instructions and before all later ones, except for stores in the store buffer. */
static inline uint64_t cpeers_ordered_ticks(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
	uint64_t now = cpeers_ticks();
	__builtin_ia32_lfence();
	return now;
#else
	return cpeers_ticks();
#endif
}

static inline double cpeers_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The length of a tick in nanoseconds; the call takes 20 ms. */
static inline double cpeers_measure_tick(void)
{
	struct timespec pause = {.tv_nsec = 20000000};
	double begin = cpeers_now();
	uint64_t ticks = cpeers_ticks();
	nanosleep(&pause, NULL);
	double nanoseconds = cpeers_now() - begin;
	return nanoseconds / (double)(cpeers_ticks() - ticks);
}

static inline void cpeers_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Writes to every cache line of an area, like an application that produces the data. */
static inline void cpeers_write(uint8_t *area, size_t size, uint64_t stamp)
{
	for (size_t offset = 0; offset < size; offset += CPEERS_LINE)
		*(volatile uint64_t *)(area + offset) = stamp;
}

/* Waits until everything written has left the store buffer, where later stores would wait behind it. */
static inline void cpeers_drain(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Reads every cache line of an area, like an application that uses the data. */
static inline void cpeers_read(const uint8_t *area, size_t size)
{
	for (size_t offset = 0; offset < size; offset += CPEERS_LINE)
		(void)*(const volatile uint64_t *)(area + offset);
}

/* Reads a word that another thread writes. */
static inline uint64_t cpeers_look(const uint64_t *word)
{
	return *(const volatile uint64_t *)word;
}

static inline uint32_t cpeers_after(const struct cpeers_work *work, uint32_t area)
{
	return area + 1 == work->areas ? 0 : area + 1;
}

/* Works for the given seconds, at least until every area was used, and until the last operation is polled. Returns
 * nanoseconds per operation, or a negative number if a call failed. The functions are constants for the callers, so
 * that the compiler inlines all of them. */
static inline __attribute__((always_inline)) double cpeers_run(
	const struct cpeers_work *work, double seconds, void *self,
	int (*enqueue)(void *self, const void *source, void *destination, uint32_t length), int (*submit)(void *self),
	int (*poll)(void *self, uint16_t most))
{
	uint32_t next = 0, oldest = 0, in_flight = 0;
	uint64_t done = 0, stamp = 0;
	double begin = cpeers_now(), end = begin + seconds * 1e9;
	bool more = true;
	while (more || in_flight != 0) {
		for (int turn = 0; turn < 16; turn++) {
			if (more && in_flight + work->burst <= work->in_flight) {
				for (uint32_t index = 0; index < work->burst; index++) {
					uint8_t *source = work->source + next * work->stride;
					if (work->touches)
						cpeers_write(source, work->size, ++stamp);
					if (enqueue(self, source, work->destination + next * work->stride,
						    (uint32_t)work->size) < 0)
						return -1;
					next = cpeers_after(work, next);
				}
				if (submit(self) < 0)
					return -1;
				in_flight += work->burst;
			}
			int count = poll(self, (uint16_t)work->burst);
			if (count < 0)
				return -1;
			if (count == 0)
				cpeers_relax();
			if (work->touches)
				for (int index = 0; index < count; index++, oldest = cpeers_after(work, oldest))
					cpeers_read(work->destination + oldest * work->stride, work->size);
			in_flight -= (uint32_t)count;
			done += (uint32_t)count;
		}
		more = more && (cpeers_now() < end || done + in_flight < work->areas);
	}
	return (cpeers_now() - begin) / (double)done;
}

#ifdef __clang__
#pragma clang assume_nonnull end
#endif

#endif
