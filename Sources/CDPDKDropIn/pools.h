/* The memory pools of DPDK, if the program has librte_mempool. */
#ifndef POOLS_H
#define POOLS_H

struct rte_mempool;

/* From the first call after librte_mempool is loaded, source buffers with the auto-free flag return to its pools. */
void prepare_pools(void);

/* Before a channel uses a pool. -ENOTSUP: one that only one thread may return buffers to. */
int check_pool(struct rte_mempool *pool);

#endif
