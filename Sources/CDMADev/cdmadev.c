#include "cdmadev.h"

#include <assert.h>
#include <stddef.h>

#define LINE 64

static_assert(sizeof(struct dmadev_sge) == 16, "as struct rte_dma_sge");
static_assert(sizeof(struct dmadev_descriptor) == LINE / 2, "two descriptors a cache line");
static_assert(sizeof(struct dmadev_producer_page) == LINE, "one line");
static_assert(sizeof(struct dmadev_consumer_page) == LINE, "one line");
static_assert(sizeof(struct dmadev_engine_counters) % LINE == 0, "writers do not share a line");
static_assert(offsetof(struct dmadev_counters, application) % LINE == 0, "writers do not share a line");
static_assert(sizeof(struct dmadev_counters) % LINE == 0, "vchans do not share a line");
static_assert(DMADEV_LATENCY_BUCKETS == 2 + 4 * DMADEV_LATENCY_OCTAVES, "Swift does not import the sum");
static_assert(sizeof(struct dmadev_producer_state) == LINE, "one line");
