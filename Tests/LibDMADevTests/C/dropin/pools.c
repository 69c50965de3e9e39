/* Source buffers return to a pool of librte_mempool. DPDK 22.11 cannot name a pool for a channel, so this does it by
 * dmadev.h. scripts/check-dpdk-dropin runs it. */
#include <rte_config.h>
#undef RTE_USE_LIBBSD
#include <rte_dmadev.h>
#include <rte_eal.h>
#include <rte_mempool.h>

#include "../expect.h"

#define OBJECTS 63
#define TAKEN 8

static void copy(uint64_t source)
{
	uint16_t last, done = 0;
	bool has_error = false;

	EXPECT(rte_dma_copy(0, 0, source, 4096, 64, DMADEV_OP_FLAG_AUTO_FREE | RTE_DMA_OP_FLAG_SUBMIT) >= 0);
	while (done == 0 && !has_error)
		done = rte_dma_completed(0, 0, 1, &last, &has_error);
	EXPECT(done == 1);
}

int main(int argc, char **argv)
{
	struct rte_dma_conf conf = { 1, false };
	struct dmadev_vchan_conf vchan_conf;
	struct dmadev_info info;
	struct rte_mempool *pool;
	void *objects[OBJECTS];
	char stranger[64];

	if (rte_eal_init(argc, argv) < 0)
		return 2;
	pool = rte_mempool_create("buffers", OBJECTS, 256, 0, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	EXPECT(pool != NULL && rte_mempool_get_bulk(pool, objects, TAKEN) == 0);

	EXPECT(rte_dma_count_avail() == 1 && dmadev_info_get(0, &info) == 0);
	EXPECT((info.dev_capa & DMADEV_CAPA_M2D_AUTO_FREE) != 0);
	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.direction = DMADEV_DIR_MEM_TO_DEV;
	vchan_conf.dst_port.port_type = DMADEV_PORT_PCIE;
	vchan_conf.nb_desc = 32;
	vchan_conf.auto_free_pool = pool;
	EXPECT(rte_dma_configure(0, &conf) == 0 && dmadev_vchan_setup(0, 0, &vchan_conf) == 0 && rte_dma_start(0) == 0);

	/* Addresses inside of objects, and one that is in none. */
	for (int index = 0; index < TAKEN; index++)
		copy((uintptr_t)objects[index] + (index % 2 == 0 ? 0 : 191));
	EXPECT(rte_mempool_avail_count(pool) == OBJECTS);
	copy((uintptr_t)stranger);
	EXPECT(rte_mempool_avail_count(pool) == OBJECTS);

	/* They are the objects themselves: each can be taken once. */
	EXPECT(rte_mempool_get_bulk(pool, objects, OBJECTS) == 0);
	for (int index = 0; index < OBJECTS; index++) {
		EXPECT(rte_mempool_from_obj(objects[index]) == pool);
		for (int other = 0; other < index; other++)
			EXPECT(objects[other] != objects[index]);
	}
	EXPECT(rte_dma_stop(0) == 0);
	return failures != 0;
}
