#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cpeers.h"

/* A power of two; a measurement never has more operations in flight. */
#define SLOTS 1024
#define BURST 32

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
	_Alignas(CPEERS_LINE) struct slot slots[SLOTS];
	/* Written by the engine. */
	_Alignas(CPEERS_LINE) _Atomic uint64_t completed;
	/* Constant. */
	_Alignas(CPEERS_LINE) int cpu;
};

static void *serve(void *self)
{
	struct ring *ring = self;
	uint64_t next = 0;
	cpeers_pin(ring->cpu);
	while (!atomic_load_explicit(&ring->stop, memory_order_relaxed)) {
		uint64_t waiting = atomic_load_explicit(&ring->tail, memory_order_acquire) - next;
		if (waiting == 0) {
			cpeers_relax();
			continue;
		}
		if (waiting > BURST)
			waiting = BURST;
		for (uint64_t end = next + waiting; next != end; next++) {
			struct slot *slot = &ring->slots[next % SLOTS];
			memcpy((void *)slot->destination, (const void *)slot->source, slot->length);
		}
		atomic_store_explicit(&ring->completed, next, memory_order_release);
	}
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

static int submit(void *self)
{
	struct ring *ring = self;
	ring->rung = ring->enqueued;
	atomic_store_explicit(&ring->tail, ring->enqueued, memory_order_release);
	return 0;
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

double cpeers_ring(const struct cpeers_work *work, int engine_cpu, double seconds)
{
	struct ring *ring = aligned_alloc(CPEERS_LINE, sizeof(struct ring));
	if (ring == NULL)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	ring->cpu = engine_cpu;
	pthread_t engine;
	int error = pthread_create(&engine, NULL, serve, ring);
	if (error != 0) {
		free(ring);
		return -error;
	}
	/* The first run warms the caches and waits until the engine's thread runs. */
	double result = 0;
	for (int run = 0; run < 2; run++) {
		double time = run == 0 ? seconds / 10 : seconds;
		result = cpeers_run(work, time, ring, enqueue, submit, poll);
	}
	atomic_store(&ring->stop, true);
	pthread_join(engine, NULL);
	free(ring);
	return result;
}
