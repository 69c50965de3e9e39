/* The cost of single calls and the latency of one copy; like cpeers_work.h, one loop for every peer. */
#ifndef CPEERS_CALLS_H
#define CPEERS_CALLS_H

#include <stdlib.h>
#include <string.h>

#include "cpeers_work.h"

#define CPEERS_CALLS_BURST 32

#ifdef __clang__ /* gcc compiles the DPDK program */
#pragma clang assume_nonnull begin
#endif

/* Nanoseconds: medians over the rounds. */
struct cpeers_calls {
	double enqueue;
	double doorbell; /* for each descriptor of a burst */
	double completed; /* for each operation of a burst */
	double none_ready;
};

static inline int cpeers_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts the values and returns the percentile. */
static inline double cpeers_percentile(double *values, size_t count, double part)
{
	qsort(values, count, sizeof(*values), cpeers_compare);
	size_t index = (size_t)((double)count * part);
	return count == 0 ? 0 : values[index < count ? index : count - 1];
}

/* Ticks between two readings of the clock. */
static inline double cpeers_tick_cost(void)
{
	double costs[101];
	for (int index = 0; index < 101; index++) {
		uint64_t begin = cpeers_ordered_ticks();
		costs[index] = (double)(cpeers_ordered_ticks() - begin);
	}
	return cpeers_percentile(costs, 101, 0.5);
}

/* Each round writes a burst of 64-byte copies' data and drains it, so that no call waits behind it, enqueues the copies,
 * rings the doorbell, detects by the last destination that the engine has finished, waits until it has published that,
 * polls all completions at once, and then polls when none is ready. Returns 0 if a call failed. */
static inline __attribute__((always_inline)) int cpeers_time_calls(
	uint32_t rounds, void *self, uint8_t *source, uint8_t *destination,
	int (*enqueue)(void *self, const void *source, void *destination, uint32_t length), int (*submit)(void *self),
	int (*poll)(void *self, uint16_t most), struct cpeers_calls *result)
{
	double *samples = malloc(4 * rounds * sizeof(*samples));
	double tick = cpeers_measure_tick(), cost = cpeers_tick_cost();
	uint32_t kept = 0;
	const uint32_t burst = CPEERS_CALLS_BURST;
	volatile uint64_t *last = (volatile uint64_t *)(destination + (burst - 1) * CPEERS_LINE);
	if (samples == NULL)
		return 0;
	for (uint64_t round = 1; round <= rounds; round++) {
		uint64_t moments[6];
		cpeers_write(source, burst * CPEERS_LINE, round);
		cpeers_drain();
		moments[0] = cpeers_ordered_ticks();
		for (uint32_t index = 0; index < burst; index++)
			if (enqueue(self, source + index * CPEERS_LINE, destination + index * CPEERS_LINE,
				    CPEERS_LINE) < 0)
				goto failed;
		moments[1] = cpeers_ordered_ticks();
		if (submit(self) < 0)
			goto failed;
		moments[2] = cpeers_ordered_ticks();
		while (*last != round)
			cpeers_relax();
		for (uint64_t now = cpeers_ticks(); (double)(cpeers_ticks() - now) * tick < 3000;)
			cpeers_relax();
		moments[3] = cpeers_ordered_ticks();
		int count = poll(self, CPEERS_CALLS_BURST);
		moments[4] = cpeers_ordered_ticks();
		bool whole = count == CPEERS_CALLS_BURST;
		while (count >= 0 && count < CPEERS_CALLS_BURST) {
			int more = poll(self, (uint16_t)(CPEERS_CALLS_BURST - count));
			count = more < 0 ? more : count + more;
		}
		if (count < 0)
			goto failed;
		uint64_t begin = cpeers_ordered_ticks();
		for (uint32_t index = 0; index < burst; index++)
			if (poll(self, CPEERS_CALLS_BURST) != 0)
				goto failed;
		moments[5] = cpeers_ordered_ticks();
		if (!whole)
			continue;
		samples[kept] = (double)(moments[1] - moments[0]);
		samples[rounds + kept] = (double)(moments[2] - moments[1]);
		samples[2 * rounds + kept] = (double)(moments[4] - moments[3]);
		samples[3 * rounds + kept] = (double)(moments[5] - begin);
		kept++;
	}
	if (kept == 0)
		goto failed;
	double values[4];
	for (uint32_t phase = 0; phase < 4; phase++)
		values[phase] = (cpeers_percentile(samples + phase * rounds, kept, 0.5) - cost) * tick / burst;
	*result = (struct cpeers_calls){values[0], values[1], values[2], values[3]};
	free(samples);
	return 1;
failed:
	free(samples);
	return 0;
}

struct cpeers_latency {
	double median;
	double p99;
};

/* One 64-byte copy at a time, each after idle nanoseconds of idle time: nanoseconds from the enqueue to the poll that
 * reports it. Returns 0 if a call failed. */
static inline __attribute__((always_inline)) int cpeers_time_copies(
	uint32_t count, uint64_t idle, void *self, uint8_t *source, uint8_t *destination,
	int (*enqueue)(void *self, const void *source, void *destination, uint32_t length), int (*submit)(void *self),
	int (*poll)(void *self, uint16_t most), struct cpeers_latency *result)
{
	double *samples = malloc(count * sizeof(*samples)), tick = cpeers_measure_tick();
	struct timespec pause = {(time_t)(idle / 1000000000), (long)(idle % 1000000000)};
	if (samples == NULL)
		return 0;
	for (uint32_t index = 0; index < count; index++) {
		if (idle != 0)
			nanosleep(&pause, NULL);
		uint64_t begin = cpeers_ticks();
		int done = 0;
		if (enqueue(self, source, destination, CPEERS_LINE) >= 0 && submit(self) >= 0)
			while ((done = poll(self, 1)) == 0)
				cpeers_relax();
		samples[index] = (double)(cpeers_ticks() - begin) * tick;
		if (done <= 0) {
			free(samples);
			return 0;
		}
	}
	result->median = cpeers_percentile(samples, count, 0.5);
	result->p99 = cpeers_percentile(samples, count, 0.99);
	free(samples);
	return 1;
}

#ifdef __clang__
#pragma clang assume_nonnull end
#endif

#endif
