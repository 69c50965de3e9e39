/* A librte_dmadev with another layout of rte_dma_fp_objs than Debian's, and one device of fast_driver.h. STRIDE and WORDS
 * say which, as in releases of DPDK: 8 and 8 (24.03), 16 and 8 (22.11), 16 and 10 (25.11). BROKEN: none of them.
 *
 * With APPLICATION it is the program that uses the library: it prints what it counted, and what lies in the file. With STATIC
 * it is both. With SECONDARY the library says that this is a secondary process, and the program makes no control call. */
#include "fast_driver.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define DEVICE_COUNT 64
/* Words of an entry. */
enum { PRIVATE, COPY, COPY_SG, FILL, SUBMIT, COMPLETED, COMPLETED_STATUS, BURST_CAPACITY, ENQUEUE, DEQUEUE };

extern void **rte_dma_fp_objs;

struct op {
	uint64_t flags;
	void *pool;
	uint32_t status, reserved;
	uint64_t opaque[2], user, event;
	int16_t dev_id;
	uint16_t vchan, nb_src, nb_dst;
	struct fast_sge entries[2];
};

int rte_dma_configure(int16_t dev_id, const void *conf);
int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const void *conf);
int rte_dma_start(int16_t dev_id);
int rte_dma_stop(int16_t dev_id);
int rte_dma_close(int16_t dev_id);
int rte_dma_info_get(int16_t dev_id, void *info);
const char *rte_eal_get_runtime_dir(void);
int rte_eal_process_type(void);
void make_device(void);

#if !defined(APPLICATION) || defined(STATIC)
void **rte_dma_fp_objs;

static struct fast_ring ring = { .mark = FAST_MARK };
static struct op *waiting[64];

#define PLACEHOLDER(name)                                                                                              \
	static int name(void)                                                                                          \
	{                                                                                                              \
		return -EINVAL - __LINE__;                                                                             \
	}
PLACEHOLDER(no_copy)
PLACEHOLDER(no_copy_sg)
PLACEHOLDER(no_fill)
PLACEHOLDER(no_submit)
PLACEHOLDER(no_completed)
PLACEHOLDER(no_completed_status)
PLACEHOLDER(no_burst_capacity)
PLACEHOLDER(no_enqueue)
PLACEHOLDER(no_dequeue)

static uint16_t enqueue(void *dev_private, uint16_t vchan, struct op **ops, uint16_t count)
{
	uint16_t taken = 0;

	(void)vchan;
	for (; taken < count && !fast_is_full(fast_ring(dev_private)); taken++) {
		waiting[ring.enqueued % 64] = ops[taken];
		(void)fast_enqueue(&ring, ops[taken]->entries[0].length, 2, FAST_SUBMIT);
	}
	return taken;
}

static uint16_t dequeue(void *dev_private, uint16_t vchan, struct op **ops, uint16_t most)
{
	uint16_t count = 0;

	(void)vchan, (void)dev_private;
	for (; count < most && ring.polled < ring.rung; count++, ring.polled++) {
		ops[count] = waiting[ring.polled % 64];
		ops[count]->status = fast_fails(&ring, ring.polled) ? FAST_STATUS_BUS_ERROR : 0;
	}
	return count;
}

void make_device(void)
{
	void *placeholders[] = { NULL, no_copy, no_copy_sg, no_fill, no_submit, no_completed, no_completed_status,
				 no_burst_capacity, no_enqueue, no_dequeue };
	void *functions[] = { &ring, fast_copy, NULL, fast_fill, fast_submit, fast_completed, fast_completed_status,
			      fast_burst_capacity, enqueue, dequeue };

	rte_dma_fp_objs = calloc(DEVICE_COUNT * STRIDE + 8, sizeof(void *));
	if (rte_dma_fp_objs == NULL)
		abort();
	for (int id = 0; id < DEVICE_COUNT; id++)
		memcpy(rte_dma_fp_objs + id * STRIDE, id == 0 ? functions : placeholders, WORDS * sizeof(void *));
#ifdef BROKEN
	for (int id = 1; id < DEVICE_COUNT; id++)
		rte_dma_fp_objs[id * STRIDE + COPY] = no_fill;
#endif
}

int rte_dma_configure(int16_t dev_id, const void *conf)
{
	(void)dev_id, (void)conf;
	return 0;
}

int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const void *conf)
{
	(void)dev_id, (void)vchan;
	memcpy(&ring.nb_desc, (const char *)conf + 4, 2);
	return 0;
}

int rte_dma_start(int16_t dev_id)
{
	(void)dev_id;
	return 0;
}

int rte_dma_stop(int16_t dev_id)
{
	(void)dev_id;
	return 0;
}

int rte_dma_close(int16_t dev_id)
{
	(void)dev_id;
	return 0;
}

int rte_dma_info_get(int16_t dev_id, void *info)
{
	const char *name = "other";
	uint16_t numbers[6] = { 1, 64, 32, 4, 0, 1 };

	(void)dev_id;
	memset(info, 0, 64);
	memcpy(info, &name, sizeof(name));
	memcpy((char *)info + 16, numbers, sizeof(numbers));
	return 0;
}

int rte_eal_process_type(void)
{
#ifdef SECONDARY
	return 1;
#else
	return 0;
#endif
}

const char *rte_eal_get_runtime_dir(void)
{
	return getenv("RUNTIME_DIRECTORY");
}
#endif

#ifdef APPLICATION
#include <cdpdkobserver.h>

#include <fcntl.h>
#include <unistd.h>

/* Function `word` of device 0. */
#define CALL(word, type) ((type)rte_dma_fp_objs[word])
typedef int (*copy_t)(void *, uint16_t, uint64_t, uint64_t, uint32_t, uint64_t);
typedef uint16_t (*completed_t)(void *, uint16_t, uint16_t, uint16_t *, bool *);
typedef uint16_t (*ops_t)(void *, uint16_t, struct op **, uint16_t);

int main(void)
{
	struct { uint16_t nb_vchans, priority, reserved[2]; uint64_t flags; } conf = { 1, 0, { 0, 0 }, 2 };
	struct { uint32_t direction; uint16_t nb_desc; } vchan = { 0, 64 };
	static struct op all[32];
	static struct observer_channel_counters found;
	struct observer_file_header header = { .magic = 0 };
	uint64_t bytes = 0, count = 0;
	char from[64], to[64], path[512];
	struct op *ops[32];
	void *functions;
	uint16_t last;
	bool has_error;
	int file;

	make_device();
	functions = rte_dma_fp_objs[COPY];
#ifdef SECONDARY
	(void)conf;
	rte_dma_vchan_setup(0, 0, &vchan);
#else
	rte_dma_configure(0, &conf);
	rte_dma_vchan_setup(0, 0, &vchan);
	rte_dma_start(0);
#endif
#if defined(STATIC) || defined(SECONDARY)
	/* The watcher of the stub has seen the device. */
	for (int wait = 0; wait < 10000 && __atomic_load_n(&rte_dma_fp_objs[COPY], __ATOMIC_ACQUIRE) == functions; wait++)
		usleep(1000);
#endif
	for (int round = 0; round < 10000; round++) {
		if (WORDS == 10) {
			for (int place = 0; place < 32; place++) {
				all[place] = (struct op){ .nb_src = 1, .nb_dst = 1, .entries = { { .length = 7 }, { .length = 7 } } };
				ops[place] = &all[place];
			}
			if (CALL(ENQUEUE, ops_t)(rte_dma_fp_objs[0], 0, ops, 32) != 32 ||
			    CALL(DEQUEUE, ops_t)(rte_dma_fp_objs[0], 0, ops, 20) != 20 ||
			    CALL(DEQUEUE, ops_t)(rte_dma_fp_objs[0], 0, ops, 32) != 12)
				return 1;
			count += 32;
			bytes += 32 * 7;
			continue;
		}
		if (CALL(COPY, copy_t)(rte_dma_fp_objs[0], 0, (uintptr_t)from, (uintptr_t)to, 64, 0) != (uint16_t)(2 * round) ||
		    CALL(FILL, copy_t)(rte_dma_fp_objs[0], 0, 1, (uintptr_t)to, 9, FAST_SUBMIT) < 0 ||
		    CALL(COMPLETED, completed_t)(rte_dma_fp_objs[0], 0, 64, &last, &has_error) != 2)
			return 1;
		count += 2;
		bytes += 73;
	}
	if (rte_dma_fp_objs[COPY_SG] != NULL)
		return 1;
	(void)functions;
	rte_dma_stop(0);
	snprintf(path, sizeof(path), "%s/" OBSERVER_FILE_PREFIX "%d", rte_eal_get_runtime_dir(), (int)getpid());
	file = open(path, O_RDONLY);
	if (file < 0) {
		puts("not observed");
		return 0;
	}
	if (pread(file, &header, sizeof(header), 0) != sizeof(header) ||
	    pread(file, &found, sizeof(found), (off_t)header.devices[0].offset) != sizeof(found))
		return 1;
	if (found.counters.engine.completed != count || found.counters.engine.bytes != bytes)
		return 1;
	puts("equal");
	return 0;
}
#endif
