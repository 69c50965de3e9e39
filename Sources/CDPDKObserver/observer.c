/* Control: which devices are observed, and where their counters lie. */
#include "counting.h"
#include "file.h"

#include <string.h>
#include <sys/mman.h>

static_assert(sizeof(struct observer_activity) == 64, "one line");
static_assert(sizeof(struct observer_channel_counters) % 64 == 0, "channels do not share a line");
static_assert(sizeof(struct observer_file_device) == 128 && sizeof(struct observer_file_header) == 64 + 64 * 128,
	      "the layout of the file");

static void *allocate(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Nothing is in flight any more. */
static void abandon(struct observer_channel_counters *counters)
{
	store(&counters->activity.oldest, 0);
	store(&counters->activity.abandoned,
	      counters->counters.application.submitted - counters->counters.engine.completed);
}

/* Lists in events: a device with longer ones has not much memory for them. */
#define LIST_LIMIT 8

static struct ring *make_ring(uint32_t count, uint16_t max_sges)
{
	uint16_t limit = max_sges < LIST_LIMIT ? max_sges : LIST_LIMIT;
	size_t lists = count * sizeof(struct doorbell), descriptors = lists + count * sizeof(uint64_t),
	       entries = descriptors + count * sizeof(struct dmadev_descriptor),
	       size = entries + (size_t)count * 2 * limit * sizeof(struct dmadev_sge);
	struct ring *ring = allocate(sizeof(*ring) + count * sizeof(uint64_t) + size);
	char *arrays;

	if (ring == NULL)
		return NULL;
	arrays = (char *)&ring->bytes_up_to[count];
	ring->mask = count - 1;
	ring->list_limit = limit;
	ring->doorbells = (struct doorbell *)arrays;
	ring->kinds_up_to = (uint64_t *)(arrays + lists);
	ring->descriptors = (struct dmadev_descriptor *)(arrays + descriptors);
	ring->entries = (struct dmadev_sge *)(arrays + entries);
	return ring;
}

static bool make_channel(struct channel *channel, uint16_t nb_desc, const struct dmascope_dpdk_device *observed,
			 struct observer_channel_counters *counters)
{
	struct ring *ring = channel->ring;
	uint32_t count = 64;

	while (count < nb_desc)
		count *= 2;
	if (ring == NULL || ring->mask < count - 1 || (ring->list_limit == 0 && observed->max_sges > 0)) {
		ring = make_ring(count, observed->max_sges);
		if (ring == NULL)
			return false;
	} else {
		memset(ring->bytes_up_to, 0, (ring->mask + 1) * sizeof(uint64_t));
		memset(ring->kinds_up_to, 0, (ring->mask + 1) * sizeof(uint64_t));
		ring->described = ring->next = 0;
	}
	ring->submitted = counters->counters.application.submitted;
	__atomic_store_n(&channel->ring, ring, __ATOMIC_RELEASE);
	channel->counters = counters;
	channel->is_silent = (observed->flags & DMADEV_MODE_SILENT) != 0;
	channel->has_kinds = false;
	channel->narrowed = channel->dequeued = 0;
	channel->last = UINT32_MAX;
	channel->bytes = channel->kinds = channel->seen_bytes = channel->seen_kinds = 0;
	channel->pending = channel->written = channel->read = 0;
	abandon(counters);
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
	header->devices[observed->id].is_silent = (observed->flags & DMADEV_MODE_SILENT) != 0;
	strncpy(header->devices[observed->id].name, observed->name, sizeof(header->devices->name) - 1);
	strncpy(header->devices[observed->id].driver, observed->driver, sizeof(header->devices->driver) - 1);
	observer_file_end_change();
	device->counters = counters;
	device->generation = observer_file_generation();
	strncpy(device->name, observed->name, sizeof(device->name) - 1);
	return true;
}

bool observer_has_entries(void *const *words, int16_t id)
{
	if (id < 0 || id >= OBSERVER_DEVICE_COUNT)
		return false;
	/* Those that each layout has. */
	for (uint32_t word = 1; word < 8; word++)
		if (words[word] != NULL && words[word] == observer_entries[id].words[word - 1])
			return true;
	return false;
}

bool observer_is_attached(const struct dmascope_dpdk_device *observed)
{
	return observer_has_entries(observed->words, observed->id);
}

const char *observer_prepare(const struct dmascope_dpdk_device *observed)
{
	struct device *device;
	struct channel *channels;
	bool is_direct = true;

	if (observed->id < 0 || observed->id >= OBSERVER_DEVICE_COUNT)
		return "only devices 0 to 63 can be observed";
	if (observed->nb_words < 8 || observed->nb_words > 1 + FUNCTION_COUNT || observed->nb_vchans == 0)
		return "unknown functions or channels";
	device = &observer_devices[observed->id];
	if (observer_is_attached(observed) && device->generation == observer_file_generation())
		return NULL;
	if (!observer_file_open(observed->directory) || !make_counters(device, observed))
		return "not enough memory, or no room for the file of the counters";
	observer_nanoseconds_per_4g_ticks = clinux_nanoseconds_per_4g_ticks();
	channels = device->channels;
	if (device->nb_channels < observed->nb_vchans) {
		channels = allocate(observed->nb_vchans * sizeof(struct channel));
		if (channels == NULL)
			return "not enough memory";
	}
	for (uint16_t vchan = 0; vchan < observed->nb_vchans; vchan++) {
		uint16_t nb_desc = observed->vchans == NULL ? observed->max_desc : observed->vchans[vchan].nb_desc;

		if (!make_channel(&channels[vchan], nb_desc, observed, &device->counters[vchan]))
			return "not enough memory";
	}
	device->channels = channels;
	__atomic_store_n(&device->nb_channels, observed->nb_vchans, __ATOMIC_RELEASE);
#if defined(__x86_64__)
	is_direct = clinux_has_invariant_tsc;
#endif
	__atomic_store_n(&device->nb_direct, is_direct ? observed->nb_vchans : 0, __ATOMIC_RELEASE);
	return NULL;
}

void observer_attach(const struct dmascope_dpdk_device *observed, struct dmadev_data_path *path)
{
	struct device *device = &observer_devices[observed->id];

	device->path = path;
	device->dev_private = observed->words[0];
	device->words = observed->words + 1;
	device->nb_functions = observed->nb_words - 1;
	for (uint32_t index = 0; index < device->nb_functions; index++) {
		void *function = device->words[index];

		if (function == NULL || function == observer_entries[observed->id].words[index])
			continue;
		device->saved.words[index] = function;
		__atomic_store_n(&device->words[index], observer_entries[observed->id].words[index], __ATOMIC_RELEASE);
	}
}

void observer_detach(int16_t id)
{
	struct device *device;
	struct observer_file_header *header;

	if (id < 0 || id >= OBSERVER_DEVICE_COUNT || observer_devices[id].words == NULL)
		return;
	device = &observer_devices[id];
	for (uint32_t index = 0; index < device->nb_functions; index++)
		if (device->words[index] == observer_entries[id].words[index])
			__atomic_store_n(&device->words[index], device->saved.words[index], __ATOMIC_RELEASE);
	device->words = NULL;
	for (uint16_t vchan = 0; vchan < device->nb_channels; vchan++)
		abandon(device->channels[vchan].counters);
	if (device->generation != observer_file_generation())
		return;
	header = observer_file_begin_change();
	header->devices[id].is_observed = 0;
	observer_file_end_change();
}

struct observer_channel_counters *observer_counters(int16_t id, uint16_t vchan)
{
	if (id < 0 || id >= OBSERVER_DEVICE_COUNT || vchan >= observer_devices[id].nb_counters)
		return NULL;
	return &observer_devices[id].counters[vchan];
}

bool observer_is_silent(int16_t id)
{
	const struct device *device = id >= 0 && id < OBSERVER_DEVICE_COUNT ? &observer_devices[id] : NULL;

	return device != NULL && device->nb_channels > 0 && device->channels[0].is_silent;
}

uint16_t observer_channel_count(int16_t id)
{
	return id >= 0 && id < OBSERVER_DEVICE_COUNT ? (uint16_t)observer_devices[id].nb_channels : 0;
}

bool observer_is_observed(int16_t id)
{
	return id >= 0 && id < OBSERVER_DEVICE_COUNT && observer_devices[id].words != NULL;
}
