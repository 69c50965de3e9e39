/* A software DMA driver for librte_dmadev of DPDK 22.11, which does what a driver with a device behind it does: an enqueue
 * writes a descriptor of 64 bytes into a ring; a doorbell has the full barrier of a driver whose device may sleep, then
 * executes the descriptors and writes a completion record for each, as the device would; a poll reads the records. It has
 * no thread, so a measurement varies little.
 *
 * With BARE the copy is made by the enqueue, without barrier, descriptors and records: the least that a driver can do. */
#ifndef WORKING_DRIVER_H
#define WORKING_DRIVER_H

#include <errno.h>
#include <string.h>

#include <rte_atomic.h>
#include <rte_dmadev.h>

#define WORKING_RING 1024

/* As a hardware descriptor: one cache line. */
struct working_descriptor {
	uint32_t flags;
	uint32_t opcode;
	uint64_t completion; /* where its record is written */
	uint64_t source;
	uint64_t destination;
	uint32_t length;
	uint32_t reserved[7];
};

struct working_record {
	uint8_t status; /* 0: not finished; 1: successful */
	uint8_t result;
	uint16_t reserved;
	uint32_t completed_bytes;
	uint64_t fault_address;
};

/* dev_private. Indexes that never wrap. */
struct working_device {
	struct working_descriptor descriptors[WORKING_RING];
	struct working_record records[WORKING_RING];
	uint32_t enqueued, rung, polled;
	volatile bool is_asleep; /* never: what a driver reads after the barrier */
};

static void working_ring(struct working_device *device)
{
#ifndef BARE
	rte_smp_mb();
	if (device->is_asleep)
		return;
	for (uint32_t index = device->rung; index != device->enqueued; index++) {
		const struct working_descriptor *descriptor = &device->descriptors[index % WORKING_RING];
		struct working_record *record = (struct working_record *)(uintptr_t)descriptor->completion;

		memcpy((void *)(uintptr_t)descriptor->destination, (const void *)(uintptr_t)descriptor->source,
		       descriptor->length);
		record->completed_bytes = descriptor->length;
		__atomic_store_n(&record->status, 1, __ATOMIC_RELEASE);
	}
#endif
	device->rung = device->enqueued;
}

static int working_copy(void *dev_private, uint16_t vchan, rte_iova_t source, rte_iova_t destination, uint32_t length,
			uint64_t flags)
{
	struct working_device *device = dev_private;
	uint32_t place = device->enqueued % WORKING_RING;

	(void)vchan;
	if (device->enqueued - device->polled == WORKING_RING)
		return -ENOSPC;
#ifdef BARE
	(void)place;
	memcpy((void *)(uintptr_t)destination, (const void *)(uintptr_t)source, length);
#else
	device->records[place].status = 0;
	device->descriptors[place] = (struct working_descriptor){
		.flags = 12, .opcode = 3, .completion = (uintptr_t)&device->records[place], .source = source,
		.destination = destination, .length = length,
	};
#endif
	device->enqueued++;
	if (flags & RTE_DMA_OP_FLAG_SUBMIT)
		working_ring(device);
	return (uint16_t)(device->enqueued - 1);
}

static int working_submit(void *dev_private, uint16_t vchan)
{
	struct working_device *device = dev_private;

	(void)vchan;
	working_ring(device);
	return 0;
}

static uint16_t working_completed(void *dev_private, uint16_t vchan, const uint16_t most, uint16_t *last_idx,
				  bool *has_error)
{
	struct working_device *device = dev_private;
	uint16_t count = 0;

	(void)vchan, (void)has_error;
#ifdef BARE
	count = (uint16_t)RTE_MIN(device->rung - device->polled, (uint32_t)most);
#else
	while (count < most && device->polled + count != device->rung &&
	       __atomic_load_n(&device->records[(device->polled + count) % WORKING_RING].status, __ATOMIC_ACQUIRE) == 1)
		count++;
#endif
	device->polled += count;
	*last_idx = (uint16_t)(device->polled - 1);
	return count;
}

static uint16_t working_burst_capacity(const void *dev_private, uint16_t vchan)
{
	const struct working_device *device = dev_private;

	(void)vchan;
	return (uint16_t)(WORKING_RING - (device->enqueued - device->polled));
}

/* ---------------------------------------------------------------- What librte_dmadev of 22.11 has for drivers */

struct working_data {
	char dev_name[64];
	int16_t dev_id;
	int16_t numa_node;
	void *dev_private;
};

struct working_dmadev {
	void *device;
	struct working_data *data;
	struct rte_dma_fp_object *fp_obj;
	const struct working_operations *operations;
	uint32_t state; /* 2: ready */
};

struct working_operations {
	int (*info_get)(const struct working_dmadev *device, struct rte_dma_info *info, uint32_t size);
	int (*configure)(struct working_dmadev *device, const struct rte_dma_conf *conf, uint32_t size);
	int (*start)(struct working_dmadev *device);
	int (*stop)(struct working_dmadev *device);
	int (*close)(struct working_dmadev *device);
	int (*vchan_setup)(struct working_dmadev *device, uint16_t vchan, const struct rte_dma_vchan_conf *conf,
			   uint32_t size);
	void *others[4];
};

struct working_dmadev *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size);

static int working_info(const struct working_dmadev *device, struct rte_dma_info *info, uint32_t size)
{
	(void)device, (void)size;
	info->dev_capa = RTE_DMA_CAPA_MEM_TO_MEM | RTE_DMA_CAPA_OPS_COPY;
	info->max_vchans = 1;
	info->max_desc = info->min_desc = WORKING_RING;
	return 0;
}

static int working_configure(struct working_dmadev *device, const struct rte_dma_conf *conf, uint32_t size)
{
	(void)device, (void)conf, (void)size;
	return 0;
}

static int working_vchan_setup(struct working_dmadev *device, uint16_t vchan, const struct rte_dma_vchan_conf *conf,
			       uint32_t size)
{
	(void)device, (void)vchan, (void)conf, (void)size;
	return 0;
}

static int working_control(struct working_dmadev *device)
{
	struct working_device *own = device->data->dev_private;

	own->enqueued = own->rung = own->polled = 0;
	return 0;
}

/* Makes device 0. */
static bool working_plug(void)
{
	static const struct working_operations operations = {
		.info_get = working_info, .configure = working_configure, .start = working_control, .stop = working_control,
		.close = working_control, .vchan_setup = working_vchan_setup,
	};
	static uint64_t bus_device[64]; /* the library reads its NUMA node */
	struct working_dmadev *device = rte_dma_pmd_allocate("working0", -1, sizeof(struct working_device));

	if (device == NULL || device->data->dev_id != 0)
		return false;
	device->device = bus_device;
	device->operations = &operations;
	device->fp_obj->dev_private = device->data->dev_private;
	device->fp_obj->copy = working_copy;
	device->fp_obj->submit = working_submit;
	device->fp_obj->completed = working_completed;
	device->fp_obj->burst_capacity = working_burst_capacity;
	device->state = 2;
	return true;
}

#endif
