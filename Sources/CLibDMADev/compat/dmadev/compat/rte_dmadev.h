/* Source compatibility with DPDK's rte_dmadev.h of 26.11, over libdmadev: the same names, values and layouts.
 *
 * Different from DPDK:
 * - There is no EAL. Devices are made by dmadev_create() of dmadev.h, or by the environment variable DMADEV_DEVICES.
 * - rte_iova_t holds a virtual address where the device has RTE_DMA_CAPA_SVA.
 * - struct rte_mempool is opaque: how buffers return to it is set by dmadev_set_pool_free(); without that, no device has
 *   RTE_DMA_CAPA_M2D_AUTO_FREE.
 * - Data calls check the channel and the state of the device in every build; RTE_DMADEV_DEBUG adds the device number.
 * - What DPDK does not have is at the end: the access groups of the RFC of September 2025.
 * Each call has the errors, units and threading of the call of dmadev.h with the same name. */
#ifndef DMADEV_COMPAT_RTE_DMADEV_H
#define DMADEV_COMPAT_RTE_DMADEV_H

#ifdef RTE_DMADEV_H
#error "This file has included DPDK's own rte_dmadev.h: include either that one or libdmadev's, not both."
#endif

#include <dmadev.h>

#include "rte_bitops.h"
#include "rte_common.h"
#include "rte_trace.h"
#include "rte_uuid.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- Devices */

#define RTE_DMADEV_DEFAULT_MAX 64

static inline int rte_dma_dev_max(size_t dev_max)
{
	return dmadev_dev_max(dev_max);
}

static inline int rte_dma_get_dev_id_by_name(const char *name)
{
	return dmadev_get_dev_id_by_name(name);
}

static inline bool rte_dma_is_valid(int16_t dev_id)
{
	return dmadev_is_valid(dev_id);
}

static inline uint16_t rte_dma_count_avail(void)
{
	return dmadev_count_avail();
}

static inline int16_t rte_dma_next_dev(int16_t start_dev_id)
{
	return dmadev_next_dev(start_dev_id);
}

#define RTE_DMA_FOREACH_DEV(p) for (p = rte_dma_next_dev(0); p != -1; p = rte_dma_next_dev((int16_t)(p + 1)))

#define RTE_DMA_CAPA_MEM_TO_MEM RTE_BIT64(0)
#define RTE_DMA_CAPA_MEM_TO_DEV RTE_BIT64(1)
#define RTE_DMA_CAPA_DEV_TO_MEM RTE_BIT64(2)
#define RTE_DMA_CAPA_DEV_TO_DEV RTE_BIT64(3)
#define RTE_DMA_CAPA_SVA RTE_BIT64(4)
#define RTE_DMA_CAPA_SILENT RTE_BIT64(5)
#define RTE_DMA_CAPA_HANDLES_ERRORS RTE_BIT64(6)
#define RTE_DMA_CAPA_M2D_AUTO_FREE RTE_BIT64(7)
#define RTE_DMA_CAPA_PRI_POLICY_SP RTE_BIT64(8)
#define RTE_DMA_CAPA_INTER_PROCESS_DOMAIN RTE_BIT64(9)
#define RTE_DMA_CAPA_INTER_OS_DOMAIN RTE_BIT64(10)
#define RTE_DMA_CAPA_OPS_COPY RTE_BIT64(32)
#define RTE_DMA_CAPA_OPS_COPY_SG RTE_BIT64(33)
#define RTE_DMA_CAPA_OPS_FILL RTE_BIT64(34)
#define RTE_DMA_CAPA_OPS_ENQ_DEQ RTE_BIT64(35)

#define RTE_DMA_CFG_FLAG_SILENT RTE_BIT64(0)
#define RTE_DMA_CFG_FLAG_ENQ_DEQ RTE_BIT64(1)

struct rte_dma_info {
	const char *dev_name;
	uint64_t dev_capa;
	uint16_t max_vchans;
	uint16_t max_desc;
	uint16_t min_desc;
	uint16_t max_sges;
	int16_t numa_node;
	uint16_t nb_vchans;
	uint16_t nb_priorities;
	/* Of the RFC; they make the structure 40 bytes long, which is 32 in DPDK. */
	uint16_t nb_access_groups;
	uint16_t controller_id; /* UINT16_MAX: none or unknown */
};

static inline int rte_dma_info_get(int16_t dev_id, struct rte_dma_info *dev_info)
{
	struct dmadev_info info;
	int ret = dmadev_info_get(dev_id, dev_info == NULL ? NULL : &info);

	if (ret != 0)
		return ret;
	dev_info->dev_name = info.dev_name;
	dev_info->dev_capa = info.dev_capa;
	dev_info->max_vchans = info.max_vchans;
	dev_info->max_desc = info.max_desc;
	dev_info->min_desc = info.min_desc;
	dev_info->max_sges = info.max_sges;
	dev_info->numa_node = info.numa_node;
	dev_info->nb_vchans = info.nb_vchans;
	dev_info->nb_priorities = info.nb_priorities;
	dev_info->nb_access_groups = info.nb_access_groups;
	dev_info->controller_id = info.controller_id;
	return 0;
}

struct rte_dma_conf {
	uint16_t nb_vchans;
	uint16_t priority;
	uint64_t flags;
};

static inline int rte_dma_configure(int16_t dev_id, const struct rte_dma_conf *dev_conf)
{
	struct dmadev_conf conf;

	if (dev_conf == NULL)
		return dmadev_configure(dev_id, NULL);
	conf.nb_vchans = dev_conf->nb_vchans;
	conf.priority = dev_conf->priority;
	conf.reserved0 = 0;
	conf.flags = dev_conf->flags;
	return dmadev_configure(dev_id, &conf);
}

static inline int rte_dma_start(int16_t dev_id)
{
	return dmadev_start(dev_id);
}

static inline int rte_dma_stop(int16_t dev_id)
{
	return dmadev_stop(dev_id);
}

static inline int rte_dma_close(int16_t dev_id)
{
	return dmadev_close(dev_id);
}

/* ---------------------------------------------------------------- Channels */

enum rte_dma_direction {
	RTE_DMA_DIR_MEM_TO_MEM,
	RTE_DMA_DIR_MEM_TO_DEV,
	RTE_DMA_DIR_DEV_TO_MEM,
	RTE_DMA_DIR_DEV_TO_DEV
};

enum rte_dma_port_type {
	RTE_DMA_PORT_NONE,
	RTE_DMA_PORT_PCIE
};

struct rte_dma_port_param {
	enum rte_dma_port_type port_type;
	__extension__ union {
		/* The last field does not fit in the first 64 bits: `val` has all fields but `st`. */
		__extension__ union {
			__extension__ struct {
				uint64_t coreid : 4;
				uint64_t pfid : 8;
				uint64_t vfen : 1;
				uint64_t vfid : 16;
				uint64_t pasid : 20;
				uint64_t attr : 3;
				uint64_t ph : 2;
				uint64_t st : 16;
			};
			uint64_t val;
		} pcie;
	};
	uint64_t reserved[2];
};

struct rte_mempool;

struct rte_dma_auto_free_param {
	__extension__ union {
		__extension__ struct {
			struct rte_mempool *pool;
		} m2d;
	};
	uint64_t reserved[2];
};

enum rte_dma_inter_domain_type {
	RTE_DMA_INTER_DOMAIN_NONE,
	RTE_DMA_INTER_PROCESS_DOMAIN,
	RTE_DMA_INTER_OS_DOMAIN
};

struct rte_dma_inter_domain_param {
	enum rte_dma_inter_domain_type type;
	uint16_t src_handler;
	uint16_t dst_handler;
	uint64_t reserved[2];
};

/* The RFC's names of the two above. */
enum rte_dma_inter_transfer_type {
	RTE_DMA_INTER_TRANSFER_NONE,
	RTE_DMA_INTER_PROCESS_TRANSFER,
	RTE_DMA_INTER_OS_TRANSFER
};

struct rte_dma_inter_transfer_param {
	enum rte_dma_inter_transfer_type transfer_type;
	uint16_t src_handler;
	uint16_t dst_handler;
	uint64_t reserved[2];
};

struct rte_dma_vchan_conf {
	enum rte_dma_direction direction;
	uint16_t nb_desc;
	struct rte_dma_port_param src_port;
	struct rte_dma_port_param dst_port;
	struct rte_dma_auto_free_param auto_free;
	__extension__ union {
		struct rte_dma_inter_domain_param domain;
		struct rte_dma_inter_transfer_param inter_transfer;
	};
};

/* For this header. */
static inline struct dmadev_port rte_dmadev_port_(const struct rte_dma_port_param *param)
{
	struct dmadev_port port = { (enum dmadev_port_type)param->port_type, 0, { 0, 0 }, { 0, 0 } };

	if (param->port_type != RTE_DMA_PORT_NONE) {
		port.pcie[0] = DMADEV_PCIE(param->pcie.coreid, param->pcie.pfid, param->pcie.vfen, param->pcie.vfid,
					   param->pcie.pasid, param->pcie.attr, param->pcie.ph);
		port.pcie[1] = param->pcie.st;
	}
	return port;
}

static inline int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const struct rte_dma_vchan_conf *conf)
{
	struct dmadev_vchan_conf own;

	if (conf == NULL)
		return dmadev_vchan_setup(dev_id, vchan, NULL);
	memset(&own, 0, sizeof(own));
	own.direction = (enum dmadev_direction)conf->direction;
	own.nb_desc = conf->nb_desc;
	own.src_port = rte_dmadev_port_(&conf->src_port);
	own.dst_port = rte_dmadev_port_(&conf->dst_port);
	own.auto_free_pool = conf->auto_free.m2d.pool;
	own.domain.type = (enum dmadev_inter_domain_type)conf->domain.type;
	if (conf->domain.type != RTE_DMA_INTER_DOMAIN_NONE) {
		own.domain.src_handler = conf->domain.src_handler;
		own.domain.dst_handler = conf->domain.dst_handler;
	}
	return dmadev_vchan_setup(dev_id, vchan, &own);
}

/* ---------------------------------------------------------------- Statistics */

struct rte_dma_stats {
	uint64_t submitted;
	uint64_t completed;
	uint64_t errors;
};

#define RTE_DMA_ALL_VCHAN 0xFFFFu

static inline int rte_dma_stats_get(int16_t dev_id, uint16_t vchan, struct rte_dma_stats *stats)
{
	struct dmadev_stats own;
	int ret = dmadev_stats_get(dev_id, vchan, stats == NULL ? NULL : &own);

	if (ret != 0)
		return ret;
	stats->submitted = own.submitted;
	stats->completed = own.completed;
	stats->errors = own.errors;
	return 0;
}

static inline int rte_dma_stats_reset(int16_t dev_id, uint16_t vchan)
{
	return dmadev_stats_reset(dev_id, vchan);
}

enum rte_dma_vchan_status {
	RTE_DMA_VCHAN_IDLE,
	RTE_DMA_VCHAN_ACTIVE,
	RTE_DMA_VCHAN_HALTED_ERROR
};

static inline int rte_dma_vchan_status(int16_t dev_id, uint16_t vchan, enum rte_dma_vchan_status *status)
{
	enum dmadev_vchan_status own;
	int ret = dmadev_vchan_status(dev_id, vchan, status == NULL ? NULL : &own);

	if (ret == 0)
		*status = (enum rte_dma_vchan_status)own;
	return ret;
}

static inline int rte_dma_dump(int16_t dev_id, FILE *f)
{
	return dmadev_dump(dev_id, f);
}

/* ---------------------------------------------------------------- Access pair groups */

enum rte_dma_access_pair_group_event_type {
	RTE_DMA_GROUP_EVENT_MEMBER_LEFT,
	RTE_DMA_GROUP_EVENT_GROUP_DESTROYED
};

/* Runs on a thread of the library. */
typedef void (*rte_dma_access_pair_group_event_cb_t)(int16_t dev_id, int16_t group_id, rte_uuid_t domain_id,
						     enum rte_dma_access_pair_group_event_type event);

/* For this header: calls the function in the argument for the two events that DPDK has. */
static inline void rte_dmadev_pair_event_(int16_t dev_id, int16_t group_id, const uint8_t *domain,
					  enum dmadev_group_event event, void *arg)
{
	rte_dma_access_pair_group_event_cb_t function;
	rte_uuid_t domain_id;

	memcpy(&function, &arg, sizeof(function));
	memcpy(domain_id, domain, sizeof(domain_id));
	if (event == DMADEV_GROUP_EVENT_LEFT)
		function(dev_id, group_id, domain_id, RTE_DMA_GROUP_EVENT_MEMBER_LEFT);
	else if (event == DMADEV_GROUP_EVENT_DESTROYED)
		function(dev_id, group_id, domain_id, RTE_DMA_GROUP_EVENT_GROUP_DESTROYED);
}

static inline int rte_dma_access_pair_group_create(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token,
						   int16_t *group_id, rte_dma_access_pair_group_event_cb_t cb)
{
	void *arg;

	memcpy(&arg, &cb, sizeof(arg));
	return dmadev_access_pair_group_create(dev_id, domain_id, token, cb == NULL ? NULL : rte_dmadev_pair_event_, arg,
					       group_id);
}

static inline int rte_dma_access_pair_group_destroy(int16_t dev_id, int16_t group_id)
{
	return dmadev_access_pair_group_destroy(dev_id, group_id);
}

static inline int rte_dma_access_pair_group_join(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token,
						 int16_t group_id, rte_dma_access_pair_group_event_cb_t cb)
{
	void *arg;

	memcpy(&arg, &cb, sizeof(arg));
	return dmadev_access_pair_group_join(dev_id, group_id, domain_id, token,
					     cb == NULL ? NULL : rte_dmadev_pair_event_, arg, NULL);
}

static inline int rte_dma_access_pair_group_leave(int16_t dev_id, int16_t group_id)
{
	return dmadev_access_pair_group_leave(dev_id, group_id);
}

static inline int rte_dma_access_pair_group_handler_get(int16_t dev_id, int16_t group_id, rte_uuid_t domain_id,
							uint16_t *handler)
{
	return dmadev_access_pair_group_handler_get(dev_id, group_id, domain_id, handler);
}

/* ---------------------------------------------------------------- Data */

enum rte_dma_status_code {
	RTE_DMA_STATUS_SUCCESSFUL,
	RTE_DMA_STATUS_USER_ABORT,
	RTE_DMA_STATUS_NOT_ATTEMPTED,
	RTE_DMA_STATUS_INVALID_SRC_ADDR,
	RTE_DMA_STATUS_INVALID_DST_ADDR,
	RTE_DMA_STATUS_INVALID_ADDR,
	RTE_DMA_STATUS_INVALID_LENGTH,
	RTE_DMA_STATUS_INVALID_OPCODE,
	RTE_DMA_STATUS_BUS_READ_ERROR,
	RTE_DMA_STATUS_BUS_WRITE_ERROR,
	RTE_DMA_STATUS_BUS_ERROR,
	RTE_DMA_STATUS_DATA_POISION, /* spelled as in DPDK */
	RTE_DMA_STATUS_DESCRIPTOR_READ_ERROR,
	RTE_DMA_STATUS_DEV_LINK_ERROR,
	RTE_DMA_STATUS_PAGE_FAULT,
	RTE_DMA_STATUS_ERROR_UNKNOWN = 0x100
};

struct rte_dma_sge {
	rte_iova_t addr;
	uint32_t length;
};

/* C++ has no array without a length; both compilers accept it. */
#if defined(__cplusplus) && defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#endif
struct rte_dma_op {
	uint64_t flags;
	struct rte_mempool *op_mp;
	enum rte_dma_status_code status;
	uint32_t rsvd;
	uint64_t impl_opaque[2];
	uint64_t user_meta;
	uint64_t event_meta;
	int16_t dma_dev_id;
	uint16_t vchan;
	uint16_t nb_src;
	uint16_t nb_dst;
	__extension__ struct rte_dma_sge src_dst_seg[];
};
#if defined(__cplusplus) && defined(__clang__)
#pragma clang diagnostic pop
#endif

typedef int (*rte_dma_copy_t)(void *dev_private, uint16_t vchan, rte_iova_t src, rte_iova_t dst, uint32_t length,
			      uint64_t flags);
typedef int (*rte_dma_copy_sg_t)(void *dev_private, uint16_t vchan, const struct rte_dma_sge *src,
				 const struct rte_dma_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags);
typedef int (*rte_dma_fill_t)(void *dev_private, uint16_t vchan, uint64_t pattern, rte_iova_t dst, uint32_t length,
			      uint64_t flags);
typedef int (*rte_dma_submit_t)(void *dev_private, uint16_t vchan);
typedef uint16_t (*rte_dma_completed_t)(void *dev_private, uint16_t vchan, const uint16_t nb_cpls, uint16_t *last_idx,
					bool *has_error);
typedef uint16_t (*rte_dma_completed_status_t)(void *dev_private, uint16_t vchan, const uint16_t nb_cpls,
					       uint16_t *last_idx, enum rte_dma_status_code *status);
typedef uint16_t (*rte_dma_burst_capacity_t)(const void *dev_private, uint16_t vchan);
typedef uint16_t (*rte_dma_enqueue_ops_t)(void *dev_private, uint16_t vchan, struct rte_dma_op **ops, uint16_t nb_ops);
typedef uint16_t (*rte_dma_dequeue_ops_t)(void *dev_private, uint16_t vchan, struct rte_dma_op **ops, uint16_t nb_ops);

/* 128 bytes, as in DPDK, but not aligned to them. */
struct rte_dma_fp_object {
	void *dev_private;
	rte_dma_copy_t copy;
	rte_dma_copy_sg_t copy_sg;
	rte_dma_fill_t fill;
	rte_dma_submit_t submit;
	rte_dma_completed_t completed;
	rte_dma_completed_status_t completed_status;
	rte_dma_burst_capacity_t burst_capacity;
	rte_dma_enqueue_ops_t enqueue;
	rte_dma_dequeue_ops_t dequeue;
	void *reserved[6];
};

#define rte_dma_fp_objs ((struct rte_dma_fp_object *)(void *)dmadev_fp_objs)

#define RTE_DMA_OP_FLAG_FENCE RTE_BIT64(0)
#define RTE_DMA_OP_FLAG_SUBMIT RTE_BIT64(1)
#define RTE_DMA_OP_FLAG_LLC RTE_BIT64(2)
#define RTE_DMA_OP_FLAG_AUTO_FREE RTE_BIT64(3)

/* For this header. */
#ifdef RTE_DMADEV_DEBUG
#define RTE_DMADEV_REQUIRE_(condition, result) \
	do {                                   \
		if (!(condition))              \
			return result;         \
	} while (0)
#else
#define RTE_DMADEV_REQUIRE_(condition, result) \
	do {                                   \
	} while (0)
#endif

static inline int rte_dma_copy(int16_t dev_id, uint16_t vchan, rte_iova_t src, rte_iova_t dst, uint32_t length,
			       uint64_t flags)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), -EINVAL);
	return dmadev_copy(dev_id, vchan, src, dst, length, flags);
}

static inline int rte_dma_copy_sg(int16_t dev_id, uint16_t vchan, struct rte_dma_sge *src, struct rte_dma_sge *dst,
				  uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), -EINVAL);
	return dmadev_copy_sg(dev_id, vchan, (const struct dmadev_sge *)(const void *)src,
			      (const struct dmadev_sge *)(const void *)dst, nb_src, nb_dst, flags);
}

static inline int rte_dma_fill(int16_t dev_id, uint16_t vchan, uint64_t pattern, rte_iova_t dst, uint32_t length,
			       uint64_t flags)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), -EINVAL);
	return dmadev_fill(dev_id, vchan, pattern, dst, length, flags);
}

static inline int rte_dma_submit(int16_t dev_id, uint16_t vchan)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), -EINVAL);
	return dmadev_submit(dev_id, vchan);
}

static inline uint16_t rte_dma_completed(int16_t dev_id, uint16_t vchan, const uint16_t nb_cpls, uint16_t *last_idx,
					 bool *has_error)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), 0);
	return dmadev_completed(dev_id, vchan, nb_cpls, last_idx, has_error);
}

static inline uint16_t rte_dma_completed_status(int16_t dev_id, uint16_t vchan, const uint16_t nb_cpls,
						uint16_t *last_idx, enum rte_dma_status_code *status)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id) && status != NULL, 0);
	return dmadev_completed_status(dev_id, vchan, nb_cpls, last_idx, (enum dmadev_status_code *)(void *)status);
}

static inline uint16_t rte_dma_burst_capacity(int16_t dev_id, uint16_t vchan)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), 0);
	return dmadev_burst_capacity(dev_id, vchan);
}

static inline uint16_t rte_dma_enqueue_ops(int16_t dev_id, uint16_t vchan, struct rte_dma_op **ops, uint16_t nb_ops)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), 0);
	return dmadev_enqueue_ops(dev_id, vchan, (struct dmadev_op **)(void *)ops, nb_ops);
}

static inline uint16_t rte_dma_dequeue_ops(int16_t dev_id, uint16_t vchan, struct rte_dma_op **ops, uint16_t nb_ops)
{
	RTE_DMADEV_REQUIRE_(rte_dma_is_valid(dev_id), 0);
	return dmadev_dequeue_ops(dev_id, vchan, (struct dmadev_op **)(void *)ops, nb_ops);
}

/* ---------------------------------------------------------------- Not in DPDK: the RFC of September 2025 */

/* The kind of a side's domain in one operation. The member's handler is at bit 32 of the flags for the source, at bit 48
 * for the destination. */
#define RTE_DMA_OP_FLAG_SRC_INTER_PROCESS_DOMAIN_HANDLE RTE_BIT64(4)
#define RTE_DMA_OP_FLAG_DST_INTER_PROCESS_DOMAIN_HANDLE RTE_BIT64(5)
#define RTE_DMA_OP_FLAG_SRC_INTER_OS_DOMAIN_HANDLE RTE_BIT64(6)
#define RTE_DMA_OP_FLAG_DST_INTER_OS_DOMAIN_HANDLE RTE_BIT64(7)

/* Up to 64 members. The caller's domain is the one of the process. */
static inline int rte_dma_access_group_create(int16_t dev_id, rte_uuid_t token, uint16_t *group_id)
{
	int16_t group;
	int ret = dmadev_access_group_create(dev_id, NULL, token, 64, group_id == NULL ? NULL : &group);

	if (ret == 0)
		*group_id = (uint16_t)group;
	return ret;
}

static inline int rte_dma_access_group_destroy(int16_t dev_id, uint16_t group_id)
{
	return dmadev_access_group_destroy(dev_id, (int16_t)group_id);
}

static inline int rte_dma_access_group_join(int16_t dev_id, uint16_t group_id, rte_uuid_t token)
{
	return dmadev_access_group_join(dev_id, (int16_t)group_id, NULL, token, NULL);
}

static inline int rte_dma_access_group_leave(int16_t dev_id, uint16_t group_id)
{
	return dmadev_access_group_leave(dev_id, (int16_t)group_id);
}

/* 0 on an error; the RFC returns the error as a number of members. */
static inline uint16_t rte_dma_access_group_size_get(int16_t dev_id, uint16_t group_id)
{
	int ret = dmadev_access_group_size_get(dev_id, (int16_t)group_id);

	return ret < 0 ? 0 : (uint16_t)ret;
}

/* Writes the handlers of up to size members, one per entry, in the order of joining. -EINVAL: group_tbl is NULL;
 * -ENOSPC: more than size members, of which the first are written. */
static inline int rte_dma_access_group_get(int16_t dev_id, uint16_t group_id, uint64_t *group_tbl, uint16_t size)
{
	struct dmadev_access_group_member members[64];
	int nb = dmadev_access_group_get(dev_id, (int16_t)group_id, members, RTE_DIM(members));

	if (nb < 0)
		return nb;
	if (group_tbl == NULL)
		return -EINVAL;
	for (int index = 0; index < nb && index < size && index < (int)RTE_DIM(members); index++)
		group_tbl[index] = members[index].handler;
	return nb > size ? -ENOSPC : 0;
}

enum rte_dma_event {
	RTE_DMA_EVENT_ACCESS_TABLE_UPDATE = 0,
	RTE_DMA_EVENT_ACCESS_TABLE_DESTROY = 1,
	RTE_DMA_EVENT_MAX
};

/* Runs on a thread of the library. */
typedef void (*rte_dma_event_callback)(int16_t dma_id, enum rte_dma_event event, void *user_data);

/* For this header: the types differ in the name of the enumeration only. */
static inline dmadev_event_callback_t rte_dmadev_event_callback_(rte_dma_event_callback cb_fn)
{
	dmadev_event_callback_t function;

	memcpy(&function, &cb_fn, sizeof(function));
	return function;
}

static inline int rte_dma_event_callback_register(uint16_t dev_id, enum rte_dma_event event,
						  rte_dma_event_callback cb_fn, void *cb_arg)
{
	return dmadev_event_callback_register((int16_t)dev_id, (enum dmadev_event)event,
					      rte_dmadev_event_callback_(cb_fn), cb_arg);
}

/* The RFC removes a callback that matches in any of the three; here all must match. */
static inline int rte_dma_event_callback_unregister(uint16_t dev_id, enum rte_dma_event event,
						    rte_dma_event_callback cb_fn, void *cb_arg)
{
	return dmadev_event_callback_unregister((int16_t)dev_id, (enum dmadev_event)event,
						rte_dmadev_event_callback_(cb_fn), cb_arg);
}

#ifdef __cplusplus
}
#endif

#endif
