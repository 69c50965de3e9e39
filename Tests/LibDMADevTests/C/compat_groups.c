/* Access groups in a program whose only header of DPDK is rte_dmadev.h: DPDK's pair groups and the RFC's groups, between two
 * processes whose devices belong to one controller. Windows and the memory in them are no part of DPDK: dmadev.h has them.
 *
 *     compat_groups               makes both groups, prints their numbers, and waits for the other process
 *     compat_groups PAIR GROUP    joins them, copies out of and into the memory of the first, and leaves
 */
#include <rte_dmadev.h>

#include <stdatomic.h>
#include <unistd.h>

#define BYTES 4096
#define EXPECT(condition)                                                                                             \
	do {                                                                                                          \
		if (!(condition))                                                                                     \
			rte_exit(EXIT_FAILURE, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, dmadev_error()); \
	} while (0)

static rte_uuid_t first_domain, second_domain, pair_token, group_token, wrong_token;
static int16_t pair_left = -1;
static atomic_int pair_events, updates;

static void on_pair_event(int16_t dev_id, int16_t group_id, rte_uuid_t domain_id,
			  enum rte_dma_access_pair_group_event_type event)
{
	if (dev_id == 0 && event == RTE_DMA_GROUP_EVENT_MEMBER_LEFT && rte_uuid_compare(domain_id, second_domain) == 0)
		pair_left = group_id;
	atomic_fetch_add(&pair_events, 1);
}

static void on_update(int16_t dma_id, enum rte_dma_event event, void *user_data)
{
	if (dma_id == 0 && event == RTE_DMA_EVENT_ACCESS_TABLE_UPDATE)
		atomic_fetch_add((atomic_int *)user_data, 1);
}

static void wait_for(atomic_int *counter, int least)
{
	for (int tries = 0; atomic_load(counter) < least && tries < 30000; tries++)
		usleep(1000);
	EXPECT(atomic_load(counter) >= least);
}

static char *lend(int16_t group, const char *text, struct dmadev_window *window)
{
	void *memory;

	EXPECT(dmadev_buffer_alloc(0, BYTES, &memory) == 0);
	EXPECT(dmadev_access_group_window_register(0, group, memory, BYTES, -1, 0,
						   DMADEV_WINDOW_READ | DMADEV_WINDOW_WRITE, window) == 0);
	return strcpy((char *)memory, text);
}

static void create(void)
{
	struct dmadev_window pair_window, group_window;
	char *pair_memory, *group_memory;
	uint16_t group, handler = 0;
	uint64_t table[2];
	int16_t pair;

	EXPECT(rte_dma_access_pair_group_create(0, first_domain, pair_token, &pair, on_pair_event) == 0);
	EXPECT(rte_dma_access_group_create(0, group_token, &group) == 0);
	EXPECT(rte_dma_event_callback_register(0, RTE_DMA_EVENT_ACCESS_TABLE_UPDATE, on_update, &updates) == 0);
	EXPECT(rte_dma_access_pair_group_handler_get(0, pair, second_domain, &handler) == -ENOENT);
	EXPECT(rte_dma_access_group_size_get(0, group) == 1);
	pair_memory = lend(pair, "by the pair", &pair_window);
	group_memory = lend((int16_t)group, "by the group", &group_window);
	printf("%d %u\n", pair, group);
	fflush(stdout);

	wait_for(&pair_events, 1);
	EXPECT(pair_left == pair && strcmp(pair_memory, "written by the other one") == 0);
	/* The other process has joined the group and left it. */
	wait_for(&updates, 2);
	EXPECT(rte_dma_access_group_size_get(0, group) == 1 && strcmp(group_memory, "by the group") == 0);
	EXPECT(rte_dma_access_group_get(0, group, table, 2) == 0 && table[0] == group_window.handler);
	EXPECT(rte_dma_event_callback_unregister(0, RTE_DMA_EVENT_ACCESS_TABLE_UPDATE, on_update, NULL) == -ENOENT);
	EXPECT(rte_dma_event_callback_unregister(0, RTE_DMA_EVENT_ACCESS_TABLE_UPDATE, on_update, &updates) == 0);
	EXPECT(dmadev_access_group_window_unregister(0, pair_window.iova) == 0);
	EXPECT(dmadev_access_group_window_unregister(0, group_window.iova) == 0);
	EXPECT(rte_dma_access_pair_group_destroy(0, pair) == 0 && rte_dma_access_group_destroy(0, group) == 0);
	EXPECT(dmadev_buffer_free(pair_memory) == 0 && dmadev_buffer_free(group_memory) == 0);
}

static void move(uint16_t vchan, rte_iova_t from, rte_iova_t to, uint32_t length, uint64_t flags)
{
	uint16_t done = 0;
	bool has_error = false;

	EXPECT(rte_dma_copy(0, vchan, from, to, length, flags | RTE_DMA_OP_FLAG_SUBMIT) >= 0);
	while (done == 0 && !has_error)
		done = rte_dma_completed(0, vchan, 1, NULL, &has_error);
	EXPECT(!has_error);
}

static void join(int16_t pair, uint16_t group)
{
	const struct rte_dma_conf conf = { 2, 0, 0 };
	struct rte_dma_vchan_conf vchan_conf;
	struct dmadev_window pair_window, group_window;
	uint64_t table[2], iova = UINT64_MAX;
	uint16_t handler;
	void *address;
	char *memory;

	EXPECT(rte_dma_access_pair_group_join(0, second_domain, wrong_token, pair, NULL) == -EACCES);
	EXPECT(rte_dma_access_group_join(0, group, wrong_token) == -EACCES);
	EXPECT(rte_dma_access_pair_group_join(0, second_domain, pair_token, pair, NULL) == 0);
	EXPECT(rte_dma_access_group_join(0, group, group_token) == 0);
	EXPECT(rte_dma_access_pair_group_handler_get(0, pair, first_domain, &handler) == 0);
	EXPECT(dmadev_access_group_windows(0, pair, &pair_window, 1) == 1 && pair_window.handler == handler);
	EXPECT(dmadev_access_group_windows(0, (int16_t)group, &group_window, 1) == 1);
	EXPECT(rte_dma_access_group_size_get(0, group) == 2);
	EXPECT(rte_dma_access_group_get(0, group, table, 1) == -ENOSPC);
	EXPECT(rte_dma_access_group_get(0, group, table, 2) == 0 && table[0] == group_window.handler);

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	EXPECT(rte_dma_configure(0, &conf) == 0 && rte_dma_vchan_setup(0, 1, &vchan_conf) == 0);
	vchan_conf.domain.type = RTE_DMA_INTER_PROCESS_DOMAIN;
	vchan_conf.domain.src_handler = handler;
	EXPECT(rte_dma_vchan_setup(0, 0, &vchan_conf) == 0 && rte_dma_start(0) == 0);
	EXPECT(dmadev_buffer_alloc(0, BYTES, &address) == 0 && dmadev_dma_map(0, address, BYTES, &iova) == 0);
	memory = (char *)address;

	/* By the channel's domain, and by the flags of one operation. */
	move(0, pair_window.iova, iova, 16, 0);
	EXPECT(strcmp(memory, "by the pair") == 0);
	move(1, group_window.iova, iova, 16,
	     RTE_DMA_OP_FLAG_SRC_INTER_PROCESS_DOMAIN_HANDLE | (uint64_t)group_window.handler << 32);
	EXPECT(strcmp(memory, "by the group") == 0);
	strcpy(memory, "written by the other one");
	move(1, iova, pair_window.iova, 32, RTE_DMA_OP_FLAG_DST_INTER_PROCESS_DOMAIN_HANDLE | (uint64_t)handler << 48);

	EXPECT(rte_dma_stop(0) == 0 && dmadev_dma_unmap(0, iova) == 0 && dmadev_buffer_free(memory) == 0);
	EXPECT(rte_dma_access_group_leave(0, group) == 0 && rte_dma_access_pair_group_leave(0, pair) == 0);
}

int main(int argc, char **argv)
{
	struct rte_dma_info info;

	EXPECT(rte_uuid_parse("6b8a4e0e-8f4b-4f0c-9d5a-000000000001", first_domain) == 0);
	EXPECT(rte_uuid_parse("6b8a4e0e-8f4b-4f0c-9d5a-000000000002", second_domain) == 0);
	EXPECT(rte_uuid_parse("6b8a4e0e-8f4b-4f0c-9d5a-000000000003", pair_token) == 0);
	EXPECT(rte_uuid_parse("6b8a4e0e-8f4b-4f0c-9d5a-000000000004", group_token) == 0);
	EXPECT(rte_uuid_parse("6b8a4e0e-8f4b-4f0c-9d5a-000000000005", wrong_token) == 0);
	EXPECT(rte_dma_info_get(0, &info) == 0 && (info.dev_capa & RTE_DMA_CAPA_INTER_PROCESS_DOMAIN) != 0);
	if (argc == 3)
		join((int16_t)atoi(argv[1]), (uint16_t)atoi(argv[2]));
	else
		create();
	EXPECT(rte_dma_close(0) == 0);
	return 0;
}
