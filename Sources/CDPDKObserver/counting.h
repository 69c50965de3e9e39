/* Counting of an observed channel, inline: each function makes the driver's call and counts it. One thread at a time uses a
 * channel; see cdpdkobserver.h. */
#ifndef COUNTING_H
#define COUNTING_H

#include "cdpdkobserver.h"

#include <clinux_sync.h>

#include <assert.h>
#include <errno.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define SUBMIT (1ULL << 1)

/* The functions of a driver: 32 bits of a poll's status, and counts of 16 bits. */
struct functions {
	int (*copy)(void *, uint16_t, uint64_t, uint64_t, uint32_t, uint64_t);
	int (*copy_sg)(void *, uint16_t, const struct dmadev_sge *, const struct dmadev_sge *, uint16_t, uint16_t,
		       uint64_t);
	int (*fill)(void *, uint16_t, uint64_t, uint64_t, uint32_t, uint64_t);
	int (*submit)(void *, uint16_t);
	uint16_t (*completed)(void *, uint16_t, uint16_t, uint16_t *, bool *);
	uint16_t (*completed_status)(void *, uint16_t, uint16_t, uint16_t *, uint32_t *);
	uint16_t (*burst_capacity)(const void *, uint16_t);
	uint16_t (*enqueue)(void *, uint16_t, struct dmadev_op **, uint16_t);
	uint16_t (*dequeue)(void *, uint16_t, struct dmadev_op **, uint16_t);
};

#define FUNCTION_COUNT (sizeof(struct functions) / sizeof(void *))
static_assert(FUNCTION_COUNT == 9, "as rte_dma_fp_object with enqueue and dequeue");

union function_words {
	struct functions functions;
	void *words[FUNCTION_COUNT];
};

/* A doorbell whose operations are not all polled. */
struct doorbell {
	uint64_t time; /* ticks, before the driver's call */
	uint16_t end; /* the ring index behind its last operation */
	uint16_t left; /* operations not polled */
	uint32_t reserved;
};

/* A place for each operation in the driver's ring, by the last bits of its ring index. Never freed and never larger, because
 * a faulty application may make data calls while the device is configured again: whoever has the pointer stays inside.
 *
 * A poll learns what has finished from sums that the enqueues have stored: the sum of bytes up to and with each operation,
 * and the numbers of copy_sg and fill up to it. The others are copies. */
struct ring {
	uint32_t mask; /* of all its arrays */
	uint16_t list_limit; /* longer lists are left out of events */
	struct doorbell *doorbells;
	uint64_t *kinds_up_to; /* copy_sg in the lower half, fill in the upper one; both wrap */
	/* For dmadev:burst: written only while a session records it. */
	struct dmadev_descriptor *descriptors;
	struct dmadev_sge *entries; /* list_limit sources, then as many destinations */
	uint64_t submitted; /* as counted at the start */
	uint64_t described; /* so many operations up to and without ring index `next` have descriptors */
	uint16_t next;
	uint64_t bytes_up_to[];
};

#define FILL_SHIFT 32

struct channel {
	/* Constant while the device is observed. */
	struct ring *ring;
	struct observer_channel_counters *counters;
	bool is_silent; /* nothing is ever polled */
	/* Enqueues and doorbells. */
	bool has_kinds; /* since the start there was another kind than copy */
	uint32_t last; /* the last operation's ring index */
	uint32_t pending; /* enqueued since the last doorbell */
	uint64_t bytes;
	/* The call that is being made: here, and not in registers, because the driver's function would make the entry save
	 * them. */
	uint64_t time; /* ticks, of a call that rings the doorbell */
	uint64_t flags;
	uint32_t length;
	uint32_t written; /* doorbells */
	/* Polls. */
	uint32_t read; /* doorbells */
	/* The last status poll put its statuses into the first half of the array. */
	uint16_t narrowed;
	uint16_t dequeued; /* operations, by dequeue */
	uint64_t seen_bytes;
	uint64_t kinds;
	uint64_t seen_kinds;
} __attribute__((aligned(128)));

static_assert(sizeof(struct channel) == 128, "an index is a shift");

struct device {
	void *dev_private;
	struct dmadev_data_path *path;
	struct channel *channels;
	uint32_t nb_channels;
	/* As nb_channels, or 0 if the processor has no clock that is read without a call: then all calls go by way of the
	 * table, so that the entries need not save their arguments for it. */
	uint32_t nb_direct;
	uint32_t nb_functions;
	union function_words saved;
	/* For control. */
	void **words;
	unsigned generation; /* of the file that the counters lie in */
	uint16_t nb_counters;
	struct observer_channel_counters *counters;
	char name[64];
};

extern struct device observer_devices[OBSERVER_DEVICE_COUNT] __attribute__((visibility("hidden")));
/* What is put into the places of the drivers' functions. */
extern const union function_words observer_entries[OBSERVER_DEVICE_COUNT] __attribute__((visibility("hidden")));
/* Of all devices: the clock is measured once. */
extern uint64_t observer_nanoseconds_per_4g_ticks __attribute__((visibility("hidden")));

/* Counters have one writer; their readers are other threads and processes. */
ALWAYS_INLINE void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* Both accesses are atomic, so that the compiler makes one instruction of them. */
ALWAYS_INLINE void add(uint64_t *word, uint64_t count)
{
	store(word, __atomic_load_n(word, __ATOMIC_RELAXED) + count);
}

/* The time, in the entries and in the functions of the table. */
ALWAYS_INLINE uint64_t ticks(bool is_direct)
{
#if defined(__x86_64__)
	if (is_direct)
		return __builtin_ia32_rdtsc();
#else
	(void)is_direct;
#endif
	return clinux_ticks();
}

/* ---------------------------------------------------------------- Enqueues and doorbells */

/* count: what is visible to the driver now and was not before, up to and with channel->last; not 0. */
ALWAYS_INLINE void ring_doorbell(struct channel *channel, uint32_t count)
{
	struct observer_channel_counters *counters = channel->counters;
	struct dmadev_application_counters *application = &counters->counters.application;
	struct ring *ring = channel->ring;
	struct doorbell *doorbell;
	uint64_t submitted = application->submitted + count, time = channel->time;
	uint32_t written = channel->written;
	int64_t in_flight;

	channel->pending = 0;
	store(&application->submitted, submitted);
	add(&application->doorbells, 1);
	if (UNLIKELY(channel->is_silent))
		return;
	doorbell = &ring->doorbells[written & ring->mask];
	doorbell->time = time;
	doorbell->end = (uint16_t)(channel->last + 1);
	doorbell->left = (uint16_t)count;
	channel->written = written + 1;
	if (written == channel->read)
		store(&counters->activity.oldest, time);
	in_flight = (int64_t)(submitted - counters->counters.engine.completed - counters->activity.abandoned);
	if (UNLIKELY(in_flight > (int64_t)application->high_water))
		store(&application->high_water, (uint64_t)in_flight);
}

/* kind: what the operation adds to the kinds; 0: a copy. */
ALWAYS_INLINE void count_operation(struct channel *channel, int result, uint64_t bytes, uint64_t kind)
{
	struct ring *ring = channel->ring;
	uint32_t place = (uint32_t)result & ring->mask;

	bytes += channel->bytes;
	channel->bytes = bytes;
	ring->bytes_up_to[place] = bytes;
	if (kind != 0) {
		channel->has_kinds = true;
		channel->kinds += kind;
		ring->kinds_up_to[place] = channel->kinds;
	} else if (UNLIKELY(channel->has_kinds)) {
		ring->kinds_up_to[place] = channel->kinds;
	}
	channel->last = (uint32_t)result;
}

ALWAYS_INLINE int refuse(struct channel *channel, int result)
{
	if (result == -ENOSPC)
		add(&channel->counters->counters.application.rejected, 1);
	return result;
}

/* Makes an enqueue by the expression `call`. Its two places are in different branches, so that nothing is kept over the
 * call but the channel. */
#define COUNT_ENQUEUE(is_direct, channel, call, nb_bytes, flag_word, kind, sum_of_bytes)                                          \
	({                                                                                                             \
		int enqueued;                                                                                          \
															       \
		(channel)->length = (nb_bytes);                                                                        \
		(channel)->flags = (flag_word);                                                                        \
		if ((flag_word) & SUBMIT) {                                                                            \
			(channel)->time = ticks(is_direct);                                                            \
			enqueued = (call);                                                                             \
			if (LIKELY(enqueued >= 0)) {                                                                   \
				count_operation(channel, enqueued, sum_of_bytes, kind);                                \
				ring_doorbell(channel, (channel)->pending + 1);                                        \
			}                                                                                              \
		} else {                                                                                               \
			enqueued = (call);                                                                             \
			if (LIKELY(enqueued >= 0)) {                                                                   \
				count_operation(channel, enqueued, sum_of_bytes, kind);                                \
				(channel)->pending++;                                                                  \
			}                                                                                              \
		}                                                                                                      \
		enqueued;                                                                                              \
	})

ALWAYS_INLINE int count_copy(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan, uint64_t src,
			     uint64_t dst, uint32_t length, uint64_t flags)
{
	return COUNT_ENQUEUE(is_direct, channel, device->saved.functions.copy(dev_private, vchan, src, dst, length, flags), length,
			     flags, 0, channel->length);
}

ALWAYS_INLINE int count_fill(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan,
			     uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	return COUNT_ENQUEUE(is_direct, channel, device->saved.functions.fill(dev_private, vchan, pattern, dst, length, flags), length,
			     flags, 1ULL << FILL_SHIFT, channel->length);
}

ALWAYS_INLINE uint64_t sum(const struct dmadev_sge *entries, uint16_t count)
{
	uint64_t bytes = 0;

	for (uint16_t index = 0; index < count; index++)
		bytes += entries[index].length;
	return bytes;
}

/* A list that the driver has refused may not be readable: it is read when the operation is in the ring. */
ALWAYS_INLINE int count_copy_sg(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan,
				const struct dmadev_sge *src, const struct dmadev_sge *dst, uint16_t nb_src,
				uint16_t nb_dst, uint64_t flags)
{
	return COUNT_ENQUEUE(is_direct, channel,
			     device->saved.functions.copy_sg(dev_private, vchan, src, dst, nb_src, nb_dst, flags), 1, flags,
			     1, sum(src, nb_src));
}

ALWAYS_INLINE int count_submit(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan)
{
	int result;

	channel->time = ticks(is_direct);
	result = device->saved.functions.submit(dev_private, vchan);
	if (LIKELY(result >= 0 && channel->pending != 0))
		ring_doorbell(channel, channel->pending);
	return result;
}

ALWAYS_INLINE uint16_t count_enqueue(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan,
				     struct dmadev_op **operations, uint16_t count)
{
	uint16_t taken;

	channel->time = ticks(is_direct);
	taken = device->saved.functions.enqueue(dev_private, vchan, operations, count);
	if (taken < count)
		add(&channel->counters->counters.application.rejected, 1);
	channel->last += taken;
	if (LIKELY(channel->pending + taken != 0))
		ring_doorbell(channel, channel->pending + taken);
	return taken;
}

/* ---------------------------------------------------------------- Polls */

ALWAYS_INLINE unsigned bucket(uint64_t nanoseconds)
{
	unsigned octave;

	if (nanoseconds >> DMADEV_LATENCY_FIRST_OCTAVE == 0)
		return 0;
	octave = 63 - (unsigned)__builtin_clzll(nanoseconds);
	if (octave >= DMADEV_LATENCY_FIRST_OCTAVE + DMADEV_LATENCY_OCTAVES)
		return DMADEV_LATENCY_BUCKETS - 1;
	return 1 + (octave - DMADEV_LATENCY_FIRST_OCTAVE) * 4 + (unsigned)(nanoseconds >> (octave - 2) & 3);
}

ALWAYS_INLINE uint64_t nanoseconds_between(uint64_t begin, uint64_t end)
{
	if (UNLIKELY(end <= begin))
		return 0;
	return (uint64_t)((unsigned __int128)(end - begin) * observer_nanoseconds_per_4g_ticks >> 32);
}

/* Counts the latency of operations of one doorbell, and returns their sum. */
ALWAYS_INLINE uint64_t count_latency(struct dmadev_engine_counters *engine, uint64_t doorbell, uint64_t now, uint64_t count)
{
	uint64_t nanoseconds = nanoseconds_between(doorbell, now);

	add(&engine->latency_buckets[bucket(nanoseconds)], count);
	return nanoseconds * count;
}

/* Takes the doorbells of the operations before `end`, and returns `count`. Out of line, and the last call of a poll: its
 * registers need not be saved in each poll. */
static __attribute__((noinline)) uint16_t take_doorbells(struct channel *channel, uint16_t end, uint64_t now, uint16_t count)
{
	struct dmadev_engine_counters *engine = &channel->counters->counters.engine;
	struct ring *ring = channel->ring;
	uint32_t written = channel->written, read = channel->read;
	uint64_t latency_sum = 0, oldest = 0;

	/* More than there is room for: the application does not poll, or two threads do. */
	if (UNLIKELY(written - read > ring->mask + 1))
		read = written - ring->mask - 1;
	for (; read != written; read++) {
		struct doorbell *doorbell = &ring->doorbells[read & ring->mask];
		int16_t behind = (int16_t)(uint16_t)(doorbell->end - end);
		uint16_t after = behind > 0 ? (uint16_t)behind : 0;

		oldest = doorbell->time;
		if (after >= doorbell->left)
			break;
		latency_sum += count_latency(engine, oldest, now, (uint64_t)(doorbell->left - after));
		doorbell->left = after;
		if (after > 0)
			break;
		oldest = 0;
	}
	channel->read = read;
	add(&engine->latency_sum, latency_sum);
	store(&channel->counters->activity.oldest, oldest);
	/* Else the compiler would know what this returns, and each poll would keep it. */
	__asm__("" : "+r"(count));
	return count;
}

/* What a place has more than the one before; 0 if it has less: it was overwritten. */
ALWAYS_INLINE uint64_t difference(uint64_t later, uint64_t earlier)
{
	return UNLIKELY((int64_t)(later - earlier) < 0) ? 0 : later - earlier;
}

/* For any poll of `count` operations that ends with that of index `last`. */
ALWAYS_INLINE void count_kinds(struct channel *channel, struct dmadev_engine_counters *engine, uint16_t last, uint16_t count)
{
	uint32_t lists = 0, fills = 0;

	if (UNLIKELY(channel->has_kinds)) {
		const struct ring *ring = channel->ring;
		uint64_t kinds = ring->kinds_up_to[last & ring->mask];

		fills = (uint32_t)(kinds >> FILL_SHIFT) - (uint32_t)(channel->seen_kinds >> FILL_SHIFT);
		lists = (uint32_t)kinds - (uint32_t)channel->seen_kinds;
		fills = fills > count ? count : fills;
		lists = lists > count - fills ? count - fills : lists;
		channel->seen_kinds = kinds;
		add(&engine->kinds[DMADEV_KIND_COPY_SG], lists);
		add(&engine->kinds[DMADEV_KIND_FILL], fills);
	}
	add(&engine->kinds[DMADEV_KIND_COPY], count - lists - fills);
}

/* For any poll that found operations before `end`. Returns their number. */
ALWAYS_INLINE uint16_t count_finished(bool is_direct, struct channel *channel, uint16_t count, uint16_t end)
{
	struct observer_channel_counters *counters = channel->counters;
	const struct ring *ring = channel->ring;
	uint64_t now = ticks(is_direct), submitted = counters->counters.application.submitted,
		 completed = counters->counters.engine.completed + count;
	uint32_t read = channel->read;
	const struct doorbell *doorbell = &ring->doorbells[read & ring->mask];

	store(&counters->counters.engine.completed, completed);
	add(&counters->activity.full_polls, 1);
	if (UNLIKELY((int64_t)(submitted - completed - counters->activity.abandoned) < 0))
		store(&counters->activity.abandoned, submitted - completed);
	store(&counters->activity.last_completed, now);
	/* Mostly a poll finds all that was rung, by one doorbell. */
	if (UNLIKELY(channel->written - read != 1 || doorbell->end != end || doorbell->left == 0))
		return take_doorbells(channel, end, now, count);
	channel->read = read + 1;
	add(&counters->counters.engine.latency_sum,
	    count_latency(&counters->counters.engine, doorbell->time, now, doorbell->left));
	store(&counters->activity.oldest, 0);
	return count;
}

ALWAYS_INLINE uint16_t count_completed(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan,
				       uint16_t most, uint16_t *last_idx, bool *has_error)
{
	uint16_t count = device->saved.functions.completed(dev_private, vchan, most, last_idx, has_error), last;
	struct dmadev_engine_counters *engine = &channel->counters->counters.engine;
	const struct ring *ring = channel->ring;
	uint64_t bytes;

	if (count == 0) {
		add(&channel->counters->activity.empty_polls, 1);
		return 0;
	}
	last = *last_idx;
	bytes = ring->bytes_up_to[last & ring->mask];
	add(&engine->bytes, difference(bytes, channel->seen_bytes));
	channel->seen_bytes = bytes;
	count_kinds(channel, engine, last, count);
	return count_finished(is_direct, channel, count, (uint16_t)(last + 1));
}

/* A failed operation. */
ALWAYS_INLINE void count_error(struct dmadev_engine_counters *engine, uint32_t status)
{
	add(&engine->errors, 1);
	add(&engine->statuses[status < DMADEV_STATUS_COUNT - 1 ? status : DMADEV_STATUS_COUNT - 1], 1);
}

ALWAYS_INLINE uint16_t count_completed_status(bool is_direct, struct device *device, struct channel *channel, void *dev_private,
					      uint16_t vchan, uint16_t most, uint16_t *last_idx, uint32_t *statuses)
{
	uint16_t count = device->saved.functions.completed_status(dev_private, vchan, most, last_idx, statuses);
	struct dmadev_engine_counters *engine;
	const struct ring *ring = channel->ring;
	uint64_t bytes = 0, before;
	uint16_t index;

	if (count == 0) {
		add(&channel->counters->activity.empty_polls, 1);
		return 0;
	}
	engine = &channel->counters->counters.engine;
	index = (uint16_t)(*last_idx - count + 1);
	before = channel->seen_bytes;
	for (uint16_t place = 0; place < count; place++, index++) {
		uint64_t up_to = ring->bytes_up_to[index & ring->mask];

		if (LIKELY(statuses[place] == 0))
			bytes += difference(up_to, before);
		else
			count_error(engine, statuses[place]);
		before = up_to;
	}
	add(&engine->bytes, bytes);
	channel->seen_bytes = before;
	count_kinds(channel, engine, *last_idx, count);
	return count_finished(is_direct, channel, count, (uint16_t)(*last_idx + 1));
}

ALWAYS_INLINE uint16_t count_dequeue(bool is_direct, struct device *device, struct channel *channel, void *dev_private, uint16_t vchan,
				     struct dmadev_op **operations, uint16_t most)
{
	uint16_t count = device->saved.functions.dequeue(dev_private, vchan, operations, most);
	struct dmadev_engine_counters *engine;
	uint64_t bytes = 0;

	if (count == 0) {
		add(&channel->counters->activity.empty_polls, 1);
		return 0;
	}
	engine = &channel->counters->counters.engine;
	for (uint16_t place = 0; place < count; place++) {
		const struct dmadev_op *operation = operations[place];

		if (operation->status == 0)
			bytes += sum((const struct dmadev_sge *)(operation + 1), operation->nb_src);
		else
			count_error(engine, operation->status);
	}
	add(&engine->bytes, bytes);
	add(&engine->kinds[DMADEV_KIND_COPY_SG], count);
	/* Operations have no index here. They are counted in the order of their enqueues. */
	channel->dequeued = (uint16_t)(channel->dequeued + count);
	return count_finished(is_direct, channel, count, channel->dequeued);
}

#endif
