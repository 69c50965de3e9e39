#include <errno.h>

#include "cpeers.h"

static int32_t no_copy(void *driver, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	(void)driver, (void)vchan, (void)src, (void)dst, (void)length, (void)flags;
	return -ENOTSUP;
}

static int32_t no_copy_sg(void *driver, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
			  uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	(void)driver, (void)vchan, (void)src, (void)dst, (void)nb_src, (void)nb_dst, (void)flags;
	return -ENOTSUP;
}

static int32_t no_channel(void *driver, uint16_t vchan)
{
	(void)driver, (void)vchan;
	return -ENOTSUP;
}

static int32_t no_completed(void *driver, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	(void)driver, (void)vchan, (void)nb_cpls, (void)last_idx, (void)has_error;
	return -ENOTSUP;
}

static int32_t no_statuses(void *driver, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, uint16_t *status)
{
	(void)driver, (void)vchan, (void)nb_cpls, (void)last_idx, (void)status;
	return -ENOTSUP;
}

static int32_t no_enqueue(void *driver, uint16_t vchan, struct dmadev_op *const *ops, uint16_t nb_ops)
{
	(void)driver, (void)vchan, (void)ops, (void)nb_ops;
	return -ENOTSUP;
}

static int32_t no_dequeue(void *driver, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	(void)driver, (void)vchan, (void)ops, (void)nb_ops;
	return -ENOTSUP;
}

struct dmadev_data_path cpeers_empty_table(void)
{
	return (struct dmadev_data_path){
		.copy = no_copy, .copy_sg = no_copy_sg, .fill = no_copy, .submit = no_channel, .completed = no_completed,
		.completed_status = no_statuses, .burst_capacity = no_channel, .enqueue_ops = no_enqueue,
		.dequeue_ops = no_dequeue, .dev_id = -1};
}

static int enqueue(void *self, const void *source, void *destination, uint32_t length)
{
	const struct dmadev_data_path *path = self;
	return path->copy(path->driver, 0, (uint64_t)source, (uint64_t)destination, length, 0);
}

static int submit(void *self)
{
	const struct dmadev_data_path *path = self;
	return path->submit(path->driver, 0);
}

static int poll(void *self, uint16_t most)
{
	const struct dmadev_data_path *path = self;
	uint16_t last;
	bool has_error;
	return path->completed(path->driver, 0, most, &last, &has_error);
}

double cpeers_table(const struct cpeers_work *work, const struct dmadev_data_path *path, double seconds)
{
	return cpeers_run(work, seconds, (void *)path, enqueue, submit, poll);
}

int cpeers_table_calls(const struct dmadev_data_path *path, uint32_t rounds, uint8_t *source, uint8_t *destination,
		       struct cpeers_calls *calls)
{
	return cpeers_time_calls(rounds, (void *)path, source, destination, enqueue, submit, poll, calls);
}

int cpeers_table_latency(const struct dmadev_data_path *path, uint32_t count, uint64_t idle, uint8_t *source,
			 uint8_t *destination, struct cpeers_latency *latency)
{
	return cpeers_time_copies(count, idle, (void *)path, source, destination, enqueue, submit, poll, latency);
}
