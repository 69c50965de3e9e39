/* DPDK's drivers: a device that one of them makes becomes a device of libdmadev, whose driver calls DPDK's. So its calls
 * cross the call layer, with its checks, counters and events. A driver fills its device in after it got it, and only
 * sets its state when it is ready: the program's next call that looks for devices adds it. Access groups of the drivers
 * are not passed on. */
#include "drivers.h"

#include <pthread.h>

struct device {
	struct rte_dma_dev dev;
	struct rte_dma_dev_data data;
	struct rte_dma_fp_object calls __attribute__((aligned(128)));
	struct device *next;
	bool is_added; /* to libdmadev, or refused by it */
	bool is_closed;
	/* For the driver's control calls and for the readers of its statistics, which come at any time. */
	pthread_mutex_t lock;
	/* The statistics of the driver may begin again at 0 with a control call; those of libdmadev do not: what is to be
	 * added to the driver's, by channel. */
	struct rte_dma_stats *earlier;
};

static struct device *devices;
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---------------------------------------------------------------- Control calls of libdmadev */

static struct rte_dma_stats driver_stats(const struct device *device, uint16_t vchan)
{
	struct rte_dma_stats stats = { 0, 0, 0 };

	if (!device->is_closed && device->dev.dev_ops->stats_get != NULL &&
	    device->dev.dev_ops->stats_get(&device->dev, vchan, &stats, sizeof(stats)) < 0)
		memset(&stats, 0, sizeof(stats));
	return stats;
}

/* Around each control call. */
static void begin(struct device *device)
{
	pthread_mutex_lock(&device->lock);
	for (uint16_t vchan = 0; vchan < device->data.dev_conf.nb_vchans; vchan++) {
		struct rte_dma_stats stats = driver_stats(device, vchan);

		device->earlier[vchan].submitted += stats.submitted;
		device->earlier[vchan].completed += stats.completed;
		device->earlier[vchan].errors += stats.errors;
	}
}

static int end(struct device *device, int result)
{
	for (uint16_t vchan = 0; vchan < device->data.dev_conf.nb_vchans; vchan++) {
		struct rte_dma_stats stats = driver_stats(device, vchan);

		device->earlier[vchan].submitted -= stats.submitted;
		device->earlier[vchan].completed -= stats.completed;
		device->earlier[vchan].errors -= stats.errors;
	}
	pthread_mutex_unlock(&device->lock);
	return result > 0 ? -EIO : result;
}

static int configure(void *argument, const struct dmadev_conf *own)
{
	struct device *device = argument;
	struct rte_dma_conf conf;
	int result;

	memset(&conf, 0, sizeof(conf));
	conf.nb_vchans = own->nb_vchans;
#if DROPIN_ABI == 27
	conf.priority = own->priority;
	conf.flags = own->flags;
#else
	conf.enable_silent = (own->flags & DMADEV_CFG_FLAG_SILENT) != 0;
#endif
	begin(device);
	result = device->dev.dev_ops->dev_configure(&device->dev, &conf, sizeof(conf));
	if (result == 0)
		device->data.dev_conf = conf;
	return end(device, result);
}

static int vchan_setup(void *argument, uint16_t vchan, const struct dmadev_vchan_conf *own)
{
	struct device *device = argument;
	struct rte_dma_vchan_conf conf;

	memcpy(&conf, own, sizeof(conf));
	begin(device);
	return end(device, device->dev.dev_ops->vchan_setup(&device->dev, vchan, &conf, sizeof(conf)));
}

static int stop(void *argument)
{
	struct device *device = argument;
	int result;

	begin(device);
	result = device->dev.dev_ops->dev_stop == NULL ? 0 : device->dev.dev_ops->dev_stop(&device->dev);
	if (result == 0)
		device->data.dev_started = 0;
	return end(device, result);
}

static int close_device(void *argument)
{
	struct device *device = argument;
	int result;

	begin(device);
	result = device->dev.dev_ops->dev_close(&device->dev);
	device->is_closed = result == 0;
	return end(device, result);
}

static int vchan_status(void *argument, uint16_t vchan, enum dmadev_vchan_status *own)
{
	struct device *device = argument;
	enum rte_dma_vchan_status status;
	int result = -ENODEV;

	pthread_mutex_lock(&device->lock);
	if (!device->is_closed)
		result = device->dev.dev_ops->vchan_status == NULL ?
				 -ENOTSUP : device->dev.dev_ops->vchan_status(&device->dev, vchan, &status);
	pthread_mutex_unlock(&device->lock);
	if (result == 0)
		*own = (enum dmadev_vchan_status)status;
	return result;
}

static int stats_get(void *argument, uint16_t vchan, struct dmadev_stats *own)
{
	struct device *device = argument;
	int result = -EINVAL;

	pthread_mutex_lock(&device->lock);
	if (vchan < device->data.dev_conf.nb_vchans) {
		struct rte_dma_stats stats = driver_stats(device, vchan);

		own->submitted = device->earlier[vchan].submitted + stats.submitted;
		own->completed = device->earlier[vchan].completed + stats.completed;
		own->errors = device->earlier[vchan].errors + stats.errors;
		result = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return result;
}

static void destroy(struct device *device)
{
	struct device **place = &devices;

	pthread_mutex_lock(&devices_lock);
	while (*place != device)
		place = &(*place)->next;
	*place = device->next;
	pthread_mutex_unlock(&devices_lock);
	pthread_mutex_destroy(&device->lock);
	rte_free(device->data.dev_private);
	free(device->earlier);
	free(device);
}

static void released(void *argument)
{
	destroy(argument);
}

/* ---------------------------------------------------------------- Data calls of libdmadev */

#define CALLS(argument) (&((struct device *)(argument))->calls)

static int32_t copy(void *argument, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	return CALLS(argument)->copy(CALLS(argument)->dev_private, vchan, src, dst, length, flags);
}

static int32_t copy_sg(void *argument, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
		       uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	return CALLS(argument)->copy_sg(CALLS(argument)->dev_private, vchan, (const struct rte_dma_sge *)src,
					(const struct rte_dma_sge *)dst, nb_src, nb_dst, flags);
}

static int32_t fill(void *argument, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	return CALLS(argument)->fill(CALLS(argument)->dev_private, vchan, pattern, dst, length, flags);
}

static int32_t submit(void *argument, uint16_t vchan)
{
	return CALLS(argument)->submit(CALLS(argument)->dev_private, vchan);
}

static int32_t completed(void *argument, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	return CALLS(argument)->completed(CALLS(argument)->dev_private, vchan, nb_cpls, last_idx, has_error);
}

static int32_t completed_status(void *argument, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, uint16_t *status)
{
	enum rte_dma_status_code wide[64];
	uint16_t taken = 0, count, most;

	do {
		most = nb_cpls - taken < 64 ? nb_cpls - taken : 64;
		count = CALLS(argument)->completed_status(CALLS(argument)->dev_private, vchan, most, last_idx, wide);
		for (uint16_t index = 0; index < count; index++)
			status[taken + index] = (uint16_t)wide[index];
		taken += count;
	} while (taken < nb_cpls && count == most);
	return taken;
}

static int32_t burst_capacity(void *argument, uint16_t vchan)
{
	return CALLS(argument)->burst_capacity(CALLS(argument)->dev_private, vchan);
}

#if DROPIN_ABI == 27
static int32_t enqueue(void *argument, uint16_t vchan, struct dmadev_op *const *ops, uint16_t nb_ops)
{
	return CALLS(argument)->enqueue(CALLS(argument)->dev_private, vchan, (struct rte_dma_op **)ops, nb_ops);
}

static int32_t dequeue(void *argument, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	return CALLS(argument)->dequeue(CALLS(argument)->dev_private, vchan, (struct rte_dma_op **)ops, nb_ops);
}
#endif

static int start(void *argument, struct dmadev_driver_functions *functions)
{
	struct device *device = argument;
	int result;

	begin(device);
	result = device->dev.dev_ops->dev_start == NULL ? 0 : device->dev.dev_ops->dev_start(&device->dev);
	if (result == 0)
		device->data.dev_started = 1;
#define SET(function, own)                     \
	if (device->calls.function != NULL)    \
		functions->own = function
	SET(copy, copy);
	SET(copy_sg, copy_sg);
	SET(fill, fill);
	SET(submit, submit);
	SET(completed, completed);
	SET(completed_status, completed_status);
	SET(burst_capacity, burst_capacity);
#if DROPIN_ABI == 27
	SET(enqueue, enqueue_ops);
	SET(dequeue, dequeue_ops);
#endif
	return end(device, result);
}

/* ---------------------------------------------------------------- Devices */

static int add(struct device *device)
{
	static const struct dmadev_driver_ops ops = { configure,    vchan_setup, start,	stop,	  close_device, vchan_status,
						      stats_get, NULL,	      NULL,  released, { NULL } };
	const struct rte_dma_dev_ops *driver = device->dev.dev_ops;
	struct dmadev_driver_info own;
	struct rte_dma_info info;
	int result;

	if (driver == NULL || driver->dev_info_get == NULL || driver->dev_configure == NULL || driver->vchan_setup == NULL ||
	    driver->dev_close == NULL)
		return -ENOTSUP;
	memset(&info, 0, sizeof(info));
	result = driver->dev_info_get(&device->dev, &info, INFO_BYTES);
	if (result != 0)
		return result < 0 ? result : -EIO;
	memset(&own, 0, sizeof(own));
	own.driver_name = "dpdk";
	own.dev_capa = info.dev_capa & ~(DMADEV_CAPA_INTER_PROCESS_DOMAIN | DMADEV_CAPA_INTER_OS_DOMAIN);
	own.max_vchans = info.max_vchans;
	own.max_desc = info.max_desc < 32768 ? info.max_desc : 32768;
	own.min_desc = info.min_desc > 0 ? info.min_desc : 1;
	own.max_sges = info.max_sges < 64 ? info.max_sges : 64;
#if DROPIN_ABI == 27
	own.nb_priorities = info.nb_priorities;
#endif
	own.numa_node = device->data.numa_node;
	device->earlier = calloc(info.max_vchans, sizeof(*device->earlier));
	if (device->earlier == NULL)
		return -ENOMEM;
	result = dmadev_driver_add(device->data.dev_name, &own, &ops, device);
	if (result >= 0)
		device->data.dev_id = (int16_t)result;
	else
		LOG(ERR, "%s\n", dmadev_error());
	return result;
}

void adopt_devices(void)
{
	pthread_mutex_lock(&devices_lock);
	for (struct device *device = devices; device != NULL; device = device->next) {
		int result;

		if (device->is_added || device->dev.state != RTE_DMA_DEV_READY)
			continue;
		device->is_added = true;
		result = add(device);
		device->is_closed = result < 0;
		if (result < 0)
			LOG(ERR, "%s: the device of DPDK's driver cannot be added: %s\n", device->data.dev_name,
			    strerror(-result));
	}
	pthread_mutex_unlock(&devices_lock);
}

static struct device *device_named(const char *name)
{
	struct device *device = devices;

	while (device != NULL && (device->is_closed || strcmp(device->data.dev_name, name) != 0))
		device = device->next;
	return device;
}

/* The number that the next device will get, unless another one comes before. */
static int16_t next_number(void)
{
	int16_t number = 0;

	for (bool is_free = false; !is_free; number += !is_free) {
		is_free = !dmadev_is_valid(number);
		for (const struct device *device = devices; device != NULL && is_free; device = device->next)
			is_free = device->is_added || device->data.dev_id != number;
	}
	return number;
}

struct rte_dma_dev *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size)
{
	struct device *device;

	if (name == NULL || *name == '\0' || strlen(name) >= sizeof(device->data.dev_name) || private_data_size == 0)
		return NULL;
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		LOG(ERR, "%s: only the primary process can have devices of DPDK's drivers\n", name);
		return NULL;
	}
	device = aligned_alloc(128, (sizeof(*device) + 127) / 128 * 128);
	if (device == NULL)
		return NULL;
	memset(device, 0, sizeof(*device));
	device->data.dev_private = rte_zmalloc_socket(name, private_data_size, 64, numa_node);
	pthread_mutex_lock(&devices_lock);
	if (device->data.dev_private == NULL || device_named(name) != NULL || dmadev_get_dev_id_by_name(name) >= 0) {
		pthread_mutex_unlock(&devices_lock);
		LOG(ERR, "%s: no memory, or there is a device with this name\n", name);
		rte_free(device->data.dev_private);
		free(device);
		return NULL;
	}
	pthread_mutex_init(&device->lock, NULL);
	strcpy(device->data.dev_name, name);
	device->data.dev_id = next_number();
	device->data.numa_node = (int16_t)numa_node;
	device->dev.data = &device->data;
	device->dev.fp_obj = &device->calls;
	device->dev.state = RTE_DMA_DEV_REGISTERED;
	device->next = devices;
	devices = device;
	pthread_mutex_unlock(&devices_lock);
	return &device->dev;
}

int rte_dma_pmd_release(const char *name)
{
	struct device *device;

	if (name == NULL)
		return -EINVAL;
	adopt_devices();
	pthread_mutex_lock(&devices_lock);
	device = device_named(name);
	pthread_mutex_unlock(&devices_lock);
	if (device == NULL)
		return -EINVAL;
	if (device->is_added)
		return dmadev_close(device->data.dev_id);
	destroy(device);
	return 0;
}

struct rte_dma_dev *rte_dma_pmd_get_dev_by_id(int16_t dev_id)
{
	struct device *device;

	pthread_mutex_lock(&devices_lock);
	device = devices;
	while (device != NULL && (!device->is_added || device->is_closed || device->data.dev_id != dev_id))
		device = device->next;
	pthread_mutex_unlock(&devices_lock);
	return device == NULL ? NULL : &device->dev;
}
