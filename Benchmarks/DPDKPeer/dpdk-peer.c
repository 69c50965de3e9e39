/* dpdk-peer: DPDK's skeleton device in the same loops as dmascope. Arguments are EAL's. Commands are lines on standard
 * input; the answer to each is one line that begins with "result" or "error":
 *
 *     copy SIZE AREAS TOUCHES SECONDS     nanoseconds per operation
 *     calls ROUNDS                        enqueue, doorbell, completed, none ready: nanoseconds
 *     latency IDLE COUNT                  median, p99: nanoseconds, each copy after IDLE nanoseconds
 *     idle SECONDS                        percent of a processor that the started device uses
 *     fill                                whether the device supports fills
 *
 * The device runs only during a command, because a started device uses processor time. EAL always answers
 * telemetry.
 *
 * With LIBDMADEV the same program has a software device of libdmadev, by its header for DPDK's programs. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <rte_dmadev.h>
#ifdef LIBDMADEV
#define rte_eal_init(count, arguments) ((void)(count), (void)(arguments), rte_dma_count_avail() == 1 ? 0 : -1)
#define rte_eal_cleanup()
#else
#include <rte_eal.h>
#endif

#include "cpeers_calls.h"
#include "cpeers_work.h"

#define DEVICE 0
#define RING 1024
#define BURST 32

static int enqueue(void *self, const void *source, void *destination, uint32_t length)
{
	(void)self;
	return rte_dma_copy(DEVICE, 0, (rte_iova_t)source, (rte_iova_t)destination, length, 0);
}

static int submit(void *self)
{
	(void)self;
	return rte_dma_submit(DEVICE, 0);
}

static int poll(void *self, uint16_t most)
{
	uint16_t last;
	bool error = false;
	(void)self;
	int count = rte_dma_completed(DEVICE, 0, most, &last, &error);
	return error ? -1 : count;
}

static uint8_t *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

static void copy(size_t size, uint32_t areas, int touches, double seconds)
{
	struct cpeers_work work = {
		.source = map(size * areas), .destination = map(size * areas), .size = size, .stride = size,
		.areas = areas, .burst = BURST, .in_flight = areas < RING - BURST ? areas : RING - BURST,
		.touches = touches != 0};
	memset(work.source, 0xA5, size * areas);
	cpeers_run(&work, seconds / 10, NULL, enqueue, submit, poll);
	double result = cpeers_run(&work, seconds, NULL, enqueue, submit, poll);
	if (result > 0 && memcmp(work.source, work.destination, size * areas) == 0)
		printf("result %f\n", result);
	else
		puts("error the copies failed");
	munmap(work.source, size * areas);
	munmap(work.destination, size * areas);
}

static void calls(uint32_t rounds)
{
	struct cpeers_calls costs;
	uint8_t *memory = map(2 * BURST * CPEERS_LINE);
	if (cpeers_time_calls(rounds, NULL, memory, memory + BURST * CPEERS_LINE, enqueue, submit, poll, &costs))
		printf("result %f %f %f %f\n", costs.enqueue, costs.doorbell, costs.completed, costs.none_ready);
	else
		puts("error a call failed");
	munmap(memory, 2 * BURST * CPEERS_LINE);
}

static void latency(uint64_t idle, uint32_t count)
{
	struct cpeers_latency times;
	uint8_t *memory = map(2 * CPEERS_LINE);
	if (cpeers_time_copies(count, idle, NULL, memory, memory + CPEERS_LINE, enqueue, submit, poll, &times))
		printf("result %f %f\n", times.median, times.p99);
	else
		puts("error a call failed");
	munmap(memory, 2 * CPEERS_LINE);
}

static double processor_seconds(void)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void idle(double seconds)
{
	struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
	double begin = processor_seconds(), clock = cpeers_now();
	nanosleep(&pause, NULL);
	printf("result %f\n", (processor_seconds() - begin) / (cpeers_now() - clock) * 1e11);
}

static void fill(void)
{
	struct rte_dma_info info;
	if (rte_dma_info_get(DEVICE, &info) == 0 && (info.dev_capa & RTE_DMA_CAPA_OPS_FILL) != 0)
		puts("result 1");
	else
		puts("error the skeleton device of this DPDK does not support fills");
}

static void answer(const char *line)
{
	unsigned long size;
	unsigned areas, count;
	int touches;
	double seconds;
	if (rte_dma_start(DEVICE) != 0)
		puts("error the device cannot be started");
	else if (sscanf(line, "copy %lu %u %d %lf", &size, &areas, &touches, &seconds) == 4)
		copy(size, areas, touches, seconds);
	else if (sscanf(line, "calls %u", &count) == 1)
		calls(count);
	else if (sscanf(line, "latency %lu %u", &size, &count) == 2)
		latency(size, count);
	else if (sscanf(line, "idle %lf", &seconds) == 1)
		idle(seconds);
	else if (strcmp(line, "fill\n") == 0)
		fill();
	else
		puts("error unknown command");
	rte_dma_stop(DEVICE);
	fflush(stdout);
}

int main(int count, char **arguments)
{
	struct rte_dma_conf device = {.nb_vchans = 1};
	struct rte_dma_vchan_conf vchan = {.direction = RTE_DMA_DIR_MEM_TO_MEM, .nb_desc = RING};
	char line[256];
	if (rte_eal_init(count, arguments) < 0 || rte_dma_configure(DEVICE, &device) != 0 ||
	    rte_dma_vchan_setup(DEVICE, 0, &vchan) != 0) {
		puts("error DPDK cannot be started");
		return 1;
	}
	puts("result ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		answer(line);
	rte_dma_close(DEVICE);
	rte_eal_cleanup();
	return 0;
}
