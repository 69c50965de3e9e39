/* A driver: a device whose "hardware" is memcpy in the doorbell. The library adds counters, checks, events, telemetry.
 *
 *     cc driver.c $(pkg-config --cflags --libs dmadev) -o driver && ./driver
 */
#include <dmadev_driver.h>

#include <errno.h>
#include <string.h>

#define SLOTS 64

/* One channel. The application's thread does all the work, so that the counters need no atomics except for readers. */
struct device {
	struct {
		void *to;
		const void *from;
		uint32_t length;
	} slots[SLOTS];
	uint64_t enqueued, rung, polled;
	struct dmadev_stats stats;
};

static int configure(void *dev, const struct dmadev_conf *conf)
{
	(void)dev, (void)conf;
	return 0;
}

static int vchan_setup(void *dev, uint16_t vchan, const struct dmadev_vchan_conf *conf)
{
	(void)dev, (void)vchan, (void)conf;
	return 0;
}

static int32_t submit(void *dev, uint16_t vchan)
{
	struct device *device = (struct device *)dev;

	(void)vchan;
	for (; device->rung < device->enqueued; device->rung++) {
		uint64_t slot = device->rung % SLOTS;

		memcpy(device->slots[slot].to, device->slots[slot].from, device->slots[slot].length);
		device->stats.submitted++;
		device->stats.completed++;
	}
	return 0;
}

static int32_t copy(void *dev, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct device *device = (struct device *)dev;
	uint64_t index = device->enqueued;

	if (index - device->polled == SLOTS)
		return -ENOSPC;
	device->slots[index % SLOTS].from = (const void *)(uintptr_t)src;
	device->slots[index % SLOTS].to = (void *)(uintptr_t)dst;
	device->slots[index % SLOTS].length = length;
	device->enqueued++;
	if (flags & DMADEV_OP_FLAG_SUBMIT)
		submit(dev, vchan);
	return (uint16_t)index;
}

static int32_t completed_status(void *dev, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, uint16_t *status)
{
	struct device *device = (struct device *)dev;
	uint16_t count = vchan;

	for (; count < nb_cpls && device->polled < device->rung; device->polled++)
		status[count++] = DMADEV_STATUS_SUCCESSFUL;
	*last_idx = (uint16_t)(device->polled - 1);
	return count;
}

static int32_t completed(void *dev, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	uint16_t statuses[SLOTS];

	*has_error = false;
	return completed_status(dev, vchan, nb_cpls < SLOTS ? nb_cpls : SLOTS, last_idx, statuses);
}

static int32_t burst_capacity(void *dev, uint16_t vchan)
{
	const struct device *device = (const struct device *)dev;

	return vchan == 0 ? (int32_t)(SLOTS - (device->enqueued - device->polled)) : 0;
}

static int start(void *dev, struct dmadev_driver_functions *functions)
{
	struct device *device = (struct device *)dev;

	device->enqueued = device->rung = device->polled = 0;
	functions->copy = copy;
	functions->submit = submit;
	functions->completed = completed;
	functions->completed_status = completed_status;
	functions->burst_capacity = burst_capacity;
	return 0;
}

static int no_work(void *dev)
{
	(void)dev;
	return 0;
}

static int vchan_status(void *dev, uint16_t vchan, enum dmadev_vchan_status *status)
{
	(void)dev, (void)vchan;
	*status = DMADEV_VCHAN_IDLE;
	return 0;
}

static int stats_get(void *dev, uint16_t vchan, struct dmadev_stats *stats)
{
	(void)vchan;
	*stats = ((struct device *)dev)->stats;
	return 0;
}

int main(void)
{
	static struct device device;
	struct dmadev_driver_info info = { "memcpy", DMADEV_CAPA_MEM_TO_MEM | DMADEV_CAPA_SVA | DMADEV_CAPA_OPS_COPY,
					   1, SLOTS, SLOTS, 0, 0, -1, 0, { 0 } };
	struct dmadev_driver_ops ops = { configure, vchan_setup, start, no_work, no_work, vchan_status, stats_get,
					 NULL, NULL, NULL, { NULL } };
	struct dmadev_conf conf = { 1, 0, 0, 0 };
	struct dmadev_vchan_conf vchan_conf;
	char from[] = "moved by the driver", to[sizeof(from)];
	int id = dmadev_driver_add("memcpy0", &info, &ops, &device);

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = SLOTS;
	if (id < 0 || dmadev_configure((int16_t)id, &conf) < 0 || dmadev_vchan_setup((int16_t)id, 0, &vchan_conf) < 0 ||
	    dmadev_start((int16_t)id) < 0) {
		fprintf(stderr, "%s\n", dmadev_error());
		return 1;
	}
	dmadev_copy((int16_t)id, 0, (uintptr_t)from, (uintptr_t)to, sizeof(from), DMADEV_OP_FLAG_SUBMIT);
	printf("%u done: %s\n", dmadev_completed((int16_t)id, 0, 8, NULL, NULL), to);
	dmadev_dump((int16_t)id, stdout);
	return -dmadev_stop((int16_t)id) - dmadev_close((int16_t)id);
}
