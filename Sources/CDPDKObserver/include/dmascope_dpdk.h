/* Between the stub, which an application of DPDK loads, and libdmadev, which the stub loads when the first device starts.
 * Both are of one installation; the version makes sure of it. */
#ifndef DMASCOPE_DPDK_H
#define DMASCOPE_DPDK_H

#include <stdbool.h>
#include <stdint.h>

#define DMASCOPE_OBSERVER_VERSION 1

struct dmascope_dpdk_vchan {
	uint32_t direction; /* as enum rte_dma_direction */
	uint16_t nb_desc;
	uint16_t reserved;
};

/* As struct rte_dma_stats. */
struct dmascope_dpdk_stats {
	uint64_t submitted;
	uint64_t completed;
	uint64_t errors;
};

/* A started device of the application. */
struct dmascope_dpdk_device {
	/* Its entry of rte_dma_fp_objs: dev_private, then the functions. */
	void **words;
	uint32_t nb_words; /* 8, or 10 with enqueue and dequeue */
	int16_t id;
	uint16_t nb_vchans;
	const struct dmascope_dpdk_vchan *vchans; /* NULL: not known */
	const char *name;
	const char *driver; /* the name of the file that has its functions, as dma_skeleton */
	const char *directory; /* the run directory of the application's EAL; empty: not known */
	/* rte_dma_stats_get; NULL: not found. */
	int (*stats_get)(int16_t id, uint16_t vchan, struct dmascope_dpdk_stats *stats);
	/* Finds a symbol of the application's DPDK; NULL: there is none. */
	void *(*find)(const char *name);
	uint64_t capabilities; /* as RTE_DMA_CAPA_* */
	uint64_t flags; /* of its configuration, as DMADEV_CFG_FLAG_* */
	uint16_t max_vchans;
	uint16_t max_desc;
	uint16_t min_desc;
	uint16_t max_sges;
	int16_t numa_node;
	uint16_t reserved[3];
};

/* The stub makes these calls one at a time. */
struct dmascope_observer {
	/* Begins to observe a device, or goes on. Returns NULL, or the reason why it does not. */
	const char *(*attach)(const struct dmascope_dpdk_device *device);
	/* Whether the functions of an entry of rte_dma_fp_objs are replaced. */
	bool (*is_attached)(void *const *words, int16_t id);
	/* The device has stopped. */
	void (*detach)(int16_t id);
	/* The device has been closed. */
	void (*closed)(int16_t id);
	/* The application has reset DPDK's statistics of a channel; 65535: of all. */
	void (*reset)(int16_t id, uint16_t vchan);
};

/* The only symbol that the stub takes from libdmadev. Returns NULL for another version than the library's. */
const struct dmascope_observer *dmascope_observer(uint32_t version);

#endif
