/* libdmadev's interface for drivers: makes hardware, or anything else that moves memory, a device of dmadev.h. The
 * library checks arguments and states, counts failures and emits the events of all calls; the driver moves the data. */
#ifndef DMADEV_DRIVER_H
#define DMADEV_DRIVER_H

#include "dmadev.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The constant properties of a device. */
struct dmadev_driver_info {
	const char *driver_name;
	uint64_t dev_capa; /* DMADEV_CAPA_*: only what the driver does; no domain capabilities */
	uint16_t max_vchans;
	uint16_t max_desc; /* up to 32,768 */
	uint16_t min_desc;
	uint16_t max_sges; /* up to 64 */
	uint16_t nb_priorities; /* 0: none */
	int16_t numa_node; /* -1: unknown */
	uint32_t reserved0; /* 0 */
	uint64_t reserved[4]; /* 0 */
};

/* The data path of a started device. A NULL function is one that the device does not support. All return a negative
 * errno, or what dmadev.h says of the call; the library has checked channel, length, flags and the lengths of lists. One
 * thread at a time calls them for a channel. With DMADEV_OP_FLAG_SUBMIT an enqueue rings the doorbell too. */
struct dmadev_driver_functions {
	int32_t (*copy)(void *dev, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags);
	int32_t (*copy_sg)(void *dev, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
			   uint16_t nb_src, uint16_t nb_dst, uint64_t flags);
	int32_t (*fill)(void *dev, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags);
	int32_t (*submit)(void *dev, uint16_t vchan);
	int32_t (*completed)(void *dev, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error);
	/* Statuses have 16 bits each here. */
	int32_t (*completed_status)(void *dev, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
				    uint16_t *status);
	int32_t (*burst_capacity)(void *dev, uint16_t vchan);
	int32_t (*enqueue_ops)(void *dev, uint16_t vchan, struct dmadev_op *const *ops, uint16_t nb_ops);
	int32_t (*dequeue_ops)(void *dev, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops);
	void *reserved[7]; /* NULL */
};

/* The control functions of a device. All return 0 or a negative errno. The library calls those of one device one at a
 * time, except vchan_status and stats_get, which any thread may call at any time, also on a closed device. */
struct dmadev_driver_ops {
	/* On a stopped device. */
	int (*configure)(void *dev, const struct dmadev_conf *conf);
	int (*vchan_setup)(void *dev, uint16_t vchan, const struct dmadev_vchan_conf *conf);
	/* Ring indexes begin at 0. Fills functions in, which are all NULL before. */
	int (*start)(void *dev, struct dmadev_driver_functions *functions);
	/* As dmadev_stop(). */
	int (*stop)(void *dev);
	/* Releases what the device has, but not what the next two need. */
	int (*close)(void *dev);
	int (*vchan_status)(void *dev, uint16_t vchan, enum dmadev_vchan_status *status);
	/* Since the device was made. */
	int (*stats_get)(void *dev, uint16_t vchan, struct dmadev_stats *stats);
	/* Without DMADEV_CAPA_SVA; may be NULL. As dmadev_dma_map() and dmadev_dma_unmap(). */
	int (*dma_map)(void *dev, uint64_t addr, uint64_t length, uint64_t *iova);
	int (*dma_unmap)(void *dev, uint64_t iova);
	/* The library no longer calls any function for dev; may be NULL. */
	void (*released)(void *dev);
	void *reserved[6]; /* NULL */
};

/* Adds a device. dev: the first argument of all functions. info and ops are copied.
 * Returns the device's number. -EINVAL: a missing function, a property out of its range, the name (1 to 63 bytes);
 * -EEXIST: the name is in use; -ENOSPC: the maximum number of devices. */
int dmadev_driver_add(const char *name, const struct dmadev_driver_info *info, const struct dmadev_driver_ops *ops,
		      void *dev);

#ifdef __cplusplus
}
#endif

#endif
