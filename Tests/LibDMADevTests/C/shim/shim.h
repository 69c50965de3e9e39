/* What DPDK's app/test/test_dmadev.c and test_dmadev_api.c use of DPDK beside rte_dmadev.h, over libc and libdmadev: their
 * headers in this directory include this one. */
#ifndef SHIM_H
#define SHIM_H

#include <inttypes.h>
#include <pthread.h>
#include <rte_dmadev.h>
#include <time.h>

/* Time, random numbers, strings, log */

static inline uint64_t rte_get_timer_cycles(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
#define rte_get_timer_hz() UINT64_C(1000000000)

static inline void rte_delay_us_sleep(unsigned int us)
{
	struct timespec pause = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&pause, NULL);
}
#define rte_pause() rte_delay_us_sleep(1)

static inline uint64_t rte_rand(void)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static inline int rte_strsplit(char *string, int length, char **tokens, int maximum, char separator)
{
	int count = 0;

	for (int index = 0; index < length && string[index] != '\0'; index++) {
		if (index == 0 || string[index - 1] == '\0') {
			if (count == maximum)
				break;
			tokens[count++] = string + index;
		}
		if (string[index] == separator && count < maximum)
			string[index] = '\0';
	}
	return count;
}

enum { RTE_LOG_CRIT = 3, RTE_LOG_INFO = 7 };
#define rte_log_set_level_pattern(pattern, level) ((void)(level))
#define RTE_LOG(level, type, ...) fprintf(stderr, __VA_ARGS__)

/* The EAL */

enum rte_iova_mode { RTE_IOVA_DC, RTE_IOVA_PA, RTE_IOVA_VA };
#define rte_eal_iova_mode() RTE_IOVA_VA
#define rte_lcore_id() 0u

/* The devices of the test. DPDK's example driver has no silent mode, which test_dma_configure() counts on. */
static inline int rte_vdev_init(const char *name, const char *args)
{
	char specification[128];

	(void)args;
	snprintf(specification, sizeof(specification),
		 "software,name=%s,vchans=1,capabilities=0xf000001df,device-memory=1,max-sges=64", name);
	return dmadev_create(specification);
}

/* Memory */

#define rte_malloc(type, size, align) malloc(size)
#define rte_zmalloc(type, size, align) calloc(1, size)
#define rte_free(ptr) free(ptr)
#define rte_malloc_virt2iova(ptr) ((rte_iova_t)(uintptr_t)(ptr))

#define RTE_PKTMBUF_HEADROOM 128

struct rte_mbuf {
	struct rte_mempool *pool;
	struct rte_mbuf *next; /* in the pool */
	uint16_t data_len;
	char data[];
};

struct rte_mempool {
	pthread_mutex_t lock;
	struct rte_mbuf *first;
	unsigned int count;
	int ops_index;
};

struct rte_mempool_cache {
	uint32_t len;
};

struct rte_mempool_ops {
	unsigned int (*get_count)(struct rte_mempool *pool);
};

static inline void rte_pktmbuf_free(struct rte_mbuf *mbuf)
{
	struct rte_mempool *pool = mbuf->pool;

	pthread_mutex_lock(&pool->lock);
	mbuf->next = pool->first;
	pool->first = mbuf;
	pool->count++;
	pthread_mutex_unlock(&pool->lock);
}

static inline struct rte_mbuf *rte_pktmbuf_alloc(struct rte_mempool *pool)
{
	struct rte_mbuf *mbuf;

	pthread_mutex_lock(&pool->lock);
	mbuf = pool->first;
	if (mbuf != NULL) {
		pool->first = mbuf->next;
		pool->count--;
	}
	pthread_mutex_unlock(&pool->lock);
	return mbuf;
}

static inline int rte_pktmbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs, unsigned int count)
{
	for (unsigned int index = 0; index < count; index++) {
		mbufs[index] = rte_pktmbuf_alloc(pool);
		if (mbufs[index] == NULL)
			return -ENOENT;
	}
	return 0;
}

static inline void rte_pktmbuf_free_bulk(struct rte_mbuf **mbufs, unsigned int count)
{
	while (count-- > 0)
		rte_pktmbuf_free(mbufs[count]);
}

#define rte_pktmbuf_mtod(mbuf, type) ((type)(void *)((mbuf)->data + RTE_PKTMBUF_HEADROOM))
#define rte_pktmbuf_iova(mbuf) ((rte_iova_t)(uintptr_t)rte_pktmbuf_mtod(mbuf, char *))
#define rte_mbuf_data_iova(mbuf) rte_pktmbuf_iova(mbuf)
#define rte_pktmbuf_data_len(mbuf) ((mbuf)->data_len)

static inline struct rte_mempool *rte_pktmbuf_pool_create(const char *name, unsigned int count, unsigned int cache,
							  uint16_t private_size, uint16_t room, int socket)
{
	struct rte_mempool *pool = (struct rte_mempool *)calloc(1, sizeof(*pool));

	(void)name, (void)cache, (void)private_size, (void)socket;
	if (pool == NULL)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	for (unsigned int index = 0; index < count; index++) {
		struct rte_mbuf *mbuf = (struct rte_mbuf *)calloc(1, sizeof(*mbuf) + RTE_PKTMBUF_HEADROOM + room);

		if (mbuf == NULL)
			abort();
		mbuf->pool = pool;
		rte_pktmbuf_free(mbuf);
	}
	return pool;
}

static inline void rte_mempool_free(struct rte_mempool *pool)
{
	struct rte_mbuf *mbuf;

	while (pool != NULL && (mbuf = rte_pktmbuf_alloc(pool)) != NULL)
		free(mbuf);
	free(pool);
}

static inline unsigned int shim_count(struct rte_mempool *pool)
{
	unsigned int count;

	pthread_mutex_lock(&pool->lock);
	count = pool->count;
	pthread_mutex_unlock(&pool->lock);
	return count;
}

static inline struct rte_mempool_ops *rte_mempool_get_ops(int index)
{
	static struct rte_mempool_ops ops = { shim_count };

	(void)index;
	return &ops;
}

static inline struct rte_mempool_cache *rte_mempool_default_cache(struct rte_mempool *pool, unsigned int lcore)
{
	static struct rte_mempool_cache cache;

	(void)pool, (void)lcore;
	return &cache;
}

/* Auto-free: from the address of the data to its mbuf. */
static inline void shim_auto_free(void *pool, uint64_t addr, void *arg)
{
	(void)pool, (void)arg;
	rte_pktmbuf_free(container_of((uintptr_t)addr - RTE_PKTMBUF_HEADROOM, struct rte_mbuf, data));
}

/* Tests */

#define TEST_SUCCESS 0
#define TEST_FAILED (-1)
#define TEST_SKIPPED 77

#define RTE_ASSERT(condition) assert(condition)
#define RTE_TEST_ASSERT(condition, ...)                                               \
	do {                                                                          \
		if (!(condition)) {                                                   \
			fprintf(stderr, "%s line %d: ", __func__, __LINE__);          \
			fprintf(stderr, __VA_ARGS__);                                 \
			fputc('\n', stderr);                                          \
			return TEST_FAILED;                                           \
		}                                                                     \
	} while (0)
#define RTE_TEST_ASSERT_EQUAL(a, b, ...) RTE_TEST_ASSERT((a) == (b), __VA_ARGS__)
#define RTE_TEST_ASSERT_SUCCESS(value, ...) RTE_TEST_ASSERT((value) == 0, __VA_ARGS__)

struct unit_test_case {
	int (*setup)(void);
	void (*teardown)(void);
	int (*testcase)(void);
	int (*testcase_with_data)(const void *data);
	const char *name;
	const void *data;
};

struct unit_test_suite {
	const char *suite_name;
	int (*setup)(void);
	void (*teardown)(void);
	struct unit_test_case unit_test_cases[];
};

#define TEST_CASE(function) { NULL, NULL, function, NULL, #function, NULL }
#define TEST_CASE_NAMED_WITH_DATA(name, setup, teardown, function, data) { setup, teardown, NULL, function, name, data }
#define TEST_CASES_END() { NULL, NULL, NULL, NULL, NULL, NULL }

/* One line per case: "case NAME: passed", "skipped" or "failed". */
static inline int unit_test_suite_runner(struct unit_test_suite *suite)
{
	int failures = 0;

	if (suite->setup != NULL && suite->setup() != 0) {
		printf("suite %s: set-up failed\n", suite->suite_name);
		return TEST_FAILED;
	}
	for (struct unit_test_case *test = suite->unit_test_cases; test->name != NULL; test++) {
		int ret = test->setup == NULL ? 0 : test->setup();

		if (ret == 0)
			ret = test->testcase != NULL ? test->testcase() : test->testcase_with_data(test->data);
		printf("case %s: %s\n", test->name, ret == 0 ? "passed" : ret == TEST_SKIPPED ? "skipped" : "failed");
		failures += ret != 0 && ret != TEST_SKIPPED;
		if (test->teardown != NULL)
			test->teardown();
	}
	if (suite->teardown != NULL)
		suite->teardown();
	return failures == 0 ? TEST_SUCCESS : TEST_FAILED;
}

/* The program: the test that the file registers. */
#define REGISTER_DRIVER_TEST(command, function)             \
	int main(void)                                      \
	{                                                   \
		dmadev_set_pool_free(shim_auto_free, NULL); \
		return function() == 0 ? 0 : 1;             \
	}
#define REGISTER_TEST_COMMAND(command, function) REGISTER_DRIVER_TEST(command, function)

#endif
