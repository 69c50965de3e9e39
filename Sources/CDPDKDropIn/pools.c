/* Buffers back to librte_mempool, which the drop-in library does not link: programs without it exist. Returning a buffer is
 * an inline call of DPDK over the exported table of pool drivers; the structures used here are the same in 22.11 and 26.11,
 * so that this file has the headers of 22.11 for both. */
#include <rte_config.h>
/* Its headers are not needed: DPDK has the two functions itself. */
#undef RTE_USE_LIBBSD

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include <rte_log.h>
#include <rte_mempool.h>

#include <dmadev.h>

#include "pools.h"

extern int log_type;

static const struct rte_mempool_ops_table *drivers;
static uint32_t (*visit_objects)(struct rte_mempool *pool, rte_mempool_obj_cb_t *visit, void *arg);

/* Where the objects of a pool begin, in order: an operation has an address inside of one. */
struct objects {
	struct objects *next;
	struct rte_mempool *pool;
	uint32_t count;
	uintptr_t starts[];
};

static struct objects *known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void add_object(struct rte_mempool *pool, void *arg, void *object, unsigned int index)
{
	struct objects *objects = arg;

	(void)pool;
	if (index < objects->count)
		objects->starts[index] = (uintptr_t)object;
}

static int compare(const void *left, const void *right)
{
	uintptr_t one = *(const uintptr_t *)left, other = *(const uintptr_t *)right;

	return one < other ? -1 : one > other;
}

static struct objects **place(struct rte_mempool *pool)
{
	struct objects **place = &known;

	while (*place != NULL && (*place)->pool != pool)
		place = &(*place)->next;
	return place;
}

static const struct objects *objects_of(struct rte_mempool *pool)
{
	struct objects **found = place(pool);

	if (*found == NULL) {
		struct objects *made = calloc(1, sizeof(*made) + pool->populated_size * sizeof(made->starts[0]));

		if (made == NULL)
			return NULL;
		made->pool = pool;
		made->count = pool->populated_size;
		visit_objects(pool, add_object, made);
		qsort(made->starts, made->count, sizeof(made->starts[0]), compare);
		*found = made;
	}
	return *found;
}

static void *object_at(struct rte_mempool *pool, uint64_t address)
{
	const struct objects *objects = objects_of(pool);
	uint32_t low = 0, high = objects == NULL ? 0 : objects->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (objects->starts[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address - objects->starts[low - 1] >= pool->elt_size)
		return NULL;
	return (void *)objects->starts[low - 1];
}

/* On the thread of an engine, which is no lcore: past the caches of lcores. */
static void give_back(void *argument, uint64_t address, void *unused)
{
	struct rte_mempool *pool = argument;
	void *object;

	(void)unused;
	pthread_mutex_lock(&lock);
	object = object_at(pool, address);
	pthread_mutex_unlock(&lock);
	if (object == NULL || drivers->ops[pool->ops_index].enqueue(pool, &object, 1) < 0)
		rte_log(RTE_LOG_ERR, log_type, "dmadev: 0x%" PRIx64 " cannot return to the pool %s\n", address,
			pool->name);
}

void prepare_pools(void)
{
	pthread_mutex_lock(&lock);
	if (drivers == NULL) {
		drivers = dlsym(RTLD_DEFAULT, "rte_mempool_ops_table");
		visit_objects = (uint32_t (*)(struct rte_mempool *, rte_mempool_obj_cb_t *, void *))dlsym(
			RTLD_DEFAULT, "rte_mempool_obj_iter");
		if (visit_objects == NULL)
			drivers = NULL;
		if (drivers != NULL)
			dmadev_set_pool_free(give_back, NULL);
	}
	pthread_mutex_unlock(&lock);
}

int check_pool(struct rte_mempool *pool)
{
	struct objects **found, *old;

	if ((pool->flags & RTE_MEMPOOL_F_SP_PUT) != 0) {
		rte_log(RTE_LOG_ERR, log_type,
			"dmadev: pool %s: buffers return on another thread; create it without RTE_MEMPOOL_F_SP_PUT\n",
			pool->name);
		return -ENOTSUP;
	}
	/* An earlier pool may have had this address. */
	pthread_mutex_lock(&lock);
	found = place(pool);
	old = *found;
	if (old != NULL)
		*found = old->next;
	pthread_mutex_unlock(&lock);
	free(old);
	return 0;
}
