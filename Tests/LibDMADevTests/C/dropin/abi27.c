/* A program of DPDK 26.11, with a driver of its own, on librte_dmadev.so.27: the layouts are those of the compatible header,
 * the calls those of the library. scripts/check-dpdk-dropin runs it. */
#include "drivers.h"

#include "../expect.h"

int rte_telemetry_stand_in_ask(const char *command, const char *params, char *text, size_t size);

/* As DPDK's inline data calls. */
#define CALL(id, function, ...) rte_dma_fp_objs[id].function(rte_dma_fp_objs[id].dev_private, __VA_ARGS__)

static void copies(int16_t id)
{
	const struct rte_dma_conf conf = { 1, 0, 0 };
	struct rte_dma_vchan_conf vchan_conf;
	struct rte_dma_stats stats;
	char source[] = "moved by the drop-in library", destination[sizeof(source)] = "";
	uint16_t last, done = 0;
	bool has_error = false;

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	EXPECT(rte_dma_configure(id, &conf) == 0);
	EXPECT(rte_dma_vchan_setup(id, 0, &vchan_conf) == 0);
	EXPECT(rte_dma_start(id) == 0);
	EXPECT(CALL(id, copy, 0, (uintptr_t)source, (uintptr_t)destination, sizeof(source), RTE_DMA_OP_FLAG_SUBMIT) == 0);
	while (done == 0 && !has_error)
		done = CALL(id, completed, 0, 1, &last, &has_error);
	EXPECT(done == 1 && last == 0 && strcmp(source, destination) == 0);
	EXPECT(rte_dma_stats_get(id, 0, &stats) == 0 && stats.submitted == 1 && stats.completed == 1);
	EXPECT(rte_dma_stop(id) == 0);
}

/* Operations as structures, which 22.11 does not have. */
static void operations(int16_t id)
{
	const struct rte_dma_conf conf = { 1, 0, RTE_DMA_CFG_FLAG_ENQ_DEQ };
	struct rte_dma_vchan_conf vchan_conf;
	struct rte_dma_op *op = calloc(1, sizeof(*op) + 2 * sizeof(struct rte_dma_sge)), *ended = NULL;
	char source[] = "one structure", destination[sizeof(source)] = "";

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	EXPECT(op != NULL);
	op->nb_src = op->nb_dst = 1;
	op->src_dst_seg[0].addr = (uintptr_t)source;
	op->src_dst_seg[1].addr = (uintptr_t)destination;
	op->src_dst_seg[0].length = op->src_dst_seg[1].length = sizeof(source);
	EXPECT(rte_dma_configure(id, &conf) == 0);
	EXPECT(rte_dma_vchan_setup(id, 0, &vchan_conf) == 0);
	EXPECT(rte_dma_start(id) == 0);
	EXPECT(CALL(id, enqueue, 0, &op, 1) == 1);
	while (CALL(id, dequeue, 0, &ended, 1) == 0)
		;
	EXPECT(ended == op && op->status == RTE_DMA_STATUS_SUCCESSFUL && strcmp(source, destination) == 0);
	EXPECT(rte_dma_stop(id) == 0);
	free(op);
}

/* This program has no librte_mempool: the pool is the beginning of a structure, whose flags are at byte 56. */
static void pools(int16_t id)
{
	const struct rte_dma_conf conf = { 1, 0, 0 };
	struct rte_dma_vchan_conf vchan_conf;
	uint32_t pool[64] = { 0 };

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.direction = RTE_DMA_DIR_MEM_TO_DEV;
	vchan_conf.dst_port.port_type = RTE_DMA_PORT_PCIE;
	vchan_conf.nb_desc = 32;
	vchan_conf.auto_free.m2d.pool = (struct rte_mempool *)(void *)pool;
	EXPECT(rte_dma_configure(id, &conf) == 0);
	EXPECT(rte_dma_vchan_setup(id, 0, &vchan_conf) == -EINVAL);
	pool[14] = 4; /* RTE_MEMPOOL_F_SP_PUT */
	EXPECT(rte_dma_vchan_setup(id, 0, &vchan_conf) == -ENOTSUP);
}

static void telemetry(void)
{
	char text[1024];

	EXPECT(rte_telemetry_stand_in_ask("/dmadev/list", NULL, text, sizeof(text)) == 0);
	EXPECT(strcmp(text, "array 0 1") == 0);
	EXPECT(rte_telemetry_stand_in_ask("/dmadev/info", "0", text, sizeof(text)) == 0);
	EXPECT(strstr(text, "dict name=dma0 nb_vchans=1 ") == text && strstr(text, " enq_deq=1") != NULL);
	EXPECT(rte_telemetry_stand_in_ask("/dmadev/stats", "0,0", text, sizeof(text)) == 0);
	EXPECT(strncmp(text, "dict submitted=", 15) == 0);
	EXPECT(rte_telemetry_stand_in_ask("/dmadev/dump", "1", text, sizeof(text)) == 0);
	EXPECT(strstr(text, "DMA Dev 1, 'driven' [stopped]\n") == text && strstr(text, "dumped by its driver\n") != NULL);
	EXPECT(rte_telemetry_stand_in_ask("/dmadev/dump", "9", text, sizeof(text)) < 0);
}

/* ---------------------------------------------------------------- A driver that moves memory at once */

struct private_data {
	struct rte_dma_stats stats;
	uint16_t enqueued, reported;
};

static int info_get(const struct rte_dma_dev *dev, struct rte_dma_info *info, uint32_t size)
{
	(void)dev, (void)size;
	info->dev_capa = RTE_DMA_CAPA_MEM_TO_MEM | RTE_DMA_CAPA_SVA | RTE_DMA_CAPA_OPS_COPY;
	info->max_vchans = 1;
	info->max_desc = 64;
	return 0;
}

static int configure(struct rte_dma_dev *dev, const struct rte_dma_conf *conf, uint32_t size)
{
	(void)dev;
	return size == sizeof(*conf) && conf->nb_vchans == 1 ? 0 : -EINVAL;
}

static int vchan_setup(struct rte_dma_dev *dev, uint16_t vchan, const struct rte_dma_vchan_conf *conf, uint32_t size)
{
	(void)dev;
	return size == sizeof(*conf) && vchan == 0 && conf->nb_desc == 32 ? 0 : -EINVAL;
}

/* Statistics begin again at 0, as in some drivers. */
static int start(struct rte_dma_dev *dev)
{
	memset(dev->data->dev_private, 0, sizeof(struct private_data));
	return 0;
}

static int close_device(struct rte_dma_dev *dev)
{
	return (dev->data->dev_started & 1) == 0 ? 0 : -EBUSY;
}

static int stats_get(const struct rte_dma_dev *dev, uint16_t vchan, struct rte_dma_stats *stats, uint32_t size)
{
	(void)vchan, (void)size;
	*stats = ((struct private_data *)dev->data->dev_private)->stats;
	return 0;
}

static int dump(const struct rte_dma_dev *dev, FILE *file)
{
	(void)dev;
	return fputs("dumped by its driver\n", file) < 0 ? -EIO : 0;
}

static const struct rte_dma_dev_ops ops = { info_get,	 configure, start,     NULL, close_device,
					    vchan_setup, stats_get, NULL,      NULL, dump };

static const struct rte_dma_dev_ops no_ops;

static int copy(void *argument, uint16_t vchan, rte_iova_t src, rte_iova_t dst, uint32_t length, uint64_t flags)
{
	struct private_data *data = argument;

	(void)vchan, (void)flags;
	memcpy((void *)(uintptr_t)dst, (const void *)(uintptr_t)src, length);
	data->stats.submitted++;
	data->stats.completed++;
	return data->enqueued++;
}

static int submit(void *argument, uint16_t vchan)
{
	(void)argument, (void)vchan;
	return 0;
}

static uint16_t completed(void *argument, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	struct private_data *data = argument;
	uint16_t count = (uint16_t)(data->enqueued - data->reported);

	(void)vchan, (void)has_error;
	count = count < nb_cpls ? count : nb_cpls;
	data->reported += count;
	*last_idx = data->reported - 1;
	return count;
}

static void make_device(void)
{
	struct rte_dma_dev *dev = rte_dma_pmd_allocate("driven", -1, sizeof(struct private_data));

	EXPECT(dev != NULL && dev->state == RTE_DMA_DEV_REGISTERED && dev->data->dev_id == 1);
	EXPECT(rte_dma_pmd_allocate("driven", -1, 8) == NULL && rte_dma_pmd_allocate("dma0", -1, 8) == NULL);
	EXPECT(rte_dma_count_avail() == 1); /* not ready */
	dev->dev_ops = &ops;
	dev->fp_obj->dev_private = dev->data->dev_private;
	dev->fp_obj->copy = copy;
	dev->fp_obj->submit = submit;
	dev->fp_obj->completed = completed;
	dev->state = RTE_DMA_DEV_READY;
	EXPECT(rte_dma_count_avail() == 2 && rte_dma_get_dev_id_by_name("driven") == 1);
	EXPECT(rte_dma_pmd_get_dev_by_id(1) == dev && rte_dma_pmd_get_dev_by_id(0) == NULL);
}

static void remove_device(void)
{
	enum rte_dma_vchan_status status;
	struct rte_dma_dev *dev;

	EXPECT(rte_dma_vchan_status(1, 0, &status) == -ENOTSUP);
	EXPECT(rte_dma_start(1) == 0 && rte_dma_pmd_release("driven") == -EBUSY && rte_dma_stop(1) == 0);
	EXPECT(rte_dma_pmd_release("driven") == 0 && rte_dma_pmd_release("driven") == -EINVAL);
	EXPECT(!rte_dma_is_valid(1) && rte_dma_pmd_get_dev_by_id(1) == NULL);
	dev = rte_dma_pmd_allocate("again", -1, 8);
	EXPECT(dev != NULL && rte_dma_pmd_release("again") == 0);
	/* Its driver lacks what a device needs. */
	dev = rte_dma_pmd_allocate("again", -1, 8);
	EXPECT(dev != NULL);
	dev->dev_ops = &no_ops;
	dev->state = RTE_DMA_DEV_READY;
	EXPECT(rte_dma_count_avail() == 1 && rte_dma_get_dev_id_by_name("again") < 0);
}

int main(void)
{
	struct {
		struct rte_dma_info info;
		uint64_t behind;
	} read;
	uint64_t *behind = (uint64_t *)(void *)((char *)&read.info + INFO_BYTES);
	uint16_t handler;
	uint8_t id[16] = { 1 };

	if (getenv("STAND_IN_IOVA_PA") != NULL) {
		const struct rte_dma_conf conf = { 1, 0, 0 };

		EXPECT(rte_dma_configure(0, &conf) == 0 && rte_dma_start(0) == -ENOTSUP);
		return failures != 0;
	}
	EXPECT(INFO_BYTES == 32);
	*behind = UINT64_C(0x1122334455667788);
	EXPECT(rte_dma_count_avail() == 1 && rte_dma_info_get(0, &read.info) == 0);
	EXPECT(strcmp(read.info.dev_name, "dma0") == 0 && *behind == UINT64_C(0x1122334455667788));
	EXPECT((read.info.dev_capa & RTE_DMA_CAPA_OPS_ENQ_DEQ) != 0);
	EXPECT(rte_dma_access_pair_group_handler_get(0, 1, id, &handler) < 0);
	operations(0);
	pools(0);
	copies(0);
	make_device();
	copies(1);
	telemetry();
	/* Those of the driver began again. */
	copies(1);
	remove_device();
	return failures != 0;
}
