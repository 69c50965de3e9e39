/* The registry, the control calls and their errors, and statistics. */
#include "expect.h"

static int given_back;

static void give_back(void *pool, uint64_t addr, void *arg)
{
	EXPECT(pool == &given_back && addr != 0 && arg == &failures);
	given_back++;
}

static void registry(void)
{
	struct dmadev_info info;
	int16_t id, count = 0;

	EXPECT(strcmp(dmadev_error(), "") == 0);
	EXPECT(dmadev_copy(0, 0, 1, 1, 1, 0) == -EINVAL && dmadev_completed(63, 0, 1, NULL, NULL) == 0);
	EXPECT(dmadev_count_avail() == 0 && dmadev_next_dev(0) == -1 && !dmadev_is_valid(0));
	EXPECT(dmadev_dev_max(0) == -EINVAL && strstr(dmadev_error(), "32767") != NULL);
	EXPECT(dmadev_dev_max(200) == 0);
	EXPECT(dmadev_copy(199, 0, 1, 1, 1, 0) == -EINVAL);
	EXPECT(dmadev_create(NULL) == -EINVAL && dmadev_create("hardware") == -EINVAL);
	EXPECT(strstr(dmadev_error(), "software") != NULL);
	EXPECT(dmadev_create("software,vchans=0") == -EINVAL);
	EXPECT(dmadev_create("controller,socket=/nowhere/control") == -ENOENT);
	EXPECT(dmadev_create("software,name=one") == 0 && dmadev_create("software,name=two,vchans=3") == 1);
	EXPECT(dmadev_create("software,name=one") == -EEXIST);
	EXPECT(dmadev_dev_max(300) == -EINVAL);
	EXPECT(dmadev_get_dev_id_by_name("two") == 1 && dmadev_get_dev_id_by_name("three") == -EINVAL);
	EXPECT(dmadev_is_valid(1) && !dmadev_is_valid(-1) && dmadev_count_avail() == 2);
	DMADEV_FOREACH_DEV(id)
		count = (int16_t)(count * 10 + id + 1);
	EXPECT(count == 12);
	EXPECT(dmadev_info_get(1, &info) == 0 && strcmp(info.dev_name, "two") == 0 && info.max_vchans == 3);
	EXPECT(strcmp(info.driver_name, "software") == 0 && info.controller_id == 0xFFFF && info.nb_vchans == 0);
	EXPECT(dmadev_info_get(1, NULL) == -EINVAL && dmadev_info_get(7, &info) == -EINVAL);
	EXPECT(dmadev_close(0) == 0 && dmadev_close(0) == -EINVAL && dmadev_count_avail() == 1);
	EXPECT(dmadev_create("software,name=three") == 0 && dmadev_close(0) == 0);
}

static void life(void)
{
	struct dmadev_conf conf = { 2, 0, 0, 0 };
	struct dmadev_vchan_conf vchan_conf;

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	EXPECT(dmadev_start(1) == -EINVAL && dmadev_configure(1, NULL) == -EINVAL);
	conf.nb_vchans = 4;
	EXPECT(dmadev_configure(1, &conf) == -EINVAL);
	conf.nb_vchans = 2;
	conf.flags = 1ULL << 40;
	EXPECT(dmadev_configure(1, &conf) == -EINVAL);
	conf.flags = 0;
	EXPECT(dmadev_configure(1, &conf) == 0);
	EXPECT(dmadev_vchan_setup(1, 2, &vchan_conf) == -EINVAL && dmadev_vchan_setup(1, 0, NULL) == -EINVAL);
	vchan_conf.direction = (enum dmadev_direction)9;
	EXPECT(dmadev_vchan_setup(1, 0, &vchan_conf) == -EINVAL);
	vchan_conf.direction = DMADEV_DIR_MEM_TO_MEM;
	EXPECT(dmadev_vchan_setup(1, 0, &vchan_conf) == 0 && dmadev_start(1) == -EINVAL);
	EXPECT(strstr(dmadev_error(), "virtual channel 1") != NULL);
	EXPECT(dmadev_vchan_setup(1, 1, &vchan_conf) == 0 && dmadev_start(1) == 0 && dmadev_start(1) == 0);
	EXPECT(dmadev_configure(1, &conf) == -EBUSY && dmadev_close(1) == -EBUSY);
}

static void statistics(void)
{
	char from[8] = "1234567", to[8];
	struct dmadev_stats stats;
	struct dmadev_xstat xstats[64];
	enum dmadev_vchan_status status;
	uint64_t bytes = 0;
	int count;

	EXPECT(dmadev_copy(1, 1, (uintptr_t)from, (uintptr_t)to, 8, DMADEV_OP_FLAG_SUBMIT) == 0);
	while (dmadev_completed(1, 1, 1, NULL, NULL) == 0)
		;
	EXPECT(dmadev_stats_get(1, 1, &stats) == 0 && stats.submitted == 1 && stats.completed == 1 && stats.errors == 0);
	EXPECT(dmadev_stats_get(1, 0, &stats) == 0 && stats.submitted == 0);
	EXPECT(dmadev_stats_get(1, DMADEV_ALL_VCHAN, &stats) == 0 && stats.completed == 1);
	EXPECT(dmadev_stats_get(1, 2, &stats) == -EINVAL && dmadev_stats_get(1, 0, NULL) == -EINVAL);
	EXPECT(dmadev_stats_reset(1, DMADEV_ALL_VCHAN) == 0 && dmadev_stats_get(1, 1, &stats) == 0 && stats.completed == 0);
	count = dmadev_xstats_get(1, 1, NULL, 0);
	EXPECT(count > 20 && count < 64 && dmadev_xstats_get(1, 1, xstats, 64) == count);
	for (int index = 0; index < count; index++) {
		EXPECT(strlen(xstats[index].name) > 0 && strlen(xstats[index].help) > 0);
		if (strcmp(xstats[index].name, "bytes") == 0)
			bytes = xstats[index].value;
	}
	EXPECT(bytes == 8 && dmadev_xstats_get(1, 2, xstats, 64) == -EINVAL && dmadev_xstats_get(1, 0, NULL, 1) == -EINVAL);
	EXPECT(dmadev_vchan_status(1, 1, &status) == 0 && status == DMADEV_VCHAN_IDLE);
	EXPECT(dmadev_vchan_status(1, 5, &status) == -EINVAL);
	EXPECT(strcmp(dmadev_capability_name(DMADEV_CAPA_OPS_COPY_SG), "copy_sg") == 0);
	EXPECT(dmadev_capability_name(3) == NULL && dmadev_capability_name(1ULL << 60) == NULL);
	EXPECT(strcmp(dmadev_status_name(DMADEV_STATUS_PAGE_FAULT), "page_fault") == 0);
	EXPECT(strcmp(dmadev_status_name((enum dmadev_status_code)77), "unknown") == 0);
	EXPECT(dmadev_stop(1) == 0 && dmadev_stop(1) == 0);
	EXPECT(dmadev_copy(1, 0, (uintptr_t)from, (uintptr_t)to, 8, 0) < 0 && dmadev_burst_capacity(1, 0) == 0);
}

static void dump(void)
{
	char text[4096] = "";
	FILE *file = fmemopen(text, sizeof(text), "w");

	EXPECT(file != NULL && dmadev_dump(1, file) == 0 && dmadev_dump(9, file) == -EINVAL);
	EXPECT(dmadev_dump(1, NULL) == -EINVAL);
	fclose(file);
	EXPECT(strstr(text, "'two' [stopped]") != NULL);
}

static void auto_free(void)
{
	struct dmadev_info info;
	struct dmadev_conf conf = { 1, 0, 0, 0 };
	struct dmadev_vchan_conf vchan_conf;
	enum dmadev_status_code status;
	char from[8] = "";
	int16_t id = (int16_t)dmadev_create("software,name=port,device-memory=1");

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.direction = DMADEV_DIR_MEM_TO_DEV;
	vchan_conf.nb_desc = 32;
	vchan_conf.dst_port.port_type = DMADEV_PORT_PCIE;
	vchan_conf.auto_free_pool = &given_back;
	EXPECT(dmadev_info_get(id, &info) == 0 && (info.dev_capa & DMADEV_CAPA_M2D_AUTO_FREE) == 0);
	EXPECT(dmadev_configure(id, &conf) == 0 && dmadev_vchan_setup(id, 0, &vchan_conf) == -EINVAL);
	dmadev_set_pool_free(give_back, &failures);
	EXPECT(dmadev_info_get(id, &info) == 0 && (info.dev_capa & DMADEV_CAPA_M2D_AUTO_FREE) != 0);
	vchan_conf.dst_port.pcie[0] = DMADEV_PCIE(1, 2, 1, 3, 4, 5, 1);
	EXPECT(dmadev_vchan_setup(id, 0, &vchan_conf) == -EINVAL);
	EXPECT(strstr(dmadev_error(), "coreid=1,pfid=2,vfen=1,vfid=3,pasid=4,attr=5,ph=1") != NULL);
	vchan_conf.dst_port.pcie[0] = 0;
	EXPECT(dmadev_vchan_setup(id, 0, &vchan_conf) == 0 && dmadev_start(id) == 0);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, 4096, 8, DMADEV_OP_FLAG_AUTO_FREE) == 0);
	EXPECT(dmadev_copy(id, 0, (uintptr_t)from, 1 << 20, 8, DMADEV_OP_FLAG_AUTO_FREE | DMADEV_OP_FLAG_SUBMIT) == 1);
	while (dmadev_completed(id, 0, 2, NULL, NULL) == 0)
		;
	while (dmadev_completed_status(id, 0, 1, NULL, &status) == 0)
		;
	EXPECT(given_back == 2 && status == DMADEV_STATUS_INVALID_DST_ADDR);
	EXPECT(dmadev_stop(id) == 0 && dmadev_close(id) == 0);
}

static void memory(void)
{
	struct dmadev_info info;
	uint64_t iova = UINT64_MAX;
	void *buffer = NULL;
	int16_t id = (int16_t)dmadev_create("software,name=mapped,capabilities=mem2mem+copy");

	EXPECT(dmadev_info_get(id, &info) == 0 && (info.dev_capa & DMADEV_CAPA_SVA) == 0);
	EXPECT(dmadev_buffer_alloc(id, 0, &buffer) == -EINVAL && dmadev_buffer_alloc(id, 8192, NULL) == -EINVAL);
	EXPECT(dmadev_buffer_alloc(id, 8192, &buffer) == 0 && buffer != NULL);
	EXPECT(dmadev_dma_map(id, buffer, 8192, &iova) == 0 && iova != UINT64_MAX);
	EXPECT(dmadev_dma_map(id, buffer, 8192, &iova) == -EEXIST && dmadev_dma_map(id, buffer, 0, &iova) == -EINVAL);
	EXPECT(dmadev_dma_unmap(id, iova + 4096) == -EINVAL && dmadev_dma_unmap(id, iova) == 0);
	EXPECT(dmadev_buffer_free(buffer) == 0 && dmadev_buffer_free(buffer) == -EINVAL);
	EXPECT(dmadev_close(id) == 0);
}

int main(void)
{
	errno = 4711;
	registry();
	life();
	statistics();
	dump();
	auto_free();
	memory();
	EXPECT(errno == 4711);
	EXPECT(dmadev_close(1) == 0);
	EXPECT(strncmp(dmadev_version(), "1.", 2) == 0);
	return failures == 0 ? 0 : 1;
}
