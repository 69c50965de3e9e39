/* The peers of dmascope in C: memcpy, a bare ring, a futex wake, a telemetry client; and the probe that measures how
 * far apart two processors are. Nothing here is part of dmascope. */
#ifndef CPEERS_H
#define CPEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdmadev.h"
#include "cpeers_calls.h"
#include "cpeers_work.h"

/* The number of processors that this process may use, and the first two of them. Call it first. */
int cpeers_processors(int *_Nonnull first, int *_Nonnull second);

/* Gives real-time priority to the calling thread and to what it starts from now on. Returns 0 or an errno. */
int cpeers_go_first(void);

/* Pins the calling thread, or another one, to one processor; unpins the calling one to all that cpeers_processors
 * found. Returns 0 or an errno. */
int cpeers_pin(int cpu);
int cpeers_pin_thread(int thread, int cpu);
int cpeers_unpin(void);

/* Nanoseconds that a cache line takes from one processor to another: two threads pass it back and forth, rounds times
 * per slice, and each slice gives one number. Returns 0 or an errno. */
int cpeers_ping_pong(int cpu_a, int cpu_b, unsigned slices, unsigned rounds, double *_Nonnull nanoseconds);

/* memcpy in the calling thread; nanoseconds per operation. */
double cpeers_memcpy(const struct cpeers_work *_Nonnull work, double seconds);

/* The ways to copy much at once: memcpy of libc, rep movsb, and a loop of AVX stores past the caches. */
enum cpeers_routine { CPEERS_MEMCPY, CPEERS_STRING, CPEERS_STREAM };

/* Whether the processor has it. */
bool cpeers_offers(enum cpeers_routine routine);

/* Removes memory from all caches. False if the processor cannot. */
bool cpeers_evict(const uint8_t *_Nonnull memory, size_t size);

/* Copies whole pages, one copy after the other, in the calling thread; cold: both sides are first removed from the
 * caches, which is not timed. Nanoseconds per copy, or a negative errno. */
double cpeers_large(enum cpeers_routine routine, uint8_t *_Nonnull destination, const uint8_t *_Nonnull source,
		    size_t size, bool is_cold, double seconds);

/* memset in the calling thread; nanoseconds per operation. */
double cpeers_memset(const struct cpeers_work *_Nonnull work, double seconds);

/* The lower bound: a ring of slots between the calling thread and one that copies, which has no statuses and never
 * sleeps. Returns nanoseconds per operation, or a negative errno. */
double cpeers_ring(const struct cpeers_work *_Nonnull work, int engine_cpu, double seconds);

/* A table whose functions all fail, for a driver to fill in. */
struct dmadev_data_path cpeers_empty_table(void);

/* The same loop with a device's function table. */
double cpeers_table(const struct cpeers_work *_Nonnull work, const struct dmadev_data_path *_Nonnull path,
		    double seconds);

/* The loops of cpeers_calls.h with a device's function table. Source and destination have a burst of lines each.
 * Returns 0 if a call failed. */
int cpeers_table_calls(const struct dmadev_data_path *_Nonnull path, uint32_t rounds, uint8_t *_Nonnull source,
		       uint8_t *_Nonnull destination, struct cpeers_calls *_Nonnull calls);
int cpeers_table_latency(const struct dmadev_data_path *_Nonnull path, uint32_t count, uint64_t idle,
			 uint8_t *_Nonnull source, uint8_t *_Nonnull destination,
			 struct cpeers_latency *_Nonnull latency);

/* Starts a thread that sleeps on a futex and answers when it is woken. Returns NULL if it cannot be started. */
struct cpeers_sleeper;
struct cpeers_sleeper *_Nullable cpeers_sleeper_start(int cpu);
/* Nanoseconds from the wake to the answer. */
double cpeers_sleeper_wake(struct cpeers_sleeper *_Nonnull sleeper);
void cpeers_sleeper_stop(struct cpeers_sleeper *_Nonnull sleeper);

/* Registers dmascope's events of this process with LTTng; the first device does so, too. */
void cpeers_register_events(void);

/* Nanoseconds per call of dmadev:copy, in addition to an empty loop, while it is recorded. And of a bare event of LTTng
 * with the same fields, dmascope_peer:copy. */
double cpeers_tracepoint(unsigned calls);
double cpeers_lttng_event(unsigned calls);

/* The same of dmadev:copy while no session has it: eight in each turn of the loop. The empty loop needs a cycle for its
 * branch, beside which a single one would be free or cost a whole cycle more, by chance. */
double cpeers_disabled_tracepoint(unsigned calls);

/* The results of the clients of a SOCK_SEQPACKET server. */
struct cpeers_load {
	uint64_t replies;
	double queries_per_second;
	double p50_nanoseconds;
	double p99_nanoseconds;
	uint32_t answered; /* clients that had at least one reply */
};

/* Connects, waits for the greeting, and sends one request. Returns 0 or an errno. */
int cpeers_ask(const char *_Nonnull path, const char *_Nonnull request);

/* Runs clients that wait for the greeting, then repeatedly send the request and wait for its reply, and silent clients
 * that only connect. All run in the calling thread. Returns 0 or an errno. */
int cpeers_load(const char *_Nonnull path, const char *_Nonnull request, unsigned clients, unsigned silent,
		double seconds, struct cpeers_load *_Nonnull load);

/* Listens at two paths and passes bytes between the first connection at each, in a thread, until one of them ends. Returns
 * 0 or an errno. */
int cpeers_relay(const char *_Nonnull first, const char *_Nonnull second);

/* Counts the instructions that a thread, and those that it starts from now on, execute outside of the kernel. Returns a
 * descriptor to read the 64-bit count from, or a negative errno: many virtual machines have no such counter. */
int cpeers_count_instructions(int thread);

/* A memfd of this size, sealed against shrinking; -1 with errno. */
int cpeers_sealed_file(size_t byte_count);

#endif
