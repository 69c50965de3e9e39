/* What the application calls instead of the driver's functions.
 *
 * While no session records events the counting functions are called directly; else by way of the call layer, which
 * emits the event and calls the functions of the table. */
#include "counting.h"

#include <dmatrace.h>

#include <string.h>

struct device observer_devices[OBSERVER_DEVICE_COUNT];
uint64_t observer_nanoseconds_per_4g_ticks;

/* ---------------------------------------------------------------- Descriptors, for dmadev:burst */

/* The descriptor of an operation that is in the driver's ring, all zeros but the flags. */
static struct dmadev_descriptor *describe(struct ring *ring, uint16_t index, uint64_t flags)
{
	struct dmadev_descriptor *descriptor = &ring->descriptors[index & ring->mask];

	ring->described = ring->next == index ? ring->described + 1 : 1;
	ring->next = (uint16_t)(index + 1);
	*descriptor = (struct dmadev_descriptor){ .flags = (uint8_t)(flags & DMADEV_DESC_OPERATION_FLAGS) };
	return descriptor;
}

static void describe_lists(struct ring *ring, uint16_t index, uint64_t flags, const struct dmadev_sge *src,
			   const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst)
{
	struct dmadev_descriptor *descriptor = describe(ring, index, flags);
	struct dmadev_sge *entries = ring->entries + (size_t)(index & ring->mask) * 2 * ring->list_limit;

	descriptor->kind = DMADEV_KIND_COPY_SG;
	if (nb_src > ring->list_limit || nb_dst > ring->list_limit)
		return;
	descriptor->nb_src = (uint8_t)nb_src;
	descriptor->nb_dst = (uint8_t)nb_dst;
	memcpy(entries, src, nb_src * sizeof(*entries));
	memcpy(entries + ring->list_limit, dst, nb_dst * sizeof(*entries));
}

static int32_t table_rung(void *driver, uint16_t vchan, struct dmadev_rung *rung)
{
	struct device *device = driver;
	const struct channel *channel;
	const struct ring *ring;

	if (vchan >= device->nb_channels)
		return -EINVAL;
	channel = &device->channels[vchan];
	ring = channel->ring;
	/* Operations that were enqueued before the session began have no descriptors. */
	if (channel->pending > 0 && (ring->next != (uint16_t)(channel->last + 1) || ring->described < channel->pending))
		return -ENOTSUP;
	rung->descriptors = rung->recent = ring->descriptors;
	rung->entries = ring->entries;
	/* Its last 16 bits are the ring index, wherever the driver begins. */
	rung->rung = channel->counters->counters.application.submitted - ring->submitted;
	rung->rung += (uint16_t)(channel->last + 1 - channel->pending - rung->rung);
	rung->nb_slots = rung->nb_recent = ring->mask + 1;
	rung->max_sges = ring->list_limit;
	return 0;
}

/* ---------------------------------------------------------------- The table, for the call layer */

static struct channel *find(struct device *device, uint16_t vchan)
{
	/* The number is written last. */
	return vchan < __atomic_load_n(&device->nb_channels, __ATOMIC_ACQUIRE) ? &device->channels[vchan] : NULL;
}

static int32_t table_copy(void *driver, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	int result;

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.copy(device->dev_private, vchan, src, dst, length, flags);
	result = count_copy(false, device, channel, device->dev_private, vchan, src, dst, length, flags);
	if (result < 0)
		return refuse(channel, result);
	if (dmatrace_dmadev_burst_enabled()) {
		struct dmadev_descriptor *descriptor = describe(channel->ring, (uint16_t)result, flags);

		descriptor->kind = DMADEV_KIND_COPY;
		descriptor->src = src;
		descriptor->dst = dst;
		descriptor->length = length;
	}
	return result;
}

static int32_t table_copy_sg(void *driver, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
			     uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	int result;

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.copy_sg(device->dev_private, vchan, src, dst, nb_src, nb_dst, flags);
	result = count_copy_sg(false, device, channel, device->dev_private, vchan, src, dst, nb_src, nb_dst, flags);
	if (result < 0)
		return refuse(channel, result);
	if (dmatrace_dmadev_burst_enabled())
		describe_lists(channel->ring, (uint16_t)result, flags, src, dst, nb_src, nb_dst);
	return result;
}

static int32_t table_fill(void *driver, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	int result;

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.fill(device->dev_private, vchan, pattern, dst, length, flags);
	result = count_fill(false, device, channel, device->dev_private, vchan, pattern, dst, length, flags);
	if (result < 0)
		return refuse(channel, result);
	if (dmatrace_dmadev_burst_enabled()) {
		struct dmadev_descriptor *descriptor = describe(channel->ring, (uint16_t)result, flags);

		descriptor->kind = DMADEV_KIND_FILL;
		descriptor->src = pattern;
		descriptor->dst = dst;
		descriptor->length = length;
	}
	return result;
}

static int32_t table_submit(void *driver, uint16_t vchan)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.submit(device->dev_private, vchan);
	return count_submit(false, device, channel, device->dev_private, vchan);
}

static int32_t table_completed(void *driver, uint16_t vchan, uint16_t most, uint16_t *last_idx, bool *has_error)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.completed(device->dev_private, vchan, most, last_idx, has_error);
	return count_completed(false, device, channel, device->dev_private, vchan, most, last_idx, has_error);
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

static int32_t table_completed_status(void *driver, uint16_t vchan, uint16_t most, uint16_t *last_idx, uint16_t *status)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	/* The array of the entry's caller. */
	uint32_t *statuses = (uint32_t *)(void *)status;
	uint16_t count;

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.completed_status(device->dev_private, vchan, most, last_idx, statuses);
	count = count_completed_status(false, device, channel, device->dev_private, vchan, most, last_idx, statuses);
	channel->narrowed = narrow(statuses, count);
	return count;
}

static int32_t table_burst_capacity(void *driver, uint16_t vchan)
{
	struct device *device = driver;

	return device->saved.functions.burst_capacity(device->dev_private, vchan);
}

static int32_t table_enqueue(void *driver, uint16_t vchan, struct dmadev_op *const *operations, uint16_t count)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);
	uint16_t next, taken;

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.enqueue(device->dev_private, vchan, (struct dmadev_op **)operations,
						       count);
	next = (uint16_t)(channel->last + 1);
	taken = count_enqueue(false, device, channel, device->dev_private, vchan, (struct dmadev_op **)operations, count);
	for (uint16_t place = 0; place < taken && dmatrace_dmadev_burst_enabled(); place++) {
		const struct dmadev_op *operation = operations[place];
		const struct dmadev_sge *entries = (const struct dmadev_sge *)(operation + 1);

		describe_lists(channel->ring, (uint16_t)(next + place), operation->flags, entries, entries + operation->nb_src,
			       operation->nb_src, operation->nb_dst);
	}
	return taken;
}

static int32_t table_dequeue(void *driver, uint16_t vchan, struct dmadev_op **operations, uint16_t most)
{
	struct device *device = driver;
	struct channel *channel = find(device, vchan);

	if (UNLIKELY(channel == NULL))
		return device->saved.functions.dequeue(device->dev_private, vchan, operations, most);
	return count_dequeue(false, device, channel, device->dev_private, vchan, operations, most);
}

void observer_set_functions(int16_t id, struct dmadev_data_path *path)
{
	path->driver = &observer_devices[id];
	path->copy = table_copy;
	path->copy_sg = table_copy_sg;
	path->fill = table_fill;
	path->submit = table_submit;
	path->completed = table_completed;
	path->completed_status = table_completed_status;
	path->burst_capacity = table_burst_capacity;
	path->enqueue_ops = table_enqueue;
	path->dequeue_ops = table_dequeue;
	path->rung = table_rung;
}

/* ---------------------------------------------------------------- Entries */

/* Remembers the dev_private that came in, for the functions of the table. It is always the same, but it is the
 * application's. */
ALWAYS_INLINE void *enter(struct device *device, const void *dev_private)
{
	if (UNLIKELY(device->dev_private != dev_private))
		device->dev_private = (void *)(uintptr_t)dev_private;
	return device->path;
}

/* Whether the functions of the table need not be called. A channel that the device does not have is the driver's matter. */
ALWAYS_INLINE bool is_direct(const struct device *device, uint16_t vchan)
{
	return LIKELY(vchan < __atomic_load_n(&device->nb_direct, __ATOMIC_ACQUIRE));
}

/* Whether a session records one of two events: one comparison. */
#define RECORDS(one, other)                                                                                            \
	UNLIKELY((*(const volatile int *)&dmatrace_tracepoint_dmadev_##one.state |                                     \
		  *(const volatile int *)&dmatrace_tracepoint_dmadev_##other.state) != 0)

/* The driver has refused a call of a channel: counts it. */
static __attribute__((noinline, cold)) int fail(struct device *device, struct channel *channel, uint32_t call,
						int result)
{
	bool has_arguments = call != DMADEV_CALL_SUBMIT;

	return dmadev_call_failed(device->path, call, refuse(channel, result), (uint16_t)(channel - device->channels),
				  has_arguments ? channel->length : 1, has_arguments ? channel->flags : 0);
}

/* The entries of copies, doorbells and polls are generated whole, the others call one function for all devices. */

static int copy_sg(struct device *device, void *dev_private, uint16_t vchan, const struct dmadev_sge *src,
		   const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct channel *channel;
	int result;

	if (RECORDS(copy_sg, burst) || !is_direct(device, vchan))
		return dmadev_call_copy_sg(enter(device, dev_private), vchan, src, dst, nb_src, nb_dst, flags);
	channel = &device->channels[vchan];
	result = count_copy_sg(true, device, channel, dev_private, vchan, src, dst, nb_src, nb_dst, flags);
	return LIKELY(result >= 0) ? result : fail(device, channel, DMADEV_CALL_COPY_SG, result);
}

static int fill(struct device *device, void *dev_private, uint16_t vchan, uint64_t pattern, uint64_t dst,
		uint32_t length, uint64_t flags)
{
	struct channel *channel;
	int result;

	if (RECORDS(fill, burst) || !is_direct(device, vchan))
		return dmadev_call_fill(enter(device, dev_private), vchan, pattern, dst, length, flags);
	channel = &device->channels[vchan];
	result = count_fill(true, device, channel, dev_private, vchan, pattern, dst, length, flags);
	return LIKELY(result >= 0) ? result : fail(device, channel, DMADEV_CALL_FILL, result);
}

static uint16_t completed_status(struct device *device, void *dev_private, uint16_t vchan, uint16_t most,
				 uint16_t *last_idx, uint32_t *status)
{
	struct channel *channel;
	uint16_t count;

	if (!dmatrace_dmadev_completed_status_enabled() && is_direct(device, vchan))
		return count_completed_status(true, device, &device->channels[vchan], dev_private, vchan, most, last_idx,
					      status);
	channel = find(device, vchan);
	if (channel == NULL)
		return device->saved.functions.completed_status(dev_private, vchan, most, last_idx, status);
	count = dmadev_call_completed_status(enter(device, dev_private), vchan, most, last_idx,
					     (uint16_t *)(void *)status);
	if (count > 0 && channel->narrowed == count)
		widen((char *)status, count);
	return count;
}

static uint16_t burst_capacity(struct device *device, const void *dev_private, uint16_t vchan)
{
	if (dmatrace_dmadev_burst_capacity_enabled())
		return dmadev_call_burst_capacity(enter(device, dev_private), vchan);
	return device->saved.functions.burst_capacity(dev_private, vchan);
}

static uint16_t enqueue(struct device *device, void *dev_private, uint16_t vchan, struct dmadev_op **ops,
			uint16_t count)
{
	if (RECORDS(enqueue_ops, burst) || dmatrace_dmadev_enqueue_rejected_enabled() || !is_direct(device, vchan))
		return dmadev_call_enqueue_ops(enter(device, dev_private), vchan, ops, count);
	return count_enqueue(true, device, &device->channels[vchan], dev_private, vchan, ops, count);
}

static uint16_t dequeue(struct device *device, void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t most)
{
	if (dmatrace_dmadev_dequeue_ops_enabled() || !is_direct(device, vchan))
		return dmadev_call_dequeue_ops(enter(device, dev_private), vchan, ops, most);
	return count_dequeue(true, device, &device->channels[vchan], dev_private, vchan, ops, most);
}

#define DEVICE(id) (&observer_devices[id])

#define ENTRIES(id)                                                                                                    \
	static int copy_##id(void *dev_private, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,           \
			     uint64_t flags)                                                                           \
	{                                                                                                              \
		struct channel *channel;                                                                               \
		int result;                                                                                            \
                                                                                                                       \
		if (RECORDS(copy, burst) || !is_direct(DEVICE(id), vchan))                                             \
			return dmadev_call_copy(enter(DEVICE(id), dev_private), vchan, src, dst, length, flags);       \
		channel = &DEVICE(id)->channels[vchan];                                                                \
		result = count_copy(true, DEVICE(id), channel, dev_private, vchan, src, dst, length, flags);           \
		return LIKELY(result >= 0) ? result : fail(DEVICE(id), channel, DMADEV_CALL_COPY, result);             \
	}                                                                                                              \
	static int copy_sg_##id(void *dev_private, uint16_t vchan, const struct dmadev_sge *src,                       \
				const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags)        \
	{                                                                                                              \
		return copy_sg(DEVICE(id), dev_private, vchan, src, dst, nb_src, nb_dst, flags);                       \
	}                                                                                                              \
	static int fill_##id(void *dev_private, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length,       \
			     uint64_t flags)                                                                           \
	{                                                                                                              \
		return fill(DEVICE(id), dev_private, vchan, pattern, dst, length, flags);                              \
	}                                                                                                              \
	static int submit_##id(void *dev_private, uint16_t vchan)                                                      \
	{                                                                                                              \
		struct channel *channel;                                                                               \
		int result;                                                                                            \
                                                                                                                       \
		if (RECORDS(submit, burst) || !is_direct(DEVICE(id), vchan))                                           \
			return dmadev_call_submit(enter(DEVICE(id), dev_private), vchan);                              \
		channel = &DEVICE(id)->channels[vchan];                                                                \
		result = count_submit(true, DEVICE(id), channel, dev_private, vchan);                                  \
		return LIKELY(result >= 0) ? result : fail(DEVICE(id), channel, DMADEV_CALL_SUBMIT, result);           \
	}                                                                                                              \
	static uint16_t completed_##id(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx,           \
				       bool *has_error)                                                                \
	{                                                                                                              \
		if (dmatrace_dmadev_completed_enabled() || !is_direct(DEVICE(id), vchan))                              \
			return dmadev_call_completed(enter(DEVICE(id), dev_private), vchan, most, last_idx, has_error); \
		return count_completed(true, DEVICE(id), &DEVICE(id)->channels[vchan], dev_private, vchan, most, last_idx, \
				       has_error);                                                                     \
	}                                                                                                              \
	static uint16_t completed_status_##id(void *dev_private, uint16_t vchan, uint16_t most, uint16_t *last_idx,    \
					      uint32_t *status)                                                        \
	{                                                                                                              \
		return completed_status(DEVICE(id), dev_private, vchan, most, last_idx, status);                       \
	}                                                                                                              \
	static uint16_t burst_capacity_##id(const void *dev_private, uint16_t vchan)                                   \
	{                                                                                                              \
		return burst_capacity(DEVICE(id), dev_private, vchan);                                                 \
	}                                                                                                              \
	static uint16_t enqueue_##id(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t count)        \
	{                                                                                                              \
		return enqueue(DEVICE(id), dev_private, vchan, ops, count);                                            \
	}                                                                                                              \
	static uint16_t dequeue_##id(void *dev_private, uint16_t vchan, struct dmadev_op **ops, uint16_t count)        \
	{                                                                                                              \
		return dequeue(DEVICE(id), dev_private, vchan, ops, count);                                            \
	}

#define ENTRY(id)                                                                                                      \
	{ { copy_##id,	copy_sg_##id, fill_##id,	  submit_##id, completed_##id, completed_status_##id,          \
	    burst_capacity_##id, enqueue_##id, dequeue_##id } },

#define EIGHT(X, tens)                                                                                                 \
	X(0##tens##0) X(0##tens##1) X(0##tens##2) X(0##tens##3) X(0##tens##4) X(0##tens##5) X(0##tens##6) X(0##tens##7)
/* Octal numbers: 64 of them. */
#define ALL(X) EIGHT(X, 0) EIGHT(X, 1) EIGHT(X, 2) EIGHT(X, 3) EIGHT(X, 4) EIGHT(X, 5) EIGHT(X, 6) EIGHT(X, 7)

ALL(ENTRIES)

const union function_words observer_entries[OBSERVER_DEVICE_COUNT] = { ALL(ENTRY) };
