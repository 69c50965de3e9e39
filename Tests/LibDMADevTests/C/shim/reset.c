/* Between DPDK's two kinds of tests: the second expects statistics of 0, because DPDK's example driver sets them to 0 when
 * it starts. Linked with --wrap=test_dma_api. */
#include <rte_dmadev.h>

int __real_test_dma_api(uint16_t id);
int __wrap_test_dma_api(uint16_t id);

int __wrap_test_dma_api(uint16_t id)
{
	int result = __real_test_dma_api(id);

	return result == 0 ? rte_dma_stats_reset((int16_t)id, RTE_DMA_ALL_VCHAN) : result;
}
