#include "cdmadev.h"

#include <assert.h>
#include <stddef.h>

#define LINE 64

static_assert(sizeof(struct dmadev_sge) == 16, "as struct rte_dma_sge");
static_assert(sizeof(struct dmadev_descriptor) == LINE / 2, "two descriptors a cache line");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "descriptors are written as words");
static_assert(offsetof(struct dmadev_descriptor, length) == 16 && offsetof(struct dmadev_descriptor, kind) == 20 &&
		      offsetof(struct dmadev_descriptor, flags) == 21 && offsetof(struct dmadev_descriptor, nb_src) == 22 &&
		      offsetof(struct dmadev_descriptor, nb_dst) == 23 &&
		      offsetof(struct dmadev_descriptor, src_handler) == 24 &&
		      offsetof(struct dmadev_descriptor, dst_handler) == 26,
	      "the words that the application writes");
static_assert(sizeof(struct dmadev_producer_page) == LINE, "one line");
static_assert(offsetof(struct dmadev_consumer_page, need_wakeup) == LINE, "what rarely changes has its own line");
static_assert(sizeof(struct dmadev_consumer_page) == 2 * LINE, "two lines");
static_assert(sizeof(struct dmadev_engine_counters) % LINE == 0, "writers do not share a line");
static_assert(offsetof(struct dmadev_counters, application) % LINE == 0, "writers do not share a line");
static_assert(sizeof(struct dmadev_counters) % LINE == 0, "vchans do not share a line");
static_assert(DMADEV_LATENCY_BUCKETS == 2 + 4 * DMADEV_LATENCY_OCTAVES, "Swift does not import the sum");
static_assert(sizeof(struct dmadev_producer_state) == LINE, "one line");
