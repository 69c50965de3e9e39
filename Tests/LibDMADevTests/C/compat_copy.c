/* A program as a user of DPDK writes it: its only header of DPDK is rte_dmadev.h, and it expects a device with virtual
 * addresses to be there. 0: every result was right. */
#include <rte_dmadev.h>

#define BYTES 4096
#define DESCRIPTORS 64
#define EXPECT(condition)                                                                           \
	do {                                                                                        \
		if (!(condition))                                                                   \
			rte_exit(EXIT_FAILURE, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
	} while (0)

static char source[BYTES], destination[BYTES];

static rte_iova_t iova(const void *address)
{
	return (rte_iova_t)(uintptr_t)address;
}

static void reset(void)
{
	for (size_t index = 0; index < RTE_DIM(source); index++)
		source[index] = (char)(index * 7);
	memset(destination, 0, sizeof(destination));
}

/* Waits until everything that was rung is finished. */
static void drain(int16_t dev_id)
{
	enum rte_dma_vchan_status status;

	do
		EXPECT(rte_dma_vchan_status(dev_id, 0, &status) == 0);
	while (status == RTE_DMA_VCHAN_ACTIVE);
	EXPECT(status == RTE_DMA_VCHAN_IDLE);
}

/* Polls for one success with this ring index. */
static void expect_completion(int16_t dev_id, uint16_t ring_idx)
{
	uint16_t last_idx = UINT16_MAX;
	bool has_error = true;

	drain(dev_id);
	EXPECT(rte_dma_completed(dev_id, 0, 8, &last_idx, &has_error) == 1);
	EXPECT(last_idx == ring_idx && !has_error);
}

static int16_t find(void)
{
	struct rte_dma_info info;
	int16_t dev_id, found = -1;
	uint16_t count = 0;

	RTE_DMA_FOREACH_DEV(dev_id) {
		EXPECT(rte_dma_info_get(dev_id, &info) == 0);
		printf("%s: capabilities %#llx, channels %u, descriptors %u to %u, NUMA node %d\n", info.dev_name,
		       (unsigned long long)info.dev_capa, info.max_vchans, info.min_desc, info.max_desc,
		       info.numa_node);
		if (strcmp(info.dev_name, "dma0") == 0)
			found = dev_id;
		count++;
	}
	EXPECT(count == rte_dma_count_avail() && found >= 0);
	EXPECT(rte_dma_is_valid(found) && !rte_dma_is_valid(-1));
	EXPECT(rte_dma_get_dev_id_by_name("dma0") == found);
	EXPECT(rte_dma_get_dev_id_by_name("none") < 0);
	return found;
}

static void set_up(int16_t dev_id)
{
	const uint64_t needed = RTE_DMA_CAPA_MEM_TO_MEM | RTE_DMA_CAPA_SVA | RTE_DMA_CAPA_HANDLES_ERRORS |
				RTE_DMA_CAPA_OPS_COPY | RTE_DMA_CAPA_OPS_COPY_SG | RTE_DMA_CAPA_OPS_FILL;
	struct rte_dma_info info;
	struct rte_dma_conf conf;
	struct rte_dma_vchan_conf vchan_conf;

	EXPECT(rte_dma_info_get(dev_id, &info) == 0 && (info.dev_capa & needed) == needed);
	memset(&conf, 0, sizeof(conf));
	EXPECT(rte_dma_configure(dev_id, &conf) == -EINVAL);
	conf.nb_vchans = 1;
	EXPECT(rte_dma_configure(dev_id, &conf) == 0);
	memset(&vchan_conf, 0xFF, sizeof(vchan_conf)); /* padding and reserved fields do not matter */
	vchan_conf.direction = RTE_DMA_DIR_MEM_TO_MEM;
	vchan_conf.nb_desc = RTE_MAX(info.min_desc, (uint16_t)DESCRIPTORS);
	vchan_conf.src_port.port_type = RTE_DMA_PORT_NONE;
	vchan_conf.dst_port.port_type = RTE_DMA_PORT_NONE;
	vchan_conf.auto_free.m2d.pool = NULL;
	vchan_conf.domain.type = RTE_DMA_INTER_DOMAIN_NONE;
	EXPECT(rte_dma_vchan_setup(dev_id, 1, &vchan_conf) == -EINVAL);
	EXPECT(rte_dma_vchan_setup(dev_id, 0, &vchan_conf) == 0);
	EXPECT(rte_dma_start(dev_id) == 0);
	EXPECT(rte_dma_configure(dev_id, &conf) == -EBUSY);
	EXPECT(rte_dma_info_get(dev_id, &info) == 0 && info.nb_vchans == 1);
}

static void copies(int16_t dev_id)
{
	uint16_t capacity = rte_dma_burst_capacity(dev_id, 0);
	struct rte_dma_sge from[2], to[1];

	EXPECT(capacity >= DESCRIPTORS - 1);
	reset();
	EXPECT(rte_dma_copy(dev_id, 0, iova(source), iova(destination), BYTES, 0) == 0);
	EXPECT(rte_dma_burst_capacity(dev_id, 0) == capacity - 1);
	EXPECT(rte_dma_submit(dev_id, 0) == 0);
	expect_completion(dev_id, 0);
	EXPECT(memcmp(source, destination, BYTES) == 0);

	reset();
	from[0].addr = iova(source + BYTES / 2);
	from[0].length = 100;
	from[1].addr = iova(source);
	from[1].length = 28;
	to[0].addr = iova(destination);
	to[0].length = 128;
	EXPECT(rte_dma_copy_sg(dev_id, 0, from, to, 2, 1, RTE_DMA_OP_FLAG_SUBMIT) == 1);
	expect_completion(dev_id, 1);
	EXPECT(memcmp(destination, source + BYTES / 2, 100) == 0 && memcmp(destination + 100, source, 28) == 0);
	EXPECT(destination[128] == 0);

	reset();
	EXPECT(rte_dma_fill(dev_id, 0, 0x0807060504030201, iova(destination), 20, RTE_DMA_OP_FLAG_SUBMIT) == 2);
	expect_completion(dev_id, 2);
	for (int index = 0; index < 20; index++)
		EXPECT(destination[index] == index % 8 + 1);
	EXPECT(destination[20] == 0);
}

/* The second of three operations has a source that no memory is at. */
static void failure(int16_t dev_id)
{
	enum rte_dma_status_code status[4];
	uint16_t last_idx = 0;
	bool has_error = false;

	reset();
	EXPECT(rte_dma_copy(dev_id, 0, iova(source), iova(destination), 8, 0) == 3);
	EXPECT(rte_dma_copy(dev_id, 0, 0, iova(destination + 64), 8, 0) == 4);
	EXPECT(rte_dma_copy(dev_id, 0, iova(source + 64), iova(destination + 64), 8, RTE_DMA_OP_FLAG_SUBMIT) == 5);
	drain(dev_id);
	EXPECT(rte_dma_completed(dev_id, 0, 4, &last_idx, &has_error) == 1);
	EXPECT(last_idx == 3 && has_error);
	EXPECT(rte_dma_completed_status(dev_id, 0, RTE_DIM(status), &last_idx, status) == 2);
	EXPECT(last_idx == 5);
	printf("status %d\n", (int)status[0]);
	EXPECT(status[0] == RTE_DMA_STATUS_INVALID_SRC_ADDR);
	EXPECT(status[1] == RTE_DMA_STATUS_SUCCESSFUL);
	EXPECT(memcmp(destination, source, 8) == 0 && memcmp(destination + 64, source + 64, 8) == 0);
	EXPECT(rte_dma_completed(dev_id, 0, 4, NULL, NULL) == 0);
}

int main(void)
{
	struct rte_dma_stats stats;
	int16_t dev_id = find();

	set_up(dev_id);
	copies(dev_id);
	failure(dev_id);
	EXPECT(rte_dma_stats_get(dev_id, RTE_DMA_ALL_VCHAN, &stats) == 0);
	EXPECT(stats.submitted == 6 && stats.completed == 6 && stats.errors == 1);
	EXPECT(rte_dma_stats_reset(dev_id, 0) == 0 && rte_dma_stats_get(dev_id, 0, &stats) == 0 && stats.submitted == 0);
	EXPECT(rte_dma_dump(dev_id, stdout) == 0);
	EXPECT(rte_dma_close(dev_id) == -EBUSY);
	EXPECT(rte_dma_stop(dev_id) == 0);
	EXPECT(rte_dma_close(dev_id) == 0);
	EXPECT(!rte_dma_is_valid(dev_id));
	puts("passed");
	return 0;
}
