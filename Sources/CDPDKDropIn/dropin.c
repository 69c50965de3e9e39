/* A librte_dmadev for programs that are linked with DPDK: the devices of libdmadev, behind the calls of DPDK's library.
 * DROPIN_ABI is the DPDK that it replaces, whose name and symbol versions it takes: 23 is compiled with Debian's headers, 27
 * with the compatible header, which has the layouts of 26.11.
 *
 * Devices are those of DMADEV_DEVICES and of DPDK's drivers. */
#include "drivers.h"

/* Objects of DPDK are passed on as they are where both have the same layout. */
static_assert(sizeof(struct rte_dma_sge) == sizeof(struct dmadev_sge), "entries of lists");
static_assert(sizeof(struct rte_dma_stats) == sizeof(struct dmadev_stats), "statistics");
static_assert(sizeof(struct rte_dma_port_param) == sizeof(struct dmadev_port), "ports");
static_assert(offsetof(struct rte_dma_vchan_conf, dst_port) == offsetof(struct dmadev_vchan_conf, dst_port), "ports");
static_assert(sizeof(struct rte_dma_fp_object) == sizeof(struct dmadev_fp_object), "tables of data calls");
static_assert(offsetof(struct rte_dma_fp_object, burst_capacity) ==
		      offsetof(struct dmadev_fp_object, burst_capacity), "data calls");

int log_type;

/* Copied by programs, and read by their inline calls. */
struct rte_dma_fp_object *rte_dma_fp_objs;

/* Logs the reason of a failed call, as DPDK's library does. */
static int logged(int result)
{
	if (result < 0)
		LOG(ERR, "%s\n", dmadev_error());
	return result;
}

/* In the calls that a program begins with. */
static void find_devices(void)
{
	prepare_pools();
	adopt_devices();
}

int rte_dma_dev_max(size_t dev_max)
{
	int result = logged(dmadev_dev_max(dev_max));

	rte_dma_fp_objs = (struct rte_dma_fp_object *)dmadev_fp_objs;
	return result;
}

int rte_dma_get_dev_id_by_name(const char *name)
{
	find_devices();
	return dmadev_get_dev_id_by_name(name);
}

bool rte_dma_is_valid(int16_t dev_id)
{
	find_devices();
	return dmadev_is_valid(dev_id);
}

uint16_t rte_dma_count_avail(void)
{
	find_devices();
	return dmadev_count_avail();
}

int16_t rte_dma_next_dev(int16_t start_dev_id)
{
	find_devices();
	return dmadev_next_dev(start_dev_id);
}

int rte_dma_info_get(int16_t dev_id, struct rte_dma_info *dev_info)
{
	struct dmadev_info info;
	int result;

	find_devices();
	result = logged(dmadev_info_get(dev_id, dev_info == NULL ? NULL : &info));
	if (result < 0)
		return result;
	memset(dev_info, 0, INFO_BYTES);
	dev_info->dev_name = info.dev_name;
	dev_info->dev_capa = info.dev_capa;
	dev_info->max_vchans = info.max_vchans;
	dev_info->max_desc = info.max_desc;
	dev_info->min_desc = info.min_desc;
	dev_info->max_sges = info.max_sges;
	dev_info->numa_node = info.numa_node;
	dev_info->nb_vchans = info.nb_vchans;
#if DROPIN_ABI == 27
	dev_info->nb_priorities = info.nb_priorities;
#endif
	return 0;
}

int rte_dma_configure(int16_t dev_id, const struct rte_dma_conf *dev_conf)
{
	struct dmadev_conf conf;
	int result;

	find_devices();
	if (dev_conf == NULL)
		return logged(dmadev_configure(dev_id, NULL));
	memset(&conf, 0, sizeof(conf));
	conf.nb_vchans = dev_conf->nb_vchans;
#if DROPIN_ABI == 27
	conf.priority = dev_conf->priority;
	conf.flags = dev_conf->flags;
#else
	conf.flags = dev_conf->enable_silent ? DMADEV_CFG_FLAG_SILENT : 0;
#endif
	result = logged(dmadev_configure(dev_id, &conf));
	if (result < 0)
		return result;
	/* DPDK's tests expect it: its example driver begins to count at 0 when it starts. */
	return logged(dmadev_stats_reset(dev_id, DMADEV_ALL_VCHAN));
}

int rte_dma_start(int16_t dev_id)
{
	/* Physical addresses are nothing that an engine in software can use. */
	if (rte_dma_pmd_get_dev_by_id(dev_id) == NULL && rte_eal_iova_mode() == RTE_IOVA_PA) {
		LOG(ERR, "these devices need virtual addresses as IOVAs: start the program with --iova-mode=va\n");
		return -ENOTSUP;
	}
	return logged(dmadev_start(dev_id));
}

int rte_dma_stop(int16_t dev_id)
{
	return logged(dmadev_stop(dev_id));
}

int rte_dma_close(int16_t dev_id)
{
	return logged(dmadev_close(dev_id));
}

int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const struct rte_dma_vchan_conf *conf)
{
	struct dmadev_vchan_conf own;

	if (conf == NULL)
		return logged(dmadev_vchan_setup(dev_id, vchan, NULL));
#if DROPIN_ABI == 27
	if (conf->auto_free.m2d.pool != NULL && check_pool(conf->auto_free.m2d.pool) < 0)
		return -ENOTSUP;
#endif
	/* DPDK's structure is the other one, or its beginning. */
	memset(&own, 0, sizeof(own));
	memcpy(&own, conf, sizeof(*conf));
	own.reserved0 = 0;
	return logged(dmadev_vchan_setup(dev_id, vchan, &own));
}

int rte_dma_stats_get(int16_t dev_id, uint16_t vchan, struct rte_dma_stats *stats)
{
	return logged(dmadev_stats_get(dev_id, vchan, (struct dmadev_stats *)stats));
}

int rte_dma_stats_reset(int16_t dev_id, uint16_t vchan)
{
	return logged(dmadev_stats_reset(dev_id, vchan));
}

int rte_dma_vchan_status(int16_t dev_id, uint16_t vchan, enum rte_dma_vchan_status *status)
{
	const struct rte_dma_dev *dev = rte_dma_pmd_get_dev_by_id(dev_id);

	if (dev != NULL && dev->dev_ops->vchan_status == NULL)
		return -ENOTSUP;
	return logged(dmadev_vchan_status(dev_id, vchan, (enum dmadev_vchan_status *)status));
}

int rte_dma_dump(int16_t dev_id, FILE *f)
{
	const struct rte_dma_dev *dev = rte_dma_pmd_get_dev_by_id(dev_id);
	int result = logged(dmadev_dump(dev_id, f));

	return result == 0 && dev != NULL && dev->dev_ops->dev_dump != NULL ? dev->dev_ops->dev_dump(dev, f) : result;
}

#if DROPIN_ABI == 27

/* ---------------------------------------------------------------- Access pair groups */

int rte_dma_access_pair_group_create(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token, int16_t *group_id,
				     rte_dma_access_pair_group_event_cb_t cb)
{
	return logged(inline_dma_access_pair_group_create(dev_id, domain_id, token, group_id, cb));
}

int rte_dma_access_pair_group_destroy(int16_t dev_id, int16_t group_id)
{
	return logged(dmadev_access_pair_group_destroy(dev_id, group_id));
}

int rte_dma_access_pair_group_join(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token, int16_t group_id,
				   rte_dma_access_pair_group_event_cb_t cb)
{
	return logged(inline_dma_access_pair_group_join(dev_id, domain_id, token, group_id, cb));
}

int rte_dma_access_pair_group_leave(int16_t dev_id, int16_t group_id)
{
	return logged(dmadev_access_pair_group_leave(dev_id, group_id));
}

int rte_dma_access_pair_group_handler_get(int16_t dev_id, int16_t group_id, rte_uuid_t domain_id, uint16_t *handler)
{
	return logged(dmadev_access_pair_group_handler_get(dev_id, group_id, domain_id, handler));
}

/* Programs with traced data calls refer to DPDK's trace points. These are never switched on: calls are traced by
 * libdmadev. */
#define TRACE_POINT(call)                           \
	extern uint64_t __rte_dma_trace_##call;     \
	uint64_t __rte_dma_trace_##call
TRACE_POINT(burst_capacity);
TRACE_POINT(completed);
TRACE_POINT(completed_status);
TRACE_POINT(copy);
TRACE_POINT(copy_sg);
TRACE_POINT(dequeue_ops);
TRACE_POINT(enqueue_ops);
TRACE_POINT(fill);
TRACE_POINT(submit);

#endif

/* Nothing of libdmadev but the address of its array may be used before main(): Swift must not run there. */
static void __attribute__((constructor)) prepare(void)
{
	rte_dma_fp_objs = (struct rte_dma_fp_object *)dmadev_fp_objs;
	log_type = rte_log_register_type_and_pick_level("lib.dmadev", RTE_LOG_NOTICE);
	register_telemetry();
}
