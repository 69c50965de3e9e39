/* A librte_dmadev for programs that are linked with DPDK: the devices of libdmadev, behind the calls of DPDK's library. It
 * is compiled with the headers of the DPDK that it replaces, and takes that one's name and symbol versions.
 *
 * Devices are those of DMADEV_DEVICES. Drivers of DPDK cannot add theirs: rte_dma_pmd_allocate() refuses, with a sentence
 * in the log. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_dmadev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_telemetry.h>

#include <dmadev.h>

/* Objects of DPDK are passed on as they are where both have the same layout. */
static_assert(sizeof(struct rte_dma_sge) == sizeof(struct dmadev_sge), "entries of lists");
static_assert(sizeof(struct rte_dma_stats) == sizeof(struct dmadev_stats), "statistics");
static_assert(sizeof(struct rte_dma_port_param) == sizeof(struct dmadev_port), "ports");
static_assert(offsetof(struct rte_dma_vchan_conf, dst_port) == offsetof(struct dmadev_vchan_conf, dst_port), "ports");
static_assert(sizeof(struct rte_dma_fp_object) == sizeof(struct dmadev_fp_object), "tables of data calls");
static_assert(offsetof(struct rte_dma_fp_object, burst_capacity) ==
		      offsetof(struct dmadev_fp_object, burst_capacity), "data calls");

RTE_LOG_REGISTER_DEFAULT(log_type, NOTICE)
#define LOG(level, ...) rte_log(RTE_LOG_##level, log_type, "dmadev: " __VA_ARGS__)

/* Copied by programs, and read by their inline calls. */
struct rte_dma_fp_object *rte_dma_fp_objs;

/* Logs the reason of a failed call, as DPDK's library does. */
static int logged(int result)
{
	if (result < 0)
		LOG(ERR, "%s\n", dmadev_error());
	return result;
}

int rte_dma_dev_max(size_t dev_max)
{
	int result = logged(dmadev_dev_max(dev_max));

	rte_dma_fp_objs = (struct rte_dma_fp_object *)dmadev_fp_objs;
	return result;
}

int rte_dma_get_dev_id_by_name(const char *name)
{
	return dmadev_get_dev_id_by_name(name);
}

bool rte_dma_is_valid(int16_t dev_id)
{
	return dmadev_is_valid(dev_id);
}

uint16_t rte_dma_count_avail(void)
{
	return dmadev_count_avail();
}

int16_t rte_dma_next_dev(int16_t start_dev_id)
{
	return dmadev_next_dev(start_dev_id);
}

int rte_dma_info_get(int16_t dev_id, struct rte_dma_info *dev_info)
{
	struct dmadev_info info;
	int result = logged(dmadev_info_get(dev_id, dev_info == NULL ? NULL : &info));

	if (result < 0)
		return result;
	memset(dev_info, 0, sizeof(*dev_info));
	dev_info->dev_name = info.dev_name;
	dev_info->dev_capa = info.dev_capa;
	dev_info->max_vchans = info.max_vchans;
	dev_info->max_desc = info.max_desc;
	dev_info->min_desc = info.min_desc;
	dev_info->max_sges = info.max_sges;
	dev_info->numa_node = info.numa_node;
	dev_info->nb_vchans = info.nb_vchans;
	return 0;
}

int rte_dma_configure(int16_t dev_id, const struct rte_dma_conf *dev_conf)
{
	struct dmadev_conf conf;
	int result;

	if (dev_conf == NULL)
		return logged(dmadev_configure(dev_id, NULL));
	memset(&conf, 0, sizeof(conf));
	conf.nb_vchans = dev_conf->nb_vchans;
	conf.flags = dev_conf->enable_silent ? DMADEV_CFG_FLAG_SILENT : 0;
	result = logged(dmadev_configure(dev_id, &conf));
	if (result < 0)
		return result;
	/* DPDK's tests expect it: its example driver begins to count at 0 when it starts. */
	return logged(dmadev_stats_reset(dev_id, DMADEV_ALL_VCHAN));
}

int rte_dma_start(int16_t dev_id)
{
	/* Physical addresses are nothing that an engine in software can use. */
	if (rte_eal_iova_mode() == RTE_IOVA_PA) {
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
	/* This DPDK's structure is the beginning of the other one. */
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
	return logged(dmadev_vchan_status(dev_id, vchan, (enum dmadev_vchan_status *)status));
}

int rte_dma_dump(int16_t dev_id, FILE *f)
{
	return logged(dmadev_dump(dev_id, f));
}

/* ---------------------------------------------------------------- For drivers */

struct rte_dma_dev *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size);
int rte_dma_pmd_release(const char *name);

struct rte_dma_dev *rte_dma_pmd_allocate(const char *name, int numa_node, size_t private_data_size)
{
	(void)numa_node, (void)private_data_size;
	LOG(ERR, "%s: this library has the devices of DMADEV_DEVICES only, and none of DPDK's drivers\n",
	    name == NULL ? "" : name);
	rte_errno = ENOTSUP;
	return NULL;
}

int rte_dma_pmd_release(const char *name)
{
	(void)name;
	return -EINVAL;
}

/* ---------------------------------------------------------------- Telemetry of the application */

static int list_devices(const char *command, const char *params, struct rte_tel_data *data)
{
	int16_t id;

	(void)command, (void)params;
	rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
	DMADEV_FOREACH_DEV(id)
		rte_tel_data_add_array_int(data, id);
	return 0;
}

/* The first number of the parameters; what follows is at *rest. */
static int number(const char *text, long most, const char **rest)
{
	char *end;
	long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -EINVAL;
	value = strtol(text, &end, 10);
	*rest = end;
	return value > most ? -EINVAL : (int)value;
}

static int describe_device(const char *command, const char *params, struct rte_tel_data *data)
{
	struct dmadev_info info;
	struct rte_tel_data *names;
	const char *rest;
	int id = number(params, INT16_MAX, &rest);

	(void)command;
	if (id < 0 || dmadev_info_get((int16_t)id, &info) < 0)
		return -EINVAL;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "name", info.dev_name);
	rte_tel_data_add_dict_int(data, "nb_vchans", info.nb_vchans);
	rte_tel_data_add_dict_int(data, "numa_node", info.numa_node);
	rte_tel_data_add_dict_int(data, "max_vchans", info.max_vchans);
	rte_tel_data_add_dict_int(data, "max_desc", info.max_desc);
	rte_tel_data_add_dict_int(data, "min_desc", info.min_desc);
	rte_tel_data_add_dict_int(data, "max_sges", info.max_sges);
	names = rte_tel_data_alloc();
	if (names == NULL)
		return -ENOMEM;
	rte_tel_data_start_dict(names);
	for (int bit = 0; bit < 64; bit++) {
		const char *name = dmadev_capability_name(1ULL << bit);

		if (name != NULL)
			rte_tel_data_add_dict_int(names, name, (info.dev_capa & 1ULL << bit) != 0);
	}
	rte_tel_data_add_dict_container(data, "capabilities", names, 0);
	return 0;
}

static int count_operations(const char *command, const char *params, struct rte_tel_data *data)
{
	struct dmadev_stats stats;
	struct dmadev_info info;
	const char *rest = "";
	int id = number(params, INT16_MAX, &rest), vchan = 0;

	(void)command;
	if (id < 0 || dmadev_info_get((int16_t)id, &info) < 0)
		return -EINVAL;
	/* A device with one channel needs no number of it. */
	if (*rest == ',')
		vchan = number(rest + 1, UINT16_MAX, &rest);
	else if (info.nb_vchans != 1)
		return -EINVAL;
	if (vchan < 0 || dmadev_stats_get((int16_t)id, (uint16_t)vchan, &stats) < 0)
		return -EINVAL;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_u64(data, "submitted", stats.submitted);
	rte_tel_data_add_dict_u64(data, "completed", stats.completed);
	rte_tel_data_add_dict_u64(data, "errors", stats.errors);
	return 0;
}

/* Nothing of libdmadev but the address of its array may be used before main(): Swift must not run there. */
RTE_INIT(prepare)
{
	rte_dma_fp_objs = (struct rte_dma_fp_object *)dmadev_fp_objs;
	rte_telemetry_register_cmd("/dmadev/list", list_devices, "Returns the numbers of the devices. No parameters");
	rte_telemetry_register_cmd("/dmadev/info", describe_device, "Returns a device's properties. Parameters: dev_id");
	rte_telemetry_register_cmd("/dmadev/stats", count_operations,
				   "Returns a channel's statistics. Parameters: dev_id,vchan_id (optional with one channel)");
}
