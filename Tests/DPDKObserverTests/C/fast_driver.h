/* A driver for tests that costs little: an enqueue copies at once, and a poll reports what was rung. It counts for itself
 * what the observer must have counted. With `fail_every` n each n-th operation fails. */
#ifndef FAST_DRIVER_H
#define FAST_DRIVER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FAST_SUBMIT (1ULL << 1)
#define FAST_STATUS_BUS_ERROR 10
#define FAST_STATUS_UNKNOWN 0x100

struct fast_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t rsvd;
};

/* dev_private of a device. */
struct fast_ring {
	uint64_t mark;
	uint32_t nb_desc;
	bool is_silent;
	/* Indexes that never wrap. */
	uint64_t enqueued, rung, polled;
	uint64_t fail_every;
	uint64_t bytes, errors, rejected, kinds[4];
};

#define FAST_MARK 0x74736166ULL


static inline struct fast_ring *fast_ring(const void *dev_private)
{
	struct fast_ring *ring = (struct fast_ring *)(uintptr_t)dev_private;

	if (ring->mark != FAST_MARK)
		__builtin_trap();
	return ring;
}

static inline bool fast_fails(const struct fast_ring *ring, uint64_t index)
{
	return ring->fail_every != 0 && index % ring->fail_every == ring->fail_every - 1;
}

static inline int fast_enqueue(struct fast_ring *ring, uint64_t bytes, unsigned kind, uint64_t flags)
{
	uint64_t index = ring->enqueued;

	ring->enqueued++;
	ring->kinds[kind]++;
	if (fast_fails(ring, index))
		ring->errors++;
	else
		ring->bytes += bytes;
	if (flags & FAST_SUBMIT)
		ring->rung = ring->enqueued;
	return (uint16_t)index;
}

static inline bool fast_is_full(struct fast_ring *ring)
{
	if (ring->is_silent)
		ring->polled = ring->rung;
	if (ring->enqueued - ring->polled < ring->nb_desc)
		return false;
	ring->rejected++;
	return true;
}

static int fast_copy(void *dev_private, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct fast_ring *ring = fast_ring(dev_private);

	if (vchan != 0)
		return -EINVAL;
	if (fast_is_full(ring))
		return -ENOSPC;
	memcpy((void *)(uintptr_t)dst, (const void *)(uintptr_t)src, length);
	return fast_enqueue(ring, length, 1, flags);
}

static int fast_copy_sg(void *dev_private, uint16_t vchan, const struct fast_sge *src, const struct fast_sge *dst,
			uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct fast_ring *ring = fast_ring(dev_private);
	uint64_t bytes = 0;

	(void)dst, (void)nb_dst;
	if (vchan != 0)
		return -EINVAL;
	if (fast_is_full(ring))
		return -ENOSPC;
	for (uint16_t index = 0; index < nb_src; index++)
		bytes += src[index].length;
	return fast_enqueue(ring, bytes, 2, flags);
}

static int fast_fill(void *dev_private, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct fast_ring *ring = fast_ring(dev_private);

	if (vchan != 0)
		return -EINVAL;
	if (fast_is_full(ring))
		return -ENOSPC;
	memset((void *)(uintptr_t)dst, (int)pattern, length);
	return fast_enqueue(ring, length, 3, flags);
}

static int fast_submit(void *dev_private, uint16_t vchan)
{
	struct fast_ring *ring = fast_ring(dev_private);

	if (vchan != 0)
		return -EINVAL;
	ring->rung = ring->enqueued;
	return 0;
}

static uint16_t fast_completed(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx, bool *has_error)
{
	struct fast_ring *ring = fast_ring(dev_private);
	uint16_t count = 0;

	if (vchan != 0)
		return 0;
	if (ring->fail_every == 0) {
		uint64_t waiting = ring->rung - ring->polled;

		count = (uint16_t)(waiting < most ? waiting : most);
		ring->polled += count;
	} else {
		for (; count < most && ring->polled < ring->rung; count++, ring->polled++)
			if (fast_fails(ring, ring->polled)) {
				*has_error = true;
				break;
			}
	}
	*last_idx = (uint16_t)(ring->polled - 1);
	return count;
}

static uint16_t fast_completed_status(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx,
				      uint32_t *status)
{
	struct fast_ring *ring = fast_ring(dev_private);
	uint16_t count = 0;

	if (vchan != 0)
		return 0;
	for (; count < most && ring->polled < ring->rung; count++, ring->polled++)
		status[count] = !fast_fails(ring, ring->polled) ? 0 :
				ring->polled % 2 == 0		? FAST_STATUS_BUS_ERROR :
								  FAST_STATUS_UNKNOWN;
	*last_idx = (uint16_t)(ring->polled - 1);
	return count;
}

static uint16_t fast_burst_capacity(const void *dev_private, uint16_t vchan)
{
	const struct fast_ring *ring = fast_ring(dev_private);

	return vchan != 0 ? 0 : (uint16_t)(ring->nb_desc - (ring->enqueued - ring->polled));
}

#endif
