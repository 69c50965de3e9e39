/* What dmascope is measured against, in C: memcpy, a bare ring, a futex wake, an echo client; and the probe of how far
 * apart two processors are. Nothing here is part of dmascope. */
#ifndef CPEERS_H
#define CPEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdmadev.h"
#include "cpeers_calls.h"
#include "cpeers_work.h"

/* How many processors this process may use, and the first two of them. Call it first. */
int cpeers_processors(int *_Nonnull first, int *_Nonnull second);

/* The calling thread, and what it starts from now on, goes before all that is not real-time. 0, or an errno. */
int cpeers_go_first(void);

/* Runs the calling thread, or any other, on one processor only; the calling one again on all that cpeers_processors
 * found. 0, or an errno. */
int cpeers_pin(int cpu);
int cpeers_pin_thread(int thread, int cpu);
int cpeers_unpin(void);

/* Nanoseconds that a cache line takes from one processor to another: two threads pass it to and fro, rounds times a
 * slice, and each slice gives one number. 0, or an errno. */
int cpeers_ping_pong(int cpu_a, int cpu_b, unsigned slices, unsigned rounds, double *_Nonnull nanoseconds);

/* memcpy in the calling thread; nanoseconds an operation. */
double cpeers_memcpy(const struct cpeers_work *_Nonnull work, double seconds);

/* memset in the calling thread; nanoseconds an operation. */
double cpeers_memset(const struct cpeers_work *_Nonnull work, double seconds);

/* The floor: a ring of slots between the calling thread and one that copies, which keeps no statuses and sleeps never.
 * Nanoseconds an operation, below 0 for a negative errno. */
double cpeers_ring(const struct cpeers_work *_Nonnull work, int engine_cpu, double seconds);

/* A table whose functions all refuse, for a driver to fill in. */
struct dmadev_data_path cpeers_empty_table(void);

/* The same loop over a device's table of functions. */
double cpeers_table(const struct cpeers_work *_Nonnull work, const struct dmadev_data_path *_Nonnull path,
		    double seconds);

/* The loops of cpeers_calls.h over a device's table of functions. Source and destination hold a burst of lines each.
 * 0 when a call failed. */
int cpeers_table_calls(const struct dmadev_data_path *_Nonnull path, uint32_t rounds, uint8_t *_Nonnull source,
		       uint8_t *_Nonnull destination, struct cpeers_calls *_Nonnull calls);
int cpeers_table_latency(const struct dmadev_data_path *_Nonnull path, uint32_t count, uint64_t idle,
			 uint8_t *_Nonnull source, uint8_t *_Nonnull destination,
			 struct cpeers_latency *_Nonnull latency);

/* A thread that sleeps on a futex, and answers when it is woken. NULL: there is no thread. */
struct cpeers_sleeper;
struct cpeers_sleeper *_Nullable cpeers_sleeper_start(int cpu);
/* Nanoseconds from the wake to the answer. */
double cpeers_sleeper_wake(struct cpeers_sleeper *_Nonnull sleeper);
void cpeers_sleeper_stop(struct cpeers_sleeper *_Nonnull sleeper);

/* Nanoseconds a call of a tracepoint with six integers beyond an empty loop; what it records if it is on. */
double cpeers_tracepoint(unsigned calls);

/* What clients of a SOCK_SEQPACKET server saw. */
struct cpeers_load {
	uint64_t replies;
	double queries_per_second;
	double p50_nanoseconds;
	double p99_nanoseconds;
	uint32_t answered; /* clients that had at least one reply */
};

/* Connects, waits for the greeting, and asks once. 0, or an errno. */
int cpeers_ask(const char *_Nonnull path, const char *_Nonnull request);

/* Clients that each wait for the greeting, then send the request, wait for its reply, and send it again; beside them
 * silent ones, which only connect. All in the calling thread. 0, or an errno. */
int cpeers_load(const char *_Nonnull path, const char *_Nonnull request, unsigned clients, unsigned silent,
		double seconds, struct cpeers_load *_Nonnull load);

#endif
