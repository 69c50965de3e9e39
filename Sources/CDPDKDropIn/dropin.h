/* Shared by the files of the drop-in library. */
#ifndef DROPIN_H
#define DROPIN_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if DROPIN_ABI == 27
#include "abi27.h"
#else
#include <rte_dmadev.h>
#include <rte_eal.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_telemetry.h>
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#define INFO_BYTES sizeof(struct rte_dma_info)
#endif

#include <dmadev_driver.h>

#include "pools.h"

extern int log_type;
#define LOG(level, ...) rte_log(RTE_LOG_##level, (uint32_t)log_type, "dmadev: " __VA_ARGS__)

void register_telemetry(void);

#endif
