#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpeers.h"

/* A power of two; the work of a measurement never has more in flight. */
#define SLOTS 1024
#define BURST 32
#define BUCKETS 130

struct slot {
	uint64_t source;
	uint64_t destination;
	uint32_t length;
	uint32_t kind;
	uint64_t reserved;
};

struct ring {
	/* Written by the application. */
	_Alignas(CPEERS_LINE) _Atomic uint64_t tail;
	_Atomic bool stop;
	_Alignas(CPEERS_LINE) uint64_t enqueued, rung, released, completed_seen;
	_Alignas(CPEERS_LINE) _Atomic uint64_t submitted;
	_Atomic uint64_t doorbells, high_water;
	_Alignas(CPEERS_LINE) struct slot slots[SLOTS];
	uint64_t times[SLOTS];
	/* Written by the engine. */
	_Alignas(CPEERS_LINE) _Atomic uint64_t completed;
	_Alignas(CPEERS_LINE) _Atomic uint64_t counted_completed;
	_Atomic uint64_t bytes, latency_sum, kinds[4], buckets[BUCKETS];
	/* Constant. */
	_Alignas(CPEERS_LINE) double tick;
	int cpu;
};

/* One writer, so no locked instruction. */
static inline void add(_Atomic uint64_t *counter, uint64_t count)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
			      memory_order_relaxed);
}

/* Four buckets a power of two, from 64 ns on. */
static inline unsigned bucket(uint64_t nanoseconds)
{
	if (nanoseconds < 64)
		return 0;
	unsigned octave = 63 - (unsigned)__builtin_clzll(nanoseconds);
	unsigned index = 1 + (octave - 6) * 4 + (unsigned)(nanoseconds >> (octave - 2) & 3);
	return index < BUCKETS ? index : BUCKETS - 1;
}

static inline __attribute__((always_inline)) void serve(struct ring *ring, bool counted)
{
	uint64_t next = 0, per_tick = (uint64_t)(ring->tick * 4294967296.0);
	cpeers_pin(ring->cpu);
	while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
		uint64_t waiting = atomic_load_explicit(&ring->tail, memory_order_acquire) - next;
		if (waiting == 0) {
			cpeers_relax();
			continue;
		}
		if (waiting > BURST)
			waiting = BURST;
		uint64_t bytes = 0, rung[BURST], batches = 0, batch_counts[BURST];
		for (uint64_t end = next + waiting; next != end; next++) {
			struct slot *slot = &ring->slots[next % SLOTS];
			memcpy((void *)slot->destination, (const void *)slot->source, slot->length);
			if (!counted)
				continue;
			bytes += slot->length;
			add(&ring->kinds[slot->kind & 3], 1);
			if (slot->reserved || batches == 0) {
				rung[batches] = ring->times[next % SLOTS];
				batch_counts[batches++] = 0;
			}
			batch_counts[batches - 1]++;
		}
		if (counted) {
			uint64_t now = cpeers_ticks();
			for (uint64_t batch = 0; batch < batches; batch++) {
				uint64_t ticks = now > rung[batch] ? now - rung[batch] : 0;
				uint64_t nanoseconds = (uint64_t)((unsigned __int128)ticks * per_tick >> 32);
				add(&ring->buckets[bucket(nanoseconds)], batch_counts[batch]);
				add(&ring->latency_sum, nanoseconds * batch_counts[batch]);
			}
			add(&ring->bytes, bytes);
			add(&ring->counted_completed, waiting);
		}
		atomic_store_explicit(&ring->completed, next, memory_order_release);
	}
}

static void *serve_bare(void *ring)
{
	serve(ring, false);
	return NULL;
}

static void *serve_counted(void *ring)
{
	serve(ring, true);
	return NULL;
}

static int enqueue(void *self, const void *source, void *destination, uint32_t length)
{
	struct ring *ring = self;
	if (ring->enqueued - ring->released == SLOTS)
		return -ENOSPC;
	ring->slots[ring->enqueued % SLOTS] = (struct slot){
		(uint64_t)source, (uint64_t)destination, length, 1, ring->enqueued == ring->rung};
	ring->enqueued++;
	return 0;
}

static inline __attribute__((always_inline)) int ring_doorbell(struct ring *ring, bool counted)
{
	if (counted) {
		ring->times[ring->rung % SLOTS] = cpeers_ticks();
		uint64_t occupied = ring->enqueued - ring->released;
		atomic_store_explicit(&ring->submitted, ring->enqueued, memory_order_relaxed);
		add(&ring->doorbells, 1);
		if (occupied > atomic_load_explicit(&ring->high_water, memory_order_relaxed))
			atomic_store_explicit(&ring->high_water, occupied, memory_order_relaxed);
	}
	ring->rung = ring->enqueued;
	atomic_store_explicit(&ring->tail, ring->enqueued, memory_order_release);
	return 0;
}

static int submit_bare(void *ring)
{
	return ring_doorbell(ring, false);
}

static int submit_counted(void *ring)
{
	return ring_doorbell(ring, true);
}

static int poll(void *self, uint16_t most)
{
	struct ring *ring = self;
	if (ring->completed_seen - ring->released < most)
		ring->completed_seen = atomic_load_explicit(&ring->completed, memory_order_acquire);
	uint64_t ready = ring->completed_seen - ring->released;
	if (ready > most)
		ready = most;
	ring->released += ready;
	return (int)ready;
}

double cpeers_ring(const struct cpeers_work *work, bool counted, int engine_cpu, double seconds)
{
	struct ring *ring = aligned_alloc(CPEERS_LINE, sizeof(struct ring));
	if (ring == NULL)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	if (counted)
		ring->tick = cpeers_measure_tick();
	ring->cpu = engine_cpu;
	pthread_t engine;
	int error = pthread_create(&engine, NULL, counted ? serve_counted : serve_bare, ring);
	if (error != 0) {
		free(ring);
		return -error;
	}
	/* The first run warms the caches, and waits until the engine is there. */
	double result = 0;
	for (int run = 0; run < 2; run++) {
		double time = run == 0 ? seconds / 10 : seconds;
		result = counted ? cpeers_run(work, time, ring, enqueue, submit_counted, poll)
				 : cpeers_run(work, time, ring, enqueue, submit_bare, poll);
	}
	atomic_store(&ring->stop, true);
	pthread_join(engine, NULL);
	free(ring);
	return result;
}
