/* What DPDK's drivers and its dmadev library share: rte_dmadev_pmd.h, which Debian does not ship. 26.11 has the same, with
 * more functions of domains behind the last one. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include "dropin.h"

struct rte_dma_dev;

struct rte_dma_dev_ops {
	int (*dev_info_get)(const struct rte_dma_dev *dev, struct rte_dma_info *info, uint32_t size);
	int (*dev_configure)(struct rte_dma_dev *dev, const struct rte_dma_conf *conf, uint32_t size);
	int (*dev_start)(struct rte_dma_dev *dev);
	int (*dev_stop)(struct rte_dma_dev *dev);
	int (*dev_close)(struct rte_dma_dev *dev);
	int (*vchan_setup)(struct rte_dma_dev *dev, uint16_t vchan, const struct rte_dma_vchan_conf *conf, uint32_t size);
	int (*stats_get)(const struct rte_dma_dev *dev, uint16_t vchan, struct rte_dma_stats *stats, uint32_t size);
	int (*stats_reset)(struct rte_dma_dev *dev, uint16_t vchan);
	int (*vchan_status)(const struct rte_dma_dev *dev, uint16_t vchan, enum rte_dma_vchan_status *status);
	int (*dev_dump)(const struct rte_dma_dev *dev, FILE *file);
};

struct rte_dma_dev_data {
	char dev_name[64];
	int16_t dev_id;
	int16_t numa_node;
	void *dev_private;
	struct rte_dma_conf dev_conf;
	uint8_t dev_started; /* bit 0 */
	uint64_t reserved[2];
} __attribute__((aligned(64)));

enum rte_dma_dev_state { RTE_DMA_DEV_UNUSED, RTE_DMA_DEV_REGISTERED, RTE_DMA_DEV_READY };

struct rte_dma_dev {
	void *device;
	struct rte_dma_dev_data *data;
	struct rte_dma_fp_object *fp_obj;
	const struct rte_dma_dev_ops *dev_ops;
	enum rte_dma_dev_state state; /* ready: set by the driver when it has filled all in */
	uint64_t reserved[2];
} __attribute__((aligned(64)));

struct rte_dma_dev *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size);
int rte_dma_pmd_release(const char *name);
/* NULL also for a device that is not of a driver of DPDK. */
struct rte_dma_dev *rte_dma_pmd_get_dev_by_id(int16_t dev_id);

/* Adds the devices that drivers have made ready. */
void adopt_devices(void);

#endif
