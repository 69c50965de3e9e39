#include "file.h"

#include <clinux_sync.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define SUBMIT (1ULL << 1)
#define KIND_BITS 21

static_assert(sizeof(struct observer_activity) == 64, "one line");
static_assert(sizeof(struct observer_channel_counters) % 64 == 0, "channels do not share a line");
static_assert(sizeof(struct observer_file_device) == 128 && sizeof(struct observer_file_header) == 64 + 64 * 128,
	      "the layout of the file");

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

/* Sums over all operations up to one: what a poll reports is the difference of two. */
struct slot {
	uint64_t bytes;
	uint64_t kinds; /* KIND_BITS for each kind; the difference is exact, though the sums overflow */
};

/* A doorbell whose operations are not all polled. */
struct doorbell {
	uint64_t time; /* ticks, before the driver's call */
	uint16_t end; /* the ring index behind its last operation */
	uint16_t left; /* operations not polled */
	uint32_t reserved;
};

struct channel {
	/* Constant while the device is observed. */
	struct slot *slots;
	struct doorbell *doorbells;
	struct observer_channel_counters *counters;
	uint32_t mask; /* of both */
	/* The last status poll put its statuses into the first half of the array. */
	uint16_t narrowed;
	/* Enqueues and doorbells. */
	uint16_t next; /* ring index of the next operation */
	uint64_t bytes;
	uint64_t kinds;
	uint32_t pending; /* enqueued since the last doorbell */
	uint32_t written; /* doorbells */
	/* Polls. */
	uint32_t read; /* doorbells */
	uint32_t in_flight;
	uint64_t seen_bytes;
	uint64_t seen_kinds;
};

static struct device {
	void *dev_private;
	struct dmadev_data_path *path;
	struct channel *channels;
	uint32_t nb_channels;
	uint32_t nb_functions;
	union {
		struct functions functions;
		void *words[FUNCTION_COUNT];
	} saved;
	/* For control. */
	void **words;
	unsigned generation; /* of the file that the counters lie in */
	uint16_t nb_counters;
	struct observer_channel_counters *counters;
	char name[64];
} devices[OBSERVER_DEVICE_COUNT];

/* Of all devices: the clock is measured once. */
static uint64_t nanoseconds_per_4g_ticks;

/* Counters have one writer; their readers are other threads and processes. */
ALWAYS_INLINE void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

ALWAYS_INLINE void add(uint64_t *word, uint64_t count)
{
	store(word, *word + count);
}

/* ---------------------------------------------------------------- Enqueues and doorbells */

ALWAYS_INLINE void ring_doorbell(struct channel *channel, uint64_t time)
{
	struct observer_channel_counters *counters = channel->counters;
	struct dmadev_application_counters *application = &counters->counters.application;
	struct doorbell *doorbell;
	uint32_t count = channel->pending;

	if (count == 0)
		return;
	channel->pending = 0;
	channel->in_flight += count;
	doorbell = &channel->doorbells[channel->written & channel->mask];
	doorbell->time = time;
	doorbell->end = channel->next;
	doorbell->left = (uint16_t)count;
	if (channel->written == channel->read)
		store(&counters->activity.oldest, time);
	channel->written++;
	add(&application->submitted, count);
	add(&application->doorbells, 1);
	store(&counters->activity.in_flight, channel->in_flight);
	if (UNLIKELY(channel->in_flight > application->high_water))
		store(&application->high_water, channel->in_flight);
}

ALWAYS_INLINE int32_t finish_enqueue(struct channel *channel, int result, uint64_t bytes, unsigned kind, uint64_t flags,
				     uint64_t time)
{
	struct slot *slot;

	if (UNLIKELY(result < 0)) {
		if (result == -ENOSPC)
			add(&channel->counters->counters.application.rejected, 1);
		return result;
	}
	channel->bytes += bytes;
	channel->kinds += 1ULL << KIND_BITS * (kind - 1);
	slot = &channel->slots[(uint32_t)result & channel->mask];
	slot->bytes = channel->bytes;
	slot->kinds = channel->kinds;
	channel->next = (uint16_t)(result + 1);
	channel->pending++;
	if (flags & SUBMIT)
		ring_doorbell(channel, time);
	return result;
}

/* NULL: a channel that the device does not have. The driver gets the call all the same. */
ALWAYS_INLINE struct channel *find(struct device *device, uint16_t vchan)
{
	return LIKELY(vchan < device->nb_channels) ? &device->channels[vchan] : NULL;
}

ALWAYS_INLINE uint64_t doorbell_time(uint64_t flags)
{
	return flags & SUBMIT ? clinux_ticks() : 0;
}

static int32_t count_copy(void *driver, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint64_t time = doorbell_time(flags);
	int result = device->saved.functions.copy(device->dev_private, vchan, src, dst, length, flags);

	return channel == NULL ? result :
				 finish_enqueue(channel, result, length, DMADEV_KIND_COPY, flags, time);
}

static uint64_t sum(const struct dmadev_sge *entries, uint16_t count)
{
	uint64_t bytes = 0;

	for (uint16_t index = 0; index < count; index++)
		bytes += entries[index].length;
	return bytes;
}

static int32_t count_copy_sg(void *driver, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
			     uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint64_t time = doorbell_time(flags);
	int result = device->saved.functions.copy_sg(device->dev_private, vchan, src, dst, nb_src, nb_dst, flags);

	/* A list that the driver has refused may not be readable. */
	if (channel == NULL)
		return result;
	return finish_enqueue(channel, result, result >= 0 ? sum(src, nb_src) : 0, DMADEV_KIND_COPY_SG, flags, time);
}

static int32_t count_fill(void *driver, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint64_t time = doorbell_time(flags);
	int result = device->saved.functions.fill(device->dev_private, vchan, pattern, dst, length, flags);

	return channel == NULL ? result :
				 finish_enqueue(channel, result, length, DMADEV_KIND_FILL, flags, time);
}

static int32_t count_submit(void *driver, uint16_t vchan)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint64_t time = clinux_ticks();
	int result = device->saved.functions.submit(device->dev_private, vchan);

	if (channel != NULL && result >= 0)
		ring_doorbell(channel, time);
	return result;
}

static int32_t count_enqueue(void *driver, uint16_t vchan, struct dmadev_op *const *operations, uint16_t count)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint64_t time = clinux_ticks();
	uint16_t taken = device->saved.functions.enqueue(device->dev_private, vchan, (struct dmadev_op **)operations, count);

	if (channel == NULL)
		return taken;
	if (taken < count)
		add(&channel->counters->counters.application.rejected, 1);
	channel->next = (uint16_t)(channel->next + taken);
	channel->pending += taken;
	ring_doorbell(channel, time);
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
	if (end <= begin)
		return 0;
	return (uint64_t)((unsigned __int128)(end - begin) * nanoseconds_per_4g_ticks >> 32);
}

/* Takes the doorbells of the operations before `end`. */
ALWAYS_INLINE void count_latencies(struct channel *channel, uint16_t end, uint64_t now)
{
	struct dmadev_engine_counters *engine = &channel->counters->counters.engine;
	uint32_t written = channel->written, read = channel->read, waiting = written - read;
	uint64_t latency_sum = 0, oldest = 0;

	/* More than there is room for: the application does not poll, or two threads do. */
	if (UNLIKELY(waiting > channel->mask + 1))
		read = written - channel->mask - 1;
	for (; read != written; read++) {
		struct doorbell *doorbell = &channel->doorbells[read & channel->mask];
		int16_t behind = (int16_t)(uint16_t)(doorbell->end - end);
		uint16_t after = behind > 0 ? (uint16_t)behind : 0;
		uint64_t nanoseconds, count;

		oldest = doorbell->time;
		if (after >= doorbell->left)
			break;
		count = (uint64_t)(doorbell->left - after);
		nanoseconds = nanoseconds_between(doorbell->time, now);
		latency_sum += nanoseconds * count;
		add(&engine->latency_buckets[bucket(nanoseconds)], count);
		doorbell->left = after;
		if (after > 0)
			break;
		oldest = 0;
	}
	channel->read = read;
	add(&engine->latency_sum, latency_sum);
	store(&channel->counters->activity.oldest, oldest);
}

/* What a slot has more than the one before; 0 if it has less: it was overwritten. */
ALWAYS_INLINE uint64_t difference(uint64_t later, uint64_t earlier)
{
	return (int64_t)(later - earlier) < 0 ? 0 : later - earlier;
}

ALWAYS_INLINE void count_kinds(struct dmadev_engine_counters *engine, uint64_t kinds)
{
	add(&engine->kinds[DMADEV_KIND_COPY], kinds & ((1 << KIND_BITS) - 1));
	if (UNLIKELY(kinds >> KIND_BITS != 0)) {
		add(&engine->kinds[DMADEV_KIND_COPY_SG], kinds >> KIND_BITS & ((1 << KIND_BITS) - 1));
		add(&engine->kinds[DMADEV_KIND_FILL], kinds >> 2 * KIND_BITS & ((1 << KIND_BITS) - 1));
	}
}

/* For any poll that found operations. */
ALWAYS_INLINE void count_finished(struct channel *channel, uint16_t count, uint16_t end, uint64_t now)
{
	struct observer_channel_counters *counters = channel->counters;

	add(&counters->counters.engine.completed, count);
	count_latencies(channel, end, now);
	/* A device that was in use when it was attached has operations that were not seen. */
	channel->in_flight -= LIKELY(count <= channel->in_flight) ? count : channel->in_flight;
	store(&counters->activity.in_flight, channel->in_flight);
	store(&counters->activity.last_completed, now);
}

static int32_t count_completed(void *driver, uint16_t vchan, uint16_t most, uint16_t *last_idx, bool *has_error)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint16_t count = device->saved.functions.completed(device->dev_private, vchan, most, last_idx, has_error);
	struct dmadev_engine_counters *engine;
	struct slot last;

	if (UNLIKELY(channel == NULL))
		return count;
	add(&channel->counters->activity.polls, 1);
	if (count == 0) {
		add(&channel->counters->activity.empty_polls, 1);
		return 0;
	}
	engine = &channel->counters->counters.engine;
	last = channel->slots[*last_idx & channel->mask];
	add(&engine->bytes, difference(last.bytes, channel->seen_bytes));
	count_kinds(engine, last.kinds - channel->seen_kinds);
	channel->seen_bytes = last.bytes;
	channel->seen_kinds = last.kinds;
	count_finished(channel, count, (uint16_t)(*last_idx + 1), clinux_ticks());
	return count;
}

/* A failed operation. */
static void count_error(struct dmadev_engine_counters *engine, uint32_t status)
{
	add(&engine->errors, 1);
	add(&engine->statuses[status < DMADEV_STATUS_COUNT - 1 ? status : DMADEV_STATUS_COUNT - 1], 1);
}

/* DPDK's statuses have 32 bits, the call layer's 16: for its event they are put into the first half of the array, and the
 * entry restores them; not if one does not fit. */
static uint16_t narrow(uint32_t *statuses, uint16_t count)
{
	char *bytes = (char *)statuses;

	for (size_t index = 0; index < count; index++)
		if (statuses[index] > UINT16_MAX)
			return 0;
	for (size_t index = 0; index < count; index++) {
		uint16_t status = (uint16_t)statuses[index];

		memcpy(bytes + index * sizeof(status), &status, sizeof(status));
	}
	return count;
}

static void widen(char *bytes, uint16_t count)
{
	for (size_t index = count; index-- > 0;) {
		uint16_t narrow;
		uint32_t wide;

		memcpy(&narrow, bytes + index * sizeof(narrow), sizeof(narrow));
		wide = narrow;
		memcpy(bytes + index * sizeof(wide), &wide, sizeof(wide));
	}
}

static int32_t count_completed_status(void *driver, uint16_t vchan, uint16_t most, uint16_t *last_idx, uint16_t *status)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	/* The array of the entry's caller. */
	uint32_t *statuses = (uint32_t *)(void *)status;
	uint16_t count =
		device->saved.functions.completed_status(device->dev_private, vchan, most, last_idx, statuses);
	struct dmadev_engine_counters *engine;
	uint64_t bytes = 0, before;
	uint16_t index;

	if (UNLIKELY(channel == NULL))
		return count;
	add(&channel->counters->activity.polls, 1);
	channel->narrowed = 0;
	if (count == 0) {
		add(&channel->counters->activity.empty_polls, 1);
		return 0;
	}
	engine = &channel->counters->counters.engine;
	index = (uint16_t)(*last_idx - count + 1);
	before = channel->seen_bytes;
	for (uint16_t place = 0; place < count; place++, index++) {
		uint64_t up_to = channel->slots[index & channel->mask].bytes;

		if (LIKELY(statuses[place] == 0))
			bytes += difference(up_to, before);
		else
			count_error(engine, statuses[place]);
		before = up_to;
	}
	add(&engine->bytes, bytes);
	count_kinds(engine, channel->slots[*last_idx & channel->mask].kinds - channel->seen_kinds);
	channel->seen_bytes = before;
	channel->seen_kinds = channel->slots[*last_idx & channel->mask].kinds;
	count_finished(channel, count, (uint16_t)(*last_idx + 1), clinux_ticks());
	channel->narrowed = narrow(statuses, count);
	return count;
}

static int32_t count_dequeue(void *driver, uint16_t vchan, struct dmadev_op **operations, uint16_t most)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint16_t count = device->saved.functions.dequeue(device->dev_private, vchan, operations, most);
	struct dmadev_engine_counters *engine;
	uint64_t bytes = 0;

	if (UNLIKELY(channel == NULL))
		return count;
	add(&channel->counters->activity.polls, 1);
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
	count_finished(channel, count, (uint16_t)(channel->next - channel->pending - channel->in_flight + count),
		       clinux_ticks());
	return count;
}

static int32_t count_burst_capacity(void *driver, uint16_t vchan)
{
	struct device *device = driver;

	return device->saved.functions.burst_capacity(device->dev_private, vchan);
}

void observer_set_functions(int16_t id, struct dmadev_data_path *path)
{
	path->driver = &devices[id];
	path->copy = count_copy;
	path->copy_sg = count_copy_sg;
	path->fill = count_fill;
	path->submit = count_submit;
	path->completed = count_completed;
	path->completed_status = count_completed_status;
	path->burst_capacity = count_burst_capacity;
	path->enqueue_ops = count_enqueue;
	path->dequeue_ops = count_dequeue;
	path->poll = NULL;
}

/* ---------------------------------------------------------------- Entries */

/* Remembers the dev_private that came in. It is always the same, but it is the application's. */
ALWAYS_INLINE void *enter(struct device *device, const void *dev_private)
{
	if (UNLIKELY(device->dev_private != dev_private))
		device->dev_private = (void *)(uintptr_t)dev_private;
	return device->path;
}

#define ENTRIES(id)                                                                                                    \
	static int copy_##id(void *dev_private, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,           \
			     uint64_t flags)                                                                           \
	{                                                                                                              \
		return dmadev_call_copy(enter(&devices[id], dev_private), vchan, src, dst, length, flags);             \
	}                                                                                                              \
	static int copy_sg_##id(void *dev_private, uint16_t vchan, const struct dmadev_sge *src,                       \
				const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)        \
	{                                                                                                              \
		return dmadev_call_copy_sg(enter(&devices[id], dev_private), vchan, src, dst, nb_src, nb_dst, flags);  \
	}                                                                                                              \
	static int fill_##id(void *dev_private, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length,       \
			     uint64_t flags)                                                                           \
	{                                                                                                              \
		return dmadev_call_fill(enter(&devices[id], dev_private), vchan, pattern, dst, length, flags);         \
	}                                                                                                              \
	static int submit_##id(void *dev_private, uint16_t vchan)                                                      \
	{                                                                                                              \
		return dmadev_call_submit(enter(&devices[id], dev_private), vchan);                                    \
	}                                                                                                              \
	static uint16_t completed_##id(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx,           \
				       bool *has_error)                                                                \
	{                                                                                                              \
		return dmadev_call_completed(enter(&devices[id], dev_private), vchan, most, last_idx, has_error);      \
	}                                                                                                              \
	static uint16_t completed_status_##id(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx,    \
					      uint32_t *status)                                                        \
	{                                                                                                              \
		return call_completed_status(&devices[id], dev_private, vchan, most, last_idx, status);                \
	}                                                                                                              \
	static uint16_t burst_capacity_##id(const void *dev_private, uint16_t vchan)                                   \
	{                                                                                                              \
		return dmadev_call_burst_capacity(enter(&devices[id], dev_private), vchan);                            \
	}                                                                                                              \
	static uint16_t enqueue_##id(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t count)        \
	{                                                                                                              \
		return dmadev_call_enqueue_ops(enter(&devices[id], dev_private), vchan, ops, count);                   \
	}                                                                                                              \
	static uint16_t dequeue_##id(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t count)        \
	{                                                                                                              \
		return dmadev_call_dequeue_ops(enter(&devices[id], dev_private), vchan, ops, count);                   \
	}

#define ENTRY(id)                                                                                                      \
	{ { copy_##id,	copy_sg_##id, fill_##id,	  submit_##id, completed_##id, completed_status_##id,        \
	    burst_capacity_##id, enqueue_##id, dequeue_##id } },

#define EIGHT(X, tens)                                                                                                 \
	X(0##tens##0) X(0##tens##1) X(0##tens##2) X(0##tens##3) X(0##tens##4) X(0##tens##5) X(0##tens##6) X(0##tens##7)
/* Octal numbers: 64 of them. */
#define ALL(X) EIGHT(X, 0) EIGHT(X, 1) EIGHT(X, 2) EIGHT(X, 3) EIGHT(X, 4) EIGHT(X, 5) EIGHT(X, 6) EIGHT(X, 7)

static uint16_t call_completed_status(struct device *device, void *dev_private, uint16_t vchan, uint16_t most,
				      uint16_t *last_idx, uint32_t *status)
{
	struct channel *channel = find(device, vchan);
	uint16_t count = dmadev_call_completed_status(enter(device, dev_private), vchan, most, last_idx,
						      (uint16_t *)(void *)status);

	if (count > 0 && channel != NULL && channel->narrowed == count)
		widen((char *)status, count);
	return count;
}

ALL(ENTRIES)

static const union {
	struct functions functions;
	void *words[FUNCTION_COUNT];
} entries[OBSERVER_DEVICE_COUNT] = { ALL(ENTRY) };

/* ---------------------------------------------------------------- Control */

static void *allocate(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Memory of an earlier start is not freed: a faulty application may still use it. */
static bool make_channel(struct channel *channel, uint16_t nb_desc, struct observer_channel_counters *counters)
{
	uint32_t count = 64;

	while (count < nb_desc)
		count *= 2;
	if (channel->slots == NULL || channel->mask < count - 1) {
		struct slot *slots = allocate(count * (sizeof(struct slot) + sizeof(struct doorbell)));

		if (slots == NULL)
			return false;
		channel->slots = slots;
		channel->doorbells = (struct doorbell *)(slots + count);
		channel->mask = count - 1;
	} else {
		memset(channel->slots, 0, (channel->mask + 1) * sizeof(struct slot));
	}
	channel->counters = counters;
	channel->narrowed = channel->next = 0;
	channel->bytes = channel->kinds = channel->seen_bytes = channel->seen_kinds = 0;
	channel->pending = channel->written = channel->read = channel->in_flight = 0;
	counters->activity.in_flight = counters->activity.oldest = 0;
	return true;
}

/* The counters of nb_vchans channels in the present file; those of an earlier start of the same device go on. */
static bool make_counters(struct device *device, const struct dmascope_dpdk_device *observed)
{
	size_t size = observed->nb_vchans * sizeof(struct observer_channel_counters);
	struct observer_channel_counters *counters = device->counters;
	struct observer_file_header *header;
	uint64_t offset;
	bool is_known = device->generation == observer_file_generation() &&
			strncmp(device->name, observed->name, sizeof(device->name) - 1) == 0;

	if (!is_known || device->nb_counters < observed->nb_vchans) {
		counters = observer_file_add(size, &offset);
		if (counters == NULL)
			return false;
		if (is_known)
			memcpy(counters, device->counters, device->nb_counters * sizeof(*counters));
		device->nb_counters = observed->nb_vchans;
	} else {
		offset = 0;
	}
	header = observer_file_begin_change();
	if (offset != 0) {
		header->devices[observed->id].offset = offset;
		header->devices[observed->id].nb_vchans = observed->nb_vchans;
	}
	header->devices[observed->id].channel_bytes = sizeof(struct observer_channel_counters);
	header->devices[observed->id].is_observed = 1;
	strncpy(header->devices[observed->id].name, observed->name, sizeof(header->devices->name) - 1);
	strncpy(header->devices[observed->id].driver, observed->driver, sizeof(header->devices->driver) - 1);
	observer_file_end_change();
	device->counters = counters;
	device->generation = observer_file_generation();
	strncpy(device->name, observed->name, sizeof(device->name) - 1);
	return true;
}

bool observer_is_attached(const struct dmascope_dpdk_device *observed)
{
	if (observed->id < 0 || observed->id >= OBSERVER_DEVICE_COUNT)
		return false;
	for (uint32_t word = 1; word < observed->nb_words; word++)
		if (observed->words[word] == entries[observed->id].words[word - 1])
			return true;
	return false;
}

const char *observer_prepare(const struct dmascope_dpdk_device *observed)
{
	struct device *device;
	struct channel *channels;

	if (observed->id < 0 || observed->id >= OBSERVER_DEVICE_COUNT)
		return "only devices 0 to 63 can be observed";
	if (observed->nb_words < 8 || observed->nb_words > 1 + FUNCTION_COUNT || observed->nb_vchans == 0)
		return "unknown functions or channels";
	device = &devices[observed->id];
	if (observer_is_attached(observed) && device->generation == observer_file_generation())
		return NULL;
	if (!observer_file_open(observed->directory) || !make_counters(device, observed))
		return "not enough memory, or no room for the file of the counters";
	nanoseconds_per_4g_ticks = clinux_nanoseconds_per_4g_ticks();
	channels = device->channels;
	if (device->nb_channels < observed->nb_vchans) {
		channels = allocate(observed->nb_vchans * sizeof(struct channel));
		if (channels == NULL)
			return "not enough memory";
	}
	for (uint16_t vchan = 0; vchan < observed->nb_vchans; vchan++) {
		uint16_t nb_desc = observed->vchans == NULL ? observed->max_desc : observed->vchans[vchan].nb_desc;

		if (!make_channel(&channels[vchan], nb_desc, &device->counters[vchan]))
			return "not enough memory";
	}
	device->channels = channels;
	__atomic_store_n(&device->nb_channels, observed->nb_vchans, __ATOMIC_RELEASE);
	return NULL;
}

void observer_attach(const struct dmascope_dpdk_device *observed, struct dmadev_data_path *path)
{
	struct device *device = &devices[observed->id];

	device->path = path;
	device->dev_private = observed->words[0];
	device->words = observed->words + 1;
	device->nb_functions = observed->nb_words - 1;
	for (uint32_t index = 0; index < device->nb_functions; index++) {
		void *function = device->words[index];

		if (function == NULL || function == entries[observed->id].words[index])
			continue;
		device->saved.words[index] = function;
		__atomic_store_n(&device->words[index], entries[observed->id].words[index], __ATOMIC_RELEASE);
	}
}

void observer_detach(int16_t id)
{
	struct device *device;
	struct observer_file_header *header;

	if (id < 0 || id >= OBSERVER_DEVICE_COUNT || devices[id].words == NULL)
		return;
	device = &devices[id];
	for (uint32_t index = 0; index < device->nb_functions; index++)
		if (device->words[index] == entries[id].words[index])
			__atomic_store_n(&device->words[index], device->saved.words[index], __ATOMIC_RELEASE);
	device->words = NULL;
	if (device->generation != observer_file_generation())
		return;
	header = observer_file_begin_change();
	header->devices[id].is_observed = 0;
	observer_file_end_change();
}

struct observer_channel_counters *observer_counters(int16_t id, uint16_t vchan)
{
	if (id < 0 || id >= OBSERVER_DEVICE_COUNT || vchan >= devices[id].nb_counters)
		return NULL;
	return &devices[id].counters[vchan];
}
