/* observed-peer: an application of DPDK with the device of working-driver.h, to be run with and without an observer. It
 * knows nothing of one. Arguments are EAL's. Commands are lines on standard input, the answer to each is a line:
 *
 *     burst SIZE SECONDS     nanoseconds per copy of 256 bytes in bursts of SIZE; 1: with the flag that rings the doorbell
 */
#include <stdio.h>
#include <sys/mman.h>

#include <rte_eal.h>

#include "cpeers_work.h"
#include "working-driver.h"

#define DEVICE 0
/* Buffers as in a mempool of packets. */
#define AREAS 512
#define STRIDE 2304
#define SIZE 256

static int enqueue(void *self, const void *source, void *destination, uint32_t length)
{
	(void)self;
	return rte_dma_copy(DEVICE, 0, (rte_iova_t)source, (rte_iova_t)destination, length, 0);
}

static int enqueue_and_submit(void *self, const void *source, void *destination, uint32_t length)
{
	(void)self;
	return rte_dma_copy(DEVICE, 0, (rte_iova_t)source, (rte_iova_t)destination, length, RTE_DMA_OP_FLAG_SUBMIT);
}

static int submit(void *self)
{
	(void)self;
	return rte_dma_submit(DEVICE, 0);
}

static int nothing(void *self)
{
	(void)self;
	return 0;
}

static int poll(void *self, uint16_t most)
{
	uint16_t last;
	bool error = false;
	(void)self;
	int count = rte_dma_completed(DEVICE, 0, most, &last, &error);
	return error ? -1 : count;
}

static double run(uint32_t burst, double seconds)
{
	static uint8_t memory[2][AREAS * STRIDE] __attribute__((aligned(64)));
	struct cpeers_work work = {.source = memory[0], .destination = memory[1], .size = SIZE,
				   .stride = STRIDE, .areas = AREAS, .burst = burst, .in_flight = burst};
	for (uint32_t area = 0; area < AREAS; area++) {
		memset(memory[0] + area * STRIDE, 0xA5, SIZE);
		memset(memory[1] + area * STRIDE, 0, SIZE);
	}
	double result = burst == 1 ? cpeers_run(&work, seconds, NULL, enqueue_and_submit, nothing, poll) :
				     cpeers_run(&work, seconds, NULL, enqueue, submit, poll);
	return memcmp(memory[0], memory[1], sizeof(memory[0])) == 0 ? result : -1;
}

int main(int count, char **arguments)
{
	struct rte_dma_conf device = {.nb_vchans = 1};
	struct rte_dma_vchan_conf vchan = {.direction = RTE_DMA_DIR_MEM_TO_MEM, .nb_desc = WORKING_RING};
	char line[256];
	unsigned burst;
	double seconds;
	if (rte_eal_init(count, arguments) < 0 || !working_plug() || rte_dma_configure(DEVICE, &device) != 0 ||
	    rte_dma_vchan_setup(DEVICE, 0, &vchan) != 0 || rte_dma_start(DEVICE) != 0) {
		puts("error DPDK cannot be started");
		return 1;
	}
	puts("result ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		double result = sscanf(line, "burst %u %lf", &burst, &seconds) == 2 ? run(burst, seconds) : -1;
		if (result > 0)
			printf("result %f\n", result);
		else
			puts("error unknown command, or the copies failed");
		fflush(stdout);
	}
	rte_dma_stop(DEVICE);
	rte_dma_close(DEVICE);
	rte_eal_cleanup();
	return 0;
}
