/* An application of DPDK that knows nothing of dmascope, on a device of its own (fast_driver.h), and compares what it has
 * counted with what lies in the observer's file. Without an observer it only runs.
 *
 *     application CASE [EAL option]… */
#include "fast_driver.h"

#include <cdpdkobserver.h>

#include <rte_dmadev.h>
#include <rte_eal.h>

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FAIL(...) (fprintf(stderr, "application: " __VA_ARGS__), fputc('\n', stderr), exit(1))
#define EXPECT(condition) ((condition) ? (void)0 : FAIL("%d: %s", __LINE__, #condition))
#define EQUAL(one, other) expect_equal(__LINE__, #one, one, other)

static void expect_equal(int line, const char *what, uint64_t one, uint64_t other)
{
	if (one != other)
		FAIL("%d: %s is %" PRIu64 ", not %" PRIu64, line, what, one, other);
}

/* ---------------------------------------------------------------- The driver's side of librte_dmadev, of DPDK 22.11 */

struct driver_data {
	char dev_name[64];
	int16_t dev_id;
	int16_t numa_node;
	void *dev_private;
};

struct driver_device {
	void *device;
	struct driver_data *data;
	struct rte_dma_fp_object *fp_obj;
	const struct driver_operations *operations;
	uint32_t state; /* 2: ready */
};

struct driver_operations {
	int (*info_get)(const struct driver_device *device, struct rte_dma_info *info, uint32_t size);
	int (*configure)(struct driver_device *device, const struct rte_dma_conf *conf, uint32_t size);
	int (*start)(struct driver_device *device);
	int (*stop)(struct driver_device *device);
	int (*close)(struct driver_device *device);
	int (*vchan_setup)(struct driver_device *device, uint16_t vchan, const struct rte_dma_vchan_conf *conf,
			   uint32_t size);
	int (*stats_get)(const struct driver_device *device, uint16_t vchan, struct rte_dma_stats *stats, uint32_t size);
	void *stats_reset;
	void *status;
	void *dump;
};

struct driver_device *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size);
int rte_dma_pmd_release(const char *name);

static int info_get(const struct driver_device *device, struct rte_dma_info *info, uint32_t size)
{
	(void)device, (void)size;
	info->dev_capa = RTE_DMA_CAPA_MEM_TO_MEM | RTE_DMA_CAPA_SILENT | RTE_DMA_CAPA_OPS_COPY | RTE_DMA_CAPA_OPS_COPY_SG |
			 RTE_DMA_CAPA_OPS_FILL;
	info->max_vchans = 1;
	info->max_desc = 32768;
	info->min_desc = 32;
	info->max_sges = 4;
	return 0;
}

static int configure(struct driver_device *device, const struct rte_dma_conf *conf, uint32_t size)
{
	(void)size;
	((struct fast_ring *)device->fp_obj->dev_private)->is_silent = conf->enable_silent;
	return 0;
}

static int vchan_setup(struct driver_device *device, uint16_t vchan, const struct rte_dma_vchan_conf *conf, uint32_t size)
{
	(void)vchan, (void)size;
	((struct fast_ring *)device->fp_obj->dev_private)->nb_desc = conf->nb_desc;
	return 0;
}

static int start(struct driver_device *device)
{
	struct fast_ring *ring = device->fp_obj->dev_private;

	ring->enqueued = ring->rung = ring->polled = 0;
	return 0;
}

static int nothing(struct driver_device *device)
{
	(void)device;
	return 0;
}

/* With MISCOUNTS it counts too much. */
static int stats_get(const struct driver_device *device, uint16_t vchan, struct rte_dma_stats *stats, uint32_t size)
{
	const struct fast_ring *ring = device->fp_obj->dev_private;

	(void)vchan, (void)size;
	*stats = (struct rte_dma_stats){ .submitted = ring->rung, .completed = ring->polled, .errors = ring->errors };
	if (getenv("MISCOUNTS") != NULL)
		stats->completed += ring->polled;
	return 0;
}

static const struct driver_operations operations = {
	.info_get = info_get, .configure = configure, .start = start, .stop = nothing, .close = nothing,
	.vchan_setup = vchan_setup, .stats_get = stats_get
};

/* The library reads its NUMA node. */
static uint64_t bus_device[64];
static struct driver_device *plugged[64];

static struct fast_ring *plug(const char *name)
{
	struct driver_device *device = rte_dma_pmd_allocate(name, -1, sizeof(struct fast_ring));
	struct fast_ring *ring;

	EXPECT(device != NULL);
	ring = device->data->dev_private;
	ring->mark = FAST_MARK;
	device->device = bus_device;
	device->operations = &operations;
	device->fp_obj->dev_private = ring;
	device->fp_obj->copy = fast_copy;
	device->fp_obj->copy_sg = (rte_dma_copy_sg_t)(void *)fast_copy_sg;
	device->fp_obj->fill = fast_fill;
	device->fp_obj->submit = fast_submit;
	device->fp_obj->completed = fast_completed;
	device->fp_obj->completed_status = (rte_dma_completed_status_t)(void *)fast_completed_status;
	device->fp_obj->burst_capacity = fast_burst_capacity;
	device->state = 2;
	plugged[device->data->dev_id] = device;
	return ring;
}

/* Removes a device that is started. */
static void unplug(int16_t id, const char *name)
{
	plugged[id]->state = 1;
	EXPECT(rte_dma_pmd_release(name) == 0);
}

/* ---------------------------------------------------------------- What the observer has counted */

static bool is_observed(void)
{
	return getenv("OBSERVED") != NULL;
}

static struct observer_file_device found_device;

/* Reads a channel of device `id` of a process as another process would do it. */
static struct observer_channel_counters read_counters(pid_t pid, int16_t id)
{
	struct observer_file_header header;
	struct observer_channel_counters counters;
	char path[512];
	int file;

	snprintf(path, sizeof(path), "%s/" OBSERVER_FILE_PREFIX "%d", rte_eal_get_runtime_dir(), (int)pid);
	file = open(path, O_RDONLY | O_NOFOLLOW);
	if (file < 0)
		FAIL("no file %s", path);
	EXPECT(pread(file, &header, sizeof(header), 0) == sizeof(header));
	EQUAL(header.magic, OBSERVER_FILE_MAGIC);
	EQUAL(header.pid, (uint64_t)pid);
	EXPECT(header.sequence % 2 == 0);
	found_device = header.devices[id];
	EXPECT(found_device.offset != 0);
	EQUAL(found_device.channel_bytes, sizeof(counters));
	EXPECT(pread(file, &counters, sizeof(counters), (off_t)found_device.offset) == sizeof(counters));
	close(file);
	return counters;
}

/* What the application knows. */
struct counted {
	uint64_t enqueued, rung, doorbells, completed, bytes, errors, kinds[4], statuses[16], polls, empty_polls, rejected;
};

static void expect_counts(int16_t id, const struct counted *counted)
{
	struct observer_channel_counters found;
	uint64_t latencies = 0;

	if (!is_observed())
		return;
	found = read_counters(getpid(), id);
	EQUAL(found.counters.application.submitted, counted->rung);
	EQUAL(found.counters.application.doorbells, counted->doorbells);
	EQUAL(found.counters.application.rejected, counted->rejected);
	EQUAL(found.counters.engine.completed, counted->completed);
	EQUAL(found.counters.engine.errors, counted->errors);
	EQUAL(found.counters.engine.bytes, counted->bytes);
	for (unsigned kind = 0; kind < 4; kind++)
		EQUAL(found.counters.engine.kinds[kind], counted->kinds[kind]);
	for (unsigned status = 0; status < 16; status++)
		EQUAL(found.counters.engine.statuses[status], counted->statuses[status]);
	EQUAL(found.activity.full_polls, counted->polls - counted->empty_polls);
	EQUAL(found.activity.empty_polls, counted->empty_polls);
	for (unsigned bucket = 0; bucket < DMADEV_LATENCY_BUCKETS; bucket++)
		latencies += found.counters.engine.latency_buckets[bucket];
	EQUAL(latencies, counted->completed);
}

/* ---------------------------------------------------------------- Work */

static uint64_t seed = 88172645463325252ULL;

static uint32_t random_below(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % limit;
}

static char source[4096], destination[4096];

static void configure_device(int16_t id, uint16_t nb_desc, bool is_silent)
{
	struct rte_dma_conf conf = { .nb_vchans = 1, .enable_silent = is_silent };
	struct rte_dma_vchan_conf vchan = { .direction = RTE_DMA_DIR_MEM_TO_MEM, .nb_desc = nb_desc };

	EQUAL((uint64_t)rte_dma_configure(id, &conf), 0);
	EQUAL((uint64_t)rte_dma_vchan_setup(id, 0, &vchan), 0);
}

static void start_device(int16_t id, uint16_t nb_desc, bool is_silent)
{
	configure_device(id, nb_desc, is_silent);
	EQUAL((uint64_t)rte_dma_start(id), 0);
}

/* Lengths of the operations that are not polled, by ring index. */
static uint32_t lengths[65536];
static uint8_t kinds[65536];

static void enqueue(int16_t id, struct counted *counted, bool is_mixed, bool rings, uint32_t *pending)
{
	uint32_t length = random_below(128) + 1, kind = is_mixed ? random_below(3) + 1 : 1;
	uint64_t flags = rings ? RTE_DMA_OP_FLAG_SUBMIT : 0;
	struct rte_dma_sge sources[2] = { { .addr = (rte_iova_t)(uintptr_t)source, .length = length },
					  { .addr = (rte_iova_t)(uintptr_t)source, .length = 1 } };
	int index;

	if (kind == 1)
		index = rte_dma_copy(id, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, length, flags);
	else if (kind == 2)
		index = rte_dma_copy_sg(id, 0, sources, sources, 2, 2, flags), length++;
	else
		index = rte_dma_fill(id, 0, 1, (rte_iova_t)(uintptr_t)destination, length, flags);
	if (index < 0) {
		EQUAL((uint64_t)index, (uint64_t)-ENOSPC);
		counted->rejected++;
		return;
	}
	EQUAL((uint64_t)index, counted->enqueued % 65536);
	lengths[index] = length;
	kinds[index] = (uint8_t)kind;
	counted->enqueued++;
	(*pending)++;
	if (rings) {
		counted->rung += *pending;
		counted->doorbells++;
		*pending = 0;
	}
}

static void take(struct counted *counted, uint16_t first, uint16_t count, const enum rte_dma_status_code *statuses)
{
	for (uint16_t place = 0; place < count; place++) {
		uint16_t index = (uint16_t)(first + place);

		counted->completed++;
		counted->kinds[kinds[index]]++;
		if (statuses == NULL || statuses[place] == RTE_DMA_STATUS_SUCCESSFUL) {
			counted->bytes += lengths[index];
		} else {
			counted->errors++;
			counted->statuses[statuses[place] == FAST_STATUS_UNKNOWN ? 15 : statuses[place]]++;
		}
	}
}

/* Polls in one of the two ways. */
static void poll_some(int16_t id, struct counted *counted, uint64_t start, bool with_status, uint16_t most)
{
	static enum rte_dma_status_code statuses[1024];
	uint16_t last = 0, count, first = (uint16_t)(counted->completed - start);
	bool has_error = false;

	if (with_status) {
		memset(statuses, 0xee, sizeof(statuses));
		count = rte_dma_completed_status(id, 0, most, &last, statuses);
		for (unsigned place = 0; place < 1024; place++)
			EXPECT(place < count ? statuses[place] <= FAST_STATUS_UNKNOWN : (uint32_t)statuses[place] == 0xeeeeeeee);
	} else {
		count = rte_dma_completed(id, 0, most, &last, &has_error);
	}
	counted->polls++;
	if (count == 0) {
		counted->empty_polls++;
		return;
	}
	EQUAL(last, (uint16_t)(first + count - 1));
	take(counted, first, count, with_status ? statuses : NULL);
}

/* Moves `count` operations in random bursts over one start. */
static void move(int16_t id, struct fast_ring *ring, struct counted *counted, uint64_t count, bool is_mixed, uint64_t fail_every)
{
	uint64_t begun = counted->enqueued, start = counted->completed;
	uint32_t pending = 0;
	struct counted local = *counted;

	ring->fail_every = fail_every;
	/* Ring indexes begin at 0 with each start. */
	local.enqueued = 0;
	while (local.enqueued < count) {
		uint32_t burst = random_below(48) + 1;

		for (uint32_t place = 0; place < burst; place++)
			enqueue(id, &local, is_mixed, random_below(32) == 0, &pending);
		if (random_below(4) != 0) {
			EQUAL((uint64_t)rte_dma_submit(id, 0), 0);
			local.doorbells += pending > 0;
			local.rung += pending;
			pending = 0;
		}
		if (random_below(3) != 0)
			poll_some(id, &local, start, fail_every != 0 ? random_below(2) : random_below(8) == 0,
				  (uint16_t)(random_below(96) + 1));
	}
	EQUAL((uint64_t)rte_dma_submit(id, 0), 0);
	local.doorbells += pending > 0;
	local.rung += pending;
	while (local.completed - start < local.enqueued)
		poll_some(id, &local, start, true, 64);
	local.enqueued += begun;
	*counted = local;
}

/* ---------------------------------------------------------------- Cases */

static void test_counts(uint64_t count)
{
	struct fast_ring *ring = plug("fast0");
	struct counted counted = { 0 }, nothing = { 0 };

	plug("fast1");
	start_device(1, 64, false);
	start_device(0, 1024, false);
	move(0, ring, &counted, count, false, 0);
	expect_counts(0, &counted);
	EQUAL((uint64_t)rte_dma_stop(0), 0);
	/* Other kinds, failures, ring sizes that are no power of two, and rings that are always full. */
	start_device(0, 1000, false);
	move(0, ring, &counted, count / 20, true, 0);
	expect_counts(0, &counted);
	EQUAL((uint64_t)rte_dma_stop(0), 0);
	start_device(0, 32, false);
	move(0, ring, &counted, count / 20, true, 97);
	expect_counts(0, &counted);
	EQUAL((uint64_t)rte_dma_stop(0), 0);
	start_device(0, 32768, false);
	move(0, ring, &counted, count / 20, true, 5);
	expect_counts(0, &counted);
	/* Started twice: nothing changes. */
	EQUAL((uint64_t)rte_dma_start(0), 0);
	EQUAL(rte_dma_burst_capacity(0, 0), 32768);
	EQUAL((uint64_t)rte_dma_stop(0), 0);
	/* Silent mode: no polls. */
	start_device(0, 64, true);
	ring->fail_every = 0;
	for (uint64_t index = 0; index < 1000000; index++)
		EQUAL((uint64_t)rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 8,
					     RTE_DMA_OP_FLAG_SUBMIT), index % 65536);
	counted.rung += 1000000;
	counted.doorbells += 1000000;
	expect_counts(0, &counted);
	EQUAL((uint64_t)rte_dma_stop(0), 0);
	/* The driver's functions are back. */
	EXPECT(rte_dma_fp_objs[0].copy == fast_copy && rte_dma_fp_objs[0].completed == fast_completed);
	if (is_observed()) {
		EXPECT(rte_dma_fp_objs[1].copy != fast_copy);
		EXPECT(found_device.is_observed == 1);
		read_counters(getpid(), 0);
		EXPECT(found_device.is_observed == 0 && strcmp(found_device.name, "fast0") == 0);
	}
	expect_counts(1, &nothing);
	EQUAL((uint64_t)rte_dma_close(0), 0);
	/* Other devices get the numbers, one after an unplug without a stop. */
	ring = plug("fast2");
	start_device(0, 64, false);
	memset(&counted, 0, sizeof(counted));
	move(0, ring, &counted, 100000, false, 0);
	expect_counts(0, &counted);
	unplug(1, "fast1");
	ring = plug("fast3");
	start_device(1, 64, false);
	move(1, ring, &nothing, 100000, true, 11);
	expect_counts(1, &nothing);
	EXPECT(!is_observed() || strcmp(found_device.name, "fast3") == 0);
}

/* Arguments that the driver must see as they are. */
static void test_invalid(void)
{
	struct rte_dma_fp_object *object;
	uint16_t last;
	bool has_error;

	plug("fast0");
	start_device(0, 64, false);
	object = &rte_dma_fp_objs[0];
	EQUAL((uint64_t)object->copy(object->dev_private, 1, 0, 0, 1, 0), (uint64_t)-EINVAL);
	EQUAL((uint64_t)object->copy(object->dev_private, 65535, 0, 0, 1, 0), (uint64_t)-EINVAL);
	EQUAL((uint64_t)object->submit(object->dev_private, 7), (uint64_t)-EINVAL);
	EQUAL(object->completed(object->dev_private, 7, 1, &last, &has_error), 0);
	/* Flags without a meaning here, and no bytes. */
	EQUAL((uint64_t)object->copy(object->dev_private, 0, (uintptr_t)source, (uintptr_t)destination, 0, 1ULL << 40 | 0xf0), 0);
	EQUAL((uint64_t)object->fill(object->dev_private, 0, 0, (uintptr_t)destination, 1, 1ULL << 63), 1);
}

static void *misuse(void *ring)
{
	uint16_t last;
	bool has_error;
	static enum rte_dma_status_code statuses[64];

	(void)ring;
	for (int index = 0; index < 1000000; index++) {
		rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 16, index % 3 ? 2 : 0);
		rte_dma_completed(0, 0, 7, &last, &has_error);
		rte_dma_submit(0, 0);
		if (index % 16 == 0)
			rte_dma_completed_status(0, 0, 64, &last, statuses);
	}
	return NULL;
}

/* Threads that share a channel, which DPDK forbids: counts may be wrong, nothing else. */
static void test_misuse(void)
{
	struct fast_ring *ring = plug("fast0");
	pthread_t threads[4];

	start_device(0, 128, false);
	for (int index = 0; index < 4; index++)
		EXPECT(pthread_create(&threads[index], NULL, misuse, ring) == 0);
	for (int index = 0; index < 4; index++)
		pthread_join(threads[index], NULL);
}

/* A child that goes on with the parent's device counts for itself. */
static void test_fork(void)
{
	struct fast_ring *ring = plug("fast0");
	struct counted counted = { 0 };
	int status;
	pid_t child;

	start_device(0, 256, false);
	move(0, ring, &counted, 100000, true, 0);
	child = fork();
	if (child == 0) {
		uint16_t last;
		bool has_error;
		struct counted own = { 0 };

		for (int index = 0; index < 1000; index++) {
			rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 16, 2);
			EXPECT(rte_dma_completed(0, 0, 1, &last, &has_error) == 1);
		}
		EQUAL((uint64_t)rte_dma_stop(0), 0);
		start_device(0, 256, false);
		move(0, ring, &own, 5000, true, 0);
		expect_counts(0, &own);
		_exit(0);
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EQUAL((uint64_t)status, 0);
	expect_counts(0, &counted);
}

/* Killed in the middle: the counts are there, but for what the last calls were about. */
static void test_kill(void)
{
	uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec wait = { .tv_nsec = 300000000 };
	struct observer_channel_counters found;
	pid_t child = fork();

	if (child == 0) {
		plug("fast0");
		start_device(0, 256, false);
		for (;;) {
			uint16_t last, count;
			bool has_error;

			for (int place = 0; place < 32; place++)
				rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 16, 0);
			rte_dma_submit(0, 0);
			count = rte_dma_completed(0, 0, 32, &last, &has_error);
			__atomic_store_n(done, *done + count, __ATOMIC_RELEASE);
		}
	}
	while (__atomic_load_n(done, __ATOMIC_ACQUIRE) == 0)
		usleep(1000);
	nanosleep(&wait, NULL);
	kill(child, SIGKILL);
	EXPECT(waitpid(child, NULL, 0) == child);
	if (!is_observed())
		return;
	found = read_counters(child, 0);
	EXPECT(found.counters.engine.completed >= *done && found.counters.engine.completed <= *done + 32);
	printf("killed after %" PRIu64 " operations, %" PRIu64 " are in the file\n", *done, found.counters.engine.completed);
}

static void *copy_forever(void *stop)
{
	uint16_t last;
	bool has_error;

	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 16, 2);
		rte_dma_completed(0, 0, 1, &last, &has_error);
	}
	return NULL;
}

/* Control calls while another thread makes data calls, which DPDK forbids. */
static void test_control(void)
{
	static bool stop;
	pthread_t thread;

	plug("fast0");
	start_device(0, 128, false);
	EXPECT(pthread_create(&thread, NULL, copy_forever, &stop) == 0);
	for (int index = 0; index < 2000; index++) {
		EQUAL((uint64_t)rte_dma_stop(0), 0);
		configure_device(0, (uint16_t)(32 << index % 6), false);
		EQUAL((uint64_t)rte_dma_start(0), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

/* Moves some operations, says how many, and waits until its input ends. */
static void serve(void)
{
	struct fast_ring *ring = plug("fast0");
	struct counted counted = { 0 };

	start_device(0, 64, false);
	move(0, ring, &counted, 1000, true, 10);
	printf("moved %" PRIu64 " %" PRIu64 "\n", counted.completed, counted.errors);
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The time of an operation of 64 bytes, the best of several rounds. */
static double measure(uint32_t burst)
{
	double best = 1e9;

	for (int round = 0; round < 40; round++) {
		uint64_t begin = nanoseconds(), count = 0;

		while (count < 100000) {
			uint16_t last;
			bool has_error;

			if (burst == 1) {
				rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 64,
					     RTE_DMA_OP_FLAG_SUBMIT);
			} else {
				for (uint32_t place = 0; place < burst; place++)
					rte_dma_copy(0, 0, (rte_iova_t)(uintptr_t)source, (rte_iova_t)(uintptr_t)destination, 64, 0);
				rte_dma_submit(0, 0);
			}
			count += rte_dma_completed(0, 0, (uint16_t)burst, &last, &has_error);
		}
		if ((double)(nanoseconds() - begin) / (double)count < best)
			best = (double)(nanoseconds() - begin) / (double)count;
	}
	return best;
}

static void run_benchmark(void)
{
	plug("fast0");
	start_device(0, 1024, false);
	printf("%.2f %.2f\n", measure(32), measure(1));
}

int run_case(const char *name);

int run_case(const char *name)
{
	const char *number = strchr(name, '=');

	if (strncmp(name, "counts", 6) == 0)
		test_counts(number == NULL ? 20000000 : strtoull(number + 1, NULL, 10));
	else if (strcmp(name, "invalid") == 0)
		test_invalid();
	else if (strcmp(name, "misuse") == 0)
		test_misuse();
	else if (strcmp(name, "fork") == 0)
		test_fork();
	else if (strcmp(name, "kill") == 0)
		test_kill();
	else if (strcmp(name, "control") == 0)
		test_control();
	else if (strcmp(name, "serve") == 0)
		serve();
	else if (strcmp(name, "benchmark") == 0)
		run_benchmark();
	else
		FAIL("no case %s", name);
	return 0;
}

int main(int count, char **arguments)
{
	const char *name = count < 2 ? "" : arguments[1];

	if (count < 2)
		FAIL("no case");
	arguments[1] = arguments[0];
	EXPECT(rte_eal_init(count - 1, arguments + 1) >= 0);
	return run_case(name);
}
